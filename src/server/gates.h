/// Conditions under which commands are refused, as bits that every loop reads with one load per command.
/// Thread: set by whoever owns the condition, read by all loops.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "base/ids.h"
#include "command/spec.h"
#include "keyspace/key_ref.h"

namespace ashlar::server {

enum class Gate : std::uint32_t {
  kLoading = 1U << 0,          // the dataset is being loaded
  kReadOnlyReplica = 1U << 1,  // clients must not write
  kStale = 1U << 2,            // a replica without its primary, told not to serve stale data
  kMisconf = 1U << 3,          // saving or the append-only file fails: no writes
  kFewReplicas = 1U << 4,      // min-replicas-to-write is not met
  kWritesPaused = 1U << 5,     // CLIENT PAUSE ... WRITE, manual failover
  kAllPaused = 1U << 6,        // CLIENT PAUSE ... ALL
  kReplica = 1U << 7,          // we follow a primary; refuses nothing by itself
  kRedirect = 1U << 8,         // the same, outside of a cluster: clients that follow redirections belong to the primary
  kImporting = 1U << 9,        // import-mode: what has expired is kept; refuses nothing by itself
  kAsyncLoading = 1U << 10,    // another dataset is loaded beside the one that is served
  kSlotsHeld = 1U << 11,       // MIGRATE has keys of some slots on their way: writes there wait, see hold()
};

class Gates {
 public:
  void close(Gate gate) noexcept { bits_.fetch_or(static_cast<std::uint32_t>(gate), std::memory_order_acq_rel); }
  void open(Gate gate) noexcept { bits_.fetch_and(~static_cast<std::uint32_t>(gate), std::memory_order_acq_rel); }
  [[nodiscard]] bool closed(Gate gate) const noexcept {
    return (bits_.load(std::memory_order_acquire) & static_cast<std::uint32_t>(gate)) != 0;
  }
  /// Writes are held back, and with them all that changes data by itself: expiry and eviction.
  [[nodiscard]] bool paused() const noexcept { return closed(Gate::kWritesPaused) || closed(Gate::kAllPaused); }
  /// Keys that have expired stay where they are: they are for a primary or a source to remove, or nothing may change.
  [[nodiscard]] bool keep_expired() const noexcept {
    constexpr auto kKeeps = static_cast<std::uint32_t>(Gate::kReplica) | static_cast<std::uint32_t>(Gate::kImporting) |
                            static_cast<std::uint32_t>(Gate::kWritesPaused) |
                            static_cast<std::uint32_t>(Gate::kAllPaused);
    return (bits_.load(std::memory_order_acquire) & kKeeps) != 0;
  }
  [[nodiscard]] std::uint32_t bits() const noexcept { return bits_.load(std::memory_order_relaxed); }

  /// Holds back writes to `slot`: its keys are about to be another server's. Inside an Exclusive section, so that no
  /// command meets it in its middle.
  void hold(SlotId slot) noexcept {
    word(slot).fetch_or(bit(slot));
    close(Gate::kSlotsHeld);
  }
  /// Ends that for all slots. True when somebody has met it: Worker::unpause() is due.
  [[nodiscard]] bool release_slots() noexcept {
    for (auto& word : held_) word.store(0);
    bits_.fetch_and(~static_cast<std::uint32_t>(Gate::kSlotsHeld));
    return met_.exchange(false);
  }
  /// Whether a command that writes these keys has to wait; asked while kSlotsHeld is closed.
  [[nodiscard]] bool holds(std::span<const keyspace::KeyRef> keys) noexcept {
    const auto held = [this](const keyspace::KeyRef& key) { return (word(key.slot).load() & bit(key.slot)) != 0; };
    if (!std::ranges::any_of(keys, held)) return false;
    met_.store(true);
    return std::ranges::any_of(keys, held);  // a release from here on sees that it was met
  }
  /// The same for one that may write any key.
  [[nodiscard]] bool holds_any() noexcept {
    met_.store(true);
    return (bits_.load() & static_cast<std::uint32_t>(Gate::kSlotsHeld)) != 0;
  }

 private:
  static constexpr std::uint32_t kWordBits = 64;
  [[nodiscard]] std::atomic<std::uint64_t>& word(SlotId slot) noexcept { return held_[slot.value() / kWordBits]; }
  [[nodiscard]] static std::uint64_t bit(SlotId slot) noexcept {
    return std::uint64_t{1} << (slot.value() % kWordBits);
  }

  std::atomic<std::uint32_t> bits_{0};
  std::atomic<bool> met_{false};  // the hold, by a command that waits now
  std::array<std::atomic<std::uint64_t>, kSlotCount / kWordBits> held_{};
};

/// The gates that concern a command at all; computed once per command.
[[nodiscard]] constexpr std::uint32_t gates_of(const command::CommandSpec& spec) noexcept {
  using command::Flag;
  const auto bit = [](Gate gate) { return static_cast<std::uint32_t>(gate); };
  std::uint32_t gates = bit(Gate::kAllPaused);
  if (!spec.is(Flag::kLoading)) gates |= bit(Gate::kLoading);
  if (spec.is(Flag::kNoAsyncLoading)) gates |= bit(Gate::kAsyncLoading);
  if (!spec.is(Flag::kStale)) gates |= bit(Gate::kStale);
  if (spec.is(Flag::kWrite)) gates |= bit(Gate::kReadOnlyReplica) | bit(Gate::kMisconf) | bit(Gate::kFewReplicas);
  if (spec.is(Flag::kWrite | Flag::kReadOnly | Flag::kRunsQueue)) gates |= bit(Gate::kRedirect);
  if (spec.is(Flag::kWrite | Flag::kMayReplicate)) gates |= bit(Gate::kWritesPaused) | bit(Gate::kSlotsHeld);
  return gates;
}

}  // namespace ashlar::server
