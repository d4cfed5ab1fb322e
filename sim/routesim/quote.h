#pragma once

#include <map>          // std::map.
#include <optional>     // std::optional.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/contract.h"    // Contract.
#include "fare/price_book.h"  // PriceBook, Charge.
#include "fare/usage_body.h"  // UsageReader, UsageApi.

namespace routesim {

// What to price.  The views must live as long as the question.
struct QuoteQuestion {
  std::string_view model;  // Empty: the one that the body names.
  std::string_view provider;
  fare::UsageApi api = fare::UsageApi::kCanonical;
  fare::Instant at{};
  fare::Instant known = fare::Instant::max();
  std::optional<fare::ServiceTier> tier;  // Else as the body says.
  std::optional<fare::SpeedMode> speed;
  std::optional<std::string_view> region;
  std::string_view usage;  // JSON.
  const fare::Contract* contract =
      nullptr;  // What was negotiated on top of the tables, if anything.
};

// What one model used and what that costs.
struct QuotedPart {
  std::string model;  // "provider/model", or as asked if it was not found.
  fare::Charge charge;
};

// The answer.  Never a price that is not known: the status says what is missing, the notes why.
struct Quote {
  std::string_view status = "unpriced";
  std::string model;
  fare::Instant at{};
  fare::Cost total;               // The sum of all parts: the cost if priced, else what is known.
  std::vector<QuotedPart> parts;  // The first is the model's own.
  std::optional<fare::Cost> reported;  // What the vendor says it costs.
  std::vector<std::string> notes;

  bool priced() const { return status == "priced"; }
};

// Prices usage bodies, one after the other.  Not thread-safe.
class Quoter {
 public:
  explicit Quoter(const fare::PriceBook& prices) : prices_(&prices) {}  // Must outlive the quoter.

  // The answer lives until the next question.
  const Quote& ask(const QuoteQuestion& question);

 private:
  std::optional<fare::ModelId> find(const QuoteQuestion& question, std::string_view model,
                                    bool advise);
  const std::string& advice(std::string_view model);
  void price(const QuoteQuestion& question, const fare::UsageReport& report);
  void add_part(fare::ModelId model, const fare::Usage& usage, const fare::Terms& terms,
                const QuoteQuestion& question);
  void explain_gap(const QuotedPart& part, const fare::Terms& terms, const QuoteQuestion& question);
  void compare_reported();

  const fare::PriceBook* prices_;
  fare::UsageReader reader_;
  std::map<std::string, std::string, std::less<>> advice_;  // For names that were not found.
  Quote quote_;
};

// The quote as one JSON object on one line, without its line end, appended to `out`.
void append_quote_json(const Quote& quote, std::string_view table_hash, std::string& out);

// The quote for people, at most 80 columns but for long names.
std::string quote_text(const Quote& quote, std::string_view table_hash);

}  // namespace routesim
