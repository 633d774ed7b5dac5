#include "cli/redirection.h"

#include <limits>

#include "base/bytes.h"

namespace ashlar::cli {
namespace {

constexpr std::uint64_t kLastSlot = 16383;

}  // namespace

std::optional<Redirection> parse_redirection(std::string_view error, const Endpoint& asked) {
  Redirection out{.kind = Redirection::Kind::kMoved, .slot = 0, .target = {}};
  if (error.starts_with("MOVED ")) {
    error.remove_prefix(6);
  } else if (error.starts_with("ASK ")) {
    out.kind = Redirection::Kind::kAsk;
    error.remove_prefix(4);
  } else {
    return std::nullopt;
  }
  const std::size_t space = error.find(' ');
  const std::size_t colon = error.rfind(':');  // the last one: IPv6 addresses stand without brackets
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space) return std::nullopt;
  const auto slot = parse_u64(error.substr(0, space));
  const auto port = parse_u64(error.substr(colon + 1));
  if (!slot || *slot > kLastSlot || !port || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  const std::string_view host = error.substr(space + 1, colon - space - 1);
  out.slot = static_cast<std::uint16_t>(*slot);
  out.target.host = host.empty() || host == "?" ? asked.host : std::string(host);
  out.target.port = static_cast<std::uint16_t>(*port);
  return out;
}

}  // namespace ashlar::cli
