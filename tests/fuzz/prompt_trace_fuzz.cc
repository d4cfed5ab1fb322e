#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "fare/check.h"
#include "traffic/prompt_trace.h"

// Goal: no bytes make the readers of prompts crash, or give a trace that breaks its contract.
// Method: every format reads them.

namespace {

using routesim::PromptCall;
using routesim::PromptFormat;
using routesim::PromptTrace;

void check_trace(const PromptTrace& trace) {
  FARE_CHECK(!trace.calls.empty());
  for (const PromptCall& call : trace.calls) {
    FARE_CHECK(call.at >= fare::Duration(0));
    FARE_CHECK(call.input >= fare::Tokens(1));
    FARE_CHECK(call.block_tokens >= fare::Tokens(0));
    FARE_CHECK(call.first_run + call.runs <= trace.runs.size());
    FARE_CHECK(fare::count_blocks(trace.blocks(call)) == call.blocks);
    for (const fare::BlockRun& run : trace.blocks(call)) {
      FARE_CHECK(run.count >= 1);
      FARE_CHECK(run.first + run.count > run.first);
    }
    FARE_CHECK(trace.sessions.empty() || call.session < trace.sessions.size());
    FARE_CHECK(trace.models.empty() || call.model < trace.models.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const PromptFormat format :
       {PromptFormat::kMooncake, PromptFormat::kRagPulse, PromptFormat::kClaudeCode}) {
    const auto trace = routesim::parse_prompt_trace("fuzz", bytes, {.format = format});
    if (trace) {
      check_trace(*trace);
      continue;
    }
    FARE_CHECK(!trace.error().empty());
    for (const fare::Error& error : trace.error()) {
      FARE_CHECK(error.where.starts_with("fuzz"));
      static_cast<void>(nlohmann::json(error.message).dump());  // Throws if not UTF-8.
    }
  }
  return 0;
}
