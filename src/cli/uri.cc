#include "cli/uri.h"

#include <limits>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace ashlar::cli {
namespace {

constexpr std::string_view kScheme = "redis://";
constexpr std::string_view kSchemeWithTls = "rediss://";

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  c = to_lower(c);
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text[0] != '%') {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 3) return fail("Incomplete URI encoding");
    const auto high = hex_digit(text[1]);
    const auto low = hex_digit(text[2]);
    if (!high || !low) return fail("Illegal character in URI encoding");
    out += static_cast<char>(*high * 16 + *low);
    text.remove_prefix(3);
  }
  return out;
}

Result<void> apply_user_info(std::string_view info, ConnectOptions& options) {
  const std::size_t colon = info.find(':');
  if (colon != std::string_view::npos) {
    ASH_TRY(options.user, percent_decode(info.substr(0, colon)));
    info.remove_prefix(colon + 1);
  }
  ASH_TRY(options.password, percent_decode(info));
  return {};
}

Result<void> apply_host(std::string_view authority, Endpoint& endpoint) {
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return fail("Invalid URI host");
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (!host.empty()) endpoint.host = host;
  if (port.empty()) return {};
  const auto number = parse_u64(port.substr(1));
  if (port[0] != ':' || !number || *number > std::numeric_limits<std::uint16_t>::max()) return fail("Invalid URI port");
  endpoint.port = static_cast<std::uint16_t>(*number);
  return {};
}

}  // namespace

Result<void> apply_uri(std::string_view uri, ConnectOptions& options) {
  if (iequals(uri.substr(0, kSchemeWithTls.size()), kSchemeWithTls))
    return fail("TLS ('rediss://') is not supported by ashlar-cli.");
  if (!iequals(uri.substr(0, kScheme.size()), kScheme)) return fail("Invalid URI scheme");
  uri.remove_prefix(kScheme.size());
  if (const std::size_t at = uri.rfind('@'); at != std::string_view::npos) {
    ASH_TRY_VOID(apply_user_info(uri.substr(0, at), options));
    uri.remove_prefix(at + 1);
  }
  const std::size_t slash = uri.find('/');
  const std::string_view authority = uri.substr(0, slash);
  if (!authority.empty()) ASH_TRY_VOID(apply_host(authority, options.endpoint));
  if (slash == std::string_view::npos || slash + 1 == uri.size()) return {};
  const auto database = parse_u64(uri.substr(slash + 1));
  if (!database || *database > std::numeric_limits<std::uint32_t>::max()) return fail("Invalid URI database");
  options.database = static_cast<std::uint32_t>(*database);
  return {};
}

}  // namespace ashlar::cli
