#include "report/learn_text.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace routesim {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json interval_json(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return {{"value", number(interval->value)},
          {"low", number(interval->low)},
          {"high", number(interval->high)}};
}

Json router_json(const RouterResult& one) {
  return {{"name", one.name},
          {"apgr", interval_json(one.apgr)},
          {"cpt50", interval_json(one.cpt50)},
          {"cpt80", interval_json(one.cpt80)},
          {"apgr_deciles", interval_json(one.apgr_deciles)},
          {"aiq", interval_json(one.aiq)},
          {"aiq_published", interval_json(one.aiq_published)},
          {"cost_at_95", interval_json(one.cost_at_95)}};
}

Json probability_json(const ProbabilityResult& one) {
  return {{"target", one.target.empty() ? Json(nullptr) : Json(one.target)},
          {"rows", one.rows},
          {"auroc", interval_json(one.auroc)},
          {"brier", interval_json(one.brier)},
          {"brier_of_mean", interval_json(one.brier_of_mean)},
          {"ece", interval_json(one.ece)}};
}

std::string plain(const std::optional<Interval>& one) {
  if (!one) return "";
  if (!std::isfinite(one->value)) return "out of reach";
  return fmt::format("{:.3f}", one->value);
}

std::string with_range(const std::optional<Interval>& one) {
  if (!one) return "";
  if (!std::isfinite(one->value)) return "out of reach";
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", one->value, one->low, one->high);
}

std::string share(const std::optional<Interval>& one) {
  if (!one) return "";
  return std::isfinite(one->value) ? fmt::format("{:.1f} %", one->value * 100) : "out of reach";
}

std::string class_text(const LearnReport& report) {
  std::string text = fmt::format("accuracy {}\nunder-routed {}\n", with_range(report.accuracy),
                                 with_range(report.under_routed));
  if (report.rules_accuracy) {
    text +=
        fmt::format("accuracy of the rules without labels {}\n", with_range(report.rules_accuracy));
  }
  if (report.consistency) {
    text += fmt::format("the same class after a perturbation {}\n", with_range(report.consistency));
  }
  return text;
}

}  // namespace

std::string to_json(const LearnReport& report) {
  Json routers = Json::array(), probabilities = Json::array();
  for (const RouterResult& one : report.routers) routers.push_back(router_json(one));
  for (const ProbabilityResult& one : report.probabilities) {
    probabilities.push_back(probability_json(one));
  }
  Json json = {{"kind", report.kind},
               {"rows", report.rows},
               {"priced_rows", report.priced_rows},
               {"abstained", report.abstained}};
  // What scripts ask for first: the model's own figures at the top.
  if (!report.routers.empty()) {
    const Json own = router_json(report.routers[0]);
    for (const char* key : {"apgr", "cpt50", "cpt80", "aiq", "cost_at_95"}) json[key] = own[key];
  }
  if (!report.probabilities.empty()) {
    const Json own = probability_json(report.probabilities[0]);
    for (const char* key : {"auroc", "brier", "brier_of_mean", "ece"}) json[key] = own[key];
  }
  if (!report.strong.empty()) {
    json["pair"] = {{"strong", report.strong},
                    {"strong_quality", report.strong_quality},
                    {"weak", report.weak},
                    {"weak_quality", report.weak_quality}};
  }
  if (report.accuracy) {
    json["accuracy"] = interval_json(report.accuracy);
    json["under_routed"] = interval_json(report.under_routed);
    json["rules_accuracy"] = interval_json(report.rules_accuracy);
    json["consistency"] = interval_json(report.consistency);
  }
  json["routers"] = std::move(routers);
  json["probabilities"] = std::move(probabilities);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string to_text(const LearnReport& report, const Style& style) {
  std::string text =
      fmt::format("{} on {} rows that it did not learn from", report.kind, report.rows);
  if (report.abstained > 0) text += fmt::format(", abstaining on {}", report.abstained);
  text += "\n";
  if (!report.strong.empty()) {
    text += fmt::format("strong {} {:.4f}, weak {} {:.4f}\n", report.strong, report.strong_quality,
                        report.weak, report.weak_quality);
  }
  if (report.accuracy) text += class_text(report);
  if (!report.routers.empty()) {
    Table table({"router", "APGR", "10 bins", "CPT50", "CPT80", "AIQ", "published", "95 % at"});
    for (const RouterResult& one : report.routers) {
      table.add({one.name, with_range(one.apgr), plain(one.apgr_deciles), share(one.cpt50),
                 share(one.cpt80), with_range(one.aiq), plain(one.aiq_published),
                 share(one.cost_at_95)});
    }
    text += "\n" + table.text(style);
  }
  if (!report.probabilities.empty()) {
    Table table({"probabilities", "AUROC", "Brier", "of the mean", "ECE"});
    for (const ProbabilityResult& one : report.probabilities) {
      table.add({one.target.empty() ? "all" : one.target, with_range(one.auroc),
                 with_range(one.brier), plain(one.brier_of_mean), with_range(one.ece)});
    }
    text += "\n" + table.text(style);
  }
  return text;
}

}  // namespace routesim
