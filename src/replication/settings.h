/// The settings of replication, taken from the server's configuration. Thread: values.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "snapshot/rdb_encode.h"
#include "snapshot/rdb_writer.h"

namespace ashlar::replication {

struct Settings {
  std::string user;      // masteruser
  std::string password;  // masterauth; empty: no AUTH
  bool serve_stale_data = true;
  bool read_only = true;
  bool announced = true;
  std::uint32_t priority = 100;
  std::string announce_ip;
  std::string source_address;  // that we connect from; empty: the system picks
  std::uint16_t port = 6379;   // that we tell our primary
  bool diskless_sync = true;
  Seconds diskless_sync_delay{5};                // others may arrive meanwhile and share the snapshot
  std::uint32_t diskless_sync_max_replicas = 0;  // so many need not wait any longer; 0: the whole delay
  enum class DisklessLoad : std::uint8_t { kNever, kWhenEmpty, kBeside };
  DisklessLoad diskless_load = DisklessLoad::kNever;
  bool lazy_flush = false;  // the memory of what a full synchronisation replaces is given back in the background
  bool nodelay = true;
  Seconds ping_period{10};
  Seconds timeout{60};
  std::uint64_t backlog_size = 1ULL << 20;  // bytes
  Seconds backlog_ttl{3600};                // zero: never freed
  std::uint32_t min_replicas = 0;           // 0: no condition
  Seconds min_replicas_max_lag{10};
  std::uint32_t ack_replicas = 0;  // so many must have a write before it is answered; 0: none
  bool ack_on_disk = false;        // on their disks
  std::uint64_t output_hard = 0;   // bytes a replica may lag in our memory; 0: no limit
  std::uint64_t output_soft = 0;
  Seconds output_soft_for{0};
  snapshot::Compression compression = snapshot::Compression::kLzf;
  snapshot::Checksum checksum = snapshot::Checksum::kCrc64;
  std::string redis_version;  // for the auxiliary fields of snapshots
};

}  // namespace ashlar::replication
