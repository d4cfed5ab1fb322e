#include "fare/policy.h"

#include "base/names.h"
#include "policy/policy_reading.h"

namespace fare {

Expected<Policy> Policy::parse(std::string_view file, std::string_view text,
                               const FindPolicy& find) {
  auto data = std::make_shared<PolicyData>();
  data->file = file;
  PolicyFiles files(find);
  const std::optional<PolicyDocument> document = files.load(file, text);
  if (document) {
    read_policy(*document, *data);
    data->text = document->root().dump();
    data->hash = content_hash(data->text);
  }
  Errors errors = files.take();
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  return Policy(std::move(data));
}

std::string_view Policy::name() const { return data_->name; }
std::string_view Policy::file() const { return data_->file; }
std::string_view Policy::text() const { return data_->text; }
std::string_view Policy::hash() const { return data_->hash; }

std::vector<std::string_view> Policy::class_names() const {
  std::vector<std::string_view> names;
  for (const PolicyClass& one : data_->classes) names.push_back(one.name);
  return names;
}

}  // namespace fare
