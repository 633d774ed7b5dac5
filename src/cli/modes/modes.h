/// The special modes of ashlar-cli: one function each, which runs to its end and gives the exit status.
/// Thread: one. Blocks. Every mode wants a session that is connected.
#pragma once

#include "base/time.h"
#include "cli/options.h"
#include "cli/session.h"

namespace ashlar::cli {

/// What a mode works with; everything is borrowed.
struct ModeContext {
  const Options& options;
  Session& session;
  Console console;
  const Clock& clock;
};

/// --scan: prints keys. Exit 1: the server refused or hung up.
[[nodiscard]] int run_scan(const ModeContext& context);
/// --stat: a line a second until the user stops it. Exit 1: the server refused INFO.
[[nodiscard]] int run_stat(const ModeContext& context);
/// --latency and --latency-history: endless on a terminal; else one summary.
[[nodiscard]] int run_latency(const ModeContext& context);
/// --latency-dist: a coloured line per interval, endless.
[[nodiscard]] int run_latency_distribution(const ModeContext& context);
/// --bigkeys, --memkeys: walks all keys, reports the biggest of each type. SIGINT ends the walk, not the report.
[[nodiscard]] int run_big_keys(const ModeContext& context);
/// --hotkeys: walks all keys, reports the ones used most.
[[nodiscard]] int run_hot_keys(const ModeContext& context);
/// --pipe: standard input to the server as it is. Exit 1: errors among the replies, or no reply in time.
[[nodiscard]] int run_pipe(const ModeContext& context);
/// --rdb, --functions-rdb: asks for a snapshot as a replica would, writes it to a file or standard output.
[[nodiscard]] int run_rdb(const ModeContext& context);
/// --replica: becomes a replica without data and shows the stream, a command a line. Exit 1: the server hung up.
[[nodiscard]] int run_replica(const ModeContext& context);
/// SYNC and PSYNC as commands: sends `words` as they are and shows what follows like --replica, until the server hangs
/// up or refuses, or the user interrupts it. The connection is of no use for anything else then. Exit 1 always.
[[nodiscard]] int run_sync_command(const ModeContext& context, Words words);

}  // namespace ashlar::cli
