// The file of a ChoiceModel: JSON, a line that tells what follows, and numbers.

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/json_reader.h"
#include "base/names.h"
#include "choice/choice_tables.h"

namespace fare {
namespace {

static_assert(std::endian::native == std::endian::little, "the weights are little-endian");

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "fare-choice/1";
constexpr std::string_view kMark = "\n--- weights: ";
constexpr std::array<std::string_view, 3> kLinks = {"logistic", "line", "stairs"};
constexpr std::int64_t kCountMax = 100'000'000;
constexpr double kLargest = 1e300;

class Packer {
 public:
  template <class T>
  void put(std::span<const T> values) {
    if (values.empty()) return;
    const std::size_t at = bytes_.size();
    bytes_.resize(at + values.size_bytes());
    std::memcpy(bytes_.data() + at, values.data(), values.size_bytes());
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  void get(std::span<T> values) {
    if (values.size() > bytes_.size() / sizeof(T)) {
      ok_ = false;
      bytes_ = {};
      return;
    }
    if (values.empty()) return;
    std::memcpy(values.data(), bytes_.data(), values.size_bytes());
    bytes_.remove_prefix(values.size_bytes());
  }
  // Makes room for `count` values only if they can be there.
  template <class T>
  void get(std::vector<T>& values, std::size_t count) {
    if (count > bytes_.size() / sizeof(T)) {
      ok_ = false;
      return;
    }
    values.resize(count);
    get(std::span<T>(values));
  }
  bool ok() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

std::string pack(const ChoiceTables& tables) {
  Packer packer;
  const auto put = [&packer](const auto& values) { packer.put(std::span(values)); };
  put(std::span<const std::uint64_t>(tables.learnt));
  put(std::span<const float>(tables.transform.mean));
  put(std::span<const float>(tables.transform.factor));
  put(std::span<const float>(tables.transform.idf));
  put(std::span<const float>(tables.weights));
  for (const auto* trends : {&tables.cost_trend, &tables.time_trend}) {
    for (const Trend& trend : *trends) put(std::span<const double>(trend.weights));
  }
  const SparseRows& rows = tables.neighbours.rows();
  const std::vector<std::uint32_t> begin(rows.begin.begin(), rows.begin.end());
  if (tables.neighbours.size() > 0 && tables.dimensions == 0) {
    put(std::span<const std::uint32_t>(begin));
    put(std::span<const SparseRows::Entry>(rows.entries));
  }
  put(std::span<const float>(tables.neighbours.values()));
  put(std::span<const float>(tables.neighbour_quality));
  return packer.bytes();
}

Json calibration_json(const Calibration& one) {
  Json json = {{"link", kLinks[static_cast<std::size_t>(one.link)]}};
  if (one.link != Calibration::Link::kStairs) {
    json["slope"] = one.slope;
    json["offset"] = one.offset;
    return json;
  }
  Json steps = Json::array();
  for (const auto& step : one.steps) steps.push_back(Json::array({step.score, step.value}));
  json["steps"] = std::move(steps);
  return json;
}

Json trends_json(const std::vector<Trend>& trends) {
  Json all = Json::array();
  for (const Trend& one : trends) {
    all.push_back({{"known", !one.weights.empty()}, {"bias", one.bias}, {"smear", one.smear}});
  }
  return all;
}

Json held_out_json(const std::vector<HeldOut>& all) {
  Json list = Json::array();
  for (const HeldOut& one : all) {
    list.push_back({{"name", one.name},
                    {"slice", one.slice},
                    {"rows", one.rows},
                    {"base_rate", one.base_rate},
                    {"auroc", one.auroc},
                    {"brier", one.brier},
                    {"brier_of_mean", one.brier_of_mean},
                    {"ece", one.ece}});
  }
  return list;
}

Json header_of(const ChoiceTables& tables) {
  Json calibration = Json::array();
  for (const Calibration& one : tables.calibration) calibration.push_back(calibration_json(one));
  const TextTransform& transform = tables.transform;
  return {
      {"format", kFormat},
      {"kind", to_string(tables.kind)},
      {"targets", tables.targets},
      {"classes", tables.classes},
      {"data", {{"name", tables.data_name}, {"hash", tables.data_hash}, {"rows", tables.rows}}},
      {"seed", tables.seed},
      {"penalty", tables.penalty},
      {"dimensions", tables.dimensions},
      {"reads_answer", tables.reads_answer},
      {"prompts", tables.learnt.size()},

      {"features",
       {{"word_bits", transform.bits.words},
        {"character_bits", transform.bits.characters},
        {"hand_scale", transform.hand_scale},
        {"word_scale", transform.word_scale},
        {"character_scale", transform.character_scale},
        {"read", !transform.idf.empty()}}},
      {"outputs", tables.outputs},
      {"bias", tables.bias},
      {"base_rate", tables.base_rate},
      {"calibration", std::move(calibration)},
      {"cost_trend", trends_json(tables.cost_trend)},
      {"time_trend", trends_json(tables.time_trend)},
      {"neighbours",
       {{"rows", tables.neighbours.size()}, {"entries", tables.neighbours.rows().entries.size()}}},
      {"familiarity_min", tables.familiarity_min},
      {"held_out", held_out_json(tables.held_out)}};
}

// Reads whole numbers into any unsigned type.
template <class T>
void read_count(ObjectReader& reader, std::string_view key, T& out, std::int64_t max) {
  std::int64_t value = 0;
  if (reader.required(key, value, json::integer(0, max))) out = static_cast<T>(value);
}

auto numbers() { return json::list(json::number(-kLargest, kLargest), 0, kCountMax); }
auto names() { return json::list(json::text(128), 0, 10'000); }

// An empty string is a value too.
std::optional<std::string> any_text(const JsonNode& node) {
  if (!node.is_string()) {
    node.must_be(ErrorCode::kWrongType, "a string");
    return std::nullopt;
  }
  return node.value().get<std::string>();
}

std::optional<Calibration> read_calibration(const JsonNode& node) {
  Calibration one;
  ObjectReader reader(node);
  std::size_t link = 0;
  reader.required("link", link, json::one_of({kLinks.begin(), kLinks.end()}));
  one.link = static_cast<Calibration::Link>(link);
  if (one.link == Calibration::Link::kStairs) {
    std::vector<std::vector<double>> steps;
    reader.required("steps", steps,
                    json::list(json::list(json::number(-kLargest, kLargest), 2, 2), 1, kCountMax));
    for (const auto& step : steps) one.steps.push_back({step[0], step[1]});
  } else {
    reader.required("slope", one.slope, json::number(0, kLargest));
    reader.required("offset", one.offset, json::number(-kLargest, kLargest));
  }
  reader.finish();
  return one;
}

std::optional<Trend> read_trend(const JsonNode& node) {
  Trend one;
  ObjectReader reader(node);
  bool known = false;
  reader.required("known", known, json::boolean());
  if (known) one.weights.resize(Trend::kInputs);
  reader.required("bias", one.bias, json::number(-kLargest, kLargest));
  reader.required("smear", one.smear, json::number(0, kLargest));
  reader.finish();
  return one;
}

std::optional<HeldOut> read_held_out(const JsonNode& node) {
  HeldOut one;
  ObjectReader reader(node);
  reader.required("name", one.name, json::text(128));
  reader.required("slice", one.slice, any_text);
  read_count(reader, "rows", one.rows, kCountMax);
  for (const auto& [key, value] :
       {std::pair{"base_rate", &one.base_rate}, std::pair{"auroc", &one.auroc},
        std::pair{"brier", &one.brier}, std::pair{"brier_of_mean", &one.brier_of_mean},
        std::pair{"ece", &one.ece}}) {
    reader.required(key, *value, json::number(0, 1));
  }
  reader.finish();
  return one;
}

struct Sizes {
  std::size_t neighbours = 0, entries = 0, prompts = 0;
  bool reads_text = false;
};

void read_parts(ObjectReader& reader, ChoiceTables& tables, Sizes& sizes) {
  if (const auto node = reader.member("data", true)) {
    ObjectReader data(*node);
    data.required("name", tables.data_name, any_text);
    data.required("hash", tables.data_hash, any_text);
    read_count(data, "rows", tables.rows, kCountMax);
    data.finish();
  }
  if (const auto node = reader.member("features", true)) {
    ObjectReader features(*node);
    TextTransform& transform = tables.transform;
    read_count(features, "word_bits", transform.bits.words, 20);
    read_count(features, "character_bits", transform.bits.characters, 20);
    features.required("hand_scale", transform.hand_scale, json::number(0, 1e6));
    features.required("word_scale", transform.word_scale, json::number(0, 1e6));
    features.required("character_scale", transform.character_scale, json::number(0, 1e6));
    features.required("read", sizes.reads_text, json::boolean());
    features.finish();
    if (transform.bits.words < 8 || transform.bits.characters < 8) {
      node->problem(ErrorCode::kOutOfRange, "needs word_bits and character_bits of at least 8");
    }
  }
  if (const auto node = reader.member("neighbours", true)) {
    ObjectReader neighbours(*node);
    read_count(neighbours, "rows", sizes.neighbours, kCountMax);
    read_count(neighbours, "entries", sizes.entries, kCountMax);
    neighbours.finish();
  }
}

void read_header(const JsonNode& root, ChoiceTables& tables, Sizes& sizes) {
  ObjectReader reader(root);
  std::size_t format = 0;
  reader.required("format", format, json::one_of({kFormat}));
  std::string kind;
  if (reader.required("kind", kind, json::text(32))) {
    const auto known = model_kind(kind);
    if (known) tables.kind = *known;
    if (!known) root.member("kind").must_be(ErrorCode::kUnknownName, "a known kind of model");
  }
  reader.required("targets", tables.targets, names());
  reader.required("classes", tables.classes, names());
  read_parts(reader, tables, sizes);
  read_count(reader, "seed", tables.seed, std::numeric_limits<std::int64_t>::max());
  reader.required("penalty", tables.penalty, json::number(0, kLargest));
  read_count(reader, "dimensions", tables.dimensions, 8'192);
  reader.required("reads_answer", tables.reads_answer, json::boolean());
  read_count(reader, "prompts", sizes.prompts, kCountMax);
  read_count(reader, "outputs", tables.outputs, 10'000);
  reader.required("bias", tables.bias, numbers());
  reader.required("base_rate", tables.base_rate, numbers());
  reader.required("calibration", tables.calibration, json::list(read_calibration, 0, 10'000));
  reader.required("cost_trend", tables.cost_trend, json::list(read_trend, 0, 10'000));
  reader.required("time_trend", tables.time_trend, json::list(read_trend, 0, 10'000));
  reader.required("familiarity_min", tables.familiarity_min, json::number(0, 2));
  reader.required("held_out", tables.held_out, json::list(read_held_out, 0, kCountMax));
  reader.finish();
}

// Sizes that must agree for the model to be used without further checks.
bool fits_together(const ChoiceTables& tables, const Sizes& sizes) {
  const std::size_t targets = tables.targets.size();
  const std::size_t named = tables.knows_classes() ? tables.classes.size() : targets;
  if (tables.kind == ModelKind::kRules) return targets == 0 && named == 4 && tables.outputs == 0;
  const std::size_t outputs = tables.kind == ModelKind::kNeighbours ? 0 : named;
  return named > 0 && tables.outputs == outputs && tables.bias.size() == outputs &&
         tables.base_rate.size() == named &&
         tables.calibration.size() == (tables.knows_classes() ? 1 : targets) &&
         tables.cost_trend.size() == targets && tables.time_trend.size() == targets &&
         sizes.reads_text == (tables.dimensions == 0);
}

bool unpack(std::string_view bytes, const Sizes& sizes, ChoiceTables& tables) {
  Unpacker unpacker(bytes);
  TextTransform& transform = tables.transform;
  unpacker.get(tables.learnt, sizes.prompts);
  unpacker.get(std::span<float>(transform.mean));
  unpacker.get(std::span<float>(transform.factor));
  const std::size_t grams = transform.word_buckets() + transform.character_buckets();
  unpacker.get(transform.idf, sizes.reads_text ? grams : 0);
  const std::size_t inputs = tables.dimensions > 0 ? tables.dimensions : transform.columns();
  unpacker.get(tables.weights, inputs * tables.outputs);
  for (auto* trends : {&tables.cost_trend, &tables.time_trend}) {
    for (Trend& trend : *trends) unpacker.get(std::span<double>(trend.weights));
  }
  if (sizes.neighbours > 0 && tables.dimensions == 0) {
    SparseRows rows;
    rows.columns = transform.columns();
    std::vector<std::uint32_t> begin;
    unpacker.get(begin, sizes.neighbours + 1);
    unpacker.get(rows.entries, sizes.entries);
    rows.begin.assign(begin.begin(), begin.end());
    bool sound = !begin.empty() && begin.front() == 0 && begin.back() == rows.entries.size();
    for (std::size_t i = 1; i < begin.size(); ++i) sound = sound && begin[i - 1] <= begin[i];
    for (const auto& entry : rows.entries) sound = sound && entry.column < rows.columns;
    if (!sound) return false;
    tables.neighbours = Neighbours::from_rows(std::move(rows));
  } else if (sizes.neighbours > 0) {
    std::vector<float> values;
    unpacker.get(values, sizes.neighbours * tables.dimensions);
    tables.neighbours = Neighbours::dense(std::move(values), tables.dimensions);
  }
  unpacker.get(tables.neighbour_quality, tables.targets.size() * sizes.neighbours);
  return unpacker.ok();
}

}  // namespace

std::string write_model(const ChoiceTables& tables) {
  const std::string weights = pack(tables);
  return header_of(tables).dump(1) + std::string(kMark) +
         fmt::format("{} bytes, xxh3 {}\n", weights.size(), content_hash(weights)) + weights;
}

Expected<ChoiceTables> read_model(std::string name, std::string_view bytes) {
  const std::size_t mark = bytes.find(kMark);
  const std::size_t line = mark == std::string_view::npos ? mark : bytes.find('\n', mark + 1);
  if (line == std::string_view::npos) {
    return fail(ErrorCode::kSyntax, name,
                "is no model file: the line \"--- weights\" after the JSON is missing");
  }
  const std::string_view weights = bytes.substr(line + 1);
  const std::string expected =
      fmt::format("{} bytes, xxh3 {}", weights.size(), content_hash(weights));
  const std::size_t after = mark + kMark.size();
  Problems problems(name);
  if (bytes.substr(after, line - after) != expected) {
    problems.add(ErrorCode::kConflict, "",
                 fmt::format("says of its weights \"{}\", but they are {}",
                             bytes.substr(after, line - after), expected));
  }
  ChoiceTables tables;
  Sizes sizes;
  const JsonDocument document(bytes.substr(0, mark), problems);
  if (document.ok()) read_header(document.root(), tables, sizes);
  if (problems.empty() && !fits_together(tables, sizes)) {
    problems.add(ErrorCode::kConflict, "", "has parts whose sizes do not fit its kind");
  }
  if (problems.empty() && !unpack(weights, sizes, tables)) {
    problems.add(ErrorCode::kConflict, "", "has weights that do not fit its header");
  }
  if (!problems.empty()) return tl::unexpected(problems.take());
  tables.pack();
  return tables;
}

}  // namespace fare
