// Goal: `routesim budget check` keeps its contract: the answer first, 80 columns, exit codes.

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "places.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
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

// A file with these budgets of one team under an org of $10 a month; gone with the test.
class BudgetCommandTest : public testing::Test {
 protected:
  std::string file_with(const std::string& budgets) {
    std::ofstream(path_) << R"({"format": "fare-budgets/1", "name": "n", "scopes": [
      {"id": "o", "kind": "org", "budgets": [{"id": "m", "limit_usd": "10",
       "window": {"kind": "month", "zone": "UTC"}}]},
      {"id": "t", "kind": "team", "parent": "o", "budgets": )"
                         << budgets << "}]}";
    return path_;
  }
  ~BudgetCommandTest() override { fs::remove(path_); }

 private:
  std::string path_ = (fs::temp_directory_path() /
                       (std::string("fare_budget_") + std::to_string(getpid()) + ".json"))
                          .string();
};

TEST_F(BudgetCommandTest, TheShippedExampleIsFine) {
  const Ran ran = run("budget check scenarios/budgets/acme.json");
  EXPECT_EQ(ran.output, "fine: acme (5 scopes, 6 budgets)\n");
  EXPECT_EQ(ran.exit_code, 0);
}

TEST_F(BudgetCommandTest, FindingsComeAnswerFirstAndFitTheTerminal) {
  const std::string file = file_with(
      R"([{"id": "m", "limit_usd": "20", "window": {"kind": "month", "zone": "UTC"}},
          {"id": "x", "limit_usd": "0", "window": {"kind": "absolute",
           "from": "2026-01-01T00:00:00Z"}}])");
  const Ran ran = run("budget check " + file);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(ran.output,
            "3 findings in n (2 scopes, 3 budgets)\n"
            "  child_above_parent at " +
                file +
                "#/scopes/1/budgets/0\n"
                "    t/m is $20, above o/m with $10, which stops first\n"
                "  never_resets at " +
                file +
                "#/scopes/1/budgets/1\n"
                "    t/x has no end: once spent, it stays so\n"
                "  zero_limit at " +
                file +
                "#/scopes/1/budgets/1\n"
                "    t/x is $0: nothing that costs can pass\n");
  const auto json = nlohmann::json::parse(run("budget check " + file + " --json").output);
  EXPECT_EQ(json["format"], "routesim-budget-check/1");
  EXPECT_EQ(json["fine"], false);
  EXPECT_EQ(json["findings"][0]["code"], "child_above_parent");
  EXPECT_EQ(json["findings"][0]["where"], file + "#/scopes/1/budgets/0");
  EXPECT_EQ(json["budgets"], 3);
}

TEST_F(BudgetCommandTest, GuaranteesAboveTheParentAreFound) {
  const Ran ran = run("budget check " + file_with(R"([{"id": "m", "limit_usd": "9",
      "window": {"kind": "month", "zone": "UTC"},
      "share": {"of": "m", "guarantee_usd": "10.5"}}])"));
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, StartsWith("2 findings in n"));
  EXPECT_THAT(ran.output, HasSubstr("o/m is $10, but its children are guaranteed $10.5 together"));
  EXPECT_THAT(ran.output, HasSubstr("t/m is guaranteed $10.5, but its own limit is $9"));
}

TEST_F(BudgetCommandTest, LongMessagesWrap) {
  const std::string id(60, 'x');
  const Ran ran = run("budget check " + file_with(R"([{"id": ")" + id + R"(", "limit_usd": "20",
      "window": {"kind": "month", "zone": "UTC"}}])"));
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_THAT(ran.output, HasSubstr("t/" + id + " is $20, above\n    o/m"));
}

TEST_F(BudgetCommandTest, BadInputIsSaidWholly) {
  const Ran ran = run("budget check " + file_with(R"([{"id": "m", "limit_usd": 20, "window": {
      "kind": "month", "zone": "Europe/Berlni"}, "modes": "strict"}])"));
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.output, HasSubstr("#/scopes/1/budgets/0/limit_usd: must be"));
  EXPECT_THAT(ran.output, HasSubstr("did you mean \"mode\"?"));
  EXPECT_THAT(ran.output, HasSubstr("did you mean \"Europe/Berlin\"?"));
  EXPECT_EQ(run("budget check nowhere.json").exit_code, 2);
  EXPECT_EQ(run("budget").exit_code, 2);
}

}  // namespace
}  // namespace routesim
