#pragma once

#include <memory>       // std::unique_ptr.
#include <string_view>  // std::string_view.

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
};

// For comma-separated values below the given header, with "..." around fields that need it (RFC
// 4180, but no line ends inside).  Names of classes and tenants are added to `trace`, which must
// outlive the parser.  Errors: a column that is missing, unknown or stands twice.
// REQUIRES: the format is kAzure or kPlain.
[[nodiscard]] fare::Expected<std::unique_ptr<RowParser>> csv_parser(TraceFormat format,
                                                                    std::string_view header,
                                                                    Trace& trace);

// For JSON lines.  Other keys, such as hash_ids, may hold any JSON and are ignored.
std::unique_ptr<RowParser> mooncake_parser();

// The format whose header or data this line is; kAuto if it is none.
TraceFormat format_of(std::string_view first_line);

}  // namespace routesim
