/// Random runs: a cluster, faults and commands drawn from one seed, then healing, then everything must be well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cluster/core/options.h"
#include "sim/checks.h"

namespace ashlar::sim {

struct SwarmOptions {
  std::uint64_t seed = 1;
  std::size_t nodes = 0;    // 3..100; 0 = drawn, at most 12
  Seconds faults_for{60};   // virtual time under faults
  cluster::Faults planted;  // a bug that the checks should find
  std::function<void(std::string)> trace;
};

struct SwarmResult {
  std::vector<std::string> complaints;  // empty: all checks held
  std::uint64_t trace_hash = 0;
  std::uint64_t steps = 0;
  Checks::Marks marks;
  std::string summary;  // what was drawn, in one line
};

/// One run. Equal options give equal results.
[[nodiscard]] SwarmResult run_swarm(const SwarmOptions& options);

}  // namespace ashlar::sim
