/// Commands as bytes of the log, and a snapshot as commands: the base of `aof-use-rdb-preamble no`.
/// Thread: any. Source: RESP arrays of bulk strings.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "snapshot/entry_format.h"

namespace ashlar::aof {

/// Appends one command: "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n".
void append_command(std::string& out, std::span<const std::string_view> args);
/// Appends SELECT `db`.
void append_select(std::string& out, DbIndex db);

/// The annotation that says when what follows was written: "#TS:<unix seconds>" with its line end.
[[nodiscard]] std::string timestamp_line(WallTime at);

/// SELECT, SET and PEXPIREAT, which every Redis understands.
class CommandEntryFormat final : public snapshot::EntryFormat {
 public:
  void select_db(std::string& out, DbIndex db) const override { append_select(out, db); }
  void entry(snapshot::Chunk& out, const keyspace::Entry& entry) const override;
  [[nodiscard]] std::unique_ptr<snapshot::EntryPieces> pieces(const keyspace::Entry& entry) const override;
};

}  // namespace ashlar::aof
