#include "routesim/price_sources.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <regex>
#include <sstream>

#include "study/scenario.h"
#include "traffic/byte_source.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using fare::ErrorCode;

constexpr std::size_t kTextMax = std::size_t{256} << 20;
constexpr std::size_t kColumns = 80;

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
  }));
}

}  // namespace

fare::Instant default_import_start() {
  return std::chrono::sys_days(std::chrono::year(2024) / 1 / 1);
}

fare::Expected<std::string> read_any_file(const std::string& path) {
  fare::Expected<ByteSource> source = ByteSource::open(path);
  if (!source) return tl::unexpected<fare::Errors>(source.error());
  std::string text;
  std::string piece(std::size_t{1} << 16, '\0');
  for (;;) {
    const std::size_t count = source->read(piece);
    text.append(piece, 0, count);
    if (text.size() > kTextMax) {
      return fare::fail(ErrorCode::kOutOfRange, path,
                        fmt::format("must be at most {} bytes", kTextMax));
    }
    if (count < piece.size()) break;
  }
  if (!source->error()) return text;
  return fare::fail(source->error()->code, path, source->error()->message);
}

std::string day_of_file(const std::string& path) {
  static const std::regex kDay(R"((19|20)\d\d-\d\d-\d\d)");
  const std::string name = fs::path(path).filename().string();
  std::smatch found;
  if (std::regex_search(name, found, kDay) && fare::parse_instant(found.str() + "T00:00:00Z")) {
    return found.str();
  }
  std::error_code error;
  const auto written = fs::last_write_time(path, error);
  if (error) return "1970-01-01";
  const auto at = std::chrono::file_clock::to_sys(written);
  return fare::to_rfc3339(std::chrono::time_point_cast<fare::Duration>(at)).substr(0, 10);
}

fare::Expected<fare::PriceBook> load_source(const std::string& source) {
  const std::size_t colon = source.find(':');
  const auto format = fare::foreign_format_named(source.substr(0, colon));
  if (colon == std::string::npos || !format) return load_prices({source});
  const std::string path = source.substr(colon + 1);
  const auto text = read_any_file(path);
  if (!text) return tl::unexpected<fare::Errors>(text.error());
  const auto import = fare::import_prices(*text, {.format = *format,
                                                  .name = fs::path(path).filename().string(),
                                                  .from = default_import_start(),
                                                  .observed = day_of_file(path)});
  if (!import) return tl::unexpected<fare::Errors>(import.error());
  return book_of(import->sheets);
}

fare::Expected<fare::PriceBook> book_of(const std::vector<fare::PriceSheet>& sheets) {
  std::vector<std::string> texts;
  for (const fare::PriceSheet& sheet : sheets) texts.push_back(price_file_text(sheet));
  std::vector<fare::PriceBook::Source> sources;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    sources.push_back({sheets[i].provider, texts[i]});
  }
  return fare::PriceBook::parse(sources);
}

std::string filled(const std::string& first, const std::string& words) {
  std::string text = first;
  const std::size_t indent = width_of(first);
  std::size_t column = indent;
  std::istringstream stream(words);
  bool fresh = true;
  for (std::string word; stream >> word; fresh = false) {
    const std::size_t width = width_of(word);
    if (!fresh && column + 1 + width > kColumns) {
      text += "\n" + std::string(indent, ' ');
      column = indent;
      fresh = true;
    }
    if (!fresh) text += ' ';
    text += word;
    column += width + (fresh ? 0 : 1);
  }
  return text + "\n";
}

}  // namespace routesim
