#include "choice/rules.h"

#include <cmath>

#include "choice/keywords.h"

namespace fare {
namespace {

enum : std::size_t { kSimple, kMedium, kComplex, kReasoning };

// Where the families stand among the hand features, and the few lengths that rules ask for.
constexpr std::size_t kOpening = kHandFeatures - kOpeningFamilies;
constexpr std::size_t kFamily = kOpening - kFamilies;
constexpr std::size_t kLogWords = 1;
constexpr std::size_t kCommas = 12;
constexpr std::size_t kIdeographs = 25;

constexpr double kFewWords = 12;
constexpr double kManyWords = 11;
constexpr double kVeryMany = 120;

}  // namespace

std::size_t rule_class(const TextFeatures& features) {
  const auto count = [&](Family family) {
    return std::expm1(
        static_cast<double>(features.hand[kFamily + static_cast<std::size_t>(family)]));
  };
  const auto opens = [&](Family family) {
    return features.hand[kOpening + static_cast<std::size_t>(family)] > 0;
  };
  // An ideograph is a word here, but two of them make one elsewhere.
  const double density = features.hand[kIdeographs] > 0.3f ? 2.0 : 1.0;
  const double words = std::expm1(static_cast<double>(features.hand[kLogWords])) / density;
  const double commas = std::expm1(static_cast<double>(features.hand[kCommas]));
  if (opens(Family::kProof) || count(Family::kProof) >= 3) return kReasoning;
  const bool long_list = words >= kManyWords || commas >= 2;
  if (opens(Family::kBuild) && count(Family::kBuild) >= 2 && long_list) return kComplex;
  if (words >= kVeryMany) return kComplex;
  const bool asks_work = opens(Family::kExplain) || opens(Family::kCompare) ||
                         opens(Family::kSummarise) || opens(Family::kTest) ||
                         opens(Family::kBuild) || count(Family::kCode) >= 2;
  if (!asks_work && words <= kFewWords) return kSimple;
  if (opens(Family::kTrivial) && words <= kFewWords) return kSimple;
  return kMedium;
}

}  // namespace fare
