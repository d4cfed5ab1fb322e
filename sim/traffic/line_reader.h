#pragma once

#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint64_t.
#include <optional>     // std::optional.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"        // Error.
#include "traffic/byte_source.h"  // ByteSource.

namespace routesim {

// The lines of a text, in memory that does not grow with it: at most about 16.5 MiB, the longest
// line.  Ends of line are LF or CRLF, the last may be missing; a UTF-8 byte order mark at the start
// is no part of the text.  Not thread-safe.
class LineReader {
 public:
  static constexpr std::size_t kLineMax = std::size_t{16} << 20;  // Bytes, without the line end.
  static constexpr std::size_t kPadding = 64;

  struct Line {
    // Without the line end.  Valid until the next call of next(), and `kPadding` bytes behind it
    // are readable, which simdjson asks for.
    std::string_view text;
    std::uint64_t number = 0;  // From 1, counting blank lines.
    bool too_long = false;     // Longer than kLineMax: the text is empty, the line was skipped.
  };

  explicit LineReader(ByteSource source);

  // The next line that is not blank (nothing but blanks and tabs); false at the end or if the
  // source fails, which error() tells.
  bool next(Line& line);

  // All complete lines that are in memory, with their ends, reading on if there is none; the same
  // padding is behind them.  Empty at the end, for a line that is not complete yet, and at the very
  // start (where a byte order mark may be): then next() goes on.  Takes nothing away.
  std::string_view peek();

  // Takes away the first bytes of what peek() gave, which hold so many lines.
  void skip(std::size_t bytes, std::uint64_t lines);

  // Why the source failed.  A line that it cut off is not given out.
  const std::optional<fare::Error>& error() const { return source_.error(); }

  std::uint64_t lines_reached() const { return number_; }  // How many lines were complete.

 private:
  bool take(Line& line);
  void finish(Line& line, std::size_t size, bool too_long);
  bool fill();

  ByteSource source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;    // Of the line that is being read,
  std::size_t scanned_ = 0;  // how far it has no line end,
  std::size_t end_ = 0;      // and the end of what is in the buffer.
  std::uint64_t number_ = 0;
};

}  // namespace routesim
