#include "policy/objective.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "fare/check.h"

namespace fare {
namespace {

constexpr Int128 kMillion = 1'000'000;
constexpr Int128 kBillion = 1'000'000'000;

// An even draw below `bound` from 64 bits, by their place among them: monotone in `luck`, so that
// each outcome has luck in a row.  Biased by at most bound / 2^64.
std::uint64_t below(std::uint64_t luck, std::uint64_t bound) {
  __extension__ typedef unsigned __int128 Wide;
  return static_cast<std::uint64_t>(static_cast<Wide>(luck) * bound >> 64);
}

// The candidates that would do.
struct Field {
  std::array<std::uint8_t, kCandidatesMax> index;
  std::size_t size = 0;
};

Field field_of(std::span<const Candidate> candidates) {
  Field field;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].verdict != Verdict::kCostsMore) continue;
    FARE_CHECK(candidates[i].expected_cost.has_value());
    field.index[field.size++] = static_cast<std::uint8_t>(i);
  }
  return field;
}

std::size_t cheapest(const Field& field, std::span<const Candidate> candidates) {
  std::size_t best = field.index[0];
  for (std::size_t k = 1; k < field.size; ++k) {
    const std::size_t i = field.index[k];
    if (*candidates[i].expected_cost < *candidates[best].expected_cost) best = i;
  }
  return best;
}

void lose(const Field& field, std::span<Candidate> candidates, std::size_t winner,
          Verdict verdict) {
  for (std::size_t k = 0; k < field.size; ++k) {
    if (field.index[k] != winner) candidates[field.index[k]].verdict = verdict;
  }
}

// In picodollars; integers, so that every machine ranks alike.
Int128 utility(const Objective& objective, const Candidate& candidate) {
  const auto billionths =
      static_cast<std::int64_t>(std::llround(candidate.quality.value_or(0) * 1e9));
  Int128 sum = objective.quality_worth.count() * billionths / kBillion;
  sum -= candidate.expected_cost->count();
  const Int128 latency = candidate.latency.value_or(Duration(0)).count();
  return sum - objective.second_worth.count() * latency / kBillion;
}

std::size_t most_useful(const Objective& objective, const Field& field,
                        std::span<const Candidate> candidates) {
  const bool time_counts = objective.second_worth != Cost();
  const auto beats = [&](const Candidate& a, const Candidate& b) {
    if (time_counts && a.latency.has_value() != b.latency.has_value()) return a.latency.has_value();
    return utility(objective, a) > utility(objective, b);
  };
  std::size_t best = field.index[0];
  for (std::size_t k = 1; k < field.size; ++k) {
    if (beats(candidates[field.index[k]], candidates[best])) best = field.index[k];
  }
  return best;
}

std::optional<std::size_t> find(const Field& field, std::span<const Candidate> candidates,
                                std::uint16_t target) {
  for (std::size_t k = 0; k < field.size; ++k) {
    if (candidates[field.index[k]].target == static_cast<TargetId>(target)) return field.index[k];
  }
  return std::nullopt;
}

std::optional<std::size_t> by_threshold(const Objective& objective, const Field& field,
                                        std::span<const Candidate> candidates) {
  const auto strong = find(field, candidates, objective.strong);
  const auto weak = find(field, candidates, objective.weak);
  if (!strong || !weak) return strong ? strong : weak;
  const double gain =
      candidates[*strong].quality.value_or(0) - candidates[*weak].quality.value_or(0);
  return gain > objective.threshold ? strong : weak;
}

Choice draw_share(const Objective& objective, const Field& field, std::uint64_t luck) {
  std::uint64_t sum = 0;
  for (std::size_t k = 0; k < field.size; ++k) sum += objective.shares[field.index[k]];
  if (sum == 0) return {};
  std::uint64_t place = below(luck, sum);
  for (std::size_t k = 0; k < field.size; ++k) {
    const std::uint64_t share = objective.shares[field.index[k]];
    if (place < share) {
      return {field.index[k], static_cast<double>(share) / static_cast<double>(sum)};
    }
    place -= share;
  }
  return {};
}

double load_of(const CandidateLoad& load) {
  if (load.wants_probe) return -1;
  if (!(load.share > 0)) return std::numeric_limits<double>::infinity();
  return load.peak_latency_ns * (static_cast<double>(load.open) + 1) / load.share;
}

// Power of two choices, with peak-EWMA as in Finagle's and Linkerd's balancers; research
// gateways.md 4.4.
Choice draw_pair(const Field& near, std::span<const CandidateLoad> loads, std::uint64_t luck) {
  if (near.size == 1) return {near.index[0], 1};
  const auto less_loaded = [&](std::size_t a, std::size_t b) {
    const double load_a = load_of(loads[a]);
    const double load_b = load_of(loads[b]);
    if (load_a != load_b) return load_a < load_b ? a : b;
    return loads[b].open < loads[a].open ? b : a;
  };
  const std::uint64_t pairs = near.size * (near.size - 1) / 2;
  const std::uint64_t drawn = below(luck, pairs);
  std::array<std::uint32_t, kCandidatesMax> wins{};
  std::size_t winner = 0;
  std::uint64_t pair = 0;
  for (std::size_t a = 0; a < near.size; ++a) {
    for (std::size_t b = a + 1; b < near.size; ++b, ++pair) {
      const std::size_t better = less_loaded(near.index[a], near.index[b]);
      ++wins[better];
      if (pair == drawn) winner = better;
    }
  }
  return {winner, static_cast<double>(wins[winner]) / static_cast<double>(pairs)};
}

Choice balance(const Objective& objective, const Field& field, std::span<Candidate> candidates,
               std::span<const CandidateLoad> loads, std::uint64_t luck) {
  FARE_CHECK(loads.size() == candidates.size());
  const Int128 least = candidates[cheapest(field, candidates)].expected_cost->count();
  Field near;
  for (std::size_t k = 0; k < field.size; ++k) {
    const Int128 above = candidates[field.index[k]].expected_cost->count() - least;
    if (above * kMillion <= least * objective.slack_ppm) near.index[near.size++] = field.index[k];
  }
  const Choice choice = draw_pair(near, loads, luck);
  lose(near, candidates, *choice.winner, Verdict::kNotDrawn);
  return choice;
}

}  // namespace

Choice choose(const Objective& objective, std::span<Candidate> candidates,
              std::span<const CandidateLoad> loads, std::uint64_t luck) {
  FARE_CHECK(candidates.size() <= kCandidatesMax);
  const Field field = field_of(candidates);
  if (field.size == 0) return {};
  Choice choice;
  Verdict verdict = Verdict::kCostsMore;
  switch (objective.kind) {
    case ObjectiveKind::kMinCost:
      break;
    case ObjectiveKind::kUtility:
      choice.winner = most_useful(objective, field, candidates);
      verdict = Verdict::kLessUseful;
      break;
    case ObjectiveKind::kThreshold:
      choice.winner = by_threshold(objective, field, candidates);
      verdict = Verdict::kLessUseful;
      break;
    case ObjectiveKind::kSplit:
      if (candidates.size() == objective.shares.size()) choice = draw_share(objective, field, luck);
      verdict = Verdict::kNotDrawn;
      break;
    case ObjectiveKind::kBalance:
      return balance(objective, field, candidates, loads, luck);
  }
  if (!choice.winner) {
    choice.winner = cheapest(field, candidates);
    verdict = Verdict::kCostsMore;
  }
  lose(field, candidates, *choice.winner, verdict);
  return choice;
}

std::uint32_t canary_place(std::string_view salt, std::uint64_t id) {
  std::array<unsigned char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(id >> 8 * i);
  const XXH64_hash_t seed = XXH3_64bits(salt.data(), salt.size());
  return static_cast<std::uint32_t>(
      below(XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed), kMillion));
}

bool is_canary(const Canary& canary, std::uint64_t id) {
  return canary_place(canary.salt, id) < canary.share_ppm;
}

}  // namespace fare
