#include "spend/scope_names.h"

#include <algorithm>
#include <cstring>

#include "base/names.h"
#include "fare/check.h"

namespace fare {
namespace {

constexpr std::uint32_t kFirstSlots = 64;
constexpr std::size_t kPage = 16'384;
constexpr std::size_t kNameMax = 255;

}  // namespace

ScopeNames::Table::Table(std::uint32_t slots) : mask(slots - 1), number(slots) {}

ScopeNames::ScopeNames() {
  tables_.push_back(std::make_unique<Table>(kFirstSlots));
  table_.store(tables_.back().get(), std::memory_order_release);
}

std::string_view ScopeNames::name(std::uint32_t number) const {
  const char* text = names_[number];
  return {text + 1, static_cast<unsigned char>(*text)};
}

std::uint32_t ScopeNames::find(std::string_view name) const {
  const Table& table = *table_.load(std::memory_order_acquire);
  for (std::size_t slot = NameHash()(name);; ++slot) {
    const std::uint32_t number = table.number[slot & table.mask].load(std::memory_order_acquire);
    if (number == 0 || this->name(number) == name) return number;
  }
}

void ScopeNames::insert(Table& table, std::string_view name, std::uint32_t number) {
  std::size_t slot = NameHash()(name);
  while (table.number[slot & table.mask].load(std::memory_order_relaxed) != 0) ++slot;
  table.number[slot & table.mask].store(number, std::memory_order_release);
}

std::uint32_t ScopeNames::add(std::string_view name) {
  FARE_CHECK(name.size() <= kNameMax);
  if (page_left_ < name.size() + 1) {
    pages_.push_back(std::make_unique<char[]>(kPage));
    page_left_ = kPage;
  }
  char* text = pages_.back().get() + (kPage - page_left_);
  page_left_ -= name.size() + 1;
  *text = static_cast<char>(static_cast<unsigned char>(name.size()));
  std::memcpy(text + 1, name.data(), name.size());
  const std::uint32_t number = size_ + 1;
  names_.grow(number + 1);
  names_[number] = text;
  Table* table = tables_.back().get();
  if (number > table->mask / 2) {
    auto larger = std::make_unique<Table>((table->mask + 1) * 2);
    for (std::uint32_t old = 1; old < number; ++old) insert(*larger, this->name(old), old);
    table = larger.get();
    tables_.push_back(std::move(larger));
  }
  insert(*table, name, number);
  table_.store(table, std::memory_order_release);
  size_ = number;
  return number;
}

}  // namespace fare
