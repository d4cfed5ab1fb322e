#pragma once

#include <cstddef>      // std::size_t, std::byte.
#include <cstdint>      // std::uint8_t.
#include <new>          // std::launder.
#include <type_traits>  // std::is_trivially_destructible_v.

#include "fare/check.h"  // FARE_CHECK.

namespace fare {

// A list of at most `kMax` values inside itself: no allocation, and an empty one costs nothing to
// make, however large it could grow.  Copies copy what is there.
template <class T, std::size_t kMax>
class InlineList {
  static_assert(std::is_copy_constructible_v<T> && std::is_trivially_destructible_v<T>);
  static_assert(kMax < 256);

 public:
  InlineList() {}  // Not defaulted: that would make `InlineList x{}` clear the storage.
  InlineList(const InlineList& other) { *this = other; }
  InlineList& operator=(const InlineList& other) {
    if (this == &other) return *this;
    size_ = 0;
    for (const T& value : other) push_back(value);
    return *this;
  }

  // REQUIRES: size() < kMax.
  T& push_back(const T& value) {
    FARE_CHECK(size_ < kMax);
    return *::new (bytes_ + sizeof(T) * size_++) T(value);
  }

  // Adds what `make` returns, built in its place: nothing is copied.  REQUIRES: size() < kMax.
  template <class Make>
  T& push_made(Make&& make) {
    FARE_CHECK(size_ < kMax);
    return *::new (bytes_ + sizeof(T) * size_++) T(make());
  }

  void clear() { size_ = 0; }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  const T* begin() const { return std::launder(reinterpret_cast<const T*>(bytes_)); }
  const T* end() const { return begin() + size_; }
  T* begin() { return std::launder(reinterpret_cast<T*>(bytes_)); }
  T* end() { return begin() + size_; }

  const T& operator[](std::size_t i) const {
    FARE_CHECK(i < size_);
    return begin()[i];
  }
  T& operator[](std::size_t i) {
    FARE_CHECK(i < size_);
    return begin()[i];
  }

 private:
  alignas(T) std::byte bytes_[sizeof(T) * kMax];
  std::uint8_t size_ = 0;
};

}  // namespace fare
