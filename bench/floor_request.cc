// The bare yardstick of ../shared/floor for one simulated request, built into the benchmark, so
// that both are measured in one run.

#define main floor_main
#include "floor.cpp"
#undef main

namespace routesim {

// Nanoseconds of processor time a request: `requests` of them, about `in_flight` open at a time,
// each walking eight of `blocks` cached blocks.
double floor_request_ns(std::size_t requests, std::size_t in_flight, std::size_t blocks) {
  double check = 0;
  return sim(requests, in_flight, blocks, 1, &check);
}

}  // namespace routesim
