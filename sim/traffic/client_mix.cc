#include "traffic/client_mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "traffic/byte_source.h"
#include "traffic/field_text.h"
#include "traffic/line_reader.h"

namespace routesim {
namespace {

using fare::ErrorCode;

enum Column : std::size_t { kClient, kStart, kRate, kCv, kPattern, kColumns };
constexpr std::array<std::string_view, kColumns> kNames = {"client", "window_start_s", "rate", "cv",
                                                           "pattern"};
constexpr std::array<std::string_view, 3> kPatterns = {"Exponential", "Gamma", "Weibull"};
constexpr std::int64_t kClientMax = 999'999;
constexpr double kRateMax = 1e6;
constexpr std::size_t kBadLinesShown = 10;

using Fields = std::array<std::string_view, kColumns>;

// The leading fields of a line; false if there are fewer.
bool split(std::string_view line, Fields& fields) {
  for (std::size_t i = 0; i < kColumns; ++i) {
    const std::size_t comma = line.find(',');
    fields[i] = line.substr(0, comma);
    if (comma == std::string_view::npos) return i + 1 == kColumns;
    line.remove_prefix(comma + 1);
  }
  return true;
}

class Reader {
 public:
  Reader(std::string name, ByteSource source, const ClientMixOptions& options)
      : lines_(std::move(source)), options_(options) {
    mix_.name = std::move(name);
  }

  fare::Expected<ClientMix> read() {
    LineReader::Line line;
    Fields fields;
    if (lines_.next(line) && (!split(line.text, fields) || fields != kNames)) {
      return fare::fail(ErrorCode::kSyntax, place(line),
                        fmt::format("must be a header that begins with {}, but is {}",
                                    fmt::join(kNames, ","), quoted_excerpt(line.text)));
    }
    while (mix_.bad_lines.size() <= options_.bad_lines_max && lines_.next(line)) read_line(line);
    if (lines_.error()) {
      fare::Error error = *lines_.error();
      error.where = mix_.name;
      error.message += fmt::format(" (after line {})", lines_.lines_reached());
      return tl::unexpected(fare::Errors{std::move(error)});
    }
    if (mix_.bad_lines.size() > options_.bad_lines_max) {
      return failed(fmt::format("has more than {} bad lines", options_.bad_lines_max));
    }
    if (mix_.clients.empty()) return failed("has no good line, but must have one for each window");
    return std::move(mix_);
  }

 private:
  std::string place(const LineReader::Line& line) const {
    return fmt::format("{}:{}", mix_.name, line.number);
  }

  tl::unexpected<fare::Errors> failed(std::string message) {
    fare::Errors errors = {{ErrorCode::kSyntax, mix_.name, std::move(message)}};
    for (std::size_t i = 0; i < std::min(mix_.bad_lines.size(), kBadLinesShown); ++i) {
      errors.push_back(mix_.bad_lines[i]);
    }
    return tl::unexpected(std::move(errors));
  }

  void read_line(const LineReader::Line& line) {
    ++mix_.lines;
    if (auto error = add(line)) {
      error->where = place(line);
      mix_.bad_lines.push_back(std::move(*error));
    }
  }

  // Adds the line's window, or tells why it cannot.
  std::optional<fare::Error> add(const LineReader::Line& line) {
    Fields fields;
    if (line.too_long) return fare::Error{ErrorCode::kOutOfRange, "", "is longer than 16 MiB"};
    if (!split(line.text, fields)) {
      return fare::Error{ErrorCode::kSyntax, "",
                         fmt::format("must have at least {} fields", std::size_t{kColumns})};
    }
    const auto bad = [&](Column column, std::string_view rule) {
      return bad_field(kNames[column], rule, fields[column]);
    };
    const auto number = read_whole(fields[kClient], 0, kClientMax);
    if (!number) return bad(kClient, whole_rule(0, kClientMax));
    const auto start = read_seconds(fields[kStart]);
    if (!start || *start > fare::Duration::max() - options_.window)
      return bad(kStart, "decimal seconds");
    const auto rate = read_decimal(fields[kRate], 0, kRateMax);
    if (!rate) return bad(kRate, "a number from 0 to 1e6");
    const auto cv = read_decimal(fields[kCv], GapLaw::kCvMin, GapLaw::kCvMax);
    if (!cv) return bad(kCv, fmt::format("a number from {} to {}", GapLaw::kCvMin, GapLaw::kCvMax));
    const auto pattern = std::find(kPatterns.begin(), kPatterns.end(), fields[kPattern]);
    if (pattern == kPatterns.end()) return bad(kPattern, "Exponential, Gamma or Weibull");
    const auto kind = static_cast<GapLaw::Kind>(pattern - kPatterns.begin());
    return append(*number, {.start = *start,
                            .length = options_.window,
                            .per_second = *rate,
                            .gaps = GapLaw::with_cv(kind, *cv)});
  }

  std::optional<fare::Error> append(std::int64_t number, const ClientWindow& window) {
    const auto known = clients_.find(number);
    if (known == clients_.end()) {
      clients_.emplace(number, mix_.clients.size());
      Client client;
      client.name = fmt::format("client-{}", number);
      client.windows.push_back(window);
      mix_.clients.push_back(std::move(client));
      return std::nullopt;
    }
    std::vector<ClientWindow>& windows = mix_.clients[known->second].windows;
    if (window.start < windows.back().start + windows.back().length) {
      return fare::Error{ErrorCode::kConflict, "",
                         fmt::format("window_start_s must not be before the end of the window "
                                     "before of client {}",
                                     number)};
    }
    windows.push_back(window);
    return std::nullopt;
  }

  LineReader lines_;
  ClientMixOptions options_;
  ClientMix mix_;
  std::map<std::int64_t, std::size_t> clients_;  // Their places in the mix.
};

}  // namespace

fare::Expected<ClientMix> read_client_mix(const std::string& path,
                                          const ClientMixOptions& options) {
  fare::Expected<ByteSource> source = ByteSource::open(path);
  if (!source) return tl::unexpected(std::move(source.error()));
  return Reader(path, std::move(*source), options).read();
}

fare::Expected<ClientMix> parse_client_mix(std::string name, std::string_view bytes,
                                           const ClientMixOptions& options) {
  return Reader(std::move(name), ByteSource::memory(bytes), options).read();
}

}  // namespace routesim
