/// A long list: an array of nodes, each a listpack of neighbours, or one big element alone.
///
/// A node is 16 bytes: a block, how many elements it holds, and its form. The array has room at both ends, so pushing
/// and popping at either end is O(1) amortised. With a compress depth of d, all nodes but the d at each end hold their
/// listpack LZF-compressed; reading such a node unpacks a copy, changing it unpacks it in place and packs it again.
///
/// Thread: none of its own; the owner locks. Invariants (check_invariants()):
///   1. No node is empty; size() is the sum over the nodes.
///   2. A listpack node of more than one element keeps within the limit; an element above it has a plain node.
///   3. The `compress_depth` nodes at each end are not compressed.
/// Cost: push, pop O(1) plus the bytes moved in one node; seek O(nodes + elements of one node); change in the middle
/// O(bytes of a node + 16 bytes for each node on the shorter side).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ds/listpack.h"

namespace ashlar::ds {

/// How much one listpack of a list may hold, as `list-max-listpack-size` says: a positive number is a count of
/// elements (and 8 KiB), -1 .. -5 are 4, 8, 16, 32, 64 KiB.
class ListNodeLimit {
 public:
  /// Values outside -5..32767 are taken as the nearest one inside; 0 is 1.
  explicit ListNodeLimit(std::int64_t setting) noexcept;
  [[nodiscard]] bool exceeded(std::size_t bytes, std::size_t count) const noexcept {
    return bytes > bytes_max_ || count > count_max_;
  }
  /// Whether a push should rather begin another node, though this one may be as large. Seven eighths of 4, 8 and 16 KiB
  /// are sizes of which jemalloc cuts several from one run of pages; the full ones pay for a run each: 128 bytes and,
  /// from 16 KiB on, a page.
  [[nodiscard]] bool full(std::size_t bytes, std::size_t count) const noexcept {
    return exceeded(bytes + bytes_max_ / 8, count);
  }
  /// Whether an element of this many bytes must stand alone.
  [[nodiscard]] bool is_large(std::size_t element_bytes) const noexcept { return element_bytes > bytes_max_; }
  /// Half of it: how small a list must become before it is one listpack again.
  [[nodiscard]] ListNodeLimit halved() const noexcept;

 private:
  std::uint32_t bytes_max_;
  std::uint32_t count_max_;  // 4294967295: only bytes limit
};

/// Settings of one list.
struct QuicklistShape {
  ListNodeLimit limit{-2};
  std::uint32_t compress_depth = 0;  // nodes at each end that stay unpacked; 0: nothing is compressed
};

class Quicklist {
 public:
  explicit Quicklist(QuicklistShape shape = {}) noexcept : shape_(shape) {}
  Quicklist(Quicklist&& other) noexcept { swap(other); }
  Quicklist& operator=(Quicklist&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Quicklist();
  [[nodiscard]] Quicklist clone() const;
  void swap(Quicklist& other) noexcept;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] const QuicklistShape& shape() const noexcept { return shape_; }
  /// Bytes allocated, without the object itself.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

  void push_front(const PackedItem& item);
  void push_back(const PackedItem& item);

  /// A place in the list: an element, or the end. Walks both ways; prev() from the end is the last element. Reading a
  /// compressed node unpacks it into the cursor, the list does not change. Any change of the list except through this
  /// very cursor makes it invalid.
  class Cursor {
   public:
    Cursor(Cursor&&) noexcept = default;
    Cursor& operator=(Cursor&&) noexcept = default;
    [[nodiscard]] bool at_end() const noexcept { return node_ >= list_->nodes_.size(); }
    /// Not at the end. Valid until the cursor moves or the list changes.
    [[nodiscard]] PackedValue value() const noexcept;
    [[nodiscard]] bool matches(const PackedItem& item) const noexcept;
    /// Not at the end.
    void next();
    /// From the first element it goes to the end.
    void prev();

   private:
    friend class Quicklist;
    Cursor(const Quicklist& list, std::size_t node) noexcept : list_(&list), node_(node) {}
    enum class Side : std::uint8_t { kFirst, kLast };
    /// Makes the node readable; enter() also takes the place at one of its sides.
    void open();
    void enter(Side side);
    [[nodiscard]] bool plain() const noexcept;

    const Quicklist* list_;
    std::size_t node_;
    const std::uint8_t* block_ = nullptr;  // listpack of the node, unpacked; nullptr for a plain node
    ListpackPos pos_{};
    std::vector<std::uint8_t> unpacked_;  // block_ points here when the node is compressed
  };

  /// The element of an index, from the end when negative (-1 is the last); the end when there is none.
  [[nodiscard]] Cursor seek(std::int64_t index) const;
  [[nodiscard]] Cursor first() const { return seek(0); }
  [[nodiscard]] Cursor last() const { return seek(-1); }

  /// Puts `item` before the cursor (which may be at the end); the cursor is invalid afterwards.
  void insert(const Cursor& at, const PackedItem& item);
  /// Replaces the element at the cursor; the cursor is invalid afterwards.
  void replace(const Cursor& at, const PackedItem& item);
  /// Removes the element at the cursor; the cursor then stands on what followed.
  void erase(Cursor& at);
  void pop_front();
  void pop_back();
  /// Removes `count` elements from `index` (0..size()) on, or as many as there are.
  void erase_range(std::uint64_t index, std::uint64_t count);

  /// Nodes, for saving: each is a listpack or a big element. `scratch` holds what had to be unpacked.
  [[nodiscard]] std::size_t node_count() const noexcept { return nodes_.size(); }
  [[nodiscard]] bool node_is_plain(std::size_t node) const noexcept;
  /// The bytes of the element (plain) or of the listpack; valid until the list or `scratch` changes.
  [[nodiscard]] std::string_view node_bytes(std::size_t node, std::vector<std::uint8_t>& scratch) const;
  /// The only node, taken out, if there is just one and it is a listpack that keeps within `limit`; an empty list
  /// remains. nullopt leaves the list as it is.
  [[nodiscard]] std::optional<Listpack> take_if_single(const ListNodeLimit& limit);
  /// Appends all entries of `pack` as a node if it keeps within the limit, else one by one.
  void append_pack(Listpack pack);

  /// Aborts when an invariant is broken. For tests.
  void check_invariants() const;

 private:
  enum class Form : std::uint32_t { kPacked, kPlain, kCompressed };
  struct Node {
    std::uint8_t* block;  // packed: a listpack; plain: size (8) and bytes; compressed: both sizes (4, 4) and bytes
    std::uint32_t count;
    Form form;
  };
  /// Nodes in order, with spare room before and behind. Owns the array, not the blocks.
  class NodeArray {
   public:
    NodeArray() noexcept = default;
    NodeArray(const NodeArray&) = delete;
    NodeArray& operator=(const NodeArray&) = delete;
    ~NodeArray();
    void swap(NodeArray& other) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] Node& operator[](std::size_t i) noexcept { return slots_[begin_ + i]; }
    [[nodiscard]] const Node& operator[](std::size_t i) const noexcept { return slots_[begin_ + i]; }
    void insert(std::size_t at, Node node);
    void erase(std::size_t at, std::size_t count);
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return capacity_ * sizeof(Node); }

   private:
    /// Moves the nodes to an array with so much room before and behind them.
    void reallocate(std::size_t before, std::size_t behind);
    Node* slots_ = nullptr;
    std::size_t begin_ = 0;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
  };

  [[nodiscard]] static Node packed_node(Listpack pack, std::size_t count) noexcept;
  [[nodiscard]] static Node plain_node(std::string_view bytes);
  [[nodiscard]] Node node_for(const PackedItem& item) const;
  static void free_block(Node& node) noexcept;
  [[nodiscard]] static std::size_t block_memory(const Node& node) noexcept;
  [[nodiscard]] bool large(const PackedItem& item) const noexcept;
  [[nodiscard]] bool takes(std::size_t node, const PackedItem& item) const noexcept;
  [[nodiscard]] bool inner(std::size_t node) const noexcept;

  /// Changes the listpack of an unpacked node with `change(Listpack&)`.
  template <typename Change>
  void edit(std::size_t node, Change&& change);
  void compress(std::size_t node);
  void decompress(std::size_t node);
  /// After a change around `node`: compresses what lies inside, unpacks what came to an end.
  void settle(std::size_t node);
  void add_node(std::size_t at, Node node);
  void drop_nodes(std::size_t at, std::size_t count) noexcept;
  /// Joins `node` and its right neighbour when both are listpacks and the limit allows.
  void try_merge(std::size_t node);
  void erase_inside(std::size_t node, std::size_t from, std::size_t count);
  /// Splits a listpack node before `pos`, so that what stood there begins node + 1. `pos` is inside, not at a side.
  void split(std::size_t node, ListpackPos pos, std::size_t left_count);

  NodeArray nodes_;
  std::uint64_t size_ = 0;
  QuicklistShape shape_;
};

}  // namespace ashlar::ds
