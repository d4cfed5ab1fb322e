#include "traffic/gap_law.h"

#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "base/samplers.h"
#include "fare/check.h"

namespace routesim {
namespace {

constexpr double kWeibullShapeMin = 0.05;
constexpr double kWeibullShapeMax = 2'000;
constexpr int kHalvings = 64;

// ln(1 + cv^2) of a Weibull law; falls as the shape rises.
double weibull_spread(double shape) {
  return boost::math::lgamma(1 + 2 / shape) - 2 * boost::math::lgamma(1 + 1 / shape);
}

}  // namespace

double GapLaw::cv_of(Kind kind, double shape) {
  FARE_CHECK(shape > 0);
  switch (kind) {
    case Kind::kExponential:
      return 1;
    case Kind::kGamma:
      return 1 / std::sqrt(shape);
    case Kind::kWeibull:
      return std::sqrt(std::expm1(weibull_spread(shape)));
  }
  return 1;
}

GapLaw GapLaw::with_cv(Kind kind, double cv) {
  FARE_CHECK(cv >= kCvMin);
  FARE_CHECK(cv <= kCvMax);
  if (kind != Kind::kWeibull) return with_shape(kind, 1 / (cv * cv));
  const double due = std::log1p(cv * cv);
  double low = kWeibullShapeMin;
  double high = kWeibullShapeMax;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (weibull_spread(middle) > due ? low : high) = middle;
  }
  return with_shape(kind, (low + high) / 2);
}

GapLaw GapLaw::with_shape(Kind kind, double shape) {
  FARE_CHECK(shape > 0);
  if (kind == Kind::kExponential) return {};
  if (kind == Kind::kGamma) return {kind, shape, 1 / shape};
  return {kind, shape, std::exp(-boost::math::lgamma(1 + 1 / shape))};
}

double GapLaw::draw(fare::RandomStream& stream) const {
  switch (kind_) {
    case Kind::kExponential:
      return fare::exponential(stream.uniform(), 1);
    case Kind::kGamma:
      return fare::gamma(stream, shape_, scale_);
    case Kind::kWeibull:
      return fare::weibull(stream.uniform(), shape_, scale_);
  }
  return 0;
}

// A gap met in proportion to its length has the density x f(x).  For a gamma law that is gamma with
// one more of shape; for a Weibull law (x / scale)^shape, which was exponential, is then gamma with
// 1 + 1 / shape.
double GapLaw::first(fare::RandomStream& stream) const {
  switch (kind_) {
    case Kind::kExponential:
      return draw(stream);
    case Kind::kGamma: {
      const double share = stream.uniform();
      return share * fare::gamma(stream, shape_ + 1, scale_);
    }
    case Kind::kWeibull: {
      const double share = stream.uniform();
      return share * scale_ * std::pow(fare::gamma(stream, 1 + 1 / shape_, 1), 1 / shape_);
    }
  }
  return 0;
}

}  // namespace routesim
