#pragma once

#include <cstdint>  // std::uint32_t.

#include "fare/health.h"         // AttemptEnd.
#include "fare/time.h"           // Duration.
#include "fare/tokens.h"         // Tokens.
#include "world/faults.h"        // Fault.
#include "world/hosted_cache.h"  // CacheUse.
#include "world/prompts.h"       // Prompt.

namespace routesim {

// An attempt as what serves it sees it.
struct Ask {
  std::uint32_t slot = 0;  // The caller's name for it.
  std::uint64_t luck = 0;  // The entity of its draws: of request and try, not of the model, so two
                           // policies meet the same luck.
  std::uint32_t tenant = 0;
  fare::Duration sent{};
  fare::Tokens input;
  fare::Tokens output;             // What a whole answer has.
  const Prompt* prompt = nullptr;  // Null: nothing a cache could go by.
};

// How it is let in.
struct Entry {
  enum class Way : std::uint8_t { kServed, kWaits, kRefused };
  Way way = Way::kServed;
  std::uint16_t phase = 0;  // Whose limits it counts under.
  CacheUse cache{};
  fare::Tokens estimated_read{};  // Of the cache, when the limits were asked.
  std::uint64_t charged = 0;      // What each limit took: fare::LimitTicket.
  std::uint64_t place = 0;        // In the line, if it waits.
};

// What becomes of it, in delays from the instant it is told.
struct Fate {
  fare::AttemptEnd end = fare::AttemptEnd::kAnswered;
  Fault fault = Fault::kNone;
  bool has_place = false;        // It keeps one until its end; then leave() gives that on.
  bool begins = false;           // Its first token comes.
  std::uint16_t phase = 0;       // Whose skill answers.
  fare::Duration first_token{};  // If it begins.
  fare::Duration total{};        // Until its end.
  fare::Duration retry_after{};  // What a refusal says; 0: nothing.
  fare::Tokens output;           // Given until its end.
};

// What a caller sees of a fault that came before the first token.
fare::AttemptEnd end_of(Fault fault);

// How much of its output has come by then: tokens come evenly, the first one at its instant.
fare::Tokens given_until(const Fate& fate, fare::Duration at);

// What becomes of it if whoever asked gives up at `at`, before its end.
Fate cancelled_at(const Fate& fate, fare::Duration at);

// Who is to go on when a line moves by itself.
struct LineMove {
  std::uint32_t slot = 0;
  bool is_served = false;  // serve() it; else fail it with `fate`.
  Fate fate;
};

}  // namespace routesim
