/// The append-only log as the server sees it: start, append, rewrite, switch on and off.
///
/// Start: open(), load(), start(). Or, with `appendonly no` at first: enable() when CONFIG SET turns it on. A rewrite
/// is a snapshot that becomes the new base, and an increment that begins at its cut; the manifest is switched when the
/// base is durable, so a crash at any moment finds a complete set.
///
/// Thread: any after start(), except that of open(), load(), start(), enable(), renew() and disable() one runs at a
/// time. The records go through writer(). Lifetime: destroyed before what it refers to, not inside a batch.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "aof/aof_files.h"
#include "aof/aof_loader.h"
#include "aof/aof_writer.h"
#include "aof/rewrite_policy.h"
#include "base/file.h"
#include "base/sync.h"
#include "snapshot/slot_snapshot.h"

namespace ashlar::aof {

/// What the log stands at when a rewrite makes its cut.
struct RewriteCut {
  snapshot::AuxInput aux;            // purpose is set by the rewrite
  std::optional<DbIndex> stream_db;  // selected in the stream; none when the next record selects anyway
};

struct RewriteJob {
  AofPaths paths;  // where the log is that is off, or waits for its first base; one that is on stays where it is
  BaseForm form = BaseForm::kRdb;  // `aof-use-rdb-preamble`
  snapshot::Compression compression = snapshot::Compression::kLzf;
  snapshot::Checksum checksum = snapshot::Checksum::kCrc64;
  snapshot::SyncMode sync = snapshot::SyncMode::kIncremental;  // `aof-rewrite-incremental-fsync`
  bool timestamps = false;                                     // `aof-timestamp-enabled`: a base of commands begins so
  /// Runs at the cut, while all other threads stand still. Records appended later belong to the new increment. An error
  /// says that what is there now must not become a base: then the rewrite fails with it.
  std::function<Result<RewriteCut>()> at_cut;
};

/// For INFO and the automatic rewrite.
struct AofStatus {
  bool enabled = false;
  bool waits_for_base = false;  // it was switched on, and is whole when the running or next rewrite has ended
  WriterStatus writer;
  std::uint64_t current_bytes = 0;  // of all files
  std::uint64_t base_bytes = 0;     // of all files after the last rewrite; at first of the base alone
  bool rewriting = false;
  WallTime rewrite_started;                 // of the running or, else, the last rewrite
  std::optional<Micros> last_rewrite_time;  // of the last that ended
  std::optional<Error> last_rewrite_error;  // none when it succeeded
  std::uint64_t rewrites = 0;               // that were begun
  std::uint64_t failures_in_a_row = 0;
  snapshot::SnapshotProgress rewrite;  // of the running or, else, the last one
};

class Aof {
 public:
  /// All must outlive the object.
  Aof(snapshot::SnapshotHost& host, FileSystem& fs, const WriterSettings& settings);
  /// Cancels a running rewrite and waits for it. Does not flush: see disable().
  ~Aof();

  [[nodiscard]] AofWriter& writer() noexcept { return writer_; }
  [[nodiscard]] const AofWriter& writer() const noexcept { return writer_; }

  /// Finds the files. Errors: kIo, kCorrupt for a wrong manifest.
  [[nodiscard]] Result<void> open(AofPaths paths);
  /// Replays them. After open(), before start().
  /// Whether there is nothing to replay. After open().
  [[nodiscard]] bool empty() const;
  [[nodiscard]] Result<AofLoadReport> load(const AofLoadOptions& options);
  /// Bytes of the files that load() would read; 0 when that cannot be told.
  [[nodiscard]] std::uint64_t bytes_to_load() const;
  /// Begins to log: makes the first files when there are none, deletes what is history, starts the sync thread.
  /// `empty_base` says how the base of a new log is written.
  [[nodiscard]] Result<void> start(const RewriteJob& empty_base);

  /// What becomes of files that a rewrite has replaced. With kDelete, those that were kept go now. Errors: kIo.
  [[nodiscard]] Result<void> set_history(AofFiles::History history);

  /// CONFIG SET appendonly yes: begins a rewrite; the log is whole when it has ended. While another rewrite runs, that
  /// of this call begins when rewrite_due() says so. Errors as rewrite().
  [[nodiscard]] Result<void> enable(RewriteJob job, keyspace::SafePoint::Participant* self);
  /// The data was replaced, or the log belongs elsewhere: disable(), and then on again without a base. The files stay
  /// as they are until the next rewrite has ended, which rewrite_due() demands; until then records are dropped or go
  /// where no manifest names them. What the former files lack is logged. Errors: `paths` cannot be used; nothing has
  /// changed then.
  [[nodiscard]] Result<void> renew(const AofPaths& paths, keyspace::SafePoint::Participant* self);
  /// CONFIG SET appendonly no, and the end of the server: ends a rewrite, flushes, syncs, closes. Errors: what could
  /// not be made durable.
  Result<void> disable(keyspace::SafePoint::Participant* self);

  /// BGREWRITEAOF. While the log is off, it becomes a base alone. Errors: "Background append only file rewriting
  /// already in progress"; kIo. `self` as in SlotSnapshot::start.
  [[nodiscard]] Result<void> rewrite(RewriteJob job, keyspace::SafePoint::Participant* self);
  /// Waits for a running rewrite.
  void wait(keyspace::SafePoint::Participant* self);
  void cancel_rewrite();
  /// True when a rewrite should begin by itself: the log has outgrown its base, or only a rewrite can repair it, or the
  /// one that enable() began has failed; and the last failure is long enough ago.
  [[nodiscard]] bool rewrite_due(const RewriteSettings& settings) const;
  [[nodiscard]] AofStatus status() const;
  [[nodiscard]] WriterStatus writer_status() const { return writer_.status(); }
  /// Whether the log is on and the files that the manifest names hold all that was recorded.
  [[nodiscard]] bool whole() const;

 private:
  struct Running;  // a rewrite on its way
  [[nodiscard]] Result<void> begin_rewrite(RewriteJob job, keyspace::SafePoint::Participant* self);
  [[nodiscard]] Result<std::shared_ptr<Running>> prepare(const AofPaths& paths);
  [[nodiscard]] Result<void> switch_base(const Running& running);
  void ended(const std::shared_ptr<Running>& running, const Result<void>& copied);
  void rewrite_over(const Result<void>& result);
  [[nodiscard]] Result<void> make_first_files(const RewriteJob& job);
  [[nodiscard]] std::shared_ptr<snapshot::SlotSnapshot> current() const;

  snapshot::SnapshotHost& host_;
  FileSystem& fs_;
  AofWriter writer_;

  mutable Mutex files_mutex_;  // before mutex_; never held while waiting for a safe point
  std::optional<AofFiles> files_ ASH_GUARDED_BY(files_mutex_);
  AofFiles::History history_ ASH_GUARDED_BY(files_mutex_) = AofFiles::History::kDelete;
  /// How often the log was closed: a rewrite that began before ends in vain.
  std::atomic<std::uint64_t> closings_{0};

  mutable Mutex mutex_;
  enum class Mode : std::uint8_t {
    kOff,
    kWaitsForBase,  // switched on, but no manifest names what the writer writes to until the first rewrite has ended
    kOn,
  };
  Mode mode_ ASH_GUARDED_BY(mutex_) = Mode::kOff;
  AofStatus status_ ASH_GUARDED_BY(mutex_);
  std::uint64_t other_bytes_ ASH_GUARDED_BY(mutex_) = 0;  // of files that the writer did not write
  std::optional<WallTime> last_failure_ ASH_GUARDED_BY(mutex_);
  // Shared because one thread may wait for a rewrite while another begins the next.
  std::shared_ptr<snapshot::SlotSnapshot> snapshot_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::aof
