#include "pricing/usage_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string>

namespace fare {
namespace {

constexpr std::size_t kModalities = 3;  // Audio, image, video; text is what remains.

// Works through the parts of one usage.  Sums cannot overflow: a part is at most 1e15.
class Accounts {
 public:
  Accounts(const Dialect& dialect, Parts& parts, std::string_view model, std::string_view at,
           Findings& findings)
      : dialect_(dialect), parts_(parts), model_(model), at_(at), findings_(findings) {}

  std::optional<Usage> settle() {
    decide_fresh();
    decide_reasoning();
    if (!is_known() || parts_.has_broken) return std::nullopt;
    complete_input();
    settle_writes();
    settle_input();
    settle_output();
    compare_total();
    if (!ok_) return std::nullopt;
    set(Meter::kSearch, parts_.get(Part::kSearch));
    return usage_;
  }

 private:
  std::int64_t get(Part part) const { return parts_.get(part); }
  bool has(Part part) const { return parts_.has(part); }
  void set(Meter meter, std::int64_t count) { usage_[meter] = Tokens(count); }

  std::string name(Part part) const { return path_of(dialect_, *parts_[part].field); }
  std::string where(Part part) const { return fmt::format("{}/{}", at_, name(part)); }

  void conflict(Part part, std::string message) {
    ok_ = false;
    findings_.problem(ErrorCode::kConflict, where(part), std::move(message));
  }

  // "audio_tokens (5) and cached_tokens (7)"; zeros stay away.
  std::string listed(std::initializer_list<Part> parts) const {
    std::string text;
    for (const Part part : parts) {
      if (get(part) == 0) continue;
      if (!text.empty()) text += " and ";
      text += fmt::format("{} ({})", name(part), get(part));
    }
    return text;
  }

  // Descendants never exceed what they are part of: `limit`, which is `total` if that is stated.
  bool at_most(std::initializer_list<Part> parts, Part total, std::int64_t limit) {
    std::int64_t sum = 0;
    Part first = *parts.begin();
    for (const Part part : parts) {
      sum += get(part);
      if (get(first) == 0) first = part;
    }
    if (sum <= limit) return true;
    conflict(first, fmt::format("{} must be at most {} ({})", listed(parts),
                                has(total) ? name(total) : "the total, which is absent", limit));
    return false;
  }
  bool at_most(std::initializer_list<Part> parts, Part total) {
    return !has(total) || at_most(parts, total, get(total));
  }

  void decide_fresh();
  void decide_reasoning();
  bool is_known();
  bool lacks(Part part, std::string_view direction);
  void complete_input();
  void settle_writes();
  void settle_input();
  void share_cache(std::int64_t input);
  void settle_output();
  void compare_total();

  const Dialect& dialect_;
  Parts& parts_;
  std::string_view model_;
  std::string_view at_;
  Findings& findings_;
  Usage usage_;
  std::int64_t input_ = 0;   // All of it.
  std::int64_t output_ = 0;  // All of it.
  std::int64_t written_ = 0;
  bool ok_ = true;
};

// Converse: Claude and Nova state fresh input.  OpenAI's models were measured to include the cache
// when they stream and not to when they do not, with the same (doubled) total: what fits decides.
void Accounts::decide_fresh() {
  if (!dialect_.fresh_by_family || !has(Part::kFresh)) return;
  const std::int64_t by_life = get(Part::kWrite5m) + get(Part::kWrite1h);
  const std::int64_t cached = get(Part::kRead) + std::max(get(Part::kWrite), by_life);
  if (cached == 0) return;
  const std::int64_t fresh = get(Part::kFresh);
  const bool is_fresh_family = model_.find("claude") != model_.npos ||
                               model_.find("anthropic") != model_.npos ||
                               model_.find("nova") != model_.npos;
  const bool is_openai = model_.find("openai") != model_.npos || model_.find("gpt-") != model_.npos;
  const bool total_includes = has(Part::kTotal) && get(Part::kTotal) == fresh + get(Part::kOutput);
  bool includes = false;
  if (is_openai) {
    includes = fresh >= cached;
    findings_.note(
        "inputTokens ({}) is read as {} the {} cached tokens, which OpenAI's models on "
        "Converse do not settle",
        fresh, includes ? "including" : "leaving out", cached);
  } else if (!is_fresh_family) {
    includes = total_includes && fresh >= cached;
    findings_.note("the model is of no known family: inputTokens is read as {} cached tokens, {}",
                   includes ? "including" : "leaving out",
                   includes ? "as totalTokens has it" : "as the vendor documents it");
  }
  if (!includes) return;
  parts_[Part::kInput] = parts_[Part::kFresh];
  parts_[Part::kFresh] = Parts::Slot();
}

// xAI has stated reasoning beside completion_tokens and within them.
void Accounts::decide_reasoning() {
  if (!dialect_.reasoning_by_total || get(Part::kReasoning) == 0) return;
  const std::int64_t parts = get(Part::kInput) + get(Part::kOutput);
  const bool fits = get(Part::kReasoning) <= get(Part::kOutput);
  if (has(Part::kTotal) && get(Part::kTotal) == parts && fits) return;
  if (get(Part::kTotal) != parts + get(Part::kReasoning)) {
    findings_.note("reasoning_tokens ({}) is read as beside completion_tokens: no total says",
                   get(Part::kReasoning));
  }
  parts_[Part::kThoughts] = parts_[Part::kReasoning];
  parts_[Part::kReasoning] = Parts::Slot();
}

bool Accounts::lacks(Part part, std::string_view direction) {
  const auto field =
      std::find_if(dialect_.fields.begin(), dialect_.fields.end(), [part](const Field& candidate) {
        return candidate.kind == FieldKind::kCount && candidate.part() == part;
      });
  const std::string path = path_of(dialect_, *field);
  findings_.missing(fmt::format("{}/{}", at_, path),
                    fmt::format("is missing: without it the {} is unknown, not zero", direction));
  return false;
}

bool Accounts::is_known() {
  const std::int64_t rest = get(Part::kOutput) + get(Part::kThoughts) + get(Part::kTool);
  const std::int64_t total = has(Part::kTotal) ? get(Part::kTotal) : -1;
  const bool fresh = has(Part::kFresh) || !dialect_.has(Part::kInput);
  bool has_input = has(Part::kInput) || has(Part::kFresh);
  bool has_output = has(Part::kOutput) || parts_.no_output;
  if (dialect_.needs == Needs::kInput) has_output |= total == get(Part::kInput);
  if (dialect_.needs == Needs::kUnlessTotal) {
    has_input |= total == rest;
    has_output |= has(Part::kThoughts) || total < 0 || total == rest + get(Part::kInput);
  }
  if (parts_.has_broken) return true;
  if (!has_input) lacks(fresh ? Part::kFresh : Part::kInput, "input");
  if (!has_output) lacks(Part::kOutput, "output");
  return has_input && has_output;
}

// Where both all input and the fresh part of it are stated (DeepSeek), they must agree.
void Accounts::complete_input() {
  input_ = get(Part::kFresh) + get(Part::kRead) + get(Part::kWrite);
  if (!has(Part::kInput)) return;
  if (!has(Part::kFresh)) {
    input_ = get(Part::kInput);
  } else if (!has(Part::kRead) && get(Part::kFresh) + get(Part::kWrite) <= get(Part::kInput)) {
    parts_[Part::kRead] = parts_[Part::kFresh];
    parts_[Part::kRead].value = get(Part::kInput) - get(Part::kFresh) - get(Part::kWrite);
    input_ = get(Part::kInput);
  } else if (input_ != get(Part::kInput)) {
    conflict(Part::kInput, fmt::format("must be the sum of {}, but is {}",
                                       listed({Part::kFresh, Part::kRead}), get(Part::kInput)));
  }
}

void Accounts::settle_writes() {
  const std::int64_t by_life = get(Part::kWrite5m) + get(Part::kWrite1h) + get(Part::kWrite12h);
  at_most({Part::kWrite5m, Part::kWrite1h, Part::kWrite12h}, Part::kWrite);
  written_ = has(Part::kWrite) ? get(Part::kWrite) : by_life;
  if (!has(Part::kWrite) && !has(Part::kInput)) input_ += by_life;
  const std::int64_t rest = std::max<std::int64_t>(written_ - by_life, 0);
  if (rest > 0 && dialect_.has_lifetimes) {
    findings_.note(
        "{} of {} written tokens state no time to live: counted for five minutes, the "
        "default",
        rest, written_);
  }
  set(Meter::kCacheWrite5m, get(Part::kWrite5m) + (parts_.writes_12h ? 0 : rest));
  set(Meter::kCacheWrite1h, get(Part::kWrite1h));
  set(Meter::kCacheWrite12h, get(Part::kWrite12h) + (parts_.writes_12h ? rest : 0));
}

void Accounts::settle_input() {
  using enum Part;
  at_most({kReadText, kReadAudio, kReadImage, kReadVideo}, kRead);
  at_most({kToolText, kToolAudio, kToolImage, kToolVideo}, kTool);
  at_most({kInputText, kInputAudio, kInputImage, kInputVideo}, kInput);
  if (has(kInput) && !at_most({kRead, kWrite}, kInput)) return;
  input_ += get(kTool);
  for (int i = 0; i < static_cast<int>(kModalities); ++i) {
    const Part stated = kInputAudio + i;
    const Part read = kReadAudio + i;
    if (has(stated)) at_most({read}, stated);
    const std::int64_t all = (has(stated) ? get(stated) : get(read)) + get(kToolAudio + i);
    set(static_cast<Meter>(static_cast<int>(Meter::kInputAudio) + i), all - get(read));
    set(static_cast<Meter>(static_cast<int>(Meter::kCacheReadAudio) + i), get(read));
  }
  if (ok_) share_cache(input_);
}

// What remains is text, or of no stated modality.  Cached tokens of none are taken for text as far
// as there is text, and then for what else there is.
void Accounts::share_cache(std::int64_t input) {
  using enum Part;
  const std::int64_t cached = get(kReadAudio) + get(kReadImage) + get(kReadVideo);
  const std::int64_t read = has(kRead) ? get(kRead) : cached + get(kReadText);
  std::int64_t unstated = read - cached - get(kReadText);
  std::int64_t other = 0;
  for (std::size_t i = 0; i < kModalities; ++i) {
    other += usage_[static_cast<Meter>(static_cast<std::size_t>(Meter::kInputAudio) + i)].count();
  }
  std::int64_t text = input - read - written_ - other;
  if (unstated > 0 && other > 0) {
    findings_.note("{} cached tokens state no modality: counted as text as far as there is text",
                   unstated);
  }
  set(Meter::kCacheRead, read - cached);
  for (std::size_t i = 0; i < kModalities && text < 0; ++i) {
    Usage::Count fresh =
        usage_[static_cast<Meter>(static_cast<std::size_t>(Meter::kInputAudio) + i)];
    const Tokens short_of(std::min(-text, fresh.count()));
    const Tokens moved = std::min(short_of, Tokens(unstated));
    fresh -= short_of;  // What is not read was written; writes have no modality.
    usage_[static_cast<Meter>(static_cast<std::size_t>(Meter::kCacheReadAudio) + i)] += moved;
    usage_[Meter::kCacheRead] -= moved;
    unstated -= moved.count();
    text += short_of.count();
  }
  if (text < 0) {
    const Part stated = has(kInput) ? kInput : has(kFresh) ? kFresh : has(kTool) ? kTool : kRead;
    conflict(stated, fmt::format("is {}, less than its parts add up to by {}", input, -text));
    return;
  }
  set(Meter::kInput, text);
}

void Accounts::settle_output() {
  using enum Part;
  output_ = get(kOutput) + get(kThoughts);
  at_most({kOutputText, kOutputAudio, kOutputImage, kOutputVideo}, kOutput, get(kOutput));
  const bool fits = at_most({kReasoning, kOutputAudio, kOutputImage}, kOutput, get(kOutput));
  if (!fits || !ok_) return;
  if (get(kOutputVideo) > 0) {
    findings_.note("{} tokens of video output are counted as output", get(kOutputVideo));
  }
  set(Meter::kOutputAudio, get(kOutputAudio));
  set(Meter::kOutputImage, get(kOutputImage));
  set(Meter::kOutputReasoning, get(kReasoning) + get(kThoughts));
  set(Meter::kOutput, get(kOutput) - get(kReasoning) - get(kOutputAudio) - get(kOutputImage));
}

// A total that is not the sum is a note, not an error: nobody bills it, and vendors define it in
// many ways (Google's OpenAI endpoint counts thoughts in it that no other field states).
void Accounts::compare_total() {
  if (!ok_ || !has(Part::kTotal)) return;
  const std::int64_t sum = input_ + output_;
  if (get(Part::kTotal) == sum) return;
  findings_.note("{} is {}, but the counts add up to {}", name(Part::kTotal), get(Part::kTotal),
                 sum);
}

}  // namespace

std::optional<Usage> disjoint(const Dialect& dialect, Parts parts, std::string_view model,
                              std::string_view at, Findings& findings) {
  return Accounts(dialect, parts, model, at, findings).settle();
}

}  // namespace fare
