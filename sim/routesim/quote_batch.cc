#include "routesim/quote_batch.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cstdio>

#include "routesim/commands.h"
#include "traffic/line_reader.h"

namespace routesim {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kFlushBytes = std::size_t{1} << 16;

// The text of a value as it stands in the line.
simdjson::error_code raw_text(simdjson::simdjson_result<ondemand::value> value,
                              std::string_view& text) {
  ondemand::json_type type{};
  if (const auto error = value.type().get(type)) return error;
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return error;
    return object.raw_json().get(text);
  }
  if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (const auto error = value.get_array().get(array)) return error;
    return array.raw_json().get(text);
  }
  return value.raw_json_token().get(text);
}

// The members of a line that are texts.
struct LineTexts {
  std::string_view model, provider, api, at, known_at, tier, speed, region;
};

struct TextMember {
  std::string_view key;
  std::string_view LineTexts::*text;
};

constexpr std::array<TextMember, 8> kTextMembers = {{{"model", &LineTexts::model},
                                                     {"provider", &LineTexts::provider},
                                                     {"api", &LineTexts::api},
                                                     {"at", &LineTexts::at},
                                                     {"known_at", &LineTexts::known_at},
                                                     {"tier", &LineTexts::tier},
                                                     {"speed", &LineTexts::speed},
                                                     {"region", &LineTexts::region}}};

// Turns lines into questions.  Every function returns false after it has said what is wrong.
class LineParser {
 public:
  // `question` views the line and this parser until the next call.
  bool parse(const LineReader::Line& line, QuoteQuestion& question) {
    problem_.clear();
    LineTexts texts;
    return members(line, texts, question.usage) && fill(texts, question);
  }

  const std::string& problem() const { return problem_; }

 private:
  template <class... Args>
  bool wrong(fmt::format_string<Args...> format, Args&&... args) {
    problem_ = fmt::format(format, std::forward<Args>(args)...);
    return false;
  }

  bool members(const LineReader::Line& line, LineTexts& texts, std::string_view& usage) {
    if (line.too_long) return wrong("the line is longer than 16 MiB");
    const auto capacity = line.text.size() + LineReader::kPadding;
    if (parser_.iterate(line.text.data(), line.text.size(), capacity).get(document_) !=
        simdjson::SUCCESS) {
      return wrong("the line is not JSON");
    }
    ondemand::object object;
    if (document_.get_object().get(object) != simdjson::SUCCESS) {
      return wrong("the line must be an object");
    }
    for (auto field : object) {
      std::string_view key;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS) return wrong("the line is broken");
      if (!member(key, field.value(), texts, usage)) return false;
    }
    if (document_.current_location().error() != simdjson::OUT_OF_BOUNDS)
      return wrong("the line must be one object and nothing else");
    return !usage.empty() || wrong("needs \"usage\"");
  }

  bool member(std::string_view key, simdjson::simdjson_result<ondemand::value> value,
              LineTexts& texts, std::string_view& usage) {
    if (key == "usage") {
      return raw_text(value, usage) == simdjson::SUCCESS || wrong("\"usage\" is broken");
    }
    for (const TextMember& known : kTextMembers) {
      if (key != known.key) continue;
      if (value.is_null().value_unsafe()) return true;
      return value.get_string().get(texts.*known.text) == simdjson::SUCCESS ||
             wrong("\"{}\" must be a text", key);
    }
    // Logs carry more than a price needs.
    return true;
  }

  bool fill(const LineTexts& texts, QuoteQuestion& question) {
    if (!texts.model.empty()) question.model = texts.model;
    if (!texts.provider.empty()) question.provider = texts.provider;
    if (!texts.region.empty()) question.region = texts.region;
    if (!texts.api.empty()) {
      const auto api = fare::usage_api_named(texts.api);
      if (!api) return wrong("\"{}\" is not an API", texts.api);
      question.api = *api;
    }
    if (texts.tier == "fast") {
      question.speed = fare::SpeedMode::kFast;
    } else if (!texts.tier.empty()) {
      question.tier = fare::service_tier_named(texts.tier);
      if (!question.tier) return wrong("\"{}\" is not a tier", texts.tier);
    }
    if (!texts.speed.empty()) {
      question.speed = fare::speed_mode_named(texts.speed);
      if (!question.speed) return wrong("\"{}\" is not a speed", texts.speed);
    }
    return instant("at", texts.at, question.at) &&
           instant("known_at", texts.known_at, question.known);
  }

  bool instant(std::string_view key, std::string_view text, fare::Instant& out) {
    if (text.empty()) return true;
    const auto read = fare::parse_instant(text);
    if (!read) return wrong("\"{}\" {}", key, read.error()[0].message);
    out = *read;
    return true;
  }

  ondemand::parser parser_;
  ondemand::document document_;
  std::string problem_;
};

// A line that could not be read has its answer as well, so that answers stand beside their lines.
Quote unreadable(std::string_view problem) {
  Quote quote;
  quote.status = to_string(fare::UsageStatus::kMalformed);
  quote.notes = {std::string(problem)};
  return quote;
}

}  // namespace

int quote_batch(const std::string& path, const QuoteQuestion& defaults,
                const fare::PriceBook& prices) {
  auto source = ByteSource::open(path);
  if (!source) return complain(source.error());
  LineReader lines(std::move(*source));
  Quoter quoter(prices);
  LineParser parser;
  std::string out;
  int exit_code = kGood;
  LineReader::Line line;
  while (lines.next(line)) {
    QuoteQuestion question = defaults;
    if (parser.parse(line, question)) {
      const Quote& quote = quoter.ask(question);
      append_quote_json(quote, prices.hash(), out);
      if (!quote.priced() && exit_code == kGood) exit_code = kNo;
    } else {
      append_quote_json(unreadable(parser.problem()), prices.hash(), out);
      exit_code = complain(
          {{fare::ErrorCode::kSyntax, fmt::format("{}:{}", path, line.number), parser.problem()}});
    }
    out += '\n';
    if (out.size() < kFlushBytes) continue;
    std::fwrite(out.data(), 1, out.size(), stdout);
    out.clear();
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
  if (lines.error()) return complain({{lines.error()->code, path, lines.error()->message}});
  return exit_code;
}

}  // namespace routesim
