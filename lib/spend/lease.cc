#include "fare/lease.h"

#include <algorithm>

#include "fare/check.h"

namespace fare {
namespace {

Money times(Money money, std::int64_t numerator, std::int64_t denominator) {
  return Money(static_cast<std::int64_t>(Int128{money.count()} * numerator / denominator));
}

}  // namespace

bool LeaseHolder::reserve(Money amount, Instant now) {
  FARE_CHECK(amount >= Money());
  asked_ += amount;
  const bool ran_out = now >= valid_until_;
  if (!ran_out) spent_unsafely_ = Money();
  const bool fits = amount <= headroom() && (!ran_out || spent_unsafely_ + amount <= options_.safe);
  if (!fits) {
    needed_ = std::max(needed_, amount);
    return false;
  }
  if (ran_out) spent_unsafely_ += amount;
  reserved_ += amount;
  return true;
}

void LeaseHolder::settle(Money reserved, Money cost) {
  FARE_CHECK(reserved >= Money());
  FARE_CHECK(cost >= Money());
  FARE_CHECK(reserved <= reserved_);
  reserved_ -= reserved;
  settled_ += cost;
}

std::optional<LeaseRequest> LeaseHolder::poll(Instant now) {
  const bool is_short = needed_ > Money() || headroom() + headroom() < demand_;
  const Duration wait = is_short ? options_.refresh / 4 : options_.refresh;
  if (sent_ && now < *sent_ + wait) return std::nullopt;
  // Demand rises at once and fades by three tenths a refresh.
  demand_ = std::max(asked_, demand_);
  if (now >= demand_since_ + options_.refresh) {
    demand_ = std::max(asked_, times(demand_, 7, 10));
    asked_ = Money();
    demand_since_ = now;
  }
  const Money wanted = demand_ + demand_;
  const Money kept = std::max(std::min(wanted, hold_max_), needed_);
  if (generation_ != 0 && headroom() > kept) returned_ += headroom() - kept;
  LeaseRequest request;
  request.replica = options_.replica;
  request.incarnation = options_.incarnation;
  request.generation = generation_;
  request.sequence = ++sequence_;
  request.granted = granted_;
  request.returned = returned_;
  request.settled = settled_;
  request.reserved = reserved_;
  request.wanted = wanted;
  request.needed = needed_;
  needed_ = Money();
  sent_ = now;
  sent_at_[sequence_ % sent_at_.size()] = now;
  return request;
}

void LeaseHolder::receive(const LeaseReply& reply, Instant) {
  if (reply.replica != options_.replica || reply.incarnation != options_.incarnation) return;
  if (reply.generation < generation_) return;
  if (reply.generation > generation_) {
    generation_ = reply.generation;
    sent_.reset();  // Report to the new one at once.
  }
  if (reply.valid_for == Duration(0)) return;  // It only asks for a report.
  granted_ = std::max(granted_, reply.granted);
  hold_max_ = reply.hold_max;
  if (reply.sequence + sent_at_.size() <= sequence_) return;  // Too old to know when it was sent.
  valid_until_ =
      std::max(valid_until_, sent_at_[reply.sequence % sent_at_.size()] + reply.valid_for);
}

void LeaseHolder::give_back() {
  if (headroom() > Money()) returned_ += headroom();
  demand_ = asked_ = needed_ = Money();
  sent_.reset();
}

LeaseServer::LeaseServer(Options options, Durable last, Instant now)
    : options_(options),
      durable_{last.generation + 1, last.committed},
      presumed_(last.committed),
      learning_until_(last.committed == Money() ? now : now + options.lease) {}

Money LeaseServer::Lease::used() const { return std::max(granted - returned, settled); }

Money LeaseServer::settled() const {
  Money sum = presumed_;
  for (const auto& [key, lease] : leases_) sum += lease.is_over ? lease.used() : lease.settled;
  return sum;
}

Money LeaseServer::leased() const {
  Money sum;
  for (const auto& [key, lease] : leases_) {
    if (!lease.is_over) sum += lease.used() - lease.settled;
  }
  return sum;
}

LeaseServer::Lease& LeaseServer::lease_of(const LeaseRequest& request) {
  Lease& lease = leases_[{request.replica, request.incarnation}];
  if (request.granted > lease.granted) {
    // Granted by an earlier generation, so part of what is presumed.  The request was written after
    // this generation began, so nobody was granted again what it returned before.
    const Money found = request.granted - lease.granted - (request.returned - lease.returned);
    presumed_ = std::max(Money(), presumed_ - found);
    lease.granted = request.granted;
    lease.returned = request.returned;
  }
  lease.returned = std::max(lease.returned, request.returned);
  lease.settled = std::max(lease.settled, request.settled);
  return lease;
}

Money LeaseServer::hold_max(const LeaseRequest& request) const {
  std::int64_t live = 0;
  for (const auto& [key, lease] : leases_) live += lease.is_over ? 0 : 1;
  const Money left = options_.limit - settled();
  const Money share = times(std::max(Money(), left), 1, 2 * std::max<std::int64_t>(live, 1));
  return std::max(share, request.needed);
}

Money LeaseServer::grant_for(const Lease& lease, const LeaseRequest& request, Instant now) const {
  if (is_learning(now) || request.sequence <= lease.sequence) return {};
  const Money holds = lease.granted - lease.returned - lease.settled - request.reserved;
  const Money target = std::max(std::min(request.wanted, hold_max(request)), request.needed);
  return std::max(Money(), std::min(target - holds, free()));
}

LeaseServer::Answer LeaseServer::handle(const LeaseRequest& request, Instant now) {
  expire(now);
  Answer answer;
  answer.reply.replica = request.replica;
  answer.reply.incarnation = request.incarnation;
  answer.reply.generation = durable_.generation;
  answer.reply.sequence = request.sequence;
  const bool joins = request.generation == 0 && request.granted == Money();
  if (joins || request.generation == durable_.generation) {
    Lease& lease = lease_of(request);
    lease.is_over = false;
    lease.expires = now + options_.lease;
    lease.granted += grant_for(lease, request, now);
    lease.sequence = std::max(lease.sequence, request.sequence);
    answer.reply.granted = lease.granted;
    // While it learns it does not know what is left, and takes nothing away.
    answer.reply.hold_max = is_learning(now) ? options_.limit : hold_max(request);
    answer.reply.valid_for = options_.lease;
  }
  const Money used = settled() + leased();
  if (used > durable_.committed) {
    durable_.committed = std::max(used, std::min(options_.limit, used + options_.chunk));
    is_stored_ = false;
  }
  if (!is_stored_) answer.store_first = durable_;
  is_stored_ = true;
  return answer;
}

void LeaseServer::expire(Instant now) {
  for (auto& [key, lease] : leases_) lease.is_over |= lease.expires <= now;
}

}  // namespace fare
