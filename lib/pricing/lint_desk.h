#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fare/price_lint.h"
#include "fare/price_sheet.h"

namespace fare {

constexpr std::size_t meter_index(Meter meter) { return static_cast<std::size_t>(meter); }

// Whether a row is part of what is known: neither corrected nor cancelled.
inline bool stands(const PricePeriod& row) { return !row.known_until.has_value(); }

// A model under the loop.
struct LintModel {
  ModelFacts facts;
  std::span<const PricePeriod> rows;
  const PricePeriod* current = nullptr;  // In force now, if any.

  std::optional<Rate> rate(Meter meter) const;  // Of the current row's base.
};

// The models of one provider.
using LintProvider = std::vector<LintModel>;

// Where a finding is.
struct LintPlace {
  const PricePeriod* row = nullptr;
  const PriceCell* cell = nullptr;
  const PriceBand* band = nullptr;
  std::optional<Meter> meter;

  std::string text() const;
};

// What the rules write their findings to.
class LintDesk {
 public:
  explicit LintDesk(const LintOptions& options) : options_(options) {}

  struct Words {
    std::string value;
    std::string must;
    std::string suggestion;
  };

  void add(LintLevel level, std::string_view rule, const ModelFacts& facts, const LintPlace& place,
           Words words);

  const LintOptions& options() const { return options_; }
  std::vector<LintFinding> take() { return std::move(findings_); }

 private:
  LintOptions options_;
  std::vector<LintFinding> findings_;
};

// How many times `b` goes into `a`; both above zero.  For thresholds and messages only.
double times(Rate a, Rate b);

// "5.2 x", "12 x".
std::string times_text(double ratio);

// The rate in dollars per million or per unit, as the table has it.
std::string rate_text(Meter meter, Rate rate);

// The rules, a file a family.
void lint_ratios(const LintProvider& models, LintDesk& desk);
void lint_units(const LintProvider& models, LintDesk& desk);
void lint_periods(const LintProvider& models, LintDesk& desk);
void lint_names(const LintProvider& models, LintDesk& desk);
void lint_lattice(const LintProvider& models, LintDesk& desk);
void lint_siblings(const LintProvider& models, LintDesk& desk);
void lint_peers(const std::map<std::string, LintProvider>& providers, LintDesk& desk);

}  // namespace fare
