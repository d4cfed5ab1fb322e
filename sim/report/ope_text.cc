#include "report/ope_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace routesim {
namespace {

using fare::OffPolicyAnswer;
using fare::ValueEstimate;
using Json = nlohmann::ordered_json;

constexpr std::size_t kColumns = 80;
constexpr std::size_t kNameMax = 36;       // Longer names are cut in tables.
constexpr double kDoubtful = 3;            // Errors that the mean weight may be off.
constexpr double kDoubtfulAtLeast = 0.02;  // And by how much, to matter.

// Breaks a text at blanks into lines that fit; a longer word stays whole.
std::string wrapped(std::string_view text, std::size_t indent) {
  const std::string margin(indent, ' ');
  std::string out, line;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!line.empty() && line.size() + 1 + word.size() > kColumns) {
      out += line + "\n";
      line.clear();
    }
    line += line.empty() ? (out.empty() ? "" : margin) : " ";
    line += word;
  }
  return out + line + "\n";
}

std::string interval(const ValueEstimate& one) {
  return fmt::format("[{:.4f}, {:.4f}]", one.low, one.high);
}

std::string signed_interval(const ValueEstimate& one) {
  return fmt::format("{:+.4f} [{:+.4f}, {:+.4f}]", one.value, one.low, one.high);
}

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }

// A name that fits into a column, cut between characters.
std::string short_name(const std::string& name) {
  if (name.size() <= kNameMax) return name;
  std::size_t end = kNameMax - 3;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0u) == 0x80u) --end;
  return name.substr(0, end) + "...";
}

bool doubtful(const OffPolicyAnswer& answer) {
  const ValueEstimate& mean = answer.weight_mean;
  const double off = std::abs(mean.value - 1);
  return off > kDoubtfulAtLeast && off > kDoubtful * mean.error;
}

std::string refusal_text(const OpeReport& report) {
  const OffPolicyAnswer& answer = report.answer;
  if (answer.identification == fare::Identification::kTooThin) {
    return wrapped(
        fmt::format("{} cannot be judged: its choices agree with the log's so rarely that {} rows "
                    "are worth {:.1f}.  Log more exploration, or ask about a policy that is "
                    "nearer to what was done.",
                    report.policy, answer.rows, answer.effective_rows),
        0);
  }
  std::string text = wrapped(
      fmt::format("{} cannot be judged: {} of its choices, on {} of the rows, are what the log "
                  "could not have chosen there, and no data tells what would have come of them.  "
                  "--supported-only judges the other rows; --unsupported-max 0.01 lets 1 % pass.",
                  report.policy, percent(answer.unsupported_choices),
                  percent(answer.unsupported_rows)),
      0);
  for (const ArmShare& arm : report.arms) {
    if (arm.lacking > 0) {
      text += "  " + wrapped(fmt::format("{}: {} of its choices lack support", arm.name,
                                         percent(arm.lacking)),
                             4);
    }
  }
  return text;
}

std::string answer_line(const OpeReport& report) {
  const fare::PolicyValue& value = *report.answer.value;
  const ValueEstimate& gain = value.doubly_robust_gain;
  const char* verdict = gain.low > 0    ? "better than what was logged"
                        : gain.high < 0 ? "worse than what was logged"
                                        : "the log cannot tell it from what was logged";
  return wrapped(
      fmt::format("{} is worth {:.4f} {} a request {}; logged {:.4f}: {}, by {}.", report.policy,
                  value.doubly_robust.value, report.reward, interval(value.doubly_robust),
                  report.answer.logged.value, verdict, signed_interval(gain)),
      0);
}

std::string cost_line(const OpeReport& report) {
  if (!report.cost || !report.cost->value) return "";
  const fare::PolicyValue& value = *report.cost->value;
  const auto dollars = [](double amount) { return fmt::format("{:.6f}", amount); };
  return wrapped(
      fmt::format("It costs ${} a request [{}, {}]; logged ${}, so {:+.6f} [{:+.6f}, {:+.6f}].",
                  dollars(value.doubly_robust.value), dollars(value.doubly_robust.low),
                  dollars(value.doubly_robust.high), dollars(report.cost->logged.value),
                  value.doubly_robust_gain.value, value.doubly_robust_gain.low,
                  value.doubly_robust_gain.high),
      0);
}

std::string estimates_table(const OffPolicyAnswer& answer, const Style& style) {
  const fare::PolicyValue& value = *answer.value;
  Table table({"estimate of the value", "", "95 % interval", "over the logged"});
  const auto add = [&table](const char* name, const ValueEstimate& one, const ValueEstimate* gain) {
    table.add({name, fmt::format("{:.4f}", one.value), interval(one),
               gain == nullptr ? "" : signed_interval(*gain)});
  };
  add("doubly robust", value.doubly_robust, &value.doubly_robust_gain);
  add("self-normalised (SNIPS)", value.snips, &value.snips_gain);
  add("inverse propensity (IPS)", value.ips, nullptr);
  add("IPS, weights clipped", value.clipped_ips, nullptr);
  add("reward model alone", value.direct, nullptr);
  return table.text(style);
}

// What casts doubt on all of it.
std::string warning_text(const OffPolicyAnswer& answer) {
  if (!doubtful(answer)) return "";
  return wrapped(
      fmt::format("warning: weights average {:.3f} {}, not 1.  Either the propensities are not "
                  "those that the choices were drawn with, or rows are missing, or the policy "
                  "wants what was hardly ever tried.",
                  answer.weight_mean.value, interval(answer.weight_mean)),
      0);
}

std::string facts_text(const OpeReport& report) {
  const OffPolicyAnswer& answer = report.answer;
  std::string text = wrapped(
      fmt::format("{} rows judged, worth {:.0f} effective ones; largest weight {:.1f}, mean {:.3f} "
                  "(1 if the propensities are true); without support: {} of the choices{}.",
                  answer.rows, answer.effective_rows, answer.weight_max, answer.weight_mean.value,
                  percent(answer.unsupported_choices),
                  answer.left_out > 0 ? fmt::format(", {} rows left out", answer.left_out) : ""),
      0);
  text += wrapped(
      fmt::format("The reward model reads {} ({} dimensions).", report.features, report.dimensions),
      0);
  return text;
}

Json estimate_json(const ValueEstimate& one) {
  return {{"value", one.value}, {"error", one.error}, {"low", one.low}, {"high", one.high}};
}

Json answer_json(const OffPolicyAnswer& answer) {
  Json json = {{"identification", fare::to_string(answer.identification)},
               {"rows", answer.rows},
               {"left_out", answer.left_out},
               {"unsupported_rows", answer.unsupported_rows},
               {"unsupported_choices", answer.unsupported_choices},
               {"effective_rows", answer.effective_rows},
               {"weight_max", answer.weight_max},
               {"weight_mean", estimate_json(answer.weight_mean)},
               {"propensities_doubtful", doubtful(answer)},
               {"logged", estimate_json(answer.logged)}};
  const auto add = [&](const char* key, const ValueEstimate fare::PolicyValue::*member) {
    json[key] = answer.value ? estimate_json((*answer.value).*member) : Json(nullptr);
  };
  add("doubly_robust", &fare::PolicyValue::doubly_robust);
  add("snips", &fare::PolicyValue::snips);
  add("ips", &fare::PolicyValue::ips);
  add("clipped_ips", &fare::PolicyValue::clipped_ips);
  add("direct", &fare::PolicyValue::direct);
  add("doubly_robust_gain", &fare::PolicyValue::doubly_robust_gain);
  add("snips_gain", &fare::PolicyValue::snips_gain);
  return json;
}

}  // namespace

std::string to_text(const OpeReport& report, const Style& style) {
  if (!report.answer.value) return refusal_text(report);
  std::string text = answer_line(report) + cost_line(report) + warning_text(report.answer) + "\n" +
                     estimates_table(report.answer, style) + "\n" + facts_text(report) + "\n";
  Table table({"target", "logged", "policy"});
  for (const ArmShare& arm : report.arms) {
    table.add({short_name(arm.name), percent(arm.logged), percent(arm.policy)});
  }
  return text + table.text(style);
}

std::string to_json(const OpeReport& report) {
  Json arms = Json::array();
  for (const ArmShare& arm : report.arms) {
    arms.push_back({{"target", arm.name},
                    {"logged", arm.logged},
                    {"policy", arm.policy},
                    {"unsupported", arm.lacking}});
  }
  const Json json = {
      {"format", "routesim-ope/1"},
      {"log", report.log},
      {"policy", report.policy},
      {"reward", report.reward},
      {"identified", report.answer.value.has_value()},
      {"value", answer_json(report.answer)},
      {"cost_usd", report.cost ? answer_json(*report.cost) : Json(nullptr)},
      {"reward_model", {{"reads", report.features}, {"dimensions", report.dimensions}}},
      {"targets", std::move(arms)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace routesim
