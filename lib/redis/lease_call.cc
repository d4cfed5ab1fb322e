#include "redis/lease_call.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "fare/check.h"

namespace fare {
namespace {

using std::chrono::microseconds;

constexpr Duration kKept = std::chrono::hours(24);  // For late reports, after the window.
constexpr std::uint64_t kGenerationMax = std::uint64_t{1} << 53;  // Lua counts in doubles.

// Names are free text, and braces in a key have a meaning.
std::string escaped(std::string_view name) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (const char c : name) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
    if (is_plain) {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += {'%', kHex[byte / 16], kHex[byte % 16]};
    }
  }
  return text;
}

// Not negative, as all that a LeaseHolder reports.
std::string text_of(Money money) {
  FARE_CHECK(money >= Money());
  return std::to_string(money.count());
}

std::string microseconds_of(Duration duration) {
  return std::to_string(std::chrono::floor<microseconds>(duration).count());
}

template <class Integer>
std::optional<Integer> read_integer(std::string_view text) {
  Integer value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

RedisStatus status_of_error(std::string_view text) {
  const std::string_view code = text.substr(0, text.find(' '));
  for (const std::string_view one : {"MOVED", "ASK", "READONLY"}) {
    if (code == one) return RedisStatus::kElsewhere;
  }
  for (const std::string_view one : {"NOAUTH", "WRONGPASS", "NOPERM"}) {
    if (code == one) return RedisStatus::kDenied;
  }
  // To whom it does not know, Redis does not even listen.
  if (text.find(" unauthenticated ") != std::string_view::npos) return RedisStatus::kDenied;
  return RedisStatus::kRefused;
}

RedisAnswer garbled() {
  return {RedisStatus::kGarbled, {}, {}, "Not an answer of the ledger's script."};
}

RedisAnswer read_answer(const std::vector<std::string>& texts, const LeaseRequest& request) {
  constexpr std::size_t kTexts = 9;
  if (texts.size() == 1 && texts[0] == "not open") {
    return {RedisStatus::kNotOpen, {}, {}, "By Redis's clock the window is not open."};
  }
  if (texts.size() != kTexts || texts[0] != "ok") return garbled();
  std::int64_t values[kTexts] = {};
  for (std::size_t i = 1; i < kTexts; ++i) {
    const auto value = read_integer<std::int64_t>(texts[i]);
    if (!value) return garbled();
    values[i] = *value;
  }
  const auto [ok, generation, granted, hold_max, valid_us, limit, settled, leased, learning] =
      values;
  const Int128 free = Int128{limit} - settled - leased;
  const bool fits = generation > 0 && granted >= 0 && hold_max >= 0 && valid_us >= 0 &&
                    valid_us <= INT64_MAX / 1'000 && settled >= 0 && leased >= 0 &&
                    free >= INT64_MIN;
  if (!fits) return garbled();
  RedisAnswer answer;
  answer.reply = {.replica = request.replica,
                  .incarnation = request.incarnation,
                  .generation = static_cast<std::uint64_t>(generation),
                  .sequence = request.sequence,
                  .granted = Money(granted),
                  .hold_max = Money(hold_max),
                  .valid_for = microseconds(valid_us)};
  answer.book = {.limit = Money(limit),
                 .settled = Money(settled),
                 .leased = Money(leased),
                 .free = Money(static_cast<std::int64_t>(free)),
                 .is_learning = learning != 0};
  return answer;
}

}  // namespace

std::vector<std::string> lease_keys(const RedisBudget& budget) {
  const std::string tag =
      "fare:{" + escaped(budget.name) + "@" + to_rfc3339(budget.window.begin) + "}:";
  return {tag + "book", tag + "leases", tag + "due"};
}

std::vector<std::string> lease_call(std::string_view script, const RedisBudget& budget,
                                    const LeaseRequest& request, bool keeps_every_write) {
  const WindowSpan window = budget.window;
  FARE_CHECK(budget.lease >= microseconds(1));
  FARE_CHECK(window.begin >= kWindowsFirst);
  FARE_CHECK(window.begin < window.end);
  FARE_CHECK(request.generation <= kGenerationMax);
  const bool ends = window.end < kWindowsEnd;
  std::vector<std::string> words = {"EVAL", std::string(script), "3"};
  for (std::string& key : lease_keys(budget)) words.push_back(std::move(key));
  for (std::string& word : std::vector<std::string>{
           std::to_string(request.replica) + ":" + std::to_string(request.incarnation),
           std::to_string(request.generation),
           std::to_string(request.sequence),
           text_of(request.granted),
           text_of(request.returned),
           text_of(request.settled),
           text_of(request.reserved),
           text_of(request.wanted),
           text_of(request.needed),
           text_of(budget.limit),
           std::to_string(budget.version),
           microseconds_of(budget.lease),
           microseconds_of(window.begin.time_since_epoch()),
           ends ? microseconds_of(window.end.time_since_epoch()) : "",
           ends ? microseconds_of((window.end + kKept).time_since_epoch()) : "",
           keeps_every_write ? "1" : "0",
       }) {
    words.push_back(std::move(word));
  }
  return words;
}

RedisAnswer lease_answer(const RedisReply& reply, const LeaseRequest& request) {
  switch (reply.kind) {
    case RedisReply::Kind::kTexts:
      return read_answer(reply.texts, request);
    case RedisReply::Kind::kError:
      return {status_of_error(reply.texts[0]), {}, {}, reply.texts[0]};
    case RedisReply::Kind::kUnreachable:
      return {RedisStatus::kUnreachable, {}, {}, reply.texts[0]};
    case RedisReply::Kind::kTimedOut:
      return {RedisStatus::kTimedOut, {}, {}, reply.texts[0]};
    case RedisReply::Kind::kGarbled:
      break;
  }
  return {RedisStatus::kGarbled, {}, {}, reply.texts[0]};
}

}  // namespace fare
