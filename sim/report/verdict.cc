#include "report/verdict.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "report/format.h"

namespace routesim {
namespace {

// From this difference on between the shares of requests that are answered, costs are of unequal
// work.
constexpr double kUnequalShare = 0.01;
constexpr double kLikely = 0.5;

constexpr std::array<std::string_view, kFaultCount> kFaultWords = {
    "none",       "server error",    "time-out",  "stream cut off", "outage",  "region down",
    "rate limit", "growth too fast", "line full", "no capacity",    "retired", "too long"};

bool more_is_better(Metric metric) {
  switch (metric) {
    case Metric::kQuality:
    case Metric::kAboveFloor:
    case Metric::kGoodShare:
    case Metric::kEvaluatedGood:
      return true;
    default:
      return false;
  }
}

// It tells how an answer came about, not whether that was well.
bool is_neutral(Metric metric) {
  switch (metric) {
    case Metric::kUnknownShare:
    case Metric::kRejectedShare:
    case Metric::kFirstStageShare:
    case Metric::kSecondStageShare:
    case Metric::kLaterStageShare:
    case Metric::kEvaluatedPassed:
    case Metric::kEvaluationError:
      return true;
    default:
      return false;
  }
}

// The share of good answers by itself is the quality once more, with the luck of the draw.
bool is_shown(const Report& report, Metric metric) {
  if (metric != Metric::kGoodShare) return is_telling(report, metric);
  for (std::size_t i = kMetricCount; i < kMetricsMax; ++i) {
    const auto other = static_cast<Metric>(i);
    if (other != metric && is_telling(report, other)) return is_telling(report, metric);
  }
  return false;
}

std::string percent_text(double share) { return fmt::format("{:.2f} %", share * 100); }

// The metrics of one verdict, by name.
std::string listed(const Report& report, Verdict verdict) {
  std::string list;
  for (const Metric metric : figures_of(report)) {
    if (verdict_on(metric, (*report.comparison)[metric]) != verdict) continue;
    list += fmt::format("{}{}", list.empty() ? "" : ", ", label(metric));
  }
  return list;
}

std::optional<double> answered_share(const RunResult& total) {
  if (total.requests == 0) return std::nullopt;
  return static_cast<double>(total.answered + total.from_cache) /
         static_cast<double>(total.requests);
}

// A comparison of costs is one of prices only where as much is answered.
void add_unequal_work(const Report& report, std::vector<std::string>& list) {
  const std::vector<std::string> labels = policy_labels(report);
  std::vector<double> shares;
  std::string each;
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const std::optional<double> share = answered_share(report.policies[i].total);
    if (!share) return;
    shares.push_back(*share);
    each += fmt::format("{}{} answers {} of its requests", i == 0 ? "" : ", ", labels[i],
                        percent_text(*share));
  }
  if (shares.size() == 1 && shares[0] <= 1 - kUnequalShare) {
    list.push_back(fmt::format("{}: what the others would have cost is not in the cost.", each));
  }
  if (shares.size() == 2 && std::abs(shares[0] - shares[1]) >= kUnequalShare) {
    list.push_back(
        fmt::format("The costs are not of the same work: {}. Compare the cost per answer.", each));
  }
}

void add_gpus(const Report& report, std::vector<std::string>& list) {
  const std::vector<std::string> labels = policy_labels(report);
  std::string each;
  std::vector<fare::Cost> whole;
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const std::optional<fare::Cost> gpus = gpu_cost_mean(report, report.policies[i]);
    whole.push_back(report.policies[i].cost_mean + gpus.value_or(fare::Cost()));
    if (!gpus) continue;
    each +=
        fmt::format("{}{} under {}", each.empty() ? "" : " and ", dollars_text(*gpus), labels[i]);
  }
  if (each.empty()) return;
  std::string text = fmt::format("GPUs of pools cost {}, which no figure of cost includes.", each);
  if (whole.size() == 2 && whole[0] != whole[1]) {
    const bool less = whole[1] < whole[0];
    text += fmt::format(" With them {} costs {} {} than {}.", labels[1],
                        dollars_text(less ? whole[0] - whole[1] : whole[1] - whole[0]),
                        less ? "less" : "more", labels[0]);
  }
  list.push_back(std::move(text));
}

void add_budgets(const Report& report, std::vector<std::string>& list) {
  const std::vector<std::string> labels = policy_labels(report);
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    std::size_t likely = 0;
    const BudgetForecast* first = nullptr;
    for (const BudgetForecast& one : report.policies[i].budgets) {
      if (one.probability.value < kLikely || !one.exhausted_mean) continue;
      ++likely;
      if (first == nullptr || *one.exhausted_mean < *first->exhausted_mean) first = &one;
    }
    if (likely == 0) continue;
    list.push_back(fmt::format(
        "Under {} {} of {} budgets {} likely to run out, {} {} first, about {}.", labels[i], likely,
        report.policies[i].budgets.size(), likely == 1 ? "is" : "are", first->scope, first->budget,
        instant_text(*first->exhausted_mean)));
  }
}

// What one model met, beyond drawn server errors: all of it in one sentence.
std::string faults_sentence(const Report& report, const std::string& policy, const RunResult& total,
                            std::uint32_t model) {
  const ModelTally& tally = total.by_model[model];
  std::string list;
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    const auto fault = static_cast<Fault>(i);
    if (tally.faults[i] == 0 || fault == Fault::kServerError) continue;
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", words_of(fault),
                        count_text(tally.faults[i]));
  }
  return fmt::format("{} under {}, of {} attempts: {}.", report.models[model], policy,
                     count_text(tally.attempts), list);
}

std::string unpriced_sentence(const std::string& policy, const RunResult& total) {
  std::string text = fmt::format("A price was missing under {} at some instant:", policy);
  if (total.refused_unpriced > 0) {
    text +=
        fmt::format(" {} requests were refused for want of it", count_text(total.refused_unpriced));
  }
  if (total.not_priced > 0) {
    text += fmt::format("{} {} requests were billed only in part",
                        total.refused_unpriced > 0 ? "," : "", count_text(total.not_priced));
  }
  return text + ".";
}

void add_notes(const Report& report, bool grave, std::vector<std::string>& list) {
  const std::vector<std::string> labels = policy_labels(report);
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const RunResult& total = report.policies[i].total;
    std::optional<std::uint32_t> told;  // A model's faults come one after the other.
    for (const Note& note : notes_of(total)) {
      const bool of_faults = note.note == RunNote::kModelFaulty;
      if (of_faults == grave || (of_faults && told == note.model)) continue;
      if (of_faults) told = note.model;
      list.push_back(note_sentence(report, labels[i], total, note));
    }
  }
}

}  // namespace

std::vector<Metric> figures_of(const Report& report) {
  std::vector<Metric> figures;
  for (std::size_t i = 0; i < kMetricsMax; ++i) {
    const auto metric = static_cast<Metric>(i);
    if (is_shown(report, metric)) figures.push_back(metric);
  }
  return figures;
}

Verdict verdict_on(Metric metric, const std::optional<Estimate>& difference) {
  if (!difference || !difference->half_width || is_neutral(metric)) return Verdict::kUnknown;
  if (difference->mean == 0 && *difference->half_width == 0) return Verdict::kSame;
  if (!difference->excludes_zero()) return Verdict::kOpen;
  return (difference->mean > 0) == more_is_better(metric) ? Verdict::kBetter : Verdict::kWorse;
}

std::string_view words_of(Verdict verdict) {
  constexpr std::array<std::string_view, 5> kWords = {"", "the same", "better", "worse",
                                                      "could be chance"};
  return kWords[static_cast<std::size_t>(verdict)];
}

std::string_view words_of(Fault fault) { return kFaultWords[static_cast<std::size_t>(fault)]; }

std::vector<std::string> verdict_sentences(const Report& report) {
  std::vector<std::string> sentences;
  if (!report.comparison) return sentences;
  const std::string name = policy_labels(report)[1];
  const auto add = [&](Verdict verdict, const std::string& lead) {
    const std::string list = listed(report, verdict);
    if (!list.empty()) sentences.push_back(fmt::format("{}: {}.", lead, list));
  };
  add(Verdict::kBetter, fmt::format("Better under {}", name));
  add(Verdict::kWorse, fmt::format("Worse under {}", name));
  add(Verdict::kOpen, "Could be chance");
  return sentences;
}

std::string note_sentence(const Report& report, const std::string& policy, const RunResult& total,
                          const Note& note) {
  const std::string count = count_text(note.count);
  switch (note.note) {
    case RunNote::kNoRequests:
      return fmt::format("{} met no request: no figure of it means anything.", policy);
    case RunNote::kNothingAnswered:
      return fmt::format("{} answered none of its {} requests.", policy, count);
    case RunNote::kModelSilent:
      return fmt::format("{} under {}: every one of {} attempts failed.",
                         report.models[*note.model], policy, count);
    case RunNote::kModelFaulty:
      return faults_sentence(report, policy, total, *note.model);
    case RunNote::kUnpriced:
      return unpriced_sentence(policy, total);
    case RunNote::kCacheUnused:
      return fmt::format(
          "{} under {}: its cache saw none of {} prompts: the world has no \"prompts\", and the "
          "traffic brings no blocks.",
          report.models[*note.model], policy, count);
    case RunNote::kStorageFree:
      return fmt::format(
          "{} under {}: its vendor charges for keeping what {} attempts wrote into its cache; the "
          "cost leaves that out.",
          report.models[*note.model], policy, count);
    case RunNote::kClockEnded:
      return fmt::format(
          "{}: the clock ends a century after the start; {} requests or attempts were cut off "
          "there, or never came.",
          policy, count);
    case RunNote::kNotDeferred:
      return fmt::format(
          "{} puts {} requests off to a batch; the simulation sends them at once: their cost is "
          "right, their latency is not.",
          policy, count);
  }
  return "";
}

std::vector<std::string> caveats(const Report& report) {
  std::vector<std::string> list;
  add_notes(report, true, list);
  add_unequal_work(report, list);
  add_gpus(report, list);
  add_budgets(report, list);
  add_notes(report, false, list);
  return list;
}

std::optional<fare::Cost> gpu_cost_mean(const Report& report, const PolicyReport& policy) {
  if (policy.total.pools.empty()) return std::nullopt;
  fare::Cost sum;
  for (const PoolTally& pool : policy.total.pools) sum += pool.cost;
  return mean_cost(sum, report.replications);
}

}  // namespace routesim
