/// The inside of a ClusterNode: everything it remembers, and the context that one step hands to the rules.
/// Private to cluster/core; outsiders see node.h.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/rng.h"
#include "base/time.h"
#include "cluster/core/durability.h"
#include "cluster/core/effects.h"
#include "cluster/core/events.h"
#include "cluster/core/options.h"
#include "cluster/core/view.h"
#include "cluster/core/view_editor.h"

namespace ashlar::cluster {

/// What this node alone knows of a member; lies beside the view under the same handle.
struct Peer {
  MonoTime created;                            // taken in
  std::optional<LinkId> link;                  // ours to it, perhaps still connecting
  MonoTime link_since;                         // when `link` was asked for
  std::optional<LinkId> inbound;               // its to us
  std::optional<MonoTime> data_received;       // any message
  std::optional<MonoTime> refused_since;       // first of the refused connections in a row
  std::optional<MonoTime> voted;               // we last voted for one of its replicas
  std::optional<MonoTime> orphaned;            // since when this primary has no working replica
  std::map<NodeId, MonoTime> failure_reports;  // primaries that call it failing, and when they last did
  bool meet = false;                           // introduce ourselves with MEET
  bool full_extensions = false;                // knows the extensions of Redis 7.2, not only the hostname
  std::uint64_t last_gossiped = 0;             // number of the heartbeat that last named it
};

/// A connection and the member at its other end, once known.
struct Link {
  std::optional<NodeIndex> node;
  bool outbound = false;
  bool up = false;
};

/// One attempt of this replica to be elected. Names as in Redis: failover_auth_*.
struct Election {
  std::optional<MonoTime> starts;  // nullopt: never tried
  bool requested = false;          // votes were asked for
  std::size_t rank = 0;
  ConfigEpoch epoch;
  std::set<NodeId> voters;  // who voted for us
};

enum class CantFailover : std::uint8_t { kNone, kDataAge, kNoData, kWaitingDelay, kExpired, kWaitingVotes };

/// A manual failover under way, as seen by the replica or by its primary. Names as in Redis: mf_*.
struct ManualFailover {
  std::optional<MonoTime> ends;              // nullopt: none under way
  bool can_start = false;                    // replica: nothing left to wait for
  std::optional<NodeId> replica;             // primary: for whom we hold back writes
  bool paused = false;                       // primary: writes have stopped
  std::optional<ReplOffset> primary_offset;  // replica: where the paused primary stands
};

/// All that a node remembers. Only `view` (in part) and the last vote survive a crash, through nodes.conf.
struct State {
  State(Options o, View v) : options(std::move(o)), view(std::move(v)) {}

  Options options;
  View view;
  std::vector<Peer> peers;  // by NodeIndex
  std::map<LinkId, Link> links;
  std::uint64_t next_link = 1;
  Durability durability;

  std::map<NodeId, MonoTime> blacklist;  // forgotten nodes, and until when they stay out
  bool own_address_seen = false;         // a peer has shown us under which address it reaches us
  SlotBitmap owner_not_claiming;         // slots whose owner's heartbeats no longer claim them
  std::uint64_t ticks = 0;
  std::uint64_t heartbeats = 0;  // sent
  std::size_t suspected = 0;     // members in kSuspected at the last tick

  ReplicationStatus replication;
  std::optional<FollowPrimary> following;  // last role effect given
  Election election;
  ManualFailover manual;
  CantFailover cant_failover = CantFailover::kNone;
  std::optional<MonoTime> cant_failover_logged;

  std::optional<MonoTime> first_evaluation;  // of the cluster state
  std::optional<MonoTime> among_minority;    // last seen without a majority
};

/// How much of a promise a change is: see Durability.
enum class Save : std::uint8_t { kLater, kBeforeSending };

/// One step: the state, the inputs and what comes out. Rules are functions over a Step&.
struct Step {
  Step(State& state, Now at, Rng& random, Effects& effects)
      : s(state), edit(state.view), now(at), rng(random), fx(effects) {}

  State& s;
  ViewEditor edit;
  Now now;
  Rng& rng;
  Effects& fx;

  bool evaluate_state = false;   // the cluster state may have changed
  bool handle_failover = false;  // the election may be won
  bool handle_manual = false;    // the manual failover may go on

  [[nodiscard]] const View& view() const noexcept { return s.view; }
  [[nodiscard]] const Options& options() const noexcept { return s.options; }
  [[nodiscard]] const Node& me() const noexcept { return s.view.myself(); }
  [[nodiscard]] const Node& node(NodeIndex index) const noexcept { return s.view.node(index); }
  [[nodiscard]] Peer& peer(NodeIndex index) noexcept { return s.peers[index.value]; }

  /// Something persistent changed.
  void save(Save how);
  /// Something visible but fleeting changed.
  void touch() noexcept {
    if (fx.view_changed == ViewChange::kNone) fx.view_changed = ViewChange::kStatistics;
  }
  void topology_changed() noexcept { fx.view_changed = ViewChange::kTopology; }
  void log(LogLevel level, std::string text) { fx.log.push_back({level, std::move(text)}); }

  /// Sends on `link` once everything promised so far is durable.
  void send_on(LinkId link, std::shared_ptr<const Message> message);
  /// Sends to a member over our own link; dropped when that is not up.
  void send_to(NodeIndex to, std::shared_ptr<const Message> message);
  /// Forgets a link that is gone. Unknown links change nothing.
  void forget_link(LinkId link);
  /// Closes a link and forgets it.
  void close_link(LinkId link);
  /// Takes in `node`; nullopt when the view is full. Its id must be new.
  std::optional<NodeIndex> add_node(Node node);
  /// Forgets a member, its links, its reports and its slots. Never oneself.
  void remove_node(NodeIndex index);
};

/// "<id> (<human name>)", as log lines name a node.
[[nodiscard]] std::string label(const Node& node);

}  // namespace ashlar::cluster
