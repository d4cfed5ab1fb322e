// Goal: what the README shows is what a reader gets.
// Method: every `routesim` command of a ```console block is run in the repository's root and its
// output compared, line for line; "..." stands for any lines.  The C++ block is the example that
// install_test builds.  The ./dev commands are CI's own.

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "places.h"
#include "study/files.h"

namespace routesim {
namespace {

struct Command {
  std::string line;
  std::vector<std::string> output;
};

std::string source(const std::string& path) {
  return read_file(std::string(fare::kSourceDir) + "/" + path).value();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The blocks of one language, each as its lines.
std::vector<std::vector<std::string>> blocks(const std::string& language) {
  std::vector<std::vector<std::string>> found;
  bool inside = false;
  for (const std::string& line : lines_of(source("README.md"))) {
    if (line == "```" + language) {
      found.emplace_back();
      inside = true;
    } else if (line.starts_with("```")) {
      inside = false;
    } else if (inside) {
      found.back().push_back(line);
    }
  }
  return found;
}

std::vector<Command> commands() {
  std::vector<Command> found;
  for (const auto& block : blocks("console")) {
    for (const std::string& line : block) {
      if (line.starts_with("$ ")) {
        found.push_back({line.substr(2), {}});
      } else if (!found.empty() && found.back().line.ends_with('\\')) {
        found.back().line += "\n" + line;
      } else if (!found.empty()) {
        found.back().output.push_back(line);
      }
    }
  }
  return found;
}

std::string run(const std::string& command) {
  const std::string program(fare::kRoutesim);
  const std::string shell = "cd '" + std::string(fare::kSourceDir) + "' && PATH='" +
                            program.substr(0, program.rfind('/')) + "':$PATH; " + command + " 2>&1";
  std::FILE* pipe = popen(shell.c_str(), "r");
  std::string output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) output += static_cast<char>(c);
  pclose(pipe);
  return output;
}

// Whether lines match, where "..." in `expected` matches any number of them.
bool matches(const std::vector<std::string>& expected, std::size_t e,
             const std::vector<std::string>& actual, std::size_t a) {
  for (; e < expected.size(); ++e, ++a) {
    if (expected[e] == "...") {
      for (std::size_t skip = a; skip <= actual.size(); ++skip) {
        if (matches(expected, e + 1, actual, skip)) return true;
      }
      return false;
    }
    if (a == actual.size() || expected[e] != actual[a]) return false;
  }
  return a == actual.size();
}

TEST(ReadmeTest, CommandsGiveTheOutputThatItShows) {
  int ran = 0;
  for (const Command& command : commands()) {
    if (!command.line.starts_with("routesim ")) continue;
    SCOPED_TRACE(command.line);
    const std::string output = run(command.line);
    EXPECT_TRUE(matches(command.output, 0, lines_of(output), 0)) << "it prints:\n" << output;
    ++ran;
  }
  EXPECT_GE(ran, 3);
}

TEST(ReadmeTest, ItsCodeIsTheExampleThatIsBuilt) {
  const auto code = blocks("cpp");
  ASSERT_EQ(code.size(), 1u);
  EXPECT_EQ(code[0], lines_of(source("examples/quickstart/quickstart.cc")));
}

TEST(ReadmeTest, LinksLeadSomewhere) {
  const std::string text = source("README.md");
  int links = 0;
  for (std::size_t at = text.find("]("); at != std::string::npos; at = text.find("](", at + 1)) {
    const std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
    if (target.starts_with("http")) continue;
    EXPECT_TRUE(std::filesystem::exists(std::string(fare::kSourceDir) + "/" + target)) << target;
    ++links;
  }
  EXPECT_GE(links, 5);
}

}  // namespace
}  // namespace routesim
