// Goal: `routesim price` keeps its contract with people and scripts.  Method: it is run as they run
// it, through a shell.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "routesim/program.h"

namespace routesim {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string quote(const std::string& arguments) { return "price quote " + arguments; }

// A file in the test's own folder.
std::string file_with(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "fare_price_cli_" + name;
  std::ofstream(path) << text;
  return path;
}

struct Priced {
  const char* name;
  std::string arguments;
  std::string total_usd;
  std::string rule;  // A part of the first line's.
};

TEST(PriceQuoteTest, ReadsEveryVendorsUsage) {
  const Priced cases[] = {
      {"chat, cached tokens within the prompt",
       "--model gpt-5 --provider openai --api openai-chat --at 2026-08-21T00:00:00Z --usage "
       "'{\"prompt_tokens\":100,\"completion_tokens\":10,\"prompt_tokens_details\":"
       "{\"cached_tokens\":40},\"completion_tokens_details\":{\"reasoning_tokens\":4}}'",
       "0.00018", "openai/gpt-5"},
      {"messages, cached tokens beside the input",
       "--model claude-sonnet-4-6 --api anthropic --at 2026-08-21T00:00:00Z --usage "
       "'{\"input_tokens\":100,\"cache_read_input_tokens\":40,\"output_tokens\":10}'",
       "0.000462", "anthropic/claude-sonnet-4-6"},
      {"thoughts beside the candidates",
       "--api gemini --at 2026-08-21T00:00:00Z --usage '{\"modelVersion\":\"gemini-2.5-flash\","
       "\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":53,"
       "\"thoughtsTokenCount\":725}}'",
       "0.0019474", "google/gemini-2.5-flash"},
      {"served in a batch",
       "--model claude-opus-5 --api anthropic --at 2026-08-21T00:00:00Z --usage "
       "'{\"input_tokens\":1000,\"output_tokens\":0,\"service_tier\":\"batch\"}'",
       "0.0025", "batch x 0.5"},
      {"served in a batch, says the caller",
       "--model claude-opus-5 --at 2026-08-21T00:00:00Z --tier batch --usage '{\"input\":1000}'",
       "0.0025", "batch x 0.5"},
      {"at the peak of a working day",
       "--model deepseek-v4-flash --at 2026-09-04T02:00:00Z --usage '{\"input\":1000000}'", "0.44",
       "peak"},
      {"on a Sunday",
       "--model deepseek-v4-flash --at 2026-09-06T02:00:00Z --usage '{\"input\":1000000}'", "0.22",
       "deepseek"},
      {"a price announced for later",
       "--model gemini-4-argon --at 2026-12-01T00:00:00Z --usage '{\"input\":1000000}'", "4", ""},
      {"as announced, before it was cancelled",
       "--model claude-sonnet-5 --provider anthropic --at 2026-09-15T00:00:00Z "
       "--known-at 2026-08-01T00:00:00Z --usage '{\"input\":1000000}'",
       "3", ""},
      {"as it came",
       "--model claude-sonnet-5 --provider anthropic --at 2026-09-15T00:00:00Z "
       "--usage '{\"input\":1000000}'",
       "2", ""},
  };
  for (const Priced& one : cases) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(run(quote(one.arguments)).exit_code, 0);
    const json answer = run_json(quote(one.arguments));
    EXPECT_EQ(answer["status"], "priced") << answer.dump(2);
    EXPECT_EQ(answer["total_usd"], one.total_usd);
    EXPECT_THAT(answer["lines"][0]["rule"].get<std::string>(), HasSubstr(one.rule));
  }
}

TEST(PriceQuoteTest, NeverFreeForLackOfKnowledge) {
  const struct {
    std::string arguments;
    const char* status;
    const char* note;
  } cases[] = {
      {"--model gpt-5.44 --usage '{\"input\":1}'", "unpriced", "did you mean"},
      {"--model gpt-5.4 --tier flex --region mars --usage '{\"input\":1}'", "unpriced",
       "do not say what openai/gpt-5.4 costs at: flex, region mars"},
      {"--model deepseek-v4-flash --at 2027-03-01T02:00:00Z --usage '{\"input\":1}'", "unpriced",
       "the vendor's calendar ends before it"},
      {"--model gpt-5.5-pro --provider openai --usage '{\"cache_read\":7,\"input\":1}'",
       "partially_priced", "no rate for cache_read"},
      {"--api openai-chat --model gpt-5 --usage '{\"prompt_tokens\":-5,\"completion_tokens\":1}'",
       "usage_malformed", "/prompt_tokens"},
      {"--api anthropic --model claude-opus-5 --usage '{}'", "usage_missing", ""},
      {"--api gemini --usage '{\"usageMetadata\":{\"promptTokenCount\":1,"
       "\"candidatesTokenCount\":1}}'",
       "unpriced", "needs a model"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.arguments);
    EXPECT_EQ(run(quote(one.arguments)).exit_code, 1);
    const json answer = run_json(quote(one.arguments));
    EXPECT_EQ(answer["status"], one.status);
    EXPECT_EQ(answer["total_usd"], nullptr);
    EXPECT_THAT(answer["notes"].dump(), HasSubstr(one.note));
    EXPECT_EQ(answer.contains("priced_usd"), answer["status"] == "partially_priced");
  }
}

TEST(PriceQuoteTest, AReportedCostIsSaidBesideOurs) {
  const json answer =
      run_json(quote("--model openai/gpt-oss-120b --provider openrouter --api openrouter --usage "
                     "'{\"prompt_tokens\":100,\"completion_tokens\":10,\"cost\":0.5}'"));
  EXPECT_EQ(answer["reported_usd"], "0.5");
}

TEST(PriceQuoteTest, AContractStandsOnTopOfTheTables) {
  const std::string contract =
      file_with("contract.json", R"({"format": "fare-contract/1", "name": "acme", "adjustments": [
        {"provider": "openai", "percent": "-10"}]})");
  const std::string usage =
      "--model gpt-5.4 --at 2026-11-23T00:00:00Z --usage '{\"input\":1000000}' --contract ";
  const json answer = run_json(quote(usage + contract));
  EXPECT_EQ(answer["total_usd"], "4.5") << "5, less a tenth";
  EXPECT_EQ(answer["lines"][0]["rate_usd_per_mtok"], "4.5");
  EXPECT_THAT(answer["notes"].dump(), HasSubstr("priced by the contract"));
  const std::string bad = file_with("bad.json", "{}");
  EXPECT_EQ(run(quote(usage + bad)).exit_code, 2);
}

TEST(PriceImportTest, AListOfWhichNothingRemainsIsANo) {
  const std::string other = file_with("other.json", R"({"name": "not a price list"})");
  const Ran ran = run("price import litellm " + other);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, HasSubstr("0 of 1 entry became models"));
}

TEST(PriceQuoteTest, SaysWhichProviderWasMeantWhereSeveralSellTheModel) {
  const json answer = run_json(quote("--model gpt-4o --usage '{\"input\":1}'"));
  EXPECT_EQ(answer["model"], "openai/gpt-4o");
  EXPECT_THAT(answer["notes"].dump(), HasSubstr("several providers sell it: priced as openai's"));
}

// One answer a line, in order, the bad ones too; the same as a quote by itself.
TEST(PriceBatchTest, AnswersLineByLineInOrder) {
  const std::string good =
      R"({"model":"gpt-5","provider":"openai","api":"openai-chat","at":"2026-08-21T00:00:00Z",)"
      R"("usage":{"prompt_tokens":100,"completion_tokens":10},"tenant":"a","n":[1,{"usage":2}]})";
  const std::string path = file_with(
      "batch.jsonl",
      good + "\n" + R"({"model":"nobody","usage":{"input":1}})" + "\n\nnot json\n" +
          R"({"model":"gpt-5","usage":{"input":1}} trailing)" + "\n" +
          R"({"model":"gpt-5","at":"noon","usage":{"input":1}})" + "\n" +
          R"({"usage":{"output":1},"model":"claude-opus-5","at":"2026-08-21T00:00:00Z"})");
  const Ran ran = run(quote("--batch " + path));
  EXPECT_EQ(ran.exit_code, 2);
  std::istringstream lines(ran.output);
  std::vector<json> answers;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('{')) answers.push_back(json::parse(line));  // Else it is from stderr.
  }
  ASSERT_EQ(answers.size(), 6u);
  const char* statuses[] = {"priced",          "unpriced",        "usage_malformed",
                            "usage_malformed", "usage_malformed", "priced"};
  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i]["status"], statuses[i]);
  const json alone = run_json(
      quote("--model gpt-5 --provider openai --api openai-chat --at 2026-08-21T00:00:00Z --usage "
            "'{\"prompt_tokens\":100,\"completion_tokens\":10}'"));
  EXPECT_EQ(answers[0], alone);
  EXPECT_THAT(run(quote("--batch " + path)).output,
              HasSubstr("batch.jsonl:4: the line must be an object"));
  const std::string fine = file_with("fine.jsonl", good + "\n");
  EXPECT_EQ(run(quote("--batch " + fine)).exit_code, 0);
  const std::string unknown =
      file_with("unknown.jsonl", good + "\n{\"model\":\"x\",\"usage\":{\"input\":1}}\n");
  EXPECT_EQ(run(quote("--batch " + unknown)).exit_code, 1);
}

TEST(PriceShowTest, ShowsWhatIsInForceAndTheHistory) {
  const Ran now = run("price show claude-haiku-5-5 --at 2026-11-23T00:00:00Z");
  EXPECT_EQ(now.exit_code, 0);
  EXPECT_THAT(now.output, HasSubstr("anthropic/claude-haiku-5-5\n"));
  EXPECT_THAT(now.output, HasSubstr(">100,000"));
  EXPECT_EQ(run("price show claude-haiku-5-5 --at 2020-01-01T00:00:00Z").exit_code, 1);
  const Ran history = run("price show gemini-4-argon --history");
  EXPECT_THAT(history.output, HasSubstr("from 2026-12-01, announced"));
  const json all = run_json("price show claude-sonnet-5 --provider anthropic --history");
  EXPECT_EQ(all[0]["model"], "anthropic/claude-sonnet-5");
  EXPECT_THAT(all[0]["prices"].dump(), HasSubstr("\"cancelled\""));
  EXPECT_THAT(run("price show claude-haiku-55").output, HasSubstr("did you mean"));
}

TEST(PriceListTest, FiltersModels) {
  const json all = run_json("price list --at 2026-11-23T00:00:00Z");
  const json some = run_json("price list --at 2026-11-23T00:00:00Z --provider deepseek");
  EXPECT_GT(all["models"].size(), 400u);
  EXPECT_GE(some["models"].size(), 2u);
  for (const json& model : some["models"]) EXPECT_EQ(model["provider"], "deepseek");
  const json large = run_json("price list --at 2026-11-23T00:00:00Z --context 1000000 --can tools");
  for (const json& model : large["models"]) EXPECT_GE(model["context_tokens"], 1'000'000);
  EXPECT_EQ(run("price list --name nothing-like-it").exit_code, 1);
}

// Everything that people read fits a terminal of 80 columns, but for ids and notes.
TEST(PriceShowTest, FitsATerminal) {
  for (const char* command :
       {"price show claude-opus-5 --provider anthropic", "price show gpt-5.4 --provider openai",
        "price list --provider openai"}) {
    std::istringstream lines(run(command).output);
    for (std::string line; std::getline(lines, line);) {
      if (line.find("note:") != std::string::npos || line.find("called:") != std::string::npos)
        continue;
      if (line.find("can:") != std::string::npos || line.find("source") != std::string::npos)
        continue;
      EXPECT_LE(line.size(), 80u) << command << ": " << line;
    }
  }
}

}  // namespace
}  // namespace routesim
