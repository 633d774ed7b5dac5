#include "server/memory_report.h"

#include "keyspace/slot_guard.h"
#include "server/sampler.h"

namespace ashlar::server {

std::uint64_t MemoryReport::overhead() const {
  std::uint64_t sum = startup + backlog + replicas + clients + cluster_links + aof_buffer + scripts + functions;
  for (const Database& database : databases) sum += database.table_bytes;
  return sum;
}

double MemoryReport::dataset_percent() const {
  if (used <= startup) return 0;
  return 100 * static_cast<double>(dataset()) / static_cast<double>(used - startup);
}

MemoryReport MemoryAccounts::report() const {
  MemoryReport r;
  r.used = memory_used();
  note_memory(parts_.state, r.used);
  r.peak = parts_.state.peak_memory.load(std::memory_order_relaxed);
  r.startup = parts_.state.startup_memory;
  r.backlog = parts_.backlog();
  r.replicas = parts_.replicas();
  r.clients = parts_.clients();
  r.aof_buffer = parts_.aof_buffer();
  r.resident = resident_set_bytes();
  r.heap = allocator_figures();

  keyspace::Keyspace& ks = parts_.keyspace;
  std::vector<MemoryReport::Database> all(ks.databases());
  for (std::uint32_t i = 0; i < kSlotCount; ++i) {
    const keyspace::SlotGuard guard(ks, SlotId::wrap(i));
    keyspace::Slot& slot = ks.slot(SlotId::wrap(i));
    slot.for_each_db([&](const keyspace::SlotDb& db) {
      if (db.number >= all.size() || db.table.size() == 0) return;
      all[db.number].keys += db.table.size();
      all[db.number].table_bytes += db.table.memory_bytes();
    });
  }
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    if (all[i].keys == 0) continue;
    all[i].index = i;
    r.keys += all[i].keys;
    r.databases.push_back(all[i]);
  }
  return r;
}

}  // namespace ashlar::server
