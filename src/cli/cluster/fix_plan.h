/// How an open, contested or uncovered slot is brought back to exactly one owner that has all of its keys.
///
/// Pure. The rule behind every case: choose one owner, bring every key of the slot to it, close the slot everywhere.
/// No step loses a key: a node gives up a slot only after its keys were marked as to be fetched. Thread: values, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "cli/cluster/slot_set.h"

namespace ashlar::cli::cluster {

/// What one master knows of one slot.
struct SlotView {
  NodeId node;
  bool owns = false;
  std::optional<NodeId> migrating_to;
  std::optional<NodeId> importing_from;
  std::uint64_t keys = 0;
  std::uint64_t config_epoch = 0;
};

enum class FixAction : std::uint8_t {
  kClaim,          // `node` becomes the owner, with a new epoch so that all others believe it
  kDisown,         // `node` gives the slot up
  kMarkImporting,  // `node` notes the slot as coming from `peer`, which lets MIGRATE take its keys
  kMoveSlot,       // keys and ownership go from `node` to `peer`
  kMoveKeys,       // only the keys go from `node` to `peer`
  kClose,          // `node` forgets that the slot was on its way
};

struct FixStep {
  FixAction action = FixAction::kClose;
  NodeId node;
  NodeId peer;  // of the actions that have one

  bool operator==(const FixStep&) const = default;
};

/// Which situation was met; the numbers are those that people know from redis-cli's output.
enum class FixCase : std::uint8_t {
  kNothing = 0,     // exactly one owner and nothing open
  kFinishMove = 1,  // on its way from the owner to one node: the move is finished
  kReturnKeys = 2,  // only importing nodes: their keys go to the owner
  kManyImport = 3,  // on its way from the owner, with several importing nodes
  kClose = 4,       // on its way from the owner to nobody
};

struct FixPlan {
  FixCase kind = FixCase::kNothing;
  NodeId owner;                   // at the beginning
  bool owner_chosen = false;      // because there was none, or more than one
  std::vector<NodeId> stray;      // nodes with keys of the slot that neither own nor import it
  std::vector<NodeId> migrating;  // who has the slot marked as leaving
  std::vector<NodeId> importing;  // who has keys to give back or waits for some
  std::vector<FixStep> steps;     // in this order
};

/// The steps for one slot. An owner that must be chosen is the one with most keys, then the highest epoch, then the
/// first. Errors: kNotFound - `views` is empty.
[[nodiscard]] Result<FixPlan> plan_slot_fix(std::span<const SlotView> views);

/// A master that may take uncovered slots.
struct Candidate {
  NodeId node;
  std::size_t slots = 0;
};
struct Cover {
  NodeId node;
  SlotSet slots;
};
/// Shares out slots that nobody has keys of: consecutive pieces of nearly equal size, those with fewest slots first.
/// Errors: kNotFound - there is no candidate.
[[nodiscard]] Result<std::vector<Cover>> plan_cover(const SlotSet& uncovered, std::span<const Candidate> candidates);

}  // namespace ashlar::cli::cluster
