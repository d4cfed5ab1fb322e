#pragma once

#include <fmt/format.h>
#include <cstddef>      // std::size_t.
#include <iterator>     // std::back_inserter.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <utility>      // std::forward, std::move.
#include <vector>       // std::vector.

#include "fare/usage_body.h"  // UsageReport.

namespace fare {

// Writes what was found into a report, and keeps the strings from report to report, so that a
// well-formed body with notes allocates nothing after the first few.
class Findings {
 public:
  static constexpr std::size_t kProblemsMax = 100;  // Then a last one counts the others.

  explicit Findings(UsageReport& report) : report_(report) {}

  void reset();
  void finish();  // Decides between read, missing and malformed; counts what was dropped.

  void problem(ErrorCode code, std::string where, std::string message);

  // That a count is absent without which the usage is unknown.
  void missing(std::string where, std::string message);

  // Once for each text, however many events of a stream give cause for it.
  template <class... Args>
  void note(fmt::format_string<Args...> text, Args&&... args) {
    fmt::format_to(std::back_inserter(add(report_.notes)), text, std::forward<Args>(args)...);
    drop_repeated_note();
  }

  // An empty string at the end of `list`, for the caller to write into.
  std::string& add(std::vector<std::string>& list);

  // Empties `list`, keeping its strings.
  void clear(std::vector<std::string>& list);

  bool malformed() const { return malformed_; }

 private:
  void drop_repeated_note();

  UsageReport& report_;
  std::vector<std::string> spare_;
  std::size_t dropped_ = 0;
  bool malformed_ = false;
};

}  // namespace fare
