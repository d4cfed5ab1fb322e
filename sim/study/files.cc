#include "study/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace routesim {
namespace {

namespace fs = std::filesystem;
using fare::ErrorCode;

constexpr std::uintmax_t kFileBytesMax = 64u << 20;

}  // namespace

fare::Expected<std::string> read_file(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    return fare::fail(ErrorCode::kIo, path, "no such file: check the path");
  }
  if (fs::is_directory(status)) {
    return fare::fail(ErrorCode::kIo, path, "is a folder, but a file is needed");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return fare::fail(ErrorCode::kIo, path, "cannot be opened: check its permissions");
  // Read in pieces with a limit: a pipe or a device does not tell its size.
  std::string text;
  std::string piece(1u << 16, '\0');
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
    text.append(piece, 0, static_cast<std::size_t>(file.gcount()));
    if (text.size() > kFileBytesMax) {
      return fare::fail(ErrorCode::kOutOfRange, path,
                        fmt::format("must be at most {} bytes", kFileBytesMax));
    }
  }
  if (file.bad()) return fare::fail(ErrorCode::kIo, path, "cannot be read to its end");
  return text;
}

fare::Expected<std::vector<std::string>> list_folder(const std::string& folder,
                                                     const std::string& suffix) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string path = entry->path().string();
    if (path.ends_with(suffix)) paths.push_back(std::move(path));
  }
  if (error) {
    return fare::fail(ErrorCode::kIo, folder, fmt::format("cannot be listed: {}", error.message()));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace routesim
