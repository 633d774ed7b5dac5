/// Starts loading memory into the first-level cache. Thread: any. Cost: one instruction; the address may be invalid.
#pragma once

namespace ashlar {

inline void prefetch(const void* address) noexcept {
  __builtin_prefetch(address);
  // GCC takes a function that does nothing but prefetch for one without effect and drops the calls of it (seen with
  // GCC 12 and LTO): this marks an effect and costs nothing.
  asm volatile("");
}

/// The same for what will be written, a lock for instance: other cores lose their copy now, and not in a second trip.
/// Where the instruction is not known, nothing happens.
inline void prefetch_to_write(const void* address) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1);
  asm volatile("");
#endif
}

}  // namespace ashlar
