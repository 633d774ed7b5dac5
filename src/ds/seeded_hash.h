/// The hash of keys, members and fields: XXH3 with a seed of this process, so that nobody outside can aim at one
/// bucket. Thread: any; the seed is set once, before the first value is hashed.
#pragma once

#include <cstdint>
#include <string_view>

namespace ashlar::ds {

/// The seed is part of every hash in every table, so it is one for the process.
class HashSeed {
 public:
  [[nodiscard]] static std::uint64_t get() noexcept { return value_; }
  static void set(std::uint64_t seed) noexcept { value_ = seed; }

 private:
  static inline std::uint64_t value_ = 0x9E3779B97F4A7C15ULL;  // NOLINT: one per process by design, see above
};

/// XXH3 of `bytes` with HashSeed.
[[nodiscard]] std::uint64_t seeded_hash(std::string_view bytes) noexcept;

}  // namespace ashlar::ds
