#include "routesim/price_options.h"

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "study/scenario.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::string shipped_folder(const std::string& name) {
  std::error_code error;
  const fs::path bin = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& base :
       {fs::path("pricing"), bin / "../../../pricing", bin / "../share/fare/pricing"}) {
    const fs::path place = name.empty() ? base : base / name;
    if (fs::is_directory(place, error)) return place.lexically_normal().string();
  }
  return name.empty() ? "pricing" : "pricing/" + name;
}

void add_prices_option(CLI::App& command, std::string& prices) {
  command.add_option("--prices", prices, "A folder or file; default: the shipped tables")
      ->type_name("PATH");
}

fare::Expected<fare::PriceBook> load_asked_prices(const std::string& prices) {
  return load_prices({prices.empty() ? shipped_folder("") : prices});
}

fare::Expected<fare::Instant> asked_instant(const std::string& option, const std::string& text,
                                            fare::Instant otherwise) {
  if (text.empty()) return otherwise;
  fare::Expected<fare::Instant> instant =
      fare::parse_instant(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (instant) return instant;
  return fare::fail(instant.error()[0].code, option, instant.error()[0].message);
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

fare::Instant clock_now() { return std::chrono::system_clock::now(); }

}  // namespace routesim
