#pragma once

#include <map>
#include <string>
#include <vector>

#include "fare/price_period.h"
#include "pricing/tables.h"

namespace fare {

// A model as its file has it, before it takes its place in the tables: all but the row numbers of
// `model` is there.
struct ModelDraft {
  PricedModel model;
  std::string pointer;  // Where it stands in its file.
};

// The windows of one vendor, by name.
using NamedWindows = std::map<std::string, WeekWindow>;

// Everything that the files hold together.
struct PriceDrafts {
  std::vector<ModelDraft> models;
  std::map<std::string, NamedWindows> windows;  // By vendor.
  std::map<std::string, std::map<std::string, PriceSource>> sources;
};

// Fills in every cell, gives each thing its number, and hashes what prices mean.
std::shared_ptr<const PriceTables> build_tables(PriceDrafts drafts);

}  // namespace fare
