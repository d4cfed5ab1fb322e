#pragma once

#include <memory>             // std::unique_ptr.
#include <nlohmann/json.hpp>  // nlohmann::json.
#include <string>             // std::string.

#include "fare/policy.h"              // Policy.
#include "fare/price_book.h"          // PriceBook.
#include "fare/router.h"              // Decision, Router.
#include "fare/time.h"                // Instant.
#include "routesim/policy_explain.h"  // AskedRequest, AskedState.

namespace routesim {

// A question and everything that may be changed about it.
struct Question {
  nlohmann::json policy;
  AskedRequest request;
  fare::Instant at{};  // Not before the state's counted_at.
};

// Decides a question, each time with a router that has seen nothing but the state: no decision
// bears on the next one.
class Decider {
 public:
  // All must outlive it.
  Decider(const fare::Policy& policy, const fare::PriceBook& prices, const AskedState& state)
      : policy_(policy), prices_(prices), state_(state) {}

  // The decision's views live until the next question.  Errors: the router's; a hold that cannot
  // be; those of a changed policy cannot happen where only numbers changed.
  fare::Expected<fare::Decision> decide(const Question& question);

  // Of the last question.  REQUIRES: it was decided without errors.
  const fare::Router& router() const { return *router_; }

 private:
  fare::Errors hold();
  fare::Decision route(const Question& question);

  const fare::Policy& policy_;
  const fare::PriceBook& prices_;
  const AskedState& state_;
  std::unique_ptr<fare::Router> router_;
};

}  // namespace routesim
