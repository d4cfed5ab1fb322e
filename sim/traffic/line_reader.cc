#include "traffic/line_reader.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace routesim {
namespace {

constexpr std::size_t kRoomMin = std::size_t{64} << 10;  // For one read.
constexpr std::size_t kBufferMin = 4 * kRoomMin;
constexpr std::size_t kBufferMax = LineReader::kLineMax + kBufferMin;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t") == std::string_view::npos;
}

}  // namespace

LineReader::LineReader(ByteSource source)
    : source_(std::move(source)), buffer_(kBufferMin + kPadding) {}

bool LineReader::next(Line& line) {
  while (take(line)) {
    if (line.too_long || !is_blank(line.text)) return true;
  }
  return false;
}

std::string_view LineReader::peek() {
  if (number_ == 0) return {};
  if (begin_ == end_ && !fill()) return {};
  const std::string_view text(buffer_.data() + begin_, end_ - begin_);
  return text.substr(0, text.rfind('\n') + 1);
}

void LineReader::skip(std::size_t bytes, std::uint64_t lines) {
  begin_ += bytes;
  scanned_ = std::max(scanned_, begin_);
  number_ += lines;
}

bool LineReader::take(Line& line) {
  bool too_long = false;
  for (;;) {
    const char* const found =
        static_cast<const char*>(std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_));
    if (found != nullptr) {
      const auto newline = static_cast<std::size_t>(found - buffer_.data());
      finish(line, newline - begin_, too_long);
      begin_ = scanned_ = newline + 1;
      return true;
    }
    scanned_ = end_;
    // One byte more than a line may have could still be its carriage return.
    if (end_ - begin_ > kLineMax + 1) {
      too_long = true;
      begin_ = end_;
    }
    if (fill()) continue;
    if (error() || (begin_ == end_ && !too_long)) return false;
    finish(line, end_ - begin_, too_long);
    begin_ = scanned_ = end_;
    return true;
  }
}

void LineReader::finish(Line& line, std::size_t size, bool too_long) {
  line.text = std::string_view(buffer_.data() + begin_, size);
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
  if (number_ == 0 && line.text.starts_with(kByteOrderMark)) {
    line.text.remove_prefix(kByteOrderMark.size());
  }
  line.number = ++number_;
  line.too_long = too_long || line.text.size() > kLineMax;
  if (line.too_long) line.text = {};
}

// Moves the unfinished line to the front, and reads on behind it.
bool LineReader::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  scanned_ -= begin_;
  begin_ = 0;
  if (buffer_.size() - kPadding - end_ < kRoomMin) {
    buffer_.resize(std::min(2 * buffer_.size(), kBufferMax + kPadding));
  }
  const std::size_t room = buffer_.size() - kPadding - end_;
  const std::size_t count = source_.read(std::span(buffer_.data() + end_, room));
  end_ += count;
  return count > 0;
}

}  // namespace routesim
