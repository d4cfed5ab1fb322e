#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "places.h"

namespace routesim {

// The program, run as people and scripts run it: through a shell.

struct Ran {
  int exit_code;
  std::string output;  // stdout and stderr.
};

// Runs `routesim ARGUMENTS` in the repository's root.
inline Ran run(const std::string& arguments) {
  const std::string command = std::string("cd '") + fare::kSourceDir + "' && '" + fare::kRoutesim +
                              "' " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  Ran ran{-1, ""};
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    ran.output += static_cast<char>(c);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ran.exit_code = WEXITSTATUS(status);
  return ran;
}

inline nlohmann::json run_json(const std::string& arguments) {
  return nlohmann::json::parse(run(arguments + " --json").output);
}

}  // namespace routesim
