#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fare/check.h"
#include "traffic/trace.h"

// Goal: no bytes make the trace readers crash, or give a trace that breaks its contract.
// Method: every format reads the bytes as they are (which may be gzip) and once more packed; both
// must end alike.  Memory is bounded by the rows allowed here, a few MB, plus the line limit of
// 16 MiB and what simdjson needs for such a line, some 250 MiB; time grows with what the bytes
// inflate to, at most a thousand times their size.

namespace {

using fare::Duration;
using fare::Tokens;
using routesim::Trace;
using routesim::TraceFormat;
using routesim::TraceOptions;
using routesim::TraceRow;

constexpr std::string_view kGzipMagic = "\x1f\x8b";

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  FARE_CHECK(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string in(bytes);
  std::string out(deflateBound(&stream, in.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  FARE_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

void check_trace(const Trace& trace, const TraceOptions& options) {
  FARE_CHECK(!trace.rows.empty());
  FARE_CHECK(trace.rows.size() <= options.rows_max);
  FARE_CHECK(trace.bad_lines.size() <= options.bad_lines_max);
  FARE_CHECK(trace.lines == trace.rows.size() + trace.bad_lines.size() + trace.failures);
  FARE_CHECK(trace.format != TraceFormat::kAuto);
  FARE_CHECK(options.format == TraceFormat::kAuto || trace.format == options.format);
  FARE_CHECK(trace.classes.size() <= routesim::kClassesMax);
  FARE_CHECK(trace.tenants.size() <= routesim::kTenantsMax);
  Duration before{};
  FARE_CHECK(trace.rows.front().at == before);
  for (const TraceRow& row : trace.rows) {
    FARE_CHECK(row.at >= before);
    before = row.at;
    FARE_CHECK(row.input >= Tokens(1));
    FARE_CHECK(row.input <= fare::kTokensMax);
    FARE_CHECK(row.output >= Tokens(1));
    FARE_CHECK(row.output <= fare::kTokensMax);
    FARE_CHECK(row.request_class == routesim::kUnnamed || row.request_class < trace.classes.size());
    FARE_CHECK(row.tenant == routesim::kUnnamed || row.tenant < trace.tenants.size());
    FARE_CHECK(row.session == routesim::kUnnamed || row.session < trace.sessions.size());
  }
  for (const fare::Error& error : trace.bad_lines) FARE_CHECK(!error.message.empty());
}

std::string summary(const fare::Expected<Trace>& trace) {
  if (!trace) return fare::to_text(trace.error());
  std::string text = fare::to_text(trace->bad_lines);
  for (const TraceRow& row : trace->rows) {
    text += std::to_string(row.at.count()) + ' ' + std::to_string(row.input.count()) + ' ' +
            std::to_string(row.output.count()) + ' ' + std::to_string(row.request_class) + ' ' +
            std::to_string(row.tenant) + ' ' + std::to_string(row.session) + '\n';
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string packed = bytes.starts_with(kGzipMagic) ? std::string(bytes) : gzip(bytes);
  for (const TraceFormat format :
       {TraceFormat::kAuto, TraceFormat::kAzure, TraceFormat::kMooncake, TraceFormat::kPlain,
        TraceFormat::kJsonLines, TraceFormat::kRagPulse, TraceFormat::kBailian,
        TraceFormat::kBurstGpt}) {
    const TraceOptions options{.format = format, .bad_lines_max = 20, .rows_max = 100'000};
    const fare::Expected<Trace> trace = routesim::parse_trace("fuzz", bytes, options);
    if (trace) check_trace(*trace, options);
    if (!trace) FARE_CHECK(!trace.error().empty());
    FARE_CHECK(summary(trace) == summary(routesim::parse_trace("fuzz", packed, options)));
  }
  return 0;
}
