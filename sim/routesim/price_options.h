#pragma once

#include <CLI/CLI.hpp>  // CLI::App.
#include <string>       // std::string.

#include "fare/expected.h"    // Expected.
#include "fare/price_book.h"  // PriceBook.
#include "fare/time.h"        // Instant.

namespace routesim {

// What every command that asks the price tables has in common.

// A folder of the shipped tables: beside the caller, beside the program's build, or installed with
// it. Empty for the price tables themselves.
std::string shipped_folder(const std::string& name);

// Adds --prices.
void add_prices_option(CLI::App& command, std::string& prices);

// The tables of --prices; by default the shipped ones.
fare::Expected<fare::PriceBook> load_asked_prices(const std::string& prices);

// The instant of an option, or the first of the day that it names; `otherwise` if it was not given.
// Errors name the option.
fare::Expected<fare::Instant> asked_instant(const std::string& option, const std::string& text,
                                            fare::Instant otherwise);

// Prints to stdout.
void print(const std::string& text);

// Now: the one clock of the program, for questions that name no instant.
fare::Instant clock_now();

}  // namespace routesim
