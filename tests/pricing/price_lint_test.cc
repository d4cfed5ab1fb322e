// Goal: each rule finds the fault it is for, at the stated level, and nothing in clean tables.
// Method: a clean book of several vendors; every case plants one fault in it.

#include "fare/price_lint.h"

#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "fare/price_import.h"
#include "places.h"
#include "pricing/upkeep_fixture.h"

namespace fare {
namespace {

const Instant kNow = at("2026-03-01T00:00:00Z");

using Sheets = std::vector<PriceSheet>;

Rates usual_rates(int input_cents, int parts) {
  Rates rates;
  const auto put = [&](Meter meter, int hundredths) {
    rates[static_cast<std::size_t>(meter)] = Rate(100LL * input_cents * hundredths / parts);
  };
  put(Meter::kInput, 100);
  put(Meter::kCacheRead, 10);
  put(Meter::kCacheWrite5m, 125);
  put(Meter::kCacheWrite1h, 200);
  put(Meter::kOutput, 500);
  return rates;
}

// Six models a vendor, each with a band, a batch cell and a fast cell; three vendors sell the same.
Sheets clean_sheets() {
  Sheets sheets;
  for (const char* provider : {"a", "b", "c"}) {
    PriceSheet sheet = plain_sheet(provider, "", 1, 1);
    const SheetModel blank = sheet.models[0];
    sheet.models.clear();
    for (int i = 0; i < 6; ++i) {
      SheetModel model = blank;
      model.id = "m" + std::string(1, static_cast<char>('a' + i));
      PricePeriod& row = model.periods[0];
      row.cells.resize(4);
      row.cells[1].tier = ServiceTier::kBatch;
      row.cells[2].speed = SpeedMode::kFast;
      row.cells[3].tier = ServiceTier::kPriority;
      const int parts[] = {2, 4, 1, 1};
      for (std::size_t cell = 0; cell < 4; ++cell) {
        const int cents = 100 * (i + 1) * 2;
        row.cells[cell].bands = {{Tokens(-1), usual_rates(cents, parts[cell])},
                                 {Tokens(200'000), usual_rates(2 * cents, parts[cell])}};
      }
      sheet.models.push_back(model);
    }
    sheets.push_back(sheet);
  }
  return sheets;
}

std::vector<LintFinding> lint(const Sheets& sheets) {
  return lint_prices(book_of(sheets), {.now = kNow});
}

SheetModel& victim(Sheets& sheets) { return sheets[1].models[2]; }
PricePeriod& row_of(Sheets& sheets) { return victim(sheets).periods[0]; }
Rates& rates_of(Sheets& sheets) { return row_of(sheets).cells[0].bands[0].rates; }
std::optional<Rate>& rate_of(Sheets& sheets, Meter meter) {
  return rates_of(sheets)[static_cast<std::size_t>(meter)];
}
void scale(std::optional<Rate>& rate, int by) { rate = Rate(rate->count() * by); }

// A row that follows the victim's first, with the same prices.
PricePeriod& second_row(Sheets& sheets, std::string_view from) {
  PricePeriod row = row_of(sheets);
  row.from = at(from);
  row.known_from = row.from;
  victim(sheets).periods.push_back(row);
  return victim(sheets).periods.back();
}

struct Plant {
  std::string rule;
  LintLevel level;
  std::function<void(Sheets&)> plant;
};

const auto kError = LintLevel::kError;
const auto kWarning = LintLevel::kWarning;
const auto kInfo = LintLevel::kInfo;

const std::vector<Plant> kPlants = {
    {"write-1h-ratio", kError, [](Sheets& s) { scale(rate_of(s, Meter::kCacheWrite1h), 12); }},
    {"write-1h-ratio", kError,
     [](Sheets& s) { rate_of(s, Meter::kCacheWrite1h) = rate_of(s, Meter::kInput); }},
    {"write-1h-ratio", kWarning,
     [](Sheets& s) {
       rate_of(s, Meter::kCacheWrite1h) = Rate(rate_of(s, Meter::kCacheWrite1h)->count() * 6 / 5);
     }},
    {"write-5m-ratio", kWarning,
     [](Sheets& s) { rate_of(s, Meter::kCacheWrite5m) = rate_of(s, Meter::kInput); }},
    {"read-above-input", kError, [](Sheets& s) { scale(rate_of(s, Meter::kCacheRead), 11); }},
    {"read-equals-input", kInfo, [](Sheets& s) { scale(rate_of(s, Meter::kCacheRead), 10); }},
    {"output-below-input", kInfo,
     [](Sheets& s) {
       for (PriceBand& band : row_of(s).cells[0].bands) {
         auto& rate = band.rates[static_cast<std::size_t>(Meter::kOutput)];
         rate = Rate(rate->count() / 6);
       }
     }},
    {"band-order", kError,
     [](Sheets& s) {
       row_of(s).cells[0].bands[1].rates[static_cast<std::size_t>(Meter::kOutput)] = usd("0.01");
     }},
    {"band-flat", kWarning,
     [](Sheets& s) {
       row_of(s).cells[0].bands[1].rates[static_cast<std::size_t>(Meter::kOutput)] =
           rate_of(s, Meter::kOutput);
     }},
    {"batch-ratio", kWarning,
     [](Sheets& s) { row_of(s).cells[1].bands = row_of(s).cells[0].bands; }},
    {"batch-ratio", kError, [](Sheets& s) { row_of(s).cells[1].bands = row_of(s).cells[2].bands; }},
    {"fast-ratio", kWarning,
     [](Sheets& s) { row_of(s).cells[2].bands = row_of(s).cells[1].bands; }},
    {"priority-ratio", kWarning,
     [](Sheets& s) { row_of(s).cells[3].bands = row_of(s).cells[1].bands; }},
    {"unit-range", kError, [](Sheets& s) { scale(rate_of(s, Meter::kInput), 1'000); }},
    {"unit-range", kError, [](Sheets& s) { rate_of(s, Meter::kInput) = Rate(3); }},
    {"unit-range", kWarning, [](Sheets& s) { rate_of(s, Meter::kSearch) = Rate(10'000); }},
    {"zero-price", kWarning, [](Sheets& s) { rate_of(s, Meter::kInput) = Rate(0); }},
    {"zero-price", kWarning,
     [](Sheets& s) {
       row_of(s).cells.resize(1);
       row_of(s).cells[0].bands.resize(1);
       for (auto& rate : rates_of(s)) rate = rate ? std::optional(Rate(0)) : rate;
     }},
    {"announced-passed", kWarning, [](Sheets& s) { row_of(s).status = PeriodStatus::kAnnounced; }},
    {"active-future", kWarning, [](Sheets& s) { second_row(s, "2026-03-02T00:00:00Z"); }},
    {"observed-future", kWarning, [](Sheets& s) { row_of(s).observed = "2026-03-02"; }},
    {"stale", kInfo, [](Sheets& s) { row_of(s).observed = "2025-08-01"; }},
    {"row-repeats", kInfo, [](Sheets& s) { second_row(s, "2026-02-01T00:00:00Z"); }},
    {"period-gap", kWarning,
     [](Sheets& s) {
       row_of(s).until = at("2026-01-31T23:59:59Z");
       second_row(s, "2026-02-01T00:00:00Z").until.reset();
     }},
    {"period-ended", kError, [](Sheets& s) { row_of(s).until = kNow; }},
    {"retired-open", kWarning, [](Sheets& s) { victim(s).retired = kNow; }},
    {"alias-retired", kWarning,
     [](Sheets& s) {
       victim(s).retired = kNow;
       victim(s).aliases = {{.id = "m-latest", .from = {}, .until = {}}};
     }},
    {"alias-family", kWarning, [](Sheets& s) { victim(s).id = "ma-20260101"; }},
    {"alias-family", kWarning, [](Sheets& s) { victim(s).id = "ma-2026-01-01"; }},
    {"alias-family", kWarning, [](Sheets& s) { victim(s).id = "ma-0613"; }},
    {"alias-family", kWarning, [](Sheets& s) { victim(s).id = "ma@20260101"; }},
    {"alias-family", kWarning, [](Sheets& s) { victim(s).id = "ma-latest"; }},
    {"near-name", kWarning, [](Sheets& s) { victim(s).id = "MA"; }},
    {"missing-write", kWarning,
     [](Sheets& s) {
       for (PriceCell& cell : row_of(s).cells) {
         for (PriceBand& band : cell.bands) {
           band.rates[static_cast<std::size_t>(Meter::kCacheWrite5m)].reset();
           band.rates[static_cast<std::size_t>(Meter::kCacheWrite1h)].reset();
         }
       }
     }},
    {"missing-1h", kWarning,
     [](Sheets& s) {
       for (PriceCell& cell : row_of(s).cells) {
         for (PriceBand& band : cell.bands) {
           band.rates[static_cast<std::size_t>(Meter::kCacheWrite1h)].reset();
         }
       }
     }},
    {"missing-read", kWarning,
     [](Sheets& s) {
       for (PriceCell& cell : row_of(s).cells) {
         for (PriceBand& band : cell.bands) {
           band.rates[static_cast<std::size_t>(Meter::kCacheRead)].reset();
         }
       }
     }},
    {"missing-input", kWarning,
     [](Sheets& s) {
       for (PriceCell& cell : row_of(s).cells) {
         for (PriceBand& band : cell.bands) band.rates[0].reset();
       }
     }},
    {"missing-tier", kInfo, [](Sheets& s) { row_of(s).cells.erase(row_of(s).cells.begin() + 1); }},
    {"cell-without-band", kWarning, [](Sheets& s) { row_of(s).cells[1].bands.resize(1); }},
    {"cell-meter", kWarning,
     [](Sheets& s) {
       for (PriceBand& band : row_of(s).cells[1].bands) {
         band.rates[static_cast<std::size_t>(Meter::kCacheRead)].reset();
       }
     }},
    {"ratio-outlier", kWarning, [](Sheets& s) { scale(rate_of(s, Meter::kOutput), 10); }},
    {"ratio-outlier", kError,
     [](Sheets& s) {
       auto& rate = rate_of(s, Meter::kCacheRead);
       rate = Rate(rate->count() / 100);
     }},
    {"sibling-outlier", kWarning, [](Sheets& s) { rate_of(s, Meter::kInput) = usd("500"); }},
    {"sibling-outlier", kError, [](Sheets& s) { scale(rate_of(s, Meter::kInput), 1'000); }},
    {"peer-outlier", kWarning, [](Sheets& s) { scale(rate_of(s, Meter::kInput), 10); }},
    {"peer-outlier", kError, [](Sheets& s) { scale(rate_of(s, Meter::kOutput), 60'000); }},
    {"history-outlier", kWarning,
     [](Sheets& s) {
       scale(second_row(s, "2026-02-01T00:00:00Z").cells[0].bands[0].rates[0], 10);
     }},
    {"history-outlier", kError,
     [](Sheets& s) {
       scale(second_row(s, "2026-02-01T00:00:00Z").cells[0].bands[0].rates[0], 100);
     }},
};

TEST(PriceLintTest, CleanTablesHaveNoFindings) {
  for (const LintFinding& finding : lint(clean_sheets())) {
    ADD_FAILURE() << finding.rule << " " << finding.model << " " << finding.place;
  }
}

TEST(PriceLintTest, EachPlantedFaultIsFound) {
  std::set<std::string> seen;
  for (const Plant& plant : kPlants) {
    SCOPED_TRACE(testing::Message() << plant.rule << " " << to_string(plant.level));
    Sheets sheets = clean_sheets();
    plant.plant(sheets);
    bool found = false;
    for (const LintFinding& finding : lint(sheets)) {
      found = found || (finding.rule == plant.rule && finding.level == plant.level &&
                        finding.provider == "b" && !finding.must.empty());
    }
    EXPECT_TRUE(found);
    seen.insert(plant.rule);
  }
  for (const LintRule& rule : lint_rules()) EXPECT_TRUE(seen.contains(std::string(rule.id)));
  EXPECT_EQ(seen.size(), lint_rules().size());
}

TEST(PriceLintTest, ErrorsComeFirstAndSayWhere) {
  Sheets sheets = clean_sheets();
  sheets[0].models[0].periods[0].observed = "2025-08-01";
  scale(row_of(sheets).cells[1].bands[1].rates[static_cast<std::size_t>(Meter::kCacheWrite1h)], 4);
  const std::vector<LintFinding> findings = lint(sheets);
  ASSERT_GE(findings.size(), 2u);
  EXPECT_EQ(findings[0].level, LintLevel::kError);
  EXPECT_EQ(findings[0].model, "mc");
  EXPECT_THAT(findings[0].place,
              testing::HasSubstr("from 2026-01-01T00:00:00Z, batch, input over 200000, cache_wr"));
  EXPECT_EQ(findings.back().level, LintLevel::kInfo);
}

// A row that was corrected is history: its faults are no news.
TEST(PriceLintTest, CorrectedRowsAreNotLinted) {
  Sheets sheets = clean_sheets();
  PricePeriod& good = second_row(sheets, "2026-01-01T00:00:00Z");
  good.known_from = at("2026-01-05T00:00:00Z");
  PricePeriod& bad = row_of(sheets);
  bad.status = PeriodStatus::kCorrected;
  bad.known_until = at("2026-01-05T00:00:00Z");
  scale(rate_of(sheets, Meter::kCacheWrite1h), 12);
  EXPECT_TRUE(lint(sheets).empty());
}

// What reads badly is refused before any lint: overlaps, and names that stand twice.
TEST(PriceLintTest, OverlapsAndDoubleNamesDoNotRead) {
  Sheets overlap = clean_sheets();
  row_of(overlap).until = at("2026-02-02T00:00:00Z");
  second_row(overlap, "2026-02-01T00:00:00Z").until.reset();
  EXPECT_THROW((void)lint(overlap), std::runtime_error);
  Sheets twice = clean_sheets();
  twice[0].models.push_back(twice[0].models[0]);
  EXPECT_THROW((void)lint(twice), std::runtime_error);
  Sheets alias = clean_sheets();
  alias[0].models[0].aliases = {{.id = "mb", .from = {}, .until = {}}};
  EXPECT_THROW((void)lint(alias), std::runtime_error);
}

// The two errors that were in LiteLLM's map of 2026-08-01: $6 for every Claude 3 model.
TEST(PriceLintTest, FindsTheCopiedClaude3RatesInLiteLlm) {
  const std::string text = file_text(std::string(fare::kSourceDir) +
                                     "/../shared/data/pricing/"
                                     "litellm_model_prices_and_context_window.json");
  if (text.empty()) GTEST_SKIP() << "the LiteLLM map is not there";
  const auto import = import_prices(text, {.format = ForeignFormat::kLiteLlm,
                                           .name = "map",
                                           .from = at("2024-01-01T00:00:00Z"),
                                           .observed = "2026-08-01"});
  ASSERT_TRUE(import);
  std::set<std::string> wrong;
  for (const LintFinding& finding :
       lint_prices(book_of(import->sheets), {.now = at("2026-08-01T00:00:00Z")})) {
    if (finding.rule == "write-1h-ratio" && finding.level == kError &&
        finding.provider == "anthropic" && finding.value == "6") {
      wrong.insert(finding.model);
    }
  }
  EXPECT_TRUE(wrong.contains("claude-3-haiku-20240307"));
  EXPECT_TRUE(wrong.contains("claude-3-opus-20240229"));
}

TEST(PriceLintTest, TheShippedTablesHaveNoErrors) {
  for (const LintFinding& finding :
       lint_prices(shipped_book(), {.now = at("2026-11-23T00:00:00Z")})) {
    EXPECT_NE(finding.level, LintLevel::kError)
        << finding.rule << " " << finding.provider << "/" << finding.model << " " << finding.place
        << " " << finding.value << " " << finding.must;
  }
}

}  // namespace
}  // namespace fare
