#pragma once

#include <cstddef>  // std::size_t.
#include <cstdint>  // std::uint64_t.
#include <deque>    // std::deque.
#include <vector>   // std::vector.

#include "fare/block_run.h"  // BlockList, BlockRun.
#include "fare/time.h"       // Duration.

namespace routesim {

// The simplest model of a vendor's cache: the last prompts of one session, each an entry of its
// own with its own clock.  It knows no positions, breakpoints or ancestors.  Published comparisons
// of vendors are made with it, and the full engine is measured against it.
class PromptHistory {
 public:
  struct Options {
    bool whole = false;             // An entry counts only if all of it is a prefix of the prompt.
    std::uint64_t step_blocks = 1;  // Else its common prefix counts, rounded down to a multiple.
    std::uint64_t minimum_blocks = 0;            // Less is no hit.
    fare::Duration ttl = fare::Duration::max();  // Since the entry's last use, inclusive.
    bool by_model = true;                        // Only entries of the same model count.
    bool readable_at_once = false;               // Else from the instant given to store().
    std::size_t prompts_max = 60;                // The oldest stored goes first.
  };

  explicit PromptHistory(const Options& options) : options_(options) {}

  // How many leading blocks are read: from the entry that gives most, of equals the one stored
  // first; it counts as used.  0 if that is less than the minimum, and then it does not.
  std::uint64_t read(fare::BlockList prompt, std::uint32_t model, fare::Duration now);

  void store(fare::BlockList prompt, std::uint32_t model, fare::Duration now,
             fare::Duration readable);

 private:
  struct Entry {
    std::vector<fare::BlockRun> blocks;
    std::uint64_t count;
    std::uint32_t model;
    fare::Duration used;
    fare::Duration readable;
  };

  std::uint64_t readable_of(const Entry& entry, fare::BlockList prompt, std::uint32_t model,
                            fare::Duration now) const;

  Options options_;
  std::deque<Entry> entries_;
};

}  // namespace routesim
