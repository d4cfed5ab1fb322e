#include "redis/connection.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "fare/check.h"

namespace fare {
namespace {

using Kind = RedisReply::Kind;

RedisReply broken(const char* doing, int error) {
  return {Kind::kUnreachable, {std::string(doing) + ": " + std::strerror(error) + "."}};
}

RedisReply too_late() { return {Kind::kTimedOut, {"No answer within the time limit."}}; }

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};

}  // namespace

Descriptor::~Descriptor() {
  if (is_open()) ::close(number_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Deadline::Deadline(Duration length)
    : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  FARE_CHECK(length > Duration(0));
  if (!timer_.is_open()) return;
  itimerspec spec{};
  spec.it_value.tv_sec = length.count() / 1'000'000'000;
  spec.it_value.tv_nsec = length.count() % 1'000'000'000;
  FARE_CHECK(::timerfd_settime(timer_.number(), 0, &spec, nullptr) == 0);
}

bool Deadline::wait(const Descriptor& socket, short events) const {
  // Without a timer, which a process lacks that has too many files open, nothing may be waited for.
  if (!timer_.is_open()) return false;
  std::array<pollfd, 2> ready{{{timer_.number(), POLLIN, 0}, {socket.number(), events, 0}}};
  int count = 0;
  do {
    count = ::poll(ready.data(), ready.size(), -1);
  } while (count < 0 && errno == EINTR);
  return count > 0 && ready[0].revents == 0;
}

struct Connection::Wire {
  Descriptor socket;
  ReplyReader reader;
};

Connection::Connection(std::string address, std::uint16_t port)
    : address_(std::move(address)), port_(port) {}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

bool Connection::is_open() const { return wire_ != nullptr; }
void Connection::close() { wire_.reset(); }

RedisReply Connection::call(const std::vector<std::string>& words, const Deadline& deadline) {
  std::vector<const char*> starts;
  std::vector<std::size_t> lengths;
  for (const std::string& word : words) {
    starts.push_back(word.data());
    lengths.push_back(word.size());
  }
  char* command = nullptr;
  const int size = redisFormatCommandArgv(&command, static_cast<int>(words.size()), starts.data(),
                                          lengths.data());
  FARE_CHECK(size > 0);
  const std::unique_ptr<char, decltype(&redisFreeCommand)> owner(command, &redisFreeCommand);

  RedisReply reply;
  if (!is_open()) reply = connect(deadline);
  if (reply.kind == Kind::kTexts) {
    reply = send({command, static_cast<std::size_t>(size)}, deadline);
  }
  if (reply.kind == Kind::kTexts) reply = receive(deadline);
  if (reply.kind != Kind::kTexts) close();
  return reply;
}

// hiredis makes the socket, and no more: its write() would raise SIGPIPE.
RedisReply Connection::connect(const Deadline& deadline) {
  const std::unique_ptr<redisContext, FreeContext> context(
      address_.starts_with('/') ? redisConnectUnixNonBlock(address_.c_str())
                                : redisConnectNonBlock(address_.c_str(), port_));
  FARE_CHECK(context != nullptr);
  if (context->err != 0) {
    return {Kind::kUnreachable, {"Connecting: " + std::string(context->errstr) + "."}};
  }
  Descriptor socket(::fcntl(context->fd, F_DUPFD_CLOEXEC, 0));
  if (!socket.is_open()) return broken("Connecting", errno);
  if (!deadline.wait(socket, POLLOUT)) return too_late();
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return broken("Connecting", error);
  wire_ = std::make_unique<Wire>();
  wire_->socket = std::move(socket);
  return {};
}

RedisReply Connection::send(std::string_view bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    if (!deadline.wait(wire_->socket, POLLOUT)) return too_late();
    const ssize_t sent =
        ::send(wire_->socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return broken("Sending", errno);
    }
  }
  return {};
}

RedisReply Connection::receive(const Deadline& deadline) {
  std::array<char, 4096> bytes;
  for (;;) {
    if (!deadline.wait(wire_->socket, POLLIN)) return too_late();
    const ssize_t count = ::recv(wire_->socket.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count == 0) {
      return {Kind::kUnreachable, {"Receiving: the connection was closed."}};
    }
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return broken("Receiving", errno);
    }
    std::optional<RedisReply> reply =
        wire_->reader.feed({bytes.data(), static_cast<std::size_t>(count)});
    if (reply) return std::move(*reply);
  }
}

}  // namespace fare
