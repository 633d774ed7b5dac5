/// An append-only log of entries, each an id with fields and values, and its consumer groups.
///
/// Entries live in nodes (stream_node.h) indexed by id. A stream may be empty and still be a key: it remembers its last
/// id. Thread: none of its own; reached only under the slot's lock. Invariants (check_invariants()):
///   1. Nodes have a live entry each; node ids and live entries ascend across nodes.
///   2. size() is the number of live entries; first_id() is that of the first, or 0-0.
///   3. No live entry is greater than last_id().
/// Cost: appending O(fields); finding O(log nodes + entries of a node); trimming O(nodes removed).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "ds/ordered_map.h"
#include "keyspace/values/limits.h"
#include "keyspace/values/stream_group.h"
#include "keyspace/values/stream_id.h"
#include "keyspace/values/stream_node.h"
#include "keyspace/values/value.h"

namespace ashlar::keyspace {

/// What trimming leaves.
struct StreamTrim {
  struct MaxLength {
    std::uint64_t entries;
  };
  struct MinId {
    StreamId id;
  };
  enum class Precision : std::uint8_t {
    kExact,
    kWholeNodes,  // what is cheap: nodes that can go as a whole
  };
  std::variant<MaxLength, MinId> bound;
  Precision precision = Precision::kExact;
  std::optional<std::uint64_t> limit;  // at most so many entries go
};

class Stream {
 public:
  using Nodes = ds::OrderedMap<StreamId, StreamNode>;
  using Groups = std::map<std::string, StreamGroup, std::less<>>;

  Stream() noexcept = default;
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Number of entries.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] StreamId last_id() const noexcept { return last_id_; }
  [[nodiscard]] StreamId first_id() const noexcept { return first_id_; }
  [[nodiscard]] StreamId max_deleted_id() const noexcept { return max_deleted_id_; }
  /// How many entries were ever added.
  [[nodiscard]] std::uint64_t entries_added() const noexcept { return entries_added_; }
  [[nodiscard]] const Nodes& nodes() const noexcept { return nodes_; }

  /// Adds an entry of fields and values in turn; `id` is greater than last_id(). False, without a change, when it is
  /// too large to be kept.
  [[nodiscard]] bool append(StreamId id, StreamNode::Pairs pairs, const EncodingLimits& limits);
  /// Removes an entry; false when there is none.
  bool erase(StreamId id);
  /// Removes entries from the front; returns how many.
  std::uint64_t trim(const StreamTrim& trim);
  /// Sets what XSETID sets; the caller has checked it against the entries.
  void set_id(StreamId last_id, std::optional<std::uint64_t> entries_added, std::optional<StreamId> max_deleted_id);

  [[nodiscard]] bool contains(StreamId id) const;
  /// Of the last entry that was not erased; 0-0 when empty.
  [[nodiscard]] StreamId last_entry_id() const;
  /// Of the first entry that is kept, even erased; StreamId::max() when there is none.
  [[nodiscard]] StreamId first_kept_id() const;
  /// How many entries had been added when `id` was the last; nullopt when that cannot be told.
  [[nodiscard]] std::optional<std::int64_t> entries_added_until(StreamId id) const noexcept;
  /// Whether the greatest id that XDEL erased is `from` or comes after it.
  [[nodiscard]] bool has_gap_from(StreamId from) const noexcept;
  /// How many entries `group` has not read; nullopt when that cannot be told.
  [[nodiscard]] std::optional<std::int64_t> lag(const StreamGroup& group) const noexcept;
  /// Nodes that the radix tree of Redis would have for our nodes; XINFO says it. O(nodes).
  [[nodiscard]] std::uint64_t radix_tree_nodes() const;

  [[nodiscard]] const Groups& groups() const noexcept { return groups_; }
  [[nodiscard]] StreamGroup* find_group(std::string_view name) noexcept;
  [[nodiscard]] const StreamGroup* find_group(std::string_view name) const noexcept;
  /// nullptr when there is a group of that name.
  StreamGroup* create_group(std::string_view name, StreamId last_id, StreamGroup::EntriesRead entries_read);
  bool erase_group(std::string_view name);

  /// For loading: the next node, as validated() made it for what has been loaded so far; one without entries is left
  /// out. Errors: kCorrupt when its id does not ascend.
  [[nodiscard]] Result<void> load_node(StreamId node_id, std::string_view blob);
  /// What stands behind the nodes. Errors: kCorrupt when it contradicts them.
  struct Totals {
    std::uint64_t size = 0;
    StreamId last_id;
    StreamId max_deleted_id;
    std::uint64_t entries_added = 0;
  };
  [[nodiscard]] Result<void> load_totals(const Totals& totals);

  [[nodiscard]] Owned<Stream> clone() const;
  /// Bytes allocated, this object included.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  /// Bytes of all nodes. O(1).
  [[nodiscard]] std::size_t node_bytes() const noexcept { return node_bytes_; }
  /// What OBJECT ENCODING replies.
  [[nodiscard]] std::string_view encoding_name() const noexcept { return "stream"; }
  void check_invariants() const;

 private:
  [[nodiscard]] bool wants_new_node(const StreamNode& node, StreamNode::Pairs pairs, std::size_t needed,
                                    const EncodingLimits& limits) const noexcept;
  void erase_node(StreamId id);
  void find_first_id();

  Nodes nodes_;
  std::uint64_t size_ = 0;
  StreamId last_id_;
  StreamId first_id_;
  StreamId max_deleted_id_;
  std::uint64_t entries_added_ = 0;
  std::size_t node_bytes_ = 0;  // memory of all nodes
  Groups groups_;
};

enum class StreamOrder : std::uint8_t { kAscending, kDescending };

/// The live entries of a stream between two ids, both included:
///
///     StreamRange range(stream, from, to);
///     while (range.next()) use(range.id(), ...);
///
/// The stream must not change meanwhile.
class StreamRange {
 public:
  StreamRange(const Stream& stream, StreamId from, StreamId to, StreamOrder order = StreamOrder::kAscending) noexcept;
  [[nodiscard]] bool next() noexcept;
  [[nodiscard]] StreamId id() const noexcept { return entry_->id(); }
  [[nodiscard]] std::size_t fields() const noexcept { return entry_->fields(); }
  /// visit(field, value), two PackedValues.
  template <typename Visit>
  void for_each_field(Visit&& visit) {
    entry_->for_each_field(std::forward<Visit>(visit));
  }

 private:
  void enter_node() noexcept;
  StreamId from_;
  StreamId to_;
  StreamOrder order_;
  Stream::Nodes::ConstCursor node_;
  std::optional<StreamNodeCursor> entry_;
};

}  // namespace ashlar::keyspace
