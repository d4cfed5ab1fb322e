#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint8_t.
#include <memory>       // std::unique_ptr.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

namespace fare {

// What a command came to.
struct RedisReply {
  enum class Kind : std::uint8_t {
    kTexts,        // What was asked for; an integer stands in decimals.
    kError,        // Redis's own words in texts[0].
    kUnreachable,  // From here on, a sentence in texts[0].
    kTimedOut,
    kGarbled,
  };
  Kind kind = Kind::kTexts;
  std::vector<std::string> texts;
};

// Puts one reply together from bytes as they come, whoever sent them: neither the time nor the
// memory that this takes grows beyond the few kilobytes that a reply of ours has.
class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();

  // A reply of kTexts, kError or kGarbled as soon as one is whole, then a next one may follow;
  // nothing as long as bytes are missing.  Bytes behind a reply are an error: nobody asked for
  // them.  After kGarbled the reader is of no use.
  [[nodiscard]] std::optional<RedisReply> feed(std::string_view bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fare
