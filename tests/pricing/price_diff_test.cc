// Goal: a diff names every change once, with old and new, and says what it does to the past.
// Method: two sheets that differ in one thing; and books against themselves.

#include "fare/price_diff.h"

#include <gmock/gmock.h>

#include <functional>

#include "pricing/random_sheet.h"
#include "pricing/upkeep_fixture.h"

namespace fare {
namespace {

using testing::HasSubstr;

const Instant kNow = at("2026-03-01T00:00:00Z");

// "m" with an input of 4 that holds, and 5 announced for April; "w" with a window.
PriceSheet before_sheet() {
  PriceSheet sheet = plain_sheet("v", "m", 4, 20);
  PricePeriod next = plain_row(5, 20);
  next.from = at("2026-04-01T00:00:00Z");
  next.known_from = at("2026-02-01T00:00:00Z");
  next.status = PeriodStatus::kAnnounced;
  SheetModel& model = sheet.models[0];
  model.periods.push_back(next);
  model.aliases = {{.id = "m-latest", .from = {}, .until = {}}};
  model.context = Tokens(1'000);
  sheet.windows["peak"] = {.zone = "UTC",
                           .weekdays = 0x3e,
                           .hours = {{std::chrono::hours(9), std::chrono::hours(12)}},
                           .calendar = {}};
  PriceCell peak = model.periods[0].cells[0];
  peak.window = "peak";
  model.periods[0].cells.push_back(peak);
  return sheet;
}

PriceDiff diff(const PriceSheet& before, const PriceSheet& after) {
  return diff_prices(book_of({before}), book_of({after}), kNow);
}

struct Edit {
  std::string what;
  ChangeKind kind;
  PastEffect past;
  std::string place;
  std::string before;
  std::string after;
  std::function<void(SheetModel&, PriceSheet&)> edit;
};

std::vector<Edit> edits() {
  using S = PriceSheet;
  using M = SheetModel;
  const auto none = PastEffect::kNone;
  const auto rewritten = PastEffect::kRewritten;
  const std::string first = "from 2026-01-01T00:00:00Z";
  const std::string second = "from 2026-04-01T00:00:00Z";
  return {
      {"a past rate", ChangeKind::kRateChanged, rewritten, first + ", input", "4", "6",
       [](M& m, S&) { set(m.periods[0].cells[0].bands[0].rates, Meter::kInput, "6"); }},
      {"a rate to come", ChangeKind::kRateChanged, none, second + ", input", "5", "6",
       [](M& m, S&) { set(m.periods[1].cells[0].bands[0].rates, Meter::kInput, "6"); }},
      {"a new meter", ChangeKind::kRateChanged, rewritten, first + ", cache_read", "", "1",
       [](M& m, S&) { set(m.periods[0].cells[0].bands[0].rates, Meter::kCacheRead, "1"); }},
      {"a rate in a window", ChangeKind::kRateChanged, rewritten, first + ", peak, output", "20",
       "0.5", [](M& m, S&) { set(m.periods[0].cells[1].bands[0].rates, Meter::kOutput, "0.5"); }},
      {"a multiplier", ChangeKind::kRateChanged, none, second + ", batch, multiplier", "", "0.5",
       [](M& m, S&) {
         m.periods[1].multipliers.push_back(
             {.tier = ServiceTier::kBatch, .region = {}, .numerator = 1, .denominator = 2});
       }},
      {"an end to come", ChangeKind::kPeriodChanged, none, first + ", until", "",
       "2026-03-05T00:00:00Z", [](M& m, S&) { m.periods[0].until = at("2026-03-05T00:00:00Z"); }},
      {"an end that was", ChangeKind::kPeriodChanged, rewritten, first + ", until", "",
       "2026-02-05T00:00:00Z", [](M& m, S&) { m.periods[0].until = at("2026-02-05T00:00:00Z"); }},
      {"a cancelled increase", ChangeKind::kRowWithdrawn, none, second, "announced",
       "cancelled since 2026-02-20T00:00:00Z",
       [](M& m, S&) {
         m.periods[1].status = PeriodStatus::kCancelled;
         m.periods[1].known_until = at("2026-02-20T00:00:00Z");
       }},
      {"a removed increase", ChangeKind::kRowRemoved, none, second, "input 5, output 20", "",
       [](M& m, S&) { m.periods.pop_back(); }},
      {"a removed row", ChangeKind::kRowRemoved, rewritten, first, "input 4, output 20", "",
       [](M& m, S&) { m.periods.erase(m.periods.begin()); }},
      {"a row to come", ChangeKind::kRowAdded, none, "from 2026-06-01T00:00:00Z", "",
       "input 7, output 8",
       [](M& m, S&) {
         m.periods.push_back(plain_row(7, 8));
         m.periods.back().from = m.periods.back().known_from = at("2026-06-01T00:00:00Z");
       }},
      {"a row of yesterday", ChangeKind::kRowAdded, PastEffect::kBackdated,
       "from 2026-02-28T00:00:00Z", "", "input 7, output 8",
       [](M& m, S&) {
         PricePeriod row = plain_row(7, 8);
         row.from = row.known_from = at("2026-02-28T00:00:00Z");
         m.periods.insert(m.periods.begin() + 1, row);
       }},
      {"a new name", ChangeKind::kNameChanged, none, "alias m-1", "", "means it",
       [](M& m, S&) { m.aliases.push_back({.id = "m-1", .from = {}, .until = {}}); }},
      {"a lost name", ChangeKind::kNameChanged, rewritten, "alias m-latest", "means it", "",
       [](M& m, S&) { m.aliases.clear(); }},
      {"a name that moves on", ChangeKind::kNameChanged, none, "alias m-latest", "means it",
       "means it until 2026-04-01T00:00:00Z",
       [](M& m, S&) { m.aliases[0].until = at("2026-04-01T00:00:00Z"); }},
      {"a window", ChangeKind::kWindowChanged, rewritten, "window peak",
       "UTC days 0111110 540-720 min", "UTC days 1111111 540-720 min",
       [](M&, S& s) { s.windows["peak"].weekdays = 0x7f; }},
      {"a fact", ChangeKind::kFactChanged, none, "context_tokens", "1000", "2000",
       [](M& m, S&) { m.context = Tokens(2'000); }},
      {"a note", ChangeKind::kFactChanged, none, first + ", note", "", "why",
       [](M& m, S&) { m.periods[0].note = "why"; }},
  };
}

TEST(PriceDiffTest, EachEditIsOneChange) {
  for (const Edit& edit : edits()) {
    SCOPED_TRACE(edit.what);
    PriceSheet after = before_sheet();
    edit.edit(after.models[0], after);
    const PriceDiff found = diff(before_sheet(), after);
    ASSERT_EQ(found.changes.size(), 1u);
    const PriceChange& change = found.changes[0];
    EXPECT_EQ(change.kind, edit.kind) << to_string(change.kind);
    EXPECT_EQ(change.past, edit.past) << to_string(change.past);
    EXPECT_EQ(found.past, edit.past);
    EXPECT_EQ(change.provider, "v");
    EXPECT_EQ(change.place, edit.place);
    EXPECT_EQ(change.before, edit.before);
    EXPECT_EQ(change.after, edit.after);
  }
}

TEST(PriceDiffTest, ModelsComeAndGo) {
  PriceSheet two = before_sheet();
  two.models.push_back(plain_sheet("v", "n", 1, 2).models[0]);
  const PriceDiff added = diff(before_sheet(), two);
  ASSERT_EQ(added.changes.size(), 1u);
  EXPECT_EQ(added.changes[0].kind, ChangeKind::kModelAdded);
  EXPECT_EQ(added.past, PastEffect::kNone);
  const PriceDiff removed = diff(two, before_sheet());
  ASSERT_EQ(removed.changes.size(), 1u);
  EXPECT_EQ(removed.changes[0].kind, ChangeKind::kModelRemoved);
  EXPECT_EQ(removed.changes[0].before, "input 1, output 2");
  EXPECT_EQ(removed.past, PastEffect::kRewritten);
}

TEST(PriceDiffTest, SaysByHowMuch) {
  PriceSheet after = before_sheet();
  set(after.models[0].periods[1].cells[0].bands[0].rates, Meter::kInput, "6");
  EXPECT_DOUBLE_EQ(diff(before_sheet(), after).changes.at(0).percent.value(), 20.0);
}

// The documented way to correct a price rewrites nothing: what was known stays known.
TEST(PriceDiffTest, ACorrectionIsNoRewriting) {
  PriceSheet after = before_sheet();
  std::vector<PricePeriod>& rows = after.models[0].periods;
  PricePeriod right = rows[0];
  right.known_from = kNow;
  set(right.cells[0].bands[0].rates, Meter::kInput, "3");
  rows[0].status = PeriodStatus::kCorrected;
  rows[0].known_until = kNow;
  rows.insert(rows.begin() + 1, right);
  const PriceDiff found = diff(before_sheet(), after);
  EXPECT_EQ(found.past, PastEffect::kBackdated);
  ASSERT_EQ(found.changes.size(), 2u);
  EXPECT_EQ(found.changes[0].kind, ChangeKind::kRowWithdrawn);
  EXPECT_EQ(found.changes[1].kind, ChangeKind::kRowAdded);
}

// Books differ exactly if their hashes do, facts without a meaning aside.
TEST(PriceDiffTest, AgreesWithTheHash) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomSheets random(seed);
    const std::string calendar = calendar_file_text(random.calendar());
    PriceSheet sheet = random.sheet("a");
    const PriceBook before = read_book({price_file_text(sheet), calendar});
    EXPECT_TRUE(diff_prices(before, before, kNow).changes.empty());
    SheetModel& model =
        sheet.models[static_cast<std::size_t>(random.below(static_cast<int>(sheet.models.size())))];
    PricePeriod& row = model.periods[static_cast<std::size_t>(
        random.below(static_cast<int>(model.periods.size())))];
    PriceCell& cell =
        row.cells[static_cast<std::size_t>(random.below(static_cast<int>(row.cells.size())))];
    auto& rate = cell.bands.back().rates[0];
    rate = Rate(rate->count() + 1);
    const PriceBook after = read_book({price_file_text(sheet), calendar});
    ASSERT_NE(before.hash(), after.hash());
    const PriceDiff found = diff_prices(before, after, kNow);
    ASSERT_EQ(found.changes.size(), 1u);
    EXPECT_EQ(found.changes[0].kind, ChangeKind::kRateChanged);
    EXPECT_EQ(found.changes[0].model, model.id);
  }
}

}  // namespace
}  // namespace fare
