/// The cluster manager: `ashlar-cli --cluster <command> ...`.
#pragma once

#include <span>
#include <string>

#include "cli/connection.h"

namespace ashlar::cli {

/// Runs one command. `args_after_cluster` are all words after `--cluster`: the command, its arguments and its
/// `--cluster-*` options. `connect` says how to be let in by every node (user, password, time-outs); its endpoint is
/// not used. Talks on stdin, stdout and stderr. Result: the exit status, 0 when all went well. Thread: one. Blocks,
/// every wait being bounded.
[[nodiscard]] int cluster_main(std::span<const std::string> args_after_cluster, const ConnectOptions& connect);

}  // namespace ashlar::cli
