#pragma once

#include <cstddef>  // std::size_t.

namespace fare {

inline constexpr std::size_t kHugePage = std::size_t{1} << 21;

// Memory for a table that is visited at random.  From kHugePage bytes on it begins at the border of
// such a page, and the system is asked to use huge pages for it where it can (Linux:
// MADV_HUGEPAGE): a visit then misses one cache line and not also the small page's entry, and new
// memory is prepared 512 small pages at a time.  Throws std::bad_alloc.
void* new_table(std::size_t bytes, std::size_t alignment);

// Gives it back.  REQUIRES: the arguments of its new_table().
void delete_table(void* table, std::size_t bytes, std::size_t alignment) noexcept;

}  // namespace fare
