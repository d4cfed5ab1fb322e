#include "policy/when.h"

#include <algorithm>
#include <array>

namespace fare {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr int kDaysOfWeek = 7;
constexpr Duration kWeek = kDay * kDaysOfWeek;

// Whether every text that `inner` stands for is one that `outer` stands for; "a*" stands for all
// that begin with "a".
bool scope_covers(std::string_view outer, std::string_view inner) {
  if (!outer.ends_with('*')) return outer == inner;
  outer.remove_suffix(1);
  if (inner.ends_with('*')) inner.remove_suffix(1);
  return inner.starts_with(outer);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Language tags do not depend on case (RFC 5646, 2.1.1); "de" covers "de-AT", not "den".
bool language_covers(std::string_view outer, std::string_view inner) {
  if (inner.size() < outer.size()) return false;
  const bool begins = std::equal(outer.begin(), outer.end(), inner.begin(),
                                 [](char a, char b) { return lower(a) == lower(b); });
  return begins && (inner.size() == outer.size() || inner[outer.size()] == '-');
}

template <class Covers>
bool list_covers(const std::vector<std::string>& outer, const std::vector<std::string>& inner,
                 Covers covers) {
  if (outer.empty()) return true;
  return !inner.empty() && std::all_of(inner.begin(), inner.end(), [&](const std::string& one) {
    return std::any_of(outer.begin(), outer.end(),
                       [&](const std::string& all) { return covers(all, one); });
  });
}

struct Span {
  Duration from, until;  // From Monday, 0:00.
};

// The spans of a week, sorted and merged, the end of Sunday night's cut off and put in front.
std::vector<Span> spans_of(const WeekHours& hours) {
  std::vector<Span> spans;
  for (int day = 0; day < kDaysOfWeek; ++day) {
    if ((hours.days >> day & 1) == 0) continue;
    const Duration from = day * kDay + hours.from;
    const Duration until =
        day * kDay + hours.until + (hours.until <= hours.from ? kDay : Duration(0));
    spans.push_back({from, std::min(until, kWeek)});
    if (until > kWeek) spans.push_back({Duration(0), until - kWeek});
  }
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.from < b.from; });
  std::vector<Span> merged;
  for (const Span& span : spans) {
    if (merged.empty() || merged.back().until < span.from) {
      merged.push_back(span);
    } else {
      merged.back().until = std::max(merged.back().until, span.until);
    }
  }
  return merged;
}

bool is_whole_week(const WeekHours& hours) {
  const std::vector<Span> spans = spans_of(hours);
  return spans.size() == 1 && spans[0].from == Duration(0) && spans[0].until == kWeek;
}

bool hours_cover(const std::optional<WeekHours>& outer, const std::optional<WeekHours>& inner) {
  if (!outer || is_whole_week(*outer)) return true;
  if (!inner || outer->zone.name() != inner->zone.name()) return false;
  const std::vector<Span> all = spans_of(*outer);
  const std::vector<Span> ones = spans_of(*inner);
  return std::all_of(ones.begin(), ones.end(), [&](const Span& one) {
    return std::any_of(all.begin(), all.end(), [&](const Span& span) {
      return span.from <= one.from && one.until <= span.until;
    });
  });
}

template <class List, class Covers>
bool any_covered(const std::vector<std::string>& wanted, const List& given, Covers covers) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
    return std::any_of(given.begin(), given.end(),
                       [&](std::string_view name) { return covers(one, name); });
  });
}

}  // namespace

bool WeekHours::holds(Instant now) const {
  const Duration local = now.time_since_epoch() + zone.offset_at(now);
  const auto since_epoch = std::chrono::floor<std::chrono::days>(local);
  const Duration time = local - since_epoch;
  // 1970-01-01 was a Thursday: three days after a Monday.
  const auto day =
      static_cast<int>(((since_epoch.count() + 3) % kDaysOfWeek + kDaysOfWeek) % kDaysOfWeek);
  const bool begins_today = (days >> day & 1) != 0;
  if (from < until) return begins_today && time >= from && time < until;
  const bool began_yesterday = (days >> (day + kDaysOfWeek - 1) % kDaysOfWeek & 1) != 0;
  return (begins_today && time >= from) || (began_yesterday && time < until);
}

bool When::holds_always() const { return covers(When{}); }

bool When::holds(const Request& request, std::size_t request_class, Instant now) const {
  if (!any_class && (request_class >= 64 || (classes >> request_class & 1) == 0)) return false;
  const bool has_tags = std::all_of(tags.begin(), tags.end(), [&](const auto& wanted) {
    return std::any_of(request.tags.begin(), request.tags.end(), [&](const Tag& tag) {
      return tag.key == wanted.first && tag.value == wanted.second;
    });
  });
  if (!has_tags) return false;
  if (!scopes.empty() && !any_covered(scopes, request.scopes, scope_covers)) return false;
  const std::array<std::string_view, 1> language = {request.language};
  if (!languages.empty() && !any_covered(languages, language, language_covers)) return false;
  return !hours || hours->holds(now);
}

bool When::covers(const When& other) const {
  const bool covers_classes = any_class || (!other.any_class && (other.classes & ~classes) == 0);
  if (!covers_classes) return false;
  const bool covers_tags = std::all_of(tags.begin(), tags.end(), [&](const auto& tag) {
    return std::find(other.tags.begin(), other.tags.end(), tag) != other.tags.end();
  });
  return covers_tags && list_covers(scopes, other.scopes, scope_covers) &&
         list_covers(languages, other.languages, language_covers) &&
         hours_cover(hours, other.hours);
}

}  // namespace fare
