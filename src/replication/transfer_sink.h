/// A snapshot on its way to one or more replicas: straight into their sockets, or through a temporary file.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "base/sync.h"
#include "base/time.h"
#include "replication/blocking_socket.h"
#include "replication/handshake.h"
#include "snapshot/rdb_writer.h"
#include "snapshot/snapshot_sink.h"

namespace ashlar::replication {

/// Noted at the cut, read by the snapshot's thread.
struct Cut {
  NodeId history;
  std::int64_t offset = 0;
  DbIndex stream_db;
  std::vector<std::string> functions;  // code of the libraries
};

/// One replica that a snapshot goes to.
struct TransferTarget {
  std::uint64_t link = 0;                  // number of its link
  std::shared_ptr<BlockingSocket> socket;  // shared with the link, which may end the transfer
  SyncRequest::Dialect dialect = SyncRequest::Dialect::kPsync;
};

/// What a transfer has to tell while it runs. Thread: any.
class TransferNews {
 public:
  /// This replica was lost on the way.
  void lost(std::uint64_t link, const Error& error) {
    MutexLock lock(mutex_);
    lost_.emplace(link, error);
  }
  [[nodiscard]] std::unordered_map<std::uint64_t, Error> take_lost() {
    MutexLock lock(mutex_);
    return std::move(lost_);
  }
  /// All of the snapshot is made; only sending is left.
  void note_complete() noexcept { complete_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool complete() const noexcept { return complete_.load(std::memory_order_relaxed); }

 private:
  Mutex mutex_;
  std::unordered_map<std::uint64_t, Error> lost_ ASH_GUARDED_BY(mutex_);
  std::atomic<bool> complete_{false};
};

/// Says FULLRESYNC, frames the snapshot and sends it, each piece to one replica after the other. A replica that cannot
/// be written to is left behind; the others go on. Thread: the snapshot's. Errors: kIo, when nobody is left.
class TransferSink final : public snapshot::SnapshotSink {
 public:
  enum class Route : std::uint8_t { kSocket, kFile };
  struct Plan {
    std::vector<TransferTarget> targets;
    std::shared_ptr<TransferNews> news;  // shared with whoever asks
    std::shared_ptr<const Cut> cut;      // shared with whoever notes the cut
    Route route = Route::kSocket;
    std::string mark;  // kMarkBytes, for kSocket
    std::string path;  // for kFile; removed in the end
    FileSystem* files = nullptr;
    const Clock* clock = nullptr;
    snapshot::Checksum checksum = snapshot::Checksum::kCrc64;
    std::string redis_version;
  };
  explicit TransferSink(Plan plan) : plan_(std::move(plan)), to_all_(*this) {}
  ~TransferSink() override;

  [[nodiscard]] Result<void> begin(const std::vector<snapshot::DbSizeHint>& sizes) override;
  [[nodiscard]] Result<void> write(std::string_view bytes) override;
  [[nodiscard]] Result<void> finish() override;

 private:
  class ToAll final : public snapshot::ByteSink {
   public:
    explicit ToAll(TransferSink& sink) noexcept : sink_(sink) {}
    [[nodiscard]] Result<void> write(std::string_view bytes) override { return sink_.send(bytes); }

   private:
    TransferSink& sink_;
  };
  [[nodiscard]] Result<void> send(std::string_view bytes);
  [[nodiscard]] Result<void> send_greetings();
  [[nodiscard]] Result<void> send_file();

  Plan plan_;
  ToAll to_all_;
  std::unique_ptr<File> file_;
  std::unique_ptr<snapshot::FileSink> to_file_;
  std::unique_ptr<snapshot::RdbWriter> writer_;
  MonoTime last_sign_{};  // of life, while the file is written
};

}  // namespace ashlar::replication
