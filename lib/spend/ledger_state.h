#pragma once

#include <array>        // std::array.
#include <atomic>       // std::atomic.
#include <cstdint>      // std::uint32_t.
#include <map>          // std::map.
#include <mutex>        // std::mutex.
#include <string>       // std::string.
#include <string_view>  // std::string_view.

#include "fare/ledger.h"         // Ledger.
#include "spend/account_book.h"  // AccountBook.
#include "spend/scope_names.h"   // ScopeNames.
#include "spend/share_groups.h"  // ShareGroups.
#include "spend/ticket_slots.h"  // TicketSlots.

namespace fare {

// The budgets of one request, each once, in the order their locks are taken: descending, for a
// chain's root, which has most to do, is made before those under it.
struct Chain {
  std::array<std::uint32_t, kBudgetsPerTicketMax> account{};
  std::uint8_t size = 0;
  ReserveStatus status = ReserveStatus::kReserved;  // Else why there is no chain.
};

// What a share lacks of what was asked for.
struct Shortage {
  std::uint32_t account = 0;  // 0: none.
  Money amount;
};

struct Ledger::State {
  State(Options given, Instant now) : options(given), created(now), slots(given.tickets_max) {}

  // What a scope is made of; zeros are none.
  struct Node {
    std::atomic<std::uint32_t> parent = 0;
    std::array<std::atomic<std::uint32_t>, kBudgetsMax> account{};
    std::atomic<bool> is_usable = false;  // Neither removed nor a template.
    std::uint32_t listed = 0;             // The last load that listed it.
  };

  // A scope that stands for many ids.
  struct Template {
    Scope scope;
    std::uint32_t parent = 0;
  };

  Options options;
  Instant created;
  std::atomic<ExpiryPolicy> on_expiry = ExpiryPolicy::kChargeReserved;
  std::atomic<AbortPolicy> on_abort = AbortPolicy::kChargeReserved;
  ScopeNames names;
  Blocks<Node, 16> nodes;
  AccountBook accounts;
  Blocks<std::uint32_t, 16> scope_of_account;
  TicketSlots slots;
  ShareGroups shares;

  // Hot path, in ledger.cc.
  Chain chain_of(std::span<const ScopeId> scopes) const;
  Reservation try_reserve(const Chain& chain, const Ask& ask, Instant now, TicketSlot& slot,
                          Shortage& shortage);
  Reservation try_top_up(TicketSlot& slot, const Ask& more, Instant now, Shortage& shortage);
  void note_refusal(const Reservation& refused, Instant now);
  bool share_out(const Shortage& shortage, Instant now) {
    return shortage.account != 0 &&
           shares.share_out(accounts, shortage.account, shortage.amount, now);
  }
  CloseStatus close(const TicketSlots::Claimed& claimed, std::optional<Money> cost);
  CloseStatus close_far_above(const TicketSlots::Claimed& claimed, Money cost);

  // Restructuring, in ledger_load.cc; under `structure`.
  ReloadReport load(const BudgetConfig& config, Instant now);
  void put(std::uint32_t node, const Scope& scope, std::uint32_t parent, Instant now,
           ReloadReport& report);
  std::uint32_t put_budget(std::uint32_t node, const Budget& budget, Instant now,
                           ReloadReport& report);
  ShareGroups::Part part_of(std::uint32_t child, const Share& share, std::uint32_t parent);
  void drop(Node& node, ReloadReport& report);
  std::uint32_t node_of(std::string_view id);
  const Template* template_of(std::string_view id) const;
  std::atomic<std::uint32_t>* room_in(Node& node, std::uint32_t instead_of);

  void report(std::uint32_t account, Instant now, std::vector<BudgetReport>& out);

  std::mutex structure;
  std::uint32_t loads = 0;
  std::vector<ShareGroups::Part> parts;                    // Of this load.
  std::map<std::string, Template, std::less<>> templates;  // By what their ids begin with.
};

}  // namespace fare
