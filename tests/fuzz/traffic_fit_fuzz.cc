#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "fare/check.h"
#include "study/traffic_fit.h"
#include "traffic/session.h"

// Goal: no recording makes the fit of traffic crash, and what it writes, a scenario reads: its
// sessions, users' times to think and sub-agents too.
// Method: the bytes are read as a trace of rows and as recorded prompts; what is fitted to them is
// read back and drawn from.  Of each process one replication is tried.

namespace {

using namespace routesim;

constexpr int kCalls = 100;
constexpr TrafficFitOptions kOptions{.seed = 1, .replications = 1};

void check_errors(const fare::Errors& errors) {
  FARE_CHECK(!errors.empty());
  for (const fare::Error& error : errors) FARE_CHECK(!error.message.empty());
}

void check_fit(const TrafficFit& fit) {
  FARE_CHECK(!to_text(fit).empty());
  FARE_CHECK(nlohmann::json::accept(to_json(fit)));
  FARE_CHECK(nlohmann::json::accept(scenario_skeleton(fit)));
  fare::Problems problems("fit");
  const fare::JsonDocument document(fit.traffic_json, problems);
  const auto model = read_traffic(document.root());
  FARE_CHECK(problems.empty());
  FARE_CHECK(model.has_value());
  FARE_CHECK(model->sessions.has_value() == (fit.sessions && fit.sessions->is_source));
  SessionSource source(*model, 1, 0);
  Arrival arrival;
  for (int i = 0; i < kCalls && source.next(arrival); ++i) {
    FARE_CHECK(arrival.input >= fare::Tokens(1));
    FARE_CHECK(arrival.output >= fare::Tokens(1));
    source.after(arrival, arrival.at, Ending::kGood);
    while (source.also(arrival)) continue;  // Never answered: their session stays open.
  }
}

template <class Recording>
void fit(const fare::Expected<Recording>& recording) {
  if (!recording) return check_errors(recording.error());
  const auto fitted = fit_traffic(*recording, kOptions);
  if (!fitted) return check_errors(fitted.error());
  check_fit(*fitted);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fit(parse_trace("fuzz", bytes, {.rows_max = 1'000}));
  fit(parse_prompt_trace("fuzz", bytes, {.format = PromptFormat::kClaudeCode}));
  return 0;
}
