/// An RDB stream as a whole: header, auxiliary fields, records in chunks, end mark and checksum.
///
/// Use: begin(), write() any number of times, end(). Thread: one. Errors: those of the sink; after one, stop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "snapshot/byte_stream.h"
#include "snapshot/rdb_encode.h"
#include "snapshot/rdb_format.h"

namespace ashlar::snapshot {

/// A name and a value that readers may ignore. Without a name, the value is the code of a function library, which they
/// may not.
struct AuxField {
  std::string name;
  std::string value;
};

/// What this file continues when a replica loads it.
struct ReplicationAux {
  DbIndex stream_db;  // selected in the stream at the cut
  NodeId history;     // replication id
  ReplOffset offset;  // of the stream at the cut
};

/// Whether the file is the base of an append-only file; then keys that expired meanwhile are kept when loading, for the
/// commands behind it may still need them.
enum class RdbPurpose : std::uint8_t { kSnapshot, kAofBase };

struct AuxInput {
  std::string redis_version;  // "7.2.4"
  WallTime created;
  std::uint64_t used_memory = 0;
  RdbPurpose purpose = RdbPurpose::kSnapshot;
  std::optional<ReplicationAux> replication;
  std::vector<std::string> functions;  // code of libraries
};
/// The fields that Redis 7.0 writes, in its order: redis-ver, redis-bits, ctime, used-mem, the repl-* ones when given,
/// aof-base.
[[nodiscard]] std::vector<AuxField> standard_aux(const AuxInput& input);

/// What a database will bring.
struct DbSizeHint {
  DbIndex db;
  std::uint64_t keys = 0;  // hints for the loader; may be wrong
  std::uint64_t expires = 0;
  std::uint16_t version = rdb::kWriteVersionMin;  // lowest RDB version that has all of its values; never too low
};

class RdbWriter {
 public:
  /// `sink` must outlive the writer.
  RdbWriter(ByteSink& sink, Checksum checksum) noexcept : sink_(sink), checksum_(checksum) {}

  /// Magic, the lowest version that has what `aux` and `sizes` announce, auxiliary fields, function libraries and, for
  /// databases with keys, the size hints.
  [[nodiscard]] Result<void> begin(const std::vector<AuxField>& aux, const std::vector<DbSizeHint>& sizes);
  /// Encoded records, complete ones. The database selected before the first is unknown: select it.
  [[nodiscard]] Result<void> write(std::string_view records);
  /// End mark and CRC64, which is 0 with Checksum::kNone.
  [[nodiscard]] Result<void> end();

  [[nodiscard]] std::uint64_t bytes_written() const noexcept { return written_; }

 private:
  ByteSink& sink_;
  Checksum checksum_;
  std::uint64_t crc_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace ashlar::snapshot
