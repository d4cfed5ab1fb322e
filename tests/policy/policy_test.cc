#include "fare/policy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "places.h"
#include "policy/policy_data.h"

namespace fare {
namespace {

using Json = nlohmann::json;

// A policy that is right, with one of everything that a policy may hold.
constexpr std::string_view kGood = R"({
  "format": "fare-policy/1", "name": "tiered", "expected_output_tokens": 200,
  "classes": [{"name": "simple", "expected_output_tokens": 120}, {"name": "complex"}],
  "targets": [
    {"name": "haiku", "provider": "anthropic", "model": "claude-haiku-4-5",
     "capabilities": ["tools", "vision"], "quality": {"simple": 0.93, "complex": 0.71},
     "latency": {"first_token_ms": 600, "ms_per_output_token": 9.5}},
    {"name": "opus", "model": "claude-opus-4-8", "capabilities": ["vision", "json"],
     "quality": 0.97},
    {"name": "gpt", "model": "gpt-5.4", "quality": {"complex": 0.9}}],
  "rules": [
    {"name": "legal", "when": {"class": ["complex"], "tags": {"team": "legal", "env": "prod"}},
     "candidates": ["opus"], "fallback": ["gpt", "haiku"], "quality_floor": 0.8,
     "latency_bound_ms": 20000, "objective": "min_cost"},
    {"name": "all", "candidates": ["haiku", "opus"]}]
})";

std::string lines_of(const Errors& errors) {
  std::string lines;
  for (const Error& error : errors) {
    lines += fmt::format("{} {}: {}\n", to_string(error.code), error.where, error.message);
  }
  return lines;
}

std::string problems_of(const std::string& text) {
  const Expected<Policy> policy = Policy::parse("p.json", text);
  return policy ? "" : lines_of(policy.error());
}

// One rule broken: the value at `path` set to `value`, or removed where `value` is empty.
struct Edit {
  const char* name;
  std::string path;
  std::string value;
  std::string expected;    // "code where: start of the message", of the first error.
  std::size_t errors = 1;  // More where what is missing is referred to.
};

void expect_edits(const std::vector<Edit>& edits) {
  for (const Edit& edit : edits) {
    SCOPED_TRACE(edit.name);
    Json file = Json::parse(kGood);
    if (edit.value.empty()) {
      file = file.patch(Json::array({{{"op", "remove"}, {"path", edit.path}}}));
    } else {
      file[Json::json_pointer(edit.path)] = Json::parse(edit.value);
    }
    const Expected<Policy> policy = Policy::parse("p.json", file.dump());
    ASSERT_FALSE(policy);
    ASSERT_EQ(policy.error().size(), edit.errors) << lines_of(policy.error());
    const std::size_t space = edit.expected.find(' ');
    const bool whole = edit.expected[space + 1] == ':';
    const std::string start = edit.expected.substr(0, space) + " p.json" + (whole ? "" : "#") +
                              edit.expected.substr(space + 1);
    EXPECT_EQ(lines_of(policy.error()).substr(0, start.size()), start);
  }
}

TEST(PolicyTest, ReadsEverythingAPolicySays) {
  const Expected<Policy> policy = Policy::parse("p.json", kGood);
  ASSERT_TRUE(policy) << to_text(policy.error());
  EXPECT_EQ(policy->name(), "tiered");
  EXPECT_EQ(policy->file(), "p.json");
  EXPECT_EQ(policy->class_names(), (std::vector<std::string_view>{"simple", "complex"}));
  const PolicyData& data = policy->data();
  EXPECT_EQ(data.expected_output, Tokens(200));
  EXPECT_EQ(data.classes[0].expected_output, Tokens(120));
  EXPECT_EQ(data.classes[1].expected_output, Tokens(200)) << "that of the policy";
  EXPECT_EQ(data.capabilities, (std::vector<std::string>{"tools", "vision", "json"}));
  ASSERT_EQ(data.targets.size(), 3u);
  EXPECT_EQ(data.targets[0].provider, "anthropic");
  EXPECT_EQ(data.targets[1].provider, "") << "any";
  EXPECT_EQ(data.targets[1].model, "claude-opus-4-8");
  EXPECT_EQ(data.targets[0].capabilities, 0b011u);
  EXPECT_EQ(data.targets[1].capabilities, 0b110u);
  EXPECT_EQ(data.targets[2].capabilities, 0u);
  using Quality = std::vector<std::optional<double>>;
  EXPECT_EQ(data.targets[0].quality, (Quality{0.93, 0.71, std::nullopt}));
  EXPECT_EQ(data.targets[1].quality, (Quality{0.97, 0.97, 0.97}));
  EXPECT_EQ(data.targets[2].quality, (Quality{std::nullopt, 0.9, std::nullopt}));
  EXPECT_EQ(data.targets[0].latency->first_token, std::chrono::milliseconds(600));
  EXPECT_EQ(data.targets[0].latency->per_output_token, std::chrono::microseconds(9'500));
  EXPECT_FALSE(data.targets[1].latency);
}

TEST(PolicyTest, ReadsItsRules) {
  const Expected<Policy> policy = Policy::parse("p.json", kGood);
  ASSERT_TRUE(policy) << to_text(policy.error());
  const PolicyRule& legal = policy->data().rules.at(0);
  EXPECT_FALSE(legal.when.any_class);
  EXPECT_EQ(legal.when.classes, 0b10u);
  EXPECT_EQ(legal.when.tags,
            (std::vector<std::pair<std::string, std::string>>{{"env", "prod"}, {"team", "legal"}}));
  EXPECT_EQ(legal.candidates, std::vector<std::uint16_t>{1});
  EXPECT_EQ(legal.fallback, (std::vector<std::uint16_t>{2, 0}));
  EXPECT_EQ(legal.quality_floor, 0.8);
  EXPECT_EQ(legal.latency_bound, std::chrono::seconds(20));
  EXPECT_FALSE(legal.when.holds_always());
  const PolicyRule& all = policy->data().rules.at(1);
  EXPECT_TRUE(all.when.holds_always());
  EXPECT_TRUE(all.fallback.empty());
  EXPECT_FALSE(all.quality_floor);
  EXPECT_FALSE(all.latency_bound);
}

TEST(PolicyTest, ReadsTheShippedPolicies) {
  for (const char* name : {"one_model", "tiered"}) {
    const std::string path = fmt::format("{}/scenarios/policies/{}.json", fare::kSourceDir, name);
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    EXPECT_EQ(problems_of(text), "") << path;
  }
}

TEST(PolicyTest, ChecksTheWhole) {
  expect_edits({
      {"no format", "/format", "", "missing_key : needs the key \"format\""},
      {"another format", "/format", "\"fare-policy/2\"",
       "unknown_name /format: must be one of \"fare-policy/1\", but is \"fare-policy/2\""},
      {"no name", "/name", "", "missing_key : needs the key \"name\""},
      {"empty name", "/name", "\"\"", "out_of_range /name: must be a text of 1 to 128 bytes"},
      {"output 0", "/expected_output_tokens", "0",
       "out_of_range /expected_output_tokens: must be a whole number from 1 to 1000000000000"},
      {"output a text", "/expected_output_tokens", "\"200\"",
       "wrong_type /expected_output_tokens: must be a whole number from 1 to 1000000000000"},
      {"no targets", "/targets", "[]", "out_of_range /targets: must be a list of 1 to 1000 items",
       6},
      {"no rules", "/rules", "", "missing_key : needs the key \"rules\""},
      {"empty rules", "/rules", "[]", "out_of_range /rules: must be a list of 1 to 1000 items"},
      {"rules no list", "/rules", "{\"legal\": {}}",
       "wrong_type /rules: must be a list, but is an object"},
      {"unknown key", "/rule", "[]",
       "unknown_key /rule: is not a known key; did you mean \"rules\"?"},
  });
}

TEST(PolicyTest, ChecksClasses) {
  const std::string output = "/classes/0/expected_output_tokens";
  expect_edits({
      {"no name", "/classes/0", "{\"expected_output_tokens\": 1}",
       "missing_key /classes/0: needs the key \"name\"", 2},
      {"twice", "/classes/2", "{\"name\": \"simple\"}",
       "duplicate_key /classes/2/name: \"simple\" stands twice"},
      {"output too large", output, "1000000000001",
       "out_of_range /classes/0/expected_output_tokens: must be a whole number from 1 to 1000000"},
      {"unknown key", "/classes/0/expected_output_token", "1",
       "unknown_key /classes/0/expected_output_token: is not a known key; did you mean"},
      {"expected output neither here nor there", "/expected_output_tokens", "",
       "missing_key /classes/1: needs the key \"expected_output_tokens\", here or for the whole"},
  });
}

TEST(PolicyTest, ChecksTargets) {
  const std::string first = "/targets/0";
  const std::string latency = first + "/latency";
  expect_edits({
      {"no model", first + "/model", "", "missing_key /targets/0: needs the key \"model\""},
      {"empty provider", first + "/provider", "\"\"",
       "out_of_range /targets/0/provider: must be a text of 1 to 128 bytes"},
      {"twice", "/targets/3", R"({"name": "opus", "model": "m"})",
       "duplicate_key /targets/3/name: \"opus\" stands twice"},
      {"capabilities empty", first + "/capabilities", "[]",
       "out_of_range /targets/0/capabilities: must be a list of 1 to 64 items"},
      {"capability no text", first + "/capabilities/1", "7",
       "wrong_type /targets/0/capabilities/1: must be a text of 1 to 128 bytes, but is 7"},
      {"quality above 1", first + "/quality/simple", "1.01",
       "out_of_range /targets/0/quality/simple: must be a number from 0 to 1, but is 1.01"},
      {"quality negative", "/targets/1/quality", "-0.1",
       "out_of_range /targets/1/quality: must be a number from 0 to 1, but is -0.1"},
      {"quality a list", "/targets/1/quality", "[0.5]",
       "wrong_type /targets/1/quality: must be a number from 0 to 1, but is a list of 1"},
      {"quality of an unknown class", first + "/quality/compelx", "0.5",
       "unknown_name /targets/0/quality/compelx: \"compelx\" is not a class of this policy; did "
       "you mean \"complex\"?"},
      {"quality of another class", first + "/quality/poetry", "0.5",
       "unknown_name /targets/0/quality/poetry: \"poetry\" is not a class of this policy\n"},
      {"latency no object", latency, "600",
       "wrong_type /targets/0/latency: must be an object, but is 600"},
      {"half a latency", latency + "/ms_per_output_token", "",
       "missing_key /targets/0/latency: needs the key \"ms_per_output_token\""},
      {"latency negative", latency + "/first_token_ms", "-1",
       "out_of_range /targets/0/latency/first_token_ms: must be a number from 0 to 86400000"},
      {"latency above a day", latency + "/first_token_ms", "86400001",
       "out_of_range /targets/0/latency/first_token_ms: must be a number from 0 to 86400000"},
      {"unknown part of latency", latency + "/p99_ms", "1",
       "unknown_key /targets/0/latency/p99_ms: is not a known key"},
      {"unknown key", first + "/modle", "1",
       "unknown_key /targets/0/modle: is not a known key; did you mean \"model\"?"},
  });
}

TEST(PolicyTest, ChecksRules) {
  const std::string rule = "/rules/0";
  expect_edits({
      {"no name", rule + "/name", "", "missing_key /rules/0: needs the key \"name\""},
      {"twice", rule + "/name", "\"all\"", "duplicate_key /rules/1/name: \"all\" stands twice"},
      {"no candidates", rule + "/candidates", "",
       "missing_key /rules/0: needs the key \"candidates\""},
      {"empty candidates", rule + "/candidates", "[]",
       "out_of_range /rules/0/candidates: must be a list of 1 to 32 items, but is a list of 0"},
      {"candidate no text", rule + "/candidates/0", "1",
       "wrong_type /rules/0/candidates/0: must be a text of 1 to 128 bytes, but is 1"},
      {"unknown candidate", rule + "/candidates/0", "\"opsu\"",
       "unknown_name /rules/0/candidates/0: \"opsu\" is not a target of this policy; did you mean "
       "\"opus\"?"},
      {"unknown fallback", rule + "/fallback/1", "\"mistral\"",
       "unknown_name /rules/0/fallback/1: \"mistral\" is not a target of this policy\n"},
      {"a model is no target", rule + "/candidates/0", "\"claude-opus-4-8\"",
       "unknown_name /rules/0/candidates/0: \"claude-opus-4-8\" is not a target of this policy\n"},
      {"candidate twice", "/rules/1/candidates/2", "\"haiku\"",
       "duplicate_key /rules/1/candidates/2: names \"haiku\" twice"},
      {"fallback twice", rule + "/fallback/2", "\"gpt\"",
       "duplicate_key /rules/0/fallback/2: names \"gpt\" twice"},
      {"floor above 1", rule + "/quality_floor", "80",
       "out_of_range /rules/0/quality_floor: must be a number from 0 to 1, but is 80"},
      {"bound negative", rule + "/latency_bound_ms", "-1",
       "out_of_range /rules/0/latency_bound_ms: must be a number from 0 to 86400000"},
      {"bound a text", rule + "/latency_bound_ms", "\"20s\"",
       "wrong_type /rules/0/latency_bound_ms: must be a number from 0 to 86400000"},
      {"unknown objective", rule + "/objective", "\"max_quality\"",
       "unknown_name /rules/0/objective: must be one of \"min_cost\", but is \"max_quality\""},
      {"unknown key", rule + "/fallbacks", "[]",
       "unknown_key /rules/0/fallbacks: is not a known key; did you mean \"fallback\"?"},
  });
}

TEST(PolicyTest, ChecksWhenARuleHolds) {
  const std::string when = "/rules/0/when";
  expect_edits({
      {"empty list of classes", when + "/class", "[]",
       "out_of_range /rules/0/when/class: must be a list of 1 to 64 items, but is a list of 0"},
      {"class a text", when + "/class", "\"complex\"",
       "wrong_type /rules/0/when/class: must be a list, but is \"complex\""},
      {"class an object", when + "/class", "{\"complex\": true}",
       "wrong_type /rules/0/when/class: must be a list, but is an object"},
      {"unknown class", when + "/class/0", "\"complx\"",
       "unknown_name /rules/0/when/class/0: \"complx\" is not a class of this policy; did you mean "
       "\"complex\"?"},
      {"class no text", when + "/class/0", "null",
       "wrong_type /rules/0/when/class/0: must be a text of 1 to 128 bytes, but is null"},
      {"tag no text", when + "/tags/team", "[\"legal\"]",
       "wrong_type /rules/0/when/tags/team: must be a text of 1 to 128 bytes, but is a list of 1"},
      {"tags no object", when + "/tags", "[]",
       "wrong_type /rules/0/when/tags: must be an object, but is a list of 0"},
      {"unknown key", when + "/classes", "[]",
       "unknown_key /rules/0/when/classes: is not a known key; did you mean \"class\"?"},
  });
  Json file = Json::parse(kGood);
  file["rules"][0]["when"] = Json::parse(R"({"class": 5, "tags": {"team": 5}, "day": 1})");
  EXPECT_EQ(
      problems_of(file.dump()),
      "wrong_type p.json#/rules/0/when/class: must be a list, but is 5\n"
      "wrong_type p.json#/rules/0/when/tags/team: must be a text of 1 to 128 bytes, but is 5\n"
      "unknown_key p.json#/rules/0/when/day: is not a known key\n")
      << "one of them must not hide the others";
}

TEST(PolicyTest, ChecksThatEveryRuleCanBeReached) {
  const auto unreachable = [](int rule, std::string_view before) {
    return fmt::format(
        "conflict p.json#/rules/{}: can never be reached: rule \"{}\" before it "
        "holds always\n",
        rule, before);
  };
  Json file = Json::parse(kGood);
  Json& rules = file["rules"];
  rules.push_back(
      {{"name", "late"}, {"when", {{"tags", {{"a", "b"}}}}}, {"candidates", Json::array({"gpt"})}});
  rules.push_back({{"name", "later"}, {"candidates", Json::array({"gpt"})}});
  EXPECT_EQ(problems_of(file.dump()), unreachable(2, "all") + unreachable(3, "all"));
  for (const char* when : {"{}", R"({"tags": {}})"}) {
    Json first = Json::parse(kGood);
    first["rules"][0]["when"] = Json::parse(when);
    EXPECT_EQ(problems_of(first.dump()), unreachable(1, "legal")) << when;
  }
  Json classes = Json::parse(kGood);
  classes["rules"][0]["when"] = Json::parse(R"({"class": ["simple", "complex"]})");
  EXPECT_EQ(problems_of(classes.dump()), "") << "a request without class is left";
}

TEST(PolicyTest, NeedsAnExpectedOutput) {
  Json file = Json::parse(kGood);
  file.erase("expected_output_tokens");
  file["classes"][1]["expected_output_tokens"] = 7;
  EXPECT_EQ(problems_of(file.dump()), "") << "every class has its own";
  file["targets"][0].erase("quality");
  file["targets"][2].erase("quality");
  file["rules"].erase(0);
  const std::string expected =
      "missing_key p.json: needs the key \"expected_output_tokens\" or classes\n";
  file["classes"] = Json::array();
  EXPECT_EQ(problems_of(file.dump()), expected);
  file.erase("classes");
  EXPECT_EQ(problems_of(file.dump()), expected);
  file["expected_output_tokens"] = -1;
  EXPECT_EQ(problems_of(file.dump()),
            "out_of_range p.json#/expected_output_tokens: must be a whole number from 1 to "
            "1000000000000, but is -1\n");
}

// A policy with as many of everything as wanted.
Json large(int classes, int targets, int rules, int capabilities) {
  const auto named = [](std::string_view kind, int i) { return fmt::format("{}{}", kind, i); };
  Json file = {{"format", "fare-policy/1"}, {"name", "large"}, {"expected_output_tokens", 1}};
  for (int i = 0; i < classes; ++i) file["classes"].push_back({{"name", named("c", i)}});
  for (int i = 0; i < targets; ++i) {
    file["targets"].push_back({{"name", named("t", i)}, {"model", "m"}});
  }
  for (int i = 0; i < capabilities; ++i) {
    file["targets"][static_cast<std::size_t>(i % targets)]["capabilities"].push_back(
        named("capability", i));
  }
  for (int i = 0; i < rules; ++i) {
    file["rules"].push_back({{"name", named("r", i)},
                             {"when", {{"tags", {{"n", named("", i)}}}}},
                             {"candidates", Json::array({"t0"})}});
  }
  return file;
}

TEST(PolicyTest, HoldsAsMuchAsItSays) {
  const Expected<Policy> policy = Policy::parse("p.json", large(64, 1'000, 1'000, 64).dump());
  ASSERT_TRUE(policy) << to_text(policy.error());
  EXPECT_EQ(policy->data().targets[63].capabilities, std::uint64_t{1} << 63);
  EXPECT_EQ(problems_of(large(65, 1, 1, 0).dump()),
            "out_of_range p.json#/classes: must be a list of 0 to 64 items, but is a list of 65\n");
  EXPECT_TRUE(problems_of(large(0, 1'001, 1, 0).dump())
                  .starts_with("out_of_range p.json#/targets: must be a list of 1 to 1000 items, "
                               "but is a list of 1001\n"));
  EXPECT_EQ(
      problems_of(large(0, 1, 1'001, 0).dump()),
      "out_of_range p.json#/rules: must be a list of 1 to 1000 items, but is a list of 1001\n");
  EXPECT_EQ(problems_of(large(0, 2, 1, 65).dump()),
            "out_of_range p.json#/targets/1: a policy may name at most 64 capabilities\n");
}

TEST(PolicyTest, LimitsCandidatesAndFallbacks) {
  const auto problems_with = [](int candidates, int fallbacks) {
    Json file = large(0, 40, 1, 0);
    Json& rule = file["rules"][0];
    rule["candidates"] = Json::array();
    for (int i = 0; i < candidates; ++i) rule["candidates"].push_back(fmt::format("t{}", i));
    for (int i = 0; i < fallbacks; ++i) rule["fallback"].push_back(fmt::format("t{}", 39 - i));
    return problems_of(file.dump());
  };
  EXPECT_EQ(problems_with(32, 0), "");
  EXPECT_EQ(problems_with(25, 7), "");
  EXPECT_EQ(problems_with(26, 7),
            "out_of_range p.json#/rules/0: candidates and fallback together must be at most 32 "
            "targets\n");
  EXPECT_EQ(problems_with(1, 8),
            "out_of_range p.json#/rules/0: fallback must be at most 7 targets\n");
  EXPECT_EQ(problems_with(33, 0),
            "out_of_range p.json#/rules/0/candidates: must be a list of 1 to 32 items, but is a "
            "list of 33\n");
}

TEST(PolicyTest, FindsAllProblemsInOneGoAndInOrder) {
  const std::string text = R"({
    "format": "fare-policy/1", "name": 5, "expected_output_tokens": 100,
    "classes": [{"name": "simple"}, {"name": "simple"}],
    "targets": [{"name": "a", "quality": {"simpel": 0.5}, "capabilities": [1]}, 7],
    "rules": [{"name": "r", "candidates": ["b"], "quality_floor": 2, "priority": 1},
              {"name": "r", "candidates": ["a"]}],
    "clases": []})";
  EXPECT_EQ(problems_of(text),
            "wrong_type p.json#/name: must be a text of 1 to 128 bytes, but is 5\n"
            "duplicate_key p.json#/classes/1/name: \"simple\" stands twice\n"
            "missing_key p.json#/targets/0: needs the key \"model\"\n"
            "wrong_type p.json#/targets/0/capabilities/0: must be a text of 1 to 128 bytes, but is "
            "1\n"
            "unknown_name p.json#/targets/0/quality/simpel: \"simpel\" is not a class of this "
            "policy; did you mean \"simple\"?\n"
            "wrong_type p.json#/targets/1: must be an object, but is 7\n"
            "unknown_name p.json#/rules/0/candidates/0: \"b\" is not a target of this policy\n"
            "out_of_range p.json#/rules/0/quality_floor: must be a number from 0 to 1, but is 2\n"
            "unknown_key p.json#/rules/0/priority: is not a known key\n"
            "duplicate_key p.json#/rules/1/name: \"r\" stands twice\n"
            "conflict p.json#/rules/1: can never be reached: rule \"r\" before it holds always\n"
            "unknown_key p.json#/clases: is not a known key; did you mean \"classes\"?\n");
}

TEST(PolicyTest, RefusesBrokenTextWithItsPlace) {
  EXPECT_TRUE(
      problems_of("{\n \"format\"")
          .starts_with("syntax p.json: is not valid JSON: parse error at line 2, column 10: "));
  EXPECT_EQ(problems_of("[]"), "wrong_type p.json: must be an object, but is a list of 0\n");
  EXPECT_EQ(problems_of(R"({"rules": [{"when": {}, "when": {}}]})"),
            "duplicate_key p.json#/rules/0/when: key \"when\" stands twice in one object\n");
}

std::string hash_of(const std::string& text, std::string_view file = "p.json") {
  return std::string(Policy::parse(file, text).value().hash());
}

TEST(PolicyTest, HashesItsMeaningNotItsWriting) {
  const std::string expected = hash_of(std::string(kGood));
  EXPECT_EQ(expected.size(), 32u);
  EXPECT_EQ(hash_of(Json::parse(kGood).dump()), expected) << "keys sorted, no white space";
  EXPECT_EQ(hash_of(nlohmann::ordered_json::parse(kGood).dump(4)), expected) << "keys as written";
  EXPECT_EQ(hash_of(std::string(kGood), "q.json"), expected) << "another file";
  std::string escaped(kGood);
  escaped.replace(escaped.find("tiered"), 6, "\\u0074iered");
  EXPECT_EQ(hash_of(escaped), expected) << "escapes";
}

TEST(PolicyTest, HashesEveryValue) {
  const Json good = Json::parse(kGood);
  std::vector<std::string> seen = {hash_of(std::string(kGood))};
  const Json flat = good.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    Json file = good;
    Json& changed = file[Json::json_pointer(pointer)];
    if (value.is_string()) changed = value.get<std::string>() + "x";
    if (value.is_number_integer()) changed = value.get<int>() + 1;
    if (value.is_number_float()) changed = value.get<double>() / 2;
    const Expected<Policy> policy = Policy::parse("p.json", file.dump());
    if (!policy) continue;  // A name that others refer to.
    for (const std::string& other : seen) EXPECT_NE(policy->hash(), other) << pointer;
    seen.emplace_back(policy->hash());
  }
  EXPECT_GT(seen.size(), 20u);
}

TEST(PolicyTest, CopiesShareOneValue) {
  std::optional<Policy> first = Policy::parse("p.json", kGood).value();
  const Policy copy = *first;
  EXPECT_EQ(&copy.data(), &first->data());
  first.reset();
  EXPECT_EQ(copy.name(), "tiered");
}

}  // namespace
}  // namespace fare
