#include "fare/check.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "fare/expected.h"

namespace fare {
namespace {

struct Caught {
  std::string file;
  int line;
  std::string condition;
};

[[noreturn]] void throw_failure(const CheckFailure& failure) {
  throw Caught{failure.file, failure.line, failure.condition};
}

void return_from_failure(const CheckFailure&) {}

// Puts a handler in place for one test.
class Handler {
 public:
  explicit Handler(CheckHandler handler) : before_(set_check_handler(handler)) {}
  ~Handler() { set_check_handler(before_); }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

 private:
  CheckHandler before_;
};

TEST(CheckTest, TellsTheHandlerFileLineAndCondition) {
  const Handler handler(&throw_failure);
  int line = 0;
  try {
    line = __LINE__ + 1;
    FARE_CHECK(1 + 1 == 3);
    FAIL() << "the check held";
  } catch (const Caught& caught) {
    EXPECT_TRUE(caught.file.ends_with("check_test.cc")) << caught.file;
    EXPECT_EQ(caught.line, line);
    EXPECT_EQ(caught.condition, "1 + 1 == 3");
  }
}

TEST(CheckTest, EvaluatesItsConditionOnceInEveryBuild) {
  const Handler handler(&throw_failure);
  int evaluated = 0;
  FARE_CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckTest, TakesAnythingThatConvertsToBoolAndIsOneStatement) {
  const Handler handler(&throw_failure);
  const int* nothing = nullptr;
  bool other = false;
  if (nothing != nullptr)
    FARE_CHECK(nothing);
  else
    other = true;
  EXPECT_TRUE(other);
  EXPECT_THROW(FARE_CHECK(nothing), Caught);
}

TEST(CheckTest, ReturnsTheHandlerBefore) {
  const CheckHandler first = set_check_handler(&throw_failure);
  EXPECT_EQ(set_check_handler(&return_from_failure), &throw_failure);
  EXPECT_EQ(set_check_handler(nullptr), &return_from_failure);
  EXPECT_EQ(set_check_handler(first), first) << "null restores the default";
}

TEST(CheckDeathTest, DefaultHandlerPrintsOneLineAndAborts) {
  set_check_handler(nullptr);
  EXPECT_EXIT(FARE_CHECK(2 < 1), testing::KilledBySignal(SIGABRT),
              "^[^\n]*check_test\\.cc:[0-9]+: check failed: 2 < 1\n$");
}

TEST(CheckDeathTest, AbortsEvenIfTheHandlerReturns) {
  const Handler handler(&return_from_failure);
  EXPECT_EXIT(FARE_CHECK(false), testing::KilledBySignal(SIGABRT), "^$");
}

TEST(ErrorTest, EveryCodeHasItsName) {
  const struct {
    const char* name;
    ErrorCode code;
  } cases[] = {
      {"syntax", ErrorCode::kSyntax},
      {"wrong_type", ErrorCode::kWrongType},
      {"out_of_range", ErrorCode::kOutOfRange},
      {"unknown_key", ErrorCode::kUnknownKey},
      {"duplicate_key", ErrorCode::kDuplicateKey},
      {"missing_key", ErrorCode::kMissingKey},
      {"unknown_name", ErrorCode::kUnknownName},
      {"conflict", ErrorCode::kConflict},
      {"io", ErrorCode::kIo},
  };
  for (const auto& test : cases) EXPECT_EQ(to_string(test.code), test.name);
}

TEST(ErrorTest, FailCarriesOneErrorAndTextIsOneLineEach) {
  const Expected<int> failed = fail(ErrorCode::kIo, "a.json", "cannot be read");
  ASSERT_FALSE(failed);
  ASSERT_EQ(failed.error().size(), 1u);
  EXPECT_EQ(failed.error()[0].code, ErrorCode::kIo);
  Errors errors = failed.error();
  errors.push_back({ErrorCode::kSyntax, "", "must be a number"});
  EXPECT_EQ(to_text(errors), "a.json: cannot be read\nmust be a number\n");
  EXPECT_EQ(to_text({}), "");
}

}  // namespace
}  // namespace fare
