#include "study/perturb.h"

#include <array>
#include <cctype>
#include <utility>

namespace routesim {
namespace {

using Phrase = std::pair<std::string_view, std::string_view>;

// At the beginning of an English prompt.
constexpr std::array<Phrase, 22> kOpenings = {{
    {"What is ", "What's "},
    {"What are ", "Tell me what are "},
    {"Explain ", "Please explain to me "},
    {"Describe ", "Give a description of "},
    {"Write ", "Can you write "},
    {"Prove ", "Show "},
    {"Design ", "I need you to design "},
    {"Implement ", "Write an implementation of "},
    {"Build ", "Create "},
    {"Compare ", "Give me a comparison of "},
    {"Summarize ", "Give me a summary of "},
    {"Derive ", "Show how to derive "},
    {"Translate ", "Please translate "},
    {"How does ", "Can you tell me how does "},
    {"How do ", "Can you tell me how do "},
    {"Review ", "Take a look at and review "},
    {"Who ", "Do you know who "},
    {"When ", "Do you know when "},
    {"Is ", "Quick check: is "},
    {"Create ", "Make "},
    {"Debug ", "Help me debug "},
    {"Define ", "Give the definition of "},
}};

bool is_english(std::string_view prompt) {
  for (const char c : prompt) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

// Swaps two letters in the middle of the longest word.
std::string with_typo(std::string_view prompt) {
  std::size_t best = 0, length = 0;
  for (std::size_t at = 0; at < prompt.size();) {
    std::size_t end = at;
    while (end < prompt.size() && is_letter(prompt[end])) ++end;
    if (end - at > length) {
      best = at;
      length = end - at;
    }
    at = end + 1;
  }
  std::string text(prompt);
  if (length >= 4) std::swap(text[best + length / 2 - 1], text[best + length / 2]);
  return text;
}

std::string in_lower_case(std::string_view prompt) {
  std::string text(prompt);
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string without_end(std::string_view prompt) {
  std::string text(prompt);
  while (!text.empty() && (text.back() == '.' || text.back() == '?' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

std::string with_blanks(std::string_view prompt) {
  std::string text = " ";
  for (const char c : prompt) text += c == ' ' ? std::string("  ") : std::string(1, c);
  return text + "\n";
}

std::string with_small_opening(std::string_view prompt) {
  std::string text(prompt);
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace

std::vector<std::string> perturbed(std::string_view prompt) {
  if (prompt.empty()) return {};
  std::vector<std::string> candidates = {with_typo(prompt), in_lower_case(prompt),
                                         without_end(prompt), with_blanks(prompt)};
  if (is_english(prompt)) {
    candidates.push_back("Please " + with_small_opening(prompt));
    candidates.push_back("Hi! " + std::string(prompt) + " Thanks in advance.");
    for (const auto& [from, to] : kOpenings) {
      if (prompt.starts_with(from)) {
        candidates.push_back(std::string(to) + std::string(prompt.substr(from.size())));
      }
    }
  }
  std::erase_if(candidates, [&](const std::string& one) { return one == prompt || one.empty(); });
  return candidates;
}

}  // namespace routesim
