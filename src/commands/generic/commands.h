/// All commands of the group "generic" but MIGRATE, WAIT and WAITAOF; and DBSIZE, FLUSHALL, FLUSHDB, SWAPDB.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "command/table.h"
#include "keyspace/entry.h"
#include "keyspace/keyspace.h"
#include "keyspace/values/limits.h"

namespace ashlar::commands {

/// Port to the serialised form of values (DUMP payload: type, value, version, checksum), which a higher rank knows.
struct PayloadCodec {
  std::string (*dump)(const keyspace::Entry& entry);
  /// Errors (their text goes to the client): wrong version or checksum, bad data.
  std::function<Result<keyspace::OwnedValue>(std::string_view payload, const keyspace::EncodingLimits& limits)> restore;
};

/// Whether the process is a cluster node, where some commands are refused.
enum class ServerMode : std::uint8_t { kStandalone, kCluster };

/// Registers the generic commands and holds what they need from outside. Outlives the table it filled.
/// Thread: register_in() by one; the handlers by any.
class GenericCommands {
 public:
  /// `on_flushall` is called when FLUSHALL has emptied the dataset, with everything else standing still.
  GenericCommands(const PayloadCodec& codec, ServerMode mode, std::function<void()> on_flushall = {})
      : codec_(codec), mode_(mode), on_flushall_(std::move(on_flushall)) {}

  void register_in(command::CommandTable& table);
  /// What a FLUSHALL or FLUSHDB does that says neither SYNC nor ASYNC (`lazyfree-lazy-user-flush`). Thread: any.
  void set_freeing(keyspace::Keyspace::Freeing freeing) noexcept { freeing_.store(freeing, std::memory_order_relaxed); }

  void dump(command::Context& ctx);
  void restore(command::Context& ctx);
  void copy(command::Context& ctx);
  void move(command::Context& ctx);
  void sort(command::Context& ctx);
  void swapdb(command::Context& ctx);
  void flushall(command::Context& ctx);
  void flushdb(command::Context& ctx);

 private:
  /// A cluster node without `cluster-databases`, which refuses to know of other databases.
  [[nodiscard]] bool one_database_only(const command::Context& ctx) const;
  /// When a flush with these arguments gives the memory back.
  [[nodiscard]] keyspace::Keyspace::Freeing freeing_of(const command::Context& ctx) const;

  PayloadCodec codec_;
  ServerMode mode_;
  std::function<void()> on_flushall_;
  std::atomic<keyspace::Keyspace::Freeing> freeing_{keyspace::Keyspace::Freeing::kNow};
};

}  // namespace ashlar::commands
