#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "fare/check.h"
#include "fare/usage_body.h"

// Goal: no bytes make a usage reader crash, or give a report that breaks its contract.
// Method: the bytes are read by every API; what was read is rendered and read again.

namespace {

using fare::Meter;
using fare::Tokens;
using fare::Usage;
using fare::UsageApi;
using fare::UsageReader;
using fare::UsageReport;
using fare::UsageStatus;

constexpr Tokens kSumMax(100'000 * fare::kTokensMax.count());

bool is_utf8(const std::string& text) {
  static_cast<void>(nlohmann::json(text).dump());  // Throws if not.
  return true;
}

void check_usage(const Usage& usage) {
  for (std::size_t i = 0; i < fare::kMeterCount; ++i) {
    const Tokens count = usage[static_cast<Meter>(i)];
    FARE_CHECK(count >= Tokens(0));
    FARE_CHECK(count <= kSumMax);
  }
}

void check_report(const UsageReport& report) {
  FARE_CHECK((report.status == UsageStatus::kRead) == report.problems.empty());
  FARE_CHECK(report.problems.size() <= 102);
  for (const fare::Error& error : report.problems) {
    FARE_CHECK(error.where.empty() || error.where.starts_with('/'));
    FARE_CHECK(!error.message.empty());
    FARE_CHECK(is_utf8(error.where + error.message));
  }
  for (const std::string& pointer : report.unknown) FARE_CHECK(pointer.starts_with('/'));
  for (const std::string& note : report.notes) FARE_CHECK(is_utf8(note));
  FARE_CHECK(report.terms.region == report.region);
  FARE_CHECK(!report.reported_cost || *report.reported_cost >= fare::Cost(0));
  check_usage(report.usage);
  for (const fare::OtherUsage& other : report.others) check_usage(other.usage);
  if (report.status != UsageStatus::kRead) FARE_CHECK(report.usage == Usage());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static UsageReader reader;
  static UsageReader again;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (std::size_t i = 0; i < fare::kUsageApiCount; ++i) {
    const auto api = static_cast<UsageApi>(i);
    const UsageReport& report = reader.read(api, text, size % 2 == 0 ? "openai.gpt" : "");
    check_report(report);
    if (report.status != UsageStatus::kRead) continue;
    const std::optional<std::string> body = render_usage(api, report.usage);
    if (body) FARE_CHECK(again.read(api, *body).usage == report.usage);
  }
  return 0;
}
