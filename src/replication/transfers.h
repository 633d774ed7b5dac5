/// The snapshots that are on their way to replicas; each goes to all that waited for it together.
/// Thread: the control loop's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/file.h"
#include "changelog/change_log.h"
#include "net/event_loop.h"
#include "replication/handshake.h"
#include "replication/settings.h"
#include "replication/stream.h"
#include "replication/transfer_sink.h"
#include "snapshot/slot_snapshot.h"

namespace ashlar::replication {

class Transfers {
 public:
  using Route = TransferSink::Route;
  struct Parts {
    net::EventLoop& loop;
    changelog::ChangeLog& log;
    snapshot::SnapshotHost& snapshots;
    FileSystem& files;
    Stream& stream;
    std::function<DbIndex()> stream_db;
    /// A replica has all of the snapshot, or an error says why not. Not called for those that left.
    std::function<void(std::uint64_t link, const std::optional<Error>&)> on_done;
    /// A transfer has ended: another may begin.
    std::function<void()> on_idle;
  };
  explicit Transfers(Parts parts) : parts_(std::move(parts)) {}

  /// Makes the cut and begins to send; returns the offset of the stream at the cut. `targets` is not empty.
  using Content = ReplicaTraits::Content;
  [[nodiscard]] std::int64_t start(std::vector<TransferTarget> targets, Route route, Content content,
                                   const Settings& settings);
  /// This replica is lost. A transfer to nobody is given up.
  void leave(std::uint64_t link);
  /// How many snapshots are on their way. Thread: any.
  [[nodiscard]] std::size_t count() const noexcept { return count_.load(std::memory_order_relaxed); }
  /// Whether all of this replica's snapshot is made, and at most its sending goes on.
  [[nodiscard]] bool complete(std::uint64_t link) const;
  /// Whether this replica is being sent the file of a complete snapshot.
  [[nodiscard]] bool sends_file(std::uint64_t link) const;
  /// Whether a snapshot goes straight to sockets now.
  [[nodiscard]] bool streaming() const noexcept;

 private:
  struct Transfer {
    Route route;
    std::unordered_set<std::uint64_t> links;
    std::shared_ptr<const TransferNews> news;  // shared with the sink
    std::unique_ptr<snapshot::SlotSnapshot> snapshot;
  };
  void ended(std::uint64_t number, const std::optional<Error>& error,
             const std::unordered_map<std::uint64_t, Error>& lost);

  Parts parts_;
  std::uint64_t next_number_ = 1;
  std::unordered_map<std::uint64_t, Transfer> running_;
  std::atomic<std::size_t> count_{0};  // of running_
};

}  // namespace ashlar::replication
