#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "fare/learn.h"
#include "report/learn_text.h"
#include "routesim/commands.h"
#include "study/files.h"
#include "study/learn_report.h"
#include "study/outcome_layouts.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using fare::ErrorCode;

struct FitOptions {
  std::string data, out, kind = "auto", calibration = "platt", cascade;
  std::vector<std::string> targets, classes;
  std::uint64_t seed = 0;
  double penalty = 0;
};

struct EvalOptions {
  FitOptions fit;  // Of the models of a cross-validation.
  std::string model, pair, plot;
  std::size_t folds = 0;
  std::size_t resamples = 200;
  bool split = false, cascade = false, json = false;
};

struct ExplainOptions {
  std::string model, prompt, output;
  std::size_t count = 10;
};

fare::Expected<bool> write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) return fare::fail(ErrorCode::kIo, path, "cannot be written: check the folder");
  return true;
}

fare::Expected<fare::OutcomeData> load_data(const FitOptions& options) {
  const auto text = read_file(options.data);
  if (!text) return tl::unexpected(text.error());
  return fare::parse_outcomes(options.data, *text, {.targets = {}, .classes = options.classes});
}

fare::Expected<fare::ChoiceModel> load_model(const std::string& path) {
  const auto bytes = read_file(path);
  if (!bytes) return tl::unexpected(bytes.error());
  return fare::ChoiceModel::parse(path, *bytes);
}

fare::Expected<fare::LearnOptions> learn_options(const FitOptions& options) {
  fare::LearnOptions learn;
  learn.seed = options.seed;
  learn.targets = options.targets;
  if (options.penalty > 0) learn.penalty = options.penalty;
  if (!options.cascade.empty()) learn.cascade = options.cascade;
  if (options.calibration == "isotonic") learn.calibration = fare::CalibrationKind::kIsotonic;
  if (options.kind == "auto") return learn;
  learn.kind = fare::model_kind(options.kind);
  if (!learn.kind) {
    return fare::fail(ErrorCode::kUnknownName, "--kind",
                      fmt::format("must be one of auto, linear, ridge, knn, tier, irt, mf, but is "
                                  "\"{}\"",
                                  options.kind));
  }
  return learn;
}

int run_convert(const std::string& folder, const std::string& layout, const std::string& out,
                ConvertOptions options) {
  const auto known = parse_outcome_layout(layout);
  if (!known) return complain(known.error());
  options.layout = *known;
  const auto converted = convert_outcomes(folder, options);
  if (!converted) return complain(converted.error());
  const auto written = write_file(out, converted->lines);
  if (!written) return complain(written.error());
  fmt::print("{} rows written to {}\n", converted->rows, out);
  for (const std::string& note : converted->notes) fmt::print("  note: {}\n", note);
  return kGood;
}

// How well each target's probabilities held while learning.
std::string held_out_text(const fare::ChoiceModel& model) {
  std::string text;
  for (const fare::HeldOut& one : model.held_out()) {
    if (!one.slice.empty()) continue;
    text += fmt::format(
        "  {}: base rate {:.4f}, AUROC {:.3f}, Brier {:.4f} (of the mean {:.4f}), ECE {:.3f}, "
        "cross-fitted on {} rows\n",
        one.name, one.base_rate, one.auroc, one.brier, one.brier_of_mean, one.ece, one.rows);
  }
  return text;
}

int run_fit(const FitOptions& options) {
  const auto learn = learn_options(options);
  if (!learn) return complain(learn.error());
  const auto data = load_data(options);
  if (!data) return complain(data.error());
  const auto model = fare::learn(*data, *learn);
  if (!model) return complain(model.error());
  const std::string bytes = model->serialise();
  const auto written = write_file(options.out, bytes);
  if (!written) return complain(written.error());
  fmt::print("{} model written to {} ({} bytes)\n{}", fare::to_string(model->kind()), options.out,
             bytes.size(), held_out_text(*model));
  return kGood;
}

// The rows to test a finished model on: the test split, or all rows of a file without splits.
fare::Expected<std::vector<TestedModel>> tested_by_file(const fare::OutcomeData& data,
                                                        const EvalOptions& options) {
  const auto model = load_model(options.model);
  if (!model) return tl::unexpected(model.error());
  if (options.split && !data.has_split) {
    return fare::fail(ErrorCode::kMissingKey, data.name,
                      "has no \"split\" on its rows, but --split asks for the test rows");
  }
  TestedModel tested{*model, {}};
  fare::Errors errors;
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    const fare::OutcomeRow& row = data.rows[i];
    if (data.has_split && !row.test) continue;
    tested.rows.push_back(i);
    if (errors.size() < 10 && model->learnt_from(row.prompt)) {
      errors.push_back({ErrorCode::kConflict, fmt::format("{}:{}", data.name, row.line),
                        "the model learnt from a prompt that asks the same: to test on it says "
                        "nothing; mark splits, or use --folds"});
    }
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return std::vector<TestedModel>{std::move(tested)};
}

// Cross-validation: every row is tested by a model that learnt from the rows of the other folds.
fare::Expected<std::vector<TestedModel>> tested_by_folds(const fare::OutcomeData& data,
                                                         const EvalOptions& options) {
  const auto learn = learn_options(options.fit);
  if (!learn) return tl::unexpected(learn.error());
  std::vector<TestedModel> all;
  fare::OutcomeData fold = data;
  for (std::size_t k = 0; k < options.folds; ++k) {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < data.rows.size(); ++i) {
      const std::string& hash = data.rows[i].hash;
      // Another seed than the learner's own folds have.
      const auto key = XXH3_64bits_withSeed(hash.data(), hash.size(), ~options.fit.seed);
      fold.rows[i].test = key % options.folds == k;
      if (fold.rows[i].test) rows.push_back(i);
    }
    auto model = fare::learn(fold, *learn);
    if (!model) return tl::unexpected(model.error());
    all.push_back({std::move(*model), std::move(rows)});
  }
  return all;
}

fare::Expected<bool> plot(const LearnReport& report, const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  const std::pair<const char*, std::string> pictures[] = {
      {"deferral.svg", deferral_svg(report)},
      {"calibration.svg", calibration_svg(report)},
      {"front.svg", front_svg(report)}};
  for (const auto& [name, svg] : pictures) {
    if (svg.empty()) continue;
    auto written = write_file(folder + "/" + name, svg);
    if (!written) return written;
  }
  return true;
}

fare::Errors check_eval(const EvalOptions& options) {
  if ((options.folds > 0) == !options.model.empty()) {
    return {{ErrorCode::kConflict, "learn eval",
             "needs --model MODEL to test a model, or --folds K to fit and test K of them"}};
  }
  const bool one_comma = std::count(options.pair.begin(), options.pair.end(), ',') == 1;
  if (!options.pair.empty() && !one_comma) {
    return {{ErrorCode::kSyntax, "--pair",
             fmt::format("must be STRONG,WEAK, but is \"{}\"", options.pair)}};
  }
  return {};
}

int run_eval(EvalOptions options) {
  const fare::Errors errors = check_eval(options);
  if (!errors.empty()) return complain(errors);
  LearnEvaluation how;
  how.resamples = options.resamples;
  how.seed = options.fit.seed;
  if (const std::size_t comma = options.pair.find(','); comma != std::string::npos) {
    how.strong = options.pair.substr(0, comma);
    how.weak = options.pair.substr(comma + 1);
  }
  if (options.cascade && options.folds > 0) options.fit.cascade = how.weak;
  const auto data = load_data(options.fit);
  if (!data) return complain(data.error());
  const auto tested =
      options.folds > 0 ? tested_by_folds(*data, options) : tested_by_file(*data, options);
  if (!tested) return complain(tested.error());
  const auto report =
      options.cascade ? evaluate_cascade(*data, *tested, how) : evaluate(*data, *tested, how);
  if (!report) return complain(report.error());
  const std::string text = options.json ? to_json(*report) : to_text(*report, {});
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (options.plot.empty()) return kGood;
  const auto plotted = plot(*report, options.plot);
  return plotted ? kGood : complain(plotted.error());
}

int run_explain(const ExplainOptions& options) {
  const auto model = options.model.empty()
                         ? fare::Expected<fare::ChoiceModel>(fare::ChoiceModel::rules())
                         : load_model(options.model);
  if (!model) return complain(model.error());
  if (model->dimensions() > 0) {
    return complain({{ErrorCode::kConflict, "--model", "reads embeddings, not prompts"}});
  }
  fare::ChoiceScratch scratch;
  const auto forecast = model->forecast(options.prompt, scratch);
  const auto names = model->classes().empty() ? model->targets() : model->classes();
  std::size_t output = forecast.likely_class;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double value =
        model->classes().empty() ? forecast.targets[i].quality : forecast.class_probabilities[i];
    fmt::print("{}: {:.4f}\n", names[i], value);
    if (names[i] == options.output) output = i;
  }
  fmt::print("familiarity {:.3f}{}\n", forecast.familiarity,
             forecast.abstains ? ": unlike what was learnt from, so these are the base rates" : "");
  const auto explanation = model->explain(options.prompt, output, options.count);
  if (!explanation) return kGood;
  fmt::print("score of {}: {:+.4f} = bias {:+.4f}, all other features {:+.4f}, and\n",
             names[output], explanation->score, explanation->bias, explanation->rest);
  for (const fare::Contribution& one : explanation->top) {
    fmt::print("  {:+.4f}  {} ({:.3f} x {:+.3f})\n", one.amount, one.feature, one.value,
               one.weight);
  }
  return kGood;
}

void add_fit_options(CLI::App& command, FitOptions& options) {
  command.add_option("DATA", options.data, "JSON lines of prompts and outcomes")->required();
  command.add_option("--kind", options.kind, "auto, linear, ridge, knn, tier, irt or mf");
  command.add_option("--target", options.targets, "Learn this target; may be repeated");
  command.add_option("--classes", options.classes, "The classes, from the simplest: a,b,c")
      ->delimiter(',');
  command.add_option("--seed", options.seed, "Draws the folds")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  command.add_option("--penalty", options.penalty,
                     "Of squared weights; default: the best by folds");
  command.add_option("--calibration", options.calibration, "platt or isotonic")
      ->check(CLI::IsMember({"platt", "isotonic"}));
}

void add_convert(CLI::App& learn, int& exit_code) {
  struct Options {
    std::string folder, layout, out;
    ConvertOptions convert;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = learn.add_subcommand("convert", "Read a published data set into JSON lines");
  command->add_option("FOLDER", options->folder, "Where it lies")->required();
  command->add_option("--from", options->layout, "routellm, routerbench or tiers")->required();
  command->add_option("--out", options->out, "The file to write")->required();
  command->add_option("--train", options->convert.train,
                      "Prompts to learn from: how many, or which share if below 1; the rest is for "
                      "tests");
  command->add_option("--seed", options->convert.seed, "Draws them");
  command->footer(
      "Examples:\n"
      "  routesim learn convert ../shared/data/routing/routellm/mmlu --from routellm \\\n"
      "      --train 1500 --seed 1 --out mmlu.jsonl");
  command->callback([options, &exit_code] {
    exit_code = run_convert(options->folder, options->layout, options->out, options->convert);
  });
}

void add_fit(CLI::App& learn, int& exit_code) {
  auto options = std::make_shared<FitOptions>();
  CLI::App* command = learn.add_subcommand("fit", "Learn a model from outcomes");
  add_fit_options(*command, *options);
  command->add_option("--out", options->out, "The model file to write")->required();
  command->add_option("--cascade", options->cascade,
                      "Learn whether the answer of this target is good enough, reading it");
  command->footer(
      "Examples:\n"
      "  routesim learn fit mmlu.jsonl --out mmlu.model\n"
      "  routesim learn fit mbpp.jsonl --out judge.model --cascade cheap-model\n"
      "Rows of the split \"test\" are never learnt from.");
  command->callback([options, &exit_code] { exit_code = run_fit(*options); });
}

void add_eval(CLI::App& learn, int& exit_code) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = learn.add_subcommand("eval", "Test a model beside the baselines");
  add_fit_options(*command, options->fit);
  command->add_option("--model", options->model, "The model file to test");
  command->add_option("--pair", options->pair, "STRONG,WEAK; default: the best and the cheapest");
  command->add_option("--folds", options->folds, "Cross-validate instead: fit K models")
      ->check(CLI::Range(2, 100));
  command->add_flag("--split", options->split, "Insist on rows marked \"test\"");
  command->add_flag("--cascade", options->cascade, "The model reads the weak target's answer");
  command->add_option("--resamples", options->resamples, "Bootstrap samples behind an interval")
      ->check(CLI::Range(0, 10'000));
  command->add_flag("--json", options->json, "Print JSON instead of tables");
  command->add_option("--plot", options->plot, "Write SVG pictures to a folder")->type_name("DIR");
  command->footer(
      "Examples:\n"
      "  routesim learn eval mmlu.jsonl --model mmlu.model --json\n"
      "  routesim learn eval outcomes.jsonl --folds 5 --pair gpt-4,mixtral --plot out");
  command->callback([options, &exit_code] { exit_code = run_eval(*options); });
}

void add_explain(CLI::App& learn, int& exit_code) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* command = learn.add_subcommand("explain", "What a model makes of a prompt, and why");
  command->add_option("PROMPT", options->prompt, "The text")->required();
  command->add_option("--model", options->model, "A model file; default: the rules without labels");
  command->add_option("--of", options->output,
                      "A target or class; default: the first or likeliest");
  command->add_option("--count", options->count, "How many features to show");
  command->footer("Examples:\n  routesim learn explain \"Prove that ...\" --model tiers.model");
  command->callback([options, &exit_code] { exit_code = run_explain(*options); });
}

}  // namespace

void add_learn_command(CLI::App& app, int& exit_code) {
  CLI::App* learn = app.add_subcommand("learn", "Learn from outcomes which model suffices");
  learn->footer(
      "Examples:\n"
      "  routesim learn fit outcomes.jsonl --out tiers.model\n"
      "  routesim learn explain \"Prove that ...\" --model tiers.model");
  learn->require_subcommand(1);
  add_convert(*learn, exit_code);
  add_fit(*learn, exit_code);
  add_eval(*learn, exit_code);
  add_explain(*learn, exit_code);
}

}  // namespace routesim
