/// MIGRATE: moves keys to another server, keeping the last write.
///
/// A loop never waits for the other server: a background thread sends the keys and deletes here what the other has
/// taken. Redis serves nobody meanwhile; here only writes to the slots of these keys wait (Gates::hold()), so that none
/// is lost on the way and none comes to the other server before the keys do. What is deleted all the same, by expiry or
/// eviction, is moved. Thread: the handler any loop; the rest its own.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/sync.h"
#include "changelog/change_log.h"
#include "cli/connection.h"
#include "command/table.h"
#include "server/dispatcher.h"
#include "server/worker_pool.h"

namespace ashlar::server {

class MigrateCommand {
 public:
  struct Parts {
    keyspace::Keyspace& keyspace;
    changelog::ChangeLog& log;
    const Clock& clock;
    Gates& gates;
    WorkerPool& workers;
    enum class Mode : std::uint8_t { kStandalone, kCluster } mode;  // RESTORE or RESTORE-ASKING
  };
  explicit MigrateCommand(Parts parts) : parts_(parts) {}
  /// Waits until what has begun has ended.
  ~MigrateCommand();
  MigrateCommand(const MigrateCommand&) = delete;
  MigrateCommand& operator=(const MigrateCommand&) = delete;

  void register_in(command::CommandTable& table);
  /// Its own execution, once the dispatcher exists.
  void start(Dispatcher& dispatcher) {
    dispatcher_ = &dispatcher;
    run_ = dispatcher.make_execution();
  }
  void migrate(command::Context& ctx);
  /// Connections that are kept for the next MIGRATE to the same place. Thread: any.
  [[nodiscard]] std::size_t cached_connections() const noexcept { return cached_.load(std::memory_order_relaxed); }
  /// Ends those that nobody has used for a while. Thread: any; called now and then.
  void close_idle(MonoTime now);

 private:
  enum class Keep : std::uint8_t { kMove, kCopy };
  enum class Existing : std::uint8_t { kRefuse, kReplace };
  struct Job {
    cli::ConnectOptions target;
    std::uint32_t target_db = 0;
    DbIndex db;
    Keep keep = Keep::kMove;
    Existing existing = Existing::kRefuse;
    std::vector<std::string> keys;
  };
  struct Sent {
    std::string key;
    std::string payload;
    std::int64_t expiry_ms = 0;  // Unix; 0: none
  };
  [[nodiscard]] static Result<Job> parse(command::Context& ctx);
  struct Link {
    cli::Connection connection;
    std::optional<std::uint32_t> db;  // selected there
    MonoTime last_used;
  };
  enum class Source : std::uint8_t { kCached, kNew };
  void carry_out(const Job& job, const command::Completion& complete);
  [[nodiscard]] Result<void> move_by(const Job& job, const std::vector<Sent>& batch, Source source);
  [[nodiscard]] Result<void> move_all(const Job& job, const std::vector<Sent>& batch, Link& link);
  /// Logs in and selects the database.
  [[nodiscard]] static Result<void> prepare(const Job& job, Link& link);
  void hold(const Job& job);
  void release();
  [[nodiscard]] static std::string name_of(const cli::ConnectOptions& target);
  void count_links() noexcept { cached_.store(links_.size(), std::memory_order_relaxed); }
  /// Those that are there.
  [[nodiscard]] std::vector<Sent> read_all(const Job& job);
  /// What the other server said of each key, in their order; nullopt: it has taken it.
  [[nodiscard]] Result<std::vector<std::optional<std::string>>> send(const Job& job, const std::vector<Sent>& batch,
                                                                     cli::Connection& target) const;
  /// Deletes what has been moved, as soon as writes are not paused. Errors: it stays, for we are a replica by now or
  /// about to end.
  [[nodiscard]] Result<void> erase(const Job& job, const std::string& key);
  enum class Wait : std::uint8_t { kGoesOn, kEnds };
  [[nodiscard]] Wait wait_for_writes();
  [[nodiscard]] keyspace::Db open_db(DbIndex db);

  Parts parts_;
  Dispatcher* dispatcher_ = nullptr;
  std::unique_ptr<Execution> run_;
  std::map<std::string, Link> links_;  // by place and login; of the thread
  std::atomic<std::size_t> cached_{0};
  Mutex mutex_;
  CondVar stop_;
  bool stopping_ ASH_GUARDED_BY(mutex_) = false;
  Executor thread_{"migrate"};  // last: its jobs use the others
};

}  // namespace ashlar::server
