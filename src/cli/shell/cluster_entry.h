/// The way from the options to the cluster manager, which may be missing from a build.
#pragma once

#include "cli/options.h"
#include "cli/session.h"

namespace ashlar::cli {

/// Runs what stands after --cluster. Returns the exit status.
[[nodiscard]] int run_cluster_manager(const Options& options, Console console);

}  // namespace ashlar::cli
