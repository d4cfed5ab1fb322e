// Reads price files into the tables of a PriceBook.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/json_reader.h"
#include "base/names.h"
#include "fare/price_book.h"
#include "pricing/tables.h"

namespace fare {
namespace {

constexpr std::string_view kFormat = "fare-prices/1";
constexpr std::size_t kNameMax = 128;
constexpr std::size_t kModelsMax = 10'000;
constexpr std::size_t kRowsMax = 1'000;
constexpr std::size_t kBandsMax = 16;

// A row as its file has it, before it takes its place in the tables.
struct RowDraft {
  Instant from = Instant::min();  // Until it is read.
  std::optional<Instant> until;
  std::vector<Band> bands;
};

struct ModelDraft {
  PricedModel model;
  std::vector<RowDraft> rows;
  std::string pointer;
};

struct FileDraft {
  std::string provider;
  std::vector<ModelDraft> models;
};

Expected<Instant> parse_date(std::string_view text) {
  Expected<Instant> midnight = parse_instant(std::string(text) + "T00:00:00Z");
  if (midnight) return midnight;
  return fail(
      ErrorCode::kSyntax, "",
      fmt::format("must be a date such as \"2026-11-23\", but is \"{}\"", text.substr(0, 64)));
}

std::optional<Band> read_rates(const JsonNode& node) {
  Band band;
  ObjectReader reader(node);
  for (std::size_t i = 0; i < kMeterCount; ++i) {
    const Meter meter = static_cast<Meter>(i);
    if (meter == Meter::kRequest) continue;
    const std::string name(to_string(meter));
    reader.optional(name, band.rate[i], json::read_with(&parse_usd_per_mtok));
    // One that could not be read is a problem already, but it is there.
    if (node.has(name)) band.has_rate = static_cast<std::uint8_t>(band.has_rate | 1u << i);
  }
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  if (node.size() == 0) node.problem(ErrorCode::kMissingKey, "needs at least one price");
  return band;
}

// {"input_over": N, "usd_per_mtok": {...}}, or "input_at_least".
std::optional<Band> read_band(const JsonNode& node) {
  ObjectReader reader(node);
  const auto threshold = json::integer(1, kTokensMax.count());
  std::int64_t over = 0;
  std::int64_t at_least = 0;
  const bool has_over = reader.optional("input_over", over, threshold);
  const bool has_at_least = reader.optional("input_at_least", at_least, threshold);
  Band band;
  const bool has_rates = reader.required("usd_per_mtok", band, read_rates);
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  if (node.has("input_over") == node.has("input_at_least")) {
    node.problem(ErrorCode::kConflict,
                 "needs exactly one of \"input_over\" and \"input_at_least\"");
    return std::nullopt;
  }
  if (!has_rates || has_over == has_at_least) return std::nullopt;
  band.input_over = Tokens(has_over ? over : at_least - 1);
  return band;
}

// Joins the base and its bands: the request fee holds in every band, and a band may not know less
// than the base, or a long prompt would be cheaper for lack of a price.
void join_bands(const JsonNode& node, Band base, std::optional<Rate> fee, std::vector<Band> bands,
                RowDraft& row) {
  bands.insert(bands.begin(), std::move(base));
  constexpr auto kFee = static_cast<std::size_t>(Meter::kRequest);
  for (std::size_t i = 0; i < bands.size(); ++i) {
    if (bands[i].has_rate != bands.front().has_rate) {
      node.problem(ErrorCode::kConflict,
                   fmt::format("band {} must price the same meters as the base", i - 1));
    }
    if (i > 0 && bands[i].input_over <= bands[i - 1].input_over) {
      node.problem(ErrorCode::kConflict,
                   fmt::format("band {} must start above the one before it", i - 1));
    }
  }
  for (Band& band : bands) {
    if (!fee) continue;
    band.rate[kFee] = *fee;
    band.has_rate = static_cast<std::uint8_t>(band.has_rate | 1u << kFee);
  }
  row.bands = std::move(bands);
}

// Reads one price period; `sources` are the keys a row may name.
std::optional<RowDraft> read_row(const JsonNode& node, const std::set<std::string>& sources) {
  RowDraft row;
  ObjectReader reader(node);
  reader.required("from", row.from, json::read_with(&parse_instant));
  Instant until{};
  if (reader.optional("until", until, json::read_with(&parse_instant))) row.until = until;
  std::string source;
  if (reader.required("source", source, json::text(kNameMax)) && !sources.contains(source)) {
    node.member("source").must_be(ErrorCode::kUnknownName, "a key of \"sources\"");
  }
  Instant observed{};
  reader.required("observed", observed, json::read_with(&parse_date));
  std::string note;
  reader.optional("note", note, json::text(1'000));
  Band base;
  const bool has_rates = reader.optional("usd_per_mtok", base, read_rates);
  Rate fee;
  const bool has_fee =
      reader.optional("usd_per_request", fee, json::read_with(&parse_usd_per_unit));
  std::vector<Band> bands;
  reader.optional("bands", bands, json::list(read_band, 1, kBandsMax));
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  if (!node.has("usd_per_mtok") && !node.has("usd_per_request")) {
    node.problem(ErrorCode::kMissingKey, "needs \"usd_per_mtok\" or \"usd_per_request\"");
  }
  if (!has_rates && node.has("usd_per_mtok")) bands.clear();  // Nothing to compare them with.
  if (row.until && *row.until <= row.from) {
    node.problem(ErrorCode::kConflict, "\"until\" must be after \"from\"");
  }
  join_bands(node, std::move(base), has_fee ? std::optional<Rate>(fee) : std::nullopt,
             std::move(bands), row);
  return row;
}

void check_periods(const JsonNode& node, const std::vector<RowDraft>& rows) {
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].from == Instant::min()) continue;  // It could not be read, and that was said.
    const std::string place = fmt::format("price {}", i);
    if (rows[i].from <= rows[i - 1].from) {
      node.problem(ErrorCode::kConflict, place + " must start after the one before it");
    } else if (rows[i - 1].until && *rows[i - 1].until > rows[i].from) {
      node.problem(ErrorCode::kConflict, place + " overlaps the one before it");
    }
  }
}

std::optional<ModelDraft> read_model(const JsonNode& node, const std::set<std::string>& sources) {
  ModelDraft draft;
  draft.pointer = node.pointer();
  ObjectReader reader(node);
  reader.required("id", draft.model.id, json::text(kNameMax));
  reader.optional("aliases", draft.model.aliases, json::list(json::text(kNameMax), 1, 100));
  const auto size = json::integer(1, kTokensMax.count());
  std::int64_t context = 0;
  std::int64_t max_output = 0;
  reader.optional("context_tokens", context, size);
  reader.optional("max_output_tokens", max_output, size);
  draft.model.context = Tokens(context);
  draft.model.max_output = Tokens(max_output);
  const auto row = [&sources](const JsonNode& item) { return read_row(item, sources); };
  if (reader.required("prices", draft.rows, json::list(row, 1, kRowsMax))) {
    check_periods(node.member("prices"), draft.rows);
  }
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  return draft;
}

std::optional<std::string> read_source(const JsonNode& node) {
  ObjectReader reader(node);
  std::string ignored;
  Instant observed{};
  reader.required("title", ignored, json::text(1'000));
  reader.required("where", ignored, json::text(1'000));
  reader.required("observed", observed, json::read_with(&parse_date));
  reader.finish();
  return reader.ok() ? std::optional<std::string>(node.pointer()) : std::nullopt;
}

FileDraft read_file(const JsonNode& node) {
  FileDraft file;
  ObjectReader reader(node);
  std::size_t only = 0;
  reader.required("format", only, json::one_of({kFormat}));
  reader.required("vendor", file.provider, json::text(kNameMax));
  reader.required("currency", only, json::one_of({"USD"}));
  std::set<std::string> sources;
  if (const std::optional<JsonNode> found = reader.member("sources", true)) {
    if (!found->is_object()) found->must_be(ErrorCode::kWrongType, "an object");
    for (const std::string& key : found->keys()) {
      sources.insert(key);
      read_source(found->member(key));
    }
  }
  const auto model = [&sources](const JsonNode& item) { return read_model(item, sources); };
  reader.required("models", file.models, json::list(model, 1, kModelsMax));
  reader.finish();
  return file;
}

std::string rule_text(const ModelDraft& draft, const RowDraft& row, std::size_t band) {
  std::string rule =
      fmt::format("{}/{} from {}", draft.model.provider, draft.model.id, to_rfc3339(row.from));
  if (band > 0) {
    rule += fmt::format(", input over {} tokens", row.bands[band].input_over.count());
  }
  return rule;
}

// A name with its length, so that no two lists of names have the same text.
std::string counted(std::string_view name) { return fmt::format("\t{}:{}", name.size(), name); }

// Everything that has a price, as text in one canonical form.
std::string canonical_text(const std::vector<ModelDraft>& drafts) {
  std::string text;
  for (const ModelDraft& draft : drafts) {
    const PricedModel& model = draft.model;
    text += "model" + counted(model.provider) + counted(model.id);
    for (const std::string& alias : model.aliases) text += counted(alias);
    text += fmt::format("\t{}\t{}\n", model.context.count(), model.max_output.count());
    for (const RowDraft& row : draft.rows) {
      text += fmt::format("row\t{}\t{}\n", row.from.time_since_epoch().count(),
                          row.until->time_since_epoch().count());
      for (const Band& band : row.bands) {
        text += fmt::format("band\t{}\t{}", band.input_over.count(), band.has_rate);
        for (const Rate rate : band.rate) text += fmt::format("\t{}", rate.count());
        text += "\n";
      }
    }
  }
  return text;
}

// Brings drafts into one order and closes every open period: by the row after it, or never.
void make_canonical(std::vector<ModelDraft>& drafts) {
  std::sort(drafts.begin(), drafts.end(), [](const ModelDraft& a, const ModelDraft& b) {
    return std::tie(a.model.provider, a.model.id) < std::tie(b.model.provider, b.model.id);
  });
  for (ModelDraft& draft : drafts) {
    std::sort(draft.model.aliases.begin(), draft.model.aliases.end());
    Instant next = Instant::max();
    for (auto row = draft.rows.rbegin(); row != draft.rows.rend(); ++row) {
      if (!row->until) row->until = next;
      next = row->from;
    }
  }
}

std::shared_ptr<const PriceTables> build_tables(std::vector<ModelDraft> drafts) {
  make_canonical(drafts);
  auto tables = std::make_shared<PriceTables>();
  tables->hash = content_hash(canonical_text(drafts));
  for (ModelDraft& draft : drafts) {
    const auto id = static_cast<ModelId>(tables->models.size());
    draft.model.first_row = static_cast<std::uint32_t>(tables->rows.size());
    for (RowDraft& row : draft.rows) {
      const auto first_band = static_cast<std::uint32_t>(tables->bands.size());
      for (std::size_t i = 0; i < row.bands.size(); ++i) {
        row.bands[i].rule = rule_text(draft, row, i);
        tables->bands.push_back(row.bands[i]);
      }
      const auto end_band = static_cast<std::uint32_t>(tables->bands.size());
      tables->rows.push_back({row.from, *row.until, first_band, end_band});
    }
    draft.model.end_row = static_cast<std::uint32_t>(tables->rows.size());
    tables->names[draft.model.id].push_back(id);
    for (const std::string& alias : draft.model.aliases) tables->names[alias].push_back(id);
    tables->models.push_back(std::move(draft.model));
  }
  return tables;
}

// (provider, id or alias) → where it was named first.
using NameOwners = std::map<std::pair<std::string, std::string>, std::string>;

void claim_names(const FileDraft& file, NameOwners& owners, Problems& problems) {
  for (const ModelDraft& draft : file.models) {
    std::vector<std::string> names = draft.model.aliases;
    names.push_back(draft.model.id);
    const std::string place = fmt::format("{}#{}", problems.file(), draft.pointer);
    for (const std::string& name : names) {
      if (name.empty()) continue;  // It could not be read, and that was said.
      const auto [owner, is_new] = owners.try_emplace({file.provider, name}, place);
      if (is_new) continue;
      problems.add(ErrorCode::kDuplicateKey, draft.pointer,
                   fmt::format("\"{}\" already names {}", name, owner->second));
    }
  }
}

}  // namespace

Expected<PriceBook> PriceBook::parse(std::span<const Source> sources) {
  Errors errors;
  std::vector<ModelDraft> drafts;
  NameOwners owners;
  for (const Source& source : sources) {
    Problems problems{std::string(source.name)};
    const JsonDocument document(source.text, problems);
    if (document.ok()) {
      FileDraft file = read_file(document.root());
      claim_names(file, owners, problems);
      for (ModelDraft& draft : file.models) {
        draft.model.provider = file.provider;
        drafts.push_back(std::move(draft));
      }
    }
    Errors found = problems.take();
    errors.insert(errors.end(), found.begin(), found.end());
  }
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  return PriceBook(build_tables(std::move(drafts)));
}

}  // namespace fare
