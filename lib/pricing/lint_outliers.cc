// Rules on prices that stand far from their neighbours: faults of the unit are tenfold, a
// thousandfold or a hundred-thousandfold, and prices of vendors are not.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pricing/lint_desk.h"

namespace fare {
namespace {

constexpr double kFar = 8;       // A warning from here,
constexpr double kVeryFar = 50;  // an error from there.
constexpr std::size_t kNeighboursMin = 5;

double away(double ratio) { return ratio >= 1 ? ratio : 1 / ratio; }

LintLevel level_of(double distance) {
  return distance >= kVeryFar ? LintLevel::kError : LintLevel::kWarning;
}

bool is_positive(const std::optional<Rate>& rate) { return rate && *rate > Rate(0); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// A meter in proportion to input, against the siblings' median.
void check_proportion(const LintProvider& models, Meter meter, LintDesk& desk) {
  std::vector<double> ratios;
  std::vector<const LintModel*> owners;
  for (const LintModel& model : models) {
    const auto input = model.rate(Meter::kInput);
    const auto rate = model.rate(meter);
    if (!is_positive(input) || !is_positive(rate)) continue;
    ratios.push_back(times(*rate, *input));
    owners.push_back(&model);
  }
  if (ratios.size() < kNeighboursMin) return;
  const double usual = median(ratios);
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    const double distance = away(ratios[i] / usual);
    if (distance < kFar) continue;
    desk.add(
        level_of(distance), "ratio-outlier", owners[i]->facts,
        {owners[i]->current, nullptr, nullptr, meter},
        {to_usd_per_mtok(*owners[i]->rate(meter)),
         fmt::format("is {} input; siblings have {}", times_text(ratios[i]), times_text(usual)),
         "look for a price in another unit"});
  }
}

// Both input and output far beyond every sibling: a whole row in another unit.
void check_level(const LintProvider& models, LintDesk& desk) {
  constexpr double kAlone = 30;
  std::vector<std::pair<Rate, const LintModel*>> inputs;
  for (const LintModel& model : models) {
    const auto input = model.rate(Meter::kInput);
    if (is_positive(input)) inputs.emplace_back(*input, &model);
  }
  if (inputs.size() < kNeighboursMin) return;
  std::sort(inputs.begin(), inputs.end());
  const auto report = [&desk](Rate rate, const LintModel& model, Rate next) {
    const double distance = away(times(rate, next));
    if (distance < kAlone) return;
    desk.add(
        distance >= 10 * kAlone ? LintLevel::kError : LintLevel::kWarning, "sibling-outlier",
        model.facts, {model.current, nullptr, nullptr, Meter::kInput},
        {to_usd_per_mtok(rate), fmt::format("the nearest sibling has {}", to_usd_per_mtok(next)),
         "look for a row in another unit"});
  };
  report(inputs.front().first, *inputs.front().second, inputs[1].first);
  report(inputs.back().first, *inputs.back().second, inputs[inputs.size() - 2].first);
}

// A row against the one before it.
void check_history(const LintModel& model, LintDesk& desk) {
  const PricePeriod* last = nullptr;
  for (const PricePeriod& row : model.rows) {
    if (!stands(row)) continue;
    for (std::size_t i = 0; last != nullptr && i < kMeterCount; ++i) {
      const auto& before = last->cells.front().bands.front().rates[i];
      const auto& after = row.cells.front().bands.front().rates[i];
      if (!is_positive(before) || !is_positive(after)) continue;
      const double ratio = times(*after, *before);
      if (away(ratio) < kFar) continue;
      const auto meter = static_cast<Meter>(i);
      desk.add(level_of(away(ratio)), "history-outlier", model.facts,
               {&row, nullptr, nullptr, meter},
               {rate_text(meter, *after),
                fmt::format("is {} the {} before", times_text(ratio), rate_text(meter, *before)),
                "look for a price in another unit"});
    }
    last = &row;
  }
}

// What sellers of one model call it: without the maker's name before it, in lower case.
std::string peer_name(std::string_view id) {
  const std::size_t slash = id.rfind('/');
  std::string name(slash == std::string_view::npos ? id : id.substr(slash + 1));
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

void check_peers(const std::vector<const LintModel*>& peers, Meter meter, LintDesk& desk) {
  std::vector<double> rates;
  for (const LintModel* peer : peers) {
    if (const auto rate = peer->rate(meter); is_positive(rate)) {
      rates.push_back(static_cast<double>(rate->count()));
    }
  }
  if (rates.size() < 3) return;
  const double usual = median(rates);
  for (const LintModel* peer : peers) {
    const auto rate = peer->rate(meter);
    if (!is_positive(rate)) continue;
    const double distance = away(static_cast<double>(rate->count()) / usual);
    if (distance < kFar) continue;
    const Rate middle(static_cast<std::int64_t>(usual));
    desk.add(level_of(distance), "peer-outlier", peer->facts,
             {peer->current, nullptr, nullptr, meter},
             {to_usd_per_mtok(*rate),
              fmt::format("{} providers have about {}", rates.size() - 1, to_usd_per_mtok(middle)),
              "look for a price in another unit, or another model of that name"});
  }
}

}  // namespace

void lint_siblings(const LintProvider& models, LintDesk& desk) {
  for (const Meter meter :
       {Meter::kOutput, Meter::kCacheRead, Meter::kCacheWrite5m, Meter::kCacheWrite1h}) {
    check_proportion(models, meter, desk);
  }
  check_level(models, desk);
  for (const LintModel& model : models) check_history(model, desk);
}

void lint_peers(const std::map<std::string, LintProvider>& providers, LintDesk& desk) {
  std::map<std::string, std::vector<const LintModel*>> by_name;
  for (const auto& [provider, models] : providers) {
    for (const LintModel& model : models) {
      by_name[peer_name(model.facts.model)].push_back(&model);
    }
  }
  for (const auto& [name, peers] : by_name) {
    for (const Meter meter : {Meter::kInput, Meter::kOutput}) check_peers(peers, meter, desk);
  }
}

}  // namespace fare
