#include "base/huge_pages.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <new>

namespace fare {
namespace {

std::align_val_t alignment_of(std::size_t bytes, std::size_t alignment) {
  return std::align_val_t(bytes < kHugePage ? alignment : std::max(alignment, kHugePage));
}

}  // namespace

void* new_table(std::size_t bytes, std::size_t alignment) {
  void* const table = ::operator new(bytes, alignment_of(bytes, alignment));
#ifdef MADV_HUGEPAGE
  // Whether the system has any is its own affair: the memory is good either way.
  if (bytes >= kHugePage) madvise(table, bytes - bytes % kHugePage, MADV_HUGEPAGE);
#endif
  return table;
}

void delete_table(void* table, std::size_t bytes, std::size_t alignment) noexcept {
  ::operator delete(table, alignment_of(bytes, alignment));
}

}  // namespace fare
