/// The replication stream of this process: its bytes, where they stand and which history they belong to.
///
/// Offsets are Redis' master_repl_offset: the number of bytes of the history so far. Thread: any; append() comes from
/// the change log with its mutex held. One mutex guards everything, a leaf of the lock order but for the loop's
/// mailbox.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/ids.h"
#include "base/sync.h"
#include "changelog/change_log.h"
#include "replication/backlog.h"

namespace ashlar::replication {

/// Where the bytes of a block are on the disk.
struct OverflowPlace {
  std::shared_ptr<File> file;  // shared by the blocks in it; goes with the last of them
  std::uint64_t offset = 0;
};

/// Counts memory for as long as it lives.
class CountedMemory {
 public:
  using Counter = std::atomic<std::uint64_t>;
  CountedMemory() = default;
  CountedMemory(std::shared_ptr<Counter> counter, std::uint64_t bytes) : counter_(std::move(counter)), bytes_(bytes) {
    counter_->fetch_add(bytes_, std::memory_order_relaxed);
  }
  ~CountedMemory() { reset(); }
  CountedMemory(const CountedMemory&) = delete;
  CountedMemory& operator=(const CountedMemory&) = delete;
  CountedMemory(CountedMemory&& other) noexcept : counter_(std::move(other.counter_)), bytes_(other.bytes_) {}
  CountedMemory& operator=(CountedMemory&& other) noexcept {
    std::swap(counter_, other.counter_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  void reset() {
    if (counter_) counter_->fetch_sub(bytes_, std::memory_order_relaxed);
    counter_.reset();
  }

 private:
  std::shared_ptr<Counter> counter_;  // shared with whoever shows the sum
  std::uint64_t bytes_ = 0;
};

/// A piece of the stream, shared by the links that have to send it. Its bytes may be on the disk meanwhile (Overflow).
/// With a `begin` below 0 it is something else that goes out in front of the stream.
struct Block {
  std::int64_t begin = 0;
  std::string bytes;
  std::size_t away = 0;  // so many are on the disk, and none in `bytes`
  OverflowPlace place;   // while they are away
  bool coming = false;   // they are on their way back
  CountedMemory memory;
  [[nodiscard]] std::size_t size() const noexcept { return bytes.size() + away; }
  [[nodiscard]] std::int64_t end() const noexcept { return begin + static_cast<std::int64_t>(size()); }
};

/// Names and extent of the stream.
struct History {
  NodeId id;
  NodeId second_id;                 // the history before ours; zero: none
  std::int64_t second_offset = -1;  // as INFO shows it: first byte not in common, -1 without a second history
  std::int64_t end = 0;
  std::int64_t backlog_begin = 0;
  std::size_t backlog_size = 0;  // bytes kept
  std::size_t backlog_capacity = 0;
};

/// A replica may go on: the bytes that it lacks.
struct Continuation {
  NodeId id;                  // of the history it now follows
  std::int64_t position = 0;  // of the first of
  std::string missing;        // these bytes
};

class Stream final : public changelog::Sink {
 public:
  /// `wake` is called, on any thread, when there is something to take() again.
  Stream(NodeId id, std::size_t backlog_bytes, std::function<void()> wake)
      : wake_(std::move(wake)), id_(id), backlog_(backlog_bytes) {}

  void append(std::string_view records) override;

  /// Whether bytes are kept for take().
  enum class Readers : std::uint8_t { kNone, kSome };
  void set_readers(Readers readers);
  /// Bytes of memory that what came since then takes.
  [[nodiscard]] std::uint64_t waiting_memory() const noexcept { return waiting_.load(std::memory_order_relaxed); }
  /// What came since the last call; null when nothing did. Its memory counts in `held` before it ceases to wait here:
  /// whoever adds the two up may see it twice, but never not at all.
  [[nodiscard]] std::shared_ptr<Block> take(std::shared_ptr<CountedMemory::Counter> held);

  [[nodiscard]] History history() const;
  [[nodiscard]] std::int64_t end() const noexcept { return end_.load(std::memory_order_acquire); }
  /// Whether a replica that has the first `position` bytes of history `id` can go on, and with what.
  [[nodiscard]] std::optional<Continuation> resume(const NodeId& id, std::int64_t position) const;
  /// The name under which the history of such a replica goes on, wherever the bytes that it lacks may be; nullopt: we
  /// do not have that history.
  [[nodiscard]] std::optional<NodeId> continues(const NodeId& id, std::int64_t position) const;
  /// Offset that belongs to a value of ChangeLog::replication_bytes(); 0 for 0.
  [[nodiscard]] std::int64_t offset_of(std::uint64_t recorded) const;

  /// From here on the history has a new name; the old one stays known as the second.
  void rename(NodeId id);
  /// Another history from this offset on; nothing of the old one is left.
  void restart(NodeId id, std::int64_t offset);
  void resize_backlog(std::size_t bytes);

 private:
  [[nodiscard]] bool knows(const NodeId& id, std::int64_t position) const ASH_REQUIRES(mutex_);
  const std::function<void()> wake_;
  mutable Mutex mutex_;
  NodeId id_ ASH_GUARDED_BY(mutex_);
  NodeId second_id_ ASH_GUARDED_BY(mutex_);
  std::int64_t second_offset_ ASH_GUARDED_BY(mutex_) = -1;
  Backlog backlog_ ASH_GUARDED_BY(mutex_);
  std::string pending_ ASH_GUARDED_BY(mutex_);
  bool has_readers_ ASH_GUARDED_BY(mutex_) = false;
  std::uint64_t received_ ASH_GUARDED_BY(mutex_) = 0;  // bytes of append(), over all histories
  std::atomic<std::int64_t> end_{0};
  std::atomic<std::uint64_t> waiting_{0};  // what pending_ takes
};

}  // namespace ashlar::replication
