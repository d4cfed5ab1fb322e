#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint64_t.
#include <memory>       // std::unique_ptr.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"  // Expected.
#include "traffic/trace.h"  // Trace, TraceFormat, TraceRow.

namespace routesim {

// Turns the data lines of one format into rows.
class RowParser {
 public:
  virtual ~RowParser() = default;

  // `at` of the row counts from the format's own zero.  What is wrong with the line has an empty
  // `where`.  REQUIRES: LineReader::kPadding readable bytes behind the line.
  virtual fare::Expected<TraceRow> parse(std::string_view line) = 0;

  // What parse() would give for the first lines of a text, as far as they are good and quick to
  // read: maybe none.
  struct Batch {
    std::size_t bytes = 0;       // That were read, whole lines with their ends,
    std::uint64_t lines = 0;     // how many, blank ones included,
    std::vector<TraceRow> rows;  // and one row for each that is not blank.
  };

  // REQUIRES: `text` ends with a line end; the same bytes behind it.
  virtual void parse_batch(std::string_view /*text*/, Batch& batch) { batch = {}; }
};

// For comma-separated values below the given header, with "..." around fields that need it (RFC
// 4180, but no line ends inside).  Names of classes and tenants are added to `trace`, which must
// outlive the parser.  Errors: a column that is missing, unknown or stands twice.
// REQUIRES: the format is kAzure, kPlain or kBurstGpt.
[[nodiscard]] fare::Expected<std::unique_ptr<RowParser>> csv_parser(TraceFormat format,
                                                                    std::string_view header,
                                                                    Trace& trace);

// For JSON lines.  Other keys, such as hash_ids, may hold any JSON and are ignored.  Names are
// added to `trace`, which must outlive the parser. REQUIRES: the format is kMooncake, kRagPulse,
// kBailian or kJsonLines.
std::unique_ptr<RowParser> json_lines_parser(TraceFormat format, Trace& trace);

bool is_json_lines(TraceFormat format);

// The format whose header or data this line is; kAuto if it is none.
TraceFormat format_of(std::string_view first_line);

}  // namespace routesim
