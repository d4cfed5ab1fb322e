#pragma once

#include <deque>              // std::deque.
#include <map>                // std::map.
#include <nlohmann/json.hpp>  // nlohmann::json.
#include <optional>           // std::optional.
#include <string>             // std::string.
#include <vector>             // std::vector.

#include "base/json_reader.h"  // Problems, JsonNode.
#include "fare/policy.h"       // FindPolicy.

namespace fare {

// Where an item of a list stands: each file's items keep their places when files are merged.
struct ItemPlace {
  std::string pointer;
  Problems* problems;
};

// A policy as one document, what it extends folded in.
struct PolicyDocument {
  nlohmann::json value;                                              // Without "extends".
  std::map<std::string, std::vector<ItemPlace>, std::less<>> items;  // Of classes, targets, rules.
  Problems* problems;                                                // Of the outermost file.

  JsonNode root() const { return JsonNode(&value, "", problems); }
  JsonNode item(const std::string& list, std::size_t index) const;
};

// Reads the files of one policy.
class PolicyFiles {
 public:
  explicit PolicyFiles(const FindPolicy& find) : find_(find) {}

  // Nothing, and why stands in the problems, if a file is no JSON, or one that it extends is not
  // valid by itself, missing, or extends it in turn.
  std::optional<PolicyDocument> load(std::string_view file, std::string_view text);

  // The problems of all files, those of the outermost first.
  Errors take();

 private:
  std::optional<PolicyDocument> load_base(const JsonNode& extends);
  std::optional<PolicyText> find_base(const JsonNode& extends);

  const FindPolicy& find_;
  std::deque<Problems> problems_;   // By file, in the order of reading; they stay in place.
  std::vector<std::string> chain_;  // The files from the outermost to the one being read.
};

}  // namespace fare
