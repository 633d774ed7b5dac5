/// Which slots go from whom to whom: the plans of reshard and rebalance.
///
/// Pure. Thread: values, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "cli/cluster/slot_set.h"

namespace ashlar::cli::cluster {

struct SlotSource {
  NodeId node;
  SlotSet slots;
};

struct SlotMove {
  SlotId slot;
  NodeId from;

  bool operator==(const SlotMove&) const = default;
};

/// Takes exactly `count` slots, from each source in proportion to what it holds, the lowest slots of each, sources with
/// most slots first. What rounding leaves over is taken one by one in that order. Errors: kOutOfRange - the sources
/// hold fewer than `count` slots.
[[nodiscard]] Result<std::vector<SlotMove>> plan_reshard(std::span<const SlotSource> sources, std::size_t count);

/// A master and the share that it shall have, relative to the others.
struct MasterLoad {
  NodeId node;
  std::size_t slots = 0;
  double weight = 1.0;  // 0 empties it
};

enum class EmptyMasters : std::uint8_t { kSkip, kUse };

struct Transfer {
  NodeId from;
  NodeId to;
  std::size_t slots = 0;

  bool operator==(const Transfer&) const = default;
};

struct RebalancePlan {
  std::size_t involved = 0;  // masters that take part
  double total_weight = 0;
  std::vector<Transfer> transfers;  // empty: every master is within the threshold
};

/// Every master's fair number of slots is its weight's part of all slots. Nothing is moved unless some master is off
/// its number by more than `threshold` percent of what it holds, or is empty and shall not be; then all are brought to
/// their number with as few transfers as possible. Errors: kOutOfRange - a weight is negative or not finite, or no
/// master has any.
[[nodiscard]] Result<RebalancePlan> plan_rebalance(std::span<const MasterLoad> masters, double threshold,
                                                   EmptyMasters empty);

}  // namespace ashlar::cli::cluster
