/// How a node is named to clients. Source: cluster-preferred-endpoint-type. Thread: pure.
#pragma once

#include <string>

#include "cluster/core/view.h"

namespace ashlar::cluster {

enum class EndpointKind : std::uint8_t { kIp, kHostname, kUnknown };

/// The name to redirect to; "?" for a node that wants a host name and has none; empty for kUnknown, which tells the
/// client to stay with the address it used.
[[nodiscard]] inline std::string endpoint_of(const Node& node, EndpointKind kind) {
  switch (kind) {
    case EndpointKind::kIp: return node.address.ip;
    case EndpointKind::kHostname: return node.hostname.empty() ? "?" : node.hostname;
    case EndpointKind::kUnknown: return "";
  }
  return node.address.ip;
}

}  // namespace ashlar::cluster
