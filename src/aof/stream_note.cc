#include "aof/stream_note.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace ashlar::aof {
namespace {
constexpr std::string_view kPrefix = "#REPL:";
}

std::string render_stream_note(const snapshot::ReplicationAux& at) {
  return fmt::format("{}{}:{}:{}\r\n", kPrefix, at.history.hex(), at.offset.value, at.stream_db.value);
}

std::optional<snapshot::ReplicationAux> parse_stream_note(std::string_view line) {
  if (!line.starts_with(kPrefix)) return std::nullopt;
  line.remove_prefix(kPrefix.size());
  const std::size_t first = line.find(':');
  const std::size_t second = line.rfind(':');
  if (first == std::string_view::npos || first == second) return std::nullopt;
  const auto history = NodeId::from_hex(line.substr(0, first));
  const auto offset = parse_i64(line.substr(first + 1, second - first - 1));
  const auto db = parse_u64(line.substr(second + 1));
  if (!history || !offset || *offset < 0 || !db || *db > UINT32_MAX) return std::nullopt;
  return snapshot::ReplicationAux{DbIndex{static_cast<std::uint32_t>(*db)}, *history, ReplOffset{*offset}};
}

}  // namespace ashlar::aof
