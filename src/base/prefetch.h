/// Starts loading memory into the first-level cache. Thread: any. Cost: one instruction; the address may be invalid.
#pragma once

namespace ashlar {

inline void prefetch(const void* address) noexcept {
  __builtin_prefetch(address);
  // GCC takes a function that does nothing but prefetch for one without effect and drops the calls of it (seen with
  // GCC 12 and LTO): this marks an effect and costs nothing.
  asm volatile("");
}

}  // namespace ashlar
