#pragma once

#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/lease_message.h"       // LeaseRequest.
#include "fare/redis/redis_ledger.h"  // RedisBudget, RedisAnswer.
#include "redis/connection.h"         // RedisReply.

namespace fare {

extern const std::string_view kLeaseScript;  // lease.lua.

// The three keys, in the script's order.  They share the budget's and window's hash tag, so that a
// cluster keeps them in one slot.
[[nodiscard]] std::vector<std::string> lease_keys(const RedisBudget& budget);

// The command that has `script` answer a request.
[[nodiscard]] std::vector<std::string> lease_call(std::string_view script,
                                                  const RedisBudget& budget,
                                                  const LeaseRequest& request,
                                                  bool keeps_every_write);

// What the reply says; any reply at all is read.
[[nodiscard]] RedisAnswer lease_answer(const RedisReply& reply, const LeaseRequest& request);

}  // namespace fare
