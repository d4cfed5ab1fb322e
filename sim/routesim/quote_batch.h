#pragma once

#include <string>  // std::string.

#include "routesim/quote.h"  // QuoteQuestion.

namespace routesim {

// Prices a file of JSON lines, {"model", "provider", "api", "at", "usage"} each ("known_at",
// "tier", "speed" and "region" too), and prints a quote for each, in order, one a line.  What a
// line does not say stands in `defaults`.  Returns the exit code: kGood if all are priced, kNo if
// one is not, kBadInput if the file or a line could not be read; such a line has its quote all the
// same, which says why.
int quote_batch(const std::string& path, const QuoteQuestion& defaults,
                const fare::PriceBook& prices);

}  // namespace routesim
