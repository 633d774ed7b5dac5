/// Members with scores, in the order of (score, member bytes).
///
/// Small sets are a listpack of member, score, member, score ... in order; others a table from member to record and an
/// index of the same records in order. Thread: none of its own; reached only under the slot's lock. Invariants: no
/// member twice; no score is a NaN; once an index, always an index. Cost: a listpack O(size), bounded by the limits;
/// else O(log size) to find, add, remove and rank, O(1) for score() and a step of a cursor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/bytes.h"
#include "ds/listpack.h"
#include "ds/sorted_index.h"
#include "keyspace/values/limits.h"
#include "keyspace/values/value.h"

namespace ashlar::keyspace {

/// When SortedSet::add() changes anything, and how. Source: the options of ZADD.
struct ScoreRule {
  enum class Presence : std::uint8_t { kAny, kOnlyNew, kOnlyPresent };
  enum class Direction : std::uint8_t { kAny, kOnlyGreater, kOnlyLess };  // for members that are there
  enum class Meaning : std::uint8_t { kScore, kIncrement };
  Presence presence = Presence::kAny;
  Direction direction = Direction::kAny;
  Meaning meaning = Meaning::kScore;
};

class SortedSet {
  struct Indexed;

 public:
  struct Element {
    std::string_view member;
    double score;
  };

  /// An element in order, or the end. Valid until the next change of the set.
  class Cursor {
   public:
    Cursor() = default;
    [[nodiscard]] bool at_end() const noexcept { return small_ ? pos_ == view_.stop() : position_.at_end(); }
    /// Only when not at_end(). The member's bytes live until the cursor moves or the set changes.
    [[nodiscard]] Element element();
    /// To the next element, or to the end. Only when not at_end().
    void forward() noexcept;
    /// To the element before, or to the end. Only when not at_end().
    void backward() noexcept;

   private:
    friend class SortedSet;
    Cursor(ds::ListpackView view, ds::ListpackPos pos) noexcept : small_(true), view_(view), pos_(pos) {}
    explicit Cursor(ds::SortedIndex::Position position) noexcept : position_(position) {}
    bool small_ = false;
    ds::ListpackView view_{nullptr};
    ds::ListpackPos pos_{};
    ds::SortedIndex::Position position_;
    DecimalBuffer digits_{};
  };

  SortedSet();
  ~SortedSet();
  SortedSet(const SortedSet&) = delete;
  SortedSet& operator=(const SortedSet&) = delete;

  [[nodiscard]] std::uint64_t size() const noexcept {
    return indexed_ == nullptr ? small_.count() / 2 : indexed_size();
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] Owned<SortedSet> clone() const;
  /// Bytes allocated, this object included. O(size / 28) at most.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  /// Bytes of the elements behind its index; 0 of a listpack. O(1).
  [[nodiscard]] std::size_t record_bytes() const noexcept;
  /// What OBJECT ENCODING replies: "listpack" or "skiplist".
  [[nodiscard]] std::string_view encoding_name() const noexcept;

  enum class Outcome : std::uint8_t { kAdded, kMoved, kSame, kRefused, kNotANumber };
  struct Added {
    Outcome outcome;
    double score;  // the member's score now; meaningless when kRefused or kNotANumber
  };
  /// Adds a member or gives it another score, as the rule allows. kRefused: the rule forbids it; kNotANumber: the sum
  /// of an increment is none. In both cases nothing has changed. `score` is not a NaN.
  Added add(std::string_view member, double score, const ScoreRule& rule, const EncodingLimits& limits);
  /// False when there is no such member.
  bool erase(std::string_view member);
  /// Removes `count` elements from rank `first` on; first + count <= size().
  void erase_range(std::uint64_t first, std::uint64_t count);

  [[nodiscard]] std::optional<double> score(std::string_view member) const;
  struct Ranked {
    std::uint64_t rank;  // from the lowest, 0 the first
    double score;
  };
  [[nodiscard]] std::optional<Ranked> rank(std::string_view member) const;
  /// How many elements stand before the cut.
  [[nodiscard]] std::uint64_t rank(const ds::Cut& cut) const;
  /// The element of a rank; the end when rank >= size().
  [[nodiscard]] Cursor at_rank(std::uint64_t rank) const;
  /// The first element behind the cut, or the end.
  [[nodiscard]] Cursor behind(const ds::Cut& cut) const;
  /// The last element before the cut, or the end.
  [[nodiscard]] Cursor before(const ds::Cut& cut) const;
  [[nodiscard]] Cursor first() const { return at_rank(0); }

  /// Calls visit(Element) for about `at_least` elements from a position on (0 at the beginning) and returns the next
  /// position, 0 at the end. Elements that stay during a whole scan are visited at least once. A listpack is visited
  /// whole.
  template <typename Visit>
  [[nodiscard]] std::uint64_t scan(std::uint64_t position, std::uint64_t at_least, Visit&& visit) const {
    using V = std::remove_reference_t<Visit>;
    return scan_with(
        position, at_least, [](void* target, const Element& e) { (*static_cast<V*>(target))(e); },
        const_cast<void*>(static_cast<const void*>(&visit)));
  }

  void check_invariants() const;

 private:
  using Visitor = void (*)(void* target, const Element& element);
  struct Place;  // of a member in the listpack

  [[nodiscard]] std::uint64_t indexed_size() const noexcept;
  [[nodiscard]] std::uint64_t scan_with(std::uint64_t position, std::uint64_t at_least, Visitor visit,
                                        void* target) const;
  [[nodiscard]] ds::ListpackPos find_small(std::string_view member) const;
  Added add_small(std::string_view member, double score, const ScoreRule& rule, const EncodingLimits& limits);
  Added add_indexed(std::string_view member, double score, const ScoreRule& rule);
  void insert_small(std::string_view member, double score);
  void become_indexed();

  ds::Listpack small_;
  std::unique_ptr<Indexed> indexed_;  // once there, small_ stays empty
};

}  // namespace ashlar::keyspace
