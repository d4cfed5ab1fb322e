#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json_reader.h"
#include "fare/check.h"
#include "traffic/session.h"

// Goal: no traffic of a scenario makes the reader crash, and what it accepts can be drawn: in order
// of time, with lengths in range, sessions that follow their calls, and users who ask again no more
// often than they may.

namespace {

constexpr int kCalls = 300;

void check_call(const routesim::TrafficModel& model, const routesim::Arrival& call) {
  FARE_CHECK(call.input >= fare::Tokens(1));
  FARE_CHECK(call.output >= fare::Tokens(1));
  FARE_CHECK(call.request_class < model.classes.size());
  FARE_CHECK(call.tenant < model.tenants.size());
  FARE_CHECK(fare::count_blocks(call.blocks) *
                 static_cast<std::uint64_t>(call.block_tokens.count()) <=
             static_cast<std::uint64_t>(call.input.count()));
  const routesim::UserModel& users = model.users;
  FARE_CHECK(call.patience >= fare::Duration(0));
  FARE_CHECK(call.escalations <= users.escalations_max);
  FARE_CHECK(call.attempt <= users.retries_max + users.escalations_max);
}

void run(const routesim::TrafficModel& model) {
  routesim::SessionSource source(model, 1, 0);
  routesim::Arrival arrival;
  fare::Duration before{};
  for (int i = 0; i < kCalls && source.next(arrival); ++i) {
    FARE_CHECK(arrival.at >= before);
    before = arrival.at;
    fare::Duration now = arrival.at;
    std::optional<routesim::Arrival> next = arrival;
    for (int k = 0; k < kCalls && next; ++k) {
      FARE_CHECK(next->at >= now);
      now = next->at;
      check_call(model, *next);
      const auto ending = static_cast<routesim::Ending>((i + k) % 5);
      next = source.after(*next, now, ending);
      while (source.also(arrival)) continue;  // Never answered: their session stays open.
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fare::Problems problems("fuzz");
  const fare::JsonDocument document(bytes, problems);
  if (!problems.empty()) return 0;
  const auto model = routesim::read_traffic(document.root());
  if (!problems.empty()) return 0;
  FARE_CHECK(model.has_value());
  run(*model);
  return 0;
}
