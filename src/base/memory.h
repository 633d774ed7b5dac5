/// How much memory the process uses, cheaply enough to ask before every batch of commands.
/// With jemalloc (linked into the programs) the figure is exact: each thread's own counters are summed. Without it
/// (unit tests, sanitizers) it comes from the C library. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ashlar {

/// Makes the calling thread's allocations count. Every Thread calls it by itself; main() calls it once.
void memory_thread_begin();
/// Keeps what the thread has counted when it ends.
void memory_thread_end();

/// Lets a thread of the allocator give freed pages back to the system after some seconds; without it an idle process
/// keeps them. Once, by the process that stays (threads do not survive fork()).
void allocator_purge_in_background();

/// Bytes allocated and not freed. Cost: two loads a thread.
[[nodiscard]] std::uint64_t memory_used() noexcept;

/// What the calling thread has allocated and not freed, or freed of what others have allocated: only a difference of
/// two says something. 0 without jemalloc. Cost: two loads.
[[nodiscard]] std::int64_t memory_balance_of_thread() noexcept;

/// What the allocator holds; slower, for INFO and MEMORY STATS.
struct AllocatorFigures {
  std::uint64_t allocated = 0;
  std::uint64_t active = 0;
  std::uint64_t resident = 0;
};
[[nodiscard]] AllocatorFigures allocator_figures();
/// "jemalloc-5.3.0" or "libc".
[[nodiscard]] std::string_view allocator_name() noexcept;
/// Resident set of the process, from the kernel.
[[nodiscard]] std::uint64_t resident_set_bytes();
/// The allocator's own report, long and meant for people (MEMORY MALLOC-STATS); a sentence where there is none.
[[nodiscard]] std::string allocator_report();
/// Gives unused pages back to the system (MEMORY PURGE).
void allocator_purge();

}  // namespace ashlar
