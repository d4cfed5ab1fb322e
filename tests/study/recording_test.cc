// Goal: a recording of any format takes the place of the traffic's, and no other part of it.

#include "study/recording.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "study/fixture.h"
#include "traffic/session.h"

namespace routesim {
namespace {

using fare::Tokens;
using testing::HasSubstr;

std::string errors_of(const nlohmann::json& json, const ScenarioOverrides& overrides = {}) {
  const auto scenario = load_json(json, overrides);
  return scenario ? "no error" : fare::to_text(scenario.error());
}

nlohmann::json with_recording_of(const nlohmann::json& recording) {
  nlohmann::json json = small_scenario();
  json["recording"] = recording;
  return json;
}

std::string clients_in(const TemporaryFolder& folder) {
  return folder.write("clients.csv",
                      "client,window_start_s,rate,cv,pattern\n"
                      "0,0,0.5,2,Gamma\n0,1200,0.1,1,Exponential\n7,0,0.2,1,Exponential\n");
}

std::string sessions_in(const TemporaryFolder& folder) {
  return folder.write(
      "sessions.jsonl",
      R"({"id": "s", "block_size": 64, "requests": [)"
      R"({"t": 0, "model": "m", "in": 128, "out": 3, "h": [1, 2], "ttft": 0.5, "api_time": 1},)"
      R"({"t": 5, "model": "m", "in": 192, "out": 4, "h": [1, 3], "ttft": 0.5, "api_time": 1,)"
      R"("think_time": 4}]})"
      "\n");
}

TEST(RecordingTest, ClientsTakeThePlaceOfTheArrivals) {
  const TemporaryFolder folder;
  const std::string file = clients_in(folder);
  const Scenario drawn = scenario_of(small_scenario());
  const Scenario scenario = scenario_of(
      with_recording_of({{"file", file}, {"format", "servegen"}, {"window_seconds", 60}}));
  const TrafficModel& traffic = scenario.traffic;
  EXPECT_EQ(traffic.arrivals.process, SyntheticArrivals::Process::kClients);
  ASSERT_EQ(traffic.arrivals.clients.size(), 2u);
  EXPECT_EQ(traffic.arrivals.clients[1].name, "client-7");
  ASSERT_EQ(traffic.arrivals.clients[0].windows.size(), 2u);
  EXPECT_EQ(traffic.arrivals.clients[0].windows[0].length, std::chrono::seconds(60));
  // 60 s of 0.5 and, after silence, of 0.1; and 60 s of 0.2.
  EXPECT_DOUBLE_EQ(expected_requests(traffic), 30 + 6 + 12);
  EXPECT_FALSE(traffic.trace);
  EXPECT_EQ(traffic.classes.size(), drawn.traffic.classes.size());
  EXPECT_EQ(traffic.tenants.size(), drawn.traffic.tenants.size() + 2);
  EXPECT_EQ(traffic.input_tokens.mean(), drawn.traffic.input_tokens.mean());
}

TEST(RecordingTest, SessionsAreReplayedCallByCall) {
  const TemporaryFolder folder;
  const std::string file = sessions_in(folder);
  for (const bool open_loop : {false, true}) {
    const Scenario scenario = scenario_of(
        with_recording_of({{"file", file}, {"format", "claude-code"}, {"open_loop", open_loop}}));
    ASSERT_TRUE(scenario.traffic.recorded);
    EXPECT_EQ(scenario.traffic.recorded->open_loop, open_loop);
    EXPECT_FALSE(scenario.traffic.trace) << "its sessions begin as the model's process has it";
    SessionSource source(scenario.traffic, 1, 0);
    Arrival first;
    ASSERT_TRUE(source.next(first));
    EXPECT_EQ(first.input, Tokens(128));
    EXPECT_EQ(first.output, Tokens(3));
    const fare::Duration answered = first.at + std::chrono::seconds(3);
    std::optional<Arrival> second = source.after(first, answered, Ending::kGood);
    ASSERT_EQ(second.has_value(), !open_loop) << "what does not wait comes by itself";
    if (open_loop) {
      // Others begin their sessions in between.
      do {
        ASSERT_TRUE(source.next(second.emplace()));
      } while (second->session != first.session);
    }
    EXPECT_EQ(second->input, Tokens(192));
    // Recorded: an answer after 1 s, and 4 s to think.
    EXPECT_EQ(second->at - first.at, std::chrono::seconds(open_loop ? 5 : 7));
  }
}

TEST(RecordingTest, PromptsWithoutSessionsKeepTheirTimes) {
  const TemporaryFolder folder;
  const std::string file = folder.write(
      "mooncake.jsonl",
      "{\"timestamp\": 0, \"input_length\": 200, \"output_length\": 5, \"hash_ids\": [0, 1]}\n"
      "{\"timestamp\": 3000, \"input_length\": 90, \"output_length\": 0, \"hash_ids\": [0]}\n");
  const Scenario scenario = scenario_of(
      with_recording_of({{"file", file}, {"format", "mooncake-prompts"}, {"block_tokens", 128}}));
  ASSERT_TRUE(scenario.traffic.recorded);
  ASSERT_TRUE(scenario.traffic.trace);
  ASSERT_EQ(scenario.traffic.trace->rows.size(), 2u);
  EXPECT_EQ(scenario.traffic.trace->rows[1].at, std::chrono::seconds(3));
  EXPECT_EQ(scenario.traffic.recorded->trace.calls[0].blocks, 2u);
  EXPECT_THAT(errors_of(with_recording_of({{"file", file}, {"format", "mooncake-prompts"}})),
              HasSubstr("mooncake.jsonl:1"))
      << "blocks of 512 would be one";
}

TEST(RecordingTest, TheCommandLineGoesFirstAndFilesAreBesideTheScenario) {
  const TemporaryFolder folder;
  sessions_in(folder);
  nlohmann::json json = with_recording_of({{"file", "sessions.jsonl"}, {"format", "claude-code"}});
  const std::string path = folder.write("scenario.json", json.dump());
  const auto beside = load_scenario(path, {});
  ASSERT_TRUE(beside) << fare::to_text(beside.error());
  EXPECT_TRUE(beside->traffic.recorded);
  const auto other = load_scenario(path, {.trace = clients_in(folder), .trace_format = "servegen"});
  ASSERT_TRUE(other) << fare::to_text(other.error());
  EXPECT_FALSE(other->traffic.recorded);
  EXPECT_EQ(other->traffic.arrivals.clients.size(), 2u);
  const auto open = load_scenario(path, {.trace = folder.path() + "/sessions.jsonl",
                                         .trace_format = "claude-code",
                                         .open_loop = true});
  ASSERT_TRUE(open) << fare::to_text(open.error());
  EXPECT_TRUE(open->traffic.recorded->open_loop);
}

TEST(RecordingTest, SaysWhatIsWrongAndWhere) {
  const TemporaryFolder folder;
  const std::string clients = clients_in(folder);
  EXPECT_THAT(errors_of(with_recording_of({{"file", clients}, {"format", "servgen"}})),
              HasSubstr("#/recording/format: must be a format of traces, clients or prompts"));
  EXPECT_THAT(errors_of(with_recording_of(
                  {{"file", clients}, {"format", "servegen"}, {"open_loop", true}})),
              HasSubstr("#/recording/open_loop: belongs to the format \"claude-code\" alone"));
  EXPECT_THAT(errors_of(with_recording_of({{"format", "servegen"}})), HasSubstr("\"file\""));
  EXPECT_THAT(errors_of(with_recording_of({{"file", "no.csv"}, {"format", "servegen"}})),
              HasSubstr("no.csv"));
  EXPECT_THAT(errors_of(small_scenario(), {.trace = clients, .trace_format = "servgen"}),
              HasSubstr("or servegen, claude-code"));
  const std::string bad = folder.write("bad.csv",
                                       "client,window_start_s,rate,cv,pattern\n"
                                       "0,0,0.5,2,Gamma\n0,600,-1,2,Gamma\n");
  EXPECT_THAT(errors_of(small_scenario(), {.trace = bad, .trace_format = "servegen"}),
              HasSubstr("bad.csv:3"))
      << "a client's window that is left out would be a silence that never was";
}

// 12,031 requests: Mooncake, FAST 2025, the conversation trace.
TEST(RecordingTest, LoadsThePublishedOnes) {
  const std::string data = source_path("../shared/data/traces/");
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "no published traces at " << data;
  const auto load = [&](const std::string& file, const std::string& format) {
    return scenario_of(small_scenario(), {.trace = data + file, .trace_format = format}).traffic;
  };
  const TrafficModel clients = load("servegen/language_m-small_clients.csv.gz", "servegen");
  EXPECT_EQ(clients.arrivals.clients.size(), 43u);
  EXPECT_GT(expected_requests(clients), 1e6);
  const TrafficModel sessions =
      load("claudecode_weka/claudecode_sessions_rle.jsonl.gz", "claude-code");
  ASSERT_TRUE(sessions.recorded);
  EXPECT_GT(sessions.recorded->trace.sessions.size(), 100u);
  const TrafficModel prompts = load("mooncake/conversation_trace.jsonl.gz", "mooncake-prompts");
  ASSERT_TRUE(prompts.recorded);
  EXPECT_EQ(prompts.recorded->trace.calls.size(), 12'031u);
  EXPECT_EQ(prompts.trace->rows.size(), 12'031u);
}

}  // namespace
}  // namespace routesim
