/// The sections of INFO that tell about the process, its clients, memory and counters. Persistence and Replication get
/// their places here and their lines from those who know them.
#pragma once

#include <functional>
#include <optional>

#include "base/time.h"
#include "command/table.h"
#include "keyspace/keyspace.h"
#include "script/commands.h"
#include "server/acceptor.h"
#include "server/acl/denial_log.h"
#include "server/client_ledger.h"
#include "server/command_stats.h"
#include "server/config_service.h"
#include "server/info.h"
#include "server/memory_guard.h"
#include "server/memory_report.h"
#include "server/pubsub/hub.h"
#include "server/run_state.h"
#include "server/tracking/table.h"

namespace ashlar::server {

/// All must outlive the Info.
struct InfoParts {
  const Clock& clock;
  const TickRate& rate;
  const Published<config::Config>& config;
  const ConfigService& settings;
  const command::CommandTable& table;
  const StatsRegistry& stats;
  keyspace::Keyspace& keyspace;
  const Acceptor& acceptor;
  const ClientLedger& ledger;
  const MemoryAccounts& memory;
  const MemoryGuard& guard;
  const acl::DenialLog& denials;
  RunState& state;
  const pubsub::Hub& hub;
  const tracking::Table& tracking;
  script::ScriptCommands& scripts;
  /// What replication has received and sent, in bytes.
  std::function<std::uint64_t()> replication_input;
  std::function<std::uint64_t()> replication_output;
  /// Connections of the cluster bus; 0 outside of a cluster.
  std::function<std::uint64_t()> cluster_connections;
  /// When a shutdown that waits for replicas goes on without them.
  std::function<std::optional<MonoTime>()> shutdown_at;
};

/// Adds the sections in the order of Redis. Thread: before the loops start.
void register_info_sections(Info& info, const InfoParts& parts);

}  // namespace ashlar::server
