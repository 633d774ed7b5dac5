/// A snapshot on its way to a replica: straight into the socket, or through a temporary file.
#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "base/ids.h"
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

/// Says FULLRESYNC, frames the snapshot and sends it. Thread: the snapshot's. Errors: kIo.
class TransferSink final : public snapshot::SnapshotSink {
 public:
  enum class Route : std::uint8_t { kSocket, kFile };
  struct Plan {
    std::shared_ptr<BlockingSocket> socket;  // shared with the link, which may end the transfer
    std::shared_ptr<const Cut> cut;          // shared with whoever notes the cut
    SyncRequest::Dialect dialect = SyncRequest::Dialect::kPsync;
    Route route = Route::kSocket;
    std::string mark;  // kMarkBytes, for kSocket
    std::string path;  // for kFile; removed in the end
    FileSystem* files = nullptr;
    const Clock* clock = nullptr;
    snapshot::Checksum checksum = snapshot::Checksum::kCrc64;
    std::string redis_version;
  };
  explicit TransferSink(Plan plan) : plan_(std::move(plan)) {}
  ~TransferSink() override;

  [[nodiscard]] Result<void> begin(const std::vector<snapshot::DbSizeHint>& sizes) override;
  [[nodiscard]] Result<void> write(std::string_view bytes) override;
  [[nodiscard]] Result<void> finish() override;

 private:
  class SocketSink final : public snapshot::ByteSink {
   public:
    explicit SocketSink(BlockingSocket& socket) noexcept : socket_(socket) {}
    [[nodiscard]] Result<void> write(std::string_view bytes) override { return socket_.send(bytes); }

   private:
    BlockingSocket& socket_;
  };
  [[nodiscard]] Result<void> send_file();

  Plan plan_;
  std::unique_ptr<File> file_;
  std::unique_ptr<snapshot::ByteSink> out_;
  std::unique_ptr<snapshot::RdbWriter> writer_;
  MonoTime last_sign_{};  // of life, while the file is written
};

}  // namespace ashlar::replication
