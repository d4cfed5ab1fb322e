#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json_reader.h"
#include "fare/check.h"
#include "traffic/session.h"

// Goal: no traffic of a scenario makes the reader crash, and what it accepts can be drawn: in order
// of time, with lengths in range, and sessions that follow their calls.

namespace {

constexpr int kCalls = 300;

void run(const routesim::TrafficModel& model) {
  routesim::SessionSource source(model, 1, 0);
  routesim::Arrival arrival;
  fare::Duration before{};
  for (int i = 0; i < kCalls && source.next(arrival); ++i) {
    FARE_CHECK(arrival.at >= before);
    before = arrival.at;
    std::optional<routesim::Arrival> next = arrival;
    for (int k = 0; k < kCalls && next; ++k) {
      FARE_CHECK(next->input >= fare::Tokens(1));
      FARE_CHECK(next->output >= fare::Tokens(1));
      FARE_CHECK(next->request_class < model.classes.size());
      FARE_CHECK(next->tenant < model.tenants.size());
      static_cast<void>(fare::count_blocks(next->blocks));
      const auto ending = static_cast<routesim::Ending>((i + k) % 4);
      next = source.after(*next, next->at, ending);
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
