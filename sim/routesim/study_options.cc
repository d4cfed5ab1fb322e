#include "routesim/study_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/nearest.h"
#include "report/html.h"
#include "report/json.h"
#include "report/text.h"
#include "routesim/commands.h"
#include "routesim/progress.h"
#include "study/report.h"

namespace routesim {
namespace {

using fare::ErrorCode;

fare::Expected<std::vector<const Variant*>> find_variants(const Scenario& scenario,
                                                          const std::string& path,
                                                          const std::vector<std::string>& names,
                                                          std::size_t count) {
  std::vector<const Variant*> found;
  fare::Errors errors;
  std::vector<std::string_view> known;
  for (const Variant& variant : scenario.variants) known.push_back(variant.name);
  for (const std::string& name : names) {
    const auto position = std::find(known.begin(), known.end(), name);
    if (position != known.end()) {
      found.push_back(&scenario.variants[static_cast<std::size_t>(position - known.begin())]);
      continue;
    }
    const std::string hint = fare::did_you_mean(fare::nearest(name, known));
    errors.push_back({ErrorCode::kUnknownName, "--policy",
                      fmt::format("\"{}\" is not a policy of {}, which has {}{}", name, path,
                                  fmt::join(known, ", "), hint)});
  }
  if (names.empty()) {
    if (known.size() < count) {
      errors.push_back({ErrorCode::kMissingKey, path,
                        fmt::format("has {} policy, but {} are needed", known.size(), count)});
    }
    for (std::size_t i = 0; i < std::min(count, known.size()); ++i) {
      found.push_back(&scenario.variants[i]);
    }
  }
  if (!errors.empty()) return tl::unexpected<fare::Errors>(std::move(errors));
  return found;
}

fare::Errors write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return {};
  return {
      {ErrorCode::kIo, path.string(), "cannot be written: check the folder and its permissions"}};
}

fare::Errors write_all(const Report& report, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return {{ErrorCode::kIo, folder, "cannot be created: " + error.message()}};
  }
  const std::filesystem::path base(folder);
  fare::Errors errors;
  for (const auto& [name, text] :
       {std::pair{"report.json", to_json(report)}, std::pair{"report.csv", to_csv(report)},
        std::pair{"report.html", to_html(report)}}) {
    for (fare::Error& one : write_file(base / name, text)) errors.push_back(std::move(one));
  }
  return errors;
}

fare::Expected<std::vector<Oracle>> oracles_of(const Scenario& scenario,
                                               const std::vector<const Variant*>& variants) {
  std::vector<Oracle> oracles;
  fare::Errors errors;
  for (const Variant* variant : variants) {
    fare::Expected<Oracle> one = oracle_of(scenario, *variant);
    if (one) {
      oracles.push_back(std::move(*one));
    } else {
      errors.insert(errors.end(), one.error().begin(), one.error().end());
    }
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return oracles;
}

// What was odd about the trace, once, on stderr.
void mention_trace(const Scenario& scenario, bool quiet) {
  if (quiet || !scenario.traffic.trace) return;
  const Trace& trace = *scenario.traffic.trace;
  if (trace.out_of_order > 0) {
    fmt::print(stderr, "note: {}: {} rows were out of order and have been sorted\n", trace.name,
               trace.out_of_order);
  }
  if (trace.bad_lines.empty()) return;
  fmt::print(stderr, "note: {}: {} of {} lines were skipped; the first: {}", trace.name,
             trace.bad_lines.size(), trace.lines, fare::to_text({trace.bad_lines.front()}));
}

}  // namespace

Style style_of_stdout() {
  return {.colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr};
}

int complain(const fare::Errors& errors) {
  for (const fare::Error& error : errors) {
    fmt::print(stderr, "error: {}", fare::to_text({error}));
  }
  return kBadInput;
}

void add_simulation_options(CLI::App& command, StudyOptions& options) {
  command.add_option("scenario", options.scenario, "The scenario file")
      ->required()
      ->type_name("FILE");
  command.add_option("--seed", options.overrides.seed, "Another seed than the scenario's")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--replications", options.overrides.replications,
                  "How often to simulate; intervals need at least 2")
      ->check(CLI::Range(1, 1'000));
  command
      .add_option("--trace", options.overrides.trace,
                  "Replay this recording (CSV or JSON lines, .gz too)")
      ->type_name("FILE");
  command
      .add_option("--trace-format", options.overrides.trace_format,
                  "auto, azure, mooncake, plain, jsonl, ragpulse, bailian, burstgpt: times and "
                  "lengths; servegen: clients; claude-code, mooncake-prompts, ragpulse-prompts: "
                  "prompts by block")
      ->type_name("NAME");
  command.add_flag("--open-loop", options.overrides.open_loop,
                   "Of claude-code: calls come when they came, whatever the answers do");
  command
      .add_option("--prices", options.overrides.prices,
                  "Another folder or file of price tables than the scenario's")
      ->type_name("PATH");
  command.add_option("--threads", options.threads, "Default: all cores; the result is the same")
      ->check(CLI::Range(1, 256));
  command.add_flag("--json", options.json, "Print JSON instead of tables");
  command.add_flag("--quiet", options.quiet, "Print no progress and no notes");
}

void add_study_options(CLI::App& command, StudyOptions& options) {
  add_simulation_options(command, options);
  command
      .add_option("--out", options.out, "Write report.html, report.json, report.csv to a folder")
      ->type_name("DIR");
  command
      .add_option("--scorer", options.overrides.scorer,
                  "The judge who scores the cascades of a policy given as a FILE.json; default: "
                  "the only one that the scenario's policies name")
      ->type_name("NAME");
  command.add_flag("--oracle", options.oracle,
                   "Also the least that all of it can cost under the same floors and limits");
}

int run_study(const StudyOptions& options, const std::vector<std::string>& policies,
              std::size_t count) {
  ScenarioOverrides overrides = options.overrides;
  std::copy_if(policies.begin(), policies.end(), std::back_inserter(overrides.policies),
               [](const std::string& name) { return name.ends_with(".json"); });
  const fare::Expected<Scenario> scenario = load_scenario(options.scenario, overrides);
  if (!scenario) return complain(scenario.error());
  const auto variants = find_variants(*scenario, options.scenario, policies, count);
  if (!variants) return complain(variants.error());
  fare::Expected<std::vector<Oracle>> oracles;
  if (options.oracle) oracles = oracles_of(*scenario, *variants);
  if (!oracles) return complain(oracles.error());
  mention_trace(*scenario, options.quiet);
  const unsigned threads =
      options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  std::atomic<std::uint64_t> done{0};
  const auto runs = static_cast<double>(variants->size() * scenario->replications);
  Report report = [&] {
    const Progress progress(done, expected_requests(scenario->traffic) * runs, !options.quiet);
    return study(*scenario, *variants, threads, done);
  }();
  report.oracles = std::move(*oracles);
  const std::string text = options.json ? to_json(report) : to_text(report, style_of_stdout());
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!options.out.empty()) {
    const fare::Errors errors = write_all(report, options.out);
    if (!errors.empty()) return complain(errors);
    if (!options.quiet && !options.json) {
      fmt::print("\nWritten: {0}/report.html, {0}/report.json, {0}/report.csv\n", options.out);
    }
  }
  const bool all_priced = std::all_of(report.policies.begin(), report.policies.end(),
                                      [](const auto& one) { return one.total.not_priced == 0; });
  return all_priced ? kGood : kNo;
}

}  // namespace routesim
