/// The note at the end of an append-only file that was closed in order: where in the replication stream its data
/// stands. It is an annotation, a line that Redis 7 skips: "#REPL:<40 hex digits>:<offset>:<database>". It holds only
/// while nothing follows it. Pure; thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "snapshot/rdb_writer.h"

namespace ashlar::aof {

/// With its line end.
[[nodiscard]] std::string render_stream_note(const snapshot::ReplicationAux& at);
/// `line` without line end; nullopt for any other annotation.
[[nodiscard]] std::optional<snapshot::ReplicationAux> parse_stream_note(std::string_view line);

}  // namespace ashlar::aof
