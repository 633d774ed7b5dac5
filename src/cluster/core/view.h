/// What one node believes of its cluster, as a value: members, roles, slots, epochs.
///
/// Readers get an immutable copy; the core edits its own through ViewEditor (view_editor.h). A copy shares every member
/// and the slot table with its source, so publishing costs a vector of pointers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "cluster/core/cow.h"
#include "cluster/core/types.h"

namespace ashlar::cluster {

/// Handle of a member inside one view and its successors; stable until the member is removed, then reused.
using NodeIndex = Counter<struct NodeIndexTag, std::uint16_t>;

/// Most members a view takes; a gossip that names more is ignored beyond it.
inline constexpr std::size_t kMaxNodes = 16'000;

/// One member, oneself included.
struct Node {
  NodeId id;     // made up while in handshake
  NodeId shard;  // common to a primary and its replicas
  NodeAddress address;
  std::string hostname;
  std::string human_name;
  std::optional<Role> role;  // nullopt while unknown: in handshake, or heard of only
  Health health = Health::kOnline;
  ConfigEpoch config_epoch;
  SlotBitmap slots;                       // what it serves; empty for a replica
  std::uint16_t slot_count = 0;           // bits set in `slots`
  bool handshake = false;                 // met, not yet introduced
  bool no_address = false;                // address known to be wrong
  bool migrate_to = false;                // a primary that has or should have replicas
  bool no_failover = false;               // a replica that never stands for election
  bool extensions = false;                // understands ping extensions
  bool linked = false;                    // our link to it is up; true for oneself
  std::optional<MonoTime> ping_sent;      // of the ping under way
  std::optional<MonoTime> pong_received;  // last sign of life, own or gossiped
  std::optional<MonoTime> failed_at;      // when it became kFailed here
  ReplOffset offset;                      // replication offset it last reported

  [[nodiscard]] bool is_primary() const noexcept { return role && cluster::is_primary(*role); }
  [[nodiscard]] bool is_replica() const noexcept { return role && !cluster::is_primary(*role); }
  [[nodiscard]] bool failed() const noexcept { return health == Health::kFailed; }
  /// The primary it copies; nullopt for a primary and for a replica that knows none.
  [[nodiscard]] std::optional<NodeId> primary_id() const noexcept;
};

/// State of a slot under classic migration (CLUSTER SETSLOT).
struct Stable {
  bool operator==(const Stable&) const = default;
};
struct MigratingTo {
  NodeId target;
  bool operator==(const MigratingTo&) const = default;
};
struct ImportingFrom {
  NodeId source;
  bool operator==(const ImportingFrom&) const = default;
};
using SlotState = std::variant<Stable, MigratingTo, ImportingFrom>;

/// The cluster as one node sees it.
/// Thread: a published copy, any; the core's own, the cluster loop.
/// Invariants, tested by check_invariants():
///   1. myself is a member with a role, linked, not in handshake;
///   2. members are ordered by id, ids differ, handles are in range;
///   3. the slot table and the members' bitmaps and counts say the same;
///   4. only nodes that are not replicas own slots, and none in handshake;
///   5. a replica's primary, when known, is another member;
///   6. the current epoch is not below any config epoch or the last vote's;
///   7. a migrating slot is mine, an importing one is not, and both name members.
class View {
 public:
  /// Walks members in the order of their ids.
  class Iterator {
   public:
    using value_type = Node;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(const View& view, std::size_t at) : view_(&view), at_(at) {}
    const Node& operator*() const { return view_->nth(at_); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator old = *this;
      ++at_;
      return old;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const View* view_ = nullptr;
    std::size_t at_ = 0;
  };

  /// A cluster of one: `myself`, which must have a role.
  explicit View(Node myself);

  [[nodiscard]] const Node& myself() const noexcept { return node(myself_); }
  /// Members, oneself included; also range-for over the view itself.
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
  [[nodiscard]] Iterator begin() const noexcept { return {*this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {*this, size()}; }
  /// The nth member by id, n < size().
  [[nodiscard]] const Node& nth(std::size_t n) const noexcept { return node(order_[n]); }
  [[nodiscard]] NodeIndex nth_index(std::size_t n) const noexcept { return order_[n]; }
  /// nullptr when `id` is no member. O(log size()).
  [[nodiscard]] const Node* find(const NodeId& id) const noexcept;
  [[nodiscard]] std::optional<NodeIndex> index_of(const NodeId& id) const noexcept;
  /// The member of a live handle.
  [[nodiscard]] const Node& node(NodeIndex index) const noexcept { return **nodes_[index.value]; }
  [[nodiscard]] NodeIndex my_index() const noexcept { return myself_; }

  /// Who serves `slot`; nullptr while nobody does. O(1).
  [[nodiscard]] const Node* owner(SlotId slot) const noexcept;
  [[nodiscard]] std::optional<NodeIndex> owner_index(SlotId slot) const noexcept;
  [[nodiscard]] bool is_mine(SlotId slot) const noexcept { return owner_index(slot) == myself_; }
  [[nodiscard]] SlotState slot_state(SlotId slot) const;
  /// Slots that are not Stable.
  [[nodiscard]] const std::map<SlotId, SlotState>& open_slots() const noexcept { return *open_; }

  [[nodiscard]] ConfigEpoch current_epoch() const noexcept { return current_epoch_; }
  [[nodiscard]] ConfigEpoch last_vote_epoch() const noexcept { return last_vote_epoch_; }
  [[nodiscard]] ClusterState state() const noexcept { return state_; }
  /// Primaries with slots, as of the last evaluation; the electorate.
  [[nodiscard]] std::size_t voters() const noexcept { return voters_; }
  /// Votes or failure reports that make a majority.
  [[nodiscard]] std::size_t quorum() const noexcept { return voters_ / 2 + 1; }
  /// Wall time minus monotonic time when the view was last edited: turns a MonoTime of a member into a date.
  [[nodiscard]] Micros wall_offset() const noexcept { return wall_offset_; }

  /// The first broken invariant in words, or nullopt.
  [[nodiscard]] std::optional<std::string> check_invariants() const;

 private:
  friend class ViewEditor;
  using OwnerTable = std::array<std::uint16_t, kSlotCount>;  // 0 = nobody, else handle + 1

  std::vector<std::optional<Cow<Node>>> nodes_;  // by handle; nullopt = free
  std::vector<NodeIndex> order_;                 // by id
  Cow<OwnerTable> owners_;
  Cow<std::map<SlotId, SlotState>> open_;
  NodeIndex myself_;
  ConfigEpoch current_epoch_;
  ConfigEpoch last_vote_epoch_;
  ClusterState state_ = ClusterState::kFail;
  std::size_t voters_ = 1;  // as Redis: one until first counted
  Micros wall_offset_{0};
};

/// Replicas of `primary` in the order of their ids.
[[nodiscard]] std::vector<const Node*> replicas_of(const View& view, const NodeId& primary);
/// The member whose slots and epoch `node` announces: its primary if it is a replica and that is known, else itself.
[[nodiscard]] const Node& slots_holder(const View& view, const Node& node);
/// Greatest of the current epoch and every config epoch.
[[nodiscard]] ConfigEpoch max_epoch(const View& view);

}  // namespace ashlar::cluster
