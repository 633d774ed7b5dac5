/// Bytes that replication has moved, for INFO. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>

namespace ashlar::replication {

struct Traffic {
  std::atomic<std::uint64_t> in{0};   // from our primary: its snapshot and its stream
  std::atomic<std::uint64_t> out{0};  // to our replicas

  void received(std::uint64_t bytes) noexcept { in.fetch_add(bytes, std::memory_order_relaxed); }
  void sent(std::uint64_t bytes) noexcept { out.fetch_add(bytes, std::memory_order_relaxed); }
};

}  // namespace ashlar::replication
