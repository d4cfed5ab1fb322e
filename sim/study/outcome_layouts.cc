#include "study/outcome_layouts.h"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "fare/text_features.h"
#include "study/csv_text.h"
#include "study/files.h"
#include "traffic/byte_source.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using fare::ErrorCode;
using Json = nlohmann::ordered_json;

constexpr std::size_t kInflatedMax = std::size_t{256} << 20;

struct Row {
  Json json;
  std::string hash;  // Of the prompt.
};
using Rows = fare::Expected<std::vector<Row>>;

Row make_row(std::string id, std::string prompt, std::string group) {
  Row row;
  row.hash = fare::prompt_hash(prompt);
  row.json = {{"id", std::move(id)}, {"prompt", std::move(prompt)}, {"group", std::move(group)}};
  return row;
}

// A whole file, inflated.
fare::Expected<std::string> read_inflated(const std::string& path) {
  auto source = ByteSource::open(path);
  if (!source) return tl::unexpected(source.error());
  std::string text, piece(std::size_t{1} << 20, '\0');
  for (std::size_t size = source->read(piece); size > 0; size = source->read(piece)) {
    text.append(piece, 0, size);
    if (text.size() > kInflatedMax) {
      return fare::fail(ErrorCode::kOutOfRange, path,
                        fmt::format("must be at most {} bytes when inflated", kInflatedMax));
    }
  }
  if (source->error()) return fare::fail(source->error()->code, path, source->error()->message);
  return text;
}

// Lines of JSON, each with its number.
fare::Expected<std::vector<Json>> read_lines(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  std::vector<Json> lines;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    const std::string line = text->substr(at, end - at);
    ++number;
    at = end + 1;
    if (line.find_first_not_of(" \r\t") == std::string::npos) continue;
    Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) {
      return fare::fail(ErrorCode::kSyntax, fmt::format("{}:{}", path, number),
                        "must be a JSON object in one line");
    }
    lines.push_back(std::move(json));
  }
  return lines;
}

std::string text_member(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || !found->is_string() ? "" : found->get<std::string>();
}

Rows read_routellm(const std::string& folder, Converted& out) {
  std::set<std::string> contaminated;
  const auto bad = read_lines(folder + "/contaminated_prompts.jsonl");
  if (!bad) return tl::unexpected(bad.error());
  for (const Json& json : *bad) contaminated.insert(text_member(json, "eval_prompt"));
  const auto files = list_folder(folder + "/responses", ".csv");
  if (!files) return tl::unexpected(files.error());
  std::vector<Row> rows;
  std::size_t left_out = 0;
  for (const std::string& path : *files) {
    const auto text = read_file(path);
    if (!text) return tl::unexpected(text.error());
    const std::string subject = fs::path(path).stem().string();
    CsvText csv(*text);
    std::vector<std::string> header, fields;
    csv.next(header);
    while (csv.next(fields)) {
      if (fields.size() != header.size() || header[0] != "prompt") {
        return fare::fail(ErrorCode::kSyntax, fmt::format("{}:{}", path, csv.line()),
                          "must have a prompt and one column a model");
      }
      if (contaminated.count(fields[0]) > 0) {
        ++left_out;
        continue;
      }
      Row row = make_row(fmt::format("{}-{}", subject, csv.line()), fields[0], subject);
      for (std::size_t i = 1; i < header.size(); ++i) {
        row.json["outcomes"][header[i]]["quality"] = fields[i] == "True" ? 1 : 0;
      }
      rows.push_back(std::move(row));
    }
  }
  out.notes.push_back(fmt::format("{} contaminated prompts left out", left_out));
  return rows;
}

// Dollars as a float prints them, as a decimal that parse_usd() reads.
std::string dollars(const std::string& text) {
  std::string decimal = fmt::format("{:.12f}", std::strtod(text.c_str(), nullptr));
  while (decimal.back() == '0') decimal.pop_back();
  if (decimal.back() == '.') decimal.pop_back();
  return decimal;
}

std::string joined(const std::string& cell) {
  const auto strings = python_strings(cell);
  if (!strings) return cell;
  return fmt::format("{}", fmt::join(*strings, "\n"));
}

Rows read_routerbench_file(const std::string& path, const std::string& split) {
  const auto text = read_inflated(path);
  if (!text) return tl::unexpected(text.error());
  CsvText csv(*text);
  std::vector<std::string> header, fields;
  csv.next(header);
  std::map<std::string, std::size_t> column;
  for (std::size_t i = 0; i < header.size(); ++i) column[header[i]] = i;
  if (!column.contains("prompt") || !column.contains("sample_id") ||
      !column.contains("eval_name")) {
    return fare::fail(ErrorCode::kMissingKey, path, "has no column sample_id, prompt or eval_name");
  }
  std::vector<Row> rows;
  while (csv.next(fields)) {
    if (fields.size() != header.size()) {
      return fare::fail(
          ErrorCode::kSyntax, fmt::format("{}:{}", path, csv.line()),
          fmt::format("has {} fields, but the header has {}", fields.size(), header.size()));
    }
    Row row = make_row(fields[column["sample_id"]], joined(fields[column["prompt"]]),
                       fields[column["eval_name"]]);
    row.json["split"] = split;
    for (const auto& [name, index] : column) {
      const auto paid = column.find(name + "|total_cost");
      if (paid == column.end() || fields[index].empty()) continue;
      Json& outcome = row.json["outcomes"][name];
      outcome["quality"] = std::strtod(fields[index].c_str(), nullptr);
      if (!fields[paid->second].empty()) outcome["cost_usd"] = dollars(fields[paid->second]);
      const auto answer = column.find(name + "|model_response");
      if (answer != column.end()) outcome["answer"] = joined(fields[answer->second]);
    }
    if (row.json.contains("outcomes")) rows.push_back(std::move(row));
  }
  return rows;
}

Rows read_routerbench(const std::string& folder, Converted&) {
  const auto files = list_folder(folder, ".csv.gz");
  if (!files) return tl::unexpected(files.error());
  std::vector<Row> rows;
  for (const std::string& path : *files) {
    for (const char* split : {"train", "test"}) {
      if (!path.ends_with(fmt::format("_{}.csv.gz", split))) continue;
      auto more = read_routerbench_file(path, split);
      if (!more) return more;
      std::move(more->begin(), more->end(), std::back_inserter(rows));
    }
  }
  return rows;
}

Rows read_tiers(const std::string& folder, Converted&) {
  std::vector<Row> rows;
  for (const auto& [file, split] : {std::pair{"train", "train"}, std::pair{"dev", "test"}}) {
    const auto lines = read_lines(fmt::format("{}/{}.jsonl", folder, file));
    if (!lines) return tl::unexpected(lines.error());
    for (const Json& json : *lines) {
      Row row = make_row(fmt::format("{}-{}", file, rows.size()), text_member(json, "prompt"),
                         text_member(json, "lang"));
      row.json["split"] = split;
      row.json["class"] = text_member(json, "expected_tier");
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

// Leaves out what is tested on but asks the same as what is learnt from, and ids that stand twice.
void drop_duplicates(std::vector<Row>& rows, Converted& out) {
  std::set<std::string> learnt, ids;
  for (const Row& row : rows) {
    if (text_member(row.json, "split") == "train") learnt.insert(row.hash);
  }
  const std::size_t before = rows.size();
  std::erase_if(rows, [&](const Row& row) {
    return text_member(row.json, "split") == "test" && learnt.count(row.hash) > 0;
  });
  if (before > rows.size()) {
    out.notes.push_back(fmt::format(
        "{} test prompts left out that ask the same as one to learn from", before - rows.size()));
  }
  const std::size_t unique = rows.size();
  std::erase_if(rows,
                [&](const Row& row) { return !ids.insert(text_member(row.json, "id")).second; });
  if (unique > rows.size()) {
    out.notes.push_back(
        fmt::format("{} rows left out whose id stands twice", unique - rows.size()));
  }
}

// The prompts that the seed draws first are to be learnt from.
void split_rows(std::vector<Row>& rows, const ConvertOptions& options) {
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& hash = rows[i].hash;
    order.emplace_back(XXH3_64bits_withSeed(hash.data(), hash.size(), options.seed), i);
  }
  std::sort(order.begin(), order.end());
  const double all = static_cast<double>(rows.size());
  const double wanted = options.train < 1 ? options.train * all : std::min(options.train, all);
  const auto count = static_cast<std::size_t>(std::llround(wanted));
  const std::uint64_t last = count > 0 ? order[count - 1].first : 0;
  for (const auto& [key, index] : order) {
    rows[index].json["split"] = count > 0 && key <= last ? "train" : "test";
  }
}

}  // namespace

fare::Expected<OutcomeLayout> parse_outcome_layout(std::string_view name) {
  if (name == "routellm") return OutcomeLayout::kRouteLlm;
  if (name == "routerbench") return OutcomeLayout::kRouterBench;
  if (name == "tiers") return OutcomeLayout::kTiers;
  return fare::fail(
      ErrorCode::kUnknownName, "--from",
      fmt::format("must be one of routellm, routerbench, tiers, but is \"{}\"", name));
}

fare::Expected<Converted> convert_outcomes(const std::string& folder,
                                           const ConvertOptions& options) {
  if (options.train > 0 && options.layout != OutcomeLayout::kRouteLlm) {
    return fare::fail(ErrorCode::kConflict, "--train", "this layout has a split of its own");
  }
  Converted out;
  Rows rows = options.layout == OutcomeLayout::kRouteLlm      ? read_routellm(folder, out)
              : options.layout == OutcomeLayout::kRouterBench ? read_routerbench(folder, out)
                                                              : read_tiers(folder, out);
  if (!rows) return tl::unexpected(rows.error());
  if (options.train > 0) split_rows(*rows, options);
  drop_duplicates(*rows, out);
  if (rows->empty()) return fare::fail(ErrorCode::kMissingKey, folder, "has no rows");
  for (const Row& row : *rows) {
    out.lines += row.json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  out.rows = rows->size();
  return out;
}

}  // namespace routesim
