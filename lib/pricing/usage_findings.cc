#include "pricing/usage_findings.h"

#include <algorithm>

namespace fare {

void Findings::reset() {
  clear(report_.notes);
  clear(report_.unknown);
  report_.status = UsageStatus::kMissing;
  report_.usage = Usage();
  report_.terms = Terms();
  report_.model.clear();
  report_.region.clear();
  report_.reported_cost.reset();
  report_.problems.clear();
  report_.others.clear();
  dropped_ = 0;
  malformed_ = false;
}

void Findings::finish() {
  if (dropped_ > 0) {
    report_.problems.push_back(
        {ErrorCode::kConflict, "", fmt::format("{} more problems", dropped_)});
  }
  if (!report_.problems.empty()) {
    report_.usage = Usage();
    report_.others.clear();
  }
  report_.status = malformed_                 ? UsageStatus::kMalformed
                   : report_.problems.empty() ? UsageStatus::kRead
                                              : UsageStatus::kMissing;
}

void Findings::problem(ErrorCode code, std::string where, std::string message) {
  malformed_ = true;
  if (report_.problems.size() < kProblemsMax) {
    report_.problems.push_back({code, std::move(where), std::move(message)});
  } else {
    ++dropped_;
  }
}

void Findings::missing(std::string where, std::string message) {
  report_.problems.push_back({ErrorCode::kMissingKey, std::move(where), std::move(message)});
}

std::string& Findings::add(std::vector<std::string>& list) {
  if (spare_.empty()) return list.emplace_back();
  list.push_back(std::move(spare_.back()));
  spare_.pop_back();
  list.back().clear();
  return list.back();
}

void Findings::clear(std::vector<std::string>& list) {
  for (std::string& text : list) spare_.push_back(std::move(text));
  list.clear();
}

void Findings::drop_repeated_note() {
  auto& notes = report_.notes;
  if (std::find(notes.begin(), notes.end() - 1, notes.back()) == notes.end() - 1) return;
  spare_.push_back(std::move(notes.back()));
  notes.pop_back();
}

}  // namespace fare
