#include "traffic/arrival_times.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fare/check.h"
#include "traffic/decimal.h"

namespace routesim {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr double kNanosecondsPerHour = 3.6e12;
constexpr int kWindowBits = 24;

// The integral of the curve from 0 to `end`, in units of time.
double curve_integral(const std::vector<RatePoint>& curve, double end) {
  if (curve.empty()) return end;
  double area = curve.front().factor * std::min(end, static_cast<double>(curve.front().at.count()));
  for (std::size_t i = 1; i < curve.size(); ++i) {
    const auto from = static_cast<double>(curve[i - 1].at.count());
    const auto to = static_cast<double>(curve[i].at.count());
    const double width = std::min(end, to) - from;
    if (width <= 0) continue;
    const double growth = (curve[i].factor - curve[i - 1].factor) / (to - from);
    area += width * (curve[i - 1].factor + growth * width / 2);
  }
  return area +
         curve.back().factor * std::max(0.0, end - static_cast<double>(curve.back().at.count()));
}

double hours_expected(const SyntheticArrivals& arrivals, double end) {
  const std::vector<double>& weights = arrivals.hour_weights;
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  const auto period = static_cast<double>(weights.size());
  const double hours = end / kNanosecondsPerHour;
  if (arrivals.rate_curve.empty()) {
    const double periods = std::floor(hours / period);
    double weighted = periods * sum;
    const double rest = hours - periods * period;
    for (std::size_t hour = 0; hour < weights.size(); ++hour) {
      weighted += weights[hour] * std::clamp(rest - static_cast<double>(hour), 0.0, 1.0);
    }
    return arrivals.per_second * 3'600 * weighted * period / sum;
  }
  double weighted = 0;
  double before = 0;
  std::size_t hour = 0;
  for (double at = 0; at < hours; at += 1, hour = (hour + 1) % weights.size()) {
    const double to =
        curve_integral(arrivals.rate_curve, std::min(at + 1, hours) * kNanosecondsPerHour);
    weighted += weights[hour] * (to - before) / kNanosecondsPerHour;
    before = to;
  }
  return arrivals.per_second * 3'600 * weighted * period / sum;
}

double clients_expected(const std::vector<Client>& clients, double end) {
  double sum = 0;
  for (const Client& client : clients) {
    for (const ClientWindow& window : client.windows) {
      const auto start = static_cast<double>(window.start.count());
      const auto length = static_cast<double>(window.length.count());
      sum += window.per_second * std::clamp(end - start, 0.0, length) / 1e9;
    }
  }
  return sum;
}

}  // namespace

double expected_before(const SyntheticArrivals& arrivals, fare::Duration end) {
  FARE_CHECK(arrivals.process != SyntheticArrivals::Process::kEven);
  const auto until = static_cast<double>(end.count());
  if (arrivals.process == SyntheticArrivals::Process::kClients) {
    return clients_expected(arrivals.clients, until);
  }
  if (!arrivals.hour_weights.empty()) return hours_expected(arrivals, until);
  const double hours = curve_integral(arrivals.rate_curve, until) / kNanosecondsPerHour;
  return arrivals.per_second * 3'600 * hours;
}

RenewalTimes::RenewalTimes(const SyntheticArrivals& arrivals, std::uint64_t seed,
                           std::uint32_t replication)
    : key_(seed, replication, fare::Purpose::kArrival),
      gaps_(arrivals.gaps),
      walk_(arrivals, seed, replication) {}

fare::Duration RenewalTimes::next() {
  fare::RandomStream stream(key_, index_);
  return walk_.advance(index_++ == 0 ? gaps_.first(stream) : gaps_.draw(stream));
}

EvenTimes::EvenTimes(const SyntheticArrivals& arrivals) {
  const Decimal rate = shortest_decimal(arrivals.per_second);
  const bool is_whole = rate.exponent >= 0;
  const fare::Int128 parts = rate.digits * power_of_ten(is_whole ? rate.exponent : 0);
  const fare::Int128 step = kNanosecondsPerSecond * power_of_ten(is_whole ? 0 : -rate.exponent);
  whole_ = static_cast<std::int64_t>(step / parts);
  part_ = static_cast<std::int64_t>(step % parts);
  parts_ = static_cast<std::int64_t>(parts);
}

fare::Duration EvenTimes::next() {
  const fare::Duration now(at_);
  at_ += whole_;
  collected_ += part_;
  if (collected_ >= parts_) {
    collected_ -= parts_;
    ++at_;
  }
  return now;
}

// Request k comes before the end if k * step < end (floor changes nothing against a whole number).
std::uint64_t EvenTimes::count_before(fare::Duration end) const {
  const fare::Int128 step = fare::Int128{whole_} * parts_ + part_;
  return static_cast<std::uint64_t>((fare::Int128{end.count()} * parts_ + step - 1) / step);
}

ClientTimes::ClientTimes(const SyntheticArrivals& arrivals, std::uint64_t seed,
                         std::uint32_t replication)
    : clients_(&arrivals.clients), key_(seed, replication, fare::Purpose::kClientGap) {
  const auto count = static_cast<std::uint32_t>(clients_->size());
  senders_.reserve(count);
  heap_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    FARE_CHECK((*clients_)[i].windows.size() < std::size_t{1} << kWindowBits);
    senders_.push_back({fare::RandomStream(key_, 0), 0, 0});
    if (enter(i, 0)) heap_.push_back({at_of(i), i});
  }
  std::make_heap(heap_.begin(), heap_.end());
}

fare::Duration ClientTimes::next() {
  if (heap_.empty()) return fare::Duration::max();
  std::pop_heap(heap_.begin(), heap_.end());
  const Due due = heap_.back();
  client_ = due.client;
  if (step(due.client)) {
    heap_.back().at = at_of(due.client);
    std::push_heap(heap_.begin(), heap_.end());
  } else {
    heap_.pop_back();
  }
  return due.at;
}

// Goes to the first request of a window, or of the first later one that has any.
bool ClientTimes::enter(std::uint32_t client, std::size_t window) {
  const std::vector<ClientWindow>& windows = (*clients_)[client].windows;
  Sender& sender = senders_[client];
  for (; window < windows.size(); ++window) {
    const ClientWindow& here = windows[window];
    if (here.per_second <= 0) continue;
    sender.window = window;
    sender.stream = fare::RandomStream(key_, std::uint64_t{client} << kWindowBits | window);
    sender.within = here.gaps.first(sender.stream) / here.per_second * kNanosecondsPerSecond;
    if (sender.within < static_cast<double>(here.length.count())) return true;
  }
  return false;
}

bool ClientTimes::step(std::uint32_t client) {
  Sender& sender = senders_[client];
  const ClientWindow& here = (*clients_)[client].windows[sender.window];
  sender.within += here.gaps.draw(sender.stream) / here.per_second * kNanosecondsPerSecond;
  return sender.within < static_cast<double>(here.length.count()) ||
         enter(client, sender.window + 1);
}

fare::Duration ClientTimes::at_of(std::uint32_t client) const {
  const Sender& sender = senders_[client];
  const fare::Duration start = (*clients_)[client].windows[sender.window].start;
  return start + fare::Duration(static_cast<std::int64_t>(sender.within));
}

}  // namespace routesim
