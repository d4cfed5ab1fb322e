#include "report/html.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "report/apportion.h"
#include "report/format.h"
#include "report/markup.h"
#include "report/style_sheet.h"
#include "report/svg.h"
#include "report/verdict.h"
#include "study/run_notes.h"

namespace routesim {
namespace {

using fare::Cost;
using fare::Int128;
using fare::Tokens;

// Reports are built by hand: the renderer must not need a simulation.

// What one model was asked, and its prices in picodollars a token.
struct Load {
  std::uint64_t attempts;
  std::int64_t input_price;
  std::int64_t output_price;
};

ModelTally tally_of(const Load& load) {
  ModelTally tally;
  tally.attempts = load.attempts;
  tally.failures = load.attempts / 400;
  const auto attempts = static_cast<std::int64_t>(load.attempts);
  const auto add = [&tally](fare::Meter meter, std::int64_t count, std::int64_t price) {
    tally.used[static_cast<std::size_t>(meter)] = Tokens(count);
    tally.cost[static_cast<std::size_t>(meter)] = fare::Rate(price) * Tokens(count);
  };
  add(fare::Meter::kInput, attempts * 1'163 + 7, load.input_price);
  add(fare::Meter::kCacheRead, attempts * 241 + 3, load.input_price / 10);
  add(fare::Meter::kOutput, attempts * 211 + 1, load.output_price);
  add(fare::Meter::kRequest, attempts, 0);
  return tally;
}

// Splits requests and cost among groups in proportion 1, 1/2, 1/3 ...; the last takes what is left.
std::vector<GroupTally> split(const RunResult& total, std::size_t count) {
  std::vector<GroupTally> groups(count);
  GroupTally left{.requests = total.requests, .refused = total.refusals(), .cost = total.cost};
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const auto part = static_cast<Int128>(i + 1) * 5;
    groups[i] = {.requests = total.requests / static_cast<std::uint64_t>(part),
                 .refused = total.refusals() / static_cast<std::uint64_t>(part),
                 .cost = Cost(total.cost.count() / part)};
    groups[i].requests = std::min(groups[i].requests, left.requests);
    groups[i].refused = std::min(groups[i].refused, left.refused);
    groups[i].cost = std::min(groups[i].cost, left.cost);
    left.requests -= groups[i].requests;
    left.refused -= groups[i].refused;
    left.cost -= groups[i].cost;
  }
  groups.back() = left;
  return groups;
}

Cost mean_of(Cost total, std::uint32_t count) {
  const Int128 n = count;
  return Cost((total.count() * 2 + n) / (n * 2));
}

constexpr std::uint32_t kReplications = 10;

PolicyReport policy_of(const std::string& name, const std::vector<Load>& loads, double slowness) {
  PolicyReport policy;
  policy.name = name;
  policy.hash = fmt::format("{:0>32}", name.size());
  RunResult& total = policy.total;
  for (const Load& load : loads) {
    total.by_model.push_back(tally_of(load));
    total.answered += load.attempts - load.attempts / 400;
    for (const Cost cost : total.by_model.back().cost) total.cost += cost;
  }
  total.failed = 37;
  total.from_cache = 12'345;
  total.refused[static_cast<std::size_t>(fare::Refusal::kNoTarget)] = 291;
  total.requests = total.answered + total.from_cache + total.failed + total.refusals();
  total.judged = total.with_floor = total.answered;
  total.by_class = split(total, 2);
  total.by_tenant = split(total, 40);
  policy.cost_mean = mean_of(total.cost, kReplications);
  const double cost = static_cast<double>(policy.cost_mean.count()) * 1e-12;
  const double answers = static_cast<double>(total.answered + total.from_cache) / kReplications;
  policy.metric = {Estimate{cost, cost * 0.004},
                   Estimate{answers > 0 ? cost / answers : 0, 0.000'003},
                   Estimate{0.000'06, 0.000'01},
                   Estimate{0.000'008, 0.000'002},
                   Estimate{612 * slowness, 3.1},
                   Estimate{1'480 * slowness, 9.4},
                   Estimate{2'310 * slowness, 22.0},
                   Estimate{3'120 * slowness, 8.0},
                   Estimate{9'940 * slowness, 41.0},
                   Estimate{14'870 * slowness, 96.0},
                   Estimate{0.8 + 0.09 * slowness, 0.000'4},
                   Estimate{0.91, 0.001}};
  return policy;
}

void compare(Report& report) {
  Comparison comparison;
  const PolicyReport& a = report.policies[0];
  const PolicyReport& b = report.policies[1];
  comparison.cost_difference_mean = b.cost_mean - a.cost_mean;
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    if (!a.metric[i] || !b.metric[i]) continue;
    const double mean = b.metric[i]->mean - a.metric[i]->mean;
    comparison.difference[i] = Estimate{mean, std::abs(mean) * 0.03};
  }
  const std::optional<Estimate>& cost = a[Metric::kCost];
  if (cost && cost->mean > 0) {
    comparison.relative_cost = Estimate{comparison[Metric::kCost]->mean / cost->mean, 0.004};
  }
  comparison.variance_ratio = 14.2;
  report.comparison = comparison;
}

// One good model for all against the cheapest that will do: two classes, 40 tenants.
Report example() {
  Report report;
  report.scenario = "conversation_day";
  report.question =
      "A day of chat traffic goes to one good model. Would routing each class of request to the "
      "cheapest model that is predicted good enough be cheaper?";
  report.assumptions = {
      "Arrivals: Poisson at 5.53 requests a second, the mean rate of the Azure LLM trace 2023.",
      "Class shares, difficulties and skills are assumed: replace them by your own outcomes.",
      "A failed attempt is not billed."};
  report.start = fare::Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23));
  report.span = std::chrono::hours(24);
  report.traffic = "synthetic, 5.53042 requests a second on average";
  report.seed = 1;
  report.replications = kReplications;
  report.price_hash = "0123456789abcdef0123456789abcdef";
  report.models = {"anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-5-5",
                   "google/gemini-3.8-flash"};
  report.classes = {"simple", "complex"};
  for (int i = 1; i <= 40; ++i) report.tenants.push_back(fmt::format("tenant-{:02}", i));
  report.policies = {policy_of("one_model", {{4'778'284, 3'000'000, 15'000'000}}, 1.0),
                     policy_of("tiered",
                               {{716'742, 3'000'000, 15'000'000},
                                {2'628'056, 1'000'000, 5'000'000},
                                {1'433'486, 312'500, 2'500'000}},
                               0.7)};
  report.policies[0].total.by_model.resize(3);
  compare(report);
  return report;
}

Report one_policy() {
  Report report = example();
  report.policies.erase(report.policies.begin());
  report.comparison.reset();
  return report;
}

void set_cost_to_zero(RunResult& total) {
  total.cost = Cost(0);
  for (ModelTally& tally : total.by_model) tally.cost.fill(Cost(0));
  for (auto* groups : {&total.by_class, &total.by_tenant}) {
    for (GroupTally& tally : *groups) tally.cost = Cost(0);
  }
}

Report zero_cost() {
  Report report = example();
  for (PolicyReport& policy : report.policies) {
    set_cost_to_zero(policy.total);
    policy.cost_mean = Cost(0);
    policy.metric[0] = policy.metric[1] = Estimate{0, 0};
  }
  compare(report);
  report.comparison->variance_ratio.reset();
  return report;
}

// Every request is refused.
Report no_answers() {
  Report report = zero_cost();
  for (PolicyReport& policy : report.policies) {
    RunResult& total = policy.total;
    total.by_model.assign(3, ModelTally());
    total.answered = total.from_cache = total.failed = total.judged = 0;
    total.requests = total.refusals();
    for (auto* groups : {&total.by_class, &total.by_tenant}) *groups = split(total, groups->size());
    for (std::size_t i = 4; i < kMetricCount; ++i) policy.metric[i].reset();
    policy.metric[1].reset();
    policy.metric[2] = Estimate{1, 0};
    policy.metric[3] = Estimate{0, 0};
  }
  compare(report);
  return report;
}

Report nothing_modelled() {
  Report report = example();
  for (PolicyReport& policy : report.policies) {
    policy.total.judged = 0;
    policy.metric[10].reset();
    policy.metric[11].reset();
  }
  compare(report);
  return report;
}

Report same_policy_twice() {
  Report report = example();
  report.policies[0] = report.policies[1];
  compare(report);
  report.comparison->variance_ratio.reset();
  return report;
}

Report one_replication() {
  Report report = example();
  report.replications = 1;
  for (PolicyReport& policy : report.policies) {
    policy.cost_mean = policy.total.cost;
    policy.metric[0]->mean *= kReplications;
    for (std::optional<Estimate>& estimate : policy.metric) estimate->half_width.reset();
  }
  compare(report);
  for (std::optional<Estimate>& estimate : report.comparison->difference) {
    estimate->half_width.reset();
  }
  report.comparison->relative_cost->half_width.reset();
  return report;
}

Report huge_numbers() {
  Report report = example();
  constexpr std::int64_t kDear = 1'000'000'000'000;  // A dollar a token.
  report.policies = {
      policy_of("dear", {{90'000'000'000'000, kDear, kDear}, {1, 1, 1}, {3, kDear, 1}}, 1e12),
      policy_of("dearer", {{1, 1, 1}, {90'000'000'000'000, kDear, 5 * kDear}, {3, 1, 1}}, 3e12)};
  compare(report);
  return report;
}

Report many_models() {
  Report report = example();
  report.models.clear();
  std::vector<Load> loads;
  for (std::uint64_t i = 0; i < 13; ++i) {
    report.models.push_back(fmt::format("vendor/model-{}", i));
    loads.push_back({100'000 / (i + 1), 250'001, 1'999'993});
  }
  report.policies = {policy_of("a", loads, 1), policy_of("b", loads, 0.9)};
  compare(report);
  return report;
}

// Faults of several kinds at several models, lines, users who react, attempts held back.
Report faulty() {
  Report report = example();
  RunResult& total = report.policies[1].total;
  const auto break_down = [&total](std::size_t model, std::initializer_list<Fault> faults) {
    ModelTally& tally = total.by_model[model];
    tally.failures = 0;
    for (const Fault fault : faults) {
      const std::uint64_t count = 1'000 + 17 * static_cast<std::uint64_t>(fault);
      tally.faults[static_cast<std::size_t>(fault)] = count;
      tally.failures += count;
    }
  };
  break_down(0, {Fault::kServerError, Fault::kOutage, Fault::kRateLimit});
  break_down(1, {Fault::kCutOff, Fault::kTimeout});
  break_down(2, {Fault::kRegionOutage});
  total.by_model[2].attempts = total.by_model[2].failures;
  total.by_model[0].waits = 4'321;
  total.by_model[0].waited_ns = 4'321 * fare::Int128{1'000'000'000};
  total.by_model[1].cancelled = 765;
  total.degraded = 11'001;
  total.retried = 11'002;
  total.escalated = 11'003;
  total.refused_unpriced = 211;
  for (std::size_t i = 1; i < fare::kTopUpStatusCount; ++i) total.held_back[i] = 12'000 + i;
  return report;
}

PoolTally pool_of(std::uint32_t model, std::int64_t hours, double busy, const char* usd) {
  PoolTally pool{.model = model, .gpus_per_replica = 2, .cost = *fare::parse_usd(usd)};
  pool.replica_ns = Int128{3'600'000'000'000} * hours;
  pool.busy_ns = static_cast<Int128>(static_cast<double>(pool.replica_ns) * busy);
  pool.replicas_max = 7;
  pool.preemptions = 4'242;
  pool.held = 31;
  return pool;
}

// Pools under both policies; with their GPUs the dearer policy is the cheaper one.
Report pooled() {
  Report report = example();
  report.policies[0].total.pools = {pool_of(1, 20, 0.25, "1000"), pool_of(2, 40, 0.5, "2000")};
  report.policies[1].total.pools = {pool_of(1, 60, 0.75, "900000"), pool_of(2, 80, 1, "2000")};
  return report;
}

BudgetForecast budget_of(const std::string& scope, const std::string& limit,
                         std::uint32_t exhausted) {
  const auto dollars = [](const std::string& usd) {
    return *money_half_even(*fare::parse_usd(usd));
  };
  BudgetForecast budget;
  budget.scope = scope;
  budget.budget = "month";
  budget.window = {.begin = example().start, .end = example().start + std::chrono::hours(192)};
  budget.limit = dollars(limit);
  budget.spent_before = dollars("10.5");
  budget.p10 = dollars("20.25");
  budget.p50 = dollars("30.125");
  budget.p90 = dollars("41");
  budget.replications = kReplications;
  budget.exhausted = exhausted;
  budget.probability = {exhausted / 10.0, exhausted / 20.0, 1};
  if (exhausted > 0) budget.exhausted_mean = example().start + std::chrono::hours(60 + exhausted);
  budget.is_over = exhausted == 0;
  return budget;
}

// More budgets than pictures.
Report budgeted() {
  Report report = example();
  for (std::uint32_t i = 0; i < 30; ++i) {
    report.policies[1].budgets.push_back(budget_of(fmt::format("team:{:02}", i),
                                                   i == 3 ? "0.000001" : "42",
                                                   i == 5   ? 9
                                                   : i == 6 ? 6
                                                            : 0));
  }
  report.policies[0].budgets = {budget_of("company", "99.5", 0)};
  return report;
}

Report no_requests() {
  Report report = no_answers();
  for (PolicyReport& policy : report.policies) {
    policy.total.requests = 0;
    policy.total.refused.fill(0);
    for (auto* groups : {&policy.total.by_class, &policy.total.by_tenant}) {
      for (GroupTally& group : *groups) group = {};
    }
    policy.metric[2].reset();
    policy.metric[3].reset();
  }
  compare(report);
  return report;
}

Report with_oracles() {
  Report report = example();
  for (const PolicyReport& policy : report.policies) {
    report.oracles.push_back({.policy = policy.name,
                              .requests = 4'790'000,
                              .unserved = 12,
                              .cost = Cost(policy.cost_mean.count() / 4 * 3)});
  }
  return report;
}

// All sections at once.
Report everything() {
  Report report = faulty();
  for (std::size_t i = 0; i < 2; ++i) {
    report.policies[i].total.pools = pooled().policies[i].total.pools;
    report.policies[i].budgets = budgeted().policies[i].budgets;
  }
  report.oracles = with_oracles().oracles;
  report.policies[0].total.not_priced = 5;
  return report;
}

constexpr std::string_view kHostile = "</style><script>alert(\"1\")</script> & 'x' \x01";

Report hostile_names() {
  Report report = everything();
  const std::string evil(kHostile);
  for (std::string* text : {&report.scenario, &report.question, &report.traffic, &report.price_hash,
                            &report.policies[0].name, &report.policies[0].hash,
                            &report.policies[1].name, &report.policies[1].hash}) {
    *text += evil;
  }
  for (auto* names : {&report.assumptions, &report.models, &report.classes, &report.tenants}) {
    for (std::string& name : *names) name += evil;
  }
  for (PolicyReport& policy : report.policies) {
    for (BudgetForecast& budget : policy.budgets) {
      budget.scope += evil;
      budget.budget += evil;
    }
  }
  report.policies[1].total.not_priced = 3;
  return report;
}

struct Case {
  const char* name;
  Report (*make)();
};

constexpr Case kCases[] = {
    {"example", example},
    {"one_policy", one_policy},
    {"zero_cost", zero_cost},
    {"no_answers", no_answers},
    {"nothing_modelled", nothing_modelled},
    {"same_policy_twice", same_policy_twice},
    {"one_replication", one_replication},
    {"huge_numbers", huge_numbers},
    {"many_models", many_models},
    {"hostile_names", hostile_names},
    {"faulty", faulty},
    {"pooled", pooled},
    {"budgeted", budgeted},
    {"no_requests", no_requests},
    {"with_oracles", with_oracles},
    {"everything", everything},
};

// The first thing that is wrong with the page's syntax; empty if nothing is.  Stricter than HTML:
// all but void elements are closed in order, attributes are in double quotes, ids are unique and
// what refers to them finds them, and & and < stand only where they begin something.
class Syntax {
 public:
  explicit Syntax(std::string_view page) : page_(page) {}

  std::string problem() {
    while (problem_.empty() && at_ < page_.size()) step();
    if (problem_.empty() && !open_.empty()) problem_ = "never closed: " + open_.back();
    for (const std::string& id : wanted_) {
      if (problem_.empty() && !ids_.contains(id)) problem_ = "no such id: " + id;
    }
    return problem_;
  }

 private:
  void fail(const std::string& what) {
    if (problem_.empty()) {
      problem_ = fmt::format("{} at byte {}: {}", what, at_, page_.substr(at_, 60));
    }
  }

  bool starts(std::string_view text) const { return page_.substr(at_).starts_with(text); }

  void step() {
    if (starts("<!DOCTYPE html>") && at_ == 0) {
      at_ += 15;
    } else if (starts("</")) {
      close();
    } else if (starts("<")) {
      open();
    } else if (starts("&")) {
      entity();
    } else if (starts(">")) {
      fail("a bare >");
    } else {
      ++at_;
    }
  }

  void entity() {
    for (const std::string_view one : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"}) {
      if (starts(one)) {
        at_ += one.size();
        return;
      }
    }
    fail("a bare &");
  }

  void close() {
    const std::size_t end = page_.find('>', at_);
    const std::string name(page_.substr(at_ + 2, end - at_ - 2));
    if (open_.empty() || open_.back() != name) return fail("closes what is not open");
    open_.pop_back();
    at_ = end + 1;
  }

  std::string word() {
    const std::size_t begin = at_;
    while (at_ < page_.size() &&
           (std::isalnum(static_cast<unsigned char>(page_[at_])) != 0 || page_[at_] == '-')) {
      ++at_;
    }
    if (at_ == begin) fail("a name is missing");
    return std::string(page_.substr(begin, at_ - begin));
  }

  void open() {
    ++at_;
    const std::string name = word();
    while (problem_.empty() && starts(" ")) {
      ++at_;
      attribute();
    }
    const bool alone = starts("/>");
    if (alone) ++at_;
    if (!starts(">")) return fail("a tag without end");
    ++at_;
    if (alone || name == "meta") return;
    open_.push_back(name);
    if (name == "style") at_ = page_.find("</style>", at_);  // Raw text.
  }

  void attribute() {
    const std::string name = word();
    if (!starts("=\"")) return fail("an attribute without a quoted value");
    at_ += 2;
    const std::size_t begin = at_;
    while (problem_.empty() && at_ < page_.size() && page_[at_] != '"') {
      if (page_[at_] == '<') return fail("< in an attribute");
      page_[at_] == '&' ? entity() : static_cast<void>(++at_);
    }
    const std::string value(page_.substr(begin, at_ - begin));
    ++at_;
    if (name == "id" && !ids_.insert(value).second) fail("the id stands twice: " + value);
    if (name == "href") wanted_.push_back(value.substr(1));
    if (name != "aria-labelledby") return;
    const std::size_t blank = value.find(' ');
    wanted_.push_back(value.substr(0, blank));
    wanted_.push_back(value.substr(blank + 1));
  }

  std::string_view page_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;
  std::set<std::string> ids_;
  std::vector<std::string> wanted_;
  std::string problem_;
};

std::vector<std::string> between(const std::string& text, const std::string& begin,
                                 const std::string& end) {
  std::vector<std::string> found;
  for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    at += begin.size();
    const std::size_t stop = text.find(end, at);
    found.push_back(text.substr(at, stop - at));
    at = stop;
  }
  return found;
}

std::string without_tags(const std::string& html) {
  std::string text;
  bool inside = false;
  for (const char c : html) {
    if (c == '<') inside = true;
    if (!inside) text += c;
    if (c == '>') inside = false;
  }
  return text;
}

// A table as a reader sees it: row 0 is the header.
struct Shown {
  std::string caption;
  std::vector<std::vector<std::string>> rows;

  std::size_t column(const std::string& name) const {
    const auto& header = rows.front();
    const auto found = std::find(header.begin(), header.end(), name);
    EXPECT_NE(found, header.end()) << caption << " has no column " << name;
    return static_cast<std::size_t>(found - header.begin());
  }
};

std::vector<Shown> tables_of(const std::string& page) {
  std::vector<Shown> tables;
  for (const std::string& table : between(page, "<table>", "</table>")) {
    Shown shown{.caption = between(table, "<caption>", "</caption>").front(), .rows = {}};
    for (const std::string& row : between(table, "<tr", "</tr>")) {
      std::vector<std::string> cells;
      // A cell ends where the next begins, so its tags need no telling apart.
      std::string marked = row.substr(row.find('>') + 1);
      for (const char* end : {"</th>", "</td>"}) {
        for (std::size_t at = marked.find(end); at != std::string::npos; at = marked.find(end)) {
          marked.replace(at, 5, "\n");
        }
      }
      for (std::size_t at = 0; at < marked.size(); at = marked.find('\n', at) + 1) {
        cells.push_back(without_tags(marked.substr(at, marked.find('\n', at) - at)));
      }
      // Parts are indented below the sum of their group: they must not be counted twice.
      if (row.starts_with(" class=\"member\"")) cells.front() = "  " + cells.front();
      shown.rows.push_back(std::move(cells));
    }
    tables.push_back(std::move(shown));
  }
  return tables;
}

bool is_member(const std::vector<std::string>& row) { return row.front().starts_with("  "); }

// "$1,234.5678" exactly, "98.7 %" in tenths, "12,345".
Cost dollars(std::string text) {
  std::erase_if(text, [](char c) { return c == '$' || c == ','; });
  const fare::Expected<Cost> cost = fare::parse_usd(text);
  EXPECT_TRUE(cost) << text;
  return cost.value_or(Cost(0));
}

std::int64_t digits(std::string text) {
  std::erase_if(text, [](char c) { return c < '0' || c > '9'; });
  return text.empty() ? 0 : std::stoll(text);
}

std::size_t count_of(const std::string& page, const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) {
    ++count;
  }
  return count;
}

bool contains(const std::string& page, const std::string& text) {
  return page.find(text) != std::string::npos;
}

TEST(HtmlTest, IsWellFormed) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(Syntax(to_html(one.make())).problem(), "");
  }
}

// The checker itself: it must see what it is there for.
TEST(HtmlTest, TheCheckerOfSyntaxSeesWhatIsWrong) {
  EXPECT_EQ(Syntax("<!DOCTYPE html><p class=\"a\">1 &lt; 2<br/></p>").problem(), "");
  for (const char* wrong :
       {"<p>", "</p>", "<p><b></p></b>", "<p class=a></p>", "a & b", "1 > 2",
        "<p id=\"a\"></p><p id=\"a\"></p>", "<a href=\"#b\"></a>", "<p class=\"<\"></p>"}) {
    EXPECT_NE(Syntax(wrong).problem(), "") << wrong;
  }
}

TEST(HtmlTest, SameReportGivesSameBytes) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    EXPECT_EQ(to_html(one.make()), to_html(one.make()));
  }
}

TEST(HtmlTest, NeedsNothingFromElsewhere) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    const std::string page = to_html(one.make());
    for (const char* reference : {"http", "src=", "url(", "@import", "<script", "<link", "<img"}) {
      EXPECT_FALSE(contains(page, reference)) << reference;
    }
    EXPECT_EQ(count_of(page, "href=\""), count_of(page, "href=\"#"));
  }
}

TEST(HtmlTest, NoNumberIsNotANumber) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    const std::string page = to_html(one.make());
    for (const char* text : {"nan%", "nan\"", "nan ", "$nan", "inf%", "inf\"", "$inf", "$-"}) {
      EXPECT_FALSE(contains(page, text)) << text;
    }
  }
}

TEST(HtmlTest, EveryTextOfTheReportIsEscaped) {
  const Report report = hostile_names();
  const std::string page = to_html(report);
  EXPECT_FALSE(contains(page, "<script"));
  EXPECT_FALSE(contains(page, "alert(\"1\")"));
  EXPECT_EQ(count_of(page, "</style>"), 1u);
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  const std::string evil = escaped(kHostile).html;
  EXPECT_TRUE(contains(evil, "&lt;script&gt;alert(&quot;1&quot;)"));
  const std::vector<std::string> texts = {
      report.scenario,   report.question,         report.traffic,
      report.price_hash, report.policies[0].name, report.policies[1].hash,
      report.models[2],  report.classes[1],       report.tenants[3]};
  for (const std::string& text : texts) {
    EXPECT_TRUE(contains(page, escaped(text).html)) << text;
  }
  for (const std::string& text : report.assumptions) {
    EXPECT_TRUE(contains(page, "<li>" + escaped(text).html + "</li>")) << text;
  }
}

TEST(HtmlTest, TheHeadlineIsTheAnswer) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    const Report report = one.make();
    const std::string page = to_html(report);
    ASSERT_EQ(count_of(page, "<h1>"), 1u);
    std::string headline = between(page, "<h1>", "</h1>").front();
    // Some blanks do not break.
    for (std::size_t at; (at = headline.find("\u00a0")) != std::string::npos;) {
      headline.replace(at, 2, " ");
    }
    EXPECT_EQ(headline, escaped(answer_text(report)).html);
  }
}

TEST(HtmlTest, PartsComeInTheOrderInWhichTheyAreAsked) {
  const std::string page = to_html(everything());
  std::size_t before = 0;
  for (const char* part :
       {"<h1>", "class=\"verdicts\"", "class=\"warning\"", "class=\"caveats\"",
        "class=\"question\"", "class=\"facts\"", "id=\"bar-0-title\"", "id=\"difference-title\"",
        "id=\"figures\"", "id=\"money\"", "id=\"latency\"", "id=\"quality\"", "id=\"counts\"",
        "id=\"budgets\"", "id=\"pools\"", "id=\"faults\"", "id=\"assumptions\"",
        "id=\"identity\""}) {
    const std::size_t at = page.find(part);
    ASSERT_NE(at, std::string::npos) << part;
    EXPECT_GT(at, before) << part;
    before = at;
  }
}

// What somebody gets who adds up the rows of a table of money.
struct Sums {
  Cost exact;
  Cost mean;
  std::int64_t tenths = 0;

  void add(const std::vector<std::string>& row, std::size_t exact_column, std::size_t mean_column,
           std::size_t share_column) {
    exact += dollars(row[exact_column]);
    // "< $0.01" is what rounds to nothing.
    if (!row[mean_column].starts_with("&lt;")) mean += dollars(row[mean_column]);
    tenths += digits(row[share_column]);
  }
  friend bool operator==(const Sums&, const Sums&) = default;
};

// Goal: whoever adds up a column of dollars gets the total below it, to the last digit.
// Method: reads the tables back from the page and adds up what is shown.
TEST(HtmlTest, ShownAmountsAddUpToTheShownTotals) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    const Report report = one.make();
    std::size_t policy = 0;
    for (const Shown& table : tables_of(to_html(report))) {
      if (!table.caption.starts_with("By ")) continue;
      SCOPED_TRACE(table.caption);
      const std::size_t cost = table.rows.front().size() - 1;
      const std::size_t share = table.column("Share");
      const std::size_t mean = report.replications > 1 ? table.column("Mean cost") : cost;
      Sums rows;
      Sums members;
      for (std::size_t i = 1; i + 1 < table.rows.size(); ++i) {
        (is_member(table.rows[i]) ? members : rows).add(table.rows[i], cost, mean, share);
      }
      Sums total;
      total.add(table.rows.back(), cost, mean, share);
      EXPECT_EQ(rows, total);
      if (table.caption.starts_with("By model")) {
        EXPECT_EQ(members, total);
      }
      EXPECT_EQ(total.exact, report.policies[policy].total.cost);
      if (table.caption == "By tenant") ++policy;
    }
    EXPECT_EQ(policy, report.policies.size());
  }
}

TEST(HtmlTest, TheLegendAddsUpToTheRoundedCost) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    const Report report = one.make();
    const Shown legend = tables_of(to_html(report)).front();
    ASSERT_TRUE(legend.caption.starts_with("Cost by model"));
    for (std::size_t i = 0; i < report.policies.size(); ++i) {
      Cost sum;
      for (std::size_t row = 1; row + 1 < legend.rows.size(); ++row) {
        const std::string& text = legend.rows[row][i + 1];
        if (!text.starts_with("&lt;")) sum += dollars(text);
      }
      EXPECT_EQ(sum, dollars(legend.rows.back()[i + 1]));
      EXPECT_EQ(legend.rows.back()[i + 1], dollars_text(report.policies[i].cost_mean));
    }
  }
}

// A model's cost is the same figure wherever it stands.
TEST(HtmlTest, TheLegendAgreesWithTheTableOfModels) {
  int compared = 0;
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    const std::vector<Shown> tables = tables_of(to_html(one.make()));
    std::size_t policy = 0;
    for (const Shown& table : tables) {
      if (!table.caption.starts_with("By model")) continue;
      ++policy;
      if (table.rows[0][4] != "Mean cost") continue;
      for (const std::vector<std::string>& row : table.rows) {
        for (const std::vector<std::string>& legend : tables.front().rows) {
          if (legend[0].substr(1) != row[0]) continue;  // The first letter is the colour's number.
          EXPECT_EQ(legend[policy], row[4]) << row[0];
          ++compared;
        }
      }
    }
  }
  EXPECT_GT(compared, 30);
}

TEST(HtmlTest, RequestsAddUp) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    for (const Shown& table : tables_of(to_html(one.make()))) {
      if (!table.caption.starts_with("What became")) continue;
      for (std::size_t column = 1; column < table.rows.front().size(); ++column) {
        std::int64_t sum = 0;
        for (std::size_t row = 1; row + 1 < table.rows.size(); ++row) {
          sum += digits(table.rows[row][column]);
        }
        EXPECT_EQ(sum, digits(table.rows.back()[column])) << "column " << column;
      }
    }
  }
}

TEST(HtmlTest, ShowsTheTenDearestTenantsAndTheOthersInOne) {
  for (const Shown& table : tables_of(to_html(example()))) {
    if (table.caption != "By tenant") continue;
    ASSERT_EQ(table.rows.size(), 13u);  // Header, ten, others, total.
    EXPECT_EQ(table.rows[11][0], "30 others");
    const std::size_t cost = table.column("Exact sum of 10");
    for (std::size_t i = 2; i <= 10; ++i) {
      EXPECT_LE(dollars(table.rows[i][cost]), dollars(table.rows[i - 1][cost]));
    }
  }
}

TEST(HtmlTest, ShowsEveryMetricWithItsDifferenceAndInterval) {
  const Report report = example();
  const Shown table = tables_of(to_html(report))[1];
  ASSERT_EQ(table.rows.size(), kMetricCount + 1);
  EXPECT_EQ(table.rows[0], (std::vector<std::string>{"Figure", "one_model", "tiered", "Difference",
                                                     "95 % interval"}));
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const auto metric = static_cast<Metric>(i);
    const std::vector<std::string>& row = table.rows[i + 1];
    EXPECT_EQ(row[0], label(metric));
    const Estimate& difference = *(*report.comparison)[metric];
    EXPECT_EQ(row[3], difference_text(metric, difference.mean));
    EXPECT_EQ(row[4], interval_text(metric, difference));
  }
}

TEST(HtmlTest, SaysWhenADifferenceCouldBeChance) {
  Report report = example();
  EXPECT_FALSE(contains(to_html(report), "includes 0"));
  Estimate& cost = *report.comparison->difference[0];
  cost.half_width = std::abs(cost.mean) * 2;
  const std::string page = to_html(report);
  EXPECT_TRUE(contains(page, "includes 0"));
  EXPECT_TRUE(contains(page, "It includes zero: that could be chance."));
}

TEST(HtmlTest, SaysWhyAFigureIsMissing) {
  const Shown quality = tables_of(to_html(nothing_modelled()))[1];
  EXPECT_EQ(quality.rows[11][1], "not modelled");
  EXPECT_EQ(quality.rows[12][2], "not modelled");
  const std::string page = to_html(no_answers());
  const Shown latency = tables_of(page)[1];
  for (std::size_t i = 5; i <= kMetricCount; ++i) EXPECT_EQ(latency.rows[i][1], "no answers");
  EXPECT_FALSE(contains(page, "class=\"range-chart\""));
  Report no_floor = example();
  no_floor.policies[1].total.with_floor = 0;
  no_floor.policies[1].metric[11].reset();
  EXPECT_EQ(tables_of(to_html(no_floor))[1].rows[12][2], "no rule has a floor");
  Report sometimes = example();
  sometimes.policies[0].metric[4].reset();
  sometimes.comparison->difference[4].reset();
  EXPECT_EQ(tables_of(to_html(sometimes))[1].rows[5][1], "not in every replication");
}

TEST(HtmlTest, WarnsTwiceOfACostThatIsNotWhole) {
  Report report = example();
  EXPECT_FALSE(contains(to_html(report), "class=\"warning\""));
  report.policies[1].total.not_priced = 1'234;
  const std::string page = to_html(report);
  EXPECT_EQ(count_of(page, "<p class=\"warning\">"), 2u);
  EXPECT_TRUE(contains(page, "The cost of tiered is not whole:</strong> 1,234 of its"));
  EXPECT_LT(page.find("class=\"warning\""), page.find("<main>"));
}

std::string header_of(const std::string& page) { return page.substr(0, page.find("<main>")); }

// Goal: nobody reads the answer without what it rests on.
TEST(HtmlTest, EveryNoteStandsAboveTheAnswer) {
  int notes = 0;
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    const Report report = one.make();
    const std::string top = header_of(to_html(report));
    const std::vector<std::string> labels = policy_labels(report);
    for (std::size_t i = 0; i < report.policies.size(); ++i) {
      const RunResult& total = report.policies[i].total;
      for (const Note& note : notes_of(total)) {
        const std::string sentence = note_sentence(report, labels[i], total, note);
        EXPECT_TRUE(contains(top, "<li>" + escaped(sentence).html + "</li>")) << sentence;
        if (note.model) {
          EXPECT_TRUE(contains(sentence, report.models[*note.model]));
        }
        if (note.fault != Fault::kNone) {
          EXPECT_TRUE(contains(
              sentence, fmt::format("{} ({})", words_of(note.fault), count_text(note.count))));
        }
        ++notes;
      }
    }
    EXPECT_EQ(contains(top, "class=\"caveats\""), !caveats(report).empty());
  }
  EXPECT_GT(notes, 15);
}

TEST(HtmlTest, AnOrdinaryReportHasNothingToWarnOf) {
  EXPECT_TRUE(caveats(example()).empty());
  const std::string page = to_html(example());
  for (const char* id : {"budgets", "pools"}) {
    EXPECT_FALSE(contains(page, fmt::format("id=\"{}\"", id))) << id;
    EXPECT_FALSE(contains(page, fmt::format("#{}\"", id))) << id;
  }
}

TEST(HtmlTest, SaysWhenCostsAreOfUnequalWork) {
  Report report = example();
  RunResult& total = report.policies[1].total;
  total.refused[static_cast<std::size_t>(fare::Refusal::kOverBudget)] += total.requests;
  total.requests *= 2;
  const std::string top = header_of(to_html(report));
  const auto share = [](const RunResult& one) {
    return 100 * static_cast<double>(one.answered + one.from_cache) /
           static_cast<double>(one.requests);
  };
  EXPECT_TRUE(contains(top, fmt::format("not of the same work: one_model answers {:.2f} % of its "
                                        "requests, tiered answers {:.2f} % of its requests.",
                                        share(report.policies[0].total), share(total))));
  EXPECT_TRUE(contains(top, "Compare the cost per answer."));
}

// With its GPUs the policy of the headline is not the cheaper one.
TEST(HtmlTest, SaysWhatGpusCostBesidesAndWhoIsCheaperThen) {
  const Report report = pooled();
  const std::string page = to_html(report);
  ASSERT_TRUE(contains(answer_text(report), "tiered costs "));
  ASSERT_TRUE(contains(answer_text(report), " less than one_model"));
  EXPECT_TRUE(contains(header_of(page),
                       "GPUs of pools cost $300.00 under one_model and $90,200.00 "
                       "under tiered, which no figure of cost includes. With "
                       "them tiered costs "));
  EXPECT_TRUE(contains(header_of(page), " more than one_model."));
  EXPECT_TRUE(contains(page, "+ $90,200.00 for GPUs"));
  EXPECT_EQ(count_of(page, "segment fill-9"), 2u);
}

TEST(HtmlTest, EveryPoolIsNamedWithItsFigures) {
  const Report report = pooled();
  const std::string page = to_html(report);
  EXPECT_EQ(count_of(page, "<svg class=\"share-bar\""), 4u);
  std::size_t rows = 0;
  for (const Shown& table : tables_of(page)) {
    if (!table.caption.starts_with("Pools")) continue;
    for (std::size_t i = 0; i < report.policies.size(); ++i) {
      for (const PoolTally& pool : report.policies[i].total.pools) {
        const std::vector<std::string>& row = table.rows[++rows];
        EXPECT_EQ(row[table.column("Pool")], report.models[pool.model]);
        EXPECT_EQ(row[table.column("Policy")], report.policies[i].name);
        EXPECT_EQ(row[table.column("Busy")], fmt::format("{:.1f} %", pool.utilisation() * 100));
        EXPECT_EQ(dollars(row[table.column("GPU cost")]), mean_of(pool.cost, kReplications));
        EXPECT_EQ(row[table.column("Preempted")], "4,242");
        EXPECT_EQ(row[table.column("Found none ready")], "31");
      }
    }
  }
  EXPECT_EQ(rows, 4u);
}

TEST(HtmlTest, EveryBudgetIsNamedWithItsFigures) {
  const Report report = budgeted();
  const std::string page = to_html(report);
  EXPECT_EQ(count_of(page, "<svg class=\"budget-chart\""), 25u);
  EXPECT_TRUE(contains(page, "The first 24 of 30; the table has all."));
  std::vector<const BudgetForecast*> budgets;
  for (const PolicyReport& policy : report.policies) {
    for (const BudgetForecast& one : policy.budgets) budgets.push_back(&one);
  }
  std::size_t at = 0;
  for (const Shown& table : tables_of(page)) {
    if (!table.caption.starts_with("Every budget")) continue;
    for (std::size_t i = 1; i < table.rows.size(); ++i) {
      const std::vector<std::string>& row = table.rows[i];
      const BudgetForecast& budget = *budgets.at(at++);
      EXPECT_EQ(row[table.column("Scope")], budget.scope);
      EXPECT_EQ(money_half_even(dollars(row[table.column("Limit")])), budget.limit);
      EXPECT_EQ(row[table.column("P10")], "$20.25");
      EXPECT_EQ(row[table.column("P90")], "$41.00");
      EXPECT_EQ(row[table.column("Runs out")], fmt::format("{} %", budget.exhausted * 10));
      EXPECT_EQ(row[table.column("About")] == "-", budget.exhausted == 0);
    }
  }
  EXPECT_EQ(at, budgets.size());
  // Six of ten come before nine of ten, as that budget runs out earlier.
  EXPECT_TRUE(contains(header_of(page),
                       "Under tiered 2 of 30 budgets are likely to run out, team:06 "
                       "month first, about 2026-11-25 18:00 UTC."));
}

TEST(HtmlTest, EveryFaultWaitAndHeldBackAttemptIsCounted) {
  const Report report = faulty();
  const std::string page = to_html(report);
  const std::vector<Shown> tables = tables_of(page);
  std::set<std::string> cells;
  for (const Shown& table : tables) {
    for (const auto& row : table.rows) {
      for (const std::string& cell : row) cells.insert(cell.substr(0, cell.find(' ')));
    }
  }
  const RunResult& total = report.policies[1].total;
  std::vector<std::uint64_t> counts = {total.degraded, total.retried, total.escalated,
                                       total.refused_unpriced};
  for (std::size_t i = 1; i < fare::kTopUpStatusCount; ++i) counts.push_back(total.held_back[i]);
  for (const ModelTally& tally : total.by_model) {
    counts.insert(counts.end(), {tally.failures, tally.waits, tally.cancelled});
    counts.insert(counts.end(), tally.faults.begin(), tally.faults.end());
  }
  for (const std::uint64_t count : counts) {
    EXPECT_TRUE(count == 0 || cells.contains(count_text(count))) << count;
  }
  EXPECT_TRUE(contains(page, "<td>1000 ms</td>"));  // The mean of 4,321 waits.
}

TEST(HtmlTest, EveryChangeHasItsVerdict) {
  Report report = example();
  report.comparison->difference[3] = Estimate{0.001, 0.002};
  report.comparison->difference[2] = Estimate{0, 0};
  const std::string page = to_html(report);
  const std::vector<std::string> rows = between(page, "<div class=\"change\"><span", "</div>");
  ASSERT_EQ(rows.size(), kMetricCount);
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const auto metric = static_cast<Metric>(i);
    SCOPED_TRACE(label(metric));
    const double mean = (*report.comparison)[metric]->mean;
    const bool quality = metric == Metric::kQuality || metric == Metric::kAboveFloor;
    const bool open = mean == 0 || i == 3;
    const std::string style = open ? "open" : (mean < 0) != quality ? "better" : "worse";
    const std::string words = mean == 0 ? "the same" : open ? "could be chance" : style;
    EXPECT_TRUE(contains(rows[i], fmt::format("verdict {}\">{}<", style, words)));
    EXPECT_TRUE(contains(rows[i], fmt::format("class=\"point {}\"", style)));
  }
  const std::string top = header_of(page);
  EXPECT_TRUE(contains(top, "<li>Could be chance: failed.</li>"));
  EXPECT_TRUE(contains(top, "<li>Worse under tiered: quality.</li>"));
}

// Places in pictures are percentages of their width: the ends of whiskers are those of intervals.
TEST(SvgTest, WhiskersReachFromEndToEndOfTheInterval) {
  const Scale scale{.low = -10, .high = 30};
  const std::string svg = interval_chart({.id = "i", .title = "t", .description = "d"},
                                         {.mean = 5, .half_width = 7.5}, scale, "better");
  EXPECT_TRUE(
      contains(svg, "<line class=\"range better\" x1=\"18.750%\" y1=\"12\" x2=\"56.250%\""));
  EXPECT_TRUE(
      contains(svg, "<svg class=\"marker\" x=\"37.500%\" y=\"12\"><path class=\"point better\""));
  EXPECT_TRUE(contains(svg, "<line class=\"zero\" x1=\"25.000%\""));
  const std::string sure = interval_chart({.id = "i", .title = "t", .description = "d"},
                                          {.mean = 5, .half_width = 0}, scale, "better");
  EXPECT_FALSE(contains(sure, "class=\"range"));
}

TEST(SvgTest, ScalesHoldAllIntervals) {
  const std::vector<Estimate> estimates = {{5, 1}, {-3, std::nullopt}, {2, 0.5}};
  for (const bool with_zero : {false, true}) {
    const Scale scale = scale_around(estimates, with_zero);
    EXPECT_LT(scale.low, -3);
    EXPECT_GT(scale.high, 6);
  }
  EXPECT_LT(scale_around({{5, 1}}, true).low, 0);
  EXPECT_GT(scale_around({{5, 1}}, false).low, 3);
  for (const double value : {0.0, 7.0, -7.0}) {  // No length, but a scale has one.
    const Scale scale = scale_around({{value, 0}}, false);
    EXPECT_LT(scale.low, value);
    EXPECT_GT(scale.high, value);
  }
  EXPECT_EQ(scale_from_zero({{8, 2}, {9, 0}}).low, 0);
  EXPECT_GT(scale_from_zero({{8, 2}, {9, 0}}).high, 10);
  EXPECT_EQ(scale_from_zero({}).high, 1);
}

TEST(HtmlTest, WhatNeverHappenedHasNoPicture) {
  Report report = example();
  EXPECT_TRUE(contains(to_html(report), "id=\"share-2-1-title\""));
  for (PolicyReport& policy : report.policies) policy.metric[2] = Estimate{0, 0};
  const std::string page = to_html(report);
  EXPECT_FALSE(contains(page, "id=\"share-2-"));
  EXPECT_TRUE(contains(page, "id=\"share-3-1-title\""));
  EXPECT_FALSE(contains(page, "-100 %"));
}

TEST(HtmlTest, EveryHeaderCellSaysWhatItHeads) {
  for (const Case& one : kCases) {
    const std::string page = to_html(one.make());
    EXPECT_EQ(count_of(page, "<th"), count_of(page, "<th scope=") + count_of(page, "<thead"))
        << one.name;
    EXPECT_EQ(count_of(page, "<table"), count_of(page, "<caption>")) << one.name;
  }
}

TEST(HtmlTest, ARunHasOneBarAndNoDifference) {
  const std::string page = to_html(one_policy());
  EXPECT_EQ(count_of(page, "<svg class=\"bar\""), 1u);
  EXPECT_FALSE(contains(page, "<svg class=\"difference\""));
  EXPECT_FALSE(contains(page, "Difference"));
}

TEST(HtmlTest, OneReplicationHasNoInterval) {
  const std::string page = to_html(one_replication());
  EXPECT_TRUE(contains(page, "<svg class=\"difference\""));
  EXPECT_FALSE(contains(page, "<line class=\"interval\""));
  EXPECT_EQ(tables_of(page)[1].rows[1][4], "one replication");
  EXPECT_FALSE(contains(page, "±"));
}

TEST(HtmlTest, APolicyComparedWithItselfIsToldApart) {
  const std::string page = to_html(same_policy_twice());
  EXPECT_TRUE(contains(page, "tiered (a)"));
  EXPECT_TRUE(contains(page, "tiered (b)"));
  EXPECT_EQ(tables_of(page)[1].rows[1][3], "0");
  EXPECT_EQ(tables_of(page)[1].rows[1][4],
            interval_text(Metric::kCost, {.mean = 0, .half_width = 0}));
}

TEST(HtmlTest, ManyModelsShareOneColour) {
  const std::string page = to_html(many_models());
  EXPECT_TRUE(contains(page, "6 other models"));
  EXPECT_FALSE(contains(page, "swatch fill-9"));
  EXPECT_FALSE(contains(page, "segment fill-9"));
}

TEST(HtmlTest, PicturesHaveATitleAndADescription) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    const std::string page = to_html(one.make());
    const std::size_t pictures = count_of(page, "role=\"img\"");
    EXPECT_GE(pictures, 1u);
    EXPECT_EQ(count_of(page, "<desc id="), pictures);
    EXPECT_EQ(count_of(page, "<title id="), pictures);
  }
}

TEST(HtmlTest, NamesWhatIdentifiesTheRun) {
  const std::string page = to_html(example());
  for (const char* text : {"<code>2026-11-23T00:00:00Z</code>",
                           "<code>0123456789abcdef0123456789abcdef</code>", "<code>1</code>"}) {
    EXPECT_TRUE(contains(page, text)) << text;
  }
}

// The value of a variable or of a fill in a part of the style sheet, as red, green and blue.
std::array<double, 3> colour(std::string_view css, const std::string& name) {
  const std::size_t at = css.find(name);
  EXPECT_NE(at, std::string_view::npos) << name;
  std::string hex(css.substr(css.find('#', at) + 1, 6));
  if (const std::size_t end = hex.find(';'); end == 3) {
    hex = {hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]};
  }
  std::array<double, 3> rgb;
  for (std::size_t i = 0; i < 3; ++i) rgb[i] = std::stoi(hex.substr(i * 2, 2), nullptr, 16) / 255.0;
  return rgb;
}

// The contrast of two colours by WCAG 2.2: 1 (none) to 21.
double contrast(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  const auto luminance = [](const std::array<double, 3>& rgb) {
    constexpr std::array<double, 3> kWeights = {0.2126, 0.7152, 0.0722};
    double sum = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      sum += kWeights[i] *
             (rgb[i] <= 0.04045 ? rgb[i] / 12.92 : std::pow((rgb[i] + 0.055) / 1.055, 2.4));
    }
    return sum;
  };
  const double light = std::max(luminance(a), luminance(b)) + 0.05;
  const double dark = std::min(luminance(a), luminance(b)) + 0.05;
  return light / dark;
}

TEST(HtmlTest, ColoursMeetWcagAaInLightAndDark) {
  const std::size_t split = kStyleSheet.find("prefers-color-scheme: dark");
  ASSERT_NE(split, std::string_view::npos);
  for (const std::string_view css : {kStyleSheet.substr(0, split), kStyleSheet.substr(split)}) {
    SCOPED_TRACE(css.substr(0, 30));
    for (const char* text : {"--ink:", "--muted:", "--accent:", "--better:", "--worse:"}) {
      EXPECT_GE(contrast(colour(css, text), colour(css, "--paper:")), 4.5) << text;
    }
    for (const char* paper : {"--tint:", "--panel:", "--warn-paper:"}) {
      EXPECT_GE(contrast(colour(css, "--ink:"), colour(css, paper)), 4.5) << paper;
    }
    // The limit and the whiskers lie on what was spent and on the halo.
    EXPECT_GE(contrast(colour(css, "--edge:"), colour(css, "--panel:")), 3);
    for (const char* mark : {"--policy-0:", "--policy-1:", "--warn-line:", "--edge:"}) {
      EXPECT_GE(contrast(colour(css, mark), colour(css, "--paper:")), 3) << mark;
    }
  }
  for (int fill = 1; fill <= 8; ++fill) {
    const double ink = fill == 1 ? 1 : 0;
    EXPECT_GE(contrast(colour(kStyleSheet, fmt::format(".fill-{} {{", fill)), {ink, ink, ink}), 4.5)
        << fill;
  }
}

TEST(FormatTest, AnIntervalIsNotTornApart) {
  for (std::size_t length = 50; length < 78; ++length) {
    const std::string lines =
        wrapped(std::string(length, 'x') + " interval ± $12.34, and on", "  ");
    EXPECT_TRUE(contains(lines, "± $12.34,")) << lines;
    for (const std::string& line : between("\n" + lines, "\n", "\n")) EXPECT_LE(line.size(), 80u);
  }
}

// Goal: rounded parts add up, and none is off by one or more.
// Method: seeded parts of very different sizes; a failure prints the seed.
TEST(ApportionTest, AddsUpAndStaysWithinOne) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::uint64_t state = seed;
    std::vector<Int128> parts;
    Int128 whole = 0;
    for (std::uint64_t i = 0; i < seed % 17 + 1; ++i) {
      state = state * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
      parts.push_back(static_cast<Int128>(state >> (state % 60)) * 1'000);
      whole += parts.back() / 1'000;
    }
    if (whole == 0) continue;
    const std::vector<Int128> shares = apportion(parts, whole, 1'000);
    Int128 sum = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      sum += shares[i];
      EXPECT_TRUE(shares[i] * whole - parts[i] < whole);
      EXPECT_TRUE(parts[i] - shares[i] * whole < whole);
    }
    EXPECT_TRUE(sum == 1'000);
  }
}

}  // namespace
}  // namespace routesim
