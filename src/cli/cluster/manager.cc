#include "cli/cluster/manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "base/rng.h"
#include "base/time.h"
#include "cli/cluster/commands.h"
#include "cli/cluster/options.h"
#include "cli/cluster/session.h"

namespace ashlar::cli::cluster {
namespace {

Result<Outcome> run(Session& session) {
  switch (session.options.command) {
    case Command::kCreate: return run_create(session);
    case Command::kCheck: return run_check(session);
    case Command::kInfo: return run_info(session);
    case Command::kFix: return run_fix(session);
    case Command::kReshard: return run_reshard(session);
    case Command::kRebalance: return run_rebalance(session);
    case Command::kAddNode: return run_add_node(session);
    case Command::kDelNode: return run_del_node(session);
    case Command::kCall: return run_call(session);
    case Command::kSetTimeout: return run_set_timeout(session);
    case Command::kImport: return run_import(session);
    case Command::kBackup: return run_backup(session);
    case Command::kHelp: session.terminal.print(help_text()); return Outcome::kDone;
  }
  return Outcome::kFailed;
}

void show_error(Terminal& terminal, const Error& error) {
  if (error.code == ErrorCode::kIo || error.code == ErrorCode::kSyntax || error.code == ErrorCode::kNoAuth) {
    terminal.error_line(error.text());
  } else {
    terminal.line(Style::kBad, fmt::format("[ERR] {}", error.text()));
  }
}

}  // namespace
}  // namespace ashlar::cli::cluster

namespace ashlar::cli {

int cluster_main(std::span<const std::string> args_after_cluster, const ConnectOptions& connect) {
  using namespace cluster;
  Terminal terminal(stdin, stdout, stderr);
  // An output that nobody reads any more must not stop a move half-way.
  std::signal(SIGPIPE, SIG_IGN);
  const auto options = cluster::parse_options(args_after_cluster);
  if (!options) {
    terminal.error_line(fmt::format("[ERR] {}", options.error().text()));
    return 1;
  }
  // A node that is asked for its opinion answers soon or is as good as dead; only MIGRATE may take its time (Patience).
  constexpr Seconds kSilence(30);
  constexpr Millis kDialLimit(5'000);
  ConnectOptions base = connect;
  base.connect_timeout = std::min(base.connect_timeout, kDialLimit);
  Links links(std::move(base), kSilence);
  const SystemClock clock;
  Rng rng(random_seed());
  cluster::Session session{*options, links, terminal, clock, rng};
  const auto outcome = cluster::run(session);
  if (!outcome) show_error(terminal, outcome.error());
  return outcome && *outcome == Outcome::kDone ? 0 : 1;
}

}  // namespace ashlar::cli
