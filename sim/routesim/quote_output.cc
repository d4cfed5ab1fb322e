#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/format.h"
#include "report/table.h"
#include "routesim/quote.h"

namespace routesim {
namespace {

// Plain text is copied; anything else goes the library's way, which also mends broken UTF-8.
void append_string(std::string_view text, std::string& out) {
  const auto is_plain = [](char c) { return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f; };
  if (!std::all_of(text.begin(), text.end(), is_plain)) {
    using Json = nlohmann::json;
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

void append_string_or_null(bool known, std::string_view text, std::string& out) {
  if (known) {
    append_string(text, out);
  } else {
    out += "null";
  }
}

// {"meter", "count", "rate_usd_per_mtok", "usd", "rule"}; the model too where there are several.
void append_line(const fare::CostLine& line, const QuotedPart& part, bool name_model,
                 std::string& out) {
  out += out.back() == '[' ? "{" : ",{";
  if (name_model) {
    out += "\"model\":";
    append_string(part.model, out);
    out += ',';
  }
  out += "\"meter\":";
  append_string(to_string(line.meter), out);
  fmt::format_to(std::back_inserter(out),
                 ",\"count\":{},\"rate_usd_per_mtok\":", line.count.count());
  append_string_or_null(line.priced, to_usd_per_mtok(line.rate, line.parts), out);
  out += ",\"usd\":";
  append_string_or_null(line.priced, to_usd(line.cost), out);
  out += ",\"rule\":";
  append_string_or_null(line.priced, part.charge.rule, out);
  out += '}';
}

std::string amount_text(const fare::CostLine& line) {
  return count_text(static_cast<std::uint64_t>(line.count.count()));
}

std::string lines_text(const Quote& quote) {
  std::string text;
  for (const QuotedPart& part : quote.parts) {
    if (part.charge.lines.empty()) continue;
    Table table({quote.parts.size() > 1 ? part.model : "meter", "count", "$ per million", "$"});
    for (const fare::CostLine& line : part.charge.lines) {
      table.add({std::string(to_string(line.meter)), amount_text(line),
                 line.priced ? to_usd_per_mtok(line.rate, line.parts) : "no rate",
                 line.priced ? to_usd(line.cost) : "unknown"});
    }
    text += table.text({});
  }
  return text;
}

}  // namespace

void append_quote_json(const Quote& quote, std::string_view table_hash, std::string& out) {
  out += "{\"status\":";
  append_string(quote.status, out);
  out += ",\"total_usd\":";
  append_string_or_null(quote.priced(), to_usd(quote.total), out);
  if (quote.status == "partially_priced") {
    out += ",\"priced_usd\":";
    append_string(to_usd(quote.total), out);
  }
  if (quote.reported) {
    out += ",\"reported_usd\":";
    append_string(to_usd(*quote.reported), out);
  }
  out += ",\"lines\":[";
  for (const QuotedPart& part : quote.parts) {
    for (const fare::CostLine& line : part.charge.lines) {
      append_line(line, part, quote.parts.size() > 1, out);
    }
  }
  out += "],\"model\":";
  append_string(quote.model, out);
  out += ",\"at\":";
  append_string(fare::to_rfc3339(quote.at), out);
  out += ",\"table_hash\":";
  append_string(table_hash, out);
  out += ",\"notes\":[";
  for (const std::string& note : quote.notes) {
    if (out.back() != '[') out += ',';
    append_string(note, out);
  }
  out += "]}";
}

std::string quote_text(const Quote& quote, std::string_view table_hash) {
  std::string text = quote.priced() ? fmt::format("${} for {}", to_usd(quote.total), quote.model)
                                    : fmt::format("{}: {}", quote.status, quote.model);
  text += fmt::format(" at {}\n", fare::to_rfc3339(quote.at));
  if (quote.status == "partially_priced") {
    text +=
        fmt::format("  ${} of it is priced; the rest has no known price\n", to_usd(quote.total));
  }
  for (const std::string& note : quote.notes) text += fmt::format("  note: {}\n", note);
  text += lines_text(quote);
  for (const QuotedPart& part : quote.parts) {
    if (part.charge.rule.empty()) continue;
    text += fmt::format("  {}; table {}\n", part.charge.rule, table_hash.substr(0, 12));
  }
  return text;
}

}  // namespace routesim
