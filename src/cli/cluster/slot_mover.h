/// Moving the keys and the ownership of slots between two masters, the classic way: SETSLOT, MIGRATE, SETSLOT.
///
/// Thread: one. Clients are served all along: both nodes redirect them while a slot is on its way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "cli/cluster/session.h"
#include "cli/cluster/topology.h"

namespace ashlar::cli::cluster {

class SlotMover {
 public:
  /// Told after each batch how many keys it had.
  using OnKeys = std::function<void(std::size_t)>;

  /// Both must outlive the mover. `topology` is kept up to date with what was moved.
  SlotMover(Session& session, Topology& topology) : session_(session), topology_(topology) {}

  /// Keys and ownership. May be repeated after a failure: what is done stays done. Both ids must be in the topology.
  /// Errors: of the links and of the commands; the slot is then open on both nodes.
  [[nodiscard]] Result<void> move_slot(SlotId slot, const NodeId& from, const NodeId& to, const OnKeys& on_keys);
  /// Keys only, of all databases. The sending node must have the slot marked as migrating or importing, or own it.
  [[nodiscard]] Result<void> move_keys(SlotId slot, const NodeId& from, const NodeId& to, const OnKeys& on_keys);

 private:
  [[nodiscard]] Result<void> set_slot(const ClusterNode& on, SlotId slot, std::string_view state, const NodeId& peer);
  [[nodiscard]] Result<void> hand_over(SlotId slot, const NodeId& from, const NodeId& to);
  [[nodiscard]] Result<void> move_keys_in(std::uint32_t database, SlotId slot, const ClusterNode& from,
                                          const ClusterNode& to, const OnKeys& on_keys);
  [[nodiscard]] Result<void> migrate(std::uint32_t database, const ClusterNode& from, const ClusterNode& to,
                                     const std::vector<std::string>& keys);
  /// Asks again, for a bounded time, while a node says CLUSTERDOWN: one that has just joined, or has not yet heard of
  /// a new owner, says so for a moment.
  [[nodiscard]] Result<void> ask_served(std::uint32_t database, const ClusterNode& node,
                                        const std::vector<std::string>& words);
  /// Errors: unless every key that both nodes have has the same value on both.
  [[nodiscard]] Result<void> require_same_values(std::uint32_t database, const ClusterNode& from, const ClusterNode& to,
                                                 const std::vector<std::string>& keys);

  Session& session_;
  Topology& topology_;
};

/// AUTH or AUTH2 with what it takes to be let in by `base`, as MIGRATE wants it; empty without a password.
[[nodiscard]] std::vector<std::string> migrate_auth(const ConnectOptions& base);

/// How long a node may be silent about a MIGRATE: its own limit and some time to give up.
[[nodiscard]] Millis migrate_silence(const Options& options);

/// The name of a node for other nodes of the cluster.
[[nodiscard]] Endpoint announced_endpoint(const ClusterNode& node);

}  // namespace ashlar::cli::cluster
