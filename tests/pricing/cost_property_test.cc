// Goal: what must hold of every cost, whatever is used, when, where and of which model.  Method:
// properties over the shipped tables, 500 random cases each; a failing case is shrunk and printed.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>

#include "fare/usage_body.h"
#include "pricing/shipped_tables.h"

namespace fare {
namespace {

// The seed is fixed: a test that fails fails again.  An environment that sets its own is obeyed.
const int kFixSeed = setenv("RC_PARAMS", "seed=20261123 max_success=500", 0);

template <class Property>
void check(const char* what, Property property) {
  EXPECT_EQ(kFixSeed, 0);
  EXPECT_TRUE(rc::check(what, std::move(property)));
}

ModelId any_model() {
  return static_cast<ModelId>(
      *rc::gen::inRange<std::uint32_t>(0, static_cast<std::uint32_t>(shipped_book().size())));
}

Instant any_instant() {
  const Instant first = parse_instant("2024-01-01T00:00:00Z").value();
  return first + std::chrono::seconds(*rc::gen::inRange<std::int64_t>(0, 3 * 365 * 86'400));
}

Terms any_terms() {
  Terms terms;
  terms.tier = static_cast<ServiceTier>(*rc::gen::weightedElement<int>({{8, 0}, {1, 1}, {1, 3}}));
  terms.speed = static_cast<SpeedMode>(*rc::gen::weightedElement<int>({{9, 0}, {1, 1}}));
  terms.region = *rc::gen::weightedElement<const char*>({{8, ""}, {1, "us"}, {1, "eu"}});
  return terms;
}

Usage any_usage() {
  Usage usage;
  for (const Meter meter : {Meter::kInput, Meter::kCacheRead, Meter::kOutput, Meter::kCacheWrite5m,
                            Meter::kOutputReasoning, Meter::kInputAudio, Meter::kSearch}) {
    const bool common = meter == Meter::kInput || meter == Meter::kOutput;
    if (*rc::gen::inRange(0, common ? 2 : 6) != 0) continue;
    usage[meter] = Tokens(*rc::gen::inRange<std::int64_t>(0, 400'000));
  }
  return usage;
}

// The same usage without what that model does not price, so that few cases are thrown away.
Usage priced_part(ModelId model, Usage usage, Instant at) {
  const Charge charge = shipped_book().charge(model, usage, at);
  for (const CostLine& line : charge.lines) {
    if (!line.priced) usage[line.meter] = Tokens(0);
  }
  return usage;
}

// A model that has a price, and when.
std::pair<ModelId, Instant> any_price() {
  const ModelId model = any_model();
  const std::span<const PricePeriod> periods = shipped_book().periods(model);
  const auto row = *rc::gen::inRange<std::size_t>(0, periods.size());
  return {model, periods[row].from};
}

TEST(CostPropertyTest, LinesSumToTheTotalAndCostIsTheTotal) {
  check("lines sum to the total", [] {
    const ModelId model = any_model();
    const Usage usage = any_usage();
    const Instant at = any_instant();
    const Terms terms = any_terms();
    const Charge charge = shipped_book().charge(model, usage, at, terms);
    Cost sum;
    for (const CostLine& line : charge.lines) {
      RC_ASSERT(line.count > Tokens(0));
      if (!line.priced) continue;
      RC_ASSERT(line.cost >= Cost());
      sum += line.cost;
    }
    RC_ASSERT(charge.total == sum);
    const auto cost = shipped_book().cost(model, usage, at, terms);
    RC_ASSERT(cost.has_value() == (charge.status == PriceStatus::kPriced));
    RC_ASSERT(!cost || *cost == sum);
  });
}

TEST(CostPropertyTest, MoreOfAnythingNeverCostsLess) {
  check("monotone in every count", [] {
    const auto [model, at] = any_price();
    const Terms terms;
    Usage more = priced_part(model, any_usage(), at);
    Usage less = more;
    const auto meter = static_cast<Meter>(*rc::gen::inRange<std::size_t>(0, kMeterCount));
    less[meter] = Tokens(*rc::gen::inRange<std::int64_t>(0, more[meter].count() + 1));
    const auto low = shipped_book().cost(model, less, at, terms);
    const auto high = shipped_book().cost(model, more, at, terms);
    RC_PRE(low && high);
    RC_ASSERT(*low <= *high);
  });
}

// Two requests whose usage is added up cost what they cost apart, where no band and no fraction of
// a picodollar tells them apart; and the order of adding never matters.
TEST(CostPropertyTest, SplittingAndOrderChangeNothing) {
  check("splitting", [] {
    const auto [model, at] = any_price();
    const Terms band{.band_input = Tokens(1)};
    std::vector<Usage> parts;
    for (int i = 0; i < 4; ++i) parts.push_back(priced_part(model, any_usage(), at));
    Usage whole;
    whole[Meter::kRequest] = Tokens(0);
    Cost sum;
    for (const Usage& part : parts) {
      for (std::size_t i = 0; i < kMeterCount; ++i) {
        whole[static_cast<Meter>(i)] += part[static_cast<Meter>(i)];
      }
      const auto cost = shipped_book().cost(model, part, at, band);
      RC_PRE(cost.has_value());
      sum += *cost;
    }
    RC_ASSERT(shipped_book().cost(model, whole, at, band) == sum);
    std::reverse(parts.begin(), parts.end());
    Cost reversed;
    for (const Usage& part : parts) reversed += *shipped_book().cost(model, part, at, band);
    RC_ASSERT(reversed == sum);
  });
}

TEST(CostPropertyTest, NothingUsedOfUnknownPriceIsFree) {
  check("never silently free", [] {
    const ModelId model = any_model();
    Usage usage = any_usage();
    const Instant at = any_instant();
    const Charge charge = shipped_book().charge(model, usage, at, any_terms());
    RC_PRE(charge.status != PriceStatus::kPriced);
    Tokens unpriced;
    for (const CostLine& line : charge.lines) {
      if (!line.priced) unpriced += line.count;
    }
    RC_ASSERT(charge.gap != PriceGap::kNone || unpriced > Tokens(0));
  });
}

TEST(CostPropertyTest, ReadingWhatWasRenderedIsTheSameUsage) {
  check("normalise after render", [] {
    const auto api = static_cast<UsageApi>(*rc::gen::inRange<std::size_t>(0, kUsageApiCount));
    const Usage usage = any_usage();
    const auto body = render_usage(api, usage);
    RC_PRE(body.has_value());
    UsageReader reader;
    const UsageReport& report = reader.read(api, *body, "m");
    RC_PRE(report.status == UsageStatus::kRead);
    RC_ASSERT(report.usage == usage);
  });
}

}  // namespace
}  // namespace fare
