#include "traffic/byte_source.h"

#define ZLIB_CONST  // zlib only reads what `next_in` points to.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace routesim {
namespace {

using fare::ErrorCode;

constexpr std::size_t kChunk = std::size_t{64} << 10;
constexpr std::size_t kPieceMax = std::size_t{1} << 30;  // zlib counts in 32 bits.
constexpr int kWindowBitsGzip = 15 + 16;                 // zlib.h: 16 more expects a gzip header.

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

std::string system_message(int error_number) {
  return std::generic_category().message(error_number);
}

std::string why_not_opened(int error_number) {
  switch (error_number) {
    case ENOENT:
      return "does not exist; check the path (a relative one starts at the current folder)";
    case EACCES:
      return "may not be read by this user; change its permissions, for example with chmod +r";
    default:
      return fmt::format("cannot be opened: {}", system_message(error_number));
  }
}

}  // namespace

// z_stream must not move: zlib keeps a pointer back to it.
struct ByteSource::State {
  ~State() {
    if (inflating) inflateEnd(&stream);
  }

  // Makes more raw bytes `pending`; false at their end.
  bool refill();
  bool start_gzip();
  std::size_t copy(std::span<char> out);
  std::size_t inflate_to(std::span<char> out);
  void fail(ErrorCode code, std::string message) { error = {code, "", std::move(message)}; }

  File file;
  std::vector<char> chunk;   // Of the file.
  std::string_view memory;   // Not yet pending.
  std::string_view pending;  // Raw bytes that are read, but not given out.
  bool started = false;
  bool inflating = false;
  bool between_members = false;
  z_stream stream{};
  std::optional<fare::Error> error;
};

bool ByteSource::State::refill() {
  if (file) {
    const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), file.get());
    pending = std::string_view(chunk.data(), count);
    if (count == 0 && std::ferror(file.get())) {
      fail(ErrorCode::kIo, fmt::format("cannot be read on: {}", system_message(errno)));
    }
    return count > 0;
  }
  pending = memory.substr(0, kPieceMax);
  memory.remove_prefix(pending.size());
  return !pending.empty();
}

bool ByteSource::State::start_gzip() {
  inflating = inflateInit2(&stream, kWindowBitsGzip) == Z_OK;
  if (!inflating) fail(ErrorCode::kIo, "cannot be inflated: zlib has no memory");
  return inflating;
}

std::size_t ByteSource::State::copy(std::span<char> out) {
  std::size_t count = 0;
  while (count < out.size() && (!pending.empty() || refill())) {
    const std::size_t size = std::min(out.size() - count, pending.size());
    std::memcpy(out.data() + count, pending.data(), size);
    pending.remove_prefix(size);
    count += size;
  }
  return count;
}

std::size_t ByteSource::State::inflate_to(std::span<char> out) {
  std::size_t count = 0;
  while (count < out.size()) {
    if (pending.empty() && !refill()) {
      if (!between_members && !error) {
        fail(ErrorCode::kSyntax, "is gzip data that ends too early; the file is cut off");
      }
      break;
    }
    if (std::exchange(between_members, false)) inflateReset(&stream);
    const std::size_t room = std::min(out.size() - count, kPieceMax);
    stream.next_in = reinterpret_cast<const Bytef*>(pending.data());
    stream.avail_in = static_cast<uInt>(pending.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + count);
    stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream, Z_NO_FLUSH);
    pending.remove_prefix(pending.size() - stream.avail_in);
    count += room - stream.avail_out;
    between_members = result == Z_STREAM_END;
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) continue;
    fail(ErrorCode::kSyntax, fmt::format("is damaged gzip data ({})",
                                         stream.msg == nullptr ? "zlib says no more" : stream.msg));
    break;
  }
  return count;
}

ByteSource::ByteSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
ByteSource::ByteSource(ByteSource&&) noexcept = default;
ByteSource& ByteSource::operator=(ByteSource&&) noexcept = default;
ByteSource::~ByteSource() = default;

fare::Expected<ByteSource> ByteSource::open(const std::string& path) {
  std::error_code ignored;  // What cannot be examined cannot be opened either.
  if (std::filesystem::is_directory(path, ignored)) {
    return fare::fail(ErrorCode::kIo, path, "is a folder; name one file in it");
  }
  auto state = std::make_unique<State>();
  state->file.reset(std::fopen(path.c_str(), "rb"));
  if (!state->file) return fare::fail(ErrorCode::kIo, path, why_not_opened(errno));
  state->chunk.resize(kChunk);
  return ByteSource(std::move(state));
}

ByteSource ByteSource::memory(std::string_view bytes) {
  auto state = std::make_unique<State>();
  state->memory = bytes;
  return ByteSource(std::move(state));
}

std::size_t ByteSource::read(std::span<char> out) {
  State& state = *state_;
  if (state.error) return 0;
  if (!std::exchange(state.started, true) && state.refill() &&
      state.pending.starts_with("\x1f\x8b") && !state.start_gzip()) {
    return 0;
  }
  return state.inflating ? state.inflate_to(out) : state.copy(out);
}

const std::optional<fare::Error>& ByteSource::error() const { return state_->error; }

}  // namespace routesim
