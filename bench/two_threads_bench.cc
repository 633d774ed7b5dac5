/// Operations per second of one thread, of two that work on the same key space at once, and of two that share nothing
/// but the machine: whatever is lost there is not ours. Uniformly drawn keys.
/// Usage: two_threads_bench [KEYS]. Prints `name value` lines: operations a second of CPU time, summed over the
/// threads, so that other processes do not count but waiting for locks and cache lines does. Medians of
/// 15 rounds, and of the ratios of each round, for a machine is not equally fast all the time.
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

#include "base/prefetch.h"
#include "base/sync.h"
#include "bench/cpu_time.h"
#include "keyspace/db.h"
#include "keyspace/slot_guard.h"

namespace {

using namespace ashlar;

constexpr std::uint64_t kOperations = 800'000;
constexpr int kRounds = 15;
constexpr std::size_t kBatch = 16;  // commands whose slots are loaded ahead, as the server does with a batch
enum class Kind : std::uint8_t { kGet, kSet };

/// One thread's work; returns operations a second of its CPU time.
double work(keyspace::Keyspace& keyspace, keyspace::Counters& counters, std::uint64_t keys, std::uint64_t seed,
            Kind kind) {
  Rng rng(seed);
  keyspace::AccessContext context{.now = wall_from_unix_millis(1'700'000'000'000), .counters = &counters, .rng = &rng};
  keyspace::Db db(keyspace, DbIndex{0}, context);
  std::array<std::array<char, 16>, kBatch> texts{};
  std::array<keyspace::KeyRef, kBatch> refs{};
  std::uint64_t found = 0;
  const double start = bench::cpu_seconds();
  for (std::uint64_t i = 0; i < kOperations; i += kBatch) {
    for (std::size_t k = 0; k < kBatch; ++k) {
      fmt::format_to_n(texts[k].data(), 16, "key:{:012}", rng.below(keys));
      refs[k] = keyspace.ref(std::string_view(texts[k].data(), 16));
      prefetch_to_write(&keyspace.slot(refs[k].slot));
    }
    for (const keyspace::KeyRef& ref : refs) {
      const keyspace::SlotGuard guard(keyspace, ref.slot);
      if (kind == Kind::kSet) {
        db.set(ref, "wwwwwwwwwwwwwwww", keyspace::NoExpiry{});
      } else if (const keyspace::Entry* entry = db.find(ref, keyspace::Access::kRead)) {
        DecimalBuffer buffer;
        found += entry->text(buffer).size();
      }
    }
  }
  const double took = bench::cpu_seconds() - start;
  return kind == Kind::kGet && found != kOperations * 16 ? 0 : static_cast<double>(kOperations) / took;
}

void fill(keyspace::Keyspace& keyspace, keyspace::Counters& counters, std::uint64_t keys) {
  Rng rng(1);
  keyspace::AccessContext context{.now = wall_from_unix_millis(1'700'000'000'000), .counters = &counters, .rng = &rng};
  keyspace::Db db(keyspace, DbIndex{0}, context);
  for (std::uint64_t i = 0; i < keys; ++i) {
    const std::string key = fmt::format("key:{:012}", i);
    const keyspace::KeyRef ref = keyspace.ref(key);
    const keyspace::SlotGuard guard(keyspace, ref.slot);
    db.set(ref, "vvvvvvvvvvvvvvvv", keyspace::NoExpiry{});
  }
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t keys = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  keyspace::Keyspace shared(1);
  keyspace::Keyspace another(1);
  keyspace::Counters& counters = shared.add_counters();
  keyspace::Counters& second = shared.add_counters();
  keyspace::Counters& others = another.add_counters();
  fill(shared, counters, keys);
  fill(another, others, keys);
  for (const Kind kind : {Kind::kGet, Kind::kSet}) {
    std::vector<double> one;
    std::vector<double> two;  // over one, as the next
    std::vector<double> apart;
    for (int round = 0; round < kRounds; ++round) {
      const auto seed = static_cast<std::uint64_t>(round) * 2 + 1;
      const auto beside = [&](keyspace::Keyspace& keyspace, keyspace::Counters& its_counters) {
        double other = 0;
        Thread thread("bench", [&] { other = work(keyspace, its_counters, keys, seed + 1, kind); });
        const double mine = work(shared, counters, keys, seed, kind);
        thread.join();
        return mine + other;
      };
      one.push_back(work(shared, counters, keys, seed, kind));
      two.push_back(beside(shared, second) / one.back());
      apart.push_back(beside(another, others) / one.back());
    }
    const char* name = kind == Kind::kGet ? "get" : "set";
    fmt::print("{0}_one {1}\n{0}_two {2}\n{0}_apart {3}\n", name, median(one), median(two), median(apart));
  }
}
