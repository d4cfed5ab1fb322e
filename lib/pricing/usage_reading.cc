#include "pricing/usage_reading.h"

#include <algorithm>
#include <bitset>
#include <charconv>
#include <utility>

#include "base/nearest.h"
#include "fare/check.h"
#include "pricing/usage_cost.h"
#include "pricing/usage_path.h"
#include "pricing/usage_terms.h"

namespace fare {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::size_t kItemsMax = 10'000;  // Of a list within a usage.
constexpr std::int64_t kTicksMax = 1'000'000'000'000'000'000;
constexpr std::string_view kCountRule = "a whole number from 0 to 1000000000000";
static_assert(kTokensMax == Tokens(1'000'000'000'000));
constexpr std::size_t kEnvelopesMax = 4;  // An event in a response in a message: enough.

class BodyReader {
 public:
  BodyReader(const Dialect& dialect, std::string_view model, UsageBuffers& buffers,
             UsageReport& report, Findings& findings)
      : dialect_(dialect), model_(model), buffers_(buffers), report_(report), findings_(findings) {}

  void read(element root);

 private:
  using Object = simdjson::dom::object;
  void read_root(element root);
  void read_body(Object object);
  bool holds_usage(Object object) const;
  void start_usage();
  void read_object(Scope scope, Object object);
  static bool leads_to_usage(const Field& field);
  void read_unknown(Scope scope, std::string_view name, element value);
  void refuse_meter(std::string_view name);
  void find_twins(std::size_t first);
  void twin();

  void read_field(const Field& field, element value);
  void read_object_field(const Field& field, element value);
  void read_text(const Field& field, element value);
  void read_tier(std::string_view name);
  void read_speed(std::string_view name);
  void read_own_key(element value);
  void read_cost(element value);
  std::optional<std::int64_t> read_ticks(element value);
  void read_digits();
  struct Item {
    std::optional<std::int64_t> count;
    std::string_view kind;
  };
  bool read_item(element value, std::string_view count_name, std::string_view kind_name,
                 Item& item);
  void read_modality(const Field& field, element value);
  void read_lifetime(const Field& field, element value);
  void read_iterations(element list);
  void read_attributes(element value);
  void read_attribute(Object object);

  template <class Read>
  void each(element value, const Read& read);
  static bool whole_number(std::string_view digits, std::int64_t& count);
  std::optional<std::int64_t> read_count(element value);
  std::optional<std::string_view> text_of(element value);
  void begin_counts();
  void put(const Field& field, Part part, std::int64_t count);
  void settle();

  // What decides between families: the caller's model, or the body's.
  std::string_view model() const { return model_.empty() ? report_.model : model_; }
  std::string pointer() const {
    std::string text;
    path_.write(text);
    return text;
  }
  void must_be(ErrorCode code, std::string_view rule, element value) {
    findings_.problem(code, pointer(), fmt::format("must be {}, but is {}", rule, excerpt(value)));
  }

  const Dialect& dialect_;
  std::string_view model_;
  UsageBuffers& buffers_;
  UsageReport& report_;
  Findings& findings_;
  JsonPath path_;
  Parts stated_;
  Parts* parts_ = &stated_;
  UsageStep* step_ = nullptr;  // The iteration that is being read.
  Usage meters_;
  std::string_view model_asked_;
  bool is_envelope_ = false;  // Of the body that is being read: a usage stands within it.
  bool has_counts_ = false;
  bool no_output_ = false;
  bool writes_12h_ = false;
  std::int32_t event_ = 0;  // Of a stream.
  std::int32_t stated_event_ = -1;
  std::int32_t tier_event_ = -1;
  std::int32_t unknown_event_ = -1;
};

void BodyReader::read(element root) {
  read_root(root);
  if (!buffers_.cost_at.empty()) read_digits();
  settle();
  report_.terms.region = report_.region;
}

void BodyReader::read_root(element root) {
  if (root.is_null()) return;
  if (!root.is_array()) {
    if (!root.is_object()) return must_be(ErrorCode::kWrongType, "an object or a list", root);
    return read_body(root.get_object());
  }
  each(root, [this](element event) {
    if (event.is_object()) {
      read_body(event.get_object());
    } else if (!event.is_null()) {
      must_be(ErrorCode::kWrongType, "an object", event);
    }
    ++event_;
  });
}

// A response, an event, or a usage by itself.
void BodyReader::read_body(Object object) {
  is_envelope_ = false;
  read_object(Scope::kEnvelope, object);
  if (!is_envelope_ && (holds_usage(object) || dialect_.api == UsageApi::kCanonical)) {
    start_usage();
    read_object(Scope::kUsage, object);
  }
}

bool BodyReader::holds_usage(Object object) const {
  for (const auto [name, value] : object) {
    const Field* field = dialect_.find(Scope::kUsage, name);
    if (field != nullptr && field->kind == FieldKind::kCount) return true;
  }
  return false;
}

// What was unknown of a usage is forgotten with it, when a later one of a stream stands in its
// place.
void BodyReader::start_usage() {
  if (!dialect_.merges_events && unknown_event_ != event_) findings_.clear(report_.unknown);
  unknown_event_ = event_;
  buffers_.usage_at.clear();
  path_.write(buffers_.usage_at);
}

void BodyReader::read_object(Scope scope, Object object) {
  std::bitset<128> seen;
  const std::size_t first = buffers_.names.size();
  for (const auto [name, value] : object) {
    const Field* field = dialect_.find(scope, name);
    path_.push(name);
    if (field == nullptr) {
      read_unknown(scope, name, value);
    } else {
      const auto at = static_cast<std::size_t>(field - dialect_.fields.data());
      if (seen[at]) twin();
      seen.set(at);
      if (scope == Scope::kEnvelope && leads_to_usage(*field)) is_envelope_ = true;
      if (!value.is_null()) read_field(*field, value);
    }
    path_.pop();
  }
  if (buffers_.names.size() > first + 1) find_twins(first);
  buffers_.names.resize(first);
}

bool BodyReader::leads_to_usage(const Field& field) {
  return field.kind == FieldKind::kAttributes ||
         (field.kind == FieldKind::kObject &&
          (field.object() == Scope::kUsage || field.object() == Scope::kEnvelope));
}

void BodyReader::read_unknown(Scope scope, std::string_view name, element value) {
  if (scope == Scope::kEnvelope || !name.starts_with(dialect_.own_prefix)) return;
  buffers_.names.push_back(name);
  if (dialect_.api == UsageApi::kCanonical) return refuse_meter(name);
  const bool known_above =
      scope == Scope::kUsage && dialect_.find(Scope::kEnvelope, name) != nullptr;
  if (!value.is_null() && !known_above) path_.write(findings_.add(report_.unknown));
}

// Our own format has no members that we do not know.
void BodyReader::refuse_meter(std::string_view name) {
  std::array<std::string_view, kMeterCount> meters;
  for (std::size_t i = 0; i < kMeterCount; ++i) meters[i] = to_string(static_cast<Meter>(i));
  findings_.problem(ErrorCode::kUnknownKey, pointer(),
                    "is not a meter" + did_you_mean(nearest(name, meters)));
}

void BodyReader::find_twins(std::size_t first) {
  auto& names = buffers_.names;
  const auto begin = names.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, names.end());
  for (auto at = std::adjacent_find(begin, names.end()); at != names.end();
       at = std::adjacent_find(at + 1, names.end())) {
    path_.push(*at);
    twin();
    path_.pop();
  }
}

void BodyReader::twin() {
  findings_.problem(ErrorCode::kDuplicateKey, pointer(), "stands twice in one object");
}

void BodyReader::read_field(const Field& field, element value) {
  switch (field.kind) {
    case FieldKind::kCount:
    case FieldKind::kSum:
      if (const auto count = read_count(value)) put(field, field.part(), *count);
      return;
    case FieldKind::kMeter:
      if (const auto count = read_count(value)) meters_[field.meter()] = Tokens(*count);
      has_counts_ = true;
      return;
    case FieldKind::kIgnored:
      return;
    case FieldKind::kIfZero:
      if (const auto count = read_count(value); count && *count != 0) {
        path_.write(findings_.add(report_.unknown));
      }
      return;
    case FieldKind::kObject:
      return read_object_field(field, value);
    case FieldKind::kCost:
      return read_cost(value);
    case FieldKind::kTicks:
      if (const auto ticks = read_ticks(value)) report_.reported_cost = Cost(Int128{100} * *ticks);
      return;
    case FieldKind::kOwnKey:
      return read_own_key(value);
    case FieldKind::kModalities:
      return each(value, [&](element item) { read_modality(field, item); });
    case FieldKind::kCacheDetails:
      return each(value, [&](element item) { read_lifetime(field, item); });
    case FieldKind::kIterations:
      return read_iterations(value);
    case FieldKind::kAttributes:
      return read_attributes(value);
    default:
      return read_text(field, value);
  }
}

void BodyReader::read_object_field(const Field& field, element value) {
  if (field.object() == Scope::kEnvelope) {
    if (value.is_object() && path_.size() <= kEnvelopesMax) {
      read_object(Scope::kEnvelope, value.get_object());
    }
    return;
  }
  if (!value.is_object()) {
    return must_be(ErrorCode::kWrongType, "an object", value);
  }
  if (field.object() == Scope::kUsage) start_usage();
  read_object(field.object(), value.get_object());
}

void BodyReader::read_text(const Field& field, element value) {
  const std::optional<std::string_view> text = text_of(value);
  if (!text) return;
  switch (field.kind) {
    case FieldKind::kModel:
      if (step_ != nullptr) {
        step_->model = *text;
      } else {
        report_.model.assign(*text);
      }
      return;
    case FieldKind::kModelAsked:
      model_asked_ = *text;
      return;
    case FieldKind::kTier:
      return read_tier(*text);
    case FieldKind::kSpeed:
      return read_speed(*text);
    case FieldKind::kRegion:
      report_.region.assign(*text == "global" || *text == "not_available" ? "" : *text);
      return;
    case FieldKind::kOperation:
      no_output_ = *text == "embeddings";
      return;
    case FieldKind::kTimeToLive:
      writes_12h_ = *text == "12h";
      return;
    case FieldKind::kStepType:
      if (step_ != nullptr) step_->type = *text;
      return;
    default:
      FARE_CHECK(false);
  }
}

void BodyReader::read_tier(std::string_view name) {
  const std::optional<ServedTier> served = served_tier(name);
  if (!served) {
    return findings_.problem(
        ErrorCode::kUnknownName, pointer(),
        fmt::format("\"{}\" is not a service tier whose rates are known", excerpt(name)));
  }
  if (tier_event_ == event_ && report_.terms.tier != served->tier) {
    findings_.problem(ErrorCode::kConflict, pointer(),
                      fmt::format("is \"{}\", but the body states the tier \"{}\" too", name,
                                  to_string(report_.terms.tier)));
  }
  tier_event_ = event_;
  report_.terms.tier = served->tier;
  if (!served->note.empty()) findings_.note("the tier \"{}\" {}", name, served->note);
}

void BodyReader::read_speed(std::string_view name) {
  const std::optional<SpeedMode> speed = served_speed(name);
  if (!speed) {
    return findings_.problem(
        ErrorCode::kUnknownName, pointer(),
        fmt::format("\"{}\" is not a speed whose rates are known", excerpt(name)));
  }
  report_.terms.speed = *speed;
}

void BodyReader::read_own_key(element value) {
  if (!value.is_bool()) return must_be(ErrorCode::kWrongType, "true or false", value);
  if (value.get_bool()) {
    findings_.note(
        "paid for with the caller's own key: the reported cost is the router's fee, and "
        "the vendor bills the tokens");
  }
}

// Whole dollars are taken as they are; other numbers are read again, by their digits.
void BodyReader::read_cost(element value) {
  buffers_.cost_at.clear();
  if (value.type() == element_type::DOUBLE) {
    path_.write(buffers_.cost_at);
  } else if (const auto dollars = read_ticks(value)) {
    report_.reported_cost = Cost(Int128{1'000'000'000'000} * *dollars);
  }
}

std::optional<std::int64_t> BodyReader::read_ticks(element value) {
  std::int64_t count = -1;
  if (value.get(count) == simdjson::SUCCESS && count >= 0 && count < kTicksMax) return count;
  must_be(value.is_number() ? ErrorCode::kOutOfRange : ErrorCode::kWrongType,
          "a sum of money, not negative", value);
  return std::nullopt;
}

void BodyReader::read_digits() {
  std::string& text = buffers_.text;
  const std::size_t size = text.size() - simdjson::SIMDJSON_PADDING;
  simdjson::ondemand::document document;
  simdjson::ondemand::value value;
  const simdjson::padded_string_view padded(text.data(), size, text.size());
  if (buffers_.raw_parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.at_pointer(buffers_.cost_at).get(value) != simdjson::SUCCESS) {
    return findings_.note("the cost at {} could not be read by its digits", buffers_.cost_at);
  }
  std::string_view digits = value.raw_json_token();
  digits = digits.substr(0, digits.find_first_of(" \t\r\n"));
  const std::optional<ReportedCost> cost = fare::read_cost(digits);
  if (!cost) {
    return findings_.problem(
        ErrorCode::kOutOfRange, buffers_.cost_at,
        fmt::format("must be a sum of money, not negative, but is {}", excerpt(digits)));
  }
  report_.reported_cost = cost->cost;
  if (cost->rounded) {
    findings_.note("the reported cost {} is rounded to a picodollar", excerpt(digits));
  }
}

// An item of a list: a count and what it counts.
bool BodyReader::read_item(element value, std::string_view count_name, std::string_view kind_name,
                           Item& item) {
  if (!value.is_object()) {
    must_be(ErrorCode::kWrongType, "an object", value);
    return false;
  }
  const std::size_t first = buffers_.names.size();
  bool has_count = false;
  bool has_kind = false;
  for (const auto [name, member] : Object(value.get_object())) {
    path_.push(name);
    if (name == count_name) {
      if (std::exchange(has_count, true)) twin();
      if (!member.is_null()) item.count = read_count(member);
    } else if (name == kind_name) {
      if (std::exchange(has_kind, true)) twin();
      item.kind = text_of(member).value_or(std::string_view());
    } else {
      read_unknown(Scope::kUsage, name, member);
    }
    path_.pop();
  }
  if (buffers_.names.size() > first + 1) find_twins(first);
  buffers_.names.resize(first);
  return true;
}

// Protocol buffers leave out a count of zero.
void BodyReader::read_modality(const Field& field, element value) {
  constexpr std::string_view kNames[] = {"TEXT", "AUDIO", "IMAGE", "VIDEO"};
  Item item;
  if (!read_item(value, "tokenCount", "modality", item)) return;
  if (item.kind == "DOCUMENT") item.kind = "IMAGE";  // Pages are seen, and billed, as images.
  for (int i = 0; i < 4; ++i) {
    if (item.kind == kNames[i]) return put(field, field.part() + (1 + i), item.count.value_or(0));
  }
  if (!item.kind.empty() && item.kind != "MODALITY_UNSPECIFIED") {
    findings_.note("modality {} is of no known kind: counted as text", excerpt(item.kind));
  }
}

void BodyReader::read_lifetime(const Field& field, element value) {
  Item item;
  if (!read_item(value, "inputTokens", "ttl", item)) return;
  if (item.kind != "5m" && item.kind != "1h") {
    return findings_.problem(
        ErrorCode::kUnknownName, pointer(),
        fmt::format("must state a ttl of \"5m\" or \"1h\", but states \"{}\"", excerpt(item.kind)));
  }
  if (item.count) put(field, item.kind == "5m" ? Part::kWrite5m : Part::kWrite1h, *item.count);
}

// Each step is a usage of its own.  Steps have no steps.
void BodyReader::read_iterations(element list) {
  if (step_ != nullptr) return must_be(ErrorCode::kConflict, "absent from an iteration", list);
  buffers_.steps.clear();
  each(list, [this](element item) {
    if (!item.is_object()) return must_be(ErrorCode::kWrongType, "an object", item);
    Parts parts;
    UsageStep step;
    parts_ = &parts;
    step_ = &step;
    read_object(Scope::kUsage, item.get_object());
    parts_ = &stated_;
    step_ = nullptr;
    buffers_.step_at.clear();
    path_.write(buffers_.step_at);
    const auto usage = disjoint(dialect_, parts, model(), buffers_.step_at, findings_);
    if (!usage) return;
    step.usage = *usage;
    buffers_.steps.push_back(step);
  });
}

void BodyReader::read_attributes(element value) {
  start_usage();
  if (value.is_object()) return read_object(Scope::kUsage, value.get_object());
  each(value, [this](element item) {
    if (!item.is_object()) return must_be(ErrorCode::kWrongType, "an object", item);
    read_attribute(item.get_object());
  });
}

// {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "5"}}; a 64-bit integer is a string.
void BodyReader::read_attribute(Object object) {
  std::string_view key;
  Object wrapped;
  if (object["key"].get(key) != simdjson::SUCCESS ||
      object["value"].get(wrapped) != simdjson::SUCCESS) {
    return;
  }
  const Field* field = dialect_.find(Scope::kUsage, key);
  path_.push("value");
  for (const auto [type, value] : wrapped) {
    path_.push(type);
    std::string_view digits;
    std::int64_t count = 0;
    if (field == nullptr) {
      read_unknown(Scope::kUsage, key, value);
    } else if (field->kind == FieldKind::kCount && type == "intValue" &&
               value.get(digits) == simdjson::SUCCESS && whole_number(digits, count)) {
      put(*field, field->part(), count);
    } else if (!value.is_null()) {
      read_field(*field, value);
    }
    path_.pop();
  }
  path_.pop();
}

bool BodyReader::whole_number(std::string_view digits, std::int64_t& count) {
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, count);
  return error == std::errc() && stop == end && count >= 0 && count <= kTokensMax.count();
}

// Reads each item of a list, of which there are not too many.
template <class Read>
void BodyReader::each(element value, const Read& read) {
  if (!value.is_array()) return must_be(ErrorCode::kWrongType, "a list", value);
  std::size_t index = 0;
  for (const element item : value.get_array()) {
    if (path_.size() > 0 && index == kItemsMax) {
      return findings_.problem(ErrorCode::kOutOfRange, pointer(),
                               fmt::format("must have at most {} items", kItemsMax));
    }
    path_.push(index++);
    read(item);
    path_.pop();
  }
}

std::optional<std::int64_t> BodyReader::read_count(element value) {
  std::int64_t count = -1;
  if (value.get(count) == simdjson::SUCCESS && count >= 0 && count <= kTokensMax.count()) {
    return count;
  }
  begin_counts();
  parts_->has_broken = true;
  must_be(value.is_number() ? ErrorCode::kOutOfRange : ErrorCode::kWrongType, kCountRule, value);
  return std::nullopt;
}

std::optional<std::string_view> BodyReader::text_of(element value) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return text;
  if (!value.is_null()) must_be(ErrorCode::kWrongType, "a string", value);
  return std::nullopt;
}

// Later events of a stream state their counts anew: they are cumulative.
void BodyReader::begin_counts() {
  has_counts_ = true;
  if (parts_ != &stated_ || stated_event_ == event_) return;
  if (!dialect_.merges_events) stated_ = Parts();
  stated_event_ = event_;
}

void BodyReader::put(const Field& field, Part part, std::int64_t count) {
  begin_counts();
  Parts::Slot& slot = (*parts_)[part];
  if (slot.event != event_) {
    slot = {count, event_, &field};
  } else if (field.kind == FieldKind::kSum ||
             (field.kind != FieldKind::kCount && slot.field == &field)) {
    slot.value += count;
  } else if (slot.value != count) {
    parts_->has_broken = true;
    findings_.problem(
        ErrorCode::kConflict, pointer(),
        fmt::format("is {}, but {} says {}", count, path_of(dialect_, *slot.field), slot.value));
  }
}

void BodyReader::settle() {
  if (report_.model.empty()) report_.model.assign(model_asked_);
  if (!has_counts_) {
    if (findings_.malformed()) return;
    return findings_.missing("", "has no usage: what was used is unknown, not zero");
  }
  if (dialect_.api == UsageApi::kCanonical) {
    report_.usage = meters_;
    return;
  }
  stated_.no_output = no_output_;
  stated_.writes_12h = writes_12h_;
  const auto usage = disjoint(dialect_, stated_, model(), buffers_.usage_at, findings_);
  if (!usage) return;
  report_.usage = *usage;
  if (!buffers_.steps.empty()) {
    settle_steps(buffers_.steps, report_.model.empty() ? model_ : report_.model, report_,
                 findings_);
  }
}

}  // namespace

void read_usage_body(const Dialect& dialect, std::string_view json, std::string_view model,
                     UsageBuffers& buffers, UsageReport& report, Findings& findings) {
  buffers.text.assign(json);
  buffers.text.append(simdjson::SIMDJSON_PADDING, '\0');
  buffers.usage_at.clear();
  buffers.cost_at.clear();
  buffers.steps.clear();
  buffers.names.clear();
  element root;
  const simdjson::error_code error =
      buffers.parser.parse(buffers.text.data(), json.size(), false).get(root);
  if (error != simdjson::SUCCESS) {
    return explain_refusal(json, simdjson::error_message(error), findings);
  }
  BodyReader(dialect, model, buffers, report, findings).read(root);
}

}  // namespace fare
