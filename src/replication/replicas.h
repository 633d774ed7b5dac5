/// The replicas of this server: takes their sockets, synchronises them, feeds them the stream, counts what they have.
/// Thread: the control loop's, except status() and acknowledged_by().
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/sync.h"
#include "changelog/change_log.h"
#include "command/session.h"
#include "command/table.h"
#include "net/event_loop.h"
#include "replication/handshake.h"
#include "replication/overflow.h"
#include "replication/ports.h"
#include "replication/replica_link.h"
#include "replication/settings.h"
#include "replication/stream.h"
#include "replication/traffic.h"
#include "replication/transfers.h"
#include "snapshot/slot_snapshot.h"

namespace ashlar::replication {

/// One replica as INFO and ROLE show it.
struct ReplicaStatus {
  std::string address;
  std::uint16_t port = 0;
  std::string_view state;  // "wait_bgsave", "send_bulk" or "online"
  std::int64_t offset = 0;
  std::optional<std::int64_t> durable;  // on its disk
  MonoTime last_ack;
  bool announced = false;  // it acknowledges
  LinkFacts link;
};

/// How replicas were brought into step, since the start or CONFIG RESETSTAT. Thread: written by control, read by any.
struct SyncCounts {
  std::atomic<std::uint64_t> full{0};
  std::atomic<std::uint64_t> resumed{0};
  std::atomic<std::uint64_t> not_resumed{0};  // asked to go on where we could not
};

class Replicas final : private ReplicaLink::Owner {
 public:
  /// Where a replica has the stream.
  enum class Kept : std::uint8_t { kInMemory, kOnDisk };
  struct Parts {
    net::EventLoop& loop;
    changelog::ChangeLog& log;
    snapshot::SnapshotHost& snapshots;
    FileSystem& files;
    Stream& stream;
    Traffic& traffic;
    const command::CommandTable& commands;  // for the names of those that a replica should not send
    std::function<DbIndex()> stream_db;     // selected in the stream now, when it is passed on
    std::function<void()> on_change;        // replicas came, went or acknowledged
  };
  explicit Replicas(Parts parts);
  ~Replicas() override;

  void configure(const Settings& settings) { settings_ = settings; }
  /// A client that said PSYNC or SYNC.
  void take(TakenSocket socket, const SyncRequest& request, ReplicaTraits traits);
  /// Hands what came into the stream to the links.
  void feed();
  /// Once a second. `pings`: whether the stream is ours and may carry them now.
  enum class Pings : std::uint8_t { kNone, kWhenDue };
  void tick(Pings pings);
  void drop_all(const std::string& why);
  /// Ends the links to which `which` says yes; how many they were.
  std::size_t drop(const std::function<bool(const LinkFacts&)>& which, const std::string& why);
  /// Nobody wants the snapshots that are on their way: whom they go to comes again.
  void restart_transfers(const std::string& why);
  /// Whether a snapshot is on its way. Thread: any.
  [[nodiscard]] bool sends_snapshot() const noexcept { return transfers_.count() != 0; }
  /// Lets the change log write into the stream, if it does not yet.
  void attach_stream();
  [[nodiscard]] bool stream_attached() const noexcept { return attached_; }

  [[nodiscard]] SyncCounts& counts() noexcept { return counts_; }
  /// Replicas that are online and acknowledged lately (min-replicas-max-lag).
  [[nodiscard]] std::size_t good() const;
  /// Replicas that are online.
  [[nodiscard]] std::size_t online() const;
  /// Up to where at least `replicas` of those online have the stream; nullopt when there are fewer of them.
  [[nodiscard]] std::optional<std::int64_t> shared_by(std::size_t replicas, Kept where) const;

  /// Asks all replicas how far they are.
  void ask_for_acks();

  /// Thread: any.
  [[nodiscard]] std::vector<ReplicaStatus> status() const;
  /// Memory that holds the stream for replicas which do not keep up, shared by all of them. Thread: any.
  [[nodiscard]] std::uint64_t lag_memory() const noexcept { return lag_memory_->load(std::memory_order_relaxed); }
  /// Where the oldest byte of the stream stands that waits for a replica, for others to go on from; the largest number
  /// when none does. Thread: any.
  [[nodiscard]] std::int64_t holds_from() const noexcept { return holds_from_.load(std::memory_order_relaxed); }
  /// How many have the stream up to `offset`.
  [[nodiscard]] std::uint64_t acknowledged_by(std::int64_t offset, Kept where) const;

 private:
  void link_acknowledged(ReplicaLink& link) override;
  void link_lost(ReplicaLink& link, std::string why) override;
  void link_strayed(ReplicaLink& link, std::span<const std::string_view> args) override;
  void link_lacks(ReplicaLink& link, const std::shared_ptr<Block>& block) override;
  [[nodiscard]] bool resume(ReplicaLink& link, const SyncRequest& request);
  [[nodiscard]] bool resume_as_another(ReplicaLink& link, const SyncRequest& request);
  void start_waiting();
  using Content = Transfers::Content;
  void start_transfer(const std::vector<ReplicaLink*>& links, Transfers::Route route, Content content);
  void snapshot_done(std::uint64_t number, const std::optional<Error>& error);
  void reap(std::uint64_t number);
  void feed_lagging(const Block& fresh);
  /// Memory for the stream above which it goes to the disk for those who catch up; nullopt: nobody does, or no limit.
  [[nodiscard]] std::optional<std::uint64_t> overflows_above() const;
  [[nodiscard]] bool within_limits(ReplicaLink& link) { return link.within_limits(settings_, lag_memory()); }
  void update_readers();
  void forget_lag();
  void publish();
  void note_holdings();

  SyncCounts counts_;
  Parts parts_;
  Settings settings_;
  // Shared with the blocks that it counts.
  std::shared_ptr<CountedMemory::Counter> lag_memory_ = std::make_shared<CountedMemory::Counter>(0);
  Overflow overflow_;
  std::shared_ptr<Block> lag_;  // the last block, while a replica lags; shared with the links that have to send it
  Transfers transfers_;         // before the links, whose end ends the transfers
  std::unordered_map<std::uint64_t, std::unique_ptr<ReplicaLink>> links_;
  std::uint64_t next_number_ = 1;
  bool attached_ = false;
  std::optional<MonoTime> alone_since_;
  MonoTime last_ping_{};
  std::atomic<std::int64_t> holds_from_{std::numeric_limits<std::int64_t>::max()};
  mutable Mutex mutex_;
  std::vector<ReplicaStatus> status_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::replication
