#pragma once

#include <cstdint>      // std::uint16_t.
#include <memory>       // std::unique_ptr.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/time.h"           // Duration.
#include "redis/reply_reader.h"  // RedisReply, ReplyReader.

namespace fare {

// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

// Becomes readable when a length of time has passed: so a wait ends in time though nobody asks a
// clock.
class Deadline {
 public:
  explicit Deadline(Duration length);  // REQUIRES: length > 0.

  // Waits until `socket` is ready for `events` of poll(2), or broke; false when it is too late.
  [[nodiscard]] bool wait(const Descriptor& socket, short events) const;

 private:
  Descriptor timer_;
};

// A connection to one Redis.  Not thread-safe.
class Connection {
 public:
  Connection(std::string address, std::uint16_t port);
  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  bool is_open() const;
  void close();

  // Sends a command and waits for its reply, connecting if need be.  After anything but kTexts it
  // is closed, lest a late reply be taken for the next one's.
  [[nodiscard]] RedisReply call(const std::vector<std::string>& words, const Deadline& deadline);

 private:
  struct Wire;

  RedisReply connect(const Deadline& deadline);
  RedisReply send(std::string_view bytes, const Deadline& deadline);
  RedisReply receive(const Deadline& deadline);

  std::string address_;
  std::uint16_t port_;
  std::unique_ptr<Wire> wire_;
};

}  // namespace fare
