/// How a snapshot turns entries into bytes: RDB records here, commands in aof/, payloads for migration elsewhere.
///
/// A format has no state that changes: entry() runs on any thread with the entry's slot locked, pack() on the
/// snapshot's thread with nothing locked.
#pragma once

#include <memory>
#include <string>

#include "base/ids.h"
#include "keyspace/entry.h"
#include "snapshot/chunk.h"
#include "snapshot/entry_pieces.h"
#include "snapshot/rdb_encode.h"
#include "snapshot/rdb_format.h"

namespace ashlar::snapshot {

class EntryFormat {
 public:
  virtual ~EntryFormat() = default;
  /// Appends what makes the following entries belong to `db`.
  virtual void select_db(std::string& out, DbIndex db) const = 0;
  /// Appends one entry. Fast: what takes time is deferred.
  virtual void entry(Chunk& out, const keyspace::Entry& entry) const = 0;
  /// The same entry in pieces; null when entry() takes no longer than a piece. `entry` must outlive the result.
  [[nodiscard]] virtual std::unique_ptr<EntryPieces> pieces(const keyspace::Entry& /*entry*/) const { return nullptr; }
  /// The lowest RDB version that has the value of `entry`; any, when the format is not RDB. `entry` stays locked.
  [[nodiscard]] virtual std::uint16_t version(const keyspace::Entry& /*entry*/) const { return 0; }
  /// Whether version() tells anything.
  [[nodiscard]] virtual bool has_versions() const noexcept { return false; }
  /// Appends the finished form of `chunk`.
  virtual void pack(const Chunk& chunk, std::string& out) const { out += chunk.bytes; }
};

/// RDB records.
class RdbEntryFormat final : public EntryFormat {
 public:
  RdbEntryFormat(Compression compression, const rdb::ClockFields& clock) noexcept
      : compression_(compression), clock_(clock) {}
  void select_db(std::string& out, DbIndex db) const override { rdb::append_select_db(out, db.value); }
  void entry(Chunk& out, const keyspace::Entry& entry) const override {
    rdb::append_entry(out, entry, clock_, compression_);
  }
  [[nodiscard]] std::unique_ptr<EntryPieces> pieces(const keyspace::Entry& entry) const override {
    return rdb::entry_pieces(entry, clock_, compression_);
  }
  [[nodiscard]] std::uint16_t version(const keyspace::Entry& entry) const override {
    return rdb::version_of_type(rdb::type_of(entry));
  }
  [[nodiscard]] bool has_versions() const noexcept override { return true; }
  void pack(const Chunk& chunk, std::string& out) const override { rdb::pack(chunk, compression_, out); }

 private:
  Compression compression_;
  rdb::ClockFields clock_;
};

}  // namespace ashlar::snapshot
