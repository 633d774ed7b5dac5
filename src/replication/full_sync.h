/// Receives a snapshot from our primary and puts it in the place of our data, on a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/sync.h"
#include "replication/blocking_socket.h"
#include "snapshot/rdb_load.h"
#include "snapshot/slot_snapshot.h"

namespace ashlar::replication {

/// For INFO. Thread: any.
struct SyncProgress {
  std::atomic<std::uint64_t> total{0};  // 0: unknown
  std::atomic<std::uint64_t> received{0};
};

class FullSync {
 public:
  /// kThroughFile: our data stays until all of the snapshot is here. kDirect: it goes before the first byte is loaded.
  /// kBeside: it stays until all of the snapshot is loaded, and takes its memory meanwhile.
  enum class Route : std::uint8_t { kThroughFile, kDirect, kBeside };
  struct Outcome {
    Result<DbIndex> stream_db;  // selected in the stream that follows; or why there is no data
    std::string unread;         // of the stream, behind the snapshot
  };
  struct Plan {
    snapshot::SnapshotHost& snapshots;
    FileSystem& files;
    std::shared_ptr<BlockingSocket> socket;  // shared with the link
    std::string unread;                      // received already
    std::string path;                        // of the temporary file
    Route route = Route::kThroughFile;
    snapshot::Checksum checksum = snapshot::Checksum::kCrc64;
    keyspace::Keyspace::Freeing freeing = keyspace::Keyspace::Freeing::kNow;  // of what was there
    std::function<void()> on_beside;       // loading begins, and our data stays; this object's thread
    std::function<void()> on_flush;        // just before our data goes; this object's thread
    std::function<void(Outcome)> on_done;  // last; this object's thread, or the constructor's when there is none
  };
  explicit FullSync(Plan plan);
  /// Ends the transfer and waits for the thread.
  ~FullSync();
  [[nodiscard]] const SyncProgress& progress() const noexcept { return progress_; }

 private:
  class Source;
  void end(Result<DbIndex> stream_db);
  [[nodiscard]] Result<DbIndex> transfer();
  [[nodiscard]] Result<std::string> read_header();
  [[nodiscard]] Result<void> spool(Source& source);
  [[nodiscard]] Result<snapshot::LoadReport> load_beside(Source& source);
  [[nodiscard]] Result<void> take_mark(Source& source, std::string rest);
  void flush();
  void empty();
  [[nodiscard]] Result<snapshot::LoadReport> load_in_place(Source& source);
  [[nodiscard]] snapshot::LoadOptions options(keyspace::SafePoint::Participant* seat) const;

  Plan plan_;
  SyncProgress progress_;
  std::string unread_;  // received, not yet used
  Thread thread_;       // last: uses the others
};

}  // namespace ashlar::replication
