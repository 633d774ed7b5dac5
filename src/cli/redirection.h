/// MOVED and ASK answers. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cli/connection.h"

namespace ashlar::cli {

/// Where a cluster node sends its client.
struct Redirection {
  enum class Kind : std::uint8_t { kMoved, kAsk };
  Kind kind;
  std::uint16_t slot;  // 0..16383
  Endpoint target;
  bool operator==(const Redirection&) const = default;
};

/// Reads the text of an error reply ("MOVED 3999 10.0.0.1:6381"). A target without host keeps the host of `asked`.
/// nullopt: the error is no redirection, or its slot or address is none.
[[nodiscard]] std::optional<Redirection> parse_redirection(std::string_view error, const Endpoint& asked);

}  // namespace ashlar::cli
