#pragma once

#include <memory>       // std::unique_ptr.
#include <string_view>  // std::string_view.

#include "fare/expected.h"         // Errors.
#include "traffic/json_row.h"      // JsonRow.
#include "traffic/prompt_trace.h"  // PromptTrace.

namespace routesim {

// Adds the calls of one line to a trace.
class PromptParser {
 public:
  virtual ~PromptParser() = default;

  // Adds nothing if something is noted.
  virtual void parse(JsonRow& row, PromptTrace& trace, fare::Errors& errors) = 0;
};

std::unique_ptr<PromptParser> mooncake_prompts(std::int64_t block_tokens);
std::unique_ptr<PromptParser> ragpulse_prompts();
std::unique_ptr<PromptParser> claude_code_prompts();

// Appends a block to a list of runs that begins at `first_run`.
void append_block(std::vector<fare::BlockRun>& runs, std::size_t first_run, std::uint64_t block);

// Beyond this no trace may name a block.
inline constexpr std::int64_t kBlockNameMax = (std::int64_t{1} << 62) - 1;

}  // namespace routesim
