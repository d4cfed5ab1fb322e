#pragma once

#include <cstdint>      // std::uint32_t.
#include <span>         // std::span.
#include <string>       // std::string.
#include <string_view>  // std::string_view.
#include <vector>       // std::vector.

#include "study/scenario.h"  // Variant.

namespace routesim {

// The scope ids of every tenant's requests, made once.
class Payers {
 public:
  Payers(const TrafficModel& traffic, const Variant& variant) {
    if (!variant.spending) return;
    each_ = variant.spending->scopes.size();
    for (const TenantMix& tenant : traffic.tenants) {
      for (std::string& id : scopes_of(*variant.spending, tenant.name)) {
        ids_.push_back(std::move(id));
      }
    }
    views_.assign(ids_.begin(), ids_.end());
  }
  Payers(const Payers&) = delete;
  Payers& operator=(const Payers&) = delete;

  // Empty where nothing is limited by money.
  std::span<const std::string_view> of(std::uint32_t tenant) const {
    return std::span(views_).subspan(tenant * each_, each_);
  }

 private:
  std::size_t each_ = 0;
  std::vector<std::string> ids_;
  std::vector<std::string_view> views_;  // Into ids_, which no longer grows.
};

}  // namespace routesim
