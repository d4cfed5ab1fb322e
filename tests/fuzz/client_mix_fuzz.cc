#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fare/check.h"
#include "traffic/client_mix.h"

// Goal: no bytes make the reader of client tables crash, or give a table that breaks its contract.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto mix = routesim::parse_client_mix("fuzz", bytes, {});
  if (!mix) {
    FARE_CHECK(!mix.error().empty());
    return 0;
  }
  std::size_t windows = 0;
  FARE_CHECK(!mix->clients.empty());
  for (const routesim::Client& client : mix->clients) {
    FARE_CHECK(!client.windows.empty());
    windows += client.windows.size();
    fare::Duration end{};
    for (const routesim::ClientWindow& window : client.windows) {
      FARE_CHECK(window.start >= end);
      FARE_CHECK(window.length.count() > 0);
      FARE_CHECK(window.per_second >= 0);
      FARE_CHECK(window.per_second <= 1e6);
      end = window.start + window.length;
    }
  }
  FARE_CHECK(mix->lines == windows + mix->bad_lines.size());
  return 0;
}
