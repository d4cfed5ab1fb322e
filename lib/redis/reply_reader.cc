#include "redis/reply_reader.h"

#include <hiredis/hiredis.h>

#include <utility>

#include "fare/check.h"

namespace fare {
namespace {

// No reply of ours is near these.
constexpr std::size_t kBytesMax = 65'536;
constexpr std::size_t kTextsMax = 64;

using Kind = RedisReply::Kind;

RedisReply garbled(std::string sentence) { return {Kind::kGarbled, {std::move(sentence)}}; }

redisReplyObjectFunctions* usual_functions() {
  redisReader* const reader = redisReaderCreate();
  FARE_CHECK(reader != nullptr);
  redisReplyObjectFunctions* const functions = reader->fn;
  redisReaderFree(reader);
  return functions;
}

// hiredis's own, but for arrays: it would allocate as many elements as a peer announces.
redisReplyObjectFunctions* careful_functions() {
  static redisReplyObjectFunctions* const usual = usual_functions();
  static redisReplyObjectFunctions careful = [] {
    redisReplyObjectFunctions functions = *usual;
    functions.createArray = [](const redisReadTask* task, auto elements) -> void* {
      if (static_cast<std::size_t>(elements) > kTextsMax) return nullptr;
      return usual->createArray(task, elements);
    };
    return functions;
  }();
  return &careful;
}

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

RedisReply read(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_ERROR:
      return {Kind::kError, {std::string(reply.str, reply.len)}};
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return {Kind::kTexts, {std::string(reply.str, reply.len)}};
    case REDIS_REPLY_INTEGER:
      return {Kind::kTexts, {std::to_string(reply.integer)}};
    case REDIS_REPLY_ARRAY: {
      RedisReply texts;
      for (std::size_t i = 0; i < reply.elements; ++i) {
        const redisReply& element = *reply.element[i];
        if (element.type != REDIS_REPLY_STRING) return garbled("A list not of texts.");
        texts.texts.emplace_back(element.str, element.len);
      }
      return texts;
    }
    default:
      return garbled("A reply that is no text.");
  }
}

}  // namespace

struct ReplyReader::State {
  std::unique_ptr<redisReader, FreeReader> reader{
      redisReaderCreateWithFunctions(careful_functions())};
  std::size_t bytes = 0;  // Of this reply.
};

ReplyReader::ReplyReader() : state_(std::make_unique<State>()) {
  FARE_CHECK(state_->reader != nullptr);
}
ReplyReader::~ReplyReader() = default;

std::optional<RedisReply> ReplyReader::feed(std::string_view bytes) {
  redisReader* const reader = state_->reader.get();
  state_->bytes += bytes.size();
  if (state_->bytes > kBytesMax) return garbled("A reply that does not end.");
  void* object = nullptr;
  const bool is_read = redisReaderFeed(reader, bytes.data(), bytes.size()) == REDIS_OK &&
                       redisReaderGetReply(reader, &object) == REDIS_OK;
  const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(object));
  if (!is_read) return garbled("Not the protocol of Redis.");
  if (reply == nullptr) return std::nullopt;
  if (reader->pos != reader->len) return garbled("More than one reply.");
  state_->bytes = 0;
  return read(*reply);
}

}  // namespace fare
