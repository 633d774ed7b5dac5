/// Every setting of a server as one plain value, grouped by concern. `Config{}` holds the defaults: the initialisers of
/// its parts are the only place where the default of a bound directive stands (the table formats them for CONFIG GET
/// and the docs).
///
/// Thread: a value; the server publishes an immutable copy to its loops after each CONFIG SET.
/// Source: names, units and defaults of Redis 7.0.15, of Valkey 8.1 where Redis has no such directive.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "server/config/settings_data.h"
#include "server/config/settings_server.h"

namespace ashlar::config {

/// Where the configuration came from.
struct Origin {
  std::string config_file;            // absolute path; empty: started without one
  std::uint32_t default_threads = 1;  // what `threads` is when no one says
  std::string working_directory = ".";
};

struct Config {
  NetworkConfig network;
  ClientsConfig clients;
  SecurityConfig security;
  ProcessConfig process;
  LogConfig log;
  MonitorConfig monitor;
  SnapshotConfig snapshot;
  AofConfig aof;
  ReplicationConfig replication;
  ClusterConfig cluster;
  MemoryConfig memory;
  EncodingConfig encoding;
  Origin origin;
  /// Canonical text of directives without a member of their own, by name; only what was set.
  std::map<std::string, std::string, std::less<>> kept;
};

}  // namespace ashlar::config
