/// Where the memory of the process goes: what MEMORY STATS, MEMORY DOCTOR and INFO tell. Thread: any loop.
/// Cost: one pass over all slots, a lock each.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/memory.h"
#include "keyspace/keyspace.h"
#include "server/run_state.h"

namespace ashlar::server {

struct MemoryReport {
  struct Database {
    std::uint32_t index;
    std::uint64_t keys;
    std::uint64_t table_bytes;
  };
  std::uint64_t used = 0;
  std::uint64_t peak = 0;
  std::uint64_t startup = 0;
  std::uint64_t backlog = 0;
  std::uint64_t replicas = 0;  // waiting output of their links
  std::uint64_t clients = 0;   // buffers and state of all connections
  std::uint64_t aof_buffer = 0;
  std::uint64_t cluster_links = 0;
  std::uint64_t scripts = 0;
  std::uint64_t functions = 0;
  std::uint64_t resident = 0;
  std::uint64_t keys = 0;
  std::vector<Database> databases;  // those with keys
  AllocatorFigures heap;

  /// All that is no data: tables, buffers, and what the process needed before it had data.
  [[nodiscard]] std::uint64_t overhead() const;
  [[nodiscard]] std::uint64_t dataset() const { return used > overhead() ? used - overhead() : 0; }
  /// Share of the dataset in what came after start, 0..100.
  [[nodiscard]] double dataset_percent() const;
};

/// Collects a report. Holders of buffers are asked through functions because they live in other parts.
class MemoryAccounts {
 public:
  using Bytes = std::function<std::uint64_t()>;
  /// All must outlive the object; functions are called from any loop.
  struct Parts {
    keyspace::Keyspace& keyspace;
    RunState& state;
    Bytes clients;
    Bytes backlog;
    Bytes replicas;
    Bytes aof_buffer;
  };
  explicit MemoryAccounts(Parts parts) : parts_(std::move(parts)) {}
  [[nodiscard]] MemoryReport report() const;

 private:
  Parts parts_;
};

/// Bytes of a table for one key, on average (ds/dense_table.h).
inline constexpr std::uint64_t kTableBytesPerKey = 10;

}  // namespace ashlar::server
