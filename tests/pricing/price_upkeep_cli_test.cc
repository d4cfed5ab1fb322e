// Goal: the upkeep commands keep their contract with people and scripts: output, errors, exit
// codes.
// Method: they are run as people run them, through a shell.

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "places.h"
#include "pricing/upkeep_fixture.h"
#include "study/fixture.h"

namespace routesim {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Ran {
  int exit_code;
  std::string output;  // stdout and stderr.
};

Ran run(const std::string& arguments) {
  const std::string command = std::string("cd '") + fare::kSourceDir + "' && '" + fare::kRoutesim +
                              "' price " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  Ran ran{-1, ""};
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    ran.output += static_cast<char>(c);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ran.exit_code = WEXITSTATUS(status);
  return ran;
}

nlohmann::json run_json(const std::string& arguments) {
  return nlohmann::json::parse(run(arguments + " --json").output);
}

void expect_narrow(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Usage:")) continue;  // It has the path.
    EXPECT_LE(line.size(), 80u) << line;
  }
}

std::string table(const fare::PriceSheet& sheet) { return price_file_text(sheet); }

constexpr const char* kLiteLlm = R"({
  "m": {"litellm_provider": "v", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
        "output_cost_per_image": 0.1, "mode": "chat"},
  "painter": {"litellm_provider": "v", "output_cost_per_image": 0.04}})";

TEST(PriceUpkeepCliTest, ImportWritesTablesThatRead) {
  const TemporaryFolder folder;
  const std::string list = folder.write("map_2026-08-01.json", kLiteLlm);
  const std::string out = folder.path() + "/out";
  const Ran ran = run("import litellm " + list + " --out " + out);
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.output, StartsWith("1 of 2 entries became a model of 1 provider; 1 left out"));
  EXPECT_THAT(ran.output, HasSubstr("1 entry: is sold only by what no meter counts\n  painter"));
  EXPECT_THAT(ran.output, HasSubstr("observed 2026-08-01"));
  const Ran quote = run("quote --model m --usage '{\"input\": 1000000}' --prices " + out);
  EXPECT_THAT(quote.output, StartsWith("$1 for v/m at "));
  EXPECT_THAT(fare::file_text(out + "/notes.txt"),
              HasSubstr("price left out: m: output_cost_per_image 0.1: no meter counts whole"));
  const Ran again = run("import litellm " + list + " --out " + out);
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.output, HasSubstr("v.json: already exists"));
}

TEST(PriceUpkeepCliTest, ImportSaysAllInJson) {
  const TemporaryFolder folder;
  const nlohmann::json json = run_json("import litellm " + folder.write("map.json", kLiteLlm) +
                                       " --from 2025-01-01 --observed 2026-08-01");
  EXPECT_EQ(json["entries"], 2);
  EXPECT_EQ(json["models"], 1);
  EXPECT_EQ(json["providers"]["v"], 1);
  EXPECT_EQ(json["notes"].size(), 3u);
  EXPECT_EQ(json["other_fields"]["mode"], 1);
}

TEST(PriceUpkeepCliTest, BadInputIsAllSaidAtOnce) {
  const Ran ran = run("import litellm /no/such --from soon --observed never");
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.output, HasSubstr("/no/such"));
  EXPECT_THAT(ran.output, HasSubstr("--from: must be an instant"));
  EXPECT_THAT(ran.output, HasSubstr("--observed: must be an instant"));
  EXPECT_EQ(run("import nobody /no/such").exit_code, 2);
  EXPECT_EQ(run("lint /no/such").exit_code, 2);
  EXPECT_EQ(run("lint litellm:/no/such --at 2026").exit_code, 2);
  EXPECT_EQ(run("diff /no/such /nor/such").exit_code, 2);
  EXPECT_EQ(run("disagree pricing").exit_code, 2);
  EXPECT_EQ(run("disagree pricing openrouter:/no/such").exit_code, 2);
}

TEST(PriceUpkeepCliTest, LintFailsOnErrorsOrIfStrict) {
  const TemporaryFolder folder;
  fare::PriceSheet sheet = fare::plain_sheet("v", "m", 1, 2);
  const std::string clean = folder.write("clean.json", table(sheet));
  EXPECT_EQ(run("lint " + clean + " --at 2026-02-01 --strict").exit_code, 0);
  const Ran stale = run("lint " + clean + " --at 2026-12-01");
  EXPECT_EQ(stale.exit_code, 0);
  EXPECT_THAT(stale.output, StartsWith("0 errors, 0 warnings and 1 remark in 1 model."));
  EXPECT_EQ(run("lint " + clean + " --at 2026-12-01 --strict").exit_code, 1);
  set(sheet.models[0].periods[0].cells[0].bands[0].rates, fare::Meter::kCacheWrite1h, "6");
  const std::string bad = folder.write("bad.json", table(sheet));
  const Ran ran = run("lint " + bad + " --at 2026-02-01");
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, HasSubstr("error write-1h-ratio: v/m\n"));
  expect_narrow(ran.output);
  const nlohmann::json json = run_json("lint " + bad + " --at 2026-02-01");
  EXPECT_EQ(json["errors"], 1);
  EXPECT_EQ(json["findings"][0]["value"], "6");
  const Ran twice = run("lint " + bad + " " + clean);
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.output, HasSubstr("already names"));
}

TEST(PriceUpkeepCliTest, DiffPricesALogUnderBoth) {
  const TemporaryFolder folder;
  fare::PriceSheet sheet = fare::plain_sheet("v", "m", 1, 2);
  const std::string before = folder.write("before.json", table(sheet));
  set(sheet.models[0].periods[0].cells[0].bands[0].rates, fare::Meter::kOutput, "2.000001");
  sheet.models.push_back(fare::plain_sheet("v", "n", 1, 1).models[0]);
  const std::string after = folder.write("after.json", table(sheet));
  const std::string log = folder.write("log.jsonl", R"(
{"model": "m", "at": "2026-02-01T00:00:00Z", "tenant": "web", "usage": {"input": 3, "output": 7}}
{"model": "m", "provider": "v", "at": "2026-02-01T00:00:00Z", "usage": {"output": 1000000}}
{"model": "n", "at": "2026-02-01T00:00:00Z", "tenant": "web", "usage": {"input": 5}}
{"model": "m", "at": "2020-02-01T00:00:00Z", "tenant": "web", "usage": {"input": 5}}
)");
  const std::string question = "diff " + before + " " + after + " --usage " + log;
  const Ran ran = run(question);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, StartsWith("2 changes in 2 models; one REWRITES THE PAST.\n"
                                     "On 4 requests of the log: $2.000017 -> $2.000018000007"));
  EXPECT_THAT(ran.output, HasSubstr("rate changed: from 2026-01-01T00:00:00Z, output: 2 -> "
                                    "2.000001"));
  expect_narrow(ran.output);
  const nlohmann::json json = run_json(question);
  EXPECT_EQ(json["past"], "rewritten");
  const nlohmann::json& total = json["spend"]["total"];
  EXPECT_EQ(total["before_usd"], "2.000017");
  EXPECT_EQ(total["difference_usd"], "0.000001000007");
  EXPECT_EQ(total["gained"], 1);
  EXPECT_EQ(total["gained_usd"], "0.000005");
  EXPECT_EQ(total["unpriced"], 1);
  EXPECT_EQ(json["spend"]["by_tenant"]["web"]["difference_usd"], "0.000000000007");
  EXPECT_EQ(json["spend"]["by_model"]["v/n"]["gained"], 1);
  EXPECT_EQ(run("diff " + after + " " + after).output, "No difference.\n");
}

TEST(PriceUpkeepCliTest, DiffNamesEveryBadLine) {
  const TemporaryFolder folder;
  const std::string log =
      folder.write("log.jsonl",
                   "{\"model\": \"m\"}\n[\n{\"model\": \"m\", \"at\": "
                   "\"2026-01-01T00:00:00Z\", \"usage\": {\"input\": -1, \"inptu\": 2}}\n");
  const Ran ran = run("diff pricing pricing --usage " + log);
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.output, HasSubstr("log.jsonl:1"));
  EXPECT_THAT(ran.output, HasSubstr("log.jsonl:2"));
  EXPECT_THAT(ran.output, HasSubstr("log.jsonl:3#/usage/input"));
  EXPECT_THAT(ran.output, HasSubstr("inptu"));
}

TEST(PriceUpkeepCliTest, DisagreeComparesTablesAndLists) {
  const TemporaryFolder folder;
  const std::string ours = folder.write("ours.json", table(fare::plain_sheet("v", "m", 1, 3)));
  const std::string list = "litellm:" + folder.write("map.json", kLiteLlm);
  const Ran ran = run("disagree " + ours + " " + list + " --at 2026-02-01");
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, StartsWith("0 of the 1 model in common agree in every rate"));
  EXPECT_THAT(ran.output, HasSubstr("v/m\n  output: A 3, B 2\n"));
  EXPECT_EQ(run("disagree " + ours + " " + ours).exit_code, 0);
  EXPECT_EQ(run("disagree " + ours + " " + list + " --tolerance 0.34").exit_code, 0);
  const nlohmann::json json = run_json("disagree " + ours + " " + list);
  EXPECT_EQ(json["disagreements"][0]["values"], nlohmann::json({"3", "2"}));
  EXPECT_EQ(json["providers"][0]["differ"], 1);
}

TEST(PriceUpkeepCliTest, HelpHasExamplesAndFitsATerminal) {
  for (const char* command : {"lint", "diff", "import", "disagree"}) {
    const Ran ran = run(std::string(command) + " --help");
    EXPECT_EQ(ran.exit_code, 0);
    EXPECT_THAT(ran.output, HasSubstr("Examples:\n  routesim price " + std::string(command)));
    EXPECT_THAT(ran.output, HasSubstr("Exit code:"));
    expect_narrow(ran.output);
  }
}

}  // namespace
}  // namespace routesim
