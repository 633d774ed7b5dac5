/// Replication as the server sees it: who we follow, who follows us, and what INFO, ROLE, WAIT and the cluster ask.
///
/// Thread: the control loop's, unless a member says otherwise. Made before the loop runs, destroyed after it ended and
/// after the workers ended.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "replication/failover.h"
#include "replication/ports.h"
#include "replication/primary_link.h"
#include "replication/replicas.h"
#include "replication/settings.h"
#include "replication/stream.h"
#include "replication/traffic.h"
#include "replication/waiters.h"
#include "snapshot/rdb_writer.h"

namespace ashlar::replication {

class Replication {
 public:
  struct Parts {
    net::EventLoop& loop;
    keyspace::Keyspace& keyspace;
    changelog::ChangeLog& log;
    snapshot::SnapshotHost& snapshots;
    FileSystem& files;
    Applier& applier;
    Host& host;
    const command::CommandTable& commands;
  };
  Replication(const Parts& parts, const Settings& settings);
  ~Replication();

  /// The data that was loaded stands at this point of a history. Before start().
  void loaded(const snapshot::ReplicationAux& at);
  /// Arms the timers; before the loop runs or on it.
  void start();
  /// Whom we follow in the beginning is known: without a primary, the history of the data goes on under a new name.
  void settle();
  /// Takes new settings. Thread: any.
  void configure(const Settings& settings);

  /// We shall follow that primary, and are its replica to whoever asks; before start(), while data is loaded.
  void announce(const net::Endpoint& primary);
  /// Follows that primary; nothing happens when we do already.
  void follow(const net::Endpoint& primary, Data data);
  /// We shall, and what we hold is not its data.
  void expect_other_data() { link_.expect_other_data(); }
  /// Follows nobody; our history goes on under a new name.
  void promote();
  /// FAILOVER. Errors: what the command answers.
  [[nodiscard]] Result<void> fail_over(const FailoverRequest& request) { return failover_.begin(request); }
  [[nodiscard]] Result<void> abort_failover() { return failover_.abort(); }
  /// Whether every online replica has acknowledged the whole stream.
  struct InStep {
    std::size_t replicas = 0;
    std::size_t behind = 0;
  };
  [[nodiscard]] InStep in_step() const;

  /// Roles and figures. Thread: any.
  struct Role {
    History history;
    std::vector<ReplicaStatus> replicas;
    PrimaryLink::Status link;  // link.primary says whether we are a replica
    bool stream_active = false;
    Failover::State failover = Failover::State::kNone;
    [[nodiscard]] bool replica() const noexcept { return link.primary.has_value(); }
  };
  [[nodiscard]] Role role() const;
  /// Fields of INFO's section Replication. Thread: any.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> info() const;
  /// Memory that holds the stream for replicas which do not keep up. Thread: any.
  [[nodiscard]] std::uint64_t lag_memory() const noexcept { return replicas_.lag_memory() + stream_.waiting_memory(); }
  /// Whether a snapshot is on its way to a replica. Thread: any.
  [[nodiscard]] bool sends_snapshot() const noexcept { return replicas_.sends_snapshot(); }
  /// FLUSHALL: the snapshots on their way are of data that is gone. Thread: any.
  void dataset_emptied();
  /// Thread: any.
  [[nodiscard]] SyncCounts& sync_counts() noexcept { return replicas_.counts(); }
  /// Thread: any.
  [[nodiscard]] Traffic& traffic() noexcept { return traffic_; }
  /// Offset of the stream: bytes produced, or processed on a replica. Thread: any.
  [[nodiscard]] ReplOffset offset() const noexcept { return {stream_.end()}; }
  /// For the cluster: offset(), but 0 while our data is being replaced or after that has failed. Thread: any.
  [[nodiscard]] ReplOffset whole_until() const noexcept;
  /// For the cluster: while the link is up the last bytes from the primary, else since when it is down; nullopt when we
  /// never had its data, or have no longer all of it. Thread: any.
  [[nodiscard]] std::optional<MonoTime> last_contact() const;

  /// For commands; thread: any.
  [[nodiscard]] Result<void> note_traits(ClientId client, std::string_view option, std::string_view value);
  [[nodiscard]] ReplicaTraits take_traits(ClientId client);
  void client_gone(ClientId client);
  void take(TakenSocket socket, const SyncRequest& request, ReplicaTraits traits);
  [[nodiscard]] std::int64_t offset_of(ReplOffset last_write) const;
  [[nodiscard]] KeepState keep_state(const KeepGoal& goal) const {
    return replication::keep_state(goal, replicas_, parts_.host);
  }
  /// Asks the replicas soon how far they are; a burst of calls is one question. Thread: any.
  void want_acks();
  /// Up to here as many replicas have the stream as the configuration asks for. Thread: any.
  [[nodiscard]] std::int64_t acknowledged() const noexcept { return acknowledged_.load(); }
  /// More of the append-only file is durable: for those who wait for it. Thread: any.
  void log_advanced();
  /// Without a timeout (zero) the wait may last forever.
  void wait_for(ClientId client, const KeepGoal& goal, Millis timeout, command::Completion done);
  /// Ends the connections to our replicas, or that to our primary, which please `which`; `done` is told, on
  /// the control loop, how many they were. All come again by themselves.
  enum class Peers : std::uint8_t { kReplicas, kPrimary };
  void end_links(Peers peers, std::function<bool(const LinkFacts&)> which, std::function<void(std::size_t)> done);
  /// The connections of replication that stand. Thread: any.
  [[nodiscard]] std::vector<LinkFacts> links(Peers peers) const;
  /// Ends such a wait early; `done` is told, on the control loop, whether there was one.
  void end_wait(ClientId client, Waiters::Early how, std::function<void(bool)> done);
  /// Place in the append-only file behind everything written so far; nullopt without one.
  [[nodiscard]] std::optional<std::uint64_t> log_position() const;
  /// What a snapshot says of the stream; nullopt when there is none. While all threads stand still; thread: any.
  [[nodiscard]] std::optional<snapshot::ReplicationAux> at_cut() const;
  /// Runs `task` on the control loop.
  void post(net::EventLoop::Callback task) { parts_.loop.post(std::move(task)); }

 private:
  void arm_timer();
  void tick();
  void show_role();
  void replicas_changed();
  void note_acknowledged(std::int64_t offset);
  void follow(const net::Endpoint& primary, PrimaryLink::Intent intent, Data data);
  /// Changes the source of the stream while no command runs anywhere.
  void switch_source(changelog::ChangeLog::StreamSource source);

  Traffic traffic_;  // before those who count
  Parts parts_;
  Published<Settings> settings_;
  Settings current_;
  Stream stream_;
  Replicas replicas_;
  Failover failover_;
  Waiters waiters_;
  PrimaryLink link_;
  std::optional<net::Endpoint> primary_;
  std::atomic<bool> follows_{false};  // primary_, for at_cut()
  bool loaded_ = false;               // the stream began with the history of loaded data
  RoleFacts shown_;
  std::uint64_t ticks_ = 0;
  std::atomic<bool> attached_{false};
  std::atomic<bool> waits_{false};  // some client has waited with WAIT
  std::atomic<bool> acks_wanted_{false};
  std::atomic<std::int64_t> acknowledged_{0};
  mutable Mutex mutex_;
  std::unordered_map<std::uint64_t, ReplicaTraits> traits_ ASH_GUARDED_BY(mutex_);  // by client
  std::atomic<std::size_t> traits_count_{0};
};

}  // namespace ashlar::replication
