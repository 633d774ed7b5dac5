/// Replays an append-only log at start: its base, then its increments.
///
/// Thread: the caller's. Errors name file and offset, and leave every file as it is. The one thing that is ever changed
/// is the incomplete end of the last file, which is cut off when `aof-load-truncated` allows it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "aof/aof_files.h"
#include "aof/command_reader.h"
#include "keyspace/keyspace.h"
#include "snapshot/rdb_load.h"

namespace ashlar::aof {

/// `aof-load-truncated`.
enum class TruncatedTail : std::uint8_t { kCut, kRefuse };

struct AofLoadOptions {
  TruncatedTail tail = TruncatedTail::kCut;
  /// Runs one command: name and arguments, valid during the call. Each file begins with a SELECT 0. An error ends the
  /// loading. MULTI and EXEC never arrive: a transaction arrives as its commands, or not at all.
  std::function<Result<void>(std::span<const std::string_view> args)> apply;
  WallTime now;
  snapshot::Checksum checksum = snapshot::Checksum::kCrc64;
  std::uint64_t string_bytes_max = 512ULL << 20;  // `proto-max-bulk-len`
  /// About every `progress_every` bytes; `bytes` counts over all files. May be empty.
  std::function<Result<void>(const snapshot::LoadProgress&)> progress;
  std::uint64_t progress_every = 2 << 20;
  /// For the RDB part, as with load_rdb().
  keyspace::SafePoint::Participant* seat = nullptr;
  std::function<void()> after_key;
};

struct AofLoadReport {
  bool found = false;  // there was something to load
  std::uint64_t commands = 0;
  snapshot::LoadProgress total;
  std::uint64_t cut_bytes = 0;          // of the end of the last file
  std::vector<snapshot::AuxField> aux;  // of the base
  /// Where in the replication stream the data stands, when the log was closed in order.
  std::optional<snapshot::ReplicationAux> replication;
};

/// Loads the files that `files` lists into `keyspace` (the RDB parts) and through `apply` (the commands).
[[nodiscard]] Result<AofLoadReport> load_aof(const AofFiles& files, keyspace::Keyspace& keyspace,
                                             const AofLoadOptions& options);
/// Bytes of all files listed, for progress.
[[nodiscard]] Result<std::uint64_t> total_bytes(const AofFiles& files);

}  // namespace ashlar::aof
