/// The members of a sorted set in order of (score, member bytes): a B+-tree that counts what is below each branch.
///
/// A leaf holds words of a record's address and a 16-bit tag, the distance of its score from the leaf's base in steps
/// of 2^shift, cut off at both ends. Tags are in score order, so a search in a leaf reads records only where tags are
/// equal: mostly one. A branch holds the exact first score and record of every child and how many records are below it.
///
/// Thread: none of its own; the owner locks. It points at records and owns none. Invariants (check_invariants()):
///   1. Records are in strictly ascending order of (score, member) along the chain of leaves; tags never descend.
///   2. Branch entry i > 0 names the first record below child i; every entry counts the records below its child.
///   3. All leaves are equally deep. No node is empty but a lone root leaf; a branch has at least two children; leaves
///      away from both edges, and branches away from the right one, are at least a third full.
/// Cost: n = records. insert, erase, rescore, rank, at_rank, seek: O(log n); a step of a Position: O(1); erase_range:
/// O(k + k/60 log n) for k records. Memory: 9 to 12 bytes a record, 512 bytes at least.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "base/prefetch.h"
#include "ds/scored_member.h"

namespace ashlar::ds {

enum class Side : std::uint8_t { kBefore, kAfter };
/// A place between two neighbours: a range is two of them. "score >= 3" begins before 3, "score > 3" after 3.
struct FrontCut {};
struct BackCut {};
struct ScoreCut {
  double score;
  Side side;
};
/// By bytes alone: meaningful while all scores are equal, as BYLEX demands.
struct LexCut {
  std::string_view member;
  Side side;
};
using Cut = std::variant<FrontCut, BackCut, ScoreCut, LexCut>;

/// Whether an element stands before the cut.
[[nodiscard]] inline bool stands_before(double score, std::string_view member, const Cut& cut) noexcept {
  if (const auto* s = std::get_if<ScoreCut>(&cut))
    return s->side == Side::kBefore ? score < s->score : score <= s->score;
  if (const auto* l = std::get_if<LexCut>(&cut))
    return l->side == Side::kBefore ? member < l->member : member <= l->member;
  return std::holds_alternative<BackCut>(cut);
}

class SortedIndex {
  struct Leaf {
    static constexpr std::uint32_t kSlots = 60;
    Leaf* previous = nullptr;
    Leaf* next = nullptr;
    std::uint64_t base = 0;  // order_key of tag 0
    std::uint16_t count = 0;
    std::uint8_t shift = 0;
    std::uint64_t words[kSlots];  // tag << 48 | address; those from `count` on are unset

    [[nodiscard]] ScoredMember& record(std::uint32_t i) const noexcept {
      return *reinterpret_cast<ScoredMember*>(words[i] & 0x0000FFFFFFFFFFFFULL);
    }
  };
  static_assert(sizeof(Leaf) == 512);
  struct Branch;
  struct Entry;
  struct Path;
  struct LeafWork;
  struct BranchWork;
  struct Descent;

 public:
  /// A record in the order, or the end. Valid until the next change of the index.
  class Position {
   public:
    Position() = default;
    [[nodiscard]] bool at_end() const noexcept { return leaf_ == nullptr; }
    /// Only when not at_end().
    [[nodiscard]] const ScoredMember& operator*() const noexcept { return leaf_->record(at_); }
    [[nodiscard]] const ScoredMember* operator->() const noexcept { return &**this; }
    /// To the next record, or the end behind the last one. Only when not at_end().
    void forward() noexcept {
      if (++at_ < leaf_->count) {
        if (at_ + kAhead < leaf_->count) prefetch(&leaf_->record(at_ + kAhead));
        return;
      }
      at_ = 0;
      leaf_ = leaf_->next;
      if (leaf_ == nullptr) return;
      prefetch(leaf_->next);
      for (std::uint32_t i = 0; i < leaf_->count && i <= kAhead; ++i) prefetch(&leaf_->record(i));
    }
    /// To the record before, or the end before the first one. Only when not at_end().
    void backward() noexcept {
      if (at_ > 0) {
        --at_;
        if (at_ >= kAhead) prefetch(&leaf_->record(at_ - kAhead));
        return;
      }
      leaf_ = leaf_->previous;
      if (leaf_ == nullptr) return;
      at_ = leaf_->count - 1U;
      prefetch(leaf_->previous);
      for (std::uint32_t i = 0; i < leaf_->count && i <= kAhead; ++i) prefetch(&leaf_->record(at_ - i));
    }

   private:
    friend class SortedIndex;
    static constexpr std::uint32_t kAhead = 6;  // records that a walk loads in advance
    Position(const Leaf* leaf, std::uint32_t at) noexcept : leaf_(leaf), at_(at) {}
    const Leaf* leaf_ = nullptr;
    std::uint32_t at_ = 0;
  };

  SortedIndex() noexcept = default;
  SortedIndex(SortedIndex&& other) noexcept { swap(other); }
  SortedIndex& operator=(SortedIndex&& other) noexcept {
    SortedIndex taken(static_cast<SortedIndex&&>(other));
    swap(taken);
    return *this;
  }
  /// Frees nodes, not records.
  ~SortedIndex() { clear(); }

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// Adds a record whose (score, member) is not in the index. The record must stay until it is erased. Ascending
  /// and descending inserts fill leaves wholly.
  void insert(ScoredMember& record);
  /// Removes a record that is in the index; it stays the owner's.
  void erase(const ScoredMember& record);
  /// Gives a record of the index another score, with its place.
  void rescore(ScoredMember& record, double score);
  /// Removes `count` records from rank `first` on (first + count <= size()) and calls removed(ScoredMember&) for each,
  /// in order. `removed` must not touch the index; it may destroy the record.
  template <typename Removed>
  void erase_range(std::uint64_t first, std::uint64_t count, Removed&& removed);
  /// Forgets all records.
  void clear() noexcept;

  /// How many records stand before this one, which must be in the index.
  [[nodiscard]] std::uint64_t rank(const ScoredMember& record) const noexcept;
  /// How many records stand before the cut.
  [[nodiscard]] std::uint64_t rank(const Cut& cut) const noexcept;
  /// The record of this rank; the end when rank >= size().
  [[nodiscard]] Position at_rank(std::uint64_t rank) const noexcept;
  /// The first record behind the cut, or the end.
  [[nodiscard]] Position behind(const Cut& cut) const noexcept;
  /// The last record before the cut, or the end.
  [[nodiscard]] Position before(const Cut& cut) const noexcept;
  [[nodiscard]] Position first() const noexcept { return at_rank(0); }
  [[nodiscard]] Position last() const noexcept { return empty() ? Position() : at_rank(size_ - 1); }

  /// Bytes of all nodes (not of records). O(n / 60).
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  void check_invariants() const;

 private:
  /// What erase_range() removes in one go: a run within one leaf, found by rank.
  struct Run {
    ScoredMember* records[Leaf::kSlots];
    std::uint32_t count;
  };
  [[nodiscard]] Run take_run(std::uint64_t first, std::uint64_t at_most);

  void swap(SortedIndex& other) noexcept;
  void find_record(const ScoredMember& record, Path& path) const noexcept;
  void erase_at(Path& path, std::uint32_t count);
  void make_room(Path& path);
  void split_leaf(Path& path);
  void append_leaf(Path& path, ScoredMember& record);
  void prepend_leaf(Path& path, ScoredMember& record);
  void insert_entry(Path& path, std::uint32_t level, const Entry& entry);
  void grow_root(const Entry& entry);
  void refill_leaf(Path& path);
  void refill_branch(Path& path, std::uint32_t level);
  static void note_first(Path& path, std::uint32_t level, const Entry& entry) noexcept;
  [[nodiscard]] const Leaf* edge_leaf() const noexcept;

  void* root_ = nullptr;  // height 0: the only Leaf or nothing; else a Branch
  std::uint64_t size_ = 0;
  std::uint32_t height_ = 0;  // levels of branches above the leaves
};

template <typename Removed>
void SortedIndex::erase_range(std::uint64_t first, std::uint64_t count, Removed&& removed) {
  ASH_CHECK(first <= size_ && count <= size_ - first);
  while (count > 0) {
    const Run run = take_run(first, count);
    for (std::uint32_t i = 0; i < run.count; ++i) removed(*run.records[i]);
    count -= run.count;
  }
}

}  // namespace ashlar::ds
