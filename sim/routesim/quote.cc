#include "routesim/quote.h"

#include <fmt/format.h>

#include "base/nearest.h"

namespace routesim {
namespace {

using fare::PriceGap;
using fare::PriceStatus;
using fare::UsageApi;
using fare::UsageStatus;

// Who sells models under an API of their own; empty where many do.
std::string_view vendor_of(UsageApi api) {
  switch (api) {
    case UsageApi::kOpenAiChat:
    case UsageApi::kOpenAiResponses:
      return "openai";
    case UsageApi::kAnthropic:
      return "anthropic";
    case UsageApi::kGemini:
      return "google";
    case UsageApi::kBedrockConverse:
    case UsageApi::kBedrockInvoke:
      return "aws";
    case UsageApi::kDeepSeek:
      return "deepseek";
    case UsageApi::kMistral:
      return "mistral";
    case UsageApi::kXai:
      return "x-ai";
    case UsageApi::kGroq:
      return "groq";
    case UsageApi::kTogether:
      return "together";
    case UsageApi::kFireworks:
      return "fireworks";
    case UsageApi::kOpenRouter:
      return "openrouter";
    case UsageApi::kCanonical:
    case UsageApi::kOtel:
      return "";
  }
  return "";
}

// "batch, fast, region us", or "standard".
std::string terms_text(const fare::Terms& terms) {
  std::string text(to_string(terms.tier));
  if (terms.speed != fare::SpeedMode::kStandard)
    text += fmt::format(", {}", to_string(terms.speed));
  if (!terms.region.empty()) text += fmt::format(", region {}", terms.region);
  return text;
}

std::string_view status_of(const std::vector<QuotedPart>& parts) {
  bool all = true;
  bool any = false;
  for (const QuotedPart& part : parts) {
    all = all && part.charge.status == PriceStatus::kPriced;
    any = any || part.charge.status != PriceStatus::kUnpriced;
  }
  return to_string(all   ? PriceStatus::kPriced
                   : any ? PriceStatus::kPartiallyPriced
                         : PriceStatus::kUnpriced);
}

}  // namespace

const Quote& Quoter::ask(const QuoteQuestion& question) {
  quote_.status = to_string(PriceStatus::kUnpriced);
  quote_.model = question.model;
  quote_.at = question.at;
  quote_.total = fare::Cost();
  quote_.parts.clear();
  quote_.reported.reset();
  quote_.notes.clear();
  const fare::UsageReport& report = reader_.read(question.api, question.usage, question.model);
  for (const fare::Error& problem : report.problems) {
    quote_.notes.push_back(problem.where.empty()
                               ? problem.message
                               : fmt::format("{}: {}", problem.where, problem.message));
  }
  for (const std::string& unknown : report.unknown) {
    quote_.notes.push_back(fmt::format("{} is not a known usage field: not priced", unknown));
  }
  for (const std::string& note : report.notes) quote_.notes.push_back(note);
  if (report.status != UsageStatus::kRead) {
    quote_.status = to_string(report.status);
    return quote_;
  }
  price(question, report);
  return quote_;
}

// Finds the model; what is wrong is a note.
std::optional<fare::ModelId> Quoter::find(const QuoteQuestion& question, std::string_view model,
                                          bool advise) {
  fare::ModelMatch match = prices_->find(question.provider, model, question.at);
  const std::string_view vendor = vendor_of(question.api);
  if ((match.status == fare::LookUp::kAmbiguous || match.resold) && !vendor.empty()) {
    const fare::ModelMatch own = prices_->find(vendor, model, question.at);
    if (own.status == fare::LookUp::kFound) {
      match = own;
      match.resold = true;
    }
  }
  if (match.resold && advise) {
    quote_.notes.push_back(fmt::format("several providers sell it: priced as {}'s",
                                       prices_->facts(match.model).provider));
  }
  switch (match.status) {
    case fare::LookUp::kFound:
      return match.model;
    case fare::LookUp::kAmbiguous:
      quote_.notes.push_back("several providers sell this model: name one with --provider");
      break;
    case fare::LookUp::kNotThen:
      quote_.notes.push_back(
          fmt::format("\"{}\" was no model's name at {}", model, fare::to_rfc3339(question.at)));
      break;
    case fare::LookUp::kUnknown:
      quote_.notes.push_back(
          fmt::format("\"{}\" is not in the price tables{}{}", model,
                      question.provider.empty() ? "" : fmt::format(" of {}", question.provider),
                      advice(model)));
      break;
  }
  return std::nullopt;
}

// Looking for the nearest name takes long, and a log repeats its unknown names.
const std::string& Quoter::advice(std::string_view model) {
  constexpr std::size_t kAdviceMax = 1'000;
  auto found = advice_.find(model);
  if (found != advice_.end()) return found->second;
  if (advice_.size() == kAdviceMax) advice_.clear();
  return advice_.emplace(std::string(model), fare::did_you_mean(prices_->nearest_model(model)))
      .first->second;
}

void Quoter::price(const QuoteQuestion& question, const fare::UsageReport& report) {
  const std::string_view model = question.model.empty() ? report.model : question.model;
  quote_.model = model;
  if (model.empty()) {
    quote_.notes.push_back("needs a model: the body names none");
    return;
  }
  const std::optional<fare::ModelId> found = find(question, model, true);
  if (!found) return;
  fare::Terms terms = report.terms;
  terms.tier = question.tier.value_or(terms.tier);
  terms.speed = question.speed.value_or(terms.speed);
  terms.region = question.region.value_or(terms.region);
  const fare::ModelFacts facts = prices_->facts(*found);
  fmt::memory_buffer name;
  fmt::format_to(std::back_inserter(name), "{}/{}", facts.provider, facts.model);
  quote_.model.assign(name.data(), name.size());
  add_part(*found, report.usage, terms, question);
  for (const fare::OtherUsage& other : report.others) {
    if (const auto id = find(question, other.model, false)) {
      fare::Terms own = terms;
      own.band_input = fare::Tokens(0);
      add_part(*id, other.usage, own, question);
    } else {
      quote_.parts.push_back({other.model, {}});
    }
  }
  if (question.contract != nullptr) {
    quote_.notes.push_back(fmt::format("priced by the contract \"{}\"", question.contract->name()));
  }
  quote_.status = status_of(quote_.parts);
  quote_.reported = report.reported_cost;
  compare_reported();
}

void Quoter::add_part(fare::ModelId model, const fare::Usage& usage, const fare::Terms& terms,
                      const QuoteQuestion& question) {
  const fare::ModelFacts facts = prices_->facts(model);
  const std::string name =
      quote_.parts.empty() ? quote_.model : fmt::format("{}/{}", facts.provider, facts.model);
  fare::Charge charge = prices_->charge(model, usage, question.at, terms, question.known);
  if (question.contract != nullptr) charge = question.contract->apply(facts, charge, question.at);
  quote_.parts.push_back({name, charge});
  const QuotedPart& part = quote_.parts.back();
  quote_.total += part.charge.total;
  if (part.charge.status != PriceStatus::kPriced) explain_gap(part, terms, question);
}

// Says why a part is not wholly priced.
void Quoter::explain_gap(const QuotedPart& part, const fare::Terms& terms,
                         const QuoteQuestion& question) {
  switch (part.charge.gap) {
    case PriceGap::kNoRow:
      quote_.notes.push_back(fmt::format(
          "the tables hold no price of {} at {}{}", part.model, fare::to_rfc3339(question.at),
          question.known == fare::Instant::max()
              ? ""
              : fmt::format(" as known at {}", fare::to_rfc3339(question.known))));
      return;
    case PriceGap::kNoTerms:
      quote_.notes.push_back(
          fmt::format("the tables do not say what {} costs at: {}", part.model, terms_text(terms)));
      return;
    case PriceGap::kNoCalendar:
      quote_.notes.push_back(fmt::format(
          "whether {} is a public holiday is not known: the vendor's calendar ends before it",
          fare::to_rfc3339(question.at).substr(0, 10)));
      return;
    case PriceGap::kNone:
      break;
  }
  for (const fare::CostLine& line : part.charge.lines) {
    if (line.priced) continue;
    quote_.notes.push_back(fmt::format("the tables hold no rate for {}", to_string(line.meter)));
  }
}

// The vendor's own figure is said beside ours; it replaces nothing.
void Quoter::compare_reported() {
  if (!quote_.reported || !quote_.priced()) return;
  const fare::Cost difference = quote_.total - *quote_.reported;
  if (difference == fare::Cost()) return;
  quote_.notes.push_back(fmt::format("the vendor reports ${}: the tables come to ${} {}",
                                     to_usd(*quote_.reported),
                                     to_usd(difference < fare::Cost() ? -difference : difference),
                                     difference < fare::Cost() ? "less" : "more"));
}

}  // namespace routesim
