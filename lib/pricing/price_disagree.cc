#include "fare/price_disagree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "fare/price_lint.h"

namespace fare {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kSpellings = {{
    {"aws", "amazon-bedrock"},
    {"azure-openai", "azure"},
    {"bedrock", "amazon-bedrock"},
    {"bedrock-converse", "amazon-bedrock"},
    {"bedrock-mantle", "amazon-bedrock"},
    {"cohere-chat", "cohere"},
    {"fireworks-ai", "fireworks"},
    {"gemini", "google"},
    {"mistralai", "mistral"},
    {"moonshot", "moonshotai"},
    {"novita-ai", "novita"},
    {"together-ai", "together"},
    {"togetherai", "together"},
    {"vercel-ai-gateway", "vercel"},
    {"vertex-ai", "google-vertex"},
    {"vertex-ai-anthropic-models", "google-vertex-anthropic"},
    {"vertex-ai-language-models", "google-vertex"},
    {"x-ai", "xai"},
    {"z-ai", "zai"},
}};

// One model of one source, at the instant.
struct Offer {
  std::size_t source;
  ModelFacts facts;
  std::vector<std::string> names;  // Aliases that mean it then.
  const PriceCell* base;           // Of the row in force.
};

// The offers of one model, a source at most once.
struct Group {
  std::string provider;
  std::string model;
  std::vector<Offer> offers;

  bool has(std::size_t source) const {
    return std::any_of(offers.begin(), offers.end(),
                       [source](const Offer& offer) { return offer.source == source; });
  }
};

std::vector<Offer> offers_of(const PriceBook& book, std::size_t source, Instant at) {
  std::vector<Offer> offers;
  for (std::size_t i = 0; i < book.size(); ++i) {
    const auto id = static_cast<ModelId>(i);
    const PricePeriod* row = row_in_force(book.periods(id), at);
    if (row == nullptr) continue;
    Offer offer{source, book.facts(id), {}, &row->cells.front()};
    for (const ModelAlias& alias : offer.facts.aliases) {
      const bool holds = (!alias.from || *alias.from <= at) && (!alias.until || at < *alias.until);
      if (holds) offer.names.push_back(alias.id);
    }
    offers.push_back(std::move(offer));
  }
  return offers;
}

// Finds which offers are of the same model.
class Matcher {
 public:
  // Ids first, so that no alias takes a model away from its own id.
  void add(std::vector<Offer> offers) {
    std::vector<Offer> left;
    for (Offer& offer : offers) {
      if (!join(offer, {std::string(offer.facts.model)}, ids_)) left.push_back(std::move(offer));
    }
    for (Offer& offer : left) {
      const std::vector<std::string> id = {std::string(offer.facts.model)};
      if (join(offer, id, names_) || join(offer, offer.names, ids_) ||
          join(offer, offer.names, names_)) {
        continue;
      }
      open(std::move(offer));
    }
    for (const std::size_t group : touched_) index(group);
    touched_.clear();
  }

  std::vector<Group> take() { return std::move(groups_); }

 private:
  using Index = std::map<std::pair<std::string, std::string>, std::size_t>;

  bool join(Offer& offer, const std::vector<std::string>& names, const Index& index) {
    const std::string provider = provider_spelling(offer.facts.provider);
    for (const std::string& name : names) {
      const auto found = index.find({provider, name});
      if (found == index.end() || groups_[found->second].has(offer.source)) continue;
      groups_[found->second].offers.push_back(std::move(offer));
      touched_.push_back(found->second);
      return true;
    }
    return false;
  }

  void open(Offer offer) {
    touched_.push_back(groups_.size());
    groups_.push_back({std::string(offer.facts.provider), std::string(offer.facts.model), {}});
    groups_.back().offers.push_back(std::move(offer));
  }

  // Makes the names of a group's last offer known; not before all of its source found theirs.
  void index(std::size_t group) {
    const Offer& offer = groups_[group].offers.back();
    const std::string provider = provider_spelling(offer.facts.provider);
    ids_.try_emplace({provider, std::string(offer.facts.model)}, group);
    for (const std::string& name : offer.names) names_.try_emplace({provider, name}, group);
  }

  std::vector<Group> groups_;
  std::vector<std::size_t> touched_;
  Index ids_;
  Index names_;
};

// Compares the offers of one group.
class Comparer {
 public:
  Comparer(const Group& group, std::size_t sources, double tolerance)
      : group_(group), sources_(sources), tolerance_(tolerance) {}

  std::vector<Disagreement> run() {
    std::size_t bands = 0;
    std::size_t bands_least = SIZE_MAX;
    for (const Offer& offer : group_.offers) {
      bands = std::max(bands, offer.base->bands.size());
      bands_least = std::min(bands_least, offer.base->bands.size());
    }
    if (bands != bands_least) {
      add("bands", false,
          [](const Offer& offer) { return std::to_string(offer.base->bands.size() - 1); });
    }
    for (std::size_t band = 0; band < bands_least; ++band) {
      std::string prefix;
      if (band > 0) {
        compare_starts(band);
        prefix =
            fmt::format("input over {}, ", group_.offers[0].base->bands[band].input_over.count());
      }
      for (std::size_t i = 0; i < kMeterCount; ++i) {
        compare_meter(band, static_cast<Meter>(i), prefix);
      }
    }
    return std::move(found_);
  }

 private:
  template <class ValueOf>
  void add(std::string what, bool is_missing, const ValueOf& value_of) {
    std::vector<std::string> values(sources_);
    for (const Offer& offer : group_.offers) values[offer.source] = value_of(offer);
    found_.push_back(
        {group_.provider, group_.model, std::move(what), is_missing, std::move(values)});
  }

  void compare_starts(std::size_t band) {
    const Tokens first = group_.offers[0].base->bands[band].input_over;
    const bool same = std::all_of(group_.offers.begin(), group_.offers.end(), [&](const Offer& it) {
      return it.base->bands[band].input_over == first;
    });
    if (same) return;
    add(fmt::format("band {} starts above", band), false, [band](const Offer& offer) {
      return std::to_string(offer.base->bands[band].input_over.count());
    });
  }

  bool agree(Rate a, Rate b) const {
    if (a == b) return true;
    const auto x = static_cast<double>(a.count());
    const auto y = static_cast<double>(b.count());
    return std::abs(x - y) <= tolerance_ * std::max(x, y);
  }

  static std::optional<Rate> own(const Offer& offer, std::size_t band, Meter meter) {
    return offer.base->bands[band].rates[static_cast<std::size_t>(meter)];
  }

  void compare_meter(std::size_t band, Meter meter, const std::string& prefix) {
    const bool is_token = meter <= Meter::kOutputImage;
    if (band > 0 && !is_token) return;
    std::optional<Rate> reference;
    bool differs = false;
    bool missing = false;
    for (const Offer& offer : group_.offers) {
      const auto rate = own(offer, band, meter);
      if (!rate) continue;
      differs = differs || (reference && !agree(*reference, *rate));
      if (!reference) reference = rate;
    }
    if (!reference) return;
    for (const Offer& offer : group_.offers) {
      if (!is_token || own(offer, band, meter)) continue;
      const auto parent = own(offer, band, parent_of(meter));
      missing = missing || !parent || !agree(*reference, *parent);
    }
    if (!differs && !missing) return;
    add(prefix + std::string(to_string(meter)), !differs, [&](const Offer& offer) {
      const auto rate = own(offer, band, meter);
      if (!rate) return std::string();
      return is_per_million(meter) ? to_usd_per_mtok(*rate) : to_usd(*rate * Tokens(1));
    });
  }

  const Group& group_;
  std::size_t sources_;
  double tolerance_;
  std::vector<Disagreement> found_;
};

}  // namespace

std::string provider_spelling(std::string_view provider) {
  std::string plain(provider);
  std::replace(plain.begin(), plain.end(), '_', '-');
  for (const auto& [spelling, name] : kSpellings) {
    if (spelling == plain) return std::string(name);
  }
  return plain;
}

DisagreeReport compare_prices(std::span<const NamedBook> books, const DisagreeOptions& options) {
  Matcher matcher;
  for (std::size_t i = 0; i < books.size(); ++i) {
    matcher.add(offers_of(books[i].book, i, options.at));
  }
  std::vector<Group> groups = matcher.take();
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return std::pair(provider_spelling(a.provider), a.model) <
           std::pair(provider_spelling(b.provider), b.model);
  });
  DisagreeReport report;
  std::map<std::string, ProviderAgreement> providers;
  for (const Group& group : groups) {
    if (group.offers.size() < 2) continue;
    ProviderAgreement& agreement = providers[provider_spelling(group.provider)];
    if (agreement.models == 0) agreement.provider = provider_spelling(group.provider);
    ++agreement.models;
    std::vector<Disagreement> found = Comparer(group, books.size(), options.tolerance).run();
    const bool differs = std::any_of(found.begin(), found.end(),
                                     [](const Disagreement& it) { return !it.is_missing; });
    ++(found.empty() ? agreement.agree : differs ? agreement.differ : agreement.missing);
    std::move(found.begin(), found.end(), std::back_inserter(report.disagreements));
  }
  for (auto& [name, agreement] : providers) report.providers.push_back(std::move(agreement));
  return report;
}

}  // namespace fare
