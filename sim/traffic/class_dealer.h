#pragma once

#include <cstdint>  // std::uint32_t.
#include <vector>   // std::vector.

#include "fare/quantity.h"  // Int128.

namespace routesim {

// Deals classes out in exact proportion to their shares: after n deals class c was dealt floor or
// ceil of n * share(c) / sum times, for every n.
//
// Deal j of a class may happen from deal floor((j - 1) / s) on and must happen before deal
// ceil(j / s), s its part of the sum; of the classes that may, the one that must first is dealt
// (the first of equals).  With a sum of 1 that order misses no deadline (Tijdeman, "The chairman
// assignment problem", 1980; Baruah et al., "Proportionate progress", 1996).  Shares are the
// decimal numbers that were written (0.1 is a tenth), and all arithmetic is on integers.
// O(classes) a deal; allocates only in its constructor.
class ClassDealer {
 public:
  // REQUIRES: shares as in_proportion() takes them, with a sum above 0.
  explicit ClassDealer(const std::vector<double>& shares);

  std::uint32_t deal();  // The index of a class.

 private:
  struct Turn {
    std::uint32_t request_class;
    fare::Int128 from;   // The next deal of the class may happen at this one,
    fare::Int128 until;  // and must happen before this one.
    fare::Int128 whole;  // Its period is whole + part / parts deals,
    fare::Int128 part;
    fare::Int128 parts;
    fare::Int128 floor;  // and so far it adds up to floor + rest / parts.
    fare::Int128 rest;
  };

  static void advance(Turn& turn);

  std::vector<Turn> turns_;  // Of the classes with a share.
  fare::Int128 dealt_ = 0;
};

}  // namespace routesim
