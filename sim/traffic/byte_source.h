#pragma once

#include <cstddef>      // std::size_t.
#include <memory>       // std::unique_ptr.
#include <optional>     // std::optional.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

#include "fare/expected.h"  // Error, Expected.

namespace routesim {

// The bytes of a file or of memory, inflated on their way if they are gzip (by the two magic bytes;
// several members may follow each other, as in concatenated files).  Reads ahead, never back, so a
// pipe will do.  Holds about 100 KiB.  Not thread-safe.
class ByteSource {
 public:
  // Errors: the file is missing, a folder, or may not be read.
  [[nodiscard]] static fare::Expected<ByteSource> open(const std::string& path);

  static ByteSource memory(std::string_view bytes);  // The bytes must outlive the source.

  ByteSource(ByteSource&&) noexcept;
  ByteSource& operator=(ByteSource&&) noexcept;
  ~ByteSource();

  // Fills `out` from its front and returns how many bytes came; fewer than fit only at the end.
  std::size_t read(std::span<char> out);

  // Why the bytes ended early: gzip data that is damaged or breaks off, a failing disk.  `where` is
  // left empty.
  const std::optional<fare::Error>& error() const;

 private:
  struct State;
  explicit ByteSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace routesim
