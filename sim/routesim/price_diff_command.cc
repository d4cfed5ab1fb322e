#include "fare/price_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "report/format.h"
#include "report/table.h"
#include "routesim/commands.h"
#include "routesim/price_options.h"
#include "routesim/price_sources.h"
#include "routesim/usage_replay.h"

namespace routesim {
namespace {

using fare::ChangeKind;
using fare::PastEffect;
using fare::PriceChange;
using fare::PriceDiff;
using Json = nlohmann::ordered_json;

struct DiffCommand {
  std::string before;
  std::string after;
  std::string usage;
  std::string at;
  bool json = false;
};

std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count_text(count), count == 1 ? one : many);
}

// "+12.5 %"
std::string percent_text(double percent) { return fmt::format("{:+.4g} %", percent); }

// The exact difference, with its sign: "+$1.5".
std::string difference(const ReplayedSpend& spend) {
  const fare::Cost by = spend.after - spend.before;
  const std::string text = to_usd(by);
  if (by == fare::Cost(0)) return "no difference";
  return text.starts_with('-') ? "-$" + text.substr(1) : "+$" + text;
}

std::string relative(const ReplayedSpend& spend) {
  if (spend.before == fare::Cost(0)) return "";
  const auto before = static_cast<double>(spend.before.count());
  return percent_text(100 * static_cast<double>((spend.after - spend.before).count()) / before);
}

// How many requests stand outside of the sums, and why.
std::string outside_text(const ReplayedSpend& spend) {
  std::string text;
  if (spend.gained > 0) {
    text +=
        fmt::format(" {} priced by NEW alone (${}).",
                    plural(spend.gained, "request is", "requests are"), to_usd(spend.gained_cost));
  }
  if (spend.lost > 0) {
    text += fmt::format(" {} priced by OLD alone (${}).",
                        plural(spend.lost, "request is", "requests are"), to_usd(spend.lost_cost));
  }
  if (spend.unpriced > 0) {
    text +=
        fmt::format(" {} priced by neither.", plural(spend.unpriced, "request is", "requests are"));
  }
  return text;
}

// Facts that say only that a row was read again.
bool is_observation(const PriceChange& change) {
  return change.kind == ChangeKind::kFactChanged && change.place.ends_with(", observed");
}

std::string answer(const PriceDiff& diff) {
  if (diff.changes.empty()) return "No difference.\n";
  const auto observed = static_cast<std::uint64_t>(
      std::count_if(diff.changes.begin(), diff.changes.end(), &is_observation));
  std::string text =
      fmt::format("{} in {}", plural(diff.changes.size() - observed, "change", "changes"),
                  plural(diff.models, "model", "models"));
  if (observed > 0) text += fmt::format("; {} read again", plural(observed, "row", "rows"));
  const auto count = [&diff](PastEffect effect) {
    return static_cast<std::uint64_t>(
        std::count_if(diff.changes.begin(), diff.changes.end(),
                      [effect](const PriceChange& change) { return change.past == effect; }));
  };
  const std::uint64_t rewritten = count(PastEffect::kRewritten);
  const std::uint64_t backdated = count(PastEffect::kBackdated);
  if (rewritten > 0)
    text += fmt::format("; {} THE PAST",
                        rewritten == 1 ? "one REWRITES" : count_text(rewritten) + " REWRITE");
  if (backdated > 0) text += fmt::format("; {} backdated", count_text(backdated));
  return filled("", text + ".");
}

std::string change_text(const PriceChange& change) {
  const auto value = [](const std::string& text) { return text.empty() ? "none" : text; };
  std::string words = fmt::format("{}: ", to_string(change.kind));
  if (!change.place.empty()) words += change.place + ": ";
  words += fmt::format("{} -> {}", value(change.before), value(change.after));
  if (change.percent) words += fmt::format(" ({})", percent_text(*change.percent));
  if (change.past == PastEffect::kBackdated) words += " [backdated]";
  return filled("  ", words);
}

// The changes that are or are not of an effect, under the names of their models.
std::string changes_text(const PriceDiff& diff, bool rewritten) {
  std::string text;
  std::string last;
  for (const PriceChange& change : diff.changes) {
    if ((change.past == PastEffect::kRewritten) != rewritten || is_observation(change)) continue;
    const std::string name =
        change.model.empty() ? change.provider : change.provider + "/" + change.model;
    if (name != last) text += (name.empty() ? "calendars" : name) + "\n";
    last = name;
    text += change_text(change);
  }
  return text;
}

std::string spend_table(const std::string& title, const std::map<std::string, ReplayedSpend>& by) {
  std::vector<std::pair<std::string, ReplayedSpend>> rows(by.begin(), by.end());
  const auto size = [](const ReplayedSpend& spend) {
    const fare::Cost change = spend.after - spend.before;
    return change < fare::Cost(0) ? fare::Cost(0) - change : change;
  };
  std::stable_sort(rows.begin(), rows.end(), [&size](const auto& a, const auto& b) {
    return size(a.second) > size(b.second);
  });
  Table table({title, "requests", "old $", "new $", "change", "not in both"});
  for (const auto& [name, spend] : rows) {
    table.add({name.empty() ? "(none)" : name.substr(0, 28), count_text(spend.requests),
               to_usd_rounded(spend.before, 4), to_usd_rounded(spend.after, 4), relative(spend),
               count_text(spend.gained + spend.lost + spend.unpriced)});
  }
  return table.text({});
}

std::string diff_text(const PriceDiff& diff, const UsageReplay* replay) {
  std::string text = answer(diff);
  if (replay != nullptr) {
    const ReplayedSpend& total = replay->total;
    std::string words = fmt::format("On {} of the log: ${} -> ${}, {}",
                                    plural(total.requests, "request", "requests"),
                                    to_usd(total.before), to_usd(total.after), difference(total));
    const std::string by = relative(total);
    if (!by.empty()) words += fmt::format(" ({})", by);
    text += filled("", words + "." + outside_text(total));
    text += "\n" + spend_table("model", replay->by_model);
    text += "\n" + spend_table("tenant", replay->by_tenant);
  }
  if (diff.past == PastEffect::kRewritten) {
    text +=
        "\nREWRITTEN: these edit prices that already held.  Withdraw the row instead\n"
        "(\"status\": \"corrected\"), and append the right one.\n\n" +
        changes_text(diff, true);
  }
  const std::string others = changes_text(diff, false);
  return others.empty() ? text : text + "\n" + others;
}

Json spend_json(const ReplayedSpend& spend) {
  return {{"requests", spend.requests},
          {"before_usd", to_usd(spend.before)},
          {"after_usd", to_usd(spend.after)},
          {"difference_usd", to_usd(spend.after - spend.before)},
          {"gained", spend.gained},
          {"gained_usd", to_usd(spend.gained_cost)},
          {"lost", spend.lost},
          {"lost_usd", to_usd(spend.lost_cost)},
          {"unpriced", spend.unpriced}};
}

Json spends_json(const std::map<std::string, ReplayedSpend>& by) {
  Json json = Json::object();
  for (const auto& [name, spend] : by) json[name] = spend_json(spend);
  return json;
}

std::string diff_json(const PriceDiff& diff, const fare::PriceBook& before,
                      const fare::PriceBook& after, const UsageReplay* replay) {
  const auto value = [](const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
  };
  Json changes = Json::array();
  for (const PriceChange& change : diff.changes) {
    changes.push_back({{"kind", to_string(change.kind)},
                       {"past", to_string(change.past)},
                       {"provider", change.provider},
                       {"model", value(change.model)},
                       {"place", change.place},
                       {"before", value(change.before)},
                       {"after", value(change.after)},
                       {"percent", change.percent ? Json(*change.percent) : Json(nullptr)}});
  }
  Json json = {{"before_hash", before.hash()},
               {"after_hash", after.hash()},
               {"past", to_string(diff.past)},
               {"models", diff.models},
               {"changes", std::move(changes)}};
  if (replay != nullptr) {
    json["spend"] = {{"total", spend_json(replay->total)},
                     {"by_model", spends_json(replay->by_model)},
                     {"by_tenant", spends_json(replay->by_tenant)}};
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int run_diff(const DiffCommand& options) {
  fare::Errors errors;
  const auto keep = [&errors](const auto& expected) {
    if (!expected) errors.insert(errors.end(), expected.error().begin(), expected.error().end());
  };
  const auto before = load_source(options.before);
  const auto after = load_source(options.after);
  const auto now = asked_instant("--at", options.at, clock_now());
  keep(before);
  keep(after);
  keep(now);
  if (!errors.empty()) return complain(errors);
  std::optional<UsageReplay> replay;
  if (!options.usage.empty()) {
    auto read = replay_usage(options.usage, *before, *after);
    if (!read) return complain(read.error());
    replay = std::move(*read);
  }
  const PriceDiff diff = fare::diff_prices(*before, *after, *now);
  const UsageReplay* spend = replay ? &*replay : nullptr;
  print(options.json ? diff_json(diff, *before, *after, spend) : diff_text(diff, spend));
  return diff.past == PastEffect::kRewritten ? kNo : kGood;
}

}  // namespace

void add_price_diff_command(CLI::App& price, int& exit_code) {
  auto options = std::make_shared<DiffCommand>();
  CLI::App* command = price.add_subcommand("diff", "What changed between two states of tables");
  command->footer(
      "OLD and NEW are folders or files of tables, or lists such as litellm:FILE.\n"
      "A line of LOG: {\"model\": \"gpt-5.4\", \"provider\": \"openai\", \"tenant\": \"web\",\n"
      "  \"at\": \"2026-11-23T10:00:00Z\", \"usage\": {\"input\": 900, \"output\": 100}}\n"
      "(also tier, speed, region; provider and tenant may be left out; gzip will do).\n"
      "Examples:\n"
      "  routesim price diff pricing pricing.new --usage week.jsonl\n"
      "  routesim price diff litellm:july.json.gz litellm:august.json --json\n"
      "Exit code: 0 the past is as it was, 1 a past price was rewritten, 2 bad input.");
  command->add_option("OLD", options->before, "The tables as they were")->required();
  command->add_option("NEW", options->after, "The tables as they are")->required();
  command->add_option("--usage", options->usage, "Price this log under both")->type_name("LOG");
  command->add_option("--at", options->at, "Where the past ends; default: now");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] { exit_code = run_diff(*options); });
}

}  // namespace routesim
