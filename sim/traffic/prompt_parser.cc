#include "traffic/prompt_parser.h"

#include <fmt/format.h>
#include <tsl/robin_map.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/names.h"
#include "traffic/field_text.h"

namespace routesim {
namespace {

using fare::BlockRun;
using fare::ErrorCode;
using fare::Tokens;
namespace dom = simdjson::dom;

constexpr std::int64_t kMillisecondsMax = 9'000'000'000'000;
constexpr std::size_t kBlocksMax = 0xffffffff;
constexpr std::int64_t kRagBlockTokens = 512;

bool read_name(dom::element value, std::uint64_t& name) {
  std::int64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number < 0 || number > kBlockNameMax) return false;
  name = static_cast<std::uint64_t>(number);
  return true;
}

// What the formats of one line a call share.
PromptCall read_lengths(JsonRow& row, const PromptTrace& trace) {
  PromptCall call;
  call.input = Tokens(row.whole("input_length", 1, fare::kTokensMax.count()));
  call.output = Tokens(row.whole("output_length", 0, fare::kTokensMax.count()));
  call.first_run = trace.runs.size();
  return call;
}

// Keeps the call if nothing was noted, else takes its blocks back.
void finish(PromptCall call, const JsonRow& row, PromptTrace& trace) {
  if (!row.ok()) {
    trace.runs.resize(call.first_run);
    return;
  }
  call.runs = static_cast<std::uint32_t>(trace.runs.size() - call.first_run);
  call.recorded_at = call.at;
  trace.calls.push_back(call);
}

class MooncakePrompts : public PromptParser {
 public:
  explicit MooncakePrompts(std::int64_t block_tokens) : block_tokens_(block_tokens) {}

  void parse(JsonRow& row, PromptTrace& trace, fare::Errors&) override {
    PromptCall call = read_lengths(row, trace);
    call.at = std::chrono::milliseconds(row.whole("timestamp", 0, kMillisecondsMax));
    call.block_tokens = Tokens(block_tokens_);
    call.weight = call.input;
    if (const auto ids = row.list("hash_ids")) {
      for (const dom::element id : *ids) {
        std::uint64_t name = 0;
        if (!read_name(id, name)) {
          row.must_be("an id of hash_ids", whole_rule(0, kBlockNameMax), id);
          break;
        }
        append_block(trace.runs, call.first_run, name);
        ++call.blocks;
      }
      check_count(call, row);
    }
    finish(call, row, trace);
    if (row.ok()) count_new(trace, trace.calls.back());
  }

 private:
  void check_count(const PromptCall& call, JsonRow& row) const {
    const std::int64_t due = (call.input.count() - 1) / block_tokens_ + 1;
    if (!row.ok() || due == call.blocks) return;
    row.note(ErrorCode::kConflict,
             fmt::format("hash_ids must have an id for every {} tokens of input_length {}, which "
                         "are {}, but has {}; another size of a block is given with "
                         "--block-tokens",
                         block_tokens_, call.input.count(), due, call.blocks));
  }

  void count_new(PromptTrace& trace, const PromptCall& call) {
    for (const BlockRun& run : trace.blocks(call)) {
      for (std::uint64_t i = 0; i < run.count; ++i) seen_.try_emplace(run.first + i, true);
    }
    trace.unique_blocks = seen_.size();
  }

  std::int64_t block_tokens_;
  tsl::robin_map<std::uint64_t, bool> seen_;
};

// Ids name parts of a prompt, whatever stands before them; so the prefixes are numbered here, as
// the nodes of a tree whose edges are (group, id).
class RagPulsePrompts : public PromptParser {
 public:
  void parse(JsonRow& row, PromptTrace& trace, fare::Errors&) override {
    PromptCall call = read_lengths(row, trace);
    call.at = row.seconds("timestamp");
    if (const auto groups = row.object("hash_ids")) {
      std::uint64_t parent = kRoot;
      for (const auto [group, ids] : *groups) {
        dom::array list;
        if (ids.get(list) != simdjson::SUCCESS) continue;  // A scalar is no id.
        if (!add(group, list, parent, call, row, trace)) break;
      }
      if (call.blocks == 0) row.note(ErrorCode::kOutOfRange, "hash_ids must have at least one id");
    }
    // A block's share of the input, rounded half up.
    const std::int64_t count = std::max<std::int64_t>(call.blocks, 1);
    const std::int64_t share = (2 * call.input.count() + count) / (2 * count);
    call.block_tokens = Tokens(std::min(kRagBlockTokens, share));
    call.weight = Tokens(call.block_tokens.count() * count);
    finish(call, row, trace);
    trace.unique_blocks = nodes_.size();
  }

 private:
  static constexpr std::uint64_t kRoot = 0;

  struct Edge {
    std::uint64_t parent;
    std::uint64_t group;
    std::uint64_t id;
    friend bool operator==(const Edge&, const Edge&) = default;
  };
  struct EdgeHash {
    std::size_t operator()(const Edge& edge) const {
      const std::string_view bytes(reinterpret_cast<const char*>(&edge), sizeof edge);
      return fare::NameHash()(bytes);
    }
  };

  bool add(std::string_view group, dom::array ids, std::uint64_t& parent, PromptCall& call,
           JsonRow& row, PromptTrace& trace) {
    const std::uint64_t number =
        groups_.try_emplace(std::string(group), groups_.size()).first->second;
    for (const dom::element id : ids) {
      Edge edge{parent, number, 0};
      if (!read_name(id, edge.id)) {
        row.must_be(fmt::format("an id of hash_ids/{}", excerpt(group)),
                    whole_rule(0, kBlockNameMax), id);
        return false;
      }
      parent = nodes_.try_emplace(edge, nodes_.size() + 1).first->second;
      append_block(trace.runs, call.first_run, parent);
      ++call.blocks;
    }
    return true;
  }

  fare::NameMap<std::uint64_t> groups_;
  tsl::robin_map<Edge, std::uint64_t, EdgeHash> nodes_;
};

class ClaudeCodePrompts : public PromptParser {
 public:
  void parse(JsonRow& row, PromptTrace& trace, fare::Errors& errors) override {
    const std::size_t calls = trace.calls.size();
    const std::size_t runs = trace.runs.size();
    const std::size_t errors_before = errors.size();
    Session session{.trace = trace, .errors = errors};
    session.number = static_cast<std::uint32_t>(trace.sessions.size());
    const std::string_view id = row.text("id");
    session.block_tokens = row.whole("block_size", 1, 1'000'000);
    if (const auto requests = row.list("requests")) {
      read_requests(*requests, row, fare::Duration(0), session);
    }
    if (!row.ok() || errors.size() > errors_before) {
      trace.calls.resize(calls);
      trace.runs.resize(runs);
      return;
    }
    trace.sessions.emplace_back(id);
    trace.unique_blocks += count_unique(trace, runs);
    next_name_ = session.names_end;
  }

 private:
  struct Session {
    PromptTrace& trace;
    fare::Errors& errors;
    std::uint32_t number = 0;
    std::int64_t block_tokens = 1;
    std::uint64_t names_end = 0;
    int depth = 0;
    std::uint32_t agent = 0;
    std::uint32_t agents = 0;
  };

  void read_requests(dom::array requests, JsonRow& parent, fare::Duration start, Session& session) {
    session.names_end = std::max(session.names_end, next_name_);
    std::size_t index = 0;
    for (const dom::element item : requests) {
      const std::string inside = parent.inside().empty()
                                     ? fmt::format("requests/{}", index++)
                                     : fmt::format("{}/requests/{}", parent.inside(), index++);
      dom::object object;
      if (item.get(object) != simdjson::SUCCESS) {
        parent.must_be(fmt::format("requests/{}", index - 1), "an object", item);
        return;
      }
      JsonRow row(object, parent.where(), inside, session.errors);
      const fare::Duration at = row.seconds("t");
      const auto nested = row.find("requests", false);
      dom::array inner;
      if (nested && nested->get(inner) == simdjson::SUCCESS && session.depth < kDepthMax) {
        ++session.depth;
        const std::uint32_t outer = std::exchange(session.agent, ++session.agents);
        read_requests(inner, row, start + at, session);
        session.agent = outer;
        --session.depth;
      } else if (nested) {
        row.must_be("requests", "a list, nested at most 8 deep", *nested);
      } else {
        read_call(row, at, start, session);
      }
    }
  }

  void read_call(JsonRow& row, fare::Duration at, fare::Duration start, Session& session) {
    PromptTrace& trace = session.trace;
    PromptCall call;
    call.first_run = trace.runs.size();
    call.input = call.weight = Tokens(row.whole("in", 1, fare::kTokensMax.count()));
    call.output = Tokens(row.whole("out", 0, fare::kTokensMax.count()));
    call.block_tokens = Tokens(session.block_tokens);
    call.session = session.number;
    call.agent = session.agent;
    call.think = row.optional_seconds("think_time").value_or(fare::Duration(0));
    call.first_token = row.optional_seconds("ttft").value_or(kUnrecorded);
    call.answer = row.optional_seconds("api_time").value_or(kUnrecorded);
    call.model = model_number(row.text("model"), trace);
    call.input_items = items(row, "input_types");
    call.output_items = items(row, "output_types");
    read_runs(row, call, session);
    call.at = at;
    finish(call, row, trace);
    if (row.ok()) trace.calls.back().at = start + at;
  }

  void read_runs(JsonRow& row, PromptCall& call, Session& session) {
    const auto list = row.list("h");
    if (!list) return;
    bool is_count = false;
    std::uint64_t first = 0;
    std::uint64_t blocks = 0;
    for (const dom::element item : *list) {
      std::uint64_t number = 0;
      const std::uint64_t min = is_count ? 1 : 0;
      const std::uint64_t max = is_count ? kBlocksMax : kBlockNameMax - next_name_;
      if (!read_name(item, number) || number < min || number > max) {
        row.must_be(is_count ? "a count of h" : "a name of h",
                    whole_rule(static_cast<std::int64_t>(min), static_cast<std::int64_t>(max)),
                    item);
        return;
      }
      if (is_count) {
        session.trace.runs.push_back({next_name_ + first, number});
        session.names_end = std::max(session.names_end, next_name_ + first + number);
        blocks += number;
      }
      first = number;
      is_count = !is_count;
    }
    const std::int64_t due = call.input.count() / session.block_tokens;
    call.blocks = static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks, kBlocksMax));
    if (is_count)
      row.note(ErrorCode::kConflict, row.inside() + "/h must be pairs of name and count");
    if (row.ok() && blocks != static_cast<std::uint64_t>(due)) {
      row.note(ErrorCode::kConflict,
               fmt::format("{}/h must have in / block_size = {} / {} = {} blocks, but has {}",
                           row.inside(), call.input.count(), session.block_tokens, due, blocks));
    }
  }

  static std::uint16_t items(JsonRow& row, std::string_view key) {
    const auto value = row.find(key, false);
    dom::array list;
    if (!value || value->get(list) != simdjson::SUCCESS) return 1;
    return static_cast<std::uint16_t>(std::min<std::size_t>(list.size(), 0xffff));
  }

  std::uint32_t model_number(std::string_view name, PromptTrace& trace) {
    const auto found = models_.find(name);
    if (found != models_.end()) return found->second;
    const auto number = static_cast<std::uint32_t>(trace.models.size());
    trace.models.emplace_back(name);
    models_.emplace(name, number);
    return number;
  }

  // Intervals of names, united.
  static std::uint64_t count_unique(const PromptTrace& trace, std::size_t first_run) {
    std::vector<BlockRun> runs(trace.runs.begin() + static_cast<std::ptrdiff_t>(first_run),
                               trace.runs.end());
    std::sort(runs.begin(), runs.end(),
              [](const BlockRun& a, const BlockRun& b) { return a.first < b.first; });
    std::uint64_t count = 0;
    std::uint64_t end = 0;
    for (const BlockRun& run : runs) {
      const std::uint64_t from = std::max(end, run.first);
      end = std::max(end, run.first + run.count);
      count += end - std::min(end, from);
    }
    return count;
  }

  static constexpr int kDepthMax = 8;

  std::uint64_t next_name_ = 0;  // Names are local to a session: each starts where the last ended.
  fare::NameMap<std::uint32_t> models_;
};

}  // namespace

std::unique_ptr<PromptParser> mooncake_prompts(std::int64_t block_tokens) {
  return std::make_unique<MooncakePrompts>(block_tokens);
}

std::unique_ptr<PromptParser> ragpulse_prompts() { return std::make_unique<RagPulsePrompts>(); }

std::unique_ptr<PromptParser> claude_code_prompts() {
  return std::make_unique<ClaudeCodePrompts>();
}

}  // namespace routesim
