// Goal: `routesim fit latency` keeps its contract: what it writes is what worlds read, exit codes.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/json_reader.h"
#include "engine/distribution.h"
#include "routesim/program.h"
#include "study/files.h"
#include "world/pool_model.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FitLatencyCommandTest : public testing::Test {
 protected:
  FitLatencyCommandTest() { fs::create_directories(folder_); }
  ~FitLatencyCommandTest() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }

  // A server that takes 10 ms a token and 200 ms for the first one, one request at a time.
  std::string rows() const {
    std::string text = "seconds,input_tokens,output_tokens,first_token_ms,total_ms,model\n";
    for (int i = 0; i < 120; ++i) {
      const int output = 2 + i % 50;
      text += std::to_string(10 * i) + ",100," + std::to_string(output) + ",200," +
              std::to_string(200 + 10 * (output - 1)) + ",m\n";
    }
    return file("rows.csv", text);
  }
  std::string pool() const {
    return file("pool.json", R"({"origin": "assumed: a test", "iteration_us": {"base": 1},
        "sequences": 8, "batch_tokens": 64, "blocks": 1000, "replicas": 1,
        "usd_per_gpu_hour": "2"})");
  }

 private:
  std::string folder_ =
      (fs::temp_directory_path() / ("fare_fit_" + std::to_string(getpid()))).string();
};

TEST_F(FitLatencyCommandTest, WritesHostedModelsAsWorldsReadThem) {
  const Ran ran = run("fit latency " + rows() + " --format csv --out " + path("world.json"));
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("p99"));
  const std::string text = read_file(path("world.json")).value();
  fare::Problems problems("world.json");
  const fare::JsonDocument document(text, problems);
  ASSERT_TRUE(document.ok());
  const fare::JsonNode model = document.root().member("models").item(0);
  const auto first = read_distribution(model.member("first_token_ms"));
  const auto later = read_distribution(model.member("ms_per_output_token"));
  ASSERT_TRUE(problems.empty()) << fare::to_text(problems.take());
  EXPECT_NEAR(
      first->mean() + 0.1 * model.member("first_token_ms_per_1k_input").value().get<double>(), 200,
      12);
  EXPECT_NEAR(later->mean(), 10, 0.6);
  EXPECT_EQ(model.member("first_token_ms_per_1k_cached").value(),
            model.member("first_token_ms_per_1k_input").value())
      << "the rows say nothing of caches";
}

// 16 sessions of four models; the last one has but 40 rows.
TEST_F(FitLatencyCommandTest, SaysWhatToExpectOfOtherSessions) {
  std::string text = "input_tokens,output_tokens,total_ms,model,session\n";
  for (int i = 0; i < 1'000; ++i) {
    const int model = i < 960 ? i % 3 : 3;
    const int session = (i / 8) % 16;
    const int output = 2 + (i * 37) % 400;
    const int total = 300 + 10 * session + (i * 29) % 200 + (8 + 2 * model) * output;
    text += fmt::format("100,{},{},m{},s{}\n", output, total, model, session);
  }
  const auto json = run_json("fit latency " + file("sessions.csv", text) + " --format csv --json");
  ASSERT_EQ(json["models"].size(), 4u);
  EXPECT_EQ(json["repeated"], 0);
  const auto& own = json["models"][0];
  EXPECT_EQ(own["own_share"], 1);
  EXPECT_EQ(own["sessions"], 16);
  EXPECT_GE(own["held_out"]["trials"], 8);
  EXPECT_LT(own["held_out"]["p50"]["root_mean_square_error"], 0.1);
  EXPECT_GT(own["odd_from_even"]["p50"]["noise"], 0);
  EXPECT_LT(own["odd_from_even"]["p50"]["noise"], 0.1);
  const auto& few = json["models"][3];
  EXPECT_LT(few["own_share"], 1);
  EXPECT_THAT(few["world"]["origin"].get<std::string>(), HasSubstr("pooled with other models"));
}

TEST_F(FitLatencyCommandTest, WritesAPoolAsWorldsReadIt) {
  const auto json = run_json("fit latency " + rows() + " --format csv --pool " + pool() +
                             " --calibration-rows 60 --out " + path("fitted.json"));
  EXPECT_LE(std::abs(json["held_out"]["end_to_end"]["error_of_mean"].get<double>()), 0.01);
  EXPECT_EQ(json["held_out"]["rows"], 60);
  const std::string text = read_file(path("fitted.json")).value();
  fare::Problems problems("fitted.json");
  const fare::JsonDocument document(text, problems);
  const auto fitted = read_pool(document.root());
  ASSERT_TRUE(problems.empty()) << fare::to_text(problems.take());
  // One request alone: what a sequence takes and what all of them share cannot be told apart.
  EXPECT_NEAR(fitted->batch.base_us + fitted->batch.us_per_sequence, 10'000, 300);
  EXPECT_EQ(fitted->batch.sequences_max, 8);
}

TEST_F(FitLatencyCommandTest, SaysWhatIsWrong) {
  const auto expect_bad = [](const std::string& arguments, const std::string& message) {
    const Ran ran = run("fit latency " + arguments);
    EXPECT_EQ(ran.exit_code, 2) << arguments;
    EXPECT_THAT(ran.output, HasSubstr(message));
  };
  expect_bad(rows() + " --format vlm",
             "--format: must be one of \"vllm\", \"claude-code\", \"csv\"");
  expect_bad(rows() + " --format csv --prior x.json", "name one with --pool");
  expect_bad(path("none.csv") + " --format csv", "none.csv");
  expect_bad(rows() + " --format csv --pool " + file("bad.json", "{}"),
             "needs the key \"sequences\"");
  expect_bad(file("few.csv", "input_tokens,output_tokens,total_ms\n1,2,3\n") + " --format csv",
             "has no model of at least 100 rows, some of whose later tokens took time");
  expect_bad(file("no_first.csv", "input_tokens,output_tokens,total_ms\n1,2,3\n") +
                 " --format csv --pool " + pool(),
             "only 0 of 1 rows have one");
  expect_bad(file("big.csv", "input_tokens,output_tokens,total_ms,first_token_ms\n100000,2,3,1\n") +
                 " --format csv --pool " + pool(),
             "the pool rejects 1 of 1 rows");
}

}  // namespace
}  // namespace routesim
