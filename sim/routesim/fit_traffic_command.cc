#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include "routesim/commands.h"
#include "study/files.h"
#include "study/traffic_fit.h"

namespace routesim {
namespace {

using fare::ErrorCode;

struct Options {
  std::string trace, out, into;
  std::string format = "auto";
  TrafficFitOptions fit;
  bool json = false;
};

// The scenario that --out receives.
fare::Expected<std::string> scenario_of(const TrafficFit& fit, const Options& options) {
  if (options.into.empty()) return scenario_skeleton(fit);
  const auto scenario = read_file(options.into);
  if (!scenario) return tl::unexpected(scenario.error());
  return into_scenario(fit, options.into, *scenario);
}

constexpr const char* kPrompts = "claude-code";

// The fit, and how many lines were skipped, with the first of them.
struct Fitted {
  TrafficFit fit;
  fare::Errors bad_lines;
};

fare::Expected<Fitted> fitted_of(const Options& options) {
  if (options.format == kPrompts) {
    const auto trace = read_prompt_trace(options.trace, {.format = PromptFormat::kClaudeCode});
    if (!trace) return tl::unexpected(trace.error());
    auto fit = fit_traffic(*trace, options.fit);
    if (!fit) return tl::unexpected(fit.error());
    return Fitted{std::move(*fit), {}};
  }
  const auto format = parse_trace_format(options.format);
  if (!format) {
    fare::Errors errors = format.error();
    errors.front().where = "--format";
    return tl::unexpected(errors);
  }
  const auto trace = read_trace(options.trace, {.format = *format});
  if (!trace) return tl::unexpected(trace.error());
  auto fit = fit_traffic(*trace, options.fit);
  if (!fit) return tl::unexpected(fit.error());
  return Fitted{std::move(*fit), trace->bad_lines};
}

int fit(const Options& options) {
  const auto fitted = fitted_of(options);
  if (!fitted) return complain(fitted.error());
  const auto scenario = scenario_of(fitted->fit, options);
  if (!scenario) return complain(scenario.error());
  std::ofstream file(options.out, std::ios::binary);
  file << *scenario;
  file.close();
  if (!file) {
    return complain({{ErrorCode::kIo, options.out, "cannot be written: check the folder"}});
  }
  std::string text = options.json ? to_json(fitted->fit) : to_text(fitted->fit);
  if (!options.json) {
    if (!fitted->bad_lines.empty()) {
      text += fmt::format("{} bad lines were skipped, the first: {}\n", fitted->bad_lines.size(),
                          fare::to_text({fitted->bad_lines.front()}).substr(0, 60));
    }
    text += fmt::format("Written to {}\n", options.out);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kGood;
}

}  // namespace

void add_fit_traffic_command(CLI::App& fit_app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = fit_app.add_subcommand("traffic", "A synthetic source from a trace");
  command->add_option("TRACE", options->trace, "The recording, plain or gzip")->required();
  command->add_option("--out", options->out, "The scenario to write")
      ->required()
      ->type_name("FILE");
  command->add_option("--into", options->into, "Take this scenario and replace its traffic")
      ->type_name("FILE");
  command->add_option("--format", options->format,
                      "auto, azure, mooncake, plain, jsonl, ragpulse, bailian, burstgpt,\n"
                      "claude-code");
  command->add_option("--seed", options->fit.seed, "Of the trials")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  command->add_option("--replications", options->fit.replications, "Trials of each process")
      ->check(CLI::Range(1, 1'000));
  command->add_flag("--json", options->json, "Print JSON instead of tables");
  command->footer(
      "Examples:\n"
      "  routesim fit traffic requests.csv --out scenario.json\n"
      "  routesim fit traffic trace.jsonl.gz --format mooncake --json \\\n"
      "      --into scenarios/conversation_day.json --out fitted.json\n"
      "Each process is simulated for the length of the trace; the simplest whose CV\n"
      "of gaps and indices of dispersion at 1, 10 and 60 s are within 15 % is taken,\n"
      "else the nearest.  Sessions, where the recording has them, become part of the\n"
      "source, which is then played and compared with the recording part by part.\n"
      "Exit code: 0 done, 2 bad input.");
  command->callback([options, &exit_code] { exit_code = fit(*options); });
}

}  // namespace routesim
