/// The writing end of the append-only log: from records in memory to durable bytes.
///
/// append() only copies into memory, so it may be called with slots and the change log locked. flush() hands what is
/// pending to the operating system; commit() makes it durable, one sync for all who wait. want_durable() asks the
/// writer's thread for the same and does not wait: it syncs again and again, each time all that is written by then, as
/// long as somebody has asked for more than is durable. A failed write keeps its records and is tried again; a failed
/// sync is final for the file, because nobody knows what of it is on the disk: then only a rewrite helps.
///
/// Positions count the bytes of the stream over all files. Invariants: 1. a file holds whole records up to the position
/// written, but for a write that failed and could not be taken back, which is continued; 2. a file is durable before
/// the first byte goes to its successor, so the files never have a hole between them; 3. durable <= written <=
/// appended; 4. one sync runs at a time, for of two that run at once the system tells one alone that a write failed.
///
/// Thread: any, but for the file changes (open, continue_in, base_complete, close), which one owner makes. Locks: a
/// leaf of the program's order for append(); flush() and commit() wait for the disk and are called with nothing locked.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/sync.h"
#include "base/time.h"

namespace ashlar::aof {

/// `appendfsync`.
enum class FsyncPolicy : std::uint8_t { kAlways, kEverySecond, kNo };

struct WriterSettings {
  FsyncPolicy fsync = FsyncPolicy::kEverySecond;
  bool no_fsync_on_rewrite = false;  // `no-appendfsync-on-rewrite`
  bool timestamps = false;           // `aof-timestamp-enabled`
  /// Records held in memory while the disk refuses them; beyond this they are given up, and only a rewrite helps.
  std::uint64_t pending_bytes_max = 256ULL << 20;
};

enum class WriterState : std::uint8_t {
  kClosed,  // no file: records are ignored
  kGood,
  kWriteFailing,  // the disk refuses writes; tried again by every flush
  kNeedsRewrite,  // a sync failed, or too much was pending
};

struct WriterStatus {
  WriterState state = WriterState::kClosed;
  std::optional<Error> error;       // in kWriteFailing and kNeedsRewrite: what happened first
  std::uint64_t pending_bytes = 0;  // appended, not yet written
  std::uint64_t file_bytes = 0;     // of the files written since open() or the last complete base
  std::uint64_t appended = 0;       // stream positions
  std::uint64_t written = 0;
  std::uint64_t durable = 0;
  std::uint64_t slow_syncs = 0;  // that took longer than two seconds
  bool sync_running = false;
};

/// How far the stream has come, for those who wait without a thread of their own.
struct Reach {
  std::uint64_t durable = 0;
  std::uint64_t appended = 0;
  std::uint64_t losses = 0;  // grows when close() gives up what is not durable: who waited waits in vain
  bool healthy = true;       // as healthy(): while false, nobody who is not durable yet should wait for it
};

class AofWriter {
 public:
  /// `clock` must outlive the writer. No thread runs until start_thread().
  AofWriter(const Clock& clock, const WriterSettings& settings);
  /// As stop().
  ~AofWriter();
  /// Ends the thread; does not flush (see close()). Nobody is told of progress any more.
  void stop();

  void configure(const WriterSettings& settings);
  [[nodiscard]] FsyncPolicy fsync_policy() const noexcept { return policy_.load(std::memory_order_relaxed); }

  // -- the stream

  /// Adds one or more whole records. No waiting but for a short lock, no error: trouble shows in healthy().
  void append(std::string_view records);
  /// The time that the next records are marked with, when timestamps are on. Call once a turn.
  void tick(WallTime now) noexcept { now_seconds_.store(unix_seconds(now), std::memory_order_relaxed); }
  /// Writes what is pending. Call at the end of a turn, before replies leave. Cost with nothing pending: one load.
  /// While writes fail it only repeats the error: commit() and the background try again. With kEverySecond it waits
  /// for a sync when what is not durable goes back two seconds: no more than what is answered in that time can be lost.
  Result<void> flush();
  /// Returns when everything appended before the call is durable. Errors: it is not, so a reply that says so must not
  /// leave. With no_fsync_on_rewrite and a rewrite running it only flushes.
  [[nodiscard]] Result<void> commit();
  /// Asks for everything before `position` to be durable; start_thread()'s thread does it. Cost: a short lock, and a
  /// wake-up if that thread is idle. A failure ends the request: whoever still waits then asks again.
  void want_durable(std::uint64_t position);
  /// Cost: four loads. What is told of is never more than what was the case when it was asked.
  [[nodiscard]] Reach reach() const noexcept;
  /// `told` is called by the writer's thread, with nothing locked, whenever reach() has changed for those who have
  /// asked; with the time that the sync took, 0 if it was another event. Before start_thread().
  void on_progress(std::function<void(Micros)> told) { told_ = std::move(told); }
  /// Counts WriterStatus::slow_syncs anew.
  void forget_slow_syncs() {
    MutexLock lock(mutex_);
    slow_syncs_ = 0;
  }
  /// Whether no_fsync_on_rewrite takes effect now.
  [[nodiscard]] bool syncs_held() const noexcept {
    return no_fsync_on_rewrite_.load(std::memory_order_relaxed) && holds_.load(std::memory_order_relaxed) > 0;
  }
  /// False while writes or syncs fail: writes of clients are to be refused (MISCONF). One load.
  [[nodiscard]] bool healthy() const noexcept { return healthy_.load(std::memory_order_relaxed); }
  [[nodiscard]] WriterStatus status() const;

  // -- files

  /// Begins with a file that already has `size` bytes, all whole records.
  void open(std::unique_ptr<File> file, std::uint64_t size);
  /// From now on records go to `file`, which is empty, after `head` (a SELECT). Does not touch the disk: this is the
  /// cut, while all other threads stand still.
  void continue_in(std::unique_ptr<File> file, std::string_view head);
  /// A base that holds everything before the last continue_in() is durable: the files before it are given up, with all
  /// that could not be written to them.
  void base_complete();
  /// Flushes, syncs and forgets the files. Errors: what could not be made durable.
  Result<void> close();

  // -- in the background

  /// Begins a thread that syncs for want_durable(), and does a background_step() after each second without such work.
  [[nodiscard]] Result<void> start_thread();
  /// Tries failed writes again; syncs unless the policy is kNo.
  void background_step();
  /// Between these two calls no_fsync_on_rewrite takes effect (rewrite, BGSAVE); may nest.
  void hold_syncs() noexcept { holds_.fetch_add(1, std::memory_order_relaxed); }
  void release_syncs() noexcept { holds_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  /// One file of the stream.
  struct Segment {
    std::unique_ptr<File> file;
    std::string pending;        // guarded by mutex_
    std::uint64_t begin = 0;    // stream position of its first byte
    std::uint64_t written = 0;  // stream position; guarded by mutex_
    bool dirty = false;         // has bytes that no sync has covered; guarded by mutex_
    std::uint64_t size = 0;     // of the file; written under both mutexes
    bool broken = false;        // guarded by mutex_
  };
  using SegmentPtr = std::shared_ptr<Segment>;  // shared: a sync may run on a file that a base has made obsolete

  [[nodiscard]] Result<void> write_all() ASH_REQUIRES(io_mutex_);
  [[nodiscard]] Result<void> write_batch(Segment& segment, std::string& batch) ASH_REQUIRES(io_mutex_);
  void keep_unwritten(Segment& segment, std::string& batch, std::uint64_t arrived, const Error& error)
      ASH_REQUIRES(io_mutex_);
  [[nodiscard]] Result<void> retire(const SegmentPtr& segment) ASH_REQUIRES(io_mutex_);
  [[nodiscard]] Result<void> sync_front();
  void wait_for_late_sync();
  [[nodiscard]] Result<void> write_and_sync();
  void break_segment(Segment& segment, const Error& error) ASH_REQUIRES(mutex_);
  void update_health() ASH_REQUIRES(mutex_);
  void set_durable(std::uint64_t position) ASH_REQUIRES(mutex_);
  void reach_changed() ASH_REQUIRES(mutex_);
  [[nodiscard]] bool sync_due() const ASH_REQUIRES(mutex_);
  void tell();
  void run();

  const Clock& clock_;
  std::atomic<FsyncPolicy> policy_;
  std::atomic<bool> no_fsync_on_rewrite_;
  std::atomic<int> holds_{0};
  std::atomic<bool> healthy_{true};
  std::atomic<bool> has_work_{false};  // there may be something to write
  std::atomic<std::int64_t> now_seconds_{unix_seconds(clock_.wall())};

  // Written under mutex_, read by anybody.
  std::atomic<std::uint64_t> appended_{0};
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<std::uint64_t> losses_{0};

  // In this order.
  Mutex io_mutex_;    // whoever writes to a file
  Mutex sync_mutex_;  // whoever syncs a file
  mutable Mutex mutex_;
  CondVar synced_;
  std::deque<SegmentPtr> segments_ ASH_GUARDED_BY(mutex_);  // records go to the last, writes to the first
  std::uint64_t wanted_ ASH_GUARDED_BY(mutex_) = 0;         // by want_durable(); 0 when nobody waits
  bool news_ ASH_GUARDED_BY(mutex_) = false;                // those who wait are to be told
  Micros sync_took_ ASH_GUARDED_BY(mutex_){0};              // the sync that the news are of
  std::uint64_t pending_bytes_ ASH_GUARDED_BY(mutex_) = 0;
  std::uint64_t closed_bytes_ ASH_GUARDED_BY(mutex_) = 0;  // of files left behind since open()
  std::uint64_t pending_bytes_max_ ASH_GUARDED_BY(mutex_);
  std::uint64_t slow_syncs_ ASH_GUARDED_BY(mutex_) = 0;
  MonoTime durable_until_ ASH_GUARDED_BY(mutex_);  // what was answered before this time is durable
  std::int64_t stamped_second_ ASH_GUARDED_BY(mutex_) = 0;
  bool timestamps_ ASH_GUARDED_BY(mutex_);
  bool sync_running_ ASH_GUARDED_BY(mutex_) = false;
  std::optional<Error> write_error_ ASH_GUARDED_BY(mutex_);
  std::optional<Error> broken_error_ ASH_GUARDED_BY(mutex_);
  bool stop_ ASH_GUARDED_BY(mutex_) = false;
  CondVar work_;  // for the thread
  std::function<void(Micros)> told_;
  Thread thread_;  // last: ends before what it uses
};

}  // namespace ashlar::aof
