/// One member of a sorted set in one allocation: its score and its bytes.
///
///     offset 0 score (8) | length (1; or 255 and 8 more bytes) | member
///
/// The member table and the sorted index of a set point at the same record. Thread: the owner's. Invariants: the score
/// is not a NaN; it changes only through SortedIndex while the record is in one. A member of 16 bytes costs 32 bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ashlar::ds {

/// Maps scores to integers of the same order; both zeros to the same one. NaN is not allowed.
[[nodiscard]] inline std::uint64_t order_key(double score) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(score + 0.0);  // -0.0 + 0.0 is 0.0
  return (bits >> 63) != 0 ? ~bits : bits | std::uint64_t{1} << 63;
}

class ScoredMember {
 public:
  /// A record of its own, for destroy(). Cost: one allocation. Aborts through bad_alloc when memory is out.
  [[nodiscard]] static ScoredMember* make(std::string_view member, double score);
  static void destroy(ScoredMember* record) noexcept;

  [[nodiscard]] double score() const noexcept { return score_; }
  [[nodiscard]] std::uint64_t key() const noexcept { return order_key(score_); }
  /// Lives as long as the record.
  [[nodiscard]] std::string_view member() const noexcept {
    if (length_ != kLong) [[likely]]
      return {body(), length_};
    std::uint64_t n = 0;
    std::memcpy(&n, body(), sizeof n);
    return {body() + sizeof n, n};
  }
  /// Only while the record is in no index.
  void set_score(double score) noexcept { score_ = score; }
  /// Bytes asked of the allocator.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return bytes_for(member().size()); }

 private:
  static constexpr std::uint8_t kLong = 255;
  static constexpr std::size_t kHeader = 9;
  [[nodiscard]] static std::size_t bytes_for(std::size_t size) noexcept {
    return kHeader + (size < kLong ? 0 : sizeof(std::uint64_t)) + size;
  }
  [[nodiscard]] const char* body() const noexcept { return reinterpret_cast<const char*>(this) + kHeader; }

  double score_;
  std::uint8_t length_;
};

}  // namespace ashlar::ds
