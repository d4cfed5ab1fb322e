#include "spend/share_groups.h"

#include <algorithm>

namespace fare {
namespace {

Money used_of(const Account& account) { return account.limit - account.free(); }

// What will have been used at the window's end, or after as long again; at most kLimitMax.
Money by_the_end(Money used, const WindowSpan& window, Instant now) {
  const Int128 passed = std::max<std::int64_t>(1, (now - window.begin).count());
  const Int128 whole =
      window.end == kNever ? 2 * passed : Int128{(window.end - window.begin).count()};
  // In microseconds, so that the product fits.
  const Int128 projected = Int128{used.count()} * (whole / 1'000) / (passed / 1'000 + 1);
  return Money(static_cast<std::int64_t>(std::min<Int128>(projected, kLimitMax.count())));
}

}  // namespace

void ShareGroups::replace(const std::vector<Part>& parts, const AccountBook& accounts) {
  const std::scoped_lock lock(mutex_);
  members_.clear();
  parent_.clear();
  for (const Part& part : parts) {
    members_[part.parent].push_back({.account = part.child,
                                     .weight = part.weight,
                                     .borrow = part.borrow,
                                     .asked_at = Instant::min()});
    parent_[part.child] = part.parent;
    Account& account = accounts[part.child];
    const std::scoped_lock account_lock(account.lock);
    account.limit = std::max(accounts.sure_share(part.child), used_of(account));
  }
}

void ShareGroups::add(const Part& part) {
  const std::scoped_lock lock(mutex_);
  if (!parent_.emplace(part.child, part.parent).second) return;
  members_[part.parent].push_back({.account = part.child,
                                   .weight = part.weight,
                                   .borrow = part.borrow,
                                   .asked_at = Instant::min()});
}

ShareGroups::Claim ShareGroups::claim_of(AccountBook& accounts, const Member& member, bool asks,
                                         const WindowSpan& window, Instant now) {
  Account& account = accounts[member.account];
  const std::scoped_lock lock(account.lock);
  accounts.refresh(member.account, now, second_of(now));
  Claim one;
  one.used = used_of(account);
  ShareClaim& claim = one.claim;
  claim.weight = member.weight;
  claim.least = std::max({Money(), one.used, accounts.sure_share(member.account)});
  claim.most = claim.least;
  if (!member.borrow) return one;
  Money wants = account.base + account.carried;
  if (!asks) {
    wants = std::min(wants, by_the_end(one.used, window, now));
    if (now < member.asked_at + kShareHold) wants = std::max(wants, account.limit);
  }
  claim.most = std::max(claim.least, wants);
  return one;
}

bool ShareGroups::share_out_locked(AccountBook& accounts, std::uint32_t child, Money amount,
                                   Instant now) {
  const auto known = parent_.find(child);
  if (known == parent_.end()) return false;
  std::vector<Member>& members = members_.at(known->second);
  Account& parent = accounts[known->second];
  Money free;
  WindowSpan window{};
  {
    const std::scoped_lock lock(parent.lock);
    if (!accounts.refresh(known->second, now, second_of(now))) return false;
    window = accounts.rule(known->second).window.at(instant_of(parent.begin));
    now = std::max(now, window.begin);
    free = parent.free();
  }
  // The parent may be a share itself.
  if (free < amount && !share_out_locked(accounts, known->second, amount, now)) return false;
  std::vector<ShareClaim> claims;
  std::size_t asking = 0;
  Money by_members;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i].account == child) asking = i;
    const Claim one = claim_of(accounts, members[i], members[i].account == child, window, now);
    claims.push_back(one.claim);
    by_members += one.used;
  }
  members[asking].asked_at = std::max(members[asking].asked_at, now);
  Money capacity;
  {
    // What others than its children took of it is no more there to share.
    const std::scoped_lock lock(parent.lock);
    capacity = accounts.lendable(known->second);
    capacity -= std::max(Money(), used_of(parent) - by_members);
  }
  std::vector<Money> shares(claims.size());
  fair_shares(capacity, claims, shares);
  return settle_on(accounts, members, shares, capacity, asking, amount);
}

bool ShareGroups::settle_on(const AccountBook& accounts, const std::vector<Member>& members,
                            const std::vector<Money>& shares, Money capacity, std::size_t asking,
                            Money amount) {
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i == asking) continue;
    Account& account = accounts[members[i].account];
    const std::scoped_lock lock(account.lock);
    if (account.limit > shares[i]) account.limit = std::max(shares[i], used_of(account));
    capacity -= account.limit;
  }
  Account& account = accounts[members[asking].account];
  const std::scoped_lock lock(account.lock);
  account.limit = std::max(std::min(shares[asking], capacity), used_of(account));
  return account.free() >= amount;
}

}  // namespace fare
