#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/table.h"
#include "study/traffic_fit.h"

namespace routesim {
namespace {

using fare::ErrorCode;
using Json = nlohmann::ordered_json;

std::string in_words(const std::string& name) {
  if (name == "poisson") return "A Poisson process";
  if (name == "hours") return "A Poisson process with a rate for each hour of the day";
  if (name == "week") return "A Poisson process with a rate for each hour of the week";
  if (name == "gamma") return "A renewal process with gamma gaps";
  if (name == "weibull") return "A renewal process with Weibull gaps";
  return "A Poisson process whose rate switches between two states";
}

std::string answer_of(const TrafficFit& fit) {
  if (fit.candidates.empty()) {
    return fmt::format(
        "A Poisson process of {} sessions a day\nis the source: the recording does "
        "not tell when they start.\n",
        fit.sessions->sessions);
  }
  const ArrivalCandidate& chosen = fit.candidates[fit.chosen];
  return fmt::format("{}\nis the source; its worst miss is {:.0f} % ({}).\n", in_words(chosen.name),
                     100 * chosen.worst_miss, chosen.worst);
}

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.3g}", *value) : "-";
}

std::vector<std::string> row_of(std::string name, const Burstiness& one) {
  std::vector<std::string> row = {std::move(name), fmt::format("{:.4g}", one.per_second),
                                  number(one.gap_cv)};
  for (const auto& index : one.dispersion) row.push_back(number(index));
  return row;
}

Json burstiness_json(const Burstiness& one) {
  Json json = {{"per_second", one.per_second}, {"gap_cv", one.gap_cv}};
  for (std::size_t i = 0; i < kDispersionSeconds.size(); ++i) {
    Json& place = json[fmt::format("dispersion_{}s", kDispersionSeconds[i])];
    if (one.dispersion[i]) place = *one.dispersion[i];
  }
  return json;
}

// What a law or a source could not have, with what it has instead.
Json cut_json(const Cut& cut) {
  return {{"from", cut.from}, {"to", cut.to}, {"values", cut.values}};
}

std::string cut_text(std::string_view name, const Cut& cut) {
  const char* const end = cut.from < cut.to ? "least" : "greatest";
  if (cut.values == 1) {
    return fmt::format("{}: {:.4g} is taken as {:.4g}, the {} of a source.", name, cut.from, cut.to,
                       end);
  }
  return fmt::format("{}: {} are taken as {:.4g}, the {} of a source; the furthest is {:.4g}.",
                     name, cut.values, cut.to, end, cut.from);
}

// All that was cut of what the source has.
std::vector<std::string> cuts_of(const TrafficFit& fit) {
  std::vector<std::string> lines;
  if (!fit.candidates.empty() && fit.candidates[fit.chosen].cut) {
    lines.push_back(cut_text("CV of gaps", *fit.candidates[fit.chosen].cut));
  }
  for (const LengthFit& one : fit.lengths) {
    for (const Cut& cut : one.cuts) lines.push_back(cut_text(one.name, cut));
  }
  if (fit.sessions && fit.sessions->is_source && fit.sessions->context_cut) {
    lines.push_back(cut_text("the longest prompt", *fit.sessions->context_cut));
  }
  return lines;
}

Json candidate_json(const ArrivalCandidate& candidate) {
  Json json = {{"name", candidate.name},
               {"arrivals", Json::parse(candidate.json)},
               {"simulated", burstiness_json(candidate.simulated)},
               {"gap_distance", candidate.gap_distance},
               {"worst_miss", candidate.worst_miss},
               {"worst", candidate.worst}};
  if (candidate.cut) json["cut"].push_back(cut_json(*candidate.cut));
  return json;
}

Json length_json(const LengthFit& one) {
  Json json = {{"name", one.name},
               {"mean", one.mean},
               {"simulated_mean", one.simulated_mean},
               {"mu", one.mu},
               {"sigma", one.sigma},
               {"lognormal_distance", one.lognormal_distance},
               {"law", one.is_lognormal ? "lognormal" : "quantiles"},
               {"distance", one.distance}};
  for (const Cut& cut : one.cuts) json["cut"].push_back(cut_json(cut));
  return json;
}

Json shares_json(const std::vector<ShareFit>& shares) {
  Json json = Json::array();
  for (const ShareFit& one : shares) {
    json.push_back({{"name", one.name}, {"requests", one.requests}});
  }
  return json;
}

void add_session_assumptions(const SessionFit& sessions, Json& list) {
  if (!sessions.is_source) return;
  list.push_back(fmt::format(
      "Traffic: sessions fitted to {} recorded ones; turns, texts and times to think are drawn "
      "independently; sessions share no text; times to think are {}.",
      sessions.sessions,
      sessions.has_answers ? "from an answer to the next request"
                           : "from request to request, the answer's time included"));
  for (const SessionPart& one : sessions.parts) {
    list.push_back(fmt::format(
        "Traffic: {}: mean {:.4g}, recorded {:.4g}{}.", one.name, one.played, one.recorded,
        one.distance ? fmt::format(", Kolmogorov-Smirnov distance {:.3f}", *one.distance) : ""));
  }
  if (!sessions.reuse) return;
  list.push_back(fmt::format(
      "Traffic: a cache without limits has {:.1f} % of the prompts' tokens, of the recorded ones "
      "{:.1f} %.",
      100 * sessions.played_reuse, 100 * *sessions.reuse));
}

std::string arrivals_assumption(const TrafficFit& fit) {
  if (fit.candidates.empty()) {
    return fmt::format(
        "Traffic: fitted to {} ({} requests of {} sessions); when sessions start is not recorded: "
        "assumed as a Poisson process of as many a day.",
        fit.name, fit.requests, fit.sessions->sessions);
  }
  const ArrivalCandidate& chosen = fit.candidates[fit.chosen];
  return fmt::format(
      "Traffic: fitted to {} ({} requests in {:.6g} s); arrivals \"{}\", worst miss {:.1f} % ({}), "
      "distance of gaps {:.3f}.",
      fit.name, fit.requests, fit.span_seconds, chosen.name, 100 * chosen.worst_miss, chosen.worst,
      chosen.gap_distance);
}

// What a reader of the scenario must know of the fit.
Json assumptions_of(const TrafficFit& fit) {
  Json list = Json::array();
  list.push_back(arrivals_assumption(fit));
  for (const LengthFit& one : fit.lengths) {
    list.push_back(fmt::format("Traffic: {} by {}, Kolmogorov-Smirnov distance {:.3f}.", one.name,
                               one.is_lognormal ? "a log-normal law" : "quantiles", one.distance));
  }
  for (const std::string& line : cuts_of(fit)) list.push_back("Traffic: " + line);
  if (!fit.candidates.empty()) {
    list.push_back(
        fmt::format("Traffic: input and output lengths are drawn independently; in the trace their "
                    "logarithms correlate by {:.2f}.",
                    fit.length_correlation));
  }
  if (fit.sessions) add_session_assumptions(*fit.sessions, list);
  return list;
}

std::string lengths_text(const TrafficFit& fit) {
  Table table({"length", "mean", "simulated", "KS log-normal", "taken", "KS"});
  for (const LengthFit& one : fit.lengths) {
    std::string name = one.name;
    if (name.size() > 28) name = name.substr(0, 25) + "...";
    table.add({name, fmt::format("{:.1f}", one.mean), fmt::format("{:.1f}", one.simulated_mean),
               fmt::format("{:.3f}", one.lognormal_distance),
               one.is_lognormal ? "log-normal" : "quantiles", fmt::format("{:.3f}", one.distance)});
  }
  std::string text = table.text({});
  for (const LengthFit& one : fit.lengths) {
    for (const Cut& cut : one.cuts) text += cut_text(one.name, cut) + "\n";
  }
  return text;
}

std::string sessions_text(const SessionFit& sessions) {
  std::string text = fmt::format(
      "{} sessions of {:.2f} requests (at most {} turns); {} p50 {:.3g} s, p90 {:.3g} s.\n",
      sessions.sessions, sessions.requests_mean, sessions.requests_max,
      sessions.has_answers ? "think" : "gap", sessions.gap_p50_seconds, sessions.gap_p90_seconds);
  if (!sessions.is_source) {
    return text + "  They are not part of the source, which is an open one.\n";
  }
  Table table({"sessions, mean of", "recorded", "played", "off", "KS"});
  for (const SessionPart& one : sessions.parts) {
    table.add(
        {one.name, fmt::format("{:.4g}", one.recorded), fmt::format("{:.4g}", one.played),
         one.recorded > 0 ? fmt::format("{:+.1f} %", 100 * (one.played / one.recorded - 1)) : "-",
         one.distance ? fmt::format("{:.3f}", *one.distance) : ""});
  }
  text += "\n" + table.text({});
  if (sessions.context_cut) text += cut_text("the longest prompt", *sessions.context_cut) + "\n";
  if (sessions.reuse) {
    text += fmt::format(
        "A cache without limits has {:.1f} % of the tokens played, {:.1f} % of the recorded.\n",
        100 * sessions.played_reuse, 100 * *sessions.reuse);
  }
  return text;
}

std::string mix_text(const TrafficFit& fit) {
  std::string text;
  if (!fit.classes.empty()) text += fmt::format("{} classes, ", fit.classes.size());
  if (!fit.tenants.empty()) text += fmt::format("{} tenants, ", fit.tenants.size());
  if (!text.empty())
    text = "Taken over by their shares: " + text.substr(0, text.size() - 2) + ".\n";
  if (fit.sessions) text += sessions_text(*fit.sessions);
  return text;
}

}  // namespace

std::string scenario_skeleton(const TrafficFit& fit) {
  Json assumptions = assumptions_of(fit);
  assumptions.push_back("World, prices and policies are still to be filled in.");
  const Json scenario = {{"format", "fare-scenario/1"},
                         {"name", "fitted_traffic"},
                         {"question", "What does the fitted traffic cost?"},
                         {"assumptions", std::move(assumptions)},
                         {"start", "2026-01-01T00:00:00Z"},
                         {"seed", 1},
                         {"replications", 10},
                         {"prices", Json::array()},
                         {"traffic", Json::parse(fit.traffic_json)},
                         {"world", {{"models", Json::array()}}},
                         {"policies", Json::array()}};
  return scenario.dump(2) + "\n";
}

fare::Expected<std::string> into_scenario(const TrafficFit& fit, std::string name,
                                          const std::string& scenario) {
  Json json = Json::parse(scenario, nullptr, false);
  if (!json.is_object() || !json.contains("traffic")) {
    return fare::fail(ErrorCode::kSyntax, std::move(name),
                      "must be a JSON object with \"traffic\" to replace");
  }
  json["traffic"] = Json::parse(fit.traffic_json);
  Json& assumptions = json["assumptions"];
  if (!assumptions.is_array()) assumptions = Json::array();
  for (Json& line : assumptions_of(fit)) assumptions.push_back(std::move(line));
  return json.dump(2) + "\n";
}

std::string arrivals_text(const TrafficFit& fit) {
  if (fit.candidates.empty()) return fmt::format("\n{} requests.\n", fit.requests);
  std::string text = fmt::format("\n{} requests in {:.6g} s", fit.requests, fit.span_seconds);
  if (fit.tick_seconds) {
    text += fmt::format("; times are cut to {} s, in the source too", *fit.tick_seconds);
  }
  text += ".\nID is the index of dispersion of counts, KS a Kolmogorov-Smirnov distance.\n\n";
  Table table({"arrivals", "per s", "gap CV", "ID 1 s", "ID 10 s", "ID 60 s", "KS gaps", "miss"});
  std::vector<std::string> trace = row_of("trace", fit.trace);
  trace.insert(trace.end(), {"", ""});
  table.add(std::move(trace));
  for (std::size_t i = 0; i < fit.candidates.size(); ++i) {
    const ArrivalCandidate& one = fit.candidates[i];
    std::vector<std::string> row =
        row_of((i == fit.chosen ? "* " : "  ") + one.name, one.simulated);
    row.push_back(fmt::format("{:.3f}", one.gap_distance));
    row.push_back(fmt::format("{:.0f} %", 100 * one.worst_miss));
    table.add(std::move(row));
  }
  text += table.text({});
  for (const ArrivalCandidate& one : fit.candidates) {
    if (one.cut) text += cut_text(one.name + ", CV of gaps", *one.cut) + "\n";
  }
  return text;
}

std::string to_text(const TrafficFit& fit) {
  std::string text = answer_of(fit) + arrivals_text(fit) + "\n" + lengths_text(fit);
  if (fit.candidates.empty()) return text + "\n" + mix_text(fit);
  text += fmt::format("\nInput and output are drawn independently (correlation of logs {:.2f}).\n",
                      fit.length_correlation);
  return text + mix_text(fit);
}

Json session_json(const SessionFit& sessions) {
  Json parts = Json::array();
  for (const SessionPart& one : sessions.parts) {
    parts.push_back({{"name", one.name},
                     {"recorded", one.recorded},
                     {"played", one.played},
                     {"distance", nullptr}});
    if (one.distance) parts.back()["distance"] = *one.distance;
  }
  Json json = {{"count", sessions.sessions},
               {"requests_mean", sessions.requests_mean},
               {"requests_max", sessions.requests_max},
               {"gap_p50_seconds", sessions.gap_p50_seconds},
               {"gap_p90_seconds", sessions.gap_p90_seconds},
               {"is_source", sessions.is_source},
               {"parts", std::move(parts)}};
  if (sessions.context_cut) json["cut"].push_back(cut_json(*sessions.context_cut));
  if (sessions.reuse) {
    json["recorded_reuse"] = *sessions.reuse;
    json["played_reuse"] = sessions.played_reuse;
  }
  return json;
}

std::string to_json(const TrafficFit& fit) {
  Json candidates = Json::array();
  for (const ArrivalCandidate& one : fit.candidates) candidates.push_back(candidate_json(one));
  Json lengths = Json::array();
  for (const LengthFit& one : fit.lengths) lengths.push_back(length_json(one));
  Json json = {{"trace", fit.name},
               {"requests", fit.requests},
               {"span_seconds", fit.span_seconds},
               {"tick_seconds", nullptr},
               {"measured", burstiness_json(fit.trace)},
               {"chosen", nullptr},
               {"candidates", std::move(candidates)},
               {"lengths", std::move(lengths)},
               {"length_correlation", fit.length_correlation},
               {"classes", shares_json(fit.classes)},
               {"tenants", shares_json(fit.tenants)},
               {"sessions", nullptr},
               {"traffic", Json::parse(fit.traffic_json)}};
  if (fit.tick_seconds) json["tick_seconds"] = *fit.tick_seconds;
  if (!fit.candidates.empty()) json["chosen"] = fit.candidates[fit.chosen].name;
  if (fit.sessions) json["sessions"] = session_json(*fit.sessions);
  return json.dump(2) + "\n";
}

}  // namespace routesim
