/// Saves the key space to an RDB file: SAVE, BGSAVE, `save` points, the last act of SHUTDOWN.
///
/// One save at a time. The file gets its name only when complete and durable, so a failed or interrupted save leaves
/// the former file untouched. Thread: any. Errors are returned or kept in status(); MISCONF and INFO are made from it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/sync.h"
#include "snapshot/slot_snapshot.h"

namespace ashlar::snapshot {

struct SaveJob {
  std::string path;  // `dir`/`dbfilename`
  Compression compression = Compression::kLzf;
  Checksum checksum = Checksum::kCrc64;
  SyncMode sync = SyncMode::kIncremental;
  /// Runs at the cut and says what goes into the auxiliary fields. Short: all threads stand still.
  std::function<AuxInput()> at_cut;
};

struct SaveStatus {
  bool running = false;
  WallTime started;                    // of the running or, else, the last save
  std::optional<WallTime> last_saved;  // end of the last save that succeeded
  std::optional<Error> last_error;     // of the last save in the background, or none: a later one succeeded
  Micros last_duration{0};
  std::uint64_t saves = 0;           // that succeeded
  std::uint64_t changes_at_cut = 0;  // change counter of the key space at the cut of the last save that succeeded
  SnapshotProgress progress;         // of the running or, else, the last save
};

class RdbSaver {
 public:
  /// All must outlive the saver.
  RdbSaver(SnapshotHost& host, FileSystem& fs) : host_(host), fs_(fs) {}
  /// Cancels a running save and waits for its end. Not inside a batch.
  ~RdbSaver();

  /// Begins a save in the background. Errors: "Background save already in progress"; kIo when the temporary file cannot
  /// be made, which counts as a failed save. `self` as in SlotSnapshot::start.
  [[nodiscard]] Result<void> start(SaveJob job, keyspace::SafePoint::Participant* self);
  /// The same, waited for (SAVE). Other threads go on.
  [[nodiscard]] Result<void> save(SaveJob job, keyspace::SafePoint::Participant* self);
  /// Waits for the running save, if there is one.
  void wait(keyspace::SafePoint::Participant* self);
  /// Makes the running save end soon without a file; that is no failure. Does not wait. kBackground: only if nobody
  /// waits for it in save() (FLUSHALL), else any (SHUTDOWN).
  enum class Which : std::uint8_t { kBackground, kAny };
  void cancel(Which which);
  [[nodiscard]] SaveStatus status() const;

 private:
  enum class Awaited : std::uint8_t { kNo, kYes };
  [[nodiscard]] Result<void> begin(SaveJob job, keyspace::SafePoint::Participant* self, Awaited awaited);
  void ended(const Result<void>& result, std::uint64_t changes);
  [[nodiscard]] std::shared_ptr<SlotSnapshot> current() const;

  SnapshotHost& host_;
  FileSystem& fs_;
  mutable Mutex mutex_;
  SaveStatus status_ ASH_GUARDED_BY(mutex_);
  bool unwanted_ ASH_GUARDED_BY(mutex_) = false;           // the running save
  Awaited awaited_ ASH_GUARDED_BY(mutex_) = Awaited::kNo;  // the running save, by save(), which tells of an error
  // Shared because one thread may wait for a save while another begins the next.
  std::shared_ptr<SlotSnapshot> snapshot_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::snapshot
