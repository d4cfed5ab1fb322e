// A scenario is read from a file, so this writes each input to one.

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fare/check.h"
#include "study/scenario.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = "scenario_fuzz." + std::to_string(getpid()) + ".json";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  FARE_CHECK(file != nullptr);
  std::fwrite(data, 1, size, file);
  std::fclose(file);
  const auto scenario = routesim::load_scenario(path, {});
  std::remove(path.c_str());
  if (scenario) return 0;
  FARE_CHECK(!scenario.error().empty());
  for (const fare::Error& error : scenario.error()) FARE_CHECK(!error.message.empty());
  return 0;
}
