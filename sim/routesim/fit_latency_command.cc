#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json_reader.h"
#include "report/table.h"
#include "routesim/commands.h"
#include "study/files.h"
#include "study/latency_fit_held_out.h"
#include "study/latency_fit_hosted.h"
#include "study/latency_fit_pool.h"
#include "study/latency_fit_pooled.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kSeed = 1;  // Of the draws that a fit is compared by.

struct FitOptions {
  std::string rows;
  std::string format;
  std::string pool;
  std::vector<std::string> priors;
  std::int64_t calibration_rows = 0;
  std::string out;
  bool json = false;
};

// What both kinds of fit end with.
struct FitAnswer {
  Json report;  // Everything, for --json.
  Json world;   // What --out writes.
  std::string text;
};

std::string percent(double share) { return fmt::format("{:+.1f} %", 100 * share); }

Json rounded(double value) { return std::stod(fmt::format("{:.6g}", value)); }

fare::Expected<PoolModel> load_pool(const std::string& path, Json& json) {
  auto text = read_file(path);
  if (!text) return tl::unexpected(std::move(text.error()));
  fare::Problems problems(path);
  const fare::JsonDocument document(*text, problems);
  const auto pool = document.ok() ? read_pool(document.root()) : std::nullopt;
  if (!problems.empty()) return tl::unexpected(problems.take());
  json = Json::parse(*text);
  return *pool;
}

// Why these rows are none that this pool could have served, if so.
std::string why_not_of_pool(const LatencyRows& rows, const PoolModel& pool) {
  if (rows.sessions.size() > 1) {
    return fmt::format("a pool serves rows of one clock, but these have {} sessions",
                       rows.sessions.size());
  }
  std::size_t recorded = 0;
  for (const LatencyRow& row : rows.rows) recorded += row.first_token != kUnrecorded;
  if (recorded < rows.rows.size()) {
    return fmt::format("a pool is fitted to first tokens, but only {} of {} rows have one",
                       recorded, rows.rows.size());
  }
  const PoolReplay replay = replay_pool(rows, pool);
  std::size_t rejected = 0;
  for (const PoolReplay::Answer& answer : replay.answers) rejected += answer.rejected;
  if (rejected == 0) return "";
  return fmt::format("the pool rejects {} of {} rows: it must have room for all of them", rejected,
                     rows.rows.size());
}

Json error_json(const PoolError& error) {
  return {{"measured_ms", rounded(error.measured_mean)},
          {"replayed_ms", rounded(error.replayed_mean)},
          {"error_of_mean", rounded(error.error_of_mean)},
          {"mean_absolute_error", rounded(error.mean_abs_error)}};
}

Json errors_json(const PoolErrors& errors) {
  return {{"rows", errors.rows},
          {"first_token", error_json(errors.first_token)},
          {"per_output_token", error_json(errors.per_output_token)},
          {"end_to_end", error_json(errors.end_to_end)}};
}

std::string errors_text(const std::string& title, const PoolErrors& errors) {
  Table table({"mean", "measured ms", "replayed ms", "error"});
  const auto add = [&table](const char* name, const PoolError& error) {
    table.add({name, fmt::format("{:.1f}", error.measured_mean),
               fmt::format("{:.1f}", error.replayed_mean), percent(error.error_of_mean)});
  };
  add("first token", errors.first_token);
  add("per output token", errors.per_output_token);
  add("end to end", errors.end_to_end);
  return fmt::format("\n{}, {} rows:\n", title, errors.rows) + table.text({});
}

fare::Expected<FitAnswer> answer_pool(const LatencyRows& rows, const FitOptions& options) {
  Json json;
  const auto pool = load_pool(options.pool, json);
  if (!pool) return tl::unexpected(pool.error());
  const std::string why = why_not_of_pool(rows, *pool);
  if (!why.empty()) return fare::fail(ErrorCode::kConflict, "--pool", why);
  PoolFitOptions fit_options{.pool = *pool};
  fit_options.calibration_rows = static_cast<std::size_t>(options.calibration_rows);
  for (const std::string& path : options.priors) {
    Json unused;
    const auto prior = load_pool(path, unused);
    if (!prior) return tl::unexpected(prior.error());
    fit_options.priors.push_back(coefficients_of(prior->batch));
  }
  const PoolFit fit = fit_pool(rows, fit_options);
  if (!fit.in_range) {
    return fare::fail(
        ErrorCode::kOutOfRange, rows.name,
        "no pool answers like this: a coefficient is beyond what \"iteration_us\" allows");
  }
  const PoolReplay replay = replay_pool(rows, fit.pool);
  const std::size_t all = rows.rows.size();
  const std::size_t used = options.calibration_rows == 0
                               ? all
                               : std::min(all, static_cast<std::size_t>(options.calibration_rows));
  const PoolCoefficients found = coefficients_of(fit.pool.batch);
  json["origin"] = fmt::format("fitted: {} rows of {}", used, rows.name).substr(0, 1'000);
  json["iteration_us"] = {{"base", rounded(found[0])},
                          {"per_sequence", rounded(found[1])},
                          {"per_resident_token", rounded(found[2])},
                          {"per_prefill_token", rounded(found[3])}};
  json["overhead_ms"] = rounded(static_cast<double>(fit.pool.overhead.count()) / 1e6);
  FitAnswer answer;
  answer.world = json;
  answer.report = {
      {"rows", rows.name},      {"format", to_string(rows.format)},  {"rounds", fit.rounds},
      {"settled", fit.settled}, {"preemptions", replay.preemptions}, {"pool", json}};
  answer.report["fitted"] = errors_json(compare_pool(rows, replay, 0, used));
  answer.text = fmt::format(
      "An iteration takes {:.1f} us, {:.2f} a sequence, {:.4f} a resident token, {:.2f} a token "
      "of\nprompt; {:.1f} ms pass before.\n",
      found[0], found[1], found[2], found[3], static_cast<double>(fit.pool.overhead.count()) / 1e6);
  answer.text += errors_text("Fitted", compare_pool(rows, replay, 0, used));
  if (used < all) {
    answer.report["held_out"] = errors_json(compare_pool(rows, replay, used, all));
    answer.text += errors_text("Held out", compare_pool(rows, replay, used, all));
  }
  return answer;
}

Json points_json(const std::vector<Distribution::Point>& points) {
  return Json::parse(distribution_json(points));
}

constexpr std::array<const char*, 3> kShareNames = {"p50", "p90", "p99"};

Json hosted_json(const HostedErrors& errors) {
  Json json = {{"rows", errors.rows}};
  for (std::size_t k = 0; k < errors.error.size(); ++k) {
    json[kShareNames[k]] = {{"measured_ms", rounded(errors.measured_ms[k])},
                            {"drawn_ms", rounded(errors.drawn_ms[k])},
                            {"error", rounded(errors.error[k])}};
  }
  return json;
}

void add_row(Table& table, const std::string& name, const HostedErrors& errors) {
  std::vector<std::string> row = {name, fmt::format("{}", errors.rows)};
  for (std::size_t k = 0; k < errors.error.size(); ++k) {
    row.push_back(fmt::format("{:.0f}", errors.measured_ms[k]));
    row.push_back(percent(errors.error[k]));
  }
  table.add(std::move(row));
}

void add_spread(Table& table, const std::string& name, const HostedSpread& spread) {
  std::vector<std::string> row = {name, ""};
  for (const double one : spread) {
    row.push_back("");
    row.push_back(fmt::format("{:.1f} %", 100 * one));
  }
  table.add(std::move(row));
}

// One half of the sessions from the other, if each half has enough.
void cross_check(const LatencyRows& rows, std::uint32_t model, Json& json, Table& table) {
  if (rows.sessions.size() < 2) return;
  const struct {
    SessionHalf fitted, held_out;
    const char* key;
    const char* title;
  } halves[] = {
      {SessionHalf::kEven, SessionHalf::kOdd, "odd_from_even", "  odd sessions from even"},
      {SessionHalf::kOdd, SessionHalf::kEven, "even_from_odd", "  even sessions from odd"}};
  for (const auto& half : halves) {
    const auto fit = fit_or_pool(rows, model, half.fitted);
    if (!fit) continue;
    const HostedItems held_out = hosted_items(rows, model, half.held_out);
    const HostedErrors errors = compare_hosted(held_out, *fit, kSeed);
    if (errors.rows == 0) continue;
    json[half.key] = hosted_json(errors);
    add_row(table, half.title, errors);
    const auto noise =
        held_out_noise(hosted_items(rows, model, half.fitted), held_out, *fit, kSeed);
    if (!noise) continue;
    for (std::size_t k = 0; k < noise->size(); ++k) {
      json[half.key][kShareNames[k]]["noise"] = rounded((*noise)[k]);
    }
    add_spread(table, "    one s.d. of chance", *noise);
  }
}

// What to expect for other sessions.
void expect(const LatencyRows& rows, std::uint32_t model, Json& json, Table& table) {
  const auto expected = held_out_errors(rows, model, kSeed);
  json["held_out"] = nullptr;
  if (!expected) return;
  Json& out = json["held_out"] = {{"trials", expected->trials}};
  for (std::size_t k = 0; k < expected->error.size(); ++k) {
    out[kShareNames[k]] = {{"root_mean_square_error", rounded(expected->error[k])},
                           {"mean_error", rounded(expected->bias[k])}};
  }
  add_spread(table, "  expected, other sessions", expected->error);
}

std::string origin_of(const HostedFit& fit, const LatencyRows& rows) {
  const std::string how =
      fit.own_share < 1 ? fmt::format(", pooled with other models, own share {:.2f}", fit.own_share)
                        : "";
  return fmt::format("fitted: {} rows of {}{}", fit.rows, rows.name, how).substr(0, 1'000);
}

fare::Expected<FitAnswer> answer_hosted(const LatencyRows& rows) {
  FitAnswer answer;
  answer.report = {{"rows", rows.name},
                   {"format", to_string(rows.format)},
                   {"passed_over", rows.passed_over},
                   {"repeated", rows.repeated},
                   {"models", Json::array()},
                   {"not_fitted", Json::array()}};
  answer.world = {{"models", Json::array()}};
  Table table({"total ms", "rows", "p50", "error", "p90", "error", "p99", "error"});
  std::string notes;
  for (std::uint32_t model = 0; model < rows.models.size(); ++model) {
    const std::string& name = rows.models[model];
    const auto fit = fit_or_pool(rows, model, SessionHalf::kAll);
    if (!fit) {
      answer.report["not_fitted"].push_back(name);
      notes += fmt::format("{}: not fitted; needs {} rows, or {} and two other models of {}.\n",
                           name, kHostedRowsMin, kPooledRowsMin, kHostedRowsMin);
      continue;
    }
    if (fit->own_share < 1) {
      notes += fmt::format(
          "{}: only {} rows of {} sessions; the other models' shape, at a level that\n"
          "  its own rows set by {:.0f} %.\n",
          name, fit->rows, fit->sessions, 100 * fit->own_share);
    }
    const Json world = {{"model", name},
                        {"origin", origin_of(*fit, rows)},
                        {"first_token_ms", points_json(fit->first_token_ms)},
                        {"first_token_ms_per_1k_input", rounded(fit->input_effect.per_1k_new)},
                        {"first_token_ms_per_1k_cached", rounded(fit->input_effect.per_1k_cached)},
                        {"ms_per_output_token", points_json(fit->ms_per_output_token)}};
    const HostedErrors errors = compare_hosted(rows, *fit, SessionHalf::kAll, kSeed);
    Json report = {{"model", name},
                   {"rows", fit->rows},
                   {"sessions", fit->sessions},
                   {"own_share", rounded(fit->own_share)},
                   {"with_first_token", fit->with_first_token},
                   {"fitted", hosted_json(errors)}};
    add_row(table, name.empty() ? "all" : name, errors);
    cross_check(rows, model, report, table);
    expect(rows, model, report, table);
    report["world"] = world;
    answer.report["models"].push_back(std::move(report));
    answer.world["models"].push_back(world);
  }
  if (rows.repeated > 0) {
    notes += fmt::format(
        "{} calls stand in an earlier session too: copies of a log, taken as one session.\n",
        rows.repeated);
  }
  answer.text = table.text({}) + notes;
  if (!answer.world["models"].empty()) return answer;
  return fare::fail(
      ErrorCode::kOutOfRange, rows.name,
      fmt::format("has no model of at least {} rows, some of whose later tokens took time",
                  kHostedRowsMin));
}

int run_fit(const FitOptions& options) {
  auto format = parse_latency_format(options.format);
  if (!format) {
    for (fare::Error& error : format.error()) error.where = "--format";
    return complain(format.error());
  }
  if (options.pool.empty() && (!options.priors.empty() || options.calibration_rows > 0)) {
    return complain({{ErrorCode::kMissingKey, "--pool",
                      "--prior and --calibration-rows are for pools: name one with --pool"}});
  }
  const auto rows = read_latency_rows(options.rows, *format);
  if (!rows) return complain(rows.error());
  const auto answer = options.pool.empty() ? answer_hosted(*rows) : answer_pool(*rows, options);
  if (!answer) return complain(answer.error());
  const auto dump = [](const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  };
  if (!options.out.empty()) {
    std::ofstream file(options.out, std::ios::binary);
    file << dump(answer->world);
    if (!file.flush()) {
      return complain({{ErrorCode::kIo, options.out, "cannot be written"}});
    }
  }
  const std::string text = options.json ? dump(answer->report) : answer->text;
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kGood;
}

}  // namespace

void add_fit_latency_command(CLI::App& fit, int& exit_code) {
  auto options = std::make_shared<FitOptions>();
  CLI::App* latency = fit.add_subcommand(
      "latency", "Fit how models answer, hosted ones or a pool of one's own, to measured requests");
  latency->footer(
      "Hosted: a distribution of the first token and one of the time per output token, by model,\n"
      "what new and cached input add, each half of the sessions predicted from the other, beside\n"
      "what chance alone would do, and the error to expect for other sessions.  With --pool: what "
      "an iteration takes.\n"
      "Examples:\n"
      "  routesim fit latency sessions.jsonl.gz --format claude-code --out models.json\n"
      "  routesim fit latency requests.jsonl.gz --format vllm --pool pool.json \\\n"
      "      --calibration-rows 60 --json\n"
      "Exit code: 0 done, 2 bad input.");
  latency->add_option("rows", options->rows, "The measured requests, plain or gzip")->required();
  latency->add_option("--format", options->format, "vllm, claude-code or csv")
      ->required()
      ->type_name("NAME");
  latency
      ->add_option("--pool", options->pool,
                   "The pool that served them: its iteration_us and\noverhead_ms are fitted")
      ->type_name("FILE");
  latency->add_option("--prior", options->priors, "Fitted pools of the same kind; repeatable")
      ->type_name("FILE");
  latency
      ->add_option("--calibration-rows", options->calibration_rows,
                   "Look at the times of the first rows only;\nthe others are predicted")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}))
      ->type_name("ROWS");
  latency->add_option("--out", options->out, "Write the fit as worlds read it")->type_name("FILE");
  latency->add_flag("--json", options->json, "Print JSON instead of text");
  latency->callback([options, &exit_code] { exit_code = run_fit(*options); });
}

}  // namespace routesim
