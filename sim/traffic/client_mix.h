#pragma once

#include <cstddef>      // std::size_t.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "fare/expected.h"               // Expected.
#include "fare/time.h"                   // Duration.
#include "traffic/synthetic_arrivals.h"  // Client.

namespace routesim {

// The clients of a ServeGen table (Xiang et al., "ServeGen", 2025): what each sent, window by
// window.
struct ClientMix {
  std::string name;             // The path it came from.
  std::vector<Client> clients;  // In order of first appearance, called "client-NUMBER".
  std::size_t lines = 0;        // Data lines seen.
  fare::Errors bad_lines;       // Skipped, each "path:line: what was wrong".
};

struct ClientMixOptions {
  fare::Duration window = std::chrono::minutes(10);  // How long one is: the table does not say.
  std::size_t bad_lines_max = 100;                   // One more ends the reading with an error.
};

// Reads a table with the header client,window_start_s,rate,cv,pattern (and further columns, which
// are not read: the shape follows from the cv), plain or gzip.
// A line is bad if a field is missing; client is no whole number to 999,999; window_start_s is no
// decimal or before the end of the client's window before; rate is not from 0 to 1e6 a second; cv
// is not from 0.001 to 1,000; pattern is other than Gamma, Weibull or Exponential.
// Errors: whatever is wrong with the file or its header; too many bad lines; no good line.
[[nodiscard]] fare::Expected<ClientMix> read_client_mix(const std::string& path,
                                                        const ClientMixOptions& options);

// The same from memory; `name` stands for the path in messages.
[[nodiscard]] fare::Expected<ClientMix> parse_client_mix(std::string name, std::string_view bytes,
                                                         const ClientMixOptions& options);

}  // namespace routesim
