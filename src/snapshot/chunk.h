/// A run of encoded entries, made while their slot is locked and finished outside the lock.
///
/// Compressing is slow, locks must be short: so a string that is worth compressing is put into `bytes` as it is, and
/// `deferred` says where it stands. Whoever writes the chunk packs it later (EntryFormat::pack). Thread: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "snapshot/rdb_format.h"

namespace ashlar::snapshot {

struct Chunk {
  /// A string inside `bytes` that still has to be encoded.
  struct Deferred {
    std::size_t at;
    std::size_t size;
  };

  std::string bytes;
  std::vector<Deferred> deferred;  // ascending, not overlapping
  /// The database of the first entry: not selected by `bytes` itself, because the writer may already be there.
  std::optional<DbIndex> first_db;
  DbIndex last_db;
  std::uint64_t keys = 0;
  std::uint16_t version = rdb::kWriteVersionMin;  // lowest RDB version that has all of it

  void clear() noexcept {
    bytes.clear();
    deferred.clear();
    first_db.reset();
    keys = 0;
    version = rdb::kWriteVersionMin;
  }
};

}  // namespace ashlar::snapshot
