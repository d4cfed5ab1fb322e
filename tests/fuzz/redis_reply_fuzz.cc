#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "fare/check.h"
#include "fare/redis/redis_ledger.h"
#include "redis/lease_call.h"
#include "redis/reply_reader.h"

// Goal: no bytes of a peer crash the reader of replies or break what an answer promises.
// Method: the bytes are read whole and one by one, which must come to the same; what they say is
// read as an answer of the ledger's script.

namespace {

using fare::RedisAnswer;
using fare::RedisReply;
using fare::RedisStatus;

void check_answer(const RedisReply& reply) {
  FARE_CHECK(reply.kind != RedisReply::Kind::kError || reply.texts.size() == 1);
  fare::LeaseRequest request;
  request.replica = 7;
  request.sequence = 9;
  const RedisAnswer answer = fare::lease_answer(reply, request);
  FARE_CHECK(!fare::to_string(answer.status).empty());
  if (answer.status != RedisStatus::kAnswered) return;
  FARE_CHECK(answer.reply.replica == 7);
  FARE_CHECK(answer.reply.sequence == 9);
  FARE_CHECK(answer.reply.generation != 0);
  FARE_CHECK(answer.reply.granted >= fare::Money());
  FARE_CHECK(answer.reply.hold_max >= fare::Money());
  FARE_CHECK(answer.reply.valid_for >= fare::Duration(0));
  FARE_CHECK(answer.book.free + answer.book.leased + answer.book.settled == answer.book.limit);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::optional<RedisReply> whole = fare::ReplyReader().feed(bytes);
  if (whole) check_answer(*whole);
  fare::ReplyReader reader;
  for (std::size_t i = 0; i < size; ++i) {
    const std::optional<RedisReply> reply = reader.feed(bytes.substr(i, 1));
    if (!reply) continue;
    FARE_CHECK(whole.has_value());  // Or it would have been read whole, too.
    if (whole->kind == RedisReply::Kind::kGarbled) return 0;
    FARE_CHECK(i + 1 == size);
    FARE_CHECK(reply->kind == whole->kind);
    FARE_CHECK(reply->texts == whole->texts);
    return 0;
  }
  FARE_CHECK(!whole || bytes.empty());
  return 0;
}
