#pragma once

#include <optional>  // std::optional.
#include <vector>    // std::vector.

#include "base/json_reader.h"     // JsonNode.
#include "base/random.h"          // RandomStream.
#include "engine/distribution.h"  // Distribution.
#include "fare/time.h"            // Duration, Instant.

namespace routesim {

// What never happens; later than everything that does.
inline constexpr fare::Duration kNever = fare::Duration::max();

// When something is down: once, from `from` to before `until`; or again and again, after times up
// that are drawn, for times down that are drawn.
struct OutagePlan {
  fare::Duration from{};   // Since the start of the run.
  fare::Duration until{};  // At least `from`.
  bool drawn = false;
  Distribution up_s;  // Its mean is at least a second.
  Distribution down_s;
};

// Reads {"from": INSTANT, "until": INSTANT} or {"up_s": DISTRIBUTION, "down_s": DISTRIBUTION}.
// What lies before `start` is cut off.  Problems: an end before its beginning; a mean time up of
// less than a second, for a run would never get past it.
std::optional<OutagePlan> read_outage(const fare::JsonNode& node, fare::Instant start);

// The outages of one thing in one run, found as time goes by.
// Not thread-safe.  Memory O(plans); each call takes O(plans) and the outages that passed since the
// last one.  No `now` may be before an earlier one.
class Outages {
 public:
  // `plan` must outlive it; draws come from `luck`, in order of time.
  void add(const OutagePlan& plan, const fare::RandomStream& luck);

  bool is_down(fare::Duration now);

  // The first instant after `now` at which it goes down, as far as is known then; kNever.
  // What is drawn is known one outage ahead.  REQUIRES: !is_down(now).
  fare::Duration next_start(fare::Duration now);

 private:
  struct Timeline {
    const OutagePlan* plan;
    fare::RandomStream luck;
    fare::Duration from;  // The present outage, or else the next one.
    fare::Duration until;
  };
  static void draw(Timeline& line);
  void advance(fare::Duration now);

  std::vector<Timeline> lines_;
};

}  // namespace routesim
