#include "traffic/session.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "allocations.h"
#include "base/json_reader.h"
#include "places.h"

namespace routesim {
namespace {

using fare::Duration;
using fare::Tokens;
using std::chrono::seconds;

TrafficModel model_of(const std::string& more,
                      const std::string& arrivals = R"("per_second":0.5,"requests":200)") {
  fare::Problems problems("s");
  const fare::JsonDocument document(
      R"({"arrivals":{"process":"poisson",)" + arrivals +
          R"(},"input_tokens":{"kind":"lognormal","median":300,"sigma":1,"max":5000},)"
          R"("output_tokens":{"kind":"lognormal","median":100,"sigma":1,"max":5000})" +
          more + "}",
      problems);
  auto model = read_traffic(document.root());
  EXPECT_TRUE(problems.empty()) << fare::to_text(problems.take());
  return model ? std::move(*model) : TrafficModel{};
}

std::string problems_of(const std::string& more) {
  fare::Problems problems("s");
  const fare::JsonDocument document(
      R"({"arrivals":{"process":"poisson","per_second":1,"hours":1},"input_tokens":1,)"
      R"("output_tokens":1,)" +
          more + "}",
      problems);
  read_traffic(document.root());
  return fare::to_text(problems.take());
}

struct Answer {
  Duration after{};
  Ending ending = Ending::kGood;
};
using World = std::function<Answer(const Arrival&)>;

// What came, with its prompt written out, and when it ended.
struct Call {
  Arrival arrival;
  std::vector<fare::BlockRun> runs;
  Duration ended{};
};

// The slow and simple loop: everything in flight in a list, the first to end is next.
std::vector<Call> simulate(const TrafficModel& model, const World& world, std::uint64_t seed = 1) {
  SessionSource source(model, seed, 0);
  std::vector<Call> calls;
  std::multimap<std::pair<Duration, std::size_t>, std::size_t> ends;
  std::multimap<Duration, Arrival> future;
  Arrival open;
  bool has_open = source.next(open);
  const auto answer = [&](const Arrival& arrival) {
    const Answer what = world(arrival);
    Call call{arrival, {arrival.blocks.begin(), arrival.blocks.end()}, arrival.at + what.after};
    if (what.after >= arrival.patience) call.ended = arrival.at + arrival.patience;
    calls.push_back(call);
    ends.emplace(std::pair(call.ended, calls.size()), calls.size() - 1);
  };
  while (has_open || !ends.empty() || !future.empty()) {
    const Duration start = has_open ? open.at : Duration::max();
    const Duration next = future.empty() ? Duration::max() : future.begin()->first;
    const Duration end = ends.empty() ? Duration::max() : ends.begin()->first.first;
    if (end <= start && end <= next) {
      const Call call = calls[ends.begin()->second];
      ends.erase(ends.begin());
      const Answer what = world(call.arrival);
      const bool gives_up = what.after >= call.arrival.patience;
      Arrival more;
      auto follow = source.after(call.arrival, end, gives_up ? Ending::kAbandoned : what.ending);
      for (bool any = follow.has_value(); any; any = source.also(more), follow = more) {
        EXPECT_GE(follow->at, end);
        future.emplace(follow->at, *follow);
      }
    } else if (next <= start) {
      const Arrival arrival = future.begin()->second;
      future.erase(future.begin());
      answer(arrival);
    } else {
      answer(open);
      has_open = source.next(open);
    }
  }
  EXPECT_EQ(source.open_sessions(), 0u) << "all sessions have an end";
  return calls;
}

const World kQuick = [](const Arrival&) { return Answer{seconds(1)}; };

constexpr const char* kSessions =
    R"(,"sessions":{"turns":{"kind":"uniform","min":1,"max":9},)"
    R"("think_seconds":{"kind":"exponential","mean":30},"system_tokens":1000,"block_tokens":64,)"
    R"("max_output_tokens":6000})";
constexpr const char* kAgents =
    R"(,"sessions":{"turns":6,"think_seconds":{"kind":"exponential","mean":30},)"
    R"("system_tokens":1000,"sub_agents":{"turn_share":0.4,"count":{"kind":"uniform","min":1,)"
    R"("max":3},"turns":{"kind":"uniform","min":1,"max":4},"pause_seconds":2}})";

TEST(SessionTest, WithoutSessionsAndUsersItIsTheTrafficSource) {
  const TrafficModel model = model_of(R"(,"classes":[{"name":"a"},{"name":"b"}])");
  TrafficSource plain(model, 4, 2);
  SessionSource source(model, 4, 2);
  Arrival a;
  Arrival b;
  while (plain.next(a)) {
    ASSERT_TRUE(source.next(b));
    EXPECT_EQ(a.index, b.index);
    EXPECT_EQ(a.at, b.at);
    EXPECT_EQ(a.request_class, b.request_class);
    EXPECT_EQ(a.input, b.input);
    EXPECT_EQ(a.output, b.output);
    EXPECT_EQ(b.patience, Duration::max());
    EXPECT_FALSE(source.after(b, b.at, Ending::kFailed).has_value());
  }
  EXPECT_FALSE(source.next(b));
}

TEST(SessionTest, APromptIsAllThatWasSaidAndTheNewText) {
  std::map<std::uint64_t, Arrival> last;
  double think = 0;
  double thoughts = 0;
  std::map<std::uint64_t, Duration> ended;
  for (const Call& call : simulate(model_of(kSessions), kQuick)) {
    const Arrival& arrival = call.arrival;
    EXPECT_EQ(arrival.max_output, Tokens(6'000));
    if (arrival.turn == 0) {
      EXPECT_GT(arrival.input, Tokens(1'000));
    } else {
      const Arrival& before = last.at(arrival.session);
      EXPECT_EQ(arrival.turn, before.turn + 1);
      EXPECT_GT(arrival.input, before.input + before.output);
      EXPECT_LE(arrival.input, before.input + before.output + Tokens(5'000));
      EXPECT_EQ(arrival.tenant, before.tenant);
      think += static_cast<double>((arrival.at - ended.at(arrival.session)).count()) / 1e9;
      ++thoughts;
    }
    last[arrival.session] = arrival;
    ended[arrival.session] = call.ended;
  }
  EXPECT_EQ(last.size(), 200u);
  EXPECT_GT(thoughts, 600);
  EXPECT_LT(std::abs(think / thoughts / 30 - 1), 4.9 / std::sqrt(thoughts));
}

// Goal: equal names mean equal prefixes, and what is repeated has equal names.
// Method: every prompt is written out as tokens, each named by who said it and where; blocks with
// one name must have one text up to their end, and the other way round.
TEST(SessionTest, NamesOfBlocksAreThoseOfPrefixes) {
  std::map<std::uint64_t, std::vector<std::uint64_t>> text_of_name;
  std::map<std::vector<std::uint64_t>, std::uint64_t> name_of_text;
  // Per sequence the texts it has: (id, length).
  using Text = std::vector<std::pair<std::uint64_t, std::int64_t>>;
  std::map<std::pair<std::uint64_t, std::uint32_t>, Text> said;
  std::uint64_t fresh = 1;
  std::size_t shared_by_agents = 0;
  const auto length = [](const Text& text) {
    std::int64_t sum = 0;
    for (const auto& piece : text) sum += piece.second;
    return sum;
  };
  std::vector<Call> calls =
      simulate(model_of(kAgents, R"("per_second":0.01,"requests":40)"), kQuick);
  std::map<std::uint64_t, Text> at_fork;
  for (const Call& call : calls) {
    const Arrival& arrival = call.arrival;
    Text& text = said[{arrival.session, arrival.agent}];
    if (text.empty()) {
      text = arrival.agent == 0 ? Text{{0, 1'000}} : said.at({arrival.session, 0});
    }
    text.emplace_back(fresh++, arrival.input.count() - length(text));  // New, or joined and new.
    ASSERT_GT(text.back().second, 0);
    ASSERT_EQ(fare::count_blocks(call.runs),
              static_cast<std::uint64_t>(arrival.input.count() / 64));
    ASSERT_LE(call.runs.size(), 3u);
    std::vector<std::uint64_t> prefix;  // The text in pieces, cut at the end of each block.
    std::int64_t end = 0;
    std::size_t piece = 0;
    std::int64_t into = 0;
    for (const fare::BlockRun& run : call.runs) {
      for (std::uint64_t i = 0; i < run.count; ++i) {
        end = 64;
        while (end > 0) {
          const std::int64_t step = std::min(end, text[piece].second - into);
          prefix.push_back(text[piece].first << 32 | static_cast<std::uint64_t>(into + step));
          end -= step;
          into += step;
          if (into == text[piece].second) {
            ++piece;
            into = 0;
          }
        }
        const auto name = text_of_name.try_emplace(run.first + i, prefix);
        ASSERT_EQ(name.first->second, prefix) << "one name, two prefixes";
        shared_by_agents += !name.second && arrival.agent != 0 && run.first != 0;
        ASSERT_EQ(name_of_text.try_emplace(prefix, run.first + i).first->second, run.first + i);
      }
    }
    text.emplace_back(fresh++, arrival.output.count());
  }
  EXPECT_GT(shared_by_agents, 100u) << "sub-agents share their session's prefix";
}

TEST(SessionTest, SubAgentsWorkSideBySideAndJoin) {
  std::map<std::pair<std::uint64_t, std::uint32_t>, Call> last;  // By session and agent.
  std::map<std::uint64_t, std::set<std::uint32_t>> agents;       // Since the turn before.
  std::size_t fans = 0;
  for (const Call& call : simulate(model_of(kAgents), kQuick)) {
    const Arrival& arrival = call.arrival;
    const auto key = std::pair(arrival.session, arrival.agent);
    if (arrival.agent != 0) {
      agents[arrival.session].insert(arrival.agent);
      const Call& parent = last.at({arrival.session, 0});
      if (arrival.turn == 0) {
        EXPECT_EQ(arrival.at, parent.ended);
        EXPECT_GT(arrival.input, parent.arrival.input + parent.arrival.output);
      } else {
        EXPECT_EQ(arrival.at, last.at(key).ended + seconds(2));
      }
    } else if (arrival.turn > 0 && !agents[arrival.session].empty()) {
      const Arrival& before = last.at(key).arrival;
      Tokens context = before.input + before.output;
      for (const std::uint32_t agent : agents[arrival.session]) {
        const Call& child = last.at({arrival.session, agent});
        EXPECT_GE(arrival.at, child.ended) << "it waits for all";
        context += child.arrival.output;
      }
      EXPECT_GT(arrival.input, context);
      EXPECT_LE(arrival.input, context + Tokens(5'000));
      ++fans;
    }
    if (arrival.agent == 0) agents[arrival.session].clear();
    last.insert_or_assign(key, call);
  }
  EXPECT_GT(fans, 100u);
}

// Half of the later turns are rewrites to half the length, of which a quarter (of the whole) stays:
// what a prompt shares with the one before is that quarter or all of it, and a name once left never
// comes back.
TEST(SessionTest, ARewriteKeepsAPrefixAndNamesTheRestAnew) {
  const TrafficModel model =
      model_of(R"(,"sessions":{"turns":40,"think_seconds":1,"system_tokens":640,"new_tokens":1000,)"
               R"("rewrites":[{"turn_share":0.5,"size_share":0.5,"kept_share":0.25}]})");
  std::map<std::uint64_t, Call> before;
  std::map<std::uint64_t, std::set<std::uint64_t>> left;  // Names, by session.
  std::size_t rewrites = 0;
  std::size_t others = 0;
  const auto names_of = [](const Call& call) {
    std::vector<std::uint64_t> names;
    for (const fare::BlockRun& run : call.runs) {
      for (std::uint64_t i = 0; i < run.count; ++i) names.push_back(run.first + i);
    }
    return names;
  };
  for (const Call& call : simulate(model, kQuick)) {
    const auto known = before.find(call.arrival.session);
    const std::vector<std::uint64_t> names = names_of(call);
    ASSERT_EQ(names.size(), static_cast<std::size_t>(call.arrival.input.count() / 64));
    if (known != before.end()) {
      const Arrival& last = known->second.arrival;
      const std::vector<std::uint64_t> old = names_of(known->second);
      const auto shared = static_cast<std::size_t>(
          std::mismatch(old.begin(), old.end(), names.begin(), names.end()).first - old.begin());
      const std::int64_t said = (last.input + last.output).count();
      if (call.arrival.input.count() == said + 1'000) {
        ++others;
        EXPECT_EQ(shared, old.size());
      } else {
        ++rewrites;
        EXPECT_EQ(call.arrival.input.count(), said / 2 + 1'000);
        EXPECT_EQ(shared, std::min(old.size(), static_cast<std::size_t>(said / 4 / 64)));
        for (std::size_t i = shared; i < old.size(); ++i) left[last.session].insert(old[i]);
      }
      for (const std::uint64_t name : names) {
        ASSERT_EQ(left[last.session].count(name), 0u) << "a text that was left came back";
      }
    }
    before.insert_or_assign(call.arrival.session, call);
  }
  // 7,800 later turns: a half, give or take five standard deviations of 44.
  EXPECT_NEAR(static_cast<double>(rewrites), 3'900, 220);
  EXPECT_EQ(rewrites + others, 7'800u);
}

TEST(SessionTest, SubAgentsMayBeginAfresh) {
  const TrafficModel model =
      model_of(R"(,"sessions":{"turns":6,"think_seconds":1,"new_tokens":100,"sub_agents":)"
               R"({"turn_share":0.4,"turns":2,"context_tokens":5000}})");
  std::size_t agents = 0;
  std::set<std::uint64_t> own;  // First names of sub-agents.
  for (const Call& call : simulate(model, kQuick)) {
    if (call.arrival.agent == 0 || call.arrival.turn > 0) continue;
    ++agents;
    EXPECT_EQ(call.arrival.input, Tokens(5'100));
    ASSERT_EQ(call.runs.size(), 1u);
    EXPECT_TRUE(own.insert(call.runs[0].first).second);
  }
  EXPECT_GT(agents, 300u);
}

TEST(SessionTest, TurnsFollowFromTheFirstPrompt) {
  const TrafficModel model =
      model_of(R"(,"sessions":{"turns":1,"think_seconds":1,"turns_by_prompt":[{"up_to_tokens":300,)"
               R"("turns":7},{"turns":2}]})");
  std::map<std::uint64_t, std::pair<Tokens, int>> sessions;
  for (const Call& call : simulate(model, kQuick)) {
    auto& [first, turns] = sessions[call.arrival.session];
    if (turns++ == 0) first = call.arrival.input;
  }
  for (const auto& [session, one] : sessions) {
    EXPECT_EQ(one.second, one.first <= Tokens(300) ? 7 : 2) << one.first.count();
  }
}

// A slow world delays what users say, but changes nothing of it.
TEST(SessionTest, AnotherPolicyMeetsTheSameUsers) {
  const TrafficModel model = model_of(kAgents);
  const auto content = [&](const World& world) {
    std::map<std::uint64_t, std::pair<Tokens, Tokens>> texts;
    for (const Call& call : simulate(model, world)) {
      texts[call.arrival.index] = {call.arrival.input, call.arrival.output};
    }
    return texts;
  };
  const auto quick = content(kQuick);
  const auto slow = content([](const Arrival& arrival) {
    return Answer{std::chrono::milliseconds(100 + arrival.index * 7919 % 60'000)};
  });
  EXPECT_EQ(quick, slow);
  EXPECT_GT(quick.size(), 1'200u);
}

TEST(SessionTest, ASessionEndsBeforeItsContextIsTooLong) {
  const TrafficModel model =
      model_of(R"(,"sessions":{"turns":1000,"think_seconds":1,"context_max_tokens":20000})");
  std::map<std::uint64_t, Tokens> longest;
  for (const Call& call : simulate(model, kQuick)) {
    EXPECT_LE(call.arrival.input, Tokens(20'000));
    longest[call.arrival.session] = call.arrival.input + call.arrival.output;
  }
  for (const auto& [session, tokens] : longest) EXPECT_GT(tokens, Tokens(10'000)) << session;
}

TEST(UsersTest, RetriesBackOffAndEnd) {
  const TrafficModel model = model_of(
      std::string(kSessions) +
      R"(,"users":{"retries":{"max":3,"back_off_seconds":2,"factor":3,"max_seconds":10,"jitter":)"
      R"(0.5}})");
  std::map<std::uint64_t, Call> last;
  std::vector<double> first_waits;
  std::set<std::uint64_t> indices;
  for (const Call& call : simulate(model, [](const Arrival& arrival) {
         return Answer{seconds(1), arrival.turn == 2 ? Ending::kRefused : Ending::kGood};
       })) {
    const Arrival& arrival = call.arrival;
    EXPECT_TRUE(indices.insert(arrival.index).second) << "every try has luck of its own";
    EXPECT_LE(arrival.turn, 2u) << "who is refused four times goes";
    EXPECT_LE(arrival.attempt, 3);
    if (arrival.attempt > 0) {
      const Call& before = last.at(arrival.session);
      EXPECT_EQ(arrival.input, before.arrival.input);
      EXPECT_EQ(call.runs, before.runs);
      const double wait = static_cast<double>((arrival.at - before.ended).count()) / 1e9;
      const double full = std::min(10.0, 2 * std::pow(3, arrival.attempt - 1));
      EXPECT_LE(wait, full);
      EXPECT_GE(wait, full / 2);
      if (arrival.attempt == 1) first_waits.push_back(wait);
    }
    last.insert_or_assign(arrival.session, call);
  }
  ASSERT_GT(first_waits.size(), 100u);
  const double mean = std::accumulate(first_waits.begin(), first_waits.end(), 0.0) /
                      static_cast<double>(first_waits.size());
  EXPECT_NEAR(mean, 1.5, 4.9 * std::sqrt(1 / 12.0 / static_cast<double>(first_waits.size())));
}

TEST(UsersTest, PatienceEndsSessions) {
  const TrafficModel model =
      model_of(std::string(kSessions) + R"(,"users":{"retries":{"max":3},"patience_seconds":)"
                                        R"({"kind":"exponential","mean":10}})");
  const World world = [](const Arrival& arrival) { return Answer{seconds(arrival.turn * 3)}; };
  double waits = 0;
  double stays = 0;
  std::map<std::uint64_t, bool> gone;
  for (const Call& call : simulate(model, world)) {
    EXPECT_FALSE(gone[call.arrival.session]) << "who gave up does not come back";
    const Duration answer = seconds(call.arrival.turn * 3);
    if (call.arrival.turn == 1) {
      ++waits;
      stays += call.arrival.patience > answer;
    }
    gone[call.arrival.session] = call.arrival.patience <= answer;
  }
  const double due = std::exp(-0.3);
  EXPECT_NEAR(stays / waits, due, 4.9 * std::sqrt(due * (1 - due) / waits));
}

TEST(UsersTest, ABadAnswerIsEscalatedByItsShare) {
  const TrafficModel model = model_of(
      R"(,"classes":[{"name":"a"},{"name":"hard","share":0}],"users":{"escalation":{"share":0.3,)"
      R"("max":2,"class":"hard"}})",
      R"("per_second":5,"requests":20000)");
  double asked = 0;
  double again = 0;
  double thrice = 0;
  for (const Call& call : simulate(model, [](const Arrival&) {
         return Answer{seconds(1), Ending::kBad};
       })) {
    EXPECT_EQ(call.arrival.request_class, call.arrival.attempt == 0 ? 0u : 1u);
    EXPECT_EQ(call.arrival.escalations, call.arrival.attempt);
    asked += call.arrival.attempt == 0;
    again += call.arrival.attempt == 1;
    thrice += call.arrival.attempt == 2;
    EXPECT_LE(call.arrival.attempt, 2);
  }
  EXPECT_EQ(asked, 20'000);
  EXPECT_NEAR(again / asked, 0.3, 4.9 * std::sqrt(0.21 / asked));
  EXPECT_NEAR(thrice / again, 0.3, 4.9 * std::sqrt(0.21 / again));
}

// The turn after an escalated one is again of the session's class, and names its blocks as before.
TEST(UsersTest, AnEscalationLastsOneTurn) {
  const TrafficModel model = model_of(
      R"(,"classes":[{"name":"a"},{"name":"hard","share":0}],"users":{"escalation":{"share":1,)"
      R"("class":"hard"}},"sessions":{"turns":4,"think_seconds":1,"system_tokens":640})");
  std::size_t escalated = 0;
  for (const Call& call : simulate(model, [](const Arrival& arrival) {
         return Answer{seconds(1), arrival.turn == 1 ? Ending::kBad : Ending::kGood};
       })) {
    const bool is_again = call.arrival.attempt > 0;
    escalated += is_again;
    EXPECT_EQ(call.arrival.request_class, is_again ? 1u : 0u);
    ASSERT_GE(call.runs.size(), 1u);
    EXPECT_EQ(call.runs[0], (fare::BlockRun{0, 10}));
  }
  EXPECT_EQ(escalated, 200u);
}

// Memory grows with open sessions, not with sessions: after a while nothing is allocated.
TEST(SessionTest, SessionsGoneLeaveNothingBehind) {
  const TrafficModel model = model_of(kSessions, R"("per_second":1,"requests":20000)");
  SessionSource source(model, 1, 0);
  std::vector<Arrival> line;  // Served one after the other, sessions in parallel up to 50.
  line.reserve(100);
  Arrival arrival;
  std::uint64_t allocations = 0;
  std::uint64_t calls = 0;
  while (source.next(arrival)) {
    if (arrival.session == 200) allocations = fare::allocations();
    line.push_back(arrival);
    if (line.size() < 50) continue;
    std::optional<Arrival> next = line.front();
    line.erase(line.begin());
    while (next) {
      ++calls;
      next = source.after(*next, next->at, Ending::kGood);
    }
    ASSERT_LE(source.open_sessions(), 50u);
  }
  EXPECT_GT(calls, 80'000u);
  EXPECT_EQ(fare::allocations(), allocations);
}

std::string weka() {
  return std::string(fare::kSourceDir) +
         "/../shared/data/traces/claudecode_weka/claudecode_sessions_rle.jsonl.gz";
}

constexpr const char* kRecorded =
    R"({"id":"s","block_size":64,"requests":[)"
    R"({"t":0,"model":"m","in":130,"out":0,"h":[1,2],"api_time":5,"think_time":0},)"
    R"({"t":7,"type":"subagent","requests":[)"
    R"({"t":0,"model":"m","in":64,"out":3,"h":[9,1],"api_time":1},)"
    R"({"t":4,"model":"m","in":128,"out":4,"h":[9,2],"api_time":1,"think_time":3}]},)"
    R"({"t":15,"model":"m","in":200,"out":9,"h":[1,3],"api_time":5,"think_time":10}]})";

TEST(RecordedTest, AClosedLoopWaitsForAnswers) {
  const auto trace = parse_prompt_trace("t", kRecorded, {.format = PromptFormat::kClaudeCode});
  ASSERT_TRUE(trace.has_value()) << fare::to_text(trace.error());
  const TrafficModel model =
      with_prompts(model_of("", R"("per_second":0.001,"requests":2)"), *trace, false);
  const auto calls = simulate(model, [](const Arrival&) { return Answer{seconds(100)}; });
  ASSERT_EQ(calls.size(), 8u);
  const Duration start = calls[0].arrival.at;
  std::map<std::uint64_t, Duration> at;
  for (const Call& call : calls) {
    if (call.arrival.session == 0) at[call.arrival.index] = call.arrival.at - start;
  }
  const std::map<std::uint64_t, Duration> due = {{0, seconds(0)},
                                                 {1, seconds(102)},   // 7 - 0 - 5 after the answer.
                                                 {2, seconds(205)},   // Its think time of 3.
                                                 {3, seconds(110)}};  // Its think time of 10.
  EXPECT_EQ(at, due);
  EXPECT_EQ(calls[0].arrival.output, Tokens(1)) << "a recorded 0";
  EXPECT_EQ(calls[0].runs, (std::vector<fare::BlockRun>{{1, 2}}));
  // The second time the same session is somebody else's: no block is shared.
  std::set<std::uint64_t> names[2];
  for (const Call& call : calls) {
    for (const auto& run : call.runs) names[call.arrival.session].insert(run.first);
  }
  EXPECT_EQ(names[0], (std::set<std::uint64_t>{1, 9}));
  EXPECT_TRUE(!names[1].contains(1) && !names[1].contains(9));
}

TEST(RecordedTest, AnOpenLoopComesAsItCame) {
  const auto trace = parse_prompt_trace("t", kRecorded, {.format = PromptFormat::kClaudeCode});
  const TrafficModel model =
      with_prompts(model_of("", R"("per_second":0.1,"requests":50)"), *trace, true);
  std::map<std::uint64_t, Duration> start;
  Duration before{};
  std::size_t count = 0;
  for (const Call& call :
       simulate(model, [](const Arrival&) { return Answer{std::chrono::minutes(9)}; })) {
    const Arrival& arrival = call.arrival;
    EXPECT_GE(arrival.at, before);
    before = arrival.at;
    start.try_emplace(arrival.session, arrival.at);
    const Duration due[] = {seconds(0), seconds(7), seconds(11), seconds(15)};
    EXPECT_EQ(arrival.at - start[arrival.session], due[arrival.index & 0xfffff]);
    ++count;
  }
  EXPECT_EQ(count, 200u);
}

TEST(RecordedTest, AllClaudeCodeSessionsAreReplayedToTheLastCall) {
  const auto trace = read_prompt_trace(weka(), {.format = PromptFormat::kClaudeCode});
  if (!trace) GTEST_SKIP() << "needs the recorded sessions: " << fare::to_text(trace.error());
  for (const bool open_loop : {false, true}) {
    const TrafficModel model =
        with_prompts(model_of("", R"("per_second":0.01,"requests":355)"), *trace, open_loop);
    std::int64_t input = 0;
    std::uint64_t blocks = 0;
    const auto calls = simulate(model, kQuick);
    for (const Call& call : calls) {
      input += call.arrival.input.count();
      blocks += fare::count_blocks(call.runs);
    }
    std::int64_t input_due = 0;
    std::uint64_t blocks_due = 0;
    for (const PromptCall& call : trace->calls) {
      input_due += call.input.count();
      blocks_due += call.blocks;
    }
    EXPECT_EQ(calls.size(), trace->calls.size());
    EXPECT_EQ(input, input_due);
    EXPECT_EQ(blocks, blocks_due);
  }
}

TEST(RecordedTest, PromptsWithoutSessionsComeAtTheirTimes) {
  const auto trace = parse_prompt_trace(
      "t",
      R"({"timestamp": 1000, "input_length": 600, "output_length": 5, "hash_ids": [7, 8]})"
      "\n"
      R"({"timestamp": 3500, "input_length": 500, "output_length": 6, "hash_ids": [7]})",
      {.format = PromptFormat::kMooncake});
  ASSERT_TRUE(trace.has_value());
  const auto calls = simulate(with_prompts(model_of(""), *trace, false), kQuick);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[1].arrival.at, std::chrono::milliseconds(2'500));
  EXPECT_EQ(calls[0].runs, (std::vector<fare::BlockRun>{{7, 2}}));
  EXPECT_EQ(calls[1].arrival.block_tokens, Tokens(512));
}

TEST(SessionTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(problems_of(R"("sessions":{"turns":0.5,"think_second":1})"),
            "s#/sessions: needs the key \"think_seconds\"\n"
            "s#/sessions/think_second: is not a known key; did you mean \"think_seconds\"?\n");
  EXPECT_EQ(
      problems_of(R"("sessions":{"turns":{"kind":"exponential","mean":50},"think_seconds":1})"),
      "s#/sessions/turns: must be above 0 and at most 1000, but can be from 2.78e-15 to "
      "1.84e+03; give it a \"min\" and a \"max\"\n");
  EXPECT_EQ(problems_of(R"("sessions":{"turns":2,"think_seconds":1,"rewrites":[{"turn_share":0.1},)"
                        R"({"up_to_tokens":5,"turn_share":0.1}]})"),
            "s#/sessions/rewrites: must have \"up_to_tokens\" in all items but the last one, "
            "rising\n");
  EXPECT_EQ(problems_of(R"("sessions":{"turns":500,"think_seconds":1,"sub_agents":)"
                        R"({"turn_share":0.5,"count":4}})"),
            "s#/sessions/sub_agents: can be up to 1268 in a session of 500 turns, but there may be "
            "1023\n");
  EXPECT_EQ(problems_of(R"("users":{"escalation":{"share":0.3,"class":"hard"}})"),
            "s#/users/escalation/class: must be a class of the traffic, but is \"hard\"\n");
}

}  // namespace
}  // namespace routesim
