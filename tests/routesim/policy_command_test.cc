// Goal: `routesim policy` keeps its contract: the answer first, 80 columns, exit codes; and what
// `explain` says would change a verdict does change it.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/random.h"
#include "places.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

struct Ran {
  int exit_code;
  std::string output;  // stdout and stderr.
};

Ran run(const std::string& arguments) {
  const std::string command = std::string("cd '") + fare::kSourceDir + "' && '" + fare::kRoutesim +
                              "' " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  Ran ran{-1, ""};
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) ran.output += static_cast<char>(c);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ran.exit_code = WEXITSTATUS(status);
  return ran;
}

void expect_narrow(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

// A folder of files, gone with the test.
class PolicyCommandTest : public testing::Test {
 protected:
  PolicyCommandTest() { fs::create_directories(folder_); }
  ~PolicyCommandTest() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const Json& json) {
    const std::string path = (folder_ / name).string();
    std::ofstream(path) << json.dump();
    return path;
  }

 private:
  fs::path folder_ = fs::temp_directory_path() / fmt::format("fare_policy_{}", getpid());
};

// Two models; the price of "b" in micro-dollars a token is `b_price`, whatever the meter.
Json prices(const std::string& b_price) {
  const auto model = [](const char* id, const std::string& price, int context, int output) {
    return Json{{"id", id},
                {"context_tokens", context},
                {"max_output_tokens", output},
                {"prices",
                 {{{"from", "2026-01-01T00:00:00Z"},
                   {"source", "s"},
                   {"observed", "2026-01-01"},
                   {"usd_per_mtok", {{"input", price}, {"output", price}}}}}}};
  };
  return {{"format", "fare-prices/1"},
          {"vendor", "v"},
          {"currency", "USD"},
          {"sources", {{"s", {{"title", "t"}, {"where", "w"}, {"observed", "2026-01-01"}}}}},
          {"models", {model("a", "3", 1'000, 200), model("b", b_price, 100'000, 5'000)}}};
}

Json policy() {
  return Json::parse(R"({"format": "fare-policy/1", "name": "p", "expected_output_tokens": 100,
    "targets": [
      {"name": "a", "model": "a", "quality": 0.7, "capabilities": ["tools"],
       "latency": {"first_token_ms": 100, "ms_per_output_token": 1.5}},
      {"name": "b", "model": "b", "quality": 0.86, "capabilities": ["vision"],
       "latency": {"first_token_ms": 400, "ms_per_output_token": 2.25}}],
    "rules": [{"name": "r", "candidates": ["a", "b"]}]})");
}

TEST_F(PolicyCommandTest, ChecksTheShippedPolicies) {
  const Ran ran = run("policy check scenarios/policies/tiered.json --at 2026-11-26");
  EXPECT_EQ(ran.output, "fine: tiered\n");
  EXPECT_EQ(ran.exit_code, 0);
}

TEST_F(PolicyCommandTest, ShowsFindingsWithTheirPath) {
  Json file = policy();
  file["rules"] = Json::parse(R"([
    {"name": "r", "when": {"tags": {"x": "1"}}, "candidates": ["a"], "fallback": ["b"]},
    {"name": "s", "candidates": ["b"], "fallback": ["a"]}])");
  const std::string path = write("p.json", file);
  const std::string options =
      fmt::format(" --prices {} --at 2026-11-26", write("v.json", prices("4")));
  const Ran ran = run("policy check " + path + options);
  EXPECT_THAT(ran.output, StartsWith("3 findings in p\n"));
  EXPECT_THAT(ran.output, HasSubstr("  mutual_fallback at " + path + "#/rules/0/fallback\n"));
  EXPECT_THAT(ran.output, HasSubstr("    path: a -> b -> a\n"));
  EXPECT_EQ(ran.exit_code, 1);
  const Ran json = run("policy check " + path + options + " --json");
  const Json answer = Json::parse(json.output);
  EXPECT_EQ(answer["format"], "routesim-policy-check/1");
  EXPECT_EQ(answer["fine"], false);
  EXPECT_EQ(answer["findings"][2]["path"], "a -> b -> a");
  EXPECT_EQ(json.exit_code, 1);
}

TEST_F(PolicyCommandTest, ReadsWhatAPolicyExtends) {
  write("base.json", policy());
  const std::string path = write("p.json", Json::parse(R"({"format": "fare-policy/1", "name": "q",
    "extends": "base.json", "rules": [{"name": "r", "candidates": ["a"]}]})"));
  const std::string options =
      fmt::format(" --prices {} --at 2026-11-26", write("v.json", prices("4")));
  const Ran ran = run("policy check " + path + options);
  EXPECT_THAT(ran.output, StartsWith("1 finding in q\n  unused_target at "));
  const std::string self =
      write("self.json", {{"format", "fare-policy/1"}, {"name", "s"}, {"extends", "self.json"}});
  const Ran cycle = run("policy check " + self + options);
  EXPECT_THAT(cycle.output, HasSubstr("extends itself: " + self + " -> " + self));
  EXPECT_EQ(cycle.exit_code, 2);
}

TEST_F(PolicyCommandTest, SaysWhoServesAndWhyNobodyElse) {
  Json file = policy();
  file["rules"][0]["quality_floor"] = 0.8;
  const std::string options = fmt::format("{} --prices {} --at 2026-11-26", write("p.json", file),
                                          write("v.json", prices("4")));
  const Ran ran = run("policy explain " + options + " --request '{\"input_tokens\": 400}'");
  EXPECT_EQ(ran.output,
            "b, by rule \"r\", at 2026-11-26T00:00:00Z\n"
            "  a: below_floor, $0.0015, quality 0.7, 248 ms\n"
            "    floor 0.8 > 0.7; with a floor of 0.7: chosen\n"
            "  b: chosen, $0.002, quality 0.86, 623 ms\n");
  EXPECT_EQ(ran.exit_code, 0);
  const Ran refused = run("policy explain " + options + " --request '{\"input_tokens\": 400, " +
                          "\"capabilities\": [\"tools\"]}'");
  EXPECT_THAT(refused.output, StartsWith("refused: no_target, by rule \"r\""));
  EXPECT_THAT(refused.output, HasSubstr("    lacks tools; without: chosen\n"));
  EXPECT_EQ(refused.exit_code, 1);
  expect_narrow(ran.output + refused.output);
}

TEST_F(PolicyCommandTest, ComplainsOfBadRequests) {
  const std::string options =
      fmt::format("policy explain {} --prices {} --at 2026-11-26 --request ",
                  write("p.json", policy()), write("v.json", prices("4")));
  const Ran ran = run(options + "'{\"input_tokens\": -1, \"clas\": \"x\"}'");
  EXPECT_THAT(ran.output, HasSubstr("--request#/input_tokens: must be a whole number from 0"));
  EXPECT_THAT(ran.output, HasSubstr("--request#/clas: is not a known key; did you mean"));
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_EQ(run(options + "nonsense").exit_code, 2);
  EXPECT_EQ(run("policy explain nowhere.json --request '{\"input_tokens\": 1}'").exit_code, 2);
  EXPECT_EQ(run("policy").exit_code, 2);
}

// Method: random questions; each what-if is applied to the files and the request, and the program
// is asked anew.
TEST_F(PolicyCommandTest, WhatItSaysWouldChangeAVerdictChangesIt) {
  const fare::RandomKey key(7, 0, fare::Purpose::kTest);
  std::set<std::string> met;
  const auto ask = [&](const Json& file, const Json& request, const std::string& b_price) {
    const Ran ran =
        run(fmt::format("policy explain {} --prices {} --at 2026-11-26 --json --request '{}'",
                        write("p.json", file), write("v.json", prices(b_price)), request.dump()));
    return Json::parse(ran.output)["candidates"];
  };
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    fare::RandomStream random(key, seed);
    Json file = policy();
    Json& rule = file["rules"][0];
    if (random.below(3) == 0)
      rule["quality_floor"] = 0.6 + 0.1 * static_cast<double>(random.below(4));
    if (random.below(4) == 0) rule["latency_bound_ms"] = 100 + 200 * random.below(4);
    Json request = {{"input_tokens", 100 + random.below(1'500)}};
    if (random.below(4) == 0) request["max_output_tokens"] = 150 + random.below(200);
    if (random.below(4) == 0) request["latency_bound_ms"] = 150 + 200 * random.below(3);
    if (random.below(4) == 0) request["capabilities"] = {"tools"};
    const std::string b_price = random.below(2) == 0 ? "4" : "2";
    const Json candidates = ask(file, request, b_price);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (!candidates[i].contains("what_if")) continue;
      const Json what_if = candidates[i]["what_if"];
      const std::string change = what_if["change"];
      SCOPED_TRACE(change);
      met.insert(change);
      Json changed_file = file;
      Json changed = request;
      Json& changed_rule = changed_file["rules"][0];
      if (change == "quality_floor") {
        changed_rule[change] = what_if["to"];
      } else if (change == "latency_bound_ms") {
        const double to = what_if["to"];
        for (Json* place : {&changed_rule, &changed}) {
          if (place->contains(change))
            (*place)[change] = std::max((*place)[change].get<double>(), to);
        }
      } else if (change.starts_with("cost_usd")) {
        continue;  // Below.
      } else {
        changed[change] = what_if["to"];
      }
      EXPECT_EQ(ask(changed_file, changed, b_price)[i]["verdict"], what_if["verdict"]);
      if (change == "input_tokens") {
        changed[change] = what_if["to"].get<int>() + 1;
        EXPECT_EQ(ask(changed_file, changed, b_price)[i]["verdict"], "context_too_short")
            << "one token more is too long";
      }
    }
  }
  EXPECT_EQ(met, (std::set<std::string>{"capabilities", "cost_usd_at_most", "cost_usd_below",
                                        "input_tokens", "latency_bound_ms", "max_output_tokens",
                                        "quality_floor"}));
}

// 100 tokens in all: a cent of a price is a hundredth of a micro-dollar a token.
TEST_F(PolicyCommandTest, AtThePriceItNamesACandidateWins) {
  const Json request = {{"input_tokens", 0}};
  const auto verdict_of = [&](const Json& file, const std::string& b_price) {
    const Ran ran =
        run(fmt::format("policy explain {} --prices {} --at 2026-11-26 --json --request '{}'",
                        write("p.json", file), write("v.json", prices(b_price)), request.dump()));
    const Json answer = Json::parse(ran.output);
    for (const Json& one : answer["candidates"]) {
      if (one["target"] == "b") return one;
    }
    return Json();
  };
  Json file = policy();
  const Json loser = verdict_of(file, "4");
  EXPECT_EQ(loser["what_if"]["change"], "cost_usd_below");
  EXPECT_EQ(loser["what_if"]["to"], "0.0003") << "a hundred tokens at $3 a million";
  EXPECT_EQ(verdict_of(file, "3")["verdict"], "costs_more") << "of equals the first wins";
  EXPECT_EQ(verdict_of(file, "2.999999")["verdict"], "chosen");
  file["rules"][0]["candidates"] = {"b", "a"};
  EXPECT_EQ(verdict_of(file, "4")["what_if"]["change"], "cost_usd_at_most");
  EXPECT_EQ(verdict_of(file, "3")["verdict"], "chosen");
  EXPECT_EQ(verdict_of(file, "3.000001")["verdict"], "costs_more");
}

TEST_F(PolicyCommandTest, HelpShowsExamples) {
  for (const char* command : {"policy check --help", "policy explain --help"}) {
    const Ran ran = run(command);
    EXPECT_THAT(ran.output, HasSubstr("Examples:\n  routesim policy "));
    EXPECT_EQ(ran.exit_code, 0);
    expect_narrow(ran.output);
  }
}

}  // namespace
}  // namespace routesim
