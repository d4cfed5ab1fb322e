// Rules on models whose names say that they are one.

#include <fmt/format.h>

#include <algorithm>

#include "pricing/lint_desk.h"

namespace fare {
namespace {

bool are_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Takes a date off the end: "-20250929", "@20250929", "-2024-08-06", "-0613".  Whether there was
// one.
bool take_date(std::string_view& id) {
  const auto ends_with_date = [&id](std::size_t size) {
    return id.size() > size && (id[id.size() - size] == '-' || id[id.size() - size] == '@');
  };
  if (ends_with_date(9) && are_digits(id.substr(id.size() - 8))) {
    id.remove_suffix(9);
    return true;
  }
  if (ends_with_date(11)) {
    const std::string_view day = id.substr(id.size() - 10);
    if (are_digits(day.substr(0, 4)) && day[4] == '-' && are_digits(day.substr(5, 2)) &&
        day[7] == '-' && are_digits(day.substr(8))) {
      id.remove_suffix(11);
      return true;
    }
  }
  if (ends_with_date(5) && are_digits(id.substr(id.size() - 4))) {
    const int month = (id[id.size() - 4] - '0') * 10 + (id[id.size() - 3] - '0');
    if (month < 1 || month > 12) return false;
    id.remove_suffix(5);
    return true;
  }
  return false;
}

// The id without what marks a snapshot.
std::string family_of(std::string_view id) {
  constexpr std::string_view kMarks[] = {"-latest", "-v1:0", "-v1", ":0", "@default"};
  for (bool changed = true; changed;) {
    changed = take_date(id);
    for (const std::string_view mark : kMarks) {
      if (id.size() <= mark.size() || !id.ends_with(mark)) continue;
      id.remove_suffix(mark.size());
      changed = true;
    }
  }
  return std::string(id);
}

// The id in lower case, with one sign for all that separate.
std::string plain_of(std::string_view id) {
  std::string plain(id);
  for (char& c : plain) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '.' || c == '_' || c == ' ') c = '-';
  }
  return plain;
}

// The first meter on which two models' current prices differ.
std::optional<Meter> difference(const LintModel& a, const LintModel& b) {
  for (std::size_t i = 0; i <= meter_index(Meter::kOutputImage); ++i) {
    const auto meter = static_cast<Meter>(i);
    if (a.rate(meter) != b.rate(meter)) return meter;
  }
  return std::nullopt;
}

using KeyOf = std::string (*)(std::string_view);

// Compares each model with the first one of the same key.
void compare_groups(const LintProvider& models, KeyOf key_of, std::string_view rule,
                    std::string_view what, LintDesk& desk) {
  std::map<std::string, const LintModel*> first;
  for (const LintModel& model : models) {
    if (model.current == nullptr) continue;
    const auto [other, is_new] = first.try_emplace(key_of(model.facts.model), &model);
    if (is_new) continue;
    const std::optional<Meter> meter = difference(*other->second, model);
    if (!meter) continue;
    const auto text = [meter](const std::optional<Rate>& rate) {
      return rate ? rate_text(*meter, *rate) : std::string("none");
    };
    desk.add(LintLevel::kWarning, rule, model.facts, {model.current, nullptr, nullptr, meter},
             {text(model.rate(*meter)),
              fmt::format("is {} for {}, {}", text(other->second->rate(*meter)),
                          other->second->facts.model, what),
              "compare both with the vendor's page; one may have missed a change"});
  }
}

}  // namespace

void lint_names(const LintProvider& models, LintDesk& desk) {
  compare_groups(models, &family_of, "alias-family", "a snapshot of the same model", desk);
  compare_groups(models, &plain_of, "near-name", "almost the same name", desk);
}

}  // namespace fare
