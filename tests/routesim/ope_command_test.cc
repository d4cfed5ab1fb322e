// Goal: `routesim ope` keeps its contract: the answer first, 80 columns, exit codes, bad lines
// named.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/random.h"
#include "routesim/program.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

// A file of decisions; gone with the test.
class OpeCommandTest : public testing::Test {
 protected:
  std::string file_with(const std::string& text) {
    std::ofstream(path_) << text;
    return path_;
  }
  ~OpeCommandTest() override { fs::remove(path_); }

 private:
  std::string path_ =
      (fs::temp_directory_path() / ("fare_ope_" + std::to_string(getpid()) + ".jsonl")).string();
};

// Opus is right more often; three in four go to sonnet.
std::string decisions(int rows) {
  const fare::RandomKey key(2, 0, fare::Purpose::kTest);
  std::string text;
  for (int i = 0; i < rows; ++i) {
    fare::RandomStream stream(key, static_cast<std::uint64_t>(i));
    const bool opus = stream.uniform() < 0.25;
    text += fmt::format(
        R"({{"id": "r{}", "candidates": ["sonnet", "opus"], "chosen": "{}", "propensity": {}, )"
        R"("quality": {}, "cost_usd": "{}", "prompt": "What is {} + {}?", "class": "complex", )"
        R"("input_tokens": 300, "at": "2026-11-02T10:00:00Z"}})"
        "\n",
        i, opus ? "opus" : "sonnet", opus ? 0.25 : 0.75,
        stream.uniform() < (opus ? 0.9 : 0.6) ? 1 : 0, opus ? "0.012" : "0.004", i, i + 1);
  }
  return text;
}

void expect_narrow(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST_F(OpeCommandTest, AnswersFirst) {
  const std::string log = file_with(decisions(2'000));
  const Ran ran = run("ope " + log + " --policy always:opus");
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.output, StartsWith("always:opus is worth 0."));
  EXPECT_THAT(ran.output, HasSubstr("better than what was"));
  EXPECT_THAT(ran.output, HasSubstr("It costs $0.012"));
  EXPECT_THAT(ran.output, HasSubstr("The reward model reads prompts (64 dimensions)."));
  expect_narrow(ran.output);

  const nlohmann::json json = run_json("ope " + log + " --policy always:opus --worth 0.1");
  EXPECT_EQ(json.at("format"), "routesim-ope/1");
  EXPECT_EQ(json.at("reward"), "quality - cost / $0.1");
  EXPECT_TRUE(json.at("identified"));
  EXPECT_NEAR(json.at("value").at("snips").at("value").get<double>(), 0.9 - 0.12, 0.05);
  EXPECT_NEAR(json.at("value").at("doubly_robust").at("value").get<double>(), 0.9 - 0.12, 0.05);
  EXPECT_NEAR(json.at("value").at("effective_rows").get<double>(), 500, 60);
  EXPECT_NEAR(json.at("cost_usd").at("snips").at("value").get<double>(), 0.012, 1e-9);
  // The same seed, the same bytes.
  EXPECT_EQ(run("ope " + log + " --policy uniform --json").output,
            run("ope " + log + " --policy uniform --json").output);
}

TEST_F(OpeCommandTest, JudgesAPolicyFileByWhatTheRouterChooses) {
  const std::string log = file_with(decisions(1'000));
  const nlohmann::json file =
      run_json("ope " + log + " --policy scenarios/policies/one_model.json");
  const nlohmann::json always = run_json("ope " + log + " --policy always:sonnet");
  EXPECT_EQ(file.at("policy"), "one_model");
  EXPECT_EQ(file.at("value"), always.at("value"));
  EXPECT_EQ(file.at("targets"), always.at("targets"));
}

TEST_F(OpeCommandTest, NotIdentifiedIsAnAnswer) {
  const std::string log =
      file_with(decisions(200) +
                R"({"id": "p", "candidates": ["sonnet"], "chosen": "sonnet", "propensity": 1, )"
                R"("quality": 1, "cost_usd": "0.004", "prompt": "x", "class": "complex"})");
  const Ran ran = run("ope " + log + " --policy always:opus");
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, StartsWith("always:opus cannot be judged: 0.5 % of its choices"));
  expect_narrow(ran.output);
  EXPECT_THAT(ran.output, HasSubstr("\n  opus: 0.5 % of its choices lack support\n"));
  EXPECT_EQ(run("ope " + log + " --policy always:opus --supported-only").exit_code, 0);
  const nlohmann::json json = run_json("ope " + log + " --policy always:opus");
  EXPECT_FALSE(json.at("identified"));
  EXPECT_EQ(json.at("value").at("identification"), "no_support");
  EXPECT_TRUE(json.at("value").at("snips").is_null());
}

TEST_F(OpeCommandTest, NamesWhatIsWrong) {
  const std::string log =
      file_with(decisions(2) + R"({"id": "x", "candidates": ["a"], "chosen": "a", "quality": 1})"
                               "\n{\n");
  const Ran bad = run("ope " + log + " --policy uniform");
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.output, HasSubstr(log + ":3"));
  EXPECT_THAT(bad.output, HasSubstr("propensity"));
  EXPECT_THAT(bad.output, HasSubstr(log + ":4"));

  const std::string good = file_with(decisions(50));
  const struct {
    std::string arguments, message;
  } cases[] = {
      {good + " --policy always:opsu", "did you mean \"opus\"?"},
      {good + " --policy nowhere.json", "a policy is a file, always:TARGET, uniform or logged"},
      {good, "--policy"},
      {good + " --policy uniform --worth 0", "--worth"},
      {good + " --policy uniform --folds 1", "--folds"},
      {"nowhere.jsonl --policy uniform", "nowhere.jsonl"},
  };
  for (const auto& one : cases) {
    const Ran ran = run("ope " + one.arguments);
    EXPECT_EQ(ran.exit_code, 2) << one.arguments;
    EXPECT_THAT(ran.output, HasSubstr(one.message)) << one.arguments;
  }
}

TEST_F(OpeCommandTest, HelpShowsALineOfALog) {
  const Ran ran = run("ope --help");
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.output, HasSubstr("\"propensity\": 0.95"));
  EXPECT_THAT(ran.output, HasSubstr("routesim ope decisions.jsonl --policy always:haiku"));
}

}  // namespace
}  // namespace routesim
