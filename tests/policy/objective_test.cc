#include "policy/objective.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "base/random.h"

namespace fare {
namespace {

// Goal: choose() picks whom its header says, with the probability that it says.
// Method: random fields of candidates against a slow model that writes each rule down as a sort or
// a list of all draws; sweeps over evenly spaced luck count how often each one wins.

struct Field {
  std::vector<Candidate> candidates;
  std::vector<CandidateLoad> loads;
};

// Few different values, so that ties and unknowns are common.
Field random_field(RandomStream& random) {
  Field field;
  const std::size_t size = random.below(7);
  for (std::size_t i = 0; i < size; ++i) {
    Candidate one{};
    one.target = static_cast<TargetId>(10 + i);
    one.verdict = random.below(4) == 0 ? Verdict::kBelowFloor : Verdict::kCostsMore;
    one.expected_cost = Cost(static_cast<Int128>(1'000 + random.below(6) * 20));
    if (random.below(5) != 0) one.quality = static_cast<double>(random.below(5)) / 4;
    if (random.below(5) != 0) one.latency = std::chrono::seconds(random.below(4));
    field.candidates.push_back(one);
    field.loads.push_back({.peak_latency_ns = static_cast<double>(random.below(3)) * 1e6,
                           .open = static_cast<std::uint32_t>(random.below(3)),
                           .share = static_cast<double>(random.below(3)) / 2,
                           .wants_probe = random.below(8) == 0});
  }
  return field;
}

std::vector<std::size_t> fit_of(const Field& field) {
  std::vector<std::size_t> fit;
  for (std::size_t i = 0; i < field.candidates.size(); ++i) {
    if (field.candidates[i].verdict == Verdict::kCostsMore) fit.push_back(i);
  }
  return fit;
}

// The first of `fit` that no other one is better than.
template <class Better>
std::size_t best(const std::vector<std::size_t>& fit, const Better& better) {
  for (const std::size_t i : fit) {
    if (std::none_of(fit.begin(), fit.end(), [&](std::size_t j) { return better(j, i); })) return i;
  }
  return fit.front();
}

std::size_t cheapest(const Field& field, const std::vector<std::size_t>& fit) {
  return best(fit, [&](std::size_t a, std::size_t b) {
    return *field.candidates[a].expected_cost < *field.candidates[b].expected_cost;
  });
}

// By winner: how often it wins, of how many equally likely draws; what the losers are told.
struct Model {
  std::map<std::size_t, double> probability;
  std::map<std::size_t, Verdict> loser;  // Where it does not win.
};

Model model_of(const Objective& objective, const Field& field) {
  Model model;
  const std::vector<std::size_t> fit = fit_of(field);
  if (fit.empty()) return model;
  const auto all_lose = [&](Verdict verdict) {
    for (const std::size_t i : fit) model.loser[i] = verdict;
  };
  all_lose(Verdict::kCostsMore);
  const auto by_cost = [&] { model.probability[cheapest(field, fit)] = 1; };
  const auto& all = field.candidates;
  switch (objective.kind) {
    case ObjectiveKind::kMinCost:
      by_cost();
      break;
    case ObjectiveKind::kUtility: {
      all_lose(Verdict::kLessUseful);
      const auto worth = [&](std::size_t i) {
        return all[i].quality.value_or(0) * static_cast<double>(objective.quality_worth.count()) -
               static_cast<double>(all[i].expected_cost->count()) -
               static_cast<double>(all[i].latency.value_or(Duration(0)).count()) / 1e9 *
                   static_cast<double>(objective.second_worth.count());
      };
      const bool timed = objective.second_worth != Cost();
      model.probability[best(fit, [&](std::size_t a, std::size_t b) {
        if (timed && all[a].latency.has_value() != all[b].latency.has_value()) {
          return all[a].latency.has_value();
        }
        return worth(a) > worth(b) + 1e-6;
      })] = 1;
      break;
    }
    case ObjectiveKind::kThreshold: {
      const auto find = [&](std::uint16_t target) {
        return std::find_if(fit.begin(), fit.end(), [&](std::size_t i) {
          return all[i].target == static_cast<TargetId>(target);
        });
      };
      const auto strong = find(objective.strong);
      const auto weak = find(objective.weak);
      if (strong == fit.end() && weak == fit.end()) {
        by_cost();
        break;
      }
      all_lose(Verdict::kLessUseful);
      bool takes_strong = weak == fit.end();
      if (strong != fit.end() && weak != fit.end()) {
        takes_strong =
            all[*strong].quality.value_or(0) - all[*weak].quality.value_or(0) > objective.threshold;
      }
      model.probability[takes_strong ? *strong : *weak] = 1;
      break;
    }
    case ObjectiveKind::kSplit: {
      double sum = 0;
      if (objective.shares.size() == all.size()) {
        for (const std::size_t i : fit) sum += objective.shares[i];
      }
      if (sum == 0) {
        by_cost();
        break;
      }
      all_lose(Verdict::kNotDrawn);
      for (const std::size_t i : fit) {
        if (objective.shares[i] > 0) model.probability[i] = objective.shares[i] / sum;
      }
      break;
    }
    case ObjectiveKind::kBalance: {
      const double least = static_cast<double>(all[cheapest(field, fit)].expected_cost->count());
      std::vector<std::size_t> near;
      for (const std::size_t i : fit) {
        const double cost = static_cast<double>(all[i].expected_cost->count());
        if (cost - least <= least * objective.slack_ppm / 1e6) near.push_back(i);
      }
      for (const std::size_t i : near) model.loser[i] = Verdict::kNotDrawn;
      if (near.size() == 1) model.probability[near[0]] = 1;
      const auto load = [&](std::size_t i) {
        const CandidateLoad& one = field.loads[i];
        const double used = one.peak_latency_ns * (one.open + 1) / one.share;
        return one.wants_probe ? -1 : one.share == 0 ? INFINITY : used;
      };
      const double pairs = static_cast<double>(near.size() * (near.size() - 1)) / 2;
      for (std::size_t a = 0; a < near.size(); ++a) {
        for (std::size_t b = a + 1; b < near.size(); ++b) {
          const std::size_t i = near[a];
          const std::size_t j = near[b];
          const bool second = load(j) < load(i) ||
                              (load(j) == load(i) && field.loads[j].open < field.loads[i].open);
          model.probability[second ? j : i] += 1 / pairs;
        }
      }
      break;
    }
  }
  return model;
}

Objective random_objective(RandomStream& random, std::size_t candidates) {
  Objective objective;
  objective.kind = static_cast<ObjectiveKind>(random.below(5));
  objective.quality_worth = Cost(static_cast<Int128>(random.below(200)));
  objective.second_worth = Cost(static_cast<Int128>(random.below(3) * 10));
  objective.strong = static_cast<std::uint16_t>(10 + random.below(4));
  objective.weak = static_cast<std::uint16_t>(10 + random.below(4));
  objective.threshold = static_cast<double>(random.below(9)) / 4 - 1;
  const std::size_t shares = random.below(8) == 0 ? candidates + 1 : candidates;
  for (std::size_t i = 0; i < shares; ++i) {
    objective.shares.push_back(static_cast<std::uint32_t>(random.below(4)));
  }
  objective.slack_ppm = static_cast<std::uint32_t>(random.below(4) * 20'000);
  return objective;
}

TEST(ObjectiveTest, ChoosesAsTheSlowModelDoes) {
  const RandomKey key(1, 0, Purpose::kTest);
  std::set<std::pair<ObjectiveKind, std::size_t>> met;
  for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    RandomStream random(key, seed);
    const Field field = random_field(random);
    const Objective objective = random_objective(random, field.candidates.size());
    const Model model = model_of(objective, field);
    met.insert({objective.kind, model.probability.size()});
    std::map<std::size_t, std::uint64_t> wins;
    // As many draws as every probability is a whole number of: 60 for pairs among up to six.
    std::uint64_t count = objective.kind == ObjectiveKind::kBalance ? 60 : 3;
    if (objective.kind == ObjectiveKind::kSplit && objective.shares.size() > 0) {
      std::uint64_t sum = 0;
      for (const std::size_t i : fit_of(field)) sum += objective.shares[i];
      count = std::max<std::uint64_t>(3, 4 * sum);
    }
    for (std::uint64_t k = 0; k < count; ++k) {
      std::vector<Candidate> candidates = field.candidates;
      // The middle of the k-th of `count` equal parts of all luck.
      const std::uint64_t luck = (~std::uint64_t{0} / (2 * count)) * (2 * k + 1);
      const Choice choice = choose(objective, candidates, field.loads, luck);
      ASSERT_EQ(choice.winner.has_value(), !model.probability.empty());
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        const auto loser = model.loser.find(i);
        const Verdict expected = choice.winner == i           ? Verdict::kCostsMore
                                 : loser == model.loser.end() ? field.candidates[i].verdict
                                                              : loser->second;
        ASSERT_EQ(candidates[i].verdict, expected) << i;
      }
      if (!choice.winner) continue;
      const auto found = model.probability.find(*choice.winner);
      ASSERT_NE(found, model.probability.end()) << *choice.winner;
      ASSERT_NEAR(choice.propensity, found->second, 1e-12);
      ++wins[*choice.winner];
    }
    for (const auto& [winner, probability] : model.probability) {
      ASSERT_EQ(static_cast<double>(wins[winner]),
                std::round(probability * static_cast<double>(count)))
          << winner;
    }
  }
  EXPECT_GE(met.size(), 5u + 5u + 3u) << "each kind with nobody and somebody, draws among many";
}

TEST(ObjectiveTest, ALargeWorthStaysExact) {
  // A double has 53 bits: at a million dollars a picodollar would be lost.
  std::vector<Candidate> two(2);
  for (Candidate& one : two) one.quality = 1;
  two[0].expected_cost = Cost(1'000'001);
  two[1].expected_cost = Cost(1'000'000);
  for (Candidate& one : two) one.verdict = Verdict::kCostsMore;
  const Objective objective{.kind = ObjectiveKind::kUtility,
                            .quality_worth = Cost(Int128{1'000'000} * 1'000'000'000'000),
                            .second_worth = {},
                            .shares = {}};
  EXPECT_EQ(choose(objective, two, {}, 0).winner, 1u);
}

TEST(ObjectiveTest, ATargetThatWantsAProbeGetsItsShareOfPairs) {
  std::vector<Candidate> four(4);
  for (Candidate& one : four) {
    one.verdict = Verdict::kCostsMore;
    one.expected_cost = Cost(10);
  }
  std::vector<CandidateLoad> loads(4, {.peak_latency_ns = 1, .open = 0});
  loads[2] = {.peak_latency_ns = 1e12, .open = 9, .share = 0, .wants_probe = true};
  Objective objective;
  objective.kind = ObjectiveKind::kBalance;
  int probes = 0;
  for (std::uint64_t k = 0; k < 6; ++k) {
    std::vector<Candidate> candidates = four;
    const Choice choice =
        choose(objective, candidates, loads, ~std::uint64_t{0} / 12 * (2 * k + 1));
    if (choice.winner != 2u) continue;
    ++probes;
    EXPECT_DOUBLE_EQ(choice.propensity, 0.5) << "the three pairs of six that it is in";
  }
  EXPECT_EQ(probes, 3);
}

TEST(CanaryTest, TakesItsShareOfSessionsAndKeepsThem) {
  constexpr std::uint64_t kSessions = 200'000;
  std::vector<std::uint64_t> in_before;
  for (const std::uint32_t ppm : {0u, 1'000u, 25'000u, 500'000u, 1'000'000u}) {
    const Canary canary{.target = 0, .share_ppm = ppm, .salt = "july"};
    std::vector<std::uint64_t> in;
    for (std::uint64_t id = 0; id < kSessions; ++id) {
      if (is_canary(canary, id)) in.push_back(id);
    }
    EXPECT_TRUE(std::includes(in.begin(), in.end(), in_before.begin(), in_before.end()))
        << "who was in at a smaller share stays in";
    const double share = ppm / 1e6;
    const double deviation = std::sqrt(kSessions * share * (1 - share));
    EXPECT_NEAR(static_cast<double>(in.size()), kSessions * share, 4 * deviation + 1e-9) << ppm;
    in_before = in;
  }
}

TEST(CanaryTest, ItsShareIsExactToAMillionth) {
  for (std::uint64_t id = 1; id < 2'000; ++id) {
    const std::uint32_t place = canary_place("s", id);
    ASSERT_LT(place, 1'000'000u);
    EXPECT_FALSE(is_canary({.target = 0, .share_ppm = place, .salt = "s"}, id));
    EXPECT_TRUE(is_canary({.target = 0, .share_ppm = place + 1, .salt = "s"}, id));
  }
}

TEST(CanaryTest, SaltsDrawIndependently) {
  const Canary one{.target = 0, .share_ppm = 500'000, .salt = "one"};
  const Canary two{.target = 0, .share_ppm = 500'000, .salt = "two"};
  int both = 0;
  for (std::uint64_t id = 0; id < 40'000; ++id) both += is_canary(one, id) && is_canary(two, id);
  EXPECT_NEAR(both, 10'000, 4 * std::sqrt(40'000 * 0.25 * 0.75));
}

TEST(CanaryTest, KeepsItsPlacesForEver) {
  // Changing the hash would move every session of every running canary.
  EXPECT_EQ(canary_place("july", 1), 104'046u);
  EXPECT_EQ(canary_place("july", 123'456'789), 205'341u);
  EXPECT_EQ(canary_place("", 0), 939'995u);
}

}  // namespace
}  // namespace fare
