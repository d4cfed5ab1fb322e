#include "traffic/line_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace routesim {
namespace {

constexpr std::size_t kLineMax = LineReader::kLineMax;

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  std::string in(bytes);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

struct Read {
  std::uint64_t number;
  std::string text;
  bool too_long;
  bool operator==(const Read&) const = default;
};

void PrintTo(const Read& read, std::ostream* out) {
  *out << read.number << ":\"" << read.text.substr(0, 80) << "\" " << read.too_long;
}

struct Result {
  std::vector<Read> lines;
  std::string error;
  std::uint64_t reached = 0;
};

Result read_all(ByteSource source) {
  LineReader reader(std::move(source));
  Result result;
  LineReader::Line line;
  while (reader.next(line)) {
    // Under AddressSanitizer this holds the promise of readable padding.
    for (std::size_t i = 0; i < LineReader::kPadding && !line.too_long; ++i) {
      static_cast<void>(*static_cast<const volatile char*>(line.text.data() + i));
    }
    result.lines.push_back({line.number, std::string(line.text), line.too_long});
  }
  EXPECT_FALSE(reader.next(line)) << "the end must stay the end";
  if (reader.error()) result.error = reader.error()->message;
  result.reached = reader.lines_reached();
  return result;
}

Result read_memory(std::string_view bytes) { return read_all(ByteSource::memory(bytes)); }

class TempFile {
 public:
  explicit TempFile(std::string_view bytes)
      : path_(testing::TempDir() + "line_reader_test_" + std::to_string(getpid())) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result read_file(std::string_view bytes) {
  const TempFile file(bytes);
  fare::Expected<ByteSource> source = ByteSource::open(file.path());
  EXPECT_TRUE(source.has_value());
  return read_all(std::move(*source));
}

// What LineReader must do, written the slow way.
std::vector<Read> slow_lines(std::string text) {
  std::vector<Read> lines;
  std::uint64_t number = 0;
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    std::string line = text.substr(0, newline);
    text = newline == std::string::npos ? "" : text.substr(newline + 1);
    if (line.ends_with('\r')) line.pop_back();
    if (++number == 1 && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
    if (line.find_first_not_of(" \t") != std::string::npos) lines.push_back({number, line, false});
  }
  return lines;
}

TEST(LineReaderTest, CutsLinesAtTheirEnds) {
  const struct {
    const char* name;
    std::string text;
    std::vector<Read> lines;
  } cases[] = {
      {"empty", "", {}},
      {"one line", "a\n", {{1, "a", false}}},
      {"no last line end", "a\nb", {{1, "a", false}, {2, "b", false}}},
      {"carriage returns", "a\r\nb\r\n", {{1, "a", false}, {2, "b", false}}},
      {"only the last one is an end", "a\r\r\nb\rc\n", {{1, "a\r", false}, {2, "b\rc", false}}},
      {"carriage return at the end", "a\r", {{1, "a", false}}},
      {"blank lines", "\n\r\n \t\na\n\n\nb\n\n", {{4, "a", false}, {7, "b", false}}},
      {"only blank lines", "\n \n\n", {}},
      {"byte order mark",
       "\xef\xbb\xbf"
       "a\nb\n",
       {{1, "a", false}, {2, "b", false}}},
      {"byte order mark alone", "\xef\xbb\xbf", {}},
      {"later marks are text", "a\n\xef\xbb\xbf\n", {{1, "a", false}, {2, "\xef\xbb\xbf", false}}},
      {"zero bytes", std::string("a\0b\n", 4), {{1, std::string("a\0b", 3), false}}},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const Result result = read_memory(test.text);
    EXPECT_EQ(result.lines, test.lines);
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(read_memory(gzip(test.text)).lines, test.lines);
  }
}

// Goal: the same lines from memory, file, gzip and joined gzip members, wherever lines and reads
// meet.  Method: random texts of several buffers' length against the slow way; seeds replay them.
TEST(LineReaderTest, ReadsTheSameFromEverySource) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    fare::RandomStream stream(fare::RandomKey(seed, 0, fare::Purpose::kTest), 0);
    std::string text;
    while (text.size() < (std::size_t{600} << 10)) {
      const std::uint64_t length_max = stream.below(8) == 0 ? 200'000 : 40;
      const std::uint64_t length = stream.below(length_max);
      for (std::uint64_t i = 0; i < length; ++i) text += static_cast<char>(' ' + stream.below(90));
      text += stream.below(2) == 0 ? "\n" : "\r\n";
    }
    const std::vector<Read> lines = slow_lines(text);
    EXPECT_EQ(read_memory(text).lines, lines);
    EXPECT_EQ(read_file(text).lines, lines);
    EXPECT_EQ(read_memory(gzip(text)).lines, lines);
    EXPECT_EQ(read_file(gzip(text)).lines, lines);
    const std::size_t cut = stream.below(text.size());
    const std::string members = gzip(text.substr(0, cut)) + gzip("") + gzip(text.substr(cut));
    EXPECT_EQ(read_memory(members).lines, lines);
    EXPECT_EQ(read_file(members).lines, lines);
  }
}

TEST(LineReaderTest, SkipsALineOverSixteenMebibytesToItsEnd) {
  const std::string longest(kLineMax, 'x');
  const std::string longer = longest + "y";
  const std::vector<Read> kept = {{1, longest, false}, {2, "z", false}};
  const std::vector<Read> skipped = {{1, "", true}, {2, "z", false}};
  EXPECT_TRUE(read_memory(longest + "\nz\n").lines == kept);
  EXPECT_TRUE(read_memory(longest + "\r\nz\n").lines == kept);
  EXPECT_TRUE(read_memory(longest + "\r").lines == (std::vector<Read>{kept.front()}));
  EXPECT_EQ(read_memory(longer + "\nz\n").lines, skipped);
  EXPECT_EQ(read_memory(longer + "\r\nz\n").lines, skipped);
  EXPECT_EQ(read_memory(longest + longest + longest + "\nz\n").lines, skipped);
  const std::vector<Read> last = {{1, "a", false}, {2, "", true}};
  EXPECT_EQ(read_memory("a\n" + longer).lines, last);
  EXPECT_EQ(read_memory("a\n" + longest + longest).lines, last);
}

// 256 MiB in 256 KiB: the reader's own memory stays at its bound whatever the text inflates to.
TEST(LineReaderTest, ABombIsOneLineTooLong) {
  const std::string member = gzip(std::string(std::size_t{64} << 20, '\0'));
  const Result result = read_memory(member + member + member + member);
  EXPECT_EQ(result.lines, (std::vector<Read>{{1, "", true}}));
  EXPECT_EQ(result.error, "");
}

TEST(LineReaderTest, GzipThatBreaksOffIsAnErrorAtEveryLength) {
  const std::string text = "first line\nsecond line\nthird line\n";
  const std::string whole = gzip(text);
  const std::vector<Read> lines = slow_lines(text);
  for (std::size_t size = 2; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    const Result result = read_memory(whole.substr(0, size));
    EXPECT_NE(result.error.find("ends too early"), std::string::npos) << result.error;
    EXPECT_EQ(result.reached, result.lines.size());
    // A line that is cut off must not pass for a whole one.
    EXPECT_TRUE(std::equal(result.lines.begin(), result.lines.end(), lines.begin()));
  }
  // All lines are there, but without the check sum nobody knows whether they are right.
  EXPECT_EQ(read_memory(whole.substr(0, whole.size() - 1)).reached, 3u);
  EXPECT_EQ(read_memory(whole + whole.substr(0, 9)).reached, 3u);
  EXPECT_NE(read_memory(whole + whole.substr(0, 9)).error, "");
}

// A flipped bit is an error, or stands where nothing is said: in the header, or between the last
// bit of the text and the next whole byte.
TEST(LineReaderTest, GzipWithAFlippedBitIsNeverAnotherText) {
  const std::string text = "first line\nsecond line\nthird line\n";
  const std::string whole = gzip(text);
  const std::vector<Read> lines = slow_lines(text);
  int errors = 0;
  for (std::size_t i = 2; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      const Result result = read_memory(damaged);
      if (result.error.empty()) {
        EXPECT_EQ(result.lines, lines) << "byte " << i << " bit " << bit;
      } else {
        ++errors;
      }
    }
  }
  EXPECT_GT(errors, 8 * static_cast<int>(whole.size() - 10) - 8);
}

TEST(LineReaderTest, SaysThatGzipIsDamaged) {
  std::string damaged = gzip("first line\nsecond line\n");
  damaged[damaged.size() - 8] ^= 1;  // The check sum.
  EXPECT_EQ(read_memory(damaged).error, "is damaged gzip data (incorrect data check)");
  EXPECT_EQ(read_memory(gzip("a\n") + "rubbish").error,
            "is damaged gzip data (incorrect header check)");
}

TEST(LineReaderTest, AMissingFileIsAnError) {
  const fare::Expected<ByteSource> source = ByteSource::open("/no/such/trace.csv");
  ASSERT_FALSE(source.has_value());
  EXPECT_EQ(fare::to_text(source.error()),
            "/no/such/trace.csv: does not exist; check the path (a relative one starts at the "
            "current folder)\n");
  EXPECT_EQ(source.error().front().code, fare::ErrorCode::kIo);
}

TEST(LineReaderTest, AFolderIsAnError) {
  const fare::Expected<ByteSource> source = ByteSource::open("/tmp");
  ASSERT_FALSE(source.has_value());
  EXPECT_EQ(fare::to_text(source.error()), "/tmp: is a folder; name one file in it\n");
}

TEST(LineReaderTest, AFileWithoutPermissionIsAnError) {
  const TempFile file("a\n");
  std::filesystem::permissions(file.path(), std::filesystem::perms::none);
  constexpr uid_t kNobody = 65534;
  const bool is_root = geteuid() == 0;  // Who may read every file.
  if (is_root && seteuid(kNobody) != 0) GTEST_SKIP() << "cannot become an ordinary user";
  const fare::Expected<ByteSource> source = ByteSource::open(file.path());
  ASSERT_TRUE(!is_root || seteuid(0) == 0);
  ASSERT_FALSE(source.has_value());
  EXPECT_NE(fare::to_text(source.error()).find(": may not be read by this user; change its"),
            std::string::npos);
}

TEST(LineReaderTest, AFileThatFailsWhileItIsReadIsAnError) {
  // The memory of this process from address 0 on: it opens, and every read fails.
  fare::Expected<ByteSource> source = ByteSource::open("/proc/self/mem");
  if (!source) GTEST_SKIP() << "this system has no /proc/self/mem";
  const Result result = read_all(std::move(*source));
  EXPECT_TRUE(result.lines.empty());
  EXPECT_NE(result.error.find("cannot be read on"), std::string::npos) << result.error;
}

}  // namespace
}  // namespace routesim
