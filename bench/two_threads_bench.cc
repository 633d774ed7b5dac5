/// Operations per second of one thread, and of two that work on the same key space at once, on uniformly drawn keys.
/// Usage: two_threads_bench [KEYS]. Prints `name value` lines: operations a second of CPU time, summed over the
/// threads, so that other processes do not count but waiting for locks and cache lines does. Median of five rounds.
/// Library: ashlar_keyspace.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/sync.h"
#include "bench/cpu_time.h"
#include "keyspace/db.h"
#include "keyspace/slot_guard.h"

namespace {

using namespace ashlar;

constexpr std::uint64_t kOperations = 2'000'000;
constexpr int kRounds = 5;
enum class Kind : std::uint8_t { kGet, kSet };

/// One thread's work; returns operations a second of its CPU time.
double work(keyspace::Keyspace& keyspace, keyspace::Counters& counters, std::uint64_t keys, std::uint64_t seed,
            Kind kind) {
  Rng rng(seed);
  keyspace::AccessContext context{.now = wall_from_unix_millis(1'700'000'000'000), .counters = &counters, .rng = &rng};
  keyspace::Db db(keyspace, DbIndex{0}, context);
  std::array<char, 17> key{};
  std::uint64_t found = 0;
  const double start = bench::cpu_seconds();
  for (std::uint64_t i = 0; i < kOperations; ++i) {
    fmt::format_to_n(key.data(), 16, "key:{:012}", rng.below(keys));
    const keyspace::KeyRef ref = keyspace.ref(std::string_view(key.data(), 16));
    const keyspace::SlotGuard guard(keyspace, ref.slot);
    if (kind == Kind::kSet) {
      db.set(ref, "wwwwwwwwwwwwwwww", keyspace::NoExpiry{});
    } else if (const keyspace::Entry* entry = db.find(ref, keyspace::Access::kRead)) {
      DecimalBuffer buffer;
      found += entry->text(buffer).size();
    }
  }
  const double took = bench::cpu_seconds() - start;
  return kind == Kind::kGet && found != kOperations * 16 ? 0 : static_cast<double>(kOperations) / took;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t keys = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  keyspace::Keyspace keyspace(1);
  keyspace::Counters* counters[] = {&keyspace.add_counters(), &keyspace.add_counters()};
  {
    Rng rng(1);
    keyspace::AccessContext context{
        .now = wall_from_unix_millis(1'700'000'000'000), .counters = counters[0], .rng = &rng};
    keyspace::Db db(keyspace, DbIndex{0}, context);
    for (std::uint64_t i = 0; i < keys; ++i) {
      const std::string key = fmt::format("key:{:012}", i);
      const keyspace::KeyRef ref = keyspace.ref(key);
      const keyspace::SlotGuard guard(keyspace, ref.slot);
      db.set(ref, "vvvvvvvvvvvvvvvv", keyspace::NoExpiry{});
    }
  }
  for (const Kind kind : {Kind::kGet, Kind::kSet}) {
    std::vector<double> one;
    std::vector<double> two;
    for (int round = 0; round < kRounds; ++round) {
      const auto seed = static_cast<std::uint64_t>(round) * 2 + 1;
      one.push_back(work(keyspace, *counters[0], keys, seed, kind));
      double other = 0;
      double mine = 0;
      {
        Thread thread("bench", [&] { other = work(keyspace, *counters[1], keys, seed + 1, kind); });
        mine = work(keyspace, *counters[0], keys, seed, kind);
        thread.join();
      }
      two.push_back(mine + other);
    }
    const char* name = kind == Kind::kGet ? "get" : "set";
    fmt::print("{}_one {}\n{}_two {}\n", name, median(one), name, median(two));
  }
}
