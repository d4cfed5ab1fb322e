#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "fare/price_sheet.h"
#include "places.h"

namespace fare {

inline Instant at(std::string_view text) { return parse_instant(text).value(); }

inline PriceBook read_book(const std::vector<std::string>& texts) {
  std::vector<PriceBook::Source> sources;
  for (const std::string& text : texts) sources.push_back({"test.json", text});
  const Expected<PriceBook> book = PriceBook::parse(sources);
  if (!book) throw std::runtime_error(to_text(book.error()));
  return *book;
}

inline PriceBook book_of(const std::vector<PriceSheet>& sheets) {
  std::vector<std::string> texts;
  for (const PriceSheet& sheet : sheets) texts.push_back(price_file_text(sheet));
  return read_book(texts);
}

inline std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline PriceBook shipped_book() {
  namespace fs = std::filesystem;
  std::vector<std::string> paths;
  for (const char* folder : {"/pricing", "/pricing/calendars"}) {
    for (const auto& entry : fs::directory_iterator(std::string(fare::kSourceDir) + folder)) {
      const std::string path = entry.path().string();
      if (path.ends_with(".json") && !path.ends_with("schema.json")) paths.push_back(path);
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const std::string& path : paths) texts.push_back(file_text(path));
  return read_book(texts);
}

inline Rate usd(std::string_view per_mtok) { return parse_usd_per_mtok(per_mtok).value(); }

inline void set(Rates& rates, Meter meter, std::string_view per_mtok) {
  rates[static_cast<std::size_t>(meter)] = usd(per_mtok);
}

// A row from 2026 with the price of input and output.
inline PricePeriod plain_row(int input, int output) {
  PricePeriod row;
  row.from = at("2026-01-01T00:00:00Z");
  row.known_from = row.from;
  row.source = "s";
  row.observed = "2026-01-01";
  row.cells.resize(1);
  row.cells[0].bands.resize(1);
  set(row.cells[0].bands[0].rates, Meter::kInput, std::to_string(input));
  set(row.cells[0].bands[0].rates, Meter::kOutput, std::to_string(output));
  return row;
}

inline PriceSheet plain_sheet(const std::string& provider, const std::string& model, int input,
                              int output) {
  PriceSheet sheet;
  sheet.provider = provider;
  sheet.sources["s"] = {"Title", "where", "2026-01-01"};
  sheet.models.resize(1);
  sheet.models[0].id = model;
  sheet.models[0].periods = {plain_row(input, output)};
  return sheet;
}

}  // namespace fare
