#include "fare/money.h"

#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_int.hpp>
#include <concepts>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>

namespace fare {
namespace {

using BigInt = boost::multiprecision::cpp_int;
using Rng = std::mt19937_64;
__extension__ typedef unsigned __int128 Uint128;

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kInt64Min = std::numeric_limits<std::int64_t>::min();
constexpr Int128 kInt128Max = (Int128{1} << 126) - 1 + (Int128{1} << 126);
constexpr Int128 kInt128Min = -kInt128Max - 1;
constexpr Int128 kPicodollars = 1'000'000'000'000;  // In a dollar.

// Units never mix, a bare number is no quantity, and only Rate * Tokens is a product.
template <class A, class B>
concept CanAdd = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept CanSubtract = requires(A a, B b) {
  a - b;
};
template <class A, class B>
concept CanAccumulate = requires(A a, B b) {
  a += b;
};
template <class A, class B>
concept CanCompare = requires(A a, B b) {
  a < b;
}
|| requires(A a, B b) { a == b; };
template <class A, class B>
concept CanMultiply = requires(A a, B b) {
  a* b;
};
template <class A, class B>
concept CanMeet = CanAdd<A, B> || CanSubtract<A, B> || CanAccumulate<A, B> || CanCompare<A, B>;

static_assert(CanAdd<Money, Money> && CanSubtract<Money, Money> && CanCompare<Money, Money>);
static_assert(CanAccumulate<Cost, Cost> && CanCompare<Tokens, Tokens>);
static_assert(!CanMeet<Money, Cost> && !CanMeet<Cost, Money>);
static_assert(!CanMeet<Money, Rate> && !CanMeet<Cost, Rate> && !CanMeet<Rate, Tokens>);
static_assert(!CanMeet<Money, Tokens> && !CanMeet<Tokens, Cost>);
static_assert(!CanMeet<Money, std::int64_t> && !CanMeet<Cost, Int128> && !CanMeet<int, Tokens>);
static_assert(std::same_as<decltype(Rate() * Tokens()), Cost>);
static_assert(std::same_as<decltype(Tokens() * Rate()), Cost>);
static_assert(!CanMultiply<Money, Money> && !CanMultiply<Rate, Rate>);
static_assert(!CanMultiply<Tokens, Tokens> && !CanMultiply<Cost, Tokens>);
static_assert(!CanMultiply<Cost, std::int64_t> && !CanMultiply<Money, double>);
static_assert(!std::is_convertible_v<std::int64_t, Money> && !std::is_convertible_v<Int128, Cost>);
static_assert(!std::is_convertible_v<Money, Cost> && !std::is_constructible_v<Cost, Money>);
static_assert(!std::is_constructible_v<Money, Cost> && !std::is_convertible_v<Money, std::int64_t>);
static_assert(sizeof(Money) == 8 && sizeof(Cost) == 16 && std::is_trivially_copyable_v<Cost>);

// Exact at compile time too, and at the extremes.
static_assert(Rate(kInt64Min) * Tokens(kInt64Min) == Cost(Int128{1} << 126));
static_assert(Tokens(kInt64Max) * Rate(kInt64Min) == Cost((Int128{-1} << 126) + (Int128{1} << 63)));

BigInt big(Int128 value) {
  const auto bits = static_cast<Uint128>(value);
  const BigInt high = static_cast<std::uint64_t>(bits >> 64);
  const BigInt whole = (high << 64) + static_cast<std::uint64_t>(bits);
  return value < 0 ? BigInt(whole - (BigInt(1) << 128)) : whole;
}

// Uniform over the number of bits, so that small and huge values are met alike.
Int128 random_int128(Rng& rng, int bits_max) {
  const unsigned bits = static_cast<unsigned>(rng() % static_cast<unsigned>(bits_max + 1));
  const auto value = static_cast<Uint128>(rng()) << 64 | rng();
  const auto cut = bits == 0 ? 0 : static_cast<Int128>(value >> (128 - bits));
  return rng() % 2 == 0 ? cut : -cut;
}

// The slow model: |value| / 10^decimals in digits.
std::string slow_text(const BigInt& value, unsigned decimals) {
  const BigInt one = boost::multiprecision::pow(BigInt(10), decimals);
  const BigInt magnitude = value < 0 ? BigInt(-value) : value;
  const BigInt fraction = magnitude % one;
  std::string digits = BigInt(fraction + one).str().substr(1);
  while (digits.ends_with('0')) digits.pop_back();
  std::string text = (value < 0 ? "-" : "") + BigInt(magnitude / one).str();
  return digits.empty() ? text : text + "." + digits;
}

// No errors if it was read: then a test fails for that, and not for looking at errors.
template <class T>
Errors errors_of(const Expected<T>& read) {
  return read ? Errors() : read.error();
}

std::string rounded(std::string_view usd, int decimals) {
  return to_usd_rounded(parse_usd(usd).value(), decimals);
}

[[noreturn]] void throw_failure(const CheckFailure& failure) { throw failure; }

class QuantityTest : public testing::Test {
 protected:
  QuantityTest() : before_(set_check_handler(&throw_failure)) {}
  ~QuantityTest() override { set_check_handler(before_); }

 private:
  CheckHandler before_;
};

TEST_F(QuantityTest, StartsAtZeroAndOrdersByCount) {
  EXPECT_EQ(Money(), Money(0));
  EXPECT_LT(Money(-1), Money(0));
  EXPECT_LT(Cost(kInt128Min), Cost(kInt128Max));
  EXPECT_EQ((Tokens(3) + Tokens(4) - Tokens(2)).count(), 5);
  EXPECT_EQ(-Money(kInt64Max), Money(-kInt64Max));
  Cost sum(5);
  sum += Cost(7);
  sum -= Cost(20);
  EXPECT_EQ(sum, Cost(-8));
}

TEST_F(QuantityTest, FailsACheckInsteadOfWrapping) {
  EXPECT_THROW(Money(kInt64Max) + Money(1), CheckFailure);
  EXPECT_THROW(Money(kInt64Min) + Money(-1), CheckFailure);
  EXPECT_THROW(Money(kInt64Min) - Money(1), CheckFailure);
  EXPECT_THROW(Money(0) - Money(kInt64Min), CheckFailure);
  EXPECT_THROW(-Money(kInt64Min), CheckFailure);
  EXPECT_THROW(Cost(kInt128Max) + Cost(1), CheckFailure);
  EXPECT_THROW(Cost(kInt128Min) - Cost(1), CheckFailure);
  EXPECT_THROW(-Cost(kInt128Min), CheckFailure);
  Tokens tokens(kInt64Max);
  EXPECT_THROW(tokens += Tokens(1), CheckFailure);
  EXPECT_EQ(tokens, Tokens(kInt64Max)) << "a failed sum must leave its left side alone";
}

TEST_F(QuantityTest, ReachesItsLimitsExactly) {
  EXPECT_EQ(Money(kInt64Max - 1) + Money(1), Money(kInt64Max));
  EXPECT_EQ(Money(-1) - Money(kInt64Max), Money(kInt64Min));
  EXPECT_EQ(Cost(kInt128Max - 1) + Cost(1), Cost(kInt128Max));
  EXPECT_EQ(Cost(-1) - Cost(kInt128Max), Cost(kInt128Min));
}

// Goal: a sum or difference is exact or a failed check.  Method: random pairs against big integers.
TEST_F(QuantityTest, AddsAndSubtractsLikeBigIntegers) {
  Rng rng(1);
  const auto check = [](const BigInt& exact, const auto& compute) {
    const bool fits = exact >= big(kInt128Min) && exact <= big(kInt128Max);
    if (!fits) {
      ASSERT_THROW(compute(), CheckFailure) << exact;
    } else {
      ASSERT_EQ(big(compute().count()), exact);
    }
  };
  for (int i = 0; i < 20'000; ++i) {
    const Int128 a = random_int128(rng, 127);
    const Int128 b = random_int128(rng, 127);
    check(big(a) + big(b), [&] { return Cost(a) + Cost(b); });
    check(big(a) - big(b), [&] { return Cost(a) - Cost(b); });
  }
}

TEST(MoneyDeathTest, OverflowEndsTheProcess) {
  EXPECT_DEATH(Money(kInt64Max) + Money(1), "quantity\\.h:[0-9]+: check failed: .*add_overflow");
  EXPECT_DEATH(Cost(kInt128Min) - Cost(1), "quantity\\.h:[0-9]+: check failed: .*sub_overflow");
}

TEST(MoneyTest, RateTimesTokensIsExact) {
  Rng rng(2);
  for (int i = 0; i < 20'000; ++i) {
    const auto rate = static_cast<std::int64_t>(rng() >> rng() % 64);
    const auto count = static_cast<std::int64_t>(rng() >> rng() % 64);
    const Cost cost = Rate(rate) * Tokens(count);
    ASSERT_EQ(big(cost.count()), BigInt(rate) * count) << rate << " * " << count;
    ASSERT_EQ(Tokens(count) * Rate(rate), cost);
  }
}

TEST(MoneyTest, OneMicrodollarPerMillionTokensIsOnePicodollarPerToken) {
  EXPECT_EQ(parse_usd_per_mtok("0.000001").value(), Rate(1));
  EXPECT_EQ(parse_usd_per_mtok("3.75").value() * Tokens(1'000'000), parse_usd("3.75").value());
  EXPECT_EQ(to_usd(parse_usd_per_mtok("0.0125").value() * Tokens(1)), "0.0000000125");
  EXPECT_EQ(parse_usd_per_unit("0.01").value() * Tokens(3), parse_usd("0.03").value());
}

TEST(MoneyTest, ParsesDollars) {
  const struct {
    const char* text;
    Int128 picodollars;
  } cases[] = {
      {"0", 0},
      {"-0", 0},
      {"-0.000000000000", 0},
      {"648", 648 * kPicodollars},
      {"0.005", 5'000'000'000},
      {"0.000000000001", 1},
      {"-0.000000000001", -1},
      {"-1.5", -3 * kPicodollars / 2},
      {"007.50", 15 * kPicodollars / 2},
      {"9223372036.854775807", kInt64Max * Int128{1'000}},
      {"1000000000000000000", Int128{1'000'000'000} * 1'000'000'000 * kPicodollars},
      {"-1000000000000000000", -Int128{1'000'000'000} * 1'000'000'000 * kPicodollars},
      {"999999999999999999.999999999999", Int128{1'000'000'000} * 1'000'000'000 * kPicodollars - 1},
  };
  for (const auto& test : cases) {
    const Expected<Cost> cost = parse_usd(test.text);
    ASSERT_TRUE(cost) << test.text << ": " << to_text(cost.error());
    EXPECT_EQ(big(cost->count()), big(test.picodollars)) << test.text;
  }
}

TEST(MoneyTest, RefusesWhatIsNotADecimalNumber) {
  const struct {
    const char* name;
    std::string_view text;
  } cases[] = {
      {"empty", ""},
      {"only a minus", "-"},
      {"only a point", "."},
      {"minus and point", "-."},
      {"no digit before the point", ".5"},
      {"no digit after the point", "5."},
      {"plus", "+1"},
      {"two minus", "--1"},
      {"minus behind", "1-"},
      {"exponent", "1e3"},
      {"exponent after decimals", "1.5E-3"},
      {"blank before", " 1"},
      {"blank behind", "1 "},
      {"line end", "1\n"},
      {"thousands", "1,000"},
      {"decimal comma", "1,5"},
      {"two points", "1.2.3"},
      {"dollar sign", "$1"},
      {"hexadecimal", "0x10"},
      {"letters", "free"},
      {"infinity", "inf"},
      {"not a number", "nan"},
      {"zero byte", std::string_view("1\0", 2)},
      {"digits of another script", "\xd9\xa1"},
  };
  for (const auto& test : cases) {
    const Errors errors[] = {errors_of(parse_usd(test.text)),
                             errors_of(parse_usd_per_mtok(test.text)),
                             errors_of(parse_usd_per_unit(test.text))};
    for (const Errors& found : errors) {
      ASSERT_EQ(found.size(), 1u) << test.name;
      EXPECT_EQ(found[0].code, ErrorCode::kSyntax) << test.name;
      EXPECT_EQ(found[0].where, "") << test.name;
      EXPECT_TRUE(found[0].message.ends_with("but is \"" + std::string(test.text) + "\""))
          << found[0].message;
    }
  }
}

TEST(MoneyTest, RefusesWhatIsOutOfRange) {
  const struct {
    const char* name;
    Errors errors;
  } cases[] = {
      {"13 decimals", errors_of(parse_usd("0.0000000000001"))},
      {"13 decimals, the last zero", errors_of(parse_usd("0.1000000000000"))},
      {"a picodollar above the most", errors_of(parse_usd("1000000000000000000.000000000001"))},
      {"below the least", errors_of(parse_usd("-1000000000000000001"))},
      {"20 digits", errors_of(parse_usd("10000000000000000000"))},
      {"as many as wrap 64 bits", errors_of(parse_usd("18446744073709551617"))},
      {"as many as wrap 128 bits", errors_of(parse_usd("340282366920938463463374607431768211457"))},
      {"1,000 digits", errors_of(parse_usd(std::string(1'000, '9')))},
      {"mtok: 7 decimals", errors_of(parse_usd_per_mtok("0.0000001"))},
      {"mtok: above a million", errors_of(parse_usd_per_mtok("1000000.000001"))},
      {"mtok: negative", errors_of(parse_usd_per_mtok("-1"))},
      {"mtok: wraps an int64 Rate", errors_of(parse_usd_per_mtok("18446744073710"))},
      {"unit: 13 decimals", errors_of(parse_usd_per_unit("0.0000000000001"))},
      {"unit: above a million", errors_of(parse_usd_per_unit("1000000.000000000001"))},
      {"unit: negative", errors_of(parse_usd_per_unit("-0.01"))},
  };
  for (const auto& test : cases) {
    ASSERT_EQ(test.errors.size(), 1u) << test.name;
    EXPECT_EQ(test.errors[0].code, ErrorCode::kOutOfRange) << test.name;
  }
}

TEST(MoneyTest, SaysWhatANumberMustBeAndQuotesItsStart) {
  EXPECT_EQ(errors_of(parse_usd("free")).at(0).message,
            "must be a decimal number of dollars with at most 12 decimals such as \"0.005\", "
            "but is \"free\"");
  EXPECT_EQ(errors_of(parse_usd_per_mtok("-1")).at(0).message,
            "must be a decimal number of dollars per million tokens, from 0 to 1000000 and with at "
            "most 6 decimals, such as \"2.50\", but is \"-1\"");
  EXPECT_LT(errors_of(parse_usd(std::string(100'000, '9'))).at(0).message.size(), 300u);
}

TEST(MoneyTest, ReadsRatesToTheirLimits) {
  EXPECT_EQ(parse_usd_per_mtok("1000000").value(), Rate(1'000'000'000'000));
  EXPECT_EQ(parse_usd_per_mtok("0.003625").value(), Rate(3'625));
  EXPECT_EQ(parse_usd_per_mtok("0").value(), Rate(0));
  EXPECT_EQ(parse_usd_per_unit("1000000").value(), Rate(1'000'000'000'000'000'000));
  EXPECT_EQ(parse_usd_per_unit("0.000000000001").value(), Rate(1));
}

// A number, or now and then something that is almost one.
std::string random_decimal(Rng& rng) {
  const auto digits = [&rng](std::uint64_t count_max) {
    std::string text(rng() % (count_max + 1), '0');
    for (char& c : text) c = rng() % 4 == 0 ? '0' : static_cast<char>('0' + rng() % 10);
    return text;
  };
  std::string text = rng() % 3 == 0 ? "-" : "";
  text += digits(rng() % 8 == 0 ? 21 : 18);
  if (rng() % 2 == 0) text += "." + digits(13);
  if (rng() % 4 == 0) {
    constexpr std::string_view kLetters = "0123456789.-+eE ,x";
    const std::size_t place = rng() % (text.size() + 1);
    text.insert(place, 1, kLetters[rng() % kLetters.size()]);
  }
  return text;
}

struct Grammar {
  const char* name;
  bool minus;
  unsigned decimals;
  std::int64_t dollars_max;
};

// An automaton for "-?[0-9]+(\.[0-9]+)?": the state after `c`.
char next_state(char state, char c, bool minus) {
  const bool digit = std::string_view("0123456789").find(c) != std::string_view::npos;
  if (state == 's' && c == '-' && minus) return 'm';                        // After the minus.
  if (digit && (state == 's' || state == 'm' || state == 'w')) return 'w';  // In the whole part.
  if (state == 'w' && c == '.') return 'p';                                 // After the point.
  if (digit && (state == 'p' || state == 'f')) return 'f';                  // In the fraction.
  return 'x';
}

// What a text is worth in 10^-decimals dollars, if anything, by its grammar and big integers.
std::optional<BigInt> slow_parse(const std::string& text, const Grammar& grammar) {
  char state = 's';
  BigInt value = 0;
  unsigned whole = 0;
  unsigned decimals = 0;
  for (const char c : text) {
    state = next_state(state, c, grammar.minus);
    if (state == 'w' || state == 'f') value = value * 10 + (c - '0');
    whole += state == 'w' ? 1 : 0;
    decimals += state == 'f' ? 1 : 0;
  }
  if ((state != 'w' && state != 'f') || whole > 19 || decimals > grammar.decimals) {
    return std::nullopt;
  }
  for (; decimals < grammar.decimals; ++decimals) value *= 10;
  const BigInt one = boost::multiprecision::pow(BigInt(10), grammar.decimals);
  if (value > grammar.dollars_max * one) return std::nullopt;
  return text.starts_with('-') ? BigInt(-value) : value;
}

// Goal: every text reads as its grammar and value say, or is refused.  Method: random texts, many
// of them broken in one place, against a regular expression and big integers.
TEST(MoneyTest, ReadsLikeASlowModel) {
  const Grammar usd = {"usd", true, 12, 1'000'000'000'000'000'000};
  const Grammar per_mtok = {"mtok", false, 6, 1'000'000};
  const Grammar per_unit = {"unit", false, 12, 1'000'000};
  Rng rng(3);
  int read = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_decimal(rng);
    const auto check = [&](const Grammar& grammar, const auto& found) {
      const std::optional<BigInt> expected = slow_parse(text, grammar);
      ASSERT_EQ(found.has_value(), expected.has_value()) << grammar.name << ": \"" << text << "\"";
      if (!expected) return;
      ASSERT_EQ(big(found->count()), *expected) << grammar.name << ": \"" << text << "\"";
      ++read;
    };
    check(usd, parse_usd(text));
    check(per_mtok, parse_usd_per_mtok(text));
    check(per_unit, parse_usd_per_unit(text));
  }
  EXPECT_GT(read, 5'000) << "the texts hardly ever were numbers";
}

// Goal: writing is exact and shortest, and reading brings the very number back.
TEST(MoneyTest, WritesExactlyAndReadsBack) {
  Rng rng(4);
  for (int i = 0; i < 20'000; ++i) {
    const Int128 value = random_int128(rng, 99);  // Below 10^30 picodollars.
    const std::string text = to_usd(Cost(value));
    ASSERT_EQ(text, slow_text(big(value), 12));
    ASSERT_EQ(parse_usd(text).value(), Cost(value)) << text;
    const auto nanodollars = static_cast<std::int64_t>(random_int128(rng, 63));
    ASSERT_EQ(to_usd(Money(nanodollars)), slow_text(BigInt(nanodollars), 9));
    const auto rate = static_cast<std::int64_t>(rng() % 1'000'000'000'001);
    ASSERT_EQ(to_usd_per_mtok(Rate(rate)), slow_text(BigInt(rate), 6));
    ASSERT_EQ(parse_usd_per_mtok(to_usd_per_mtok(Rate(rate))).value(), Rate(rate));
  }
}

TEST(MoneyTest, WritesTheExtremes) {
  EXPECT_EQ(to_usd(Cost(0)), "0");
  EXPECT_EQ(to_usd(Cost(100 * kPicodollars)), "100");
  EXPECT_EQ(to_usd(Cost(-1)), "-0.000000000001");
  EXPECT_EQ(to_usd(Cost(kInt128Max)), "170141183460469231731687303.715884105727");
  EXPECT_EQ(to_usd(Cost(kInt128Min)), "-170141183460469231731687303.715884105728");
  EXPECT_EQ(to_usd(Money(kInt64Max)), "9223372036.854775807");
  EXPECT_EQ(to_usd(Money(kInt64Min)), "-9223372036.854775808");
  EXPECT_EQ(to_usd_per_mtok(Rate(kInt64Min)), "-9223372036854.775808");
  EXPECT_EQ(to_usd_per_mtok(Rate(2'500'000)), "2.5");
}

TEST(MoneyTest, RoundsHalfToEvenOrUp) {
  const Int128 top = Int128{kInt64Max} * 1'000;
  const Int128 bottom = Int128{kInt64Min} * 1'000;
  const struct {
    const char* name;
    Int128 cost;
    std::optional<std::int64_t> half_even;
    std::optional<std::int64_t> up;
  } cases[] = {
      {"zero", 0, 0, 0},
      {"a picodollar", 1, 0, 1},
      {"just under half", 499, 0, 1},
      {"half, even below", 500, 0, 1},
      {"just over half", 501, 1, 1},
      {"half, odd below", 1'500, 2, 2},
      {"half, even below again", 2'500, 2, 3},
      {"whole", 7'000, 7, 7},
      {"minus a picodollar", -1, 0, 0},
      {"minus half", -500, 0, 0},
      {"minus just over half", -501, -1, 0},
      {"minus one and a half", -1'500, -2, -1},
      {"minus two and a half", -2'500, -2, -2},
      {"minus whole", -7'000, -7, -7},
      {"the most", top, kInt64Max, kInt64Max},
      {"the most and a bit", top + 1, kInt64Max, std::nullopt},
      {"the most and almost half", top + 499, kInt64Max, std::nullopt},
      {"the most and half", top + 500, std::nullopt, std::nullopt},
      {"one too many", top + 1'000, std::nullopt, std::nullopt},
      {"the least", bottom, kInt64Min, kInt64Min},
      {"half under the least, which is even", bottom - 500, kInt64Min, kInt64Min},
      {"more than half under the least", bottom - 501, std::nullopt, kInt64Min},
      {"almost one under the least", bottom - 999, std::nullopt, kInt64Min},
      {"one under the least", bottom - 1'000, std::nullopt, std::nullopt},
      {"2^64 nanodollars", (Int128{1} << 64) * 1'000, std::nullopt, std::nullopt},
      {"the largest cost", kInt128Max, std::nullopt, std::nullopt},
      {"the smallest cost", kInt128Min, std::nullopt, std::nullopt},
  };
  const auto money = [](std::optional<std::int64_t> count) {
    return count ? std::optional<Money>(*count) : std::nullopt;
  };
  for (const auto& test : cases) {
    EXPECT_EQ(money_half_even(Cost(test.cost)), money(test.half_even)) << test.name;
    EXPECT_EQ(money_rounded_up(Cost(test.cost)), money(test.up)) << test.name;
  }
}

// Goal: rounding errs by at most a half, to even at the half; upwards, by less than one and never
// down; and there is no Money only where it would not fit.
TEST(MoneyTest, RoundsAsDefined) {
  Rng rng(5);
  for (int i = 0; i < 50'000; ++i) {
    const Int128 value = random_int128(rng, 76) / (rng() % 4 == 0 ? 1 : 500) * 500;
    const std::optional<Money> even = money_half_even(Cost(value));
    const std::optional<Money> up = money_rounded_up(Cost(value));
    const Int128 limit = Int128{kInt64Max} * 1'000;
    ASSERT_EQ(even.has_value(), value < limit + 500 && value >= -limit - 1'500)
        << to_usd(Cost(value));
    ASSERT_EQ(up.has_value(), value <= limit && value > -limit - 2'000) << to_usd(Cost(value));
    if (even) {
      const Int128 error = Int128{even->count()} * 1'000 - value;
      ASSERT_LE(error < 0 ? -error : error, Int128{500});
      ASSERT_TRUE((error != 500 && error != -500) || even->count() % 2 == 0);
    }
    if (up) {
      const Int128 error = Int128{up->count()} * 1'000 - value;
      ASSERT_GE(error, Int128{0});
      ASSERT_LT(error, Int128{1'000});
    }
  }
}

TEST(MoneyTest, WritesForPeople) {
  const struct {
    std::string_view usd;
    int decimals;
    std::string_view text;
  } cases[] = {
      {"0", 0, "0"},
      {"0", 2, "0.00"},
      {"0", 12, "0.000000000000"},
      {"1234.5", 2, "1,234.50"},
      {"999.995", 2, "1,000.00"},
      {"999.985", 2, "999.98"},
      {"999", 0, "999"},
      {"1000", 0, "1,000"},
      {"999999.5", 0, "1,000,000"},
      {"1000000.5", 0, "1,000,000"},
      {"1000001.5", 0, "1,000,002"},
      {"100000", 1, "100,000.0"},
      {"1234567890", 0, "1,234,567,890"},
      {"-1234567.891", 2, "-1,234,567.89"},
      {"-999.5", 0, "-1,000"},
      {"-0.004", 2, "0.00"},
      {"-0.005", 2, "0.00"},
      {"-0.0051", 2, "-0.01"},
      {"-0.015", 2, "-0.02"},
      {"0.005", 2, "0.00"},
      {"0.015", 2, "0.02"},
      {"0.025", 2, "0.02"},
      {"-0.5", 0, "0"},
      {"-1.5", 0, "-2"},
      {"0.0008", 4, "0.0008"},
      {"0.05", 3, "0.050"},
      {"12345.000000000001", 12, "12,345.000000000001"},
      {"0.000000000005", 11, "0.00000000000"},
      {"1000000000000000000", 2, "1,000,000,000,000,000,000.00"},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(rounded(test.usd, test.decimals), test.text) << test.usd << " to " << test.decimals;
  }
}

TEST(MoneyTest, WritesTheExtremesForPeople) {
  EXPECT_EQ(to_usd_rounded(Cost(kInt128Max), 12),
            "170,141,183,460,469,231,731,687,303.715884105727");
  EXPECT_EQ(to_usd_rounded(Cost(kInt128Min), 12),
            "-170,141,183,460,469,231,731,687,303.715884105728");
  EXPECT_EQ(to_usd_rounded(Cost(kInt128Min), 0), "-170,141,183,460,469,231,731,687,304");
}

TEST(MoneyDeathTest, WritesNoMoreThanTwelveDecimals) {
  EXPECT_DEATH(static_cast<void>(to_usd_rounded(Cost(1), 13)), "check failed: decimals <=");
  EXPECT_DEATH(static_cast<void>(to_usd_rounded(Cost(1), -1)), "check failed: decimals >= 0");
}

// Digits in groups of three, counted from the point.
bool is_grouped(std::string_view whole) {
  if (whole.starts_with('-')) whole.remove_prefix(1);
  if (whole.empty() || whole.front() == ',') return false;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const char c = whole[whole.size() - 1 - i];
    if (i % 4 == 3 ? c != ',' : c < '0' || c > '9') return false;
  }
  return true;
}

// Goal: the text has its form, is the nearest number of that many decimals, and never "-0".
TEST(MoneyTest, WritesTheNearestNumberForPeople) {
  Rng rng(6);
  for (int i = 0; i < 10'000; ++i) {
    const auto decimals = static_cast<unsigned>(rng() % 13);
    const BigInt step = boost::multiprecision::pow(BigInt(10), 12 - decimals);
    Int128 value = random_int128(rng, 99);
    if (rng() % 2 == 0) value = value / 5'000'000 * 5'000'000;  // So that ties are met.
    std::string text = to_usd_rounded(Cost(value), static_cast<int>(decimals));
    const std::size_t point = text.find('.');
    ASSERT_TRUE(is_grouped(std::string_view(text).substr(0, point))) << text;
    ASSERT_EQ(point == std::string::npos ? 0 : text.size() - point - 1, decimals) << text;
    std::erase(text, ',');
    const BigInt read = big(parse_usd(text).value().count());
    ASSERT_FALSE(read == 0 && text.starts_with('-')) << text;
    const BigInt error = (read - big(value)) * 2;
    ASSERT_LE(error < 0 ? BigInt(-error) : error, step) << text;
    ASSERT_TRUE((error != step && error != -step) || BigInt(read / step) % 2 == 0) << text;
  }
}

}  // namespace
}  // namespace fare
