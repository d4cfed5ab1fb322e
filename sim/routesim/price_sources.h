#pragma once

#include <string>  // std::string.
#include <vector>  // std::vector.

#include "fare/expected.h"      // Expected.
#include "fare/price_book.h"    // PriceBook.
#include "fare/price_import.h"  // PriceImport.
#include "fare/time.h"          // Instant.

namespace routesim {

// What the upkeep commands of `price` share.

// The instant that an imported list holds from where nothing says it.
fare::Instant default_import_start();  // 2024-01-01T00:00:00Z.

// The whole text of a file, inflated if it is gzip.
[[nodiscard]] fare::Expected<std::string> read_any_file(const std::string& path);

// The day of a list: the date in its file's name, else the day it was last written.
std::string day_of_file(const std::string& path);

// Tables in our format (a folder or a file), or someone else's list: "litellm:FILE".
[[nodiscard]] fare::Expected<fare::PriceBook> load_source(const std::string& source);

// The book that the sheets are.  Errors: they do not read back, which a bug would be.
[[nodiscard]] fare::Expected<fare::PriceBook> book_of(const std::vector<fare::PriceSheet>& sheets);

// Words filled into lines of at most 80 columns, the first behind `first`, the others behind as
// many blanks.  Ends in a newline.
std::string filled(const std::string& first, const std::string& words);

}  // namespace routesim
