// Goal: scenarios/KEYS.md tells every key of a scenario, and nothing that is not so.
// Method: its examples are put in their places in a whole scenario and loaded.  Then keys are tried
// there, with a value that no reader takes: a reader that knows the key says what it must be, which
// is what the table must say; one that does not calls it unknown.  Tried are the keys of the tables
// and every text in the sources of the readers that could be a key; so a key that is missing in a
// table is found, as is an object whose keys have no table.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "places.h"
#include "study/files.h"
#include "study/scenario.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Lines = std::vector<std::string>;

constexpr const char* kNobodysKey = "nobodys_key";
constexpr const char* kClass = "default";  // Stands for CLASS.

// What the scenario has around an example.
constexpr const char* kBase = R"({
  "format": "fare-scenario/1", "name": "base", "question": "Does it load?",
  "start": "2026-11-23T00:00:00Z",
  "extra_prices": [{"format": "fare-prices/1", "vendor": "anthropic", "currency": "USD",
    "sources": {"here": {"title": "Made up", "where": "here", "observed": "2026-11-23"}},
    "models": [{"id": "claude-haiku-5-5", "prices": [
      {"from": "2026-01-01T00:00:00Z", "source": "here", "observed": "2026-11-23",
       "usd_per_mtok": {"input": "1", "output": "5"}}]}]}],
  "traffic": {"arrivals": {"process": "poisson", "per_second": 0.5, "hours": 1},
              "input_tokens": 500, "output_tokens": 100},
  "world": {"models": [{"provider": "anthropic", "model": "claude-haiku-5-5", "origin": "assumed",
                        "first_token_ms": 500, "ms_per_output_token": 9, "skill": 2}],
            "regions": [{"name": "us-east"}], "judges": [{"name": "rubric"}]},
  "policies": [{"policy": {"format": "fare-policy/1", "name": "haiku",
    "expected_output_tokens": 100,
    "classes": [{"name": "default"}, {"name": "simple"}, {"name": "complex"}],
    "targets": [{"name": "haiku", "model": "claude-haiku-5-5"}],
    "rules": [{"name": "all", "candidates": ["haiku"]}]}}]})";

// The files that examples name.
const std::map<std::string, std::string> kFiles = {
    {"trace.csv", "seconds,input_tokens,output_tokens\n0,100,20\n1.5,200,30\n"},
    {"clients.csv", "client,window_start_s,rate,cv,pattern\n0,0,1.33,8.6,Weibull\n"},
    {"prompts.jsonl",
     R"({"timestamp": 0, "input_length": 700, "output_length": 5, "hash_ids": [0, 1]})"},
    {"sessions.jsonl",
     R"({"id": "s", "block_size": 64, "requests": [{"t": 1.5, "model": "m", "in": 200, "out": 3,)"
     R"( "h": [1, 3], "input_types": ["text"], "output_types": []}]})"},
    {"outcomes.jsonl", R"({"id": "1", "prompt": "Why?", "split": "test", "outcomes":)"
                       R"( {"claude-haiku-5-5": {"quality": 1}}})"},
};

struct Row {
  std::string key;  // As written: "limits", "states[].weight".
  std::string value;
  std::string by_default;
};

// Whatever stands under one path: of all headings that name it.
struct Section {
  std::vector<json> examples;
  std::vector<Row> rows;

  bool has(const std::string& key) const {
    return std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.key == key; });
  }
};

using Page = std::map<std::string, Section>;

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string source(const std::string& path) {
  return read_file(std::string(fare::kSourceDir) + "/" + path).value();
}

// The texts in backquotes of a line.
Lines code_of(const std::string& line) {
  Lines found;
  for (std::size_t at = line.find('`'); at != std::string::npos;) {
    const std::size_t end = line.find('`', at + 1);
    if (end == std::string::npos) break;
    found.push_back(line.substr(at + 1, end - at - 1));
    at = line.find('`', end + 1);
  }
  return found;
}

Row read_row(const std::string& line) {
  Lines cells;
  std::istringstream stream(line.substr(1));
  for (std::string cell; std::getline(stream, cell, '|');) {
    cells.push_back(cell.size() > 2 ? cell.substr(1, cell.size() - 2) : "");
  }
  EXPECT_EQ(cells.size(), 4u) << line;
  cells.resize(4);
  EXPECT_FALSE(cells[1].empty() || cells[2].empty() || cells[3].empty()) << line;
  return {code_of(cells[0]).front(), cells[1], cells[2]};
}

// The JSON values of a block, each from a line that begins one to that at which it is whole.
void read_block(const Lines& lines, Section& section) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
    const json value = json::parse(text, nullptr, false);
    if (value.is_discarded()) continue;
    section.examples.push_back(value);
    text.clear();
  }
  EXPECT_EQ(text, "") << "no JSON";
}

Page read_page(const std::string& text) {
  Page page;
  Section* section = nullptr;
  std::optional<Lines> block;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("```")) {
      if (block && section != nullptr) read_block(*block, *section);
      EXPECT_TRUE(section != nullptr) << line;
      block = block ? std::nullopt : std::optional<Lines>(Lines{});
    } else if (block) {
      block->push_back(line);
    } else if (line.starts_with("##")) {
      const Lines code = code_of(line);
      EXPECT_EQ(code.size(), 1u) << line;
      section = &page[code.front() == "{}" ? "" : code.front()];
    } else if (line.starts_with("| `") && section != nullptr) {
      const Row row = read_row(line);
      EXPECT_FALSE(section->has(row.key)) << "twice: " << line;
      section->rows.push_back(row);
    }
  }
  return page;
}

const Page& page() {
  static const Page page = read_page(source("scenarios/KEYS.md"));
  return page;
}

// "world.models[].pool" as a JSON pointer, "/world/models/0/pool".
std::string pointer_of(const std::string& path) {
  std::string pointer;
  std::istringstream steps(path);
  for (std::string step; std::getline(steps, step, '.');) {
    const bool is_list = step.ends_with("[]");
    const std::string name = is_list ? step.substr(0, step.size() - 2) : step;
    pointer += "/" + (name == "CLASS" ? kClass : name) + (is_list ? "/0" : "");
  }
  return pointer;
}

std::string join(const std::string& path, const std::string& key) {
  return path.empty() || key.empty() ? path + key : path + "." + key;
}

// The object that holds the key, and the key's own name: "states[]" and "weight".
std::pair<std::string, std::string> split(const std::string& key) {
  const std::size_t dot = key.rfind('.');
  if (dot == std::string::npos) return {"", key};
  return {key.substr(0, dot), key.substr(dot + 1)};
}

// Puts a value where the pointer says; what stands in the way of it is replaced.
void put(json& root, const std::string& pointer, json value) {
  json* place = &root;
  std::istringstream steps(pointer.empty() ? "" : pointer.substr(1));
  for (std::string step; std::getline(steps, step, '/');) {
    if (step == "0") {
      if (!place->is_array() || place->empty()) *place = json::array({json()});
      place = &(*place)[0];
    } else {
      if (!place->is_object()) *place = json::object();
      place = &(*place)[step];
    }
  }
  *place = std::move(value);
}

json complete(const std::string& path, const json& example) {
  json scenario = json::parse(kBase);
  json& model = scenario["world"]["models"][0];
  if (path == "world.models[].cache") {  // Rules stand beside tables in files.
    scenario.erase("extra_prices");
    scenario["prices"] = {"../pricing/anthropic.json"};
  }
  if (path == "world.outcomes") model.erase("skill");  // Which they replace.
  if (path == "world.models[].pool") {
    model = {{"provider", model["provider"]}, {"model", model["model"]}};
  }
  put(scenario, pointer_of(path), example);
  return scenario;
}

class KeysTest : public testing::Test {
 protected:
  KeysTest() {
    fs::create_directories(folder_ / "scenarios");
    const fs::path root(fare::kSourceDir);
    if (!fs::exists(folder_ / "pricing")) {
      fs::create_directory_symlink(root / "pricing", folder_ / "pricing");
    }
    for (const auto& [name, text] : kFiles) write(name, text + "\n");
  }

  ~KeysTest() override { fs::remove_all(folder_); }

  fare::Errors load(const json& scenario) const {
    write("scenario.json", scenario.dump());
    const auto loaded = load_scenario(file(), {});
    return loaded ? fare::Errors{} : loaded.error();
  }

  std::string file() const { return (folder_ / "scenarios/scenario.json").string(); }

  // What is said of a place; nothing if nothing is.
  std::optional<fare::Error> said_of(const fare::Errors& errors, const std::string& pointer) const {
    for (const fare::Error& error : errors) {
      if (error.where == file() + "#" + pointer) return error;
    }
    return std::nullopt;
  }

  // Which of the keys an object takes; nothing if it is never read.
  std::optional<Lines> keys_taken(const json& scenario, const std::string& place,
                                  const Lines& keys) const {
    constexpr std::size_t kAtOnce = 50;  // More problems than a hundred are not told.
    Lines taken;
    for (std::size_t from = 0; from < keys.size(); from += kAtOnce) {
      json tried = scenario;
      const std::size_t to = std::min(from + kAtOnce, keys.size());
      for (std::size_t i = from; i < to; ++i) put(tried, place + "/" + keys[i], nullptr);
      const fare::Errors errors = load(tried);
      for (std::size_t end = place.size(); end != 0 && end != std::string::npos;
           end = place.rfind('/', end - 1)) {
        if (calls_unknown(errors, place.substr(0, end))) return std::nullopt;
      }
      for (std::size_t i = from; i < to; ++i) {
        if (!calls_unknown(errors, place + "/" + keys[i])) taken.push_back(keys[i]);
      }
    }
    return taken;
  }

  // Whether an object is told that it needs the key.
  bool misses(const fare::Errors& errors, const std::string& place, const std::string& key) const {
    const std::string where = file() + (place.empty() ? "" : "#" + place);
    return std::any_of(errors.begin(), errors.end(), [&](const fare::Error& error) {
      return error.where == where && error.message == "needs the key \"" + key + "\"";
    });
  }

  bool calls_unknown(const fare::Errors& errors, const std::string& pointer) const {
    return std::any_of(errors.begin(), errors.end(), [&](const fare::Error& error) {
      return error.where == file() + "#" + pointer && error.code == fare::ErrorCode::kUnknownKey;
    });
  }

 private:
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / "scenarios" / name) << text;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("fare_keys_" + std::to_string(getpid()));
};

// Every text in quotes in what scenarios are read with that could be the name of a key.
std::set<std::string> possible_keys() {
  std::set<std::string> found;
  static const std::regex kText("\"([a-z][a-z0-9_]*)\"");
  for (const char* const folder : {"engine", "traffic", "world", "study"}) {
    for (const auto& entry : fs::directory_iterator(fs::path(fare::kSourceDir) / "sim" / folder)) {
      if (entry.path().extension() != ".cc" && entry.path().extension() != ".h") continue;
      const std::string text = read_file(entry.path().string()).value();
      for (std::sregex_iterator it(text.begin(), text.end(), kText), end; it != end; ++it) {
        found.insert((*it)[1]);
      }
    }
  }
  found.erase(kClass);  // A key only where CLASS is one.
  return found;
}

// The objects of a section: itself, and those in which its keys stand.
std::set<std::string> objects_of(const Section& section) {
  std::set<std::string> objects{""};
  for (const Row& row : section.rows) objects.insert(split(row.key).first);
  return objects;
}

// The bounds "A..B" that a cell states.
std::vector<std::pair<double, double>> ranges_in(std::string cell) {
  std::erase(cell, ',');
  static const std::regex kRange(R"((-?[0-9.e+-]*[0-9])\.\.(-?[0-9][0-9.e+-]*))");
  std::vector<std::pair<double, double>> ranges;
  for (std::sregex_iterator it(cell.begin(), cell.end(), kRange), end; it != end; ++it) {
    ranges.emplace_back(std::stod((*it)[1]), std::stod((*it)[2]));
  }
  return ranges;
}

Lines quoted_in(const std::string& text) {
  static const std::regex kQuoted("\"([^\"]*)\"");
  Lines found;
  for (std::sregex_iterator it(text.begin(), text.end(), kQuoted), end; it != end; ++it) {
    found.push_back((*it)[1]);
  }
  return found;
}

bool states_range(const std::string& cell, const std::smatch& rule) {
  const std::pair<double, double> range{std::stod(rule[1]), std::stod(rule[2])};
  const auto ranges = ranges_in(cell);
  return std::find(ranges.begin(), ranges.end(), range) != ranges.end();
}

// Whether a cell says what a reader says of a value that it does not take.
bool agrees(const std::string& cell, const std::string& message) {
  static const std::regex kNumber("must be a number from (\\S+) to (\\S+), but.*");
  static const std::regex kWhole("must be a whole number from (\\S+) to (\\S+), but.*");
  static const std::regex kText("must be a text of 1 to (\\S+) bytes, but.*");
  static const std::regex kItems("must be a list of (\\S+) to (\\S+) items, but.*");
  const auto says = [&](std::string_view words) { return cell.find(words) != std::string::npos; };
  std::smatch rule;
  if (std::regex_match(message, rule, kWhole)) return says("whole") && states_range(cell, rule);
  if (std::regex_match(message, rule, kNumber)) return !says("whole") && states_range(cell, rule);
  if (std::regex_match(message, rule, kItems)) return says("list, ") && states_range(cell, rule);
  if (std::regex_match(message, rule, kText)) {
    if (rule[1] == "32") return says("SHARE");
    if (rule[1] == "256") return says("INSTANT") || says("USD");
    std::string plain = cell;
    std::erase(plain, ',');
    return plain.find("text " + rule[1].str() + " bytes") != std::string::npos;
  }
  if (message.starts_with("must be one of")) {
    if (says("name of one of the world's")) return true;
    Lines names = quoted_in(message);
    return quoted_in(cell) == names;
  }
  if (message.starts_with("must be true or false")) return says("true or false");
  if (message.starts_with("must be a list")) return says("list, ");
  if (message.find("an object with a \"kind\"") != std::string::npos) return says("DISTRIBUTION");
  return true;
}

TEST_F(KeysTest, ExamplesLoad) {
  std::size_t examples = 0;
  for (const auto& [path, section] : page()) {
    EXPECT_FALSE(section.examples.empty()) << path;
    for (const json& example : section.examples) {
      const fare::Errors errors = load(complete(path, example));
      EXPECT_TRUE(errors.empty()) << path << ": " << example << "\n" << fare::to_text(errors);
      ++examples;
    }
  }
  EXPECT_GE(page().size(), 20u);
  EXPECT_GE(examples, 50u);
}

TEST_F(KeysTest, EveryKeyOfATableIsAccepted) {
  for (const auto& [path, section] : page()) {
    for (const Row& row : section.rows) {
      bool is_known = false;
      for (const json& example : section.examples) {
        if (!example.is_object()) continue;
        const auto [object, name] = split(row.key);
        const std::string place = pointer_of(join(path, object));
        json scenario = complete(path, example);
        // With one that nobody knows beside it, so that a reader that never looks is not believed.
        put(scenario, place + "/" + kNobodysKey, nullptr);
        const std::string key = pointer_of(join(path, row.key));
        const json::json_pointer there(key.ends_with("/0") ? key.substr(0, key.size() - 2) : key);
        if (!scenario.contains(there)) put(scenario, there.to_string(), nullptr);
        const fare::Errors errors = load(scenario);
        is_known = is_known || (calls_unknown(errors, place + "/" + kNobodysKey) &&
                                !calls_unknown(errors, there.to_string()));
      }
      EXPECT_TRUE(is_known) << path << ": no reader takes the key \"" << row.key << "\"";
    }
  }
}

TEST_F(KeysTest, EveryKeyThatAReaderTakesHasItsRow) {
  const std::set<std::string> possible = possible_keys();
  EXPECT_GT(possible.size(), 200u);
  for (const auto& [path, section] : page()) {
    for (const std::string& object : objects_of(section)) {
      Lines others;
      for (const std::string& key : possible) {
        if (!section.has(join(object, key))) others.push_back(key);
      }
      const std::string place = pointer_of(join(path, object));
      std::size_t reached = 0;
      for (const json& example : section.examples) {
        if (!example.is_object()) continue;
        const std::optional<Lines> taken = keys_taken(complete(path, example), place, others);
        if (!taken) continue;
        EXPECT_EQ(*taken, Lines{})
            << "keys of " << place << " of which no table tells, beside " << example;
        ++reached;
      }
      EXPECT_GT(reached, 0u) << "no example is read at " << place;
    }
  }
}

// Where a value is an object, its keys have rows, or a section, or stand where a link leads.
TEST_F(KeysTest, EveryObjectHasItsKeysTold) {
  for (const auto& [path, section] : page()) {
    for (const Row& row : section.rows) {
      const std::set<std::string> objects = objects_of(section);
      const bool is_told =
          objects.contains(row.key) || objects.contains(row.key + "[]") ||
          page().contains(join(path, row.key)) || page().contains(join(path, row.key) + "[]") ||
          row.value.find("](#") != std::string::npos || section.has(row.key + ".CLASS");
      if (is_told) continue;
      for (const char* const item : {"", "[]"}) {
        for (const json& example : section.examples) {
          if (!example.is_object()) continue;
          const std::string place = pointer_of(join(path, row.key) + item);
          json scenario = complete(path, example);
          put(scenario, place, {{kNobodysKey, nullptr}});
          EXPECT_FALSE(calls_unknown(load(scenario), place + "/" + kNobodysKey))
              << path << ": \"" << row.key << "\" is an object, of whose keys no table tells";
        }
      }
    }
  }
}

TEST_F(KeysTest, TablesStateTheRangesOfTheReaders) {
  std::size_t agreed = 0;
  for (const auto& [path, section] : page()) {
    for (const Row& row : section.rows) {
      for (const json& example : section.examples) {
        if (!example.is_object()) continue;
        for (const json& none : {json(), json::array()}) {
          const std::string place = pointer_of(join(path, row.key));
          json scenario = complete(path, example);
          put(scenario, place, none);
          const auto error = said_of(load(scenario), place);
          if (!error || error->code == fare::ErrorCode::kUnknownKey) continue;
          EXPECT_TRUE(agrees(row.value, error->message))
              << path << ": \"" << row.key << "\" " << error->message << ", says its reader; \""
              << row.value << "\" says its table";
          ++agreed;
        }
      }
    }
  }
  EXPECT_GT(agreed, 200u);
}

TEST_F(KeysTest, WhatIsRequiredIsMissed) {
  std::size_t missed = 0;
  for (const auto& [path, section] : page()) {
    for (const Row& row : section.rows) {
      const auto [object, name] = split(row.key);
      const std::string place = pointer_of(join(path, object));
      const json::json_pointer parent(place);
      const bool is_required = row.by_default == "required";
      const bool depends = row.by_default.find("need") != std::string::npos ||
                           row.by_default.find("required") != std::string::npos;
      for (const json& example : section.examples) {
        json scenario = complete(path, example);
        if (!scenario.contains(parent) || !scenario[parent].is_object()) continue;
        scenario[parent].erase(pointer_of(name).substr(1));
        const bool is_missed = misses(load(scenario), place, pointer_of(name).substr(1));
        missed += is_missed ? 1 : 0;
        EXPECT_TRUE(is_required ? is_missed : !is_missed || depends)
            << path << ": \"" << row.key << "\" is \"" << row.by_default << "\", says its table";
      }
    }
  }
  EXPECT_GT(missed, 100u);
}

TEST_F(KeysTest, LinksLeadToItsHeadings) {
  const std::string text = source("scenarios/KEYS.md");
  std::set<std::string> anchors;
  for (const std::string& line : lines_of(text)) {
    if (!line.starts_with("#")) continue;
    std::string anchor;
    for (const char c : line.substr(line.find(' ') + 1)) {
      const auto byte = static_cast<unsigned char>(c);
      if (std::isalnum(byte) != 0 || c == '_' || c == '-')
        anchor += static_cast<char>(std::tolower(byte));
      if (c == ' ') anchor += '-';
    }
    EXPECT_TRUE(anchors.insert(anchor).second) << line;
  }
  std::size_t links = 0;
  for (std::size_t at = text.find("](#"); at != std::string::npos; at = text.find("](#", at + 1)) {
    const std::string anchor = text.substr(at + 3, text.find(')', at) - at - 3);
    EXPECT_TRUE(anchors.contains(anchor)) << anchor;
    ++links;
  }
  EXPECT_GE(links, 20u);
  EXPECT_NE(source("scenarios/README.md").find("](KEYS.md)"), std::string::npos);
}

}  // namespace
}  // namespace routesim
