#pragma once

#include <cstdint>   // std::uint32_t.
#include <optional>  // std::optional.
#include <string>    // std::string.

#include "base/json_node.h"       // JsonNode.
#include "base/random.h"          // RandomKey.
#include "engine/distribution.h"  // Distribution.
#include "fare/time.h"            // Duration.
#include "traffic/arrival.h"      // Arrival.

namespace routesim {

// How a request ended, for whoever asked.
enum class Ending : std::uint8_t {
  kGood,       // Answered.
  kBad,        // Answered, but not well enough.
  kRefused,    // The router said no.
  kFailed,     // No target answered.
  kAbandoned,  // The user's patience ended first.
};

// What users do when things go wrong; a value.
struct UserModel {
  // After a refusal or failure they ask again, so many times; before try n they wait
  // min(back_off_max, back_off * factor^(n - 1)), less a uniform share of up to `jitter` of it.
  std::uint32_t retries_max = 0;  // 0 to 20.
  fare::Duration back_off = std::chrono::seconds(1);
  double back_off_factor = 2;  // 1 to 100.
  fare::Duration back_off_max = std::chrono::seconds(60);
  double jitter = 0.5;  // 0 to 1.

  std::optional<Distribution> patience_seconds;  // How long they wait for an answer; else forever.

  // After a bad answer this share asks once more, up to so many times; of another class, if named.
  double escalation_share = 0;
  std::uint32_t escalations_max = 0;
  std::string escalation_class;
  std::uint32_t escalation_index = 0xffffffff;  // Of the class in the model, if one is named.
};

// What the users of one replication do: pure functions of the model, the keys and the request's
// index, so a request that two policies treat alike has the same user.  A value; thread-safe.
class UserDraws {
 public:
  // The model must outlive it.
  UserDraws(const UserModel& model, std::uint64_t seed, std::uint32_t replication);

  // How long whoever asked waits for the answer; Duration::max() if forever.
  fare::Duration patience(std::uint64_t index) const;

  // The request asked again after its ending, at its instant, or nothing: the answer is taken as it
  // is, the user has given up, or has asked often enough.
  std::optional<Arrival> again(const Arrival& finished, fare::Duration now, Ending ending) const;

 private:
  fare::Duration back_off(std::uint64_t index, std::uint32_t retry) const;

  const UserModel* model_;
  fare::RandomKey patience_key_;
  fare::RandomKey back_off_key_;
  fare::RandomKey escalation_key_;
};

// Reads a traffic's "users", all keys optional:
//   {"retries": {"max": 3, "back_off_seconds": 1, "factor": 2, "max_seconds": 60, "jitter": 0.5},
//    "patience_seconds": DISTRIBUTION, "escalation": {"share": 0.3, "max": 1, "class": "hard"}}
// Anything wrong is recorded in the node's Problems.
std::optional<UserModel> read_users(const fare::JsonNode& node);

}  // namespace routesim
