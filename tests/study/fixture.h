#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "places.h"
#include "study/files.h"
#include "study/scenario.h"

namespace routesim {

inline std::string source_path(const std::string& path) {
  return std::string(fare::kSourceDir) + "/" + path;
}

// A folder that is gone when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "fare-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A small scenario as JSON, for tests to change: two classes, two models, two policies, which take
// no target out, however often it fails.
inline nlohmann::json small_scenario() {
  return nlohmann::json::parse(R"({
    "format": "fare-scenario/1", "name": "small", "question": "Which?",
    "start": "2026-11-23T00:00:00Z", "seed": 3, "replications": 3,
    "extra_prices": [{
      "format": "fare-prices/1", "vendor": "v", "currency": "USD",
      "sources": {"s": {"title": "t", "where": "w", "observed": "2026-01-01"}},
      "models": [
        {"id": "cheap", "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s",
          "observed": "2026-01-01", "usd_per_mtok": {"input": "1", "output": "2"}}]},
        {"id": "dear", "prices": [{"from": "2026-01-01T00:00:00Z", "source": "s",
          "observed": "2026-01-01", "usd_per_mtok": {"input": "10", "output": "20"}}]}]}],
    "traffic": {
      "arrivals": {"process": "poisson", "per_second": 20, "requests": 2000},
      "input_tokens": {"kind": "lognormal", "mu": 6, "sigma": 1},
      "output_tokens": {"kind": "lognormal", "mu": 5, "sigma": 0.8},
      "classes": [{"name": "simple", "share": 0.7}, {"name": "complex", "share": 0.3}],
      "tenants": {"count": 5, "zipf_exponent": 1.1}},
    "world": {
      "models": [
        {"model": "cheap", "origin": "assumed", "failure_share": 0.05, "skill": 1,
         "first_token_ms": {"kind": "lognormal", "median": 300, "sigma": 0.5},
         "ms_per_output_token": {"kind": "lognormal", "median": 8, "sigma": 0.2}},
        {"model": "dear", "origin": "assumed", "failure_share": 0.02, "skill": 3,
         "first_token_ms": {"kind": "lognormal", "median": 900, "sigma": 0.5},
         "ms_per_output_token": {"kind": "lognormal", "median": 20, "sigma": 0.2},
         "concurrency": 40}],
      "difficulty": {"simple": {"mean": -1, "sd": 0.5}, "complex": {"mean": 1, "sd": 0.5}}},
    "policies": [
      {"policy": {"format": "fare-policy/1", "name": "dear", "expected_output_tokens": 150,
        "health": {"failures_max": 1000000, "attempts_min": 1e9},
        "retry": {"per_1000": 1000, "saved_max": 1000000},
        "classes": [{"name": "simple"}, {"name": "complex"}],
        "targets": [{"name": "dear", "model": "dear", "quality": 0.9}],
        "rules": [{"name": "all", "candidates": ["dear"], "quality_floor": 0.5}]}},
      {"policy": {"format": "fare-policy/1", "name": "split", "expected_output_tokens": 150,
        "health": {"failures_max": 1000000, "attempts_min": 1e9},
        "retry": {"per_1000": 1000, "saved_max": 1000000},
        "classes": [{"name": "simple"}, {"name": "complex"}],
        "targets": [{"name": "cheap", "model": "cheap", "quality": {"simple": 0.9, "complex": 0.4}},
                    {"name": "dear", "model": "dear", "quality": 0.9}],
        "rules": [{"name": "all", "candidates": ["cheap", "dear"], "fallback": ["dear"],
                   "quality_floor": 0.5}]}}]
  })");
}

inline fare::Expected<Scenario> load_json(const nlohmann::json& json,
                                          const ScenarioOverrides& overrides = {}) {
  const TemporaryFolder folder;
  return load_scenario(folder.write("scenario.json", json.dump()), overrides);
}

inline Scenario scenario_of(const nlohmann::json& json, const ScenarioOverrides& overrides = {}) {
  fare::Expected<Scenario> scenario = load_json(json, overrides);
  EXPECT_TRUE(scenario) << fare::to_text(scenario.error());
  return std::move(*scenario);
}

}  // namespace routesim
