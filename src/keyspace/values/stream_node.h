/// One node of a stream: some entries with ascending ids in a listpack, byte for byte the macro node of Redis.
///
///     master entry:  live | deleted | number of fields | field ... | 0
///     entry:         flags | ms - node's ms | seq - node's seq | value ... | pieces      (flag kSameFields)
///                    flags | ms - ... | seq - ... | number of fields | field | value ... | pieces
///
/// `pieces` counts what stands before it in the entry, for walking backwards. Every node has an id, its key in the
/// stream, not greater than that of its first entry. An erased entry stays with a flag; a node without live entries
/// is dropped by its owner.
///
/// Thread: none of its own. Invariants (check_invariants()): the counts are those of the entries; ids of live entries
/// ascend strictly (an erased one may be greater than what follows, after XSETID); the structure is as above. Cost:
/// appending O(fields); finding an entry O(entries of the node). Source: the streams of Redis 5 to 7.2, as found inside
/// RDB files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "ds/listpack.h"
#include "keyspace/values/stream_id.h"

namespace ashlar::keyspace {

/// Walks the entries of a node, erased ones included, in both directions. The node must not change meanwhile.
class StreamNodeCursor {
 public:
  /// Before the first and behind the last entry: next() and prev() both have a way to go.
  StreamNodeCursor(const ds::ListpackView& pack, StreamId node_id) noexcept;
  void to_back() noexcept;

  [[nodiscard]] bool next() noexcept;
  [[nodiscard]] bool prev() noexcept;

  // Of the present entry, after next() or prev() said true.
  [[nodiscard]] StreamId id() const noexcept { return id_; }
  [[nodiscard]] bool erased() const noexcept { return (flags_ & kErased) != 0; }
  [[nodiscard]] std::size_t fields() const noexcept { return fields_; }
  /// Calls visit(field, value) with two PackedValues for each pair, in order.
  template <typename Visit>
  void for_each_field(Visit&& visit) {
    ds::ListpackPos value = values_;
    ds::ListpackPos name = master_fields_;
    for (std::size_t i = 0; i < fields_; ++i) {
      ds::ListpackPos& field = same_fields() ? name : value;
      const ds::PackedValue field_text = pack_.get(field);
      field = pack_.next(field);
      visit(field_text, pack_.get(value));
      value = pack_.next(value);
    }
    pieces_ = value;
    knows_pieces_ = true;
  }

 private:
  friend class StreamNode;
  static constexpr std::int64_t kErased = 1;
  static constexpr std::int64_t kSameFields = 2;
  [[nodiscard]] bool same_fields() const noexcept { return (flags_ & kSameFields) != 0; }
  void load() noexcept;

  ds::ListpackView pack_;
  StreamId node_id_;
  std::size_t master_count_ = 0;
  ds::ListpackPos master_fields_{};
  ds::ListpackPos at_{};      // flags of the present entry; of the next one before the first next()
  bool on_entry_ = false;     // at_ is the present entry
  ds::ListpackPos values_{};  // behind the ids and the number of fields
  ds::ListpackPos pieces_{};  // the end of the present entry, when knows_pieces_
  bool knows_pieces_ = false;
  std::int64_t flags_ = 0;
  StreamId id_;
  std::size_t fields_ = 0;
};

class StreamNode {
 public:
  /// Fields and values in turn.
  using Pairs = std::span<const std::string_view>;

  /// A node whose first entry will have these fields. `pairs` must fit() an empty node.
  explicit StreamNode(Pairs pairs);

  /// Bytes that the pairs may add at most, all that is put around them included.
  [[nodiscard]] static std::size_t bytes_needed(Pairs pairs) noexcept;
  /// Whether an entry of that size can be in any node.
  [[nodiscard]] static bool fits(std::size_t bytes_needed) noexcept {
    return bytes_needed < ds::Listpack::kBytesMax - 1024;
  }
  [[nodiscard]] bool has_room(std::size_t bytes_needed) const noexcept { return pack_.has_room(bytes_needed); }

  /// Adds an entry; `id` is greater than all that are there. has_room() has been asked.
  void append(StreamId node_id, StreamId id, Pairs pairs);
  /// Flags the entry with this id as erased; false when there is no live one.
  [[nodiscard]] bool erase(StreamId node_id, StreamId id);
  /// Flags live entries from the front as erased while `more(id, erased so far)` says so; returns how many.
  template <typename More>
  std::uint64_t erase_front(StreamId node_id, More&& more) {
    std::uint64_t erased = 0;
    StreamNodeCursor at = cursor(node_id);
    while (at.next() && more(at.id(), erased)) {
      if (at.erased()) continue;
      flag_erased(at);
      ++erased;
    }
    count_erased(erased);
    return erased;
  }

  [[nodiscard]] std::uint64_t live() const noexcept;
  [[nodiscard]] std::uint64_t erased() const noexcept;
  /// Of the last entry, even an erased one; the node's own when there is none.
  [[nodiscard]] StreamId last_id(StreamId node_id) const noexcept;
  [[nodiscard]] StreamNodeCursor cursor(StreamId node_id) const noexcept { return {pack_.view(), node_id}; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return pack_.size_bytes(); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return pack_.memory_bytes(); }
  /// The listpack as RDB stores it.
  [[nodiscard]] std::string_view blob() const noexcept { return pack_.view().blob(); }
  [[nodiscard]] StreamNode clone() const { return StreamNode(pack_.clone()); }

  /// Checks a node from outside completely and builds it anew; erased entries are left out. Live entries must be
  /// greater than `after` and not less than `node_id`. The result may have no live entry. Errors: kCorrupt.
  [[nodiscard]] static Result<StreamNode> validated(std::string_view blob, StreamId node_id, StreamId after);
  void check_invariants(StreamId node_id) const;

 private:
  explicit StreamNode(ds::Listpack pack) noexcept : pack_(std::move(pack)) {}
  void flag_erased(const StreamNodeCursor& at);
  void count_erased(std::uint64_t n);
  void set_counts(std::uint64_t live, std::uint64_t erased);
  [[nodiscard]] bool has_master_fields(Pairs pairs) const noexcept;
  /// A node with the fields of `pack` and without entries.
  [[nodiscard]] static StreamNode empty_like(const ds::ListpackView& pack);

  ds::Listpack pack_;
};

}  // namespace ashlar::keyspace
