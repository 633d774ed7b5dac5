/// Which nodes of a new cluster become masters, with which slots, and whose replicas the others become.
///
/// Pure: no socket, no clock; randomness comes in. Thread: values, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "cli/cluster/slot_set.h"
#include "cli/connection.h"

namespace ashlar::cli::cluster {

/// The least number of masters that can elect a successor for one of them.
inline constexpr std::size_t kMinMasters = 3;

struct PlannedNode {
  Endpoint endpoint;
  std::optional<SlotRange> slots;     // of a master
  std::optional<std::size_t> master;  // of a replica: index in CreatePlan::nodes
};

/// Invariants: every node is a master or a replica of a master; the masters' ranges are disjoint and cover all slots.
struct CreatePlan {
  std::vector<PlannedNode> nodes;     // in the order in which they were given
  std::vector<std::size_t> masters;   // indices, in the order of their slots
  std::vector<std::size_t> replicas;  // indices, in the order in which they were given a master
  std::size_t extra = 0;              // how many at the end of `replicas` are beyond the asked number per master
};

/// How well masters and replicas are spread over hosts; hosts are compared as they were written.
struct Affinity {
  std::size_t with_master = 0;   // replicas on the host of their master
  std::size_t with_sibling = 0;  // replicas that share a host (not their master's) with another replica of their master

  [[nodiscard]] bool perfect() const noexcept { return with_master == 0 && with_sibling == 0; }
  bool operator==(const Affinity&) const = default;
};

/// Number of masters that so many nodes make.
[[nodiscard]] std::size_t master_count(std::size_t nodes, std::size_t replicas_per_master) noexcept;

/// Masters are taken from the hosts in turn; every replica goes to a master on another host where one is free.
/// Errors: kGeneric with the arithmetic when fewer than kMinMasters masters result, or more than there are slots.
[[nodiscard]] Result<CreatePlan> plan_create(std::span<const Endpoint> endpoints, std::size_t replicas_per_master);

[[nodiscard]] Affinity affinity_of(const CreatePlan& plan);

/// Swaps the masters of random pairs of replicas as long as that does not make the spread worse; a replica beside its
/// master counts far more than one beside a sibling. Bounded: 500 tries a node. Result: the affinity reached.
Affinity improve_affinity(CreatePlan& plan, Rng& rng);

}  // namespace ashlar::cli::cluster
