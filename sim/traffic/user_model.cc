#include "traffic/user_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json_reader.h"
#include "traffic/trace.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using fare::JsonNode;
using fare::ObjectReader;
using fare::RandomStream;

constexpr std::uint64_t kAgain = std::uint64_t{1} << 52;  // In an index, for each asking again.
constexpr std::int64_t kRetriesMax = 20;
constexpr double kSecondsMin = 1e-3;
constexpr double kSecondsMax = 1e5;
constexpr double kPatienceMax = 1e9;

fare::Duration from_seconds(double seconds) { return fare::Duration(std::llround(seconds * 1e9)); }

void read_retries(const JsonNode& node, UserModel& users) {
  ObjectReader reader(node);
  std::int64_t max = 0;
  double seconds = 0;
  const auto wait = fare::json::number(kSecondsMin, kSecondsMax);
  if (reader.required("max", max, fare::json::integer(0, kRetriesMax))) {
    users.retries_max = static_cast<std::uint32_t>(max);
  }
  if (reader.optional("back_off_seconds", seconds, wait)) users.back_off = from_seconds(seconds);
  if (reader.optional("max_seconds", seconds, wait)) users.back_off_max = from_seconds(seconds);
  reader.optional("factor", users.back_off_factor, fare::json::number(1, 100));
  reader.optional("jitter", users.jitter, fare::json::number(0, 1));
  reader.finish();
}

void read_escalation(const JsonNode& node, UserModel& users) {
  ObjectReader reader(node);
  std::int64_t max = 1;
  reader.required("share", users.escalation_share, fare::json::number(0, 1));
  reader.optional("max", max, fare::json::integer(1, kRetriesMax));
  reader.optional("class", users.escalation_class, fare::json::text(kNameMax));
  reader.finish();
  users.escalations_max = static_cast<std::uint32_t>(max);
}

std::optional<Distribution> read_patience(const JsonNode& node) {
  std::optional<Distribution> patience = read_distribution(node);
  if (!patience || patience->greatest() <= kPatienceMax) return patience;
  node.problem(ErrorCode::kOutOfRange,
               fmt::format("can be {:.3g} seconds, but patience must be at most {:.0f}; give it a "
                           "\"max\"",
                           patience->greatest(), kPatienceMax));
  return std::nullopt;
}

}  // namespace

UserDraws::UserDraws(const UserModel& model, std::uint64_t seed, std::uint32_t replication)
    : model_(&model),
      patience_key_(seed, replication, fare::Purpose::kPatience),
      back_off_key_(seed, replication, fare::Purpose::kBackOff),
      escalation_key_(seed, replication, fare::Purpose::kEscalation) {}

fare::Duration UserDraws::patience(std::uint64_t index) const {
  if (!model_->patience_seconds) return fare::Duration::max();
  RandomStream stream(patience_key_, index);
  return from_seconds(model_->patience_seconds->sample(stream));
}

std::optional<Arrival> UserDraws::again(const Arrival& finished, fare::Duration now,
                                        Ending ending) const {
  if (ending == Ending::kGood || ending == Ending::kAbandoned) return std::nullopt;
  Arrival next = finished;
  ++next.attempt;
  next.index += kAgain;
  if (ending == Ending::kBad) {
    RandomStream stream(escalation_key_, finished.index);
    if (finished.escalations >= model_->escalations_max) return std::nullopt;
    if (stream.uniform() >= model_->escalation_share) return std::nullopt;
    ++next.escalations;
    next.at = now;
    if (model_->escalation_index != kUnnamed) next.request_class = model_->escalation_index;
  } else {
    const std::uint32_t retry = finished.attempt - finished.escalations + 1u;
    if (retry > model_->retries_max) return std::nullopt;
    next.at = now + back_off(finished.index, retry);
  }
  next.patience = patience(next.index);
  return next;
}

fare::Duration UserDraws::back_off(std::uint64_t index, std::uint32_t retry) const {
  RandomStream stream(back_off_key_, index);
  const double full = std::min(
      static_cast<double>(model_->back_off_max.count()),
      static_cast<double>(model_->back_off.count()) * std::pow(model_->back_off_factor, retry - 1));
  return fare::Duration(std::llround(full * (1 - model_->jitter * stream.uniform())));
}

std::optional<UserModel> read_users(const JsonNode& node) {
  ObjectReader reader(node);
  if (!reader.ok()) return std::nullopt;
  UserModel users;
  if (const auto retries = reader.member("retries", false)) read_retries(*retries, users);
  if (const auto more = reader.member("escalation", false)) read_escalation(*more, users);
  Distribution patience;
  if (reader.optional("patience_seconds", patience, read_patience)) {
    users.patience_seconds = std::move(patience);
  }
  reader.finish();
  return users;
}

}  // namespace routesim
