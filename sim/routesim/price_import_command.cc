#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "report/format.h"
#include "report/table.h"
#include "routesim/commands.h"
#include "routesim/price_options.h"
#include "routesim/price_sources.h"

namespace routesim {
namespace {

namespace fs = std::filesystem;
using fare::ImportNote;
using fare::ImportRemark;
using fare::PriceImport;
using Json = nlohmann::ordered_json;

struct ImportCommand {
  std::string format;
  std::string file;
  std::string from;
  std::string observed;
  std::string out;
  bool json = false;
};

constexpr ImportRemark kRemarks[] = {ImportRemark::kEntryLeftOut, ImportRemark::kFieldLeftOut,
                                     ImportRemark::kNameLeftOut, ImportRemark::kRounded,
                                     ImportRemark::kAssumed};

// Everything that was noted, a line each.
std::string all_notes(const PriceImport& import) {
  std::string text;
  for (const ImportNote& note : import.notes) {
    text += fmt::format("{}: {}", to_string(note.remark), note.entry);
    if (!note.field.empty()) text += fmt::format(": {}", note.field);
    if (!note.value.empty()) text += fmt::format(" {}", note.value);
    text += fmt::format(": {}\n", note.why);
  }
  return text;
}

std::string plural(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count_text(count), count == 1 ? one : many);
}

// Every entry that was left out, by reason.
std::string left_out_text(const PriceImport& import) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const ImportNote& note : import.notes) {
    if (note.remark == ImportRemark::kEntryLeftOut) by_reason[note.why].push_back(note.entry);
  }
  std::string text;
  for (const auto& [why, entries] : by_reason) {
    text += filled("\n", fmt::format("{}: {}", plural(entries.size(), "entry", "entries"), why));
    std::string names;
    for (const std::string& entry : entries) names += entry + " ";
    text += filled("  ", names);
  }
  return text;
}

// What was noted of the entries that were carried, by field and reason.
std::string remarks_text(const PriceImport& import) {
  struct Group {
    std::size_t count = 0;
    std::string example;
  };
  std::map<std::pair<ImportRemark, std::string>, Group> groups;
  for (const ImportNote& note : import.notes) {
    if (note.remark == ImportRemark::kEntryLeftOut) continue;
    const bool by_reason = note.remark == ImportRemark::kFieldLeftOut;
    std::string what = by_reason ? fmt::format("{}: {}", note.field, note.why) : note.field;
    Group& group = groups[{note.remark, std::move(what)}];
    if (++group.count == 1) {
      group.example = fmt::format("{} {}{}{}", note.entry, note.value, by_reason ? "" : ": ",
                                  by_reason ? "" : note.why);
    }
  }
  std::string text;
  ImportRemark last = ImportRemark::kEntryLeftOut;
  for (const auto& [key, group] : groups) {
    if (key.first != last) text += fmt::format("\n{}\n", to_string(key.first));
    last = key.first;
    text += filled(
        fmt::format("  {:>5} x ", group.count),
        fmt::format("{}{}e.g. {}", key.second, key.second.empty() ? "" : "; ", group.example));
  }
  return text;
}

std::string summary_text(const PriceImport& import, const fare::PriceBook& book,
                         const ImportCommand& options) {
  std::map<ImportRemark, std::size_t> counts;
  for (const ImportNote& note : import.notes) ++counts[note.remark];
  std::string text =
      filled("", fmt::format("{} of {} became {} of {}; {} left out, each named below.",
                             count_text(import.models), plural(import.entries, "entry", "entries"),
                             import.models == 1 ? "a model" : "models",
                             plural(import.sheets.size(), "provider", "providers"),
                             count_text(counts[ImportRemark::kEntryLeftOut])));
  Table table({"noted", "times"});
  for (const ImportRemark remark : kRemarks) {
    table.add({std::string(to_string(remark)), count_text(counts[remark])});
  }
  text += table.text({});
  text += filled("", fmt::format("Prices hold from {}{}, observed {}; table {}.",
                                 options.from.empty() ? fare::to_rfc3339(default_import_start())
                                                      : options.from,
                                 options.from.empty() ? " (the list has no date: see --from)" : "",
                                 options.observed, book.hash().substr(0, 12)));
  text += left_out_text(import) + remarks_text(import);
  if (!import.other_fields.empty()) {
    std::string fields;
    for (const auto& [name, count] : import.other_fields) {
      fields += fmt::format("{} ({}) ", name, count);
    }
    text += "\nNo prices, and not carried:\n" + filled("  ", fields);
  }
  return text;
}

std::string summary_json(const PriceImport& import, const fare::PriceBook& book,
                         const ImportCommand& options) {
  Json notes = Json::array();
  for (const ImportNote& note : import.notes) {
    notes.push_back({{"remark", to_string(note.remark)},
                     {"entry", note.entry},
                     {"field", note.field},
                     {"value", note.value},
                     {"why", note.why}});
  }
  Json providers = Json::object();
  for (const fare::PriceSheet& sheet : import.sheets) {
    providers[sheet.provider] = sheet.models.size();
  }
  const Json json = {
      {"format", options.format},
      {"entries", import.entries},
      {"models", import.models},
      {"providers", std::move(providers)},
      {"from", options.from.empty() ? fare::to_rfc3339(default_import_start()) : options.from},
      {"observed", options.observed},
      {"table_hash", book.hash()},
      {"notes", std::move(notes)},
      {"other_fields", import.other_fields}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// A provider's name as that of a file.
std::string file_name(std::string provider) {
  for (char& c : provider) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || (c == '.' && &c != provider.data());
    if (!plain) c = '_';
  }
  return provider;
}

// Writes one file a provider and the notes; overwrites nothing.
fare::Errors write_files(const PriceImport& import, const std::string& folder) {
  fare::Errors errors;
  std::map<std::string, std::string> texts = {{"notes.txt", all_notes(import)}};
  for (const fare::PriceSheet& sheet : import.sheets) {
    std::string name = file_name(sheet.provider);
    while (texts.contains(name + ".json")) name += "_";
    texts.emplace(name + ".json", price_file_text(sheet));
  }
  std::error_code error;
  fs::create_directories(folder, error);
  for (const auto& [name, text] : texts) {
    if (fs::exists(fs::path(folder) / name, error)) {
      errors.push_back({fare::ErrorCode::kIo, (fs::path(folder) / name).string(),
                        "already exists, and an import overwrites nothing: name a new folder"});
    }
  }
  if (!errors.empty()) return errors;
  for (const auto& [name, text] : texts) {
    const std::string path = (fs::path(folder) / name).string();
    std::ofstream file(path, std::ios::binary);
    if (!(file << text) || !file.flush()) {
      errors.push_back({fare::ErrorCode::kIo, path, "cannot be written: check the folder"});
    }
  }
  return errors;
}

int run_import(ImportCommand options) {
  fare::Errors errors;
  const auto keep = [&errors](const auto& expected) {
    if (!expected) errors.insert(errors.end(), expected.error().begin(), expected.error().end());
  };
  const auto text = read_any_file(options.file);
  keep(text);
  if (options.observed.empty()) options.observed = day_of_file(options.file);
  keep(asked_instant("--observed", options.observed, clock_now()));
  const auto from = options.from.empty() ? fare::Expected<fare::Instant>(default_import_start())
                                         : asked_instant("--from", options.from, clock_now());
  keep(from);
  if (!errors.empty()) return complain(errors);
  options.observed = options.observed.substr(0, 10);
  const auto import =
      fare::import_prices(*text, {.format = *fare::foreign_format_named(options.format),
                                  .name = fs::path(options.file).filename().string(),
                                  .from = *from,
                                  .observed = options.observed});
  if (!import) return complain(import.error());
  const auto book = book_of(import->sheets);
  if (!book) return complain(book.error());
  if (!options.out.empty()) {
    errors = write_files(*import, options.out);
    if (!errors.empty()) return complain(errors);
  }
  print(options.json ? summary_json(*import, *book, options)
                     : summary_text(*import, *book, options));
  if (!options.out.empty() && !options.json) {
    print(fmt::format("\nWritten: {}: {} and notes.txt\n", options.out,
                      plural(import->sheets.size(), "table", "tables")));
  }
  return import->sheets.empty() ? kNo : kGood;
}

}  // namespace

void add_price_import_command(CLI::App& price, int& exit_code) {
  auto options = std::make_shared<ImportCommand>();
  CLI::App* command = price.add_subcommand("import", "Read someone else's price list");
  command->footer(
      "Decimals are taken as written; what cannot be carried is named with its reason.\n"
      "Examples:\n"
      "  routesim price import litellm model_prices_and_context_window.json --out their\n"
      "  routesim price import openrouter models.json --from 2026-08-01 --json\n"
      "Exit code: 0 read, whatever was left out; 1 nothing was carried; 2 bad input.");
  command->add_option("FORMAT", options->format, "litellm, genai-prices, models.dev, openrouter")
      ->required()
      ->check(CLI::IsMember({"litellm", "genai-prices", "models.dev", "openrouter"}));
  command->add_option("FILE", options->file, "The list, JSON, or gzip of it")->required();
  command->add_option("--from", options->from, "Start of undated prices; default: 2024-01-01");
  command->add_option("--observed", options->observed, "Its day; default: as in the file's name");
  command->add_option("--out", options->out, "A folder to write the tables to, one a provider");
  command->add_flag("--json", options->json, "Print JSON, every note included");
  command->callback([options, &exit_code] { exit_code = run_import(*options); });
}

}  // namespace routesim
