#pragma once

#include <array>        // std::array.
#include <cstddef>      // std::size_t.
#include <cstdint>      // std::uint8_t.
#include <string_view>  // std::string_view.

#include "pricing/usage_fields.h"  // Field, Dialect.

namespace fare::tables {

// What the tables of fields are written with.

constexpr Field count(Scope scope, std::string_view name, Part part) {
  return {scope, name, FieldKind::kCount, static_cast<std::uint8_t>(part)};
}
constexpr Field sum(Scope scope, std::string_view name, Part part) {
  return {scope, name, FieldKind::kSum, static_cast<std::uint8_t>(part)};
}
constexpr Field object(Scope scope, std::string_view name, Scope to) {
  return {scope, name, FieldKind::kObject, static_cast<std::uint8_t>(to)};
}
constexpr Field modalities(std::string_view name, Part group) {
  return {Scope::kUsage, name, FieldKind::kModalities, static_cast<std::uint8_t>(group)};
}
constexpr Field ignored(Scope scope, std::string_view name) {
  return {scope, name, FieldKind::kIgnored};
}

template <std::size_t kFirst, std::size_t kSecond>
constexpr auto joined(const std::array<Field, kFirst>& first,
                      const std::array<Field, kSecond>& second) {
  std::array<Field, kFirst + kSecond> all{};
  for (std::size_t i = 0; i < kFirst; ++i) all[i] = first[i];
  for (std::size_t i = 0; i < kSecond; ++i) all[kFirst + i] = second[i];
  return all;
}

constexpr std::uint8_t hash_of(Scope scope, std::string_view name) {
  std::size_t hash = name.size() * 29 + static_cast<std::size_t>(scope) * 97;
  if (!name.empty()) {
    hash += static_cast<unsigned char>(name.front()) * 7u;
    hash += static_cast<unsigned char>(name[name.size() / 2]) * 13u;
    hash += static_cast<unsigned char>(name.back()) * 3u;
  }
  return static_cast<std::uint8_t>(hash);
}

inline constexpr std::uint8_t kNoField = 255;

// Open addressing: a slot holds the index of a field.  Of two fields of one name the first counts.
template <std::size_t kCount>
constexpr std::array<std::uint8_t, 256> index_of(const std::array<Field, kCount>& fields) {
  static_assert(kCount < 128);
  std::array<std::uint8_t, 256> index{};
  for (std::uint8_t& slot : index) slot = kNoField;
  for (std::size_t i = 0; i < kCount; ++i) {
    std::uint8_t at = hash_of(fields[i].scope, fields[i].name);
    while (index[at] != kNoField) ++at;
    index[at] = static_cast<std::uint8_t>(i);
  }
  return index;
}

// One for each family, in a file of its own.
const Dialect& chat(UsageApi api);  // Everyone who copies Chat Completions.
const Dialect& responses();
const Dialect& anthropic();
const Dialect& gemini();
const Dialect& bedrock(UsageApi api);
const Dialect& otel();
const Dialect& canonical();

}  // namespace fare::tables
