// Goal: the mechanical part of the house style holds for every file, and for every file to come.
// Method: the tree is read as text; each rule is a function from a file to its offences.  The rules
// themselves are tested on snippets that break them.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "places.h"
#include "study/files.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;

struct File {
  std::string path;  // Relative to the root.
  std::vector<std::string> lines;

  bool in(std::string_view folder) const { return path.starts_with(folder); }
  bool is_header() const { return path.ends_with(".h"); }
};

using Offences = std::vector<std::string>;

File make_file(std::string path, const std::string& text) {
  File file{std::move(path), {}};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) file.lines.push_back(line);
  return file;
}

std::string place(const File& file, std::size_t line) {
  return file.path + ":" + std::to_string(line + 1) + ": ";
}

// The code of a line: without its comment and the insides of its strings.
std::string code_of(const std::string& line) {
  static const std::regex kString(R"("(\\.|[^"\\])*")");
  const std::string code = std::regex_replace(line, kString, "\"\"");
  return code.substr(0, code.find("//"));
}

std::size_t width_of(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
  }));
}

Offences check_lines(const File& file) {
  Offences offences;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (width_of(line) > 100) offences.push_back(place(file, i) + "longer than 100 columns");
    if (line.find('\t') != std::string::npos) offences.push_back(place(file, i) + "has a tab");
    if (!line.empty() && line.back() == ' ') offences.push_back(place(file, i) + "ends in a blank");
  }
  return offences;
}

// Rows of a table of cases or of text: they are read like data, not like code.
bool is_data(const std::string& line) {
  const std::size_t first = line.find_first_not_of(' ');
  return first != std::string::npos &&
         (line[first] == '{' || line[first] == '"' || line.compare(first, 2, "R\"") == 0);
}

// A function begins at a line that ends in "{" after a ")" and ends at the brace that closes it, in
// the same column.
Offences check_functions(const File& file) {
  static const std::regex kControl(R"(^ *(if|for|while|switch|\}|namespace)\b)");
  static const std::regex kHead(
      R"(^( *)[\w~].*\)( const| noexcept| override|( -> [\w:<>]+))* \{$)");
  Offences offences;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch head;
    if (std::regex_search(file.lines[i], kControl)) continue;
    if (!std::regex_match(file.lines[i], head, kHead)) continue;
    const std::string indent = head[1].str();
    std::size_t code = 1;
    for (std::size_t j = i + 1; j < file.lines.size(); ++j) {
      if (!is_data(file.lines[j])) ++code;
      if (!file.lines[j].starts_with(indent + "}")) continue;
      if (code > 60) offences.push_back(place(file, i) + "a function longer than 60 lines");
      break;
    }
  }
  return offences;
}

Offences check_header(const File& file) {
  Offences offences;
  if (!file.is_header() || !(file.in("include/") || file.in("lib/") || file.in("sim/"))) {
    return offences;
  }
  if (file.lines.empty() || file.lines[0] != "#pragma once") {
    offences.push_back(place(file, 0) + "must begin with #pragma once");
  }
  if (file.lines.size() > 150) offences.push_back(place(file, 150) + "longer than 150 lines");
  return offences;
}

struct Forbidden {
  std::string_view folder;
  std::string pattern;
  std::string why;
};

Offences check_forbidden(const File& file) {
  static const std::vector<Forbidden> kForbidden = {
      {"lib/", R"(_clock\b|\btime\(nullptr|gettimeofday|clock_gettime)", "the core reads no clock"},
      {"lib/", R"(random_device|\brand\(|\bsrand\(|std::mt19937)", "the core draws no number"},
      {"lib/", R"(#include <(iostream|fstream|thread)>)", "the core does no I/O, starts no thread"},
      {"lib/", R"(\bdouble\s+\w*(usd|cost|price|money|rate)\b)", "money is not a double"},
      {"lib/", R"(shared_ptr<(?!const )\w)", "a shared_ptr is to const"},
      {"sim/", R"(random_device|\brand\(|std::(mt19937|normal_distribution|shuffle)\b)",
       "our own streams and samplers only"},
      {"sim/", R"(unordered_(map|set))", "unordered iteration may reach an output"},
      {"lib/", R"(unordered_(map|set))", "unordered iteration may reach an output"},
      {"include/", R"(#include <(boost|date|Eigen|tsl|nlohmann|fmt|simdjson|hiredis)/)",
       "no library in a public header"},
      {"sim/", R"(#include "(pricing|policy|router|cache|spend|choice|watch|redis)/)",
       "sim/ sees include/fare and lib/base only"},
      {"lib/", R"(#include "(engine|traffic|world|study|report|routesim)/)",
       "lib/ never sees sim/"},
      {"lib/base/", R"(#include "(pricing|cache|spend|choice|policy|router|redis)/)",
       "dependencies run one way"},
      {"lib/pricing/", R"(#include "(cache|spend|choice|policy|router|redis)/)",
       "dependencies run one way"},
      {"lib/cache/", R"(#include "(spend|choice|policy|router|redis)/)",
       "dependencies run one way"},
      {"lib/spend/", R"(#include "(choice|policy|router|redis)/)", "dependencies run one way"},
      {"lib/choice/", R"(#include "(policy|router|redis)/)", "dependencies run one way"},
      {"lib/policy/", R"(#include "(router|redis)/)", "dependencies run one way"},
      {"lib/router/", R"(#include "redis/)", "dependencies run one way"},
      // The edge: it does I/O, but the money in it comes from base/ and spend/ alone.
      {"lib/redis/", R"(#include "(pricing|cache|choice|policy|router)/)",
       "dependencies run one way"},
      {"", R"(\b(TODO|FIXME|XXX)\b)", "unfinished"},
  };
  // The clock at the edge: a question without --at is a question about now.
  static const std::set<std::string> kClocks = {"sim/routesim/price_options.cc"};
  Offences offences;
  for (const Forbidden& rule : kForbidden) {
    if (!file.in(rule.folder) || file.path == "tests/tidy/tidy_test.cc") continue;
    const std::regex pattern(rule.pattern);
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      // Includes of our own stand in quotes, which code_of() empties.
      const std::string& line = file.lines[i];
      const std::string text = line.starts_with("#include") ? line : code_of(line);
      if (std::regex_search(text, pattern)) offences.push_back(place(file, i) + rule.why);
    }
  }
  if (file.in("sim/") && !kClocks.contains(file.path)) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (file.lines[i].find("_clock::now") == std::string::npos) continue;
      offences.push_back(place(file, i) + "a clock");
    }
  }
  return offences;
}

Offences check_cmake(const File& file) {
  if (!file.path.ends_with("CMakeLists.txt") || file.lines.size() < 60) return {};
  return {place(file, 59) + "a CMakeLists.txt of 60 lines or more"};
}

Offences check_all(const File& file) {
  Offences all;
  for (const auto& check :
       {check_lines, check_functions, check_header, check_forbidden, check_cmake}) {
    for (std::string& offence : check(file)) all.push_back(std::move(offence));
  }
  return all;
}

std::vector<File> all_files() {
  std::vector<File> files;
  const fs::path root(fare::kSourceDir);
  for (const char* folder : {"include", "lib", "sim", "tests", "bench", "examples"}) {
    if (!fs::exists(root / folder)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string path = fs::relative(entry.path(), root).string();
      const std::string extension = entry.path().extension().string();
      const bool code = extension == ".h" || extension == ".cc" || path.ends_with("CMakeLists.txt");
      if (code) files.push_back(make_file(path, read_file(entry.path().string()).value()));
    }
  }
  files.push_back(
      make_file("CMakeLists.txt", read_file((root / "CMakeLists.txt").string()).value()));
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

TEST(TidyTest, EveryFileKeepsTheHouseStyle) {
  const std::vector<File> files = all_files();
  EXPECT_GT(files.size(), 50u);
  for (const File& file : files) {
    for (const std::string& offence : check_all(file)) ADD_FAILURE() << offence;
  }
}

std::string long_function(int lines) {
  std::string text = "int f(int x) {\n";
  for (int i = 0; i < lines - 2; ++i) text += "  ++x;\n";
  return text + "}\n";
}

TEST(TidyTest, TheRulesSeeWhatTheyForbid) {
  const struct {
    std::string path;
    std::string text;
    std::size_t offences;
  } cases[] = {
      {"lib/a.cc", std::string(101, 'x') + "\n", 1},
      {"lib/a.cc", std::string(100, 'x') + "\n", 0},
      {"lib/a.cc", "int x; \n", 1},
      {"lib/a.cc", long_function(60), 0},
      {"lib/a.cc", long_function(61), 1},
      {"include/fare/a.h", "int x;\n", 1},
      {"include/fare/a.h", "#pragma once\n#include <boost/graph.hpp>\n", 1},
      {"lib/a.cc", "auto now = std::chrono::system_clock::now();\n", 1},
      {"lib/a.cc", "// system_clock\n", 0},
      {"lib/a.cc", "double cost_usd = 1;\n", 1},
      {"lib/a.cc", "std::shared_ptr<Book> book;\n", 1},
      {"lib/a.cc", "std::shared_ptr<const Book> book;\n", 0},
      {"lib/base/a.cc", "#include \"pricing/tables.h\"\n", 1},
      {"lib/spend/a.cc", "#include \"redis/connection.h\"\n", 1},
      {"lib/redis/a.cc", "#include \"policy/policy_data.h\"\n", 1},
      {"include/fare/redis/a.h", "#pragma once\n#include <hiredis/hiredis.h>\n", 1},
      {"sim/world/a.cc", "#include \"router/ticket_table.h\"\n", 1},
      {"sim/world/a.cc", "#include \"base/random.h\"\n", 0},
      {"sim/world/a.cc", "std::unordered_map<int, int> x;\n", 1},
      {"sim/world/a.cc", "auto t = std::chrono::steady_clock::now();\n", 1},
      {"sim/CMakeLists.txt", std::string(60, '\n'), 1},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(check_all(make_file(one.path, one.text)).size(), one.offences) << one.path << "\n"
                                                                             << one.text;
  }
}

}  // namespace
}  // namespace routesim
