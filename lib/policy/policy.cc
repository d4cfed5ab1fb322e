#include "fare/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json_reader.h"
#include "base/names.h"
#include "base/nearest.h"
#include "fare/decision.h"
#include "policy/policy_data.h"

namespace fare {
namespace {

constexpr std::size_t kNameMax = 128;
constexpr std::size_t kRulesMax = 1'000;
constexpr double kMillisecondsMax = 86'400'000;

std::optional<Duration> read_milliseconds(const JsonNode& node) {
  const std::optional<double> milliseconds = json::number(0, kMillisecondsMax)(node);
  if (!milliseconds) return std::nullopt;
  return Duration(static_cast<std::int64_t>(std::llround(*milliseconds * 1e6)));
}

std::optional<Tokens> read_tokens(const JsonNode& node) {
  const std::optional<std::int64_t> count = json::integer(1, kTokensMax.count())(node);
  return count ? std::optional<Tokens>(*count) : std::nullopt;
}

// Reads a policy into `data`; the parts refer to each other by name, so they are read in order.
class PolicyReader {
 public:
  explicit PolicyReader(PolicyData& data) : data_(data) {}

  void read(const JsonNode& root) {
    ObjectReader reader(root);
    std::size_t only = 0;
    reader.required("format", only, json::one_of({"fare-policy/1"}));
    reader.required("name", data_.name, json::text(kNameMax));
    Tokens output;
    if (reader.optional("expected_output_tokens", output, read_tokens)) {
      data_.expected_output = output;
    }
    has_default_output_ = root.has("expected_output_tokens");  // Be it unreadable.
    for_each(reader, "classes", 0, kClassesMax, [this](const JsonNode& n) { read_class(n); });
    if (data_.classes.empty() && !has_default_output_ && reader.ok()) {
      root.problem(ErrorCode::kMissingKey, "needs the key \"expected_output_tokens\" or classes");
    }
    for_each(reader, "targets", 1, kTargetsMax, [this](const JsonNode& n) { read_target(n); });
    for_each(reader, "rules", 1, kRulesMax, [this](const JsonNode& n) { read_rule(n); });
    reader.finish();
  }

 private:
  template <class Read>
  void for_each(ObjectReader& reader, std::string_view key, std::size_t min, std::size_t max,
                const Read& read) {
    const std::optional<JsonNode> found = reader.member(key, min > 0);
    if (!found || !json::is_list(*found, min, max)) return;
    for (std::size_t i = 0; i < found->size(); ++i) read(found->item(i));
  }

  void read_class(const JsonNode& node) {
    PolicyClass found;
    found.expected_output = data_.expected_output.value_or(Tokens(0));
    ObjectReader reader(node);
    if (reader.required("name", found.name, json::text(kNameMax))) {
      check_new(node, found.name, names_of(data_.classes));
    }
    reader.optional("expected_output_tokens", found.expected_output, read_tokens);
    if (!node.has("expected_output_tokens") && !has_default_output_ && reader.ok()) {
      node.problem(ErrorCode::kMissingKey,
                   "needs the key \"expected_output_tokens\", here or for the whole policy");
    }
    reader.finish();
    data_.classes.push_back(std::move(found));
  }

  void read_target(const JsonNode& node) {
    PolicyTarget target;
    ObjectReader reader(node);
    if (reader.required("name", target.name, json::text(kNameMax))) {
      check_new(node, target.name, names_of(data_.targets));
    }
    reader.optional("provider", target.provider, json::text(kNameMax));
    reader.required("model", target.model, json::text(kNameMax));
    std::vector<std::string> capabilities;
    reader.optional("capabilities", capabilities,
                    json::list(json::text(kNameMax), 1, kCapabilitiesMax));
    for (const std::string& capability : capabilities) {
      target.capabilities |= capability_bit(node, capability);
    }
    target.quality.resize(data_.classes.size() + 1);
    if (const auto quality = reader.member("quality", false)) read_quality(*quality, target);
    if (const auto latency = reader.member("latency", false)) {
      LatencyPrior prior;
      ObjectReader parts(*latency);
      parts.required("first_token_ms", prior.first_token, read_milliseconds);
      parts.required("ms_per_output_token", prior.per_output_token, read_milliseconds);
      parts.finish();
      target.latency = prior;
    }
    reader.finish();
    data_.targets.push_back(std::move(target));
  }

  // One number for all classes, or an object from class to number.
  void read_quality(const JsonNode& node, PolicyTarget& target) {
    const auto share = json::number(0, 1);
    if (!node.is_object()) {
      const std::optional<double> quality = share(node);
      std::fill(target.quality.begin(), target.quality.end(), quality);
      return;
    }
    for (const std::string& name : node.keys()) {
      const std::optional<std::size_t> index =
          find_name(node.member(name), name, names_of(data_.classes), "class");
      if (index) target.quality[*index] = share(node.member(name));
    }
  }

  void read_rule(const JsonNode& node) {
    PolicyRule rule;
    ObjectReader reader(node);
    if (reader.required("name", rule.name, json::text(kNameMax))) {
      check_new(node, rule.name, names_of(data_.rules));
    }
    if (const auto when = reader.member("when", false)) read_when(*when, rule);
    read_targets(reader, "candidates", 1, rule.candidates);
    read_targets(reader, "fallback", 0, rule.fallback);
    check_sizes(node, rule);
    double floor = 0;
    if (reader.optional("quality_floor", floor, json::number(0, 1))) rule.quality_floor = floor;
    Duration bound{};
    if (reader.optional("latency_bound_ms", bound, read_milliseconds)) rule.latency_bound = bound;
    std::size_t only = 0;
    reader.optional("objective", only, json::one_of({"min_cost"}));
    reader.finish();
    const auto always =
        std::find_if(data_.rules.begin(), data_.rules.end(),
                     [](const PolicyRule& before) { return before.holds_always(); });
    if (always != data_.rules.end()) {
      node.problem(
          ErrorCode::kConflict,
          fmt::format("can never be reached: rule \"{}\" before it holds always", always->name));
    }
    data_.rules.push_back(std::move(rule));
  }

  void read_when(const JsonNode& node, PolicyRule& rule) {
    ObjectReader reader(node);
    if (const auto classes = reader.member("class", false)) {
      rule.any_class = false;
      const bool is_list = json::is_list(*classes, 1, kClassesMax);
      for (std::size_t i = 0; is_list && i < classes->size(); ++i) {
        const std::optional<std::string> name = json::text(kNameMax)(classes->item(i));
        if (!name) continue;
        const auto index = find_name(classes->item(i), *name, names_of(data_.classes), "class");
        if (index) rule.classes |= std::uint64_t{1} << *index;
      }
    }
    if (const auto tags = reader.member("tags", false)) {
      ObjectReader tag_reader(*tags);
      for (const std::string& key : tags->keys()) {
        std::string value;
        tag_reader.required(key, value, json::text(kNameMax));
        rule.tags.emplace_back(key, value);
      }
    }
    reader.finish();
  }

  void read_targets(ObjectReader& reader, std::string_view key, std::size_t min,
                    std::vector<std::uint16_t>& out) {
    const std::optional<JsonNode> list = reader.member(key, min > 0);
    if (!list || !json::is_list(*list, min, kCandidatesMax)) return;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const JsonNode item = list->item(i);
      const std::optional<std::string> name = json::text(kNameMax)(item);
      if (!name) continue;
      const auto index = find_name(item, *name, names_of(data_.targets), "target");
      if (!index) continue;
      const auto target = static_cast<std::uint16_t>(*index);
      if (std::find(out.begin(), out.end(), target) != out.end()) {
        item.problem(ErrorCode::kDuplicateKey, fmt::format("names \"{}\" twice", *name));
      }
      out.push_back(target);
    }
  }

  static void check_sizes(const JsonNode& node, const PolicyRule& rule) {
    if (rule.candidates.size() + rule.fallback.size() > kCandidatesMax) {
      node.problem(ErrorCode::kOutOfRange,
                   fmt::format("candidates and fallback together must be at most {} targets",
                               kCandidatesMax));
    }
    if (rule.fallback.size() + 1 > kAttemptsMax) {
      node.problem(ErrorCode::kOutOfRange,
                   fmt::format("fallback must be at most {} targets", kAttemptsMax - 1));
    }
  }

  std::uint64_t capability_bit(const JsonNode& node, const std::string& name) {
    auto found = std::find(data_.capabilities.begin(), data_.capabilities.end(), name);
    if (found == data_.capabilities.end()) {
      if (data_.capabilities.size() == kCapabilitiesMax) {
        node.problem(ErrorCode::kOutOfRange,
                     fmt::format("a policy may name at most {} capabilities", kCapabilitiesMax));
        return 0;
      }
      found = data_.capabilities.insert(data_.capabilities.end(), name);
    }
    return std::uint64_t{1} << (found - data_.capabilities.begin());
  }

  template <class Named>
  static std::vector<std::string_view> names_of(const std::vector<Named>& all) {
    std::vector<std::string_view> names;
    for (const Named& one : all) names.push_back(one.name);
    return names;
  }

  static void check_new(const JsonNode& node, const std::string& name,
                        const std::vector<std::string_view>& known) {
    if (std::find(known.begin(), known.end(), name) == known.end()) return;
    node.member("name").problem(ErrorCode::kDuplicateKey, fmt::format("\"{}\" stands twice", name));
  }

  static std::optional<std::size_t> find_name(const JsonNode& node, const std::string& name,
                                              const std::vector<std::string_view>& known,
                                              std::string_view what) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
    const std::string hint = did_you_mean(nearest(name, known));
    node.problem(ErrorCode::kUnknownName,
                 fmt::format("\"{}\" is not a {} of this policy{}", name, what, hint));
    return std::nullopt;
  }

  PolicyData& data_;
  bool has_default_output_ = false;
};

}  // namespace

Expected<Policy> Policy::parse(std::string_view file, std::string_view text) {
  auto data = std::make_shared<PolicyData>();
  data->file = file;
  Problems problems{std::string(file)};
  const JsonDocument document(text, problems);
  if (document.ok()) {
    PolicyReader(*data).read(document.root());
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
