#pragma once

#include <sys/types.h>  // pid_t.

#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "redis/connection.h"  // Connection, RedisReply.

namespace fare {

// A real redis-server on a Unix socket in a folder of its own, which goes with it.  It ends with
// its owner, however that ends.
class RedisServer {
 public:
  // Whether there is a redis-server to run.
  static bool is_installed();

  // It keeps every write.
  static std::vector<std::string> durable() {
    return {"--appendonly", "yes", "--appendfsync", "always"};
  }

  // It keeps nothing.
  static std::vector<std::string> forgetful() { return {}; }

  // Starts it.  `settings` are its command line's; beyond them it listens on no port.
  explicit RedisServer(std::vector<std::string> settings = durable());
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  void start();  // Returns when it answers.
  void kill();   // As a loss of power would, but for what the operating system still holds.
  void pause();
  void resume();

  std::string socket() const { return folder_ + "/socket"; }
  std::string folder() const { return folder_; }

  // Hands over a command of the test's own.
  RedisReply run(const std::vector<std::string>& words);
  std::string text(const std::vector<std::string>& words);  // Of a reply of one text.

 private:
  std::string folder_;
  std::vector<std::string> settings_;
  pid_t process_ = 0;
  int log_ = -1;
  Connection connection_;
};

#define SKIP_WITHOUT_REDIS()                                                    \
  if (!RedisServer::is_installed()) {                                           \
    GTEST_SKIP() << "No redis-server is installed, so nothing was tested here"; \
  }

}  // namespace fare
