#include "study/policy_files.h"

#include <filesystem>

#include "study/files.h"

namespace routesim {

fare::Expected<fare::PolicyText> find_policy(std::string_view name, std::string_view from) {
  const std::filesystem::path file(from.substr(0, from.find('#')));
  const std::string path = (file.parent_path() / name).lexically_normal().string();
  fare::Expected<std::string> text = read_file(path);
  if (!text) return tl::unexpected<fare::Errors>(std::move(text.error()));
  return fare::PolicyText{path, std::move(*text)};
}

fare::Expected<fare::Policy> load_policy(const std::string& path) {
  const fare::Expected<std::string> text = read_file(path);
  if (!text) return tl::unexpected<fare::Errors>(text.error());
  const std::string file = std::filesystem::path(path).lexically_normal().string();
  return fare::Policy::parse(file, *text, find_policy);
}

}  // namespace routesim
