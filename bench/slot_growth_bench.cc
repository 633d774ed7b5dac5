/// One slot grows to N keys, one key at a time: how long does the slowest insert take? Usage: slot_growth_bench [N].
/// Prints `name value` lines; times in milliseconds. The thread's own time is what the table costs, the clock's what a
/// client would see on this machine. Library: ashlar_keyspace.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/cpu_time.h"
#include "keyspace/db.h"
#include "keyspace/slot_guard.h"

int main(int argc, char** argv) {
  using namespace ashlar;
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  keyspace::Keyspace keyspace(1);
  Rng rng(1);
  keyspace::AccessContext context{
      .now = wall_from_unix_millis(1'700'000'000'000), .counters = &keyspace.add_counters(), .rng = &rng};
  keyspace::Db db(keyspace, DbIndex{0}, context);
  std::vector<float> walls;
  walls.reserve(count);
  double slowest_cpu = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string key = fmt::format("{{a}}:{:012}", i);
    const keyspace::KeyRef ref = keyspace.ref(key);
    const double wall = bench::wall_seconds();
    const double cpu = bench::cpu_seconds();
    {
      const keyspace::SlotGuard guard(keyspace, ref.slot);
      db.set(ref, "vvvvvvvvvvvvvvvv", keyspace::NoExpiry{});
    }
    slowest_cpu = std::max(slowest_cpu, bench::cpu_seconds() - cpu);
    walls.push_back(static_cast<float>(bench::wall_seconds() - wall));
  }
  std::sort(walls.begin(), walls.end());
  const auto milliseconds = [&](double share) {
    return walls[static_cast<std::size_t>(static_cast<double>(count - 1) * share)] * 1e3;
  };
  fmt::print("slowest_cpu_ms {}\np9999_wall_ms {}\nslowest_wall_ms {}\n", slowest_cpu * 1e3, milliseconds(0.9999),
             milliseconds(1));
}
