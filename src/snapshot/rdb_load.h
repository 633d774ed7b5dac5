/// Loads an RDB stream into the key space.
///
/// Thread: the caller's, which may be any; slots are locked one key at a time, so other threads may read meanwhile.
/// Errors: those of RdbReader; what was loaded before the error stays, the caller decides what to do with it. Cost: one
/// table insert a key.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/time.h"
#include "keyspace/keyspace.h"
#include "snapshot/byte_stream.h"
#include "snapshot/rdb_reader.h"
#include "snapshot/rdb_writer.h"

namespace ashlar::snapshot {

/// For files and what a primary sends: `proto-max-bulk-len` is about clients. Memory follows the bytes that arrive.
inline constexpr std::uint64_t kFileStringBytesMax = std::uint64_t{1} << 40;

/// What becomes of keys that expired before `now`.
enum class ExpiredKeys : std::uint8_t {
  kSkip,              // a primary that loads its own snapshot
  kSkipUnlessStream,  // the same, but kept in a file that continues a replication stream: whoever follows has them too
  kKeep,              // a replica, or the base of an append-only file: somebody else removes them
};

/// What becomes of a key that is there already.
enum class DuplicateKeys : std::uint8_t {
  kRefuse,   // the file is damaged
  kReplace,  // two datasets are merged on purpose (DEBUG RELOAD MERGE)
};

/// Numbers for INFO, told about every `limits.progress_every` bytes.
struct LoadProgress {
  std::uint64_t bytes = 0;  // consumed
  std::uint64_t keys_loaded = 0;
  std::uint64_t keys_expired = 0;
  std::uint64_t keys_empty = 0;     // skipped: collections without elements
  std::uint64_t writer_memory = 0;  // bytes that the writer of the file used for the dataset, if it says so
};

struct LoadOptions {
  WallTime now;
  ExpiredKeys expired = ExpiredKeys::kSkip;
  DuplicateKeys duplicates = DuplicateKeys::kRefuse;
  Checksum checksum = Checksum::kCrc64;
  RdbLimits limits;
  /// Of the calling thread, when others may run Exclusive sections meanwhile; must not be inside a batch.
  keyspace::SafePoint::Participant* seat = nullptr;
  /// An error returned ends the loading. May be empty.
  std::function<Result<void>(const LoadProgress&)> progress;
  /// Called after every key, with no slot locked. May be empty.
  std::function<void()> after_key;
};

struct LoadReport {
  LoadProgress total;
  std::uint16_t version = 0;
  std::vector<AuxField> aux;
  /// From the repl-* fields, when all of them are there.
  std::optional<ReplicationAux> replication;
  /// Bytes the source gave beyond the RDB part.
  std::string leftover;
};

/// Reads one RDB stream from `source`. Warnings (skipped modules and functions) go to the log.
[[nodiscard]] Result<LoadReport> load_rdb(keyspace::Keyspace& keyspace, ByteSource& source, const LoadOptions& options);
/// The same for a file; errors begin with its path.
[[nodiscard]] Result<LoadReport> load_rdb_file(keyspace::Keyspace& keyspace, FileSystem& fs, const std::string& path,
                                               const LoadOptions& options);

}  // namespace ashlar::snapshot
