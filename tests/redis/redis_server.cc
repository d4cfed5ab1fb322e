#include "redis/redis_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "fare/check.h"

namespace fare {
namespace {

// Debian's redis-tools has the program under its second name; it does what the name that it is
// called by says.  (Its redis-server package adds a service, which no test wants.)
std::string find_program() {
  const char* const path = std::getenv("PATH");
  for (const char* name : {"redis-server", "redis-check-rdb"}) {
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
      const std::string program = folder + "/" + name;
      if (::access(program.c_str(), X_OK) == 0) return program;
    }
  }
  return "";
}

std::string make_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "fare_redis_XXXXXX").string();
  FARE_CHECK(::mkdtemp(name.data()) != nullptr);
  return name;
}

}  // namespace

bool RedisServer::is_installed() { return !find_program().empty(); }

RedisServer::RedisServer(std::vector<std::string> settings)
    : folder_(make_folder()),
      settings_({"redis-server", "--port", "0", "--unixsocket", socket(), "--dir", folder_,
                 "--save", ""}),
      connection_(socket(), 0) {
  settings_.insert(settings_.end(), settings.begin(), settings.end());
  start();
}

RedisServer::~RedisServer() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RedisServer::start() {
  FARE_CHECK(process_ == 0);
  const std::string program = find_program();
  std::vector<char*> words;
  for (std::string& word : settings_) words.push_back(word.data());
  words.push_back(nullptr);
  std::array<int, 2> pipe{};
  FARE_CHECK(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  process_ = ::fork();
  FARE_CHECK(process_ >= 0);
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(pipe[1], STDOUT_FILENO);
    ::execv(program.c_str(), words.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  log_ = pipe[0];
  std::string log;
  std::array<char, 4096> bytes;
  while (log.find("eady to accept connections") == std::string::npos) {
    const ssize_t count = ::read(log_, bytes.data(), bytes.size());
    if (count <= 0) {
      ADD_FAILURE() << "redis-server did not start:\n" << log;
      return;
    }
    log.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

void RedisServer::kill() {
  if (process_ == 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
  ::close(log_);
  connection_.close();
}

// Returns when it stands still, so that nothing more is answered.
void RedisServer::pause() {
  ::kill(process_, SIGSTOP);
  ::waitpid(process_, nullptr, WUNTRACED);
}
void RedisServer::resume() { ::kill(process_, SIGCONT); }

RedisReply RedisServer::run(const std::vector<std::string>& words) {
  return connection_.call(words, Deadline(std::chrono::seconds(60)));
}

std::string RedisServer::text(const std::vector<std::string>& words) {
  const RedisReply reply = run(words);
  EXPECT_EQ(reply.texts.size(), 1u);
  EXPECT_EQ(reply.kind, RedisReply::Kind::kTexts) << reply.texts[0];
  return reply.texts[0];
}

}  // namespace fare
