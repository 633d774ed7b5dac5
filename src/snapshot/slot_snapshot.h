/// The one snapshot mechanism: a point in time of some slots, copied while the server works, without fork.
///
/// The cut is an Exclusive safe point of a few instructions. Then a background thread walks the slots: lock one, encode
/// some of its entries or a piece of a huge value (slot_walk.h), unlock, write. A writer that is about to change a key
/// not yet copied copies that one first, into a queue that the background thread writes out; the walk passes over it
/// later. So every key is copied in the state of the cut, and the walk holds no lock for longer than a piece takes to
/// encode; compression and output happen outside. Only who changes a huge value that is not copied yet, or half, or
/// clears or swaps databases, stays for as long as the copy takes: progress() says how long that was.
///
/// Thread: start(), cancel(), progress(), wait() any; before_change() whoever holds the slot. Memory: the queue holds
/// at most the keys written since the cut (progress() shows it), and their names are kept until the walk has come by;
/// of a huge value that the walk copies there is a piece. Any number of snapshots may run at once.
///
/// Invariants: 1. a key is encoded exactly once, by the first who changes it after the cut or by the walk; 2. the sink
/// is called by the background thread only, with nothing locked; 3. whoever finds a key copied finds its bytes already
/// queued or being written; 4. pieces of a value reach the sink one behind the other.
#pragma once

#include <atomic>
#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/scheduling.h"
#include "base/sync.h"
#include "base/time.h"
#include "keyspace/keyspace.h"
#include "snapshot/changed_keys.h"
#include "snapshot/chunk.h"
#include "snapshot/entry_format.h"
#include "snapshot/key_delay.h"
#include "snapshot/slot_walk.h"
#include "snapshot/snapshot_sink.h"

namespace ashlar::snapshot {

using SlotSet = std::bitset<kSlotCount>;

/// What to copy and where to.
struct SnapshotPlan {
  SlotSet slots = SlotSet().set();
  std::unique_ptr<EntryFormat> format;
  std::unique_ptr<SnapshotSink> sink;
  /// Runs at the cut, while every other thread stands still: note log offsets and the like, wait for nothing. May be
  /// empty.
  std::function<void()> at_cut;
  /// Runs last, on the snapshot's thread, with nothing locked; an Error says why there is no snapshot. Must not destroy
  /// the snapshot. May be empty.
  std::function<void(const Result<void>&)> on_done;
};

struct SnapshotProgress {
  std::uint64_t keys_done = 0;
  std::uint64_t keys_total = 0;   // 0 until measured
  std::uint64_t bytes_out = 0;    // given to the sink
  std::uint64_t ahead_bytes = 0;  // copied by writers and not yet written
  std::uint64_t ahead_bytes_max = 0;
  std::uint64_t ahead_copies = 0;  // made by writers so far, of a key or of a small slot
  Micros longest_hold{0};          // longest time the walk kept a slot locked
  Micros longest_ahead{0};         // longest time a writer took to copy a huge value or the rest of a slot
  bool done = false;
};

/// Lends what every snapshot of a key space needs. Must outlive them. Thread: any.
class SnapshotHost {
 public:
  /// What has changed of each slot before a walk came by; null: nothing.
  using Changes = std::vector<std::unique_ptr<ChangedKeys>>;

  SnapshotHost(keyspace::Keyspace& keyspace, const Clock& clock) noexcept : keyspace_(keyspace), clock_(clock) {}
  [[nodiscard]] keyspace::Keyspace& keyspace() const noexcept { return keyspace_; }
  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }

  /// A participant of the safe point for a background thread; they never go away, so they are used again.
  [[nodiscard]] keyspace::SafePoint::Participant& take_seat();
  void give_back(keyspace::SafePoint::Participant& seat);

  /// All null. 128 KiB that are there from the beginning, so that a snapshot of a small dataset does not take more
  /// memory than there was before it, which a `maxmemory` near by would notice.
  [[nodiscard]] Changes take_changes();
  void give_back(Changes changes);

  /// Of every snapshot, and of everything that is loaded.
  [[nodiscard]] KeyDelay& save_delay() noexcept { return save_delay_; }
  [[nodiscard]] KeyDelay& load_delay() noexcept { return load_delay_; }

  /// Bytes that writers have copied for all snapshots and that are not written yet. To evict keys does not make them
  /// fewer: of a key that is not saved yet it makes more.
  [[nodiscard]] std::uint64_t copied_bytes() const noexcept { return copied_bytes_.load(std::memory_order_relaxed); }
  void note_copied(std::uint64_t bytes) noexcept { copied_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void note_written(std::uint64_t bytes) noexcept { copied_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  keyspace::Keyspace& keyspace_;
  const Clock& clock_;
  KeyDelay save_delay_{0};
  KeyDelay load_delay_{0};
  std::atomic<std::uint64_t> copied_bytes_{0};
  Mutex mutex_;
  std::vector<keyspace::SafePoint::Participant*> seats_ ASH_GUARDED_BY(mutex_);
  Changes spare_ ASH_GUARDED_BY(mutex_) = Changes(kSlotCount);  // empty: a snapshot has it
};

class SlotSnapshot final : public keyspace::ChangeObserver {
 public:
  SlotSnapshot(SnapshotHost& host, SnapshotPlan plan);
  /// Cancels and joins. Not inside a batch of a participant unless progress().done.
  ~SlotSnapshot() override;

  /// Makes the cut and begins to copy. Once. `self` is the caller's participant, null when it has none; the caller
  /// holds no slot.
  void start(keyspace::SafePoint::Participant* self);
  /// Asks the snapshot to end with an error; does not wait.
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  /// Waits until on_done has run and returns its result. Leaves the batch of `self` meanwhile.
  Result<void> wait(keyspace::SafePoint::Participant* self);
  [[nodiscard]] SnapshotProgress progress() const;

  void before_change(DbIndex db, const keyspace::KeyRef& key, keyspace::Slot& data) override;
  void before_change(SlotId slot, keyspace::Slot& data) override;

 private:
  /// Of a slot.
  enum class Copied : std::uint8_t { kNothing, kPart, kAll };
  /// Where a look at all entries of a slot has come to.
  struct Place {
    std::uint32_t db = 0;
    std::uint64_t position = 0;
  };

  /// The last step, in its thread; with an error in that of start() when there is no thread.
  void end(Result<void> result);
  [[nodiscard]] Result<void> copy_slots();
  [[nodiscard]] std::vector<DbSizeHint> measure();
  void measure_slot(SlotId slot, std::vector<DbSizeHint>& sizes, std::uint16_t& version);
  void raise_version(keyspace::Slot& slot, Place& place, std::uint16_t& version) const;
  [[nodiscard]] Result<void> copy_slot(SlotId slot);
  [[nodiscard]] SlotWalk::Left copy_piece(SlotId slot, std::vector<Chunk>& rest);
  [[nodiscard]] Result<void> write_queued();
  [[nodiscard]] Result<void> write_ahead(std::vector<Chunk> chunks);
  [[nodiscard]] Result<void> write_chunk(const Chunk& chunk);
  [[nodiscard]] Result<void> write_out();
  void copy_changed(DbIndex db, const keyspace::KeyRef& key, keyspace::Slot& data);
  void copy_passed(DbIndex db, const keyspace::KeyRef& key);
  void note_ahead(std::span<const Chunk> chunks) ASH_REQUIRES(mutex_);
  void note_rest(std::size_t from);
  void queue(std::span<Chunk> chunks);
  void stop_observing();

  SnapshotHost& host_;
  SnapshotPlan plan_;
  Pace pace_;  // background thread only
  keyspace::SafePoint::Participant* seat_ = nullptr;
  // One byte a slot, guarded by that slot's lock (or an Exclusive section).
  std::vector<Copied> copied_;
  // Guarded in the same way: what has changed of a slot before the walk came by. Null: nothing.
  SnapshotHost::Changes changed_;
  // Guarded in the same way: of the only slot that is kPart, or has just been made kAll by somebody else.
  SlotWalk part_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> stopped_{false};  // the walk has ended: writers need not copy any more

  Chunk chunk_;                    // what the walk copies; background thread only
  std::string out_;                // packed, not yet written; background thread only
  std::optional<DbIndex> out_db_;  // selected at the end of out_
  SlowWalk walk_;                  // background thread only

  std::atomic<std::uint64_t> keys_done_{0};
  std::atomic<std::uint64_t> keys_total_{0};
  std::atomic<std::uint64_t> bytes_out_{0};
  std::atomic<std::int64_t> longest_hold_us_{0};
  std::atomic<std::int64_t> longest_ahead_us_{0};

  mutable Mutex mutex_;
  CondVar ended_;
  std::vector<Chunk> queue_ ASH_GUARDED_BY(mutex_);  // copied by writers
  std::uint64_t ahead_bytes_ ASH_GUARDED_BY(mutex_) = 0;
  std::uint64_t ahead_bytes_max_ ASH_GUARDED_BY(mutex_) = 0;
  std::uint64_t noted_bytes_ ASH_GUARDED_BY(mutex_) = 0;  // to the host, as copied and not written
  std::uint64_t ahead_copies_ ASH_GUARDED_BY(mutex_) = 0;
  std::optional<Result<void>> result_ ASH_GUARDED_BY(mutex_);

  Thread thread_;  // last: ends before what it uses
};

}  // namespace ashlar::snapshot
