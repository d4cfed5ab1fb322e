// Reads models.dev: providers with models, in dollars per million.

#include <fmt/format.h>

#include <array>

#include "pricing/exact_decimal.h"
#include "pricing/import_desk.h"

namespace fare {
namespace {

constexpr int kPerMillion = 6;  // Dollars per million units to picodollars a unit.

struct CostKey {
  std::string_view key;
  Meter meter;
};

// A write stands without its lifetime; it is taken for the short one.
constexpr std::array<CostKey, 7> kCostKeys = {{
    {"input", Meter::kInput},
    {"output", Meter::kOutput},
    {"reasoning", Meter::kOutputReasoning},
    {"cache_read", Meter::kCacheRead},
    {"cache_write", Meter::kCacheWrite5m},
    {"input_audio", Meter::kInputAudio},
    {"output_audio", Meter::kOutputAudio},
}};

class Entry {
 public:
  Entry(const std::string& provider, const std::string& id, const ForeignValue& value,
        ImportDesk& desk)
      : provider_(provider), value_(value), desk_(desk) {
    model_.id = id;
  }

  void read() {
    const ForeignValue* cost = value_.find("cost");
    if (cost == nullptr || !cost->is_object()) return desk_.leave_out_entry("has no cost");
    read_rates(*cost, {}, -1);
    if (const ForeignValue* tiers = cost->find("tiers")) {
      for (const ForeignValue& tier : tiers->items) read_tier(tier);
    }
    if (const ForeignValue* experimental = value_.find("experimental")) {
      if (const ForeignValue* modes = experimental->find("modes")) read_modes(*modes);
    }
    read_facts();
    model_.periods.push_back(desk_.row(desk_.options().from, cells_));
    desk_.add(provider_, std::move(model_), {});
  }

 private:
  void read_rates(const ForeignValue& cost, const CellTerms& terms, std::int64_t over) {
    for (std::size_t i = 0; i < cost.keys.size(); ++i) {
      const std::string& key = cost.keys[i];
      if (key == "tiers" || key == "tier") continue;
      const auto* known = std::find_if(kCostKeys.begin(), kCostKeys.end(),
                                       [&key](const CostKey& it) { return it.key == key; });
      if (known == kCostKeys.end()) {
        desk_.leave_out(key, cost.items[i], "is not a price of the list's schema with a meter");
        continue;
      }
      if (const auto rate = desk_.rate(known->meter, key, cost.items[i], kPerMillion)) {
        cells_[terms][over][index_of(known->meter)] = *rate;
      }
    }
  }

  // {"tier": {"type": "context", "size": N}, rates...}: above N tokens of input.
  void read_tier(const ForeignValue& value) {
    const ForeignValue* tier = value.find("tier");
    const ForeignValue* size = tier == nullptr ? nullptr : tier->find("size");
    const std::string_view type = tier == nullptr ? "" : tier->string_of("type");
    const ScaledDecimal over = size == nullptr ? ScaledDecimal{} : scaled(size->text, 0);
    if (over.status != ScaledDecimal::Status::kExact || over.count <= 0 ||
        over.count > kTokensMax.count() || !(type.empty() || type == "context")) {
      return desk_.leave_out("tiers", value, "is not a tier above some tokens of context");
    }
    read_rates(value, {}, over.count);
  }

  // {"fast": {"cost", "provider": {"body": {"speed": "fast"} or {"service_tier": "priority"}}}}.
  void read_modes(const ForeignValue& modes) {
    for (std::size_t i = 0; i < modes.keys.size(); ++i) {
      const ForeignValue& mode = modes.items[i];
      const ForeignValue* cost = mode.find("cost");
      if (cost == nullptr) continue;
      const ForeignValue* provider = mode.find("provider");
      const ForeignValue* body = provider == nullptr ? nullptr : provider->find("body");
      CellTerms terms;
      if (body != nullptr && body->string_of("speed") == "fast") {
        terms.speed = SpeedMode::kFast;
      } else if (body != nullptr) {
        const auto tier = service_tier_named(body->string_of("service_tier"));
        terms.tier = tier.value_or(ServiceTier::kStandard);
      }
      if (terms == CellTerms()) {
        desk_.leave_out("modes." + modes.keys[i], mode, "is neither a speed nor a tier we know");
        continue;
      }
      read_rates(*cost, terms, -1);
    }
  }

  void read_facts() {
    for (std::size_t i = 0; i < value_.keys.size(); ++i) {
      const std::string& key = value_.keys[i];
      if (key == "limit") {
        model_.context = desk_.tokens("limit.context", value_.items[i].find("context"));
        model_.max_output = desk_.tokens("limit.output", value_.items[i].find("output"));
      } else if (key == "tool_call") {
        if (value_.items[i].is_true()) model_.capabilities.emplace_back("tools");
      } else if (key == "reasoning") {
        if (value_.items[i].is_true()) model_.capabilities.emplace_back("reasoning");
      } else if (key == "structured_output") {
        if (value_.items[i].is_true()) model_.capabilities.emplace_back("structured_output");
      } else if (key != "id" && key != "cost" && key != "experimental") {
        desk_.count_other(key);
      }
    }
  }

  const std::string& provider_;
  const ForeignValue& value_;
  ImportDesk& desk_;
  SheetModel model_;
  CellDrafts cells_;
};

}  // namespace

void import_models_dev(const ForeignValue& root, ImportDesk& desk) {
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    const ForeignValue* models = root.items[i].find("models");
    for (std::size_t j = 0; models != nullptr && j < models->keys.size(); ++j) {
      desk.count_entry();
      desk.begin_entry(fmt::format("{}/{}", root.keys[i], models->keys[j]));
      Entry(root.keys[i], models->keys[j], models->items[j], desk).read();
    }
  }
}

}  // namespace fare
