// Reads price files into the tables of a PriceBook.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/json_reader.h"
#include "fare/price_book.h"
#include "pricing/model_draft.h"
#include "pricing/row_reader.h"
#include "pricing/window_reader.h"

namespace fare {
namespace {

constexpr std::string_view kFormat = "fare-prices/1";
constexpr std::size_t kNameMax = 128;
constexpr std::size_t kModelsMax = 10'000;
constexpr std::size_t kRowsMax = 1'000;

struct FileDraft {
  std::string provider;
  std::map<std::string, PriceSource> sources;
  NamedWindows windows;
  std::vector<ModelDraft> models;
};

// Whether two rows could both be known at some time.
bool known_together(const PricePeriod& a, const PricePeriod& b) {
  return (!a.known_until || b.known_from < *a.known_until) &&
         (!b.known_until || a.known_from < *b.known_until);
}

void check_periods(const JsonNode& node, const std::vector<PricePeriod>& rows) {
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].from == Instant::min()) continue;  // It could not be read, and that was said.
    if (rows[i].from < rows[i - 1].from) {
      node.problem(ErrorCode::kConflict,
                   fmt::format("price {} must not start before the one before it", i));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (!known_together(rows[j], rows[i])) continue;
      if (rows[i].from == rows[j].from) {
        node.problem(ErrorCode::kConflict,
                     fmt::format("prices {} and {} start at the same instant", j, i));
      } else if (rows[j].until && rows[j].from<rows[i].from&& * rows[j].until> rows[i].from) {
        node.problem(ErrorCode::kConflict, fmt::format("price {} overlaps price {}", i, j));
      }
    }
  }
}

// An id, or {"id", "from", "until"}.
std::optional<ModelAlias> read_alias(const JsonNode& node) {
  ModelAlias alias;
  if (node.is_string()) {
    const auto id = json::text(kNameMax)(node);
    if (id) alias.id = *id;
    return id ? std::optional(alias) : std::nullopt;
  }
  ObjectReader reader(node);
  Instant at{};
  const auto instant = json::read_with(&parse_instant);
  reader.required("id", alias.id, json::text(kNameMax));
  if (reader.optional("from", at, instant)) alias.from = at;
  if (reader.optional("until", at, instant)) alias.until = at;
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  if (alias.from && alias.until && *alias.until <= *alias.from) {
    node.problem(ErrorCode::kConflict, "\"until\" must be after \"from\"");
  }
  return alias;
}

void read_facts(ObjectReader& reader, PricedModel& model) {
  reader.optional("maker", model.maker, json::text(kNameMax));
  const auto size = json::integer(1, kTokensMax.count());
  std::int64_t count = 0;
  if (reader.optional("context_tokens", count, size)) model.context = Tokens(count);
  if (reader.optional("max_output_tokens", count, size)) model.max_output = Tokens(count);
  if (reader.optional("min_cacheable_tokens", count, size)) model.min_cacheable = Tokens(count);
  Instant at{};
  if (reader.optional("retired", at, json::read_with(&parse_instant))) model.retired = at;
  reader.optional("capabilities", model.capabilities, json::list(json::text(kNameMax), 1, 100));
}

std::optional<ModelDraft> read_model(const JsonNode& node, const RowNames& names) {
  ModelDraft draft;
  draft.pointer = node.pointer();
  ObjectReader reader(node);
  reader.required("id", draft.model.id, json::text(kNameMax));
  reader.optional("aliases", draft.model.aliases, json::list(read_alias, 1, 100));
  read_facts(reader, draft.model);
  const auto row = [&names](const JsonNode& item) { return read_row(item, names); };
  if (reader.required("prices", draft.model.periods, json::list(row, 1, kRowsMax))) {
    check_periods(node.member("prices"), draft.model.periods);
  }
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  return draft;
}

PriceSource read_source(const JsonNode& node) {
  PriceSource source;
  ObjectReader reader(node);
  Instant observed{};
  reader.required("title", source.title, json::text(1'000));
  reader.required("where", source.where, json::text(1'000));
  if (reader.required("observed", observed, json::read_with(&parse_date))) {
    source.observed = to_rfc3339(observed).substr(0, 10);
  }
  reader.finish();
  return source;
}

FileDraft read_file(const JsonNode& node, const Calendars& calendars) {
  FileDraft file;
  ObjectReader reader(node);
  std::size_t only = 0;
  reader.required("format", only, json::one_of({kFormat}));
  reader.required("vendor", file.provider, json::text(kNameMax));
  reader.required("currency", only, json::one_of({"USD"}));
  RowNames names;
  if (const std::optional<JsonNode> found = reader.member("sources", true)) {
    if (!found->is_object()) found->must_be(ErrorCode::kWrongType, "an object");
    for (const std::string& key : found->keys()) {
      names.sources.insert(key);
      file.sources.emplace(key, read_source(found->member(key)));
    }
  }
  if (const std::optional<JsonNode> found = reader.member("windows", false)) {
    file.windows = read_windows(*found, calendars);
    for (const std::string& key : found->keys()) names.windows.insert(key);
  }
  const auto model = [&names](const JsonNode& item) { return read_model(item, names); };
  reader.required("models", file.models, json::list(model, 1, kModelsMax));
  reader.finish();
  return file;
}

// What a name means, and where that stands.
struct NameClaim {
  Instant from;
  Instant until;
  std::string place;
};

// (provider, id or alias) → its claims.
using NameOwners = std::map<std::pair<std::string, std::string>, std::vector<NameClaim>>;

void claim_names(const FileDraft& file, NameOwners& owners, Problems& problems) {
  for (const ModelDraft& draft : file.models) {
    std::vector<ModelAlias> names = draft.model.aliases;
    names.push_back({.id = draft.model.id});
    for (const ModelAlias& name : names) {
      if (name.id.empty()) continue;  // It could not be read, and that was said.
      const NameClaim claim{name.from.value_or(Instant::min()), name.until.value_or(Instant::max()),
                            fmt::format("{}#{}", problems.file(), draft.pointer)};
      std::vector<NameClaim>& others = owners[{file.provider, name.id}];
      for (const NameClaim& other : others) {
        if (claim.from >= other.until || other.from >= claim.until) continue;
        problems.add(ErrorCode::kDuplicateKey, draft.pointer,
                     fmt::format("\"{}\" already names {}", name.id, other.place));
        break;
      }
      others.push_back(claim);
    }
  }
}

// One file, parsed but not yet read.
struct ParsedFile {
  explicit ParsedFile(const PriceBook::Source& source)
      : problems(std::string(source.name)), document(source.text, problems) {}

  bool is_calendar() const {
    const JsonNode root = document.root();
    return root.is_object() && root.has("format") &&
           root.member("format").dump() == fmt::format("\"{}\"", kCalendarFormat);
  }

  Problems problems;
  JsonDocument document;
};

}  // namespace

Expected<PriceBook> PriceBook::parse(std::span<const Source> sources) {
  std::vector<std::unique_ptr<ParsedFile>> files;
  Calendars calendars;
  for (const Source& source : sources) {
    files.push_back(std::make_unique<ParsedFile>(source));
    if (files.back()->is_calendar()) read_calendar(files.back()->document.root(), calendars);
  }
  Errors errors;
  PriceDrafts drafts;
  NameOwners owners;
  for (const auto& parsed : files) {
    Problems& problems = parsed->problems;
    if (parsed->document.ok() && !parsed->is_calendar()) {
      FileDraft file = read_file(parsed->document.root(), calendars);
      claim_names(file, owners, problems);
      for (auto& [name, window] : file.windows) {
        if (drafts.windows[file.provider].try_emplace(name, window).second) continue;
        problems.add(ErrorCode::kDuplicateKey, "/windows",
                     fmt::format("\"{}\" is already a window of {}", name, file.provider));
      }
      for (const auto& [key, source] : file.sources) {
        const auto& other = drafts.sources[file.provider].try_emplace(key, source).first->second;
        if (other == source) continue;
        problems.add(ErrorCode::kDuplicateKey, "/sources",
                     fmt::format("\"{}\" is already another source of {}", key, file.provider));
      }
      for (ModelDraft& draft : file.models) {
        draft.model.provider = file.provider;
        drafts.models.push_back(std::move(draft));
      }
    }
    Errors found = problems.take();
    errors.insert(errors.end(), found.begin(), found.end());
  }
  if (!errors.empty()) return tl::unexpected<Errors>(std::move(errors));
  return PriceBook(build_tables(std::move(drafts)));
}

}  // namespace fare
