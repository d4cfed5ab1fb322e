// Goal: the program keeps its contract with people and scripts: output, errors, exit codes.
// Method: it is run as they run it, through a shell.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "routesim/program.h"
#include "study/fixture.h"

namespace routesim {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

void run_shell(const std::string& command) { EXPECT_EQ(std::system(command.c_str()), 0); }

TEST(CliTest, ComparesTheArticle) {
  const Ran ran =
      run("compare scenarios/article_costs.json --policy average --policy tiered_cached");
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.output, StartsWith("tiered_cached costs $111.20 less than average in 24 h "
                                     "(-22.24 %)."));
  EXPECT_THAT(ran.output, Not(HasSubstr("\x1b[")));
}

TEST(CliTest, OptionsReachTheStudy) {
  const nlohmann::json json =
      run_json("run scenarios/article_costs.json --policy tiered --seed 42 --replications 2");
  EXPECT_EQ(json["seed"], 42);
  EXPECT_EQ(json["replications"], 2);
  EXPECT_EQ(json["policies"][0]["policy"], "tiered");
  EXPECT_EQ(json["policies"][0]["cost_usd"], "1296");
  EXPECT_EQ(json["policies"][0]["cost_usd_mean"], "648");
}

TEST(CliTest, ComparesAPolicyWithItsEditedFile) {
  const nlohmann::json json = run_json(
      "compare scenarios/conversation_day.json --replications 2 --policy tiered "
      "--policy scenarios/policies/tiered.json");
  EXPECT_EQ(json["comparison"]["b"], "scenarios/policies/tiered.json");
  EXPECT_EQ(json["comparison"]["cost_usd_difference_mean"], "0");
}

TEST(CliTest, ComparesACascadeWithItsEditedFile) {
  const std::string command =
      "compare scenarios/judged_cascade.json --replications 2 --policy judged "
      "--policy scenarios/policies/judged.json";
  EXPECT_EQ(run_json(command)["comparison"]["cost_usd_difference_mean"], "0");
  const nlohmann::json json = run_json(command + " --scorer person");
  const nlohmann::json& scoring = json["policies"][1]["scoring"];  // A person takes $0.20.
  EXPECT_NEAR(std::stod(scoring["cost_usd"].get<std::string>()),
              0.2 * scoring["scored"].get<double>(), 1e-6);
}

TEST(CliTest, WritesAFolderOfReports) {
  const TemporaryFolder folder;
  const std::string out = folder.path() + "/a/b";
  const Ran ran = run("run scenarios/article_costs.json --out " + out);
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.output, HasSubstr("Written: " + out + "/report.html"));
  for (const char* name : {"report.json", "report.csv", "report.html"}) {
    EXPECT_GT(std::filesystem::file_size(out + "/" + name), 200u) << name;
  }
  const std::string file = folder.write("file", "");
  const Ran blocked = run("run scenarios/article_costs.json --quiet --out " + file);
  EXPECT_EQ(blocked.exit_code, 2);
  EXPECT_THAT(blocked.output, HasSubstr("error: " + file));
}

TEST(CliTest, TheSameSeedGivesTheSameBytesOnAnyNumberOfThreads) {
  const std::string command =
      "compare scenarios/conversation_day.json --replications 2 --json --quiet --threads ";
  const Ran one = run(command + "1");
  EXPECT_EQ(one.exit_code, 0);
  EXPECT_EQ(run(command + "2").output, one.output);
}

TEST(CliTest, ReplaysTheRealTraceToTheLastRequest) {
  const std::string trace = "../shared/data/traces/azure2023/AzureLLMInferenceTrace_conv.csv.gz";
  if (!std::filesystem::exists(source_path(trace))) {
    GTEST_SKIP() << "the Azure trace is not at " << trace;
  }
  const nlohmann::json json =
      run_json("compare scenarios/conversation_day.json --replications 2 --quiet --trace " + trace);
  EXPECT_THAT(json["assumptions"][0].get<std::string>(), StartsWith("Times and lengths are those"));
  for (const nlohmann::json& policy : json["policies"]) {
    EXPECT_EQ(policy["requests"], 2 * 19'366);
    std::uint64_t ends = policy["answered"].get<std::uint64_t>() +
                         policy["from_cache"].get<std::uint64_t>() +
                         policy["failed"].get<std::uint64_t>();
    for (const auto& [reason, count] : policy["refused"].items())
      ends += count.get<std::uint64_t>();
    EXPECT_EQ(ends, 2u * 19'366);
    std::uint64_t input = 0;
    for (const nlohmann::json& model : policy["by_model"]) {
      for (const nlohmann::json& line : model["lines"]) {
        if (line["meter"] == "input") input += line["count"].get<std::uint64_t>();
      }
    }
    EXPECT_NEAR(static_cast<double>(input), 2 * 22'361'870.0, 10'000) << "all but the failed";
  }
}

struct BadCall {
  std::string name;
  std::string arguments;
  std::string output;
};

TEST(CliTest, BadInputEndsWithCodeTwoAndASentence) {
  const TemporaryFolder folder;
  const std::string empty = folder.write("empty.csv", "");
  const std::string header = folder.write("header.csv", "seconds,input_tokens\n");
  const std::string broken = folder.write("broken.json", "{");
  const std::string zip =
      folder.write("cut.csv.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10));
  const std::string day = "scenarios/conversation_day.json";
  const std::string mooncake = folder.write(
      "m.jsonl",
      R"({"timestamp": 0, "input_length": 600, "output_length": 1, "hash_ids": [1, 2]})");
  const BadCall cases[] = {
      {"no command", "", "subcommand is required"},
      {"unknown command", "rum", "\"rum\" is not a command; did you mean \"run\"?"},
      {"missing file", "run no.json", "error: no.json: no such file: check the path"},
      {"folder", "run scenarios", "is a folder"},
      {"broken JSON", "run " + broken, "is not valid JSON: parse error at line 1, column 2"},
      {"unknown policy", "run " + day + " --policy tierd", "did you mean \"tiered\"?"},
      {"unknown scorer",
       "run scenarios/judged_cascade.json --policy scenarios/policies/judged.json --scorer me",
       "--scorer: \"me\" is not a judge of scenarios/judged_cascade.json, which has \"haiku\", "
       "\"person\""},
      {"one policy to compare", "compare " + day + " --policy tiered", "--policy: name two"},
      {"no replications", "run " + day + " --replications 0", "--replications"},
      {"huge replications", "run " + day + " --replications 99999999999999999999",
       "--replications"},
      {"negative seed", "run " + day + " --seed -1", "--seed"},
      {"no threads", "run " + day + " --threads 0", "--threads"},
      {"empty trace", "run " + day + " --trace " + empty, empty},
      {"trace without a column", "run " + day + " --trace " + header, "output_tokens"},
      {"truncated gzip", "run " + day + " --trace " + zip, zip},
      {"missing trace", "run " + day + " --trace no.csv", "error: no.csv"},
      {"unknown trace format", "run " + day + " --trace " + empty + " --trace-format cvs", "cvs"},
      {"missing prices", "run " + day + " --prices nowhere", "nowhere"},
      {"prices of another format", "run " + day + " --prices " + day, "#/format: must be one of"},
      {"usage that is no JSON", "price quote --model gpt-5.4 --usage '{'", "--usage"},
      {"usage from a missing file", "price quote --model gpt-5.4 --usage @no.json", "no.json"},
      {"cache: missing trace", "cache replay no.gz --format mooncake", "error: no.gz: does not"},
      {"cache: unknown format", "cache replay x --format moon", "--format: must be one of"},
      {"cache: unknown policy", "cache replay x --format mooncake --policy lru", "--policy: must"},
      {"cache: no capacity", "cache replay x --format mooncake --policy fifo", "needs --capacity"},
      {"cache: no policy", "cache replay x --format mooncake --capacity 5", "name a --policy"},
      {"cache: zero capacity", "cache replay x --format mooncake --policy fifo --capacity 0",
       "--capacity"},
      {"cache: rules and policy",
       "cache replay x --format mooncake --rules openai-5.6 --policy lfu",
       "--rules: a vendor's rules have no --policy"},
      {"cache: unknown rules", "cache replay x --format mooncake --rules anthropic-6m",
       "did you mean \"anthropic-5m\"?"},
      {"cache: rules too early",
       "cache replay x --format mooncake --rules anthropic --at 2020-01-01T00:00:00Z",
       "--rules: \"anthropic\" is not known at 2020-01-01T00:00:00Z"},
      {"cache: rules of another format", "cache replay x --format mooncake --rules " + day + "#a",
       "#/format: must be one of \"fare-cache-rules/1\""},
      {"cache: rules without a name",
       "cache replay x --format mooncake --rules pricing/cache/anthropic.json",
       "rules: must be pricing/cache/anthropic.json#NAME, with a NAME of \"anthropic"},
      {"cache: simplified alone", "cache replay x --format claude-code --simplified",
       "--simplified: says something about --rules"},
      {"cache: not such a trace", "cache replay " + header + " --format ragpulse",
       header + ":1: must be one line of JSON"},
      {"cache: simplified mooncake",
       "cache replay " + mooncake + " --format mooncake --rules openai-5.6 --simplified",
       "--simplified: the simplified model is defined for claude-code"},
      {"a bad instant", "price quote --model gpt-5.4 --usage '{}' --at noon", "--at: must be an"},
  };
  for (const BadCall& one : cases) {
    SCOPED_TRACE(one.name);
    const Ran ran = run(one.arguments);
    EXPECT_EQ(ran.exit_code, 2);
    EXPECT_THAT(ran.output, HasSubstr(one.output));
  }
}

TEST(CliTest, QuotesExactly) {
  const nlohmann::json json = run_json(
      "price quote --model claude-3-5-haiku --at 2025-01-15T00:00:00Z "
      "--usage '{\"input\": 500, \"output\": 100}'");
  EXPECT_EQ(json["status"], "priced");
  EXPECT_EQ(json["total_usd"], "0.0008");
  EXPECT_EQ(json["model"], "anthropic/claude-3-5-haiku");
  EXPECT_EQ(json["lines"].size(), 2u);
  EXPECT_EQ(json["lines"][0]["meter"], "input");
  EXPECT_EQ(json["lines"][0]["rate_usd_per_mtok"], "0.8");
  EXPECT_EQ(json["table_hash"].get<std::string>().size(), 32u);
}

TEST(CliTest, AQuoteThatHasNoPriceIsANo) {
  const struct {
    std::string arguments;
    std::string status;
  } cases[] = {
      {"--model claude-haiku-45 --usage '{\"input\": 1}'", "unpriced"},
      {"--model gpt-5.4 --at 1969-01-01T00:00:00Z --usage '{\"input\": 1}'", ""},
      {"--model gpt-5.4 --at 2024-01-01T00:00:00Z --usage '{\"input\": 1}'", "unpriced"},
      {"--model gpt-5.4 --usage '{}'", "usage_missing"},
      {"--model gpt-5.4 --usage '{\"input\": -1}'", "usage_malformed"},
      {"--model gpt-5.4 --usage '{\"input\": \"5\"}'", "usage_malformed"},
      {"--model gpt-5.4 --usage '{\"inputs\": 5}'", "usage_malformed"},
      {"--model gpt-5.4 --usage '{\"input\": 1, \"cache_write_1h\": 5}'", "partially_priced"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.arguments);
    if (one.status.empty()) {
      EXPECT_EQ(run("price quote " + one.arguments).exit_code, 2);
      continue;
    }
    EXPECT_EQ(run("price quote " + one.arguments).exit_code, 1);
    const nlohmann::json json = run_json("price quote " + one.arguments);
    EXPECT_EQ(json["status"], one.status);
    EXPECT_TRUE(json["total_usd"].is_null());
    EXPECT_FALSE(json["notes"].empty());
  }
}

// Two prompts that share a block of 512 tokens and part behind it.
TEST(CliTest, ReplaysPromptsThroughACache) {
  const TemporaryFolder folder;
  std::string rows;
  for (const char* ids : {"[1, 2]", "[1, 3]", "[1, 3]"}) {
    rows += fmt::format(
        R"({{"timestamp": 9000, "input_length": 600, "output_length": 1, "hash_ids": {}}})"
        "\n",
        ids);
  }
  const std::string call = "cache replay " + folder.write("m.jsonl", rows) + " --format mooncake ";
  const nlohmann::json boundless = run_json(call);
  EXPECT_EQ(boundless["hit_tokens"], 512 + 600);
  EXPECT_EQ(boundless["input_tokens"], 1'800);
  EXPECT_EQ(boundless["hit_blocks"], 3);
  EXPECT_EQ(boundless["blocks"], 6);
  EXPECT_EQ(boundless["rates"]["blk"]["value"], 0.5);
  EXPECT_FALSE(boundless["rates"]["tok"]["definition"].empty());
  EXPECT_EQ(run_json(call + "--policy fifo --capacity 1 ")["hit_blocks"], 0);
  EXPECT_EQ(run_json(call + "--second-half ")["calls_measured"], 2);
  const nlohmann::json rules = run_json(call + "--rules infinite ");
  EXPECT_EQ(rules["read_tokens"], 512 + 600);
  EXPECT_EQ(rules["calls_hit"], 2);
  EXPECT_DOUBLE_EQ(rules["multiple"], (1'112 * 0.1 + 688) / 1'800);
  EXPECT_EQ(rules["lines"][0]["meter"], "cache_read");
  const Ran text = run(call + "--rules openai-128");
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.output, StartsWith("Under openai-128 the input costs 1.0000 to 1.0000 of what"));
  std::istringstream lines(text.output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

// A file of labelled prompts: the dear target is always good, the cheap one on easy prompts.
std::string outcomes_file() {
  std::string lines;
  for (int i = 0; i < 120; ++i) {
    const bool hard = i % 2 == 1;
    lines += fmt::format(
        R"({{"id": "{0}", "prompt": "{1} item {0}", "split": "{2}", "outcomes": {{)"
        R"("cheap": {{"quality": {3}, "answer": "{4}", "cost_usd": "0.001"}}, )"
        R"("dear": {{"quality": {5}, "answer": "yes", "cost_usd": "0.02"}}}}}})"
        "\n",
        i, hard ? "prove the theorem about" : "name the colour of", i < 80 ? "train" : "test",
        hard && i % 6 != 1 ? 0 : 1, hard ? "perhaps" : "certainly", i % 15 == 4 ? 0 : 1);
  }
  const std::string path = testing::TempDir() + "outcomes.jsonl";
  std::ofstream(path) << lines;
  return path;
}

TEST(CliTest, LearnsTestsAndExplains) {
  const std::string data = outcomes_file(), model = testing::TempDir() + "cli.model";
  const Ran fit = run("learn fit " + data + " --out " + model);
  EXPECT_EQ(fit.exit_code, 0) << fit.output;
  EXPECT_THAT(fit.output, HasSubstr("ridge model written"));
  const nlohmann::json json = run_json("learn eval " + data + " --model " + model + " --split");
  EXPECT_EQ(json["rows"], 40);
  EXPECT_GT(json["apgr"]["value"], 0.6);
  EXPECT_LE(json["apgr"]["low"], json["apgr"]["value"]);
  EXPECT_LT(json["brier"]["value"], json["brier_of_mean"]["value"]);
  EXPECT_EQ(json["pair"]["strong"], "dear");
  for (const char* key : {"cpt50", "cpt80", "aiq", "cost_at_95", "auroc", "ece"}) {
    EXPECT_TRUE(json[key]["value"].is_number()) << key;
  }
  std::string routers;
  for (const auto& one : json["routers"]) routers += one["name"].get<std::string>() + ";";
  EXPECT_EQ(routers, "model;random;prompt length;keyword score;best single;zero;oracle;");
  const Ran explain = run("learn explain 'prove the theorem about x' --model " + model);
  EXPECT_EQ(explain.exit_code, 0);
  EXPECT_THAT(explain.output, HasSubstr("score of cheap"));
}

TEST(CliTest, LearnsToReadTheCheapAnswer) {
  const std::string data = outcomes_file(), model = testing::TempDir() + "judge.model";
  EXPECT_EQ(run("learn fit " + data + " --cascade cheap --out " + model).exit_code, 0);
  const nlohmann::json json =
      run_json("learn eval " + data + " --cascade --pair dear,cheap --model " + model);
  EXPECT_GT(json["apgr"]["value"], 0.6);
  // The weak call is always paid: more than the strong one alone is what doubting all comes to.
  EXPECT_GE(json["cost_at_95"]["value"], 0.05);
  EXPECT_EQ(run("learn eval " + data + " --model " + model).exit_code, 2);
}

TEST(CliTest, RefusesToTestOnWhatWasLearnt) {
  const std::string data = outcomes_file(), model = testing::TempDir() + "leak.model";
  const std::string all = testing::TempDir() + "unsplit.jsonl";
  run("learn fit " + data + " --out " + model);
  run_shell("sed 's/\"split\": \"[a-z]*\", //' " + data + " > " + all);
  const Ran ran = run("learn eval " + all + " --model " + model);
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.output, HasSubstr("unsplit.jsonl:1: the model learnt from a prompt"));
  EXPECT_EQ(run("learn eval " + all + " --folds 3 --resamples 0").exit_code, 0);
}

TEST(CliTest, HelpShowsExamples) {
  for (const char* command :
       {"--help", "run --help", "compare --help", "price quote --help", "price show --help",
        "price list --help", "price lint --help", "price diff --help", "price import --help",
        "price disagree --help", "cache replay --help", "budget check --help", "learn fit --help",
        "learn eval --help"}) {
    const Ran ran = run(command);
    EXPECT_EQ(ran.exit_code, 0);
    EXPECT_THAT(ran.output, HasSubstr("Examples:\n  routesim "));
  }
  for (const std::string group : {"price", "cache", "budget", "policy", "learn", "fit"}) {
    EXPECT_THAT(run(group + " --help").output, HasSubstr("Examples:\n  routesim " + group + " "));
  }
}

}  // namespace
}  // namespace routesim
