/// What the files of this folder share: registration, replies of elements, key specs. Thread: any.
#pragma once

#include <cstdint>

#include "command/context.h"
#include "command/table.h"
#include "commands/shared/sorted_set_result.h"
#include "keyspace/values/sorted_set.h"

namespace ashlar::commands {

// The families of this folder, one source file each.
void register_zset_writes(command::CommandTable& table);
void register_zset_reads(command::CommandTable& table);
void register_zset_ranges(command::CommandTable& table);
void register_zset_range_removals(command::CommandTable& table);
void register_zset_pops(command::CommandTable& table);
void register_zset_samples(command::CommandTable& table);
void register_zset_algebra(command::CommandTable& table);

/// `numkeys key [key ...]` whose count stands at `index`.
[[nodiscard]] constexpr command::KeySpec counted_keys(std::int16_t index, command::KeyAccess access,
                                                      command::KeyAction action) noexcept {
  return {.begin = command::KeySpec::Begin::kIndex,
          .index = index,
          .find = command::KeySpec::Find::kKeyNum,
          .first_key = 1,
          .access = access,
          .action = action};
}

/// How elements of a sorted set are replied.
enum class Shape : std::uint8_t {
  kMembers,     // members alone
  kWithScores,  // member and score: pairs in RESP3, one after another in RESP2
  kPairs,       // pairs in both
  kFlat,        // one after another in both
};

class ElementReply {
 public:
  ElementReply(resp::Encoder& reply, Shape shape) noexcept
      : reply_(reply),
        scores_(shape != Shape::kMembers),
        paired_(shape == Shape::kPairs || (shape == Shape::kWithScores && reply.version() == resp::Version::kResp3)) {}
  /// The header of a reply of `n` elements.
  void begin(std::size_t n) { reply_.array(replies_of(n)); }
  /// The same where `n` is known only at the end.
  [[nodiscard]] resp::Deferred begin() { return reply_.begin_array(); }
  void end(resp::Deferred deferred, std::size_t n) { reply_.end(deferred, replies_of(n)); }
  void put(const keyspace::SortedSet::Element& e) {
    if (paired_) reply_.array(2);
    reply_.bulk(e.member);
    if (scores_) reply_.number(e.score);
  }

 private:
  [[nodiscard]] std::size_t replies_of(std::size_t n) const noexcept { return scores_ && !paired_ ? 2 * n : n; }
  resp::Encoder& reply_;
  bool scores_;
  bool paired_;
};

/// Ranks first..end-1; empty when first >= end.
struct RankRange {
  std::uint64_t first;
  std::uint64_t end;
};
/// What `first`..`last` (both included, negative from the end) means in a set of `size`.
[[nodiscard]] constexpr RankRange clamp_ranks(std::int64_t first, std::int64_t last, std::uint64_t size) noexcept {
  const auto n = static_cast<std::int64_t>(size);
  if (first < 0) first = first < -n ? 0 : first + n;
  if (last < 0) last = last < -n ? -1 : last + n;
  if (last >= n) last = n - 1;
  if (first > last) return {0, 0};
  return {static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(last) + 1};
}

}  // namespace ashlar::commands
