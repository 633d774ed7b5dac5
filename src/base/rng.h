/// Reproducible pseudo-random numbers (xoshiro256**, seeded by splitmix64). The same seed gives the same numbers on
/// every platform, which std distributions do not promise. Not for secrets: see secure_random() for those. Thread: one
/// per owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ashlar {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) noexcept;
  /// Uniform over all 2^64 values.
  [[nodiscard]] std::uint64_t next() noexcept;
  /// Uniform in 0..bound-1; bound must not be 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;
  /// Uniform in low..high, both included.
  [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high) noexcept;
  /// Uniform in [0, 1).
  [[nodiscard]] double unit() noexcept;
  /// True with probability p.
  [[nodiscard]] bool chance(double p) noexcept { return unit() < p; }
  /// An independent generator, for a component that shall not disturb this one's sequence.
  [[nodiscard]] Rng fork() noexcept { return Rng(next()); }

 private:
  std::uint64_t state_[4];
};

/// Fills `out` from the operating system's entropy source: run ids, node ids, hash seeds. Aborts if there is none.
void secure_random(std::span<std::byte> out) noexcept;
/// One seed from secure_random().
[[nodiscard]] std::uint64_t random_seed() noexcept;

}  // namespace ashlar
