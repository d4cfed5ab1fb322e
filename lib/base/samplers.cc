#include "base/samplers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "fare/check.h"

namespace fare {
namespace {

bool is_finite(double x) { return std::isfinite(x); }
bool is_positive(double x) { return x > 0 && std::isfinite(x); }
bool is_inside_unit(double u) { return u > 0 && u < 1; }

// Coefficients stand from the highest power down to the constant.
template <std::size_t kCount>
double polynomial(const std::array<double, kCount>& coefficients, double x) {
  double sum = 0;
  for (const double coefficient : coefficients) sum = sum * x + coefficient;
  return sum;
}

template <std::size_t kAbove, std::size_t kBelow>
struct Rational {
  std::array<double, kAbove> above;
  std::array<double, kBelow> below;

  double operator()(double x) const { return polynomial(above, x) / polynomial(below, x); }
};

// AS 241, PPND16: in 0.180625 - (p - 0.5)^2, then in r - 1.6 and r - 5, r = sqrt(-log(tail)).
constexpr Rational<8, 8> kQuantileCentre{
    {2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608},
    {5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1}};
constexpr Rational<8, 8> kQuantileFlank{
    {7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959,
     1.42343711074968357734},
    {1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187,
     1}};
constexpr Rational<8, 8> kQuantileTail{
    {2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699,
     6.6579046435011037772},
    {2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
     0.59983220655588793769, 1}};

// Cody, "Rational Chebyshev approximations for the error function", 1969, in the form of ANORM
// (Algorithm 715, 1993): in x^2, in |x| and in 1 / x^2.
constexpr Rational<5, 5> kCdfCentre{
    {0.065682337918207449113, 2.2352520354606839287, 161.02823106855587881, 1067.6894854603709582,
     18154.981253343561249},
    {1, 47.20258190468824187, 976.09855173777669322, 10260.932208618978205, 45507.789335026729956}};
constexpr Rational<9, 9> kCdfFlank{
    {1.0765576773720192317e-8, 0.39894151208813466764, 8.8831497943883759412, 93.506656132177855979,
     597.27027639480026226, 2494.5375852903726711, 6848.1904505362823326, 11602.651437647350124,
     9842.7148383839780218},
    {1, 22.266688044328115691, 235.38790178262499861, 1519.377599407554805, 6485.558298266760755,
     18615.571640885098091, 34900.952721145977266, 38912.003286093271411, 19685.429676859990727}};
constexpr Rational<6, 6> kCdfTail{
    {0.02307344176494017303, 0.21589853405795699, 0.1274011611602473639, 0.022235277870649807,
     0.001421619193227893466, 2.9112874951168792e-5},
    {1, 1.28426009614491121, 0.468238212480865118, 0.0659881378689285515, 0.00378239633202758244,
     7.29751555083966205e-5}};
constexpr double kCdfCentreMax = 0.67448975;
constexpr double kCdfFlankMax = 5.656854249492380195;  // sqrt(32).
constexpr double kCdfTailMax = 40;                     // exp(-800) is 0.
constexpr double kInverseSqrtTwoPi = 0.398942280401432677940;

// exp(-x^2 / 2).  Rounding x^2 would cost x^2 / 2 units in the last place; x is cut after four
// binary digits instead, whose square is exact.
double bell(double x) {
  const double head = std::trunc(x * 16) / 16;
  const double rest = (x - head) * (x + head);
  return std::exp(-head * head / 2) * std::exp(-rest / 2);
}

// P(X > x) for a standard normal X and x > kCdfCentreMax.
double upper_tail(double x) {
  if (x > kCdfTailMax) return 0;
  if (x <= kCdfFlankMax) return bell(x) * kCdfFlank(x);
  const double square = 1 / (x * x);
  return bell(x) * (kInverseSqrtTwoPi - square * kCdfTail(square)) / x;
}

// log(1 - u).  Kahan's factor makes up for the rounding of 1 - u, at half the cost of std::log1p.
double log_of_rest(double u) {
  const double rest = 1 - u;
  return rest == 1 ? -u : std::log(rest) * (u / (1 - rest));
}

// log(1 + x) / x and (exp(x) - 1) / x, continued to x = 0.
double log1p_ratio(double x) { return x == 0 ? 1 : std::log1p(x) / x; }
double expm1_ratio(double x) { return x == 0 ? 1 : std::expm1(x) / x; }

// Marsaglia and Tsang's method itself, for shapes from 1 and scale 1.
double gamma_from_one(RandomStream& stream, double shape) {
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal_quantile(stream.uniform());
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = stream.uniform();
    const double square = x * x;
    // The first test, a cheap bound of the second, spares most draws the logarithms.
    if (u < 1 - 0.0331 * square * square) return d * v;
    if (std::log(u) < 0.5 * square + d * (1 - v + std::log(v))) return d * v;
  }
}

}  // namespace

double normal_quantile(double p) {
  FARE_CHECK(is_inside_unit(p));
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) return q * kQuantileCentre(0.180625 - q * q);
  const double r = std::sqrt(-std::log(std::min(p, 1 - p)));
  const double size = r <= 5 ? kQuantileFlank(r - 1.6) : kQuantileTail(r - 5);
  return q < 0 ? -size : size;
}

double normal_cdf(double x) {
  FARE_CHECK(is_finite(x));
  if (std::abs(x) <= kCdfCentreMax) return 0.5 + x * kCdfCentre(x * x);
  return x < 0 ? upper_tail(-x) : 1 - upper_tail(x);
}

double exponential(double u, double mean) {
  FARE_CHECK(is_inside_unit(u));
  FARE_CHECK(is_positive(mean));
  return -mean * log_of_rest(u);
}

double lognormal(double u, double mu, double sigma) {
  FARE_CHECK(is_finite(mu));
  FARE_CHECK(is_finite(sigma));
  FARE_CHECK(sigma >= 0);
  return std::exp(mu + sigma * normal_quantile(u));
}

double weibull(double u, double shape, double scale) {
  FARE_CHECK(is_inside_unit(u));
  FARE_CHECK(is_positive(shape));
  FARE_CHECK(is_positive(scale));
  return scale * std::pow(-log_of_rest(u), 1 / shape);
}

double pareto(double u, double shape, double scale) {
  FARE_CHECK(is_inside_unit(u));
  FARE_CHECK(is_positive(shape));
  FARE_CHECK(is_positive(scale));
  return scale * std::pow(1 - u, -1 / shape);
}

double gamma(RandomStream& stream, double shape, double scale) {
  FARE_CHECK(is_positive(shape));
  FARE_CHECK(is_positive(scale));
  if (shape >= 1) return scale * gamma_from_one(stream, shape);
  const double boost = std::pow(stream.uniform(), 1 / shape);
  return scale * boost * gamma_from_one(stream, shape + 1);
}

Zipf::Zipf(std::uint64_t n, double exponent) : n_(n), exponent_(exponent) {
  FARE_CHECK(n >= 1);
  FARE_CHECK(is_positive(exponent));
  first_ = h_integral(1.5) - 1;
  last_ = h_integral(static_cast<double>(n) + 0.5);
  shift_ = 2 - h_integral_inverse(h_integral(2.5) - h(2));
}

std::uint64_t Zipf::operator()(RandomStream& stream) const {
  const double n = static_cast<double>(n_);
  for (;;) {
    const double u = last_ + stream.uniform() * (first_ - last_);
    const double x = h_integral_inverse(u);
    // Clamped while still a double: for a steep law x may come out infinite, and n may round up to
    // 2^64, which no integer holds.
    const double k = std::clamp(std::floor(x + 0.5), 1.0, n);
    // The first test, a cheap bound of the second, spares most draws the powers.
    if (k - x <= shift_ || u >= h_integral(k + 0.5) - h(k)) {
      return k < n ? static_cast<std::uint64_t>(k) : n_;
    }
  }
}

// The integral of h from 1 to x: (x^(1 - e) - 1) / (1 - e), or log(x) where the exponent e is 1.
double Zipf::h_integral(double x) const {
  const double log_x = std::log(x);
  return expm1_ratio((1 - exponent_) * log_x) * log_x;
}

double Zipf::h_integral_inverse(double x) const {
  const double t = std::max((1 - exponent_) * x, -1.0);  // Rounding may lead below -1.
  return std::exp(log1p_ratio(t) * x);
}

double Zipf::h(double x) const { return std::exp(-exponent_ * std::log(x)); }

Discrete::Discrete(std::span<const double> weights) {
  FARE_CHECK(!weights.empty());
  FARE_CHECK(weights.size() <= std::numeric_limits<std::uint32_t>::max());
  double sum = 0;
  for (const double weight : weights) {
    FARE_CHECK(weight >= 0);
    sum += weight;
  }
  FARE_CHECK(is_positive(sum));
  const auto count = static_cast<std::uint32_t>(weights.size());
  keep_.resize(count);
  alias_.resize(count);
  std::vector<std::uint32_t> light;
  std::vector<std::uint32_t> heavy;
  for (std::uint32_t i = 0; i < count; ++i) {
    keep_[i] = weights[i] / sum * count;
    alias_[i] = i;
    (keep_[i] < 1 ? light : heavy).push_back(i);
  }
  while (!light.empty() && !heavy.empty()) {
    const std::uint32_t taker = light.back();
    const std::uint32_t giver = heavy.back();
    light.pop_back();
    alias_[taker] = giver;
    keep_[giver] = (keep_[giver] + keep_[taker]) - 1;
    if (keep_[giver] < 1) {
      heavy.pop_back();
      light.push_back(giver);
    }
  }
  // What is left is 1 but for rounding.
  for (const std::uint32_t i : light) keep_[i] = 1;
  for (const std::uint32_t i : heavy) keep_[i] = 1;
}

std::size_t Discrete::operator()(double u) const {
  FARE_CHECK(is_inside_unit(u));
  // The product is below the count even after rounding, as u <= 1 - 2^-53.
  const double position = u * static_cast<double>(keep_.size());
  const auto column = static_cast<std::size_t>(position);
  return position - static_cast<double>(column) < keep_[column] ? column : alias_[column];
}

}  // namespace fare
