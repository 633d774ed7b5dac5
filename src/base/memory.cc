#include "base/memory.h"

#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <vector>

#include "base/sync.h"

// Resolved only where jemalloc is linked.
extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_length, void* new_value,
                       std::size_t new_length) __attribute__((weak));
extern "C" void malloc_stats_print(void (*write)(void*, const char*), void* target, const char* options)
    __attribute__((weak));

namespace ashlar {
namespace {

struct ThreadCounters {
  const std::uint64_t* allocated = nullptr;
  const std::uint64_t* deallocated = nullptr;
};

/// All threads that allocate; one per process because allocation is.
struct Registry {
  Mutex mutex;
  std::vector<ThreadCounters> threads ASH_GUARDED_BY(mutex);
  std::int64_t ended ASH_GUARDED_BY(mutex) = 0;
};

Registry& registry() {
  static Registry* const kRegistry = new Registry;  // never destroyed: threads may end after main()
  return *kRegistry;
}

ThreadCounters own_counters() {
  ThreadCounters counters;
  std::size_t length = sizeof counters.allocated;
  ::mallctl("thread.allocatedp", &counters.allocated, &length, nullptr, 0);
  ::mallctl("thread.deallocatedp", &counters.deallocated, &length, nullptr, 0);
  return counters;
}

std::int64_t balance(const ThreadCounters& t) noexcept {
  return static_cast<std::int64_t>(__atomic_load_n(t.allocated, __ATOMIC_RELAXED) -
                                   __atomic_load_n(t.deallocated, __ATOMIC_RELAXED));
}

std::uint64_t read_statistic(const char* name) {
  std::size_t value = 0;
  std::size_t length = sizeof value;
  return ::mallctl(name, &value, &length, nullptr, 0) == 0 ? value : 0;
}

}  // namespace

std::int64_t memory_balance_of_thread() noexcept {
  if (::mallctl == nullptr) return 0;
  static thread_local const ThreadCounters kOwn = own_counters();
  return balance(kOwn);
}

void memory_thread_begin() {
  if (::mallctl == nullptr) return;
  const ThreadCounters mine = own_counters();
  MutexLock lock(registry().mutex);
  registry().threads.push_back(mine);
}

void memory_thread_end() {
  if (::mallctl == nullptr) return;
  const ThreadCounters mine = own_counters();
  Registry& r = registry();
  MutexLock lock(r.mutex);
  std::erase_if(r.threads, [&](const ThreadCounters& t) {
    if (t.allocated != mine.allocated) return false;
    r.ended += balance(t);
    return true;
  });
}

void allocator_purge_in_background() {
  if (::mallctl == nullptr) return;
  bool on = true;
  ::mallctl("background_thread", nullptr, nullptr, &on, sizeof on);
  // Growing tables leave pages behind that nothing of the same size needs again. MALLOC_CONF has the last word.
  constexpr std::size_t kDefaultMillis = 10'000;
  if (read_statistic("opt.dirty_decay_ms") != kDefaultMillis) return;
  ssize_t millis = 250;
  ::mallctl("arenas.dirty_decay_ms", nullptr, nullptr, &millis, sizeof millis);  // of those that come
  ::mallctl("arena.0.dirty_decay_ms", nullptr, nullptr, &millis, sizeof millis);
}

std::uint64_t memory_used() noexcept {
  if (::mallctl == nullptr) return ::mallinfo2().uordblks;
  Registry& r = registry();
  MutexLock lock(r.mutex);
  std::int64_t sum = r.ended;
  for (const ThreadCounters& t : r.threads) sum += balance(t);
  return sum > 0 ? static_cast<std::uint64_t>(sum) : 0;
}

AllocatorFigures allocator_figures() {
  if (::mallctl == nullptr) {
    const std::uint64_t used = memory_used();
    return {used, used, resident_set_bytes()};
  }
  std::uint64_t epoch = 1;
  std::size_t length = sizeof epoch;
  ::mallctl("epoch", &epoch, &length, &epoch, length);
  return {read_statistic("stats.allocated"), read_statistic("stats.active"), read_statistic("stats.resident")};
}

std::string_view allocator_name() noexcept { return ::mallctl != nullptr ? "jemalloc-5.3.0" : "libc"; }

std::uint64_t resident_set_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const int fields = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

std::string allocator_report() {
  if (::malloc_stats_print == nullptr) return "Stats not supported for the current allocator";
  std::string text;
  ::malloc_stats_print([](void* target, const char* part) { static_cast<std::string*>(target)->append(part); }, &text,
                       "");
  return text;
}

void allocator_purge() {
  if (::mallctl != nullptr) ::mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: all arenas
}

}  // namespace ashlar
