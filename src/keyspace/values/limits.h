/// When a collection changes its encoding: the `*-max-listpack-*`, `set-max-intset-entries` and `stream-node-*`
/// directives. Thread: read by any, changed by CONFIG SET; each number on its own. Source: redis.conf of Redis 7.2,
/// section "ADVANCED CONFIG".
#pragma once

#include <atomic>
#include <cstdint>

namespace ashlar::keyspace {

/// A number that others may change meanwhile; copied with its owner.
template <typename T>
class Relaxed {
 public:
  Relaxed(T value = {}) noexcept : value_(value) {}
  Relaxed(const Relaxed& other) noexcept : value_(other.get()) {}
  Relaxed& operator=(const Relaxed& other) noexcept {
    value_.store(other.get(), std::memory_order_relaxed);
    return *this;
  }
  [[nodiscard]] T get() const noexcept { return value_.load(std::memory_order_relaxed); }
  operator T() const noexcept { return get(); }

 private:
  std::atomic<T> value_;
};

struct EncodingLimits {
  Relaxed<std::uint64_t> hash_listpack_entries = 512;
  Relaxed<std::uint64_t> hash_listpack_value = 64;  // bytes
  Relaxed<std::uint64_t> set_intset_entries = 512;
  Relaxed<std::uint64_t> set_listpack_entries = 128;
  Relaxed<std::uint64_t> set_listpack_value = 64;  // bytes
  Relaxed<std::uint64_t> zset_listpack_entries = 128;
  Relaxed<std::uint64_t> zset_listpack_value = 64;   // bytes
  Relaxed<std::int32_t> list_listpack_size = -2;     // > 0: entries; -1..-5: 4, 8, 16, 32, 64 KiB
  Relaxed<std::uint32_t> list_compress_depth = 0;    // nodes at each end that stay as they are; 0: none is compressed
  Relaxed<std::uint64_t> stream_node_bytes = 4096;   // 0: no limit
  Relaxed<std::uint64_t> stream_node_entries = 100;  // 0: no limit
  Relaxed<std::uint64_t> hll_sparse_bytes = 3000;
};

}  // namespace ashlar::keyspace
