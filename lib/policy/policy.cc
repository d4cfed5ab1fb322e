#include "fare/policy.h"

#include "base/names.h"
#include "policy/policy_reading.h"

namespace fare {

Expected<Policy> Policy::parse(std::string_view file, std::string_view text) {
  auto data = std::make_shared<PolicyData>();
  data->file = file;
  Problems problems{std::string(file)};
  const JsonDocument document(text, problems);
  if (document.ok()) {
    read_policy(document.root(), *data);
    data->hash = content_hash(document.root().dump());
  }
  if (!problems.empty()) return tl::unexpected<Errors>(problems.take());
  return Policy(std::move(data));
}

std::string_view Policy::name() const { return data_->name; }
std::string_view Policy::file() const { return data_->file; }
std::string_view Policy::hash() const { return data_->hash; }

std::vector<std::string_view> Policy::class_names() const {
  std::vector<std::string_view> names;
  for (const PolicyClass& one : data_->classes) names.push_back(one.name);
  return names;
}

}  // namespace fare
