/// redis:// addresses. Thread: any.
#pragma once

#include <string_view>

#include "base/error.h"
#include "cli/connection.h"

namespace ashlar::cli {

/// Overlays what `uri` names on `options`: redis://[[user]:]password@host:port/database, every part after the scheme
/// optional, percent escapes in user and password. IPv6 hosts stand in brackets.
/// Errors: kGeneric - "Invalid URI scheme", "Illegal character in URI encoding", "Incomplete URI encoding", "Invalid
/// URI port", "Invalid URI database"; `options` is then partly changed. Source: provisional redis URI scheme (IANA),
/// without query parameters.
[[nodiscard]] Result<void> apply_uri(std::string_view uri, ConnectOptions& options);

}  // namespace ashlar::cli
