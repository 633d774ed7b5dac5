/// A node of a Redis Cluster as a pure state machine: what happens goes in, what shall be done comes out.
#pragma once

#include <memory>

#include "base/rng.h"
#include "cluster/core/effects.h"
#include "cluster/core/events.h"
#include "cluster/core/options.h"
#include "cluster/core/view.h"

namespace ashlar::cluster {

struct State;

/// The protocol of Redis Cluster behind one function. Reads no clock, opens nothing, writes nothing, keeps no thread:
/// the server and the simulator drive the same code. Thread: the cluster loop only. Cost: a message O(members), at
/// worst 16384 slots when claims changed.
class ClusterNode {
 public:
  /// A node that was never in a cluster; its id and shard are drawn from `rng`. Its first step asks to persist.
  [[nodiscard]] static ClusterNode fresh(Options options, Now now, Rng& rng);
  /// A node with the view that nodes.conf held (parse_nodes_conf).
  [[nodiscard]] static ClusterNode restore(Options options, View stored, Now now);

  ClusterNode(ClusterNode&&) noexcept;
  ClusterNode& operator=(ClusterNode&&) noexcept;
  ~ClusterNode();

  /// Takes in one event and says what to do about it. `now` never goes back in its monotonic part; the wall clock may
  /// jump. Equal sequences of events, times and generators give equal effects.
  [[nodiscard]] Effects step(const Event& event, Now now, Rng& rng);

  /// What this node believes. A copy is cheap and may go to other threads (see Cow); Effects::view_changed says when
  /// a new one is worth publishing.
  [[nodiscard]] const View& view() const noexcept;
  [[nodiscard]] const Options& options() const noexcept;
  /// Messages, votes and answers that wait for the disk.
  [[nodiscard]] std::size_t held_back() const noexcept;

 private:
  explicit ClusterNode(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ashlar::cluster
