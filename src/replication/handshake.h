/// What a replica and its primary say to each other before the stream, as pure functions. Thread: any.
/// Source: the PSYNC2 protocol as spoken by redis-server 7.0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "base/ids.h"

namespace ashlar::replication {

/// Answers to PSYNC.
struct FullResync {
  NodeId id;
  std::int64_t offset = 0;  // of the snapshot that follows
  bool operator==(const FullResync&) const = default;
};
struct Continue {
  std::optional<NodeId> id;  // new name of the history
  bool operator==(const Continue&) const = default;
};
/// The primary cannot now; ask again later.
struct TryLater {
  std::string why;
  bool operator==(const TryLater&) const = default;
};
using PsyncAnswer = std::variant<FullResync, Continue, TryLater>;
/// `line` without its line end. Errors: kProtocol.
[[nodiscard]] Result<PsyncAnswer> parse_psync_answer(std::string_view line);

/// How a snapshot is framed: by length, or by 40 bytes that stand at its end.
struct ByLength {
  std::uint64_t bytes = 0;
  bool operator==(const ByLength&) const = default;
};
struct ByMark {
  std::string mark;
  bool operator==(const ByMark&) const = default;
};
using Framing = std::variant<ByLength, ByMark>;
inline constexpr std::size_t kMarkBytes = 40;
/// "$123" or "$EOF:<40 bytes>", without line end. Errors: kProtocol.
[[nodiscard]] Result<Framing> parse_transfer_header(std::string_view line);

/// What a PSYNC asks for.
struct SyncRequest {
  std::optional<NodeId> history;  // nullopt: "?", or SYNC
  std::int64_t position = 0;      // bytes of the history that the replica has
  enum class Dialect : std::uint8_t { kSync, kPsync } dialect = Dialect::kPsync;
};
/// The arguments of PSYNC. Errors: kNotInteger.
[[nodiscard]] Result<SyncRequest> parse_psync_request(std::string_view history, std::string_view offset);

/// What a replica told of itself with REPLCONF.
struct ReplicaTraits {
  std::uint16_t port = 0;
  std::string address;  // empty: that of the socket
  bool knows_mark = false;
  bool knows_psync2 = false;
  bool wants_rdb_only = false;
  enum class Content : std::uint8_t { kAll, kFunctions, kNothing };
  Content content = Content::kAll;  // of the snapshot
};
/// Takes one option of REPLCONF into `traits`. Errors: what the client is told.
[[nodiscard]] Result<void> take_replconf(ReplicaTraits& traits, std::string_view option, std::string_view value);

}  // namespace ashlar::replication
