/// A list of strings: one listpack while it is small, a quicklist beyond `list-max-listpack-size`.
///
/// The object is one word: a listpack's block, or a Quicklist with the lowest bit set. Thread: none of its own; reached
/// only under the slot's lock. Cost: both ends O(1), an index or a search O(n). The encoding changes as in Redis 7.2:
/// up before something is added that would exceed the limit, down when what is left is one node of half the limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ds/listpack.h"
#include "ds/quicklist.h"
#include "keyspace/values/limits.h"
#include "keyspace/values/value.h"

namespace ashlar::keyspace {

/// The two ends of a list, and the direction of a walk that starts there.
enum class ListEnd : std::uint8_t { kLeft, kRight };
/// Where LINSERT puts its element.
enum class ListSide : std::uint8_t { kBefore, kAfter };

class List {
 public:
  List();
  ~List();
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  [[nodiscard]] std::uint64_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] Owned<List> clone() const;
  /// Bytes allocated, this object included.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  /// What OBJECT ENCODING replies.
  [[nodiscard]] std::string_view encoding_name() const noexcept;

  /// A place in the list. Valid until the list changes. Values live until it moves.
  class Cursor {
   public:
    [[nodiscard]] bool at_end() const noexcept { return long_ ? long_->at_end() : pos_ == small_.stop(); }
    /// Not at the end.
    [[nodiscard]] ds::PackedValue value() const noexcept { return long_ ? long_->value() : small_.get(pos_); }
    [[nodiscard]] bool matches(const ds::PackedItem& item) const noexcept {
      return long_ ? long_->matches(item) : small_.matches(pos_, item);
    }
    /// One step away from `from`: kLeft walks to the right.
    void step(ListEnd from) {
      if (long_) {
        from == ListEnd::kLeft ? long_->next() : long_->prev();
      } else {
        pos_ = from == ListEnd::kLeft ? small_.next(pos_) : small_.prev(pos_);
      }
    }

   private:
    friend class List;
    Cursor(ds::ListpackView small, ds::ListpackPos pos) noexcept : small_(small), pos_(pos) {}
    explicit Cursor(ds::Quicklist::Cursor place) noexcept : long_(std::move(place)) {}
    ds::ListpackView small_{nullptr};
    ds::ListpackPos pos_{};
    std::optional<ds::Quicklist::Cursor> long_;
  };
  /// The element of an index, from the right when negative (-1 is the last); at_end() when there is none.
  [[nodiscard]] Cursor seek(std::int64_t index) const;
  /// The element at one end.
  [[nodiscard]] Cursor seek(ListEnd end) const { return seek(end == ListEnd::kLeft ? 0 : -1); }
  /// Calls `visit(PackedValue)` for `count` elements from `index` (0..size()) on, walking away from `from`, or for as
  /// many as there are.
  template <typename Visit>
  void walk(std::uint64_t index, std::uint64_t count, ListEnd from, Visit&& visit) const {
    Cursor at = seek(static_cast<std::int64_t>(index));
    for (; count > 0 && !at.at_end(); --count, at.step(from)) visit(at.value());
  }

  // Changes. Each converts the encoding by `limits` as needed. The caller erases the key of a list that became empty.

  /// Adds the elements one after another at `end`, so that the last one is outermost.
  void push(ListEnd end, std::span<const std::string_view> elements, const EncodingLimits& limits);
  void push(ListEnd end, std::string_view element, const EncodingLimits& limits) { push(end, {&element, 1}, limits); }
  /// Puts `element` beside the leftmost one equal to `pivot`. False when there is none.
  [[nodiscard]] bool insert(ListSide side, std::string_view pivot, std::string_view element,
                            const EncodingLimits& limits);
  /// Replaces the element of an index (as in seek()). False when there is none.
  [[nodiscard]] bool set(std::int64_t index, std::string_view element, const EncodingLimits& limits);
  /// Removes `count` elements from `index` (0..size()) on, or as many as there are.
  void erase(std::uint64_t index, std::uint64_t count, const EncodingLimits& limits);
  /// Removes `count` elements at `end`, or as many as there are.
  void pop(ListEnd end, std::uint64_t count, const EncodingLimits& limits) {
    const std::uint64_t n = size();
    erase(end == ListEnd::kLeft || count >= n ? 0 : n - count, count, limits);
  }
  /// Removes the first `count` elements equal to `element` that a walk away from `from` meets. Returns how many.
  std::uint64_t remove(std::string_view element, ListEnd from, std::uint64_t count, const EncodingLimits& limits);
  /// For loading: appends a whole listpack; and takes the best encoding once everything is there.
  void append_pack(ds::Listpack pack, const EncodingLimits& limits);
  void loaded(const EncodingLimits& limits);

  /// Nodes, for saving. A small list is one listpack.
  [[nodiscard]] bool small() const noexcept { return (word_ & kLongBit) == 0; }
  /// Only when small().
  [[nodiscard]] ds::ListpackView pack() const noexcept {
    return ds::ListpackView(reinterpret_cast<const std::uint8_t*>(word_));
  }
  /// Only when not small().
  [[nodiscard]] const ds::Quicklist& nodes() const noexcept {
    return *reinterpret_cast<const ds::Quicklist*>(word_ & ~kLongBit);
  }

 private:
  static constexpr std::uintptr_t kLongBit = 1;

  [[nodiscard]] ds::Quicklist& quicklist() noexcept { return *reinterpret_cast<ds::Quicklist*>(word_ & ~kLongBit); }
  /// Changes the listpack with `change(Listpack&)`. Only when small().
  template <typename Change>
  void edit(Change&& change);
  /// Before `count` elements of `bytes` in total are added.
  void will_grow(std::size_t bytes, std::size_t count, const EncodingLimits& limits);
  /// After something was removed.
  void has_shrunk(const EncodingLimits& limits);
  void make_small_within(const ds::ListNodeLimit& limit);
  void make_long(const EncodingLimits& limits);

  std::uintptr_t word_;
};

}  // namespace ashlar::keyspace
