/// The rule "say nothing that a crash could make untrue": what must reach nodes.conf before what may leave the node.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "cluster/core/effects.h"

namespace ashlar::cluster {

/// Proof that a vote for this epoch is on disk. Only Durability can make one, and a vote cannot be built without it, so
/// that voting before the fsync does not compile.
class PersistedEpoch {
 public:
  [[nodiscard]] ConfigEpoch epoch() const noexcept { return epoch_; }

 private:
  friend class Durability;
  explicit PersistedEpoch(ConfigEpoch epoch) noexcept : epoch_(epoch) {}
  ConfigEpoch epoch_;
};

/// A promise to vote for `candidate` in `epoch`, waiting to be durable.
struct PromisedVote {
  NodeId candidate;
  ConfigEpoch epoch;
};
/// The same, durable.
struct DurableVote {
  NodeId candidate;
  PersistedEpoch proof;
};

/// Orders sends, votes and replies behind the writes of nodes.conf that they rely on.
///
/// State changes are counted in generations. What is handed in waits until the generation current at that time is
/// durable; order is kept. At most one write is under way, and it covers every change made before it began.
/// Thread: the cluster loop. Cost: O(1) when nothing waits.
class Durability {
 public:
  /// When writes count as durable: kBlind, at once, is for the simulator's planted bug.
  enum class Trust : std::uint8_t { kDisk, kBlind };
  explicit Durability(Trust trust = Trust::kDisk) noexcept : trust_(trust) {}

  /// The file must be rewritten some time; nobody waits for it.
  void note_change() noexcept { dirty_ = true; }
  /// The file must be rewritten, and nothing handed in from now on leaves before that.
  void note_promise() noexcept {
    dirty_ = true;
    ++generation_;
  }

  /// Makes a promise of every change not yet written.
  void promise_changes() noexcept {
    if (dirty_) ++generation_;
  }

  void hold(Send send) { waiting_.push_back({generation_, std::move(send)}); }
  void hold(AdminReply reply) { waiting_.push_back({generation_, std::move(reply)}); }
  void hold(PromisedVote vote) { waiting_.push_back({generation_, vote}); }

  /// Forgets what waits for a link that is gone.
  void drop(LinkId link);

  /// True if a write should start now. Then begin_write() names it.
  [[nodiscard]] bool wants_write() const noexcept { return dirty_ && !writing_; }
  [[nodiscard]] PersistToken begin_write() noexcept;
  /// The write `token` is durable. Unknown tokens change nothing.
  void written(PersistToken token) noexcept;

  /// Moves what may leave now into `fx`; votes are returned, for their message is built only now.
  [[nodiscard]] std::vector<DurableVote> release(Effects& fx);
  /// Things held back.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  struct Held {
    std::uint64_t generation;
    std::variant<Send, AdminReply, PromisedVote> what;
  };

  Trust trust_;
  bool dirty_ = false;
  bool writing_ = false;
  std::uint64_t generation_ = 0;  // of the state in memory
  std::uint64_t covered_ = 0;     // of the write under way
  std::uint64_t durable_ = 0;     // on disk
  PersistToken last_token_;
  std::deque<Held> waiting_;
};

}  // namespace ashlar::cluster
