/// Everything about keeping the data on disk: loading at start, the append-only file, save points, and what is said
/// when they fail. Thread: load() and start() by main before the control loop runs; tick() and finish() control; the
/// rest any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "aof/aof.h"
#include "base/sync.h"
#include "changelog/change_log.h"
#include "replication/ports.h"
#include "server/config_service.h"
#include "server/dispatcher.h"
#include "server/durability.h"
#include "server/info.h"
#include "server/latency_monitor.h"
#include "server/run_state.h"
#include "server/shutdown.h"
#include "snapshot/rdb_load.h"
#include "snapshot/rdb_save.h"

namespace ashlar::server {

class Persistence final : public Durability, public GateTexts {
 public:
  struct Parts {
    keyspace::Keyspace& keyspace;
    const Clock& clock;
    FileSystem& files;
    changelog::ChangeLog& log;
    Published<config::Config>& config;
    Gates& gates;
    LatencyMonitor& latency;
    const RunState& state;
    /// What a snapshot says of the replication stream at its cut; called while all threads stand still.
    std::function<std::optional<snapshot::ReplicationAux>()> replication_aux;
    /// Whether a snapshot is on its way to replicas. Thread: any.
    std::function<bool()> sends_snapshot;
  };
  explicit Persistence(Parts parts);
  ~Persistence() override;

  /// What loading has found, for replication to continue from.
  struct Loaded {
    std::optional<snapshot::ReplicationAux> replication;
  };
  /// Loads the append-only file or dump.rdb, while the loading gate is closed. `meanwhile` is called every now and
  /// then; an error of it ends the loading. Errors: damaged or unreadable, named; nothing on disk is changed.
  using Meanwhile = std::function<Result<void>()>;
  [[nodiscard]] Result<Loaded> load(Dispatcher& dispatcher, Execution& run, Meanwhile meanwhile);
  /// Begins to log, if configured. After load().
  [[nodiscard]] Result<void> start();
  /// Save points, automatic rewrites, the MISCONF gate: ten times a second. kLater: a cut would wait for a script
  /// that runs for too long, and the control thread with it.
  enum class Cuts : std::uint8_t { kNow, kLater };
  void tick(Cuts cuts);
  /// Saves and closes at the end of the server.
  [[nodiscard]] Result<void> finish(const ShutdownRequest& request);

  [[nodiscard]] Promised settle(Turn turn) override;
  void sync() override;
  void want(std::uint64_t position) override { aof_.writer().want_durable(position); }
  [[nodiscard]] aof::Reach reach() const override { return aof_.writer().reach(); }
  /// `told` is called when reach() has changed for those who wait, from any thread. Before load().
  void on_progress(std::function<void()> told) { told_ = std::move(told); }
  /// `told` is called whenever more has become durable under `appendfsync always`, from any thread. Before load().
  void on_sync(std::function<void()> told) { sync_told_ = std::move(told); }
  /// Ends the threads that tell; last of all.
  void stop() { aof_.writer().stop(); }
  [[nodiscard]] Error misconf() const override;

  // CONFIG SET appendonly and dir, from a loop that is in no batch.
  [[nodiscard]] Result<void> switch_aof(const config::Config& now);
  [[nodiscard]] Result<void> move_aof(const config::Config& now);
  void apply(const config::Config& now);

  // SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE. `self`: the caller's participant.
  [[nodiscard]] Result<void> save(keyspace::SafePoint::Participant* self);
  [[nodiscard]] Result<void> background_save(keyspace::SafePoint::Participant* self);
  /// All data is about to be replaced by that of a primary: from here on nothing is added to the append-only file and
  /// nothing saved by itself, so that the disk keeps the former data whole. Thread: any.
  void dataset_goes();
  /// What came is all there is now: the append-only file begins anew with it, and is of the former data until then.
  /// Thread: control.
  void dataset_replaced();
  /// How far the append-only file reaches; nullopt without one that holds all data.
  [[nodiscard]] std::optional<replication::Host::LogPositions> log_positions() const;
  /// FLUSHALL: a running save is of data that is gone. Thread: any.
  void dataset_emptied() { saver_.cancel(snapshot::RdbSaver::Which::kBackground); }
  /// BGSAVE SCHEDULE and BGREWRITEAOF while something else runs: done by tick() later.
  void schedule_save() noexcept { save_scheduled_.store(true); }
  [[nodiscard]] Result<void> background_rewrite(keyspace::SafePoint::Participant* self);
  [[nodiscard]] bool saving() const { return saver_.status().running; }
  [[nodiscard]] bool rewriting() const { return aof_.status().rewriting; }
  [[nodiscard]] std::int64_t last_save_unix() const;

  /// DEBUG RELOAD: saves, empties, loads, or parts of that. `seat`: a participant that is not inside a batch, while the
  /// caller is none. Errors: what saving and loading say; the dataset may be empty or half loaded then.
  struct Reload {
    bool save = true;
    bool keep = false;   // what is there stays
    bool merge = false;  // keys of the file replace those that are there
  };
  [[nodiscard]] Result<void> reload(const Reload& how, keyspace::SafePoint::Participant& seat);
  /// DEBUG LOADAOF: empties the dataset and replays the log. `run` must not be inside a batch. Errors: the log is off.
  [[nodiscard]] Result<void> replay_aof(Dispatcher& dispatcher, Execution& run);
  void add_info(Info& info);
  /// CONFIG RESETSTAT. Thread: any.
  void reset_counters() { aof_.writer().forget_slow_syncs(); }
  /// Bytes of the log that are not written yet. Thread: any.
  [[nodiscard]] std::uint64_t aof_buffer() const { return aof_on_ ? aof_.status().writer.pending_bytes : 0; }
  [[nodiscard]] snapshot::SnapshotHost& host() noexcept { return host_; }
  [[nodiscard]] const snapshot::SnapshotHost& host() const noexcept { return host_; }

 private:
  class AofSink;
  /// How far the loading of a file is, for INFO. Thread: written by the one that loads, read by any.
  struct LoadMeter {
    std::atomic<std::int64_t> began{0};  // unix seconds; 0: nothing is loaded
    std::atomic<std::uint64_t> total{0};
    std::atomic<std::uint64_t> loaded{0};
    std::atomic<std::uint64_t> writer_memory{0};
  };
  class Measured;
  [[nodiscard]] snapshot::AuxInput aux() const;
  [[nodiscard]] snapshot::SaveJob save_job() const;
  [[nodiscard]] aof::RewriteJob rewrite_job(const config::Config& config);
  [[nodiscard]] Result<void> begin_rewrite(const config::Config& config, keyspace::SafePoint::Participant* self);
  [[nodiscard]] Result<void> renew_aof(const config::Config& config);
  [[nodiscard]] Result<void> close_aof(const ShutdownRequest& request);
  [[nodiscard]] Result<Loaded> load_aof(Dispatcher& dispatcher, Execution& run);
  void explain_rdb() const;
  [[nodiscard]] Result<Loaded> load_rdb(snapshot::DuplicateKeys duplicates, keyspace::SafePoint::Participant* seat);
  [[nodiscard]] Result<void> report(const snapshot::LoadProgress& progress);
  [[nodiscard]] std::function<void()> delay_after_key();
  void write_meter(InfoWriter& out) const;
  /// No command runs from here on, until the gate of loading is opened again.
  void shut_out_commands();
  void empty_dataset();
  void run_save_points(const config::Config& config);
  void progressed(Micros sync_took);
  void refuse_writes(const Error& error);
  template <typename Work>
  [[nodiscard]] Result<void> measured(const char* event, const Work& work);
  void run_rewrites(const config::Config& config);
  [[nodiscard]] bool save_failed(const config::Config& config) const;
  void update_gate(const config::Config& config);
  [[nodiscard]] std::string rdb_path(const config::Config& config) const;

  Parts parts_;
  snapshot::SnapshotHost host_;
  snapshot::RdbSaver saver_;
  std::function<void()> told_;       // by a thread of aof_
  std::function<void()> sync_told_;  // by that, or who calls sync()
  aof::Aof aof_;
  std::unique_ptr<AofSink> sink_;
  std::optional<aof::AofFiles::History> history_;  // set last by apply(), of which one runs at a time
  std::atomic<bool> aof_on_{false};
  std::atomic<bool> save_scheduled_{false};
  Mutex switching_;                     // whoever switches the log on or off, moves or renews it
  std::atomic<bool> data_goes_{false};  // from dataset_goes() to dataset_replaced()
  WallTime started_;
  std::optional<WallTime> last_try_;
  Meanwhile meanwhile_;    // while load() runs
  bool given_up_ = false;  // what it said
  LoadMeter meter_;
  // Of loading, for INFO.
  std::atomic<std::uint64_t> keys_loaded_{0};
  std::atomic<std::uint64_t> keys_expired_{0};
};

}  // namespace ashlar::server
