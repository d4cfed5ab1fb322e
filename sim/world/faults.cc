#include "world/faults.h"

#include <array>

namespace routesim {
namespace {

constexpr std::array<std::string_view, kFaultCount> kNames = {
    "none",       "server_error", "timeout",    "cut_off",     "outage",  "region_outage",
    "rate_limit", "ramp",         "queue_full", "no_capacity", "retired", "too_long"};

}  // namespace

std::string_view to_string(Fault fault) { return kNames[static_cast<std::size_t>(fault)]; }

}  // namespace routesim
