/// The one ordered log of effects. Every write is rendered once, as the bytes of the Redis replication stream, while
/// its slots are locked; so conflicting writes stand in the same order everywhere the log goes.
///
/// Two sinks, each with its own bytes: the append-only file (effects of this process) and the replication stream (on a
/// replica the bytes of its primary, passed on unchanged). Each remembers its selected database. Thread: any; the log's
/// mutex comes after slot locks in the lock order. Cost without sinks: one relaxed load.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/sync.h"
#include "keyspace/keyspace.h"

namespace ashlar::changelog {

/// Takes log bytes in order. Called with the log's mutex held: must not block and must not call the log.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void append(std::string_view records) = 0;
};

/// Which sinks a record is for.
enum class Target : std::uint8_t { kAll, kAofOnly, kReplicationOnly };

/// A command of a group, with the database it ran in.
struct Recorded {
  DbIndex db;
  std::vector<std::string> args;
  Target target = Target::kAll;
};

/// Renders a command as a RESP array of bulk strings behind `out`.
void render(std::string& out, std::span<const std::string_view> args);

class ChangeLog final : public keyspace::RemovalListener {
 public:
  using Command = std::span<const std::string_view>;

  /// True when at least one sink is attached; a writer may skip all work otherwise.
  [[nodiscard]] bool active() const noexcept { return active_.load(std::memory_order_relaxed); }

  /// Attaches or, with nullptr, detaches a sink. The sink's selected database is forgotten, so the next record names
  /// its own.
  void set_aof(Sink* sink);
  void set_replication(Sink* sink);
  /// Database that the replication stream has selected; 0 when the next record names its own. Thread: any.
  [[nodiscard]] DbIndex replication_db() const;
  /// Makes the next replication record name its database (a replica has just been given a snapshot).
  void forget_replication_db();
  /// The same for the append-only file, which begins another increment.
  void forget_aof_db();

  /// Records one command. Call with the slots of its keys locked.
  void record(DbIndex db, Command args, Target target = Target::kAll);
  /// Records several commands that belong together: wrapped in MULTI and EXEC when there is more than one.
  void record_group(DbIndex db, const std::vector<std::vector<std::string>>& commands, Target target = Target::kAll);
  /// The same for commands of several databases, each also limited to its own target.
  void record_group(std::span<const Recorded> commands, Target target = Target::kAll);
  /// Appends bytes of the stream as they are (a replica passing on its primary's stream; pings). Replication only.
  void record_raw(std::string_view bytes);

  /// Expired keys go as DEL or, when told so, UNLINK.
  enum class ExpiryWord : std::uint8_t { kDel, kUnlink };
  void set_expiry_word(ExpiryWord word) noexcept {
    unlink_.store(word == ExpiryWord::kUnlink, std::memory_order_relaxed);
  }
  [[nodiscard]] std::string_view expiry_word() const noexcept {
    return unlink_.load(std::memory_order_relaxed) ? "UNLINK" : "DEL";
  }
  void key_removed(DbIndex db, const keyspace::KeyRef& key, keyspace::Removal why) override;
  void fields_removed(DbIndex db, const keyspace::KeyRef& key, std::span<const std::string> fields) override;
  /// With kPrimary, removals and effects do not enter the replication stream: its bytes come from record_raw().
  enum class StreamSource : std::uint8_t { kOurs, kPrimary };
  void set_stream_source(StreamSource source) noexcept {
    passive_.store(source == StreamSource::kPrimary, std::memory_order_relaxed);
  }

  /// Number of bytes ever recorded for replication by this object; a position for "has this been sent".
  [[nodiscard]] std::uint64_t replication_bytes() const noexcept {
    return replication_bytes_.load(std::memory_order_acquire);
  }

 private:
  struct Stream {
    Sink* sink = nullptr;
    std::uint32_t selected = kNone;
  };
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  void record_group_as_one(std::span<const Recorded* const> commands, Target target);
  void update_active() ASH_REQUIRES(mutex_);
  void append(Stream& stream, DbIndex db, std::string_view records) ASH_REQUIRES(mutex_);
  void publish(DbIndex db, std::string_view records, Target target);
  void publish_locked(DbIndex db, std::string_view records, Target target) ASH_REQUIRES(mutex_);

  mutable Mutex mutex_;
  Stream aof_ ASH_GUARDED_BY(mutex_);
  Stream replication_ ASH_GUARDED_BY(mutex_);
  std::string select_ ASH_GUARDED_BY(mutex_);
  std::atomic<bool> active_{false};
  std::atomic<bool> unlink_{false};
  std::atomic<bool> passive_{false};
  std::atomic<std::uint64_t> replication_bytes_{0};
};

}  // namespace ashlar::changelog
