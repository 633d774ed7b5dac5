/// What the scripted stories share.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "sim/topology.h"
#include "sim/world.h"

namespace ashlar::sim {

/// A short node timeout: stories tell of orders of events, and of bounds in timeouts.
inline WorldOptions quick() {
  WorldOptions options;
  options.node.node_timeout = Millis{2'000};
  return options;
}

/// Runs until the running hosts agree again; the reason if they do not within `limit`, else "".
inline std::string settle(World& world, Seconds limit) {
  (void)world.run_until([&] { return !world.why_not_settled(); }, limit);
  return world.why_not_settled().value_or("");
}

/// Every always-check held so far.
inline void expect_clean(World& world) {
  for (const std::string& violation : world.checks().violations()) ADD_FAILURE() << violation;
}

inline void must(const Result<cluster::AdminValue>& answer) {
  ASSERT_TRUE(answer.has_value()) << answer.error().text();
}

inline bool is_primary(World& world, HostIndex host) { return world.view(host).myself().is_primary(); }

}  // namespace ashlar::sim
