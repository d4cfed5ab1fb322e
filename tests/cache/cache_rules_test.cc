// The shipped rules: their form, and figures known from the documents; and what is said of rules
// that are wrong.

#if defined(__GNUC__) && !defined(__clang__)
// With sanitizers, g++ 12 is wrong about std::regex, which valijson uses.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "fare/cache_rules.h"
#include "places.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>
#include <vector>

namespace fare {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

constexpr const char* kVendors[] = {"anthropic", "bounds", "deepseek", "google", "openai"};

std::string text_of(std::string_view name) {
  const std::string path = fmt::format("{}/pricing/cache/{}.json", fare::kSourceDir, name);
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

CacheRuleBook shipped() {
  std::vector<std::string> texts;
  for (const char* vendor : kVendors) texts.push_back(text_of(vendor));
  std::vector<CacheRuleBook::Source> sources;
  for (const std::string& text : texts) sources.push_back({"rules", text});
  auto book = CacheRuleBook::parse(sources);
  EXPECT_TRUE(book) << (book ? "" : to_text(book.error()));
  return std::move(*book);
}

std::string problems_of(const std::string& text) {
  const CacheRuleBook::Source source{"r.json", text};
  const auto book = CacheRuleBook::parse({&source, 1});
  return book ? "none" : to_text(book.error());
}

TEST(CacheRulesTest, TheShippedFilesHaveTheFormOfTheirSchema) {
  valijson::Schema schema;
  valijson::SchemaParser parser;
  const Json definition = Json::parse(text_of("schema"));
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(definition), schema);
  for (const char* vendor : kVendors) {
    const Json document = Json::parse(text_of(vendor));
    valijson::Validator validator;
    EXPECT_TRUE(
        validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(document), nullptr))
        << vendor;
  }
}

TEST(CacheRulesTest, NamesChooseRulesAndLifetimes) {
  const CacheRuleBook book = shipped();
  const auto find = [&](std::string_view name) { return book.find(name, Instant::max()).value(); };
  const CacheChoice hour = find("anthropic-1h");
  EXPECT_EQ(hour.rules->unit, CacheUnit::kBreakpoints);
  EXPECT_EQ(hour.rules->lookback, 20u);
  EXPECT_EQ(hour.rules->breakpoints_max, 4u);
  EXPECT_EQ(hour.rules->lifetimes[hour.lifetime].ttl, std::chrono::hours(1));
  EXPECT_EQ(hour.rules->lifetimes[hour.lifetime].write_ppm, 2'000'000);
  EXPECT_EQ(hour.rules->read_ppm, 100'000);
  EXPECT_FALSE(hour.rules->reads_count);
  EXPECT_EQ(find("anthropic").lifetime, find("anthropic-5m").lifetime);
  EXPECT_EQ(find("openai-5.6").rules, find("openai-5.6-30m").rules);
  EXPECT_EQ(find("openai-old-24h").rules->name, "openai-128");
  EXPECT_EQ(find("openai-128").rules->step, Tokens(128));
  EXPECT_TRUE(find("deepseek").rules->common_prefixes);
  EXPECT_EQ(find("infinite").rules->lifetimes[0].ttl, kForever);
  EXPECT_EQ(to_usd_per_mtok(find("gemini-explicit").rules->storage), "4.5");
  for (const std::string& name : book.names()) EXPECT_TRUE(book.find(name, Instant::max())) << name;
  const auto unknown = book.find("anthropic-5min", Instant::max());
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error()[0].message, HasSubstr("did you mean \"anthropic-5m\"?"));
}

// The same model's minimum differs between two documents, seven weeks apart.
TEST(CacheRulesTest, RulesAreThoseOfTheirDay) {
  const CacheRuleBook book = shipped();
  const auto minimum = [&](const char* at, std::string_view model) {
    return book.find("anthropic", parse_instant(at).value())->rules->minimum_for(model).count();
  };
  EXPECT_EQ(minimum("2026-07-15T00:00:00Z", "claude-opus-4-8"), 4'096);
  EXPECT_EQ(minimum("2026-08-20T23:59:59Z", "claude-opus-4-8"), 4'096);
  EXPECT_EQ(minimum("2026-08-21T00:00:00Z", "claude-opus-4-8"), 1'024);
  EXPECT_EQ(minimum("2026-09-01T00:00:00Z", "claude-opus-5"), 512);
  EXPECT_EQ(minimum("2026-09-01T00:00:00Z", "claude-opus-4-5-20251101"), 4'096);
  EXPECT_EQ(minimum("2026-09-01T00:00:00Z", "claude-opus-4-20250514"), 1'024);
  EXPECT_EQ(minimum("2026-09-01T00:00:00Z", "claude-opus-4-50"), 1'024) << "not 4-5: the default";
  const auto early = book.find("anthropic", parse_instant("2026-01-01T00:00:00Z").value());
  ASSERT_FALSE(early);
  EXPECT_THAT(early.error()[0].message, HasSubstr("first period starts at 2026-07-01T00:00:00Z"));
}

TEST(CacheRulesTest, EveryProblemIsSaidAtOnce) {
  Json json = Json::parse(text_of("anthropic"));
  Json& period = json["rules"][0]["periods"][1];
  period["from"] = "2026-06-01T00:00:00Z";
  period["unit"]["lookback"] = 0;
  period["unit"]["interval_tokens"] = 5;
  period["lifetimes"][0]["seconds"] = -5;
  period["lifetimes"][1]["write"] = 2;
  period["source"] = "nowhere";
  period["scope"][0] = "workspaces";
  period["minimum_tokens"]["models"]["claude-opus-5"] = "512";
  period.erase("read");
  period["red"] = "0.1";
  const std::string said = problems_of(json.dump());
  for (const char* part :
       {"/periods/1/unit/lookback: must be a whole number from 1 to 10000, but is 0",
        "/unit/interval_tokens: is not a known key",
        "/lifetimes/0/seconds: must be a whole number from 1 to", "but is -5",
        "/lifetimes/1/write: must be a text", "/source: must be a key of \"sources\"",
        "/scope/0: must be one of \"organisation\"", "/models/claude-opus-5: must be a whole",
        "needs the key \"read\"", "/red: is not a known key; did you mean \"read\"?"}) {
    EXPECT_THAT(said, HasSubstr(part));
  }
  Json twice = Json::parse(text_of("openai"));
  twice["rules"].push_back(twice["rules"][0]);
  twice["rules"][2]["periods"].push_back(twice["rules"][2]["periods"][0]);
  EXPECT_THAT(problems_of(twice.dump()), HasSubstr("\"openai-5.6\" already names r.json#/rules/0"));
  EXPECT_THAT(problems_of(twice.dump()), HasSubstr("must start after the period before it"));
}

TEST(CacheRulesTest, BrokenTextIsAProblemAndNoCrash) {
  EXPECT_THAT(problems_of("{"), HasSubstr("r.json"));
  EXPECT_THAT(problems_of("[]"), HasSubstr("must be an object"));
  const std::string text = text_of("google");
  for (std::size_t i = 0; i < text.size(); i += 7) {
    EXPECT_NE(problems_of(text.substr(0, i)), "none") << i;
  }
}

}  // namespace
}  // namespace fare
