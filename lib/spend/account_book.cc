#include "spend/account_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "fare/check.h"

namespace fare {
namespace {

using std::chrono::seconds;

constexpr std::uint32_t kRulesMax = 1u << 24;

Second slice_seconds(const AccountRule& rule) {
  const WindowSpan span = rule.window.at(kWindowsFirst);
  return static_cast<Second>((span.end - span.begin) / seconds(1));
}

Money raised_at(const AccountRule& rule, Instant at) {
  Money sum;
  for (const Raise& raise : rule.raises) {
    if (raise.from <= at && at < raise.until) sum += raise.amount;
  }
  return sum;
}

// The first instant after `now` at which a raise begins or ends.
Second next_raise(const AccountRule& rule, Instant now) {
  Second next = kNeverSecond;
  for (const Raise& raise : rule.raises) {
    for (const Instant at : {raise.from, raise.until}) {
      if (at > now) next = std::min(next, second_of(at));
    }
  }
  return next;
}

Second end_of(const AccountRule& rule, Second begin) {
  return second_of(rule.window.at(instant_of(begin)).end);
}

Money raised_at_end(const AccountRule& rule, Second end) {
  return raised_at(rule, instant_of(end) - Duration(1));
}

// What a window that ends with `free` leaves to the next one.
Money carry(const AccountRule& rule, Money free) {
  if (free >= Money()) return std::min(free, rule.carry_over_max);
  return rule.keep_debt ? free : Money();
}

// What the window that begins at `to` is left by one that ended at `from` with `free`; the windows
// between them were not used.
Money carry_over(const AccountRule& rule, Money base, Money free, Second from, Second to) {
  Money carried = carry(rule, free);
  while (from < to) {
    const Second end = end_of(rule, from);
    const Money next = carry(rule, base + carried + raised_at_end(rule, end));
    if (next == carried && rule.raises.empty()) break;  // And so it stays.
    carried = next;
    from = end;
  }
  return carried;
}

std::string content_of(const Budget& budget) {
  const WindowSpec& w = budget.window;
  std::string text = fmt::format(
      "{}\n{} {} {} {} {} {} {} {} {}\n{} {}\n", budget.id, static_cast<int>(w.kind), w.zone,
      w.time_of_day.count(), w.first_weekday, w.first_day, w.first_month, w.length.count(),
      w.from.time_since_epoch().count(), w.until.time_since_epoch().count(),
      budget.carry_over_max.count(), budget.keep_debt);
  if (budget.share) {
    text += fmt::format("{}\n{} {} {}\n", budget.share->of, budget.share->weight,
                        budget.share->guarantee.count(), budget.share->borrow);
  }
  for (const int percent : budget.soft_percent) text += fmt::format("{} ", percent);
  for (const Raise& raise : budget.raises) {
    text += fmt::format("\n{} {} {}", raise.amount.count(), raise.from.time_since_epoch().count(),
                        raise.until.time_since_epoch().count());
  }
  return text;
}

Money sure_share_of(const Account& account, const AccountRule& rule) {
  return std::min(account.base, rule.share->guarantee) + account.carried;
}

BudgetReport line_of(const AccountRule& rule, std::uint32_t index, const Account& account) {
  BudgetReport line;
  line.id = BudgetId{index};
  line.budget = rule.id;
  line.mode = static_cast<BudgetMode>(account.mode);
  line.kind = rule.window.spec().kind;
  return line;
}

}  // namespace

Second second_of(Instant at) {
  if (at == kNever) return kNeverSecond;
  return static_cast<Second>(std::chrono::floor<seconds>(at).time_since_epoch().count());
}

Instant instant_of(Second second) {
  return second == kNeverSecond ? kNever : Instant(seconds(second));
}

const Window& AccountBook::window_of(const WindowSpec& spec) {
  const auto found = std::find_if(windows_.begin(), windows_.end(),
                                  [&spec](const Window& window) { return window.spec() == spec; });
  if (found != windows_.end()) return *found;
  return windows_.emplace_back(Window::create(spec).value());
}

std::uint32_t AccountBook::rule_of(const Budget& budget) {
  const auto [found, is_new] = rule_by_content_.try_emplace(content_of(budget), 0);
  if (!is_new) return found->second;
  const auto index = static_cast<std::uint32_t>(rules_owned_.size());
  FARE_CHECK(index < kRulesMax);
  rules_owned_.push_back(std::make_unique<AccountRule>(
      AccountRule{budget.id, window_of(budget.window), budget.soft_percent, budget.carry_over_max,
                  budget.keep_debt, budget.raises, budget.share}));
  rules_.grow(index + 1);
  rules_[index] = rules_owned_.back().get();
  found.value() = index;
  return index;
}

std::uint32_t AccountBook::add_account(const Budget& budget, std::uint32_t rule, Money debt,
                                       Instant now) {
  const std::uint32_t index = accounts_size_ + 1;
  accounts_.grow(index + 1);
  refused_.grow(index + 1);
  Account& account = accounts_[index];
  const WindowKind kind = budget.window.kind;
  account.rule = rule & (kRulesMax - 1);
  account.is_rolling = kind == WindowKind::kRolling;
  account.is_session = kind == WindowKind::kSession;
  const std::scoped_lock lock(account.lock);
  if (account.is_rolling != 0) {
    rings_.grow(rings_size_ + 1);
    account.carried = Money(rings_size_++);
  } else if (kind <= WindowKind::kYear) {
    account.carried = debt;
  }
  account.begin = second_of(std::max(kWindowsFirst, rules_[rule]->window.at(now).begin));
  configure(index, budget, rule, now);
  accounts_size_ = index;
  return index;
}

void AccountBook::configure(std::uint32_t index, const Budget& budget, std::uint32_t rule,
                            Instant now) {
  Account& account = accounts_[index];
  // A window that is over, though nobody looked since, ended by what held then.
  if (account.is_session == 0) refresh_slowly(index, now);
  account.rule = rule & (kRulesMax - 1);
  account.mode = static_cast<std::uint32_t>(budget.mode) & 3u;
  account.has_soft = !budget.soft_percent.empty();
  account.is_share = budget.share.has_value();
  account.is_removed = 0;
  account.base = budget.limit;
  if (account.is_session != 0) {
    account.limit = account.base;  // Its end is known by its last use alone.
    return;
  }
  account.fresh_until = 0;
  if (!refresh_slowly(index, now)) account.limit = account.base;
}

void AccountBook::set_limit(Account& account, const AccountRule& rule, Instant now,
                            Second window_end) {
  account.limit = account.base + raised_at(rule, now);
  if (account.is_rolling == 0) account.limit += account.carried;
  if (account.is_share != 0) {
    const Money used = account.settled + account.reserved + account.leased;
    account.limit = std::max(sure_share_of(account, rule), used);
  }
  account.fresh_until = std::min(window_end, next_raise(rule, now));
}

bool AccountBook::refresh_slowly(std::uint32_t index, Instant now) {
  Account& account = accounts_[index];
  const AccountRule& rule = *rules_[account.rule];
  const WindowSpec& spec = rule.window.spec();
  if (spec.kind == WindowKind::kAbsolute) {
    if (second_of(now) >= second_of(spec.until)) return false;
    if (now < spec.from) return false;
    set_limit(account, rule, now, second_of(spec.until));
    return true;
  }
  // A late thread's `now` counts in the window that is.
  now = std::max(now, instant_of(account.begin));
  if (account.is_rolling != 0) {
    turn_slices(account, rule, second_of(now));
    set_limit(account, rule, now, account.begin + slice_seconds(rule));
    return true;
  }
  turn_windows(index, now);
  return true;
}

void AccountBook::turn_slices(Account& account, const AccountRule& rule, Second now) {
  constexpr std::uint32_t kRing = Window::kSlices + 1;
  const Second length = slice_seconds(rule);
  const std::uint32_t from = account.begin / length;
  const std::uint32_t to = now / length;
  Ring& ring = rings_[static_cast<std::uint32_t>(account.carried.count())];
  for (std::uint32_t slice = from + 1; slice <= std::min(to, from + kRing); ++slice) {
    Ring::Slice& over = ring.slice[slice % kRing];
    account.settled -= over.settled;
    account.reserved -= over.reserved;
    account.leased -= over.leased;
    over = {};
  }
  account.begin = to * length;
  // After a gap of a whole window every slice is empty, whichever number it has.
}

void AccountBook::turn_windows(std::uint32_t index, Instant now) {
  Account& account = accounts_[index];
  const AccountRule& rule = *rules_[account.rule];
  const bool is_session = account.is_session != 0;
  Second end = is_session ? account.fresh_until : end_of(rule, account.begin);
  if (second_of(now) < end) return set_limit(account, rule, now, end);
  const Money closing = account.is_share != 0
                            ? account.limit
                            : account.base + account.carried + raised_at_end(rule, end);
  PastWindow past{account.begin,    end,           account.carried, closing, account.settled,
                  account.reserved, account.leased};
  const WindowSpan span = rule.window.at(now);
  account.begin = second_of(span.begin);
  account.carried = Money();
  if (!is_session) {
    account.carried = carry_over(rule, account.base, past.free(), end, account.begin);
  }
  if (!past.is_done() || account.has_past != 0) {
    past_.visit(index, [&past](std::vector<PastWindow>& windows) { windows.push_back(past); });
    account.has_past = 1;
  }
  account.settled = account.reserved = account.leased = Money();
  refused_[index] = 0;
  set_limit(account, rule, now, second_of(span.end));
}

void AccountBook::reserve(std::uint32_t index, Money amount, Instant now) {
  Account& account = accounts_[index];
  account.reserved += amount;
  if (account.is_rolling != 0) {
    live_slice(account, *rules_[account.rule], account.begin)->reserved += amount;
  } else if (account.is_session != 0) {
    const Second length =
        static_cast<Second>(rules_[account.rule]->window.spec().length / seconds(1));
    account.fresh_until = std::max(account.fresh_until, second_of(now) + length);
  }
}

Ring::Slice* AccountBook::live_slice(const Account& account, const AccountRule& rule,
                                     Second window) const {
  constexpr std::uint32_t kRing = Window::kSlices + 1;
  const Second length = slice_seconds(rule);
  if (account.begin / length - window / length >= kRing) return nullptr;
  Ring& ring = rings_[static_cast<std::uint32_t>(account.carried.count())];
  return &ring.slice[window / length % kRing];
}

bool AccountBook::counts(std::uint32_t index, Second window) const {
  const Account& account = accounts_[index];
  return account.is_rolling == 0 || live_slice(account, *rules_[account.rule], window) != nullptr;
}

void AccountBook::apply(std::uint32_t index, Second window, const Change& change) {
  Account& account = accounts_[index];
  if (account.is_rolling != 0) {
    Ring::Slice* slice = live_slice(account, *rules_[account.rule], window);
    if (slice == nullptr) return;  // It no longer counts.
    slice->settled += change.settled;
    slice->reserved += change.reserved;
    slice->leased += change.leased;
  } else if (window != account.begin) {
    return apply_past(index, window, change);
  }
  account.settled += change.settled;
  account.reserved += change.reserved;
  account.leased += change.leased;
}

bool AccountBook::can_settle(std::uint32_t index, Second window, Money cost) const {
  const Account& account = accounts_[index];
  const auto fits = [cost](Money settled, Money free) {
    return cost <= kBooksMax - settled && cost <= kBooksMax + free;
  };
  bool fits_all = fits(account.settled, account.free());
  if (account.is_rolling != 0 || window == account.begin) return fits_all;
  past_.visit(index, [&](const std::vector<PastWindow>& windows) {
    for (const PastWindow& past : windows) fits_all = fits_all && fits(past.settled, past.free());
  });
  return fits_all;
}

void AccountBook::apply_past(std::uint32_t index, Second window, const Change& change) {
  Account& account = accounts_[index];
  past_.visit(index, [&](std::vector<PastWindow>& windows) {
    const auto found = std::find_if(windows.begin(), windows.end(),
                                    [window](const PastWindow& w) { return w.begin == window; });
    if (found == windows.end()) {
      // Only a ticket that held nothing outlives its window's books; what it cost is not lost.
      FARE_CHECK(change.reserved == Money());
      FARE_CHECK(change.leased == Money());
      account.settled += change.settled;
    } else {
      found->settled += change.settled;
      found->reserved += change.reserved;
      found->leased += change.leased;
      if (account.is_session == 0) carry_again(account, windows);
    }
    auto done = windows.begin();
    while (done != windows.end() && done->is_done()) ++done;
    windows.erase(windows.begin(), done);
    account.has_past = windows.empty() ? 0 : 1;
  });
}

void AccountBook::carry_again(Account& account, std::vector<PastWindow>& windows) const {
  const AccountRule& rule = *rules_[account.rule];
  for (auto one = windows.begin(); one != windows.end(); ++one) {
    const bool is_last = one + 1 == windows.end();
    const Second next = is_last ? account.begin : (one + 1)->begin;
    const Money carried = carry_over(rule, account.base, one->free(), one->end, next);
    Money& next_carried = is_last ? account.carried : (one + 1)->carried;
    Money& next_limit = is_last ? account.limit : (one + 1)->limit;
    next_limit += carried - next_carried;
    next_carried = carried;
  }
}

bool AccountBook::top_up(std::uint32_t index, Second& window, Money held, Money more,
                         bool must_fit) {
  Account& account = accounts_[index];
  if (account.is_rolling != 0) {
    const bool counts = live_slice(account, *rules_[account.rule], window) != nullptr;
    const Money needed = counts ? more : held + more;
    if (must_fit && account.free() < needed) return false;
    apply(index, window, {.settled = {}, .reserved = -held, .leased = {}});
    window = account.begin;
    apply(index, window, {.settled = {}, .reserved = held + more, .leased = {}});
    return true;
  }
  std::optional<Money> past_free;
  if (window != account.begin) {
    // What is left of a past window may be carried over, and so spent, already.
    if (must_fit && rules_[account.rule]->carry_over_max != Money()) return false;
    past_.visit(index, [&](std::vector<PastWindow>& windows) {
      for (const PastWindow& past : windows) {
        if (past.begin == window) past_free = past.free();
      }
    });
    if (!past_free) window = account.begin;  // It held nothing, and its window's books are closed.
  }
  const Money free = past_free.value_or(account.free());
  if (must_fit && free < more) return false;
  apply(index, window, {.settled = {}, .reserved = more, .leased = {}});
  return true;
}

std::optional<Instant> AccountBook::retry_at(std::uint32_t index, Money amount, Instant now) const {
  const Account& account = accounts_[index];
  const AccountRule& rule = *rules_[account.rule];
  const WindowSpec& spec = rule.window.spec();
  if (amount > account.base + raised_at(rule, now)) return std::nullopt;
  if (spec.kind == WindowKind::kAbsolute) {
    return now < spec.from ? std::optional<Instant>(spec.from) : std::nullopt;
  }
  if (account.is_session != 0) return instant_of(account.fresh_until);
  if (account.is_rolling == 0) return instant_of(end_of(rule, account.begin));
  const Second length = slice_seconds(rule);
  Money free = account.free();
  for (Second age = Window::kSlices; age > 0; --age) {
    if (account.begin < age * length) continue;
    const Second begin = account.begin - age * length;
    const Ring::Slice& slice = *live_slice(account, rule, begin);
    free += slice.settled + slice.reserved + slice.leased;
    if (free >= amount) return rule.window.reset_after(instant_of(begin));
  }
  return rule.window.reset_after(instant_of(account.begin));
}

void AccountBook::note_refusal(std::uint32_t index, Second now) {
  const Account& account = accounts_[index];
  Second& first = refused_[index];
  if (account.is_rolling != 0) {
    const WindowSpec& spec = rules_[account.rule]->window.spec();
    if (first != 0 && now - first >= static_cast<Second>(spec.length / seconds(1))) first = 0;
  }
  if (first == 0) first = std::max<Second>(now, 1);
}

std::uint8_t AccountBook::soft_percent(std::uint32_t index) const {
  const Account& account = accounts_[index];
  const Int128 used = Int128{(account.limit - account.free()).count()} * 100;
  std::uint8_t reached = 0;
  for (const int percent : rules_[account.rule]->soft_percent) {
    if (used < Int128{account.limit.count()} * percent) break;
    reached = static_cast<std::uint8_t>(percent);
  }
  return reached;
}

Money AccountBook::sure_share(std::uint32_t index) const {
  const Account& account = accounts_[index];
  return sure_share_of(account, *rules_[account.rule]);
}

Money AccountBook::lendable(std::uint32_t index) const {
  const Account& account = accounts_[index];
  const AccountRule& rule = *rules_[account.rule];
  if (rule.raises.empty() || account.is_share != 0) return account.limit;
  const Second end = end_of(rule, account.begin);
  if (end == kNeverSecond) return std::min(account.limit, account.base);
  return std::min(account.limit, account.base + account.carried + raised_at_end(rule, end));
}

BurnBooks AccountBook::burn_books(std::uint32_t index) const {
  const Account& account = accounts_[index];
  const AccountRule& rule = *rules_[account.rule];
  BurnBooks books;
  books.limit = account.limit;
  books.used = account.limit - account.free();
  books.window = rule.window.at(instant_of(account.begin));
  if (account.is_session != 0) books.window.end = instant_of(account.fresh_until);
  if (account.is_rolling != 0) books.rolling = rule.window.spec().length;
  books.refuses = static_cast<BudgetMode>(account.mode) != BudgetMode::kObserve;
  return books;
}

void AccountBook::report(std::uint32_t index, std::vector<BudgetReport>& out) const {
  const Account& account = accounts_[index];
  const AccountRule& rule = *rules_[account.rule];
  if (account.has_past != 0) {
    past_.visit(index, [&](std::vector<PastWindow>& windows) {
      for (const PastWindow& past : windows) {
        BudgetReport line = line_of(rule, index, account);
        line.window = {instant_of(past.begin), instant_of(past.end)};
        line.is_past = true;
        line.limit = past.limit;
        line.carried = past.carried;
        line.settled = past.settled;
        line.reserved = past.reserved;
        line.leased = past.leased;
        line.free = past.free();
        out.push_back(line);
      }
    });
  }
  BudgetReport line = line_of(rule, index, account);
  line.window = rule.window.at(instant_of(account.begin));
  if (account.is_session != 0) line.window.end = instant_of(account.fresh_until);
  if (refused_[index] != 0) line.refused_at = instant_of(refused_[index]);
  line.limit = account.limit;
  if (account.is_rolling == 0) line.carried = account.carried;
  line.settled = account.settled;
  line.reserved = account.reserved;
  line.leased = account.leased;
  line.free = account.free();
  out.push_back(line);
}

}  // namespace fare
