/// Numeric IP addresses as text. Thread: any.
#pragma once

#include <optional>
#include <string>

namespace ashlar {

/// `text` as the canonical spelling of a numeric IPv4 or IPv6 address ("::0001" is "::1"); nullopt if it is none.
/// Host names are not looked up.
[[nodiscard]] std::optional<std::string> canonical_ip(const std::string& text);

}  // namespace ashlar
