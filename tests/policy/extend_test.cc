#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "fare/policy.h"
#include "policy/policy_data.h"

namespace fare {
namespace {

constexpr std::string_view kBase = R"({
  "format": "fare-policy/1", "name": "base", "expected_output_tokens": 200,
  "classes": [{"name": "simple"}],
  "targets": [{"name": "a", "model": "ma", "quality": 0.5}, {"name": "b", "model": "mb"}],
  "retry": {"per_1000": 50, "saved_max": 5},
  "rules": [{"name": "legal", "when": {"tags": {"team": "legal"}}, "candidates": ["a"]},
            {"name": "all", "candidates": ["a", "b"]}]})";

// A folder of policies by name.
class Folder {
 public:
  explicit Folder(std::map<std::string, std::string> files) : files_(std::move(files)) {}

  Expected<Policy> parse(const std::string& name) const {
    return Policy::parse(name, files_.at(name),
                         [this](std::string_view wanted, std::string_view) -> Expected<PolicyText> {
                           const auto found = files_.find(std::string(wanted));
                           if (found == files_.end()) {
                             return fail(ErrorCode::kIo, std::string(wanted), "is not there");
                           }
                           return PolicyText{found->first, found->second};
                         });
  }

  std::string problems(const std::string& name) const {
    const Expected<Policy> policy = parse(name);
    return policy ? "" : to_text(policy.error());
  }

 private:
  std::map<std::string, std::string> files_;
};

std::string extending(std::string_view base, std::string_view rest) {
  return fmt::format(R"({{"format": "fare-policy/1", "name": "n", "extends": "{}"{}}})", base,
                     rest);
}

TEST(ExtendTest, ReplacesByNameAndPutsNewRulesInFront) {
  const Folder folder({{"base", std::string(kBase)}, {"mine", extending("base", R"(,
    "classes": [{"name": "complex", "expected_output_tokens": 9}],
    "targets": [{"name": "c", "model": "mc"}, {"name": "a", "quality": {"complex": 0.75}}],
    "retry": {"saved_max": 7},
    "rules": [{"name": "new", "when": {"class": ["complex"]}, "candidates": ["c"]},
              {"name": "all", "candidates": ["c"]}])")}});
  const Expected<Policy> policy = folder.parse("mine");
  ASSERT_TRUE(policy) << to_text(policy.error());
  EXPECT_EQ(policy->name(), "n");
  EXPECT_EQ(policy->file(), "mine");
  const PolicyData& data = policy->data();
  EXPECT_EQ(policy->class_names(), (std::vector<std::string_view>{"simple", "complex"}));
  ASSERT_EQ(data.targets.size(), 3u);
  EXPECT_EQ(data.targets[0].model, "ma") << "the base's key stays";
  EXPECT_FALSE(data.targets[0].quality[0]) << "a key that is given is replaced as a whole";
  EXPECT_EQ(data.targets[0].quality[1], 0.75);
  EXPECT_EQ(data.targets[2].name, "c");
  EXPECT_EQ(data.retry.per_1000, 50);
  EXPECT_EQ(data.retry.saved_max, 7);
  ASSERT_EQ(data.rules.size(), 3u);
  EXPECT_EQ(data.rules[0].name, "new");
  EXPECT_EQ(data.rules[1].name, "legal");
  EXPECT_EQ(data.rules[2].name, "all") << "where the one that it replaces stood";
  EXPECT_EQ(data.rules[2].candidates, std::vector<std::uint16_t>{2});
}

TEST(ExtendTest, IsThePolicyThatItsTextSays) {
  const Folder folder({{"base", std::string(kBase)},
                       {"mine", extending("base", R"(, "retry": {"saved_max": 7})")}});
  const Policy policy = folder.parse("mine").value();
  const Policy whole = Policy::parse("whole", policy.text()).value();
  EXPECT_EQ(whole.hash(), policy.hash());
  EXPECT_EQ(whole.text(), policy.text());
  EXPECT_NE(policy.hash(), folder.parse("base").value().hash());
}

TEST(ExtendTest, NamesTheFileWhereAProblemStands) {
  const Folder broken({{"base", R"({"format": "fare-policy/1", "name": "b", "rules": 1})"},
                       {"mine", extending("base", "")}});
  const std::string problems = broken.problems("mine");
  EXPECT_NE(problems.find("base#/rules: must be a list, but is 1\n"), std::string::npos)
      << problems;
  const Folder changed({{"base", std::string(kBase)}, {"mine", extending("base", R"(,
    "rules": [{"name": "x", "candidates": ["b"]}, {"name": "legal", "candidates": ["z"]}])")}});
  EXPECT_EQ(changed.problems("mine"),
            "mine#/rules/1/candidates/0: \"z\" is not a target of this policy\n"
            "mine#/rules/1: can never be reached: rule \"x\" before it holds always\n"
            "base#/rules/1: can never be reached: rule \"x\" before it holds always\n")
      << "each item keeps its own place";
  const Folder twice({{"base", std::string(kBase)}, {"mine", extending("base", R"(,
    "targets": [{"name": "a", "model": "x"}, {"name": "a", "model": "y"}])")}});
  EXPECT_EQ(twice.problems("mine"), "mine#/targets/1/name: \"a\" stands twice\n");
}

TEST(ExtendTest, RefusesCyclesWithTheirPath) {
  const Folder folder({{"a", extending("b", "")},
                       {"b", extending("c", "")},
                       {"c", extending("a", "")},
                       {"self", extending("self", "")}});
  EXPECT_EQ(folder.problems("a"), "c#/extends: extends itself: a -> b -> c -> a\n");
  EXPECT_EQ(folder.problems("self"), "self#/extends: extends itself: self -> self\n");
}

TEST(ExtendTest, RefusesWhatIsNotThere) {
  const Folder folder({{"a", extending("gone", "")}});
  EXPECT_EQ(folder.problems("a"),
            "a#/extends: extends \"gone\", which cannot be read: gone: is not there\n");
  const Expected<Policy> alone = Policy::parse("a", extending("b", ""));
  ASSERT_FALSE(alone);
  EXPECT_EQ(to_text(alone.error()),
            "a#/extends: extends \"b\", but no other policies are at hand here\n");
}

TEST(ExtendTest, ReadsAChainAndEndsAnEndlessOne) {
  std::map<std::string, std::string> files = {{"0", std::string(kBase)}};
  for (int i = 1; i <= 16; ++i) {
    files[std::to_string(i)] =
        extending(std::to_string(i - 1), fmt::format(R"(, "retry": {{"saved_max": {}}})", i));
  }
  const Folder folder(files);
  const Expected<Policy> policy = folder.parse("15");
  ASSERT_TRUE(policy) << to_text(policy.error());
  EXPECT_EQ(policy->data().retry.saved_max, 15);
  EXPECT_EQ(policy->data().retry.per_1000, 50);
  int asked = 0;
  const Expected<Policy> endless =
      Policy::parse("x0", extending("x1", ""), [&](auto, auto) -> Expected<PolicyText> {
        ++asked;
        return PolicyText{fmt::format("x{}", asked), extending("next", "")};
      });
  ASSERT_FALSE(endless);
  EXPECT_LT(asked, 20);
}

}  // namespace
}  // namespace fare
