#include "fare/redis/redis_ledger.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "redis/connection.h"
#include "redis/lease_call.h"

namespace fare {
namespace {

constexpr Duration kTimeoutMax = std::chrono::hours(1);

bool is_address(const std::string& address) {
  if (address.find('\0') != std::string::npos) return false;
  if (address.starts_with('/')) return address.size() < sizeof(sockaddr_un::sun_path);
  std::array<unsigned char, sizeof(in6_addr)> bytes;
  return ::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
}

// Nothing if Redis is set to keep what it was told to keep; else what it is not.
std::optional<std::string> not_kept(const std::vector<std::string>& settings) {
  constexpr std::pair<std::string_view, std::string_view> kWanted[] = {
      {"appendonly", "yes"}, {"appendfsync", "always"}, {"no-appendfsync-on-rewrite", "no"}};
  for (const auto& [name, wanted] : kWanted) {
    std::optional<std::string> found;
    for (std::size_t i = 0; i + 1 < settings.size(); i += 2) {
      if (settings[i] == name) found = settings[i + 1];
    }
    if (found == wanted) continue;
    return std::string(name) + " is " + found.value_or("unknown") + ", must be " +
           std::string(wanted) + ".";
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(RedisStatus status) {
  constexpr std::array<std::string_view, 9> kNames = {"answered",  "not_open",    "unreachable",
                                                      "timed_out", "not_durable", "elsewhere",
                                                      "denied",    "refused",     "garbled"};
  return kNames[static_cast<std::size_t>(status)];
}

struct RedisLedger::State {
  // Makes a new connection fit for use: nothing if it is.
  std::optional<RedisAnswer> greet(const LeaseRequest& request, const Deadline& deadline) {
    if (!options.password.empty()) {
      std::vector<std::string> words = {"AUTH"};
      if (!options.user.empty()) words.push_back(options.user);
      words.push_back(options.password);
      const RedisReply reply = connection.call(words, deadline);
      if (reply.kind == RedisReply::Kind::kError) {
        return RedisAnswer{RedisStatus::kDenied, {}, {}, reply.texts[0]};
      }
      if (reply.kind != RedisReply::Kind::kTexts) return lease_answer(reply, request);
    }
    if (!options.keeps_every_write) return std::nullopt;
    const RedisReply reply = connection.call({"CONFIG", "GET", "*append*"}, deadline);
    if (reply.kind == RedisReply::Kind::kError) {
      return RedisAnswer{RedisStatus::kNotDurable, {}, {}, reply.texts[0]};
    }
    if (reply.kind != RedisReply::Kind::kTexts) return lease_answer(reply, request);
    const std::optional<std::string> problem = not_kept(reply.texts);
    if (!problem) return std::nullopt;
    connection.close();
    return RedisAnswer{RedisStatus::kNotDurable, {}, {}, *problem};
  }

  RedisAnswer exchange_once(const std::vector<std::string>& words, const LeaseRequest& request,
                            const Deadline& deadline) {
    if (!connection.is_open()) {
      if (std::optional<RedisAnswer> problem = greet(request, deadline)) return *problem;
    }
    RedisAnswer answer = lease_answer(connection.call(words, deadline), request);
    if (answer.status == RedisStatus::kGarbled) connection.close();
    return answer;
  }

  Options options;
  Connection connection;
};

RedisLedger::RedisLedger(std::unique_ptr<State> state) : state_(std::move(state)) {}
RedisLedger::RedisLedger(RedisLedger&&) noexcept = default;
RedisLedger& RedisLedger::operator=(RedisLedger&&) noexcept = default;
RedisLedger::~RedisLedger() = default;

Expected<RedisLedger> RedisLedger::create(Options options) {
  Errors errors;
  if (!is_address(options.address)) {
    errors.push_back({ErrorCode::kOutOfRange, "address",
                      "\"" + options.address +
                          "\" is neither an IP address nor the path of a Unix socket, which has "
                          "fewer than 108 bytes."});
  }
  if (options.timeout <= Duration(0) || options.timeout > kTimeoutMax) {
    errors.push_back(
        {ErrorCode::kOutOfRange, "timeout",
         std::to_string(options.timeout.count()) + " ns is not above 0 and at most an hour."});
  }
  if (!options.user.empty() && options.password.empty()) {
    errors.push_back({ErrorCode::kMissingKey, "password",
                      "The user \"" + options.user + "\" needs a password."});
  }
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  Connection connection(options.address, options.port);
  return RedisLedger(std::make_unique<State>(State{std::move(options), std::move(connection)}));
}

RedisAnswer RedisLedger::exchange(const RedisBudget& budget, const LeaseRequest& request) {
  const std::vector<std::string> words =
      lease_call(kLeaseScript, budget, request, state_->options.keeps_every_write);
  const Deadline deadline(state_->options.timeout);
  const bool was_open = state_->connection.is_open();
  RedisAnswer answer = state_->exchange_once(words, request, deadline);
  // A connection that lay idle may have been cut long ago; to say it twice is harmless.
  if (was_open && answer.status == RedisStatus::kUnreachable) {
    answer = state_->exchange_once(words, request, deadline);
  }
  return answer;
}

}  // namespace fare
