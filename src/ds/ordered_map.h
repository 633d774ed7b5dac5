/// An ordered map as a B+-tree: the index of a stream's nodes, the pending entries of consumer groups, and other sets
/// of keys that are walked in order. Why no radix tree: docs/decisions/0004-ordered-map.md.
///
/// Shape: leaves hold up to kLeafItems items in order and are linked both ways; inner nodes hold up to kInnerChildren
/// children and the keys between them. A leaf starts small and grows, so a map of one item costs one small allocation,
/// and keys that are added in order leave full leaves behind.
///
/// Thread: none of its own; the owner locks. Invariants (check_invariants()):
///   1. Keys are strictly ascending along the linked leaves; no leaf is empty (an empty map has no node at all).
///   2. All leaves are at the same depth; an inner node has at least two children.
///   3. The key before child i is greater than every key of child i-1 and not greater than any key of child i.
///   4. size() is the number of items, memory_bytes() the bytes allocated for nodes.
/// Cost: O(log n) with a base of about 30 for find, seek, insert and erase; O(1) for a step of a cursor. A cursor and
/// pointers to values live until the next insert or erase of any key.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace ashlar::ds {

/// Value of an ordered map that is only a set.
struct NoValue {};

/// Key: default constructible, copyable, ordered by Less. Value: movable without exceptions.
template <typename Key, typename Value, typename Less = std::less<>>
class OrderedMap {
  struct Item {
    Key key;
    [[no_unique_address]] Value value;
  };
  struct Leaf;

 public:
  static constexpr std::size_t kLeafItems = 32;
  static constexpr std::size_t kInnerChildren = 32;

  /// A place in a map, or none.
  template <typename LeafPointer, typename ValueType>
  class BasicCursor {
   public:
    BasicCursor() noexcept = default;
    /// False behind the last and before the first item; then nothing but comparison with that is allowed.
    [[nodiscard]] bool valid() const noexcept { return leaf_ != nullptr; }
    [[nodiscard]] const Key& key() const noexcept { return leaf_->items()[at_].key; }
    [[nodiscard]] ValueType& value() const noexcept { return leaf_->items()[at_].value; }
    void next() noexcept {
      if (++at_ < leaf_->count) return;
      leaf_ = leaf_->next;
      at_ = 0;
    }
    void prev() noexcept {
      if (at_ > 0) {
        --at_;
        return;
      }
      leaf_ = leaf_->prev;
      at_ = leaf_ == nullptr ? 0 : leaf_->count - 1U;
    }

   private:
    friend class OrderedMap;
    BasicCursor(LeafPointer leaf, std::size_t at) noexcept : leaf_(leaf), at_(at) {}
    LeafPointer leaf_ = nullptr;
    std::size_t at_ = 0;
  };
  using Cursor = BasicCursor<Leaf*, Value>;
  using ConstCursor = BasicCursor<const Leaf*, const Value>;

  OrderedMap() noexcept = default;
  OrderedMap(OrderedMap&& other) noexcept { swap(other); }
  OrderedMap& operator=(OrderedMap&& other) noexcept {
    OrderedMap taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~OrderedMap() { clear(); }
  void swap(OrderedMap& other) noexcept {
    std::swap(root_, other.root_);
    std::swap(height_, other.height_);
    std::swap(size_, other.size_);
    std::swap(bytes_, other.bytes_);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Bytes allocated for nodes; what values own elsewhere is not in it.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return bytes_; }

  /// The value under `key`, or nullptr.
  template <typename K>
  [[nodiscard]] Value* find(const K& key) noexcept {
    const Cursor at = seek_ge(key);
    return at.valid() && !less(key, at.key()) ? &at.value() : nullptr;
  }
  template <typename K>
  [[nodiscard]] const Value* find(const K& key) const noexcept {
    return const_cast<OrderedMap*>(this)->find(key);
  }

  struct Inserted {
    Value* value;
    bool fresh;  // false: the key was there, its value is untouched
  };
  Inserted insert(const Key& key, Value value) {
    if (root_ == nullptr) root_ = allocate_leaf(kFirstLeaf);
    Insertion job{key, std::move(value)};
    std::optional<Split> split = insert_below(root_, height_, job);
    if (split) {
      auto* top = allocate_inner();
      top->children[0] = root_;
      top->children[1] = split->right;
      top->keys[0] = std::move(split->key);
      top->count = 2;
      root_ = top;
      ++height_;
    }
    if (job.fresh) ++size_;
    return {job.place, job.fresh};
  }

  /// True when `key` was there.
  template <typename K>
  bool erase(const K& key) {
    if (root_ == nullptr || !erase_below(root_, height_, key)) return false;
    --size_;
    if (height_ > 0) {
      auto* top = static_cast<Inner*>(root_);
      if (top->count == 1) {
        root_ = top->children[0];
        --height_;
        free_inner(top);
      }
    } else if (leaf_of(root_)->count == 0) {
      free_leaf(leaf_of(root_));
      root_ = nullptr;
    }
    return true;
  }

  void clear() noexcept {
    if (root_ != nullptr) free_below(root_, height_);
    root_ = nullptr;
    height_ = 0;
    size_ = 0;
  }

  [[nodiscard]] Cursor first() noexcept { return empty() ? Cursor{} : Cursor{edge_leaf(Edge::kFirst), 0}; }
  [[nodiscard]] Cursor last() noexcept {
    if (empty()) return {};
    Leaf* leaf = edge_leaf(Edge::kLast);
    return {leaf, leaf->count - 1U};
  }
  /// The first item whose key is not less than `key`.
  template <typename K>
  [[nodiscard]] Cursor seek_ge(const K& key) noexcept {
    if (empty()) return {};
    Leaf* leaf = leaf_for(key);
    const std::size_t at = lower_bound(*leaf, key);
    if (at < leaf->count) return {leaf, at};
    return {leaf->next, 0};
  }
  /// The last item whose key is not greater than `key`.
  template <typename K>
  [[nodiscard]] Cursor seek_le(const K& key) noexcept {
    if (empty()) return {};
    Leaf* leaf = leaf_for(key);
    const std::size_t at = lower_bound(*leaf, key);
    if (at < leaf->count && !less(key, leaf->items()[at].key)) return {leaf, at};
    if (at > 0) return {leaf, at - 1};
    return leaf->prev == nullptr ? Cursor{} : Cursor{leaf->prev, leaf->prev->count - 1U};
  }
  [[nodiscard]] ConstCursor first() const noexcept { return constant(const_cast<OrderedMap*>(this)->first()); }
  [[nodiscard]] ConstCursor last() const noexcept { return constant(const_cast<OrderedMap*>(this)->last()); }
  template <typename K>
  [[nodiscard]] ConstCursor seek_ge(const K& key) const noexcept {
    return constant(const_cast<OrderedMap*>(this)->seek_ge(key));
  }
  template <typename K>
  [[nodiscard]] ConstCursor seek_le(const K& key) const noexcept {
    return constant(const_cast<OrderedMap*>(this)->seek_le(key));
  }

  /// Aborts when an invariant does not hold. O(n), for tests.
  void check_invariants() const {
    if (root_ == nullptr) {
      ASH_CHECK(size_ == 0 && height_ == 0 && bytes_ == 0);
      return;
    }
    Audit audit;
    audit_below(root_, height_, nullptr, nullptr, audit);
    ASH_CHECK(audit.previous->next == nullptr);
    ASH_CHECK(audit.items == size_);
    ASH_CHECK(audit.bytes == bytes_);
  }

 private:
  static constexpr std::size_t kFirstLeaf = 2;

  struct Leaf {
    std::uint16_t count = 0;
    std::uint16_t capacity = 0;
    Leaf* prev = nullptr;
    Leaf* next = nullptr;
    [[nodiscard]] Item* items() noexcept { return reinterpret_cast<Item*>(this + 1); }
    [[nodiscard]] const Item* items() const noexcept { return reinterpret_cast<const Item*>(this + 1); }
  };
  static_assert(alignof(Item) <= alignof(Leaf));
  struct Inner {
    std::uint16_t count = 0;
    void* children[kInnerChildren];
    Key keys[kInnerChildren - 1];  // keys[i] stands between children[i] and children[i + 1]
  };
  struct Split {
    Key key;
    void* right;
  };
  struct Insertion {
    const Key& key;
    Value value;
    Value* place = nullptr;
    bool fresh = false;
  };
  enum class Edge : std::uint8_t { kFirst, kLast };
  struct Audit {
    const Leaf* previous = nullptr;
    std::size_t items = 0;
    std::size_t bytes = 0;
  };

  template <typename A, typename B>
  [[nodiscard]] static bool less(const A& a, const B& b) noexcept {
    return Less{}(a, b);
  }
  [[nodiscard]] static Leaf* leaf_of(void* node) noexcept { return static_cast<Leaf*>(node); }
  [[nodiscard]] static ConstCursor constant(const Cursor& at) noexcept { return {at.leaf_, at.at_}; }
  [[nodiscard]] static std::size_t leaf_bytes(std::size_t capacity) noexcept {
    return sizeof(Leaf) + capacity * sizeof(Item);
  }

  [[nodiscard]] Leaf* allocate_leaf(std::size_t capacity) {
    auto* leaf = new (::operator new(leaf_bytes(capacity))) Leaf;
    leaf->capacity = static_cast<std::uint16_t>(capacity);
    bytes_ += leaf_bytes(capacity);
    return leaf;
  }
  void free_leaf(Leaf* leaf) noexcept {
    std::destroy_n(leaf->items(), leaf->count);
    bytes_ -= leaf_bytes(leaf->capacity);
    ::operator delete(leaf);
  }
  [[nodiscard]] Inner* allocate_inner() {
    bytes_ += sizeof(Inner);
    return new Inner;
  }
  void free_inner(Inner* inner) noexcept {
    bytes_ -= sizeof(Inner);
    delete inner;
  }
  void free_below(void* node, unsigned height) noexcept {
    if (height == 0) return free_leaf(leaf_of(node));
    auto* inner = static_cast<Inner*>(node);
    for (std::size_t i = 0; i < inner->count; ++i) free_below(inner->children[i], height - 1);
    free_inner(inner);
  }

  /// Moves `n` items to raw memory that may overlap; what they leave is raw memory.
  static void relocate(Item* to, Item* from, std::size_t n) noexcept {
    if (n == 0 || to == from) return;
    if constexpr (std::is_trivially_copyable_v<Item>) {
      std::memmove(static_cast<void*>(to), from, n * sizeof(Item));
    } else if (to < from) {
      for (std::size_t i = 0; i < n; ++i) relocate_one(to + i, from + i);
    } else {
      for (std::size_t i = n; i-- > 0;) relocate_one(to + i, from + i);
    }
  }
  static void relocate_one(Item* to, Item* from) noexcept {
    ::new (static_cast<void*>(to)) Item(std::move(*from));
    from->~Item();
  }
  /// Room for `capacity` items; the leaf may be another one afterwards.
  void grow_leaf(void*& node, std::size_t capacity) {
    Leaf* old = leaf_of(node);
    if (old->capacity >= capacity) return;
    Leaf* leaf = allocate_leaf(std::min(kLeafItems, std::max<std::size_t>(capacity, old->capacity * 2U)));
    relocate(leaf->items(), old->items(), old->count);
    leaf->count = std::exchange(old->count, std::uint16_t{0});
    leaf->prev = old->prev;
    leaf->next = old->next;
    if (leaf->prev != nullptr) leaf->prev->next = leaf;
    if (leaf->next != nullptr) leaf->next->prev = leaf;
    free_leaf(old);
    node = leaf;
  }

  template <typename K>
  [[nodiscard]] static std::size_t lower_bound(const Leaf& leaf, const K& key) noexcept {
    const Item* from = leaf.items();
    const Item* at = std::lower_bound(from, from + leaf.count, key,
                                      [](const Item& item, const K& wanted) { return less(item.key, wanted); });
    return static_cast<std::size_t>(at - from);
  }
  template <typename K>
  [[nodiscard]] static std::size_t child_for(const Inner& inner, const K& key) noexcept {
    const Key* end = inner.keys + inner.count - 1;
    const Key* at =
        std::upper_bound(inner.keys, end, key, [](const K& wanted, const Key& k) { return less(wanted, k); });
    return static_cast<std::size_t>(at - inner.keys);
  }
  template <typename K>
  [[nodiscard]] Leaf* leaf_for(const K& key) noexcept {
    void* node = root_;
    for (unsigned h = height_; h > 0; --h) {
      auto* inner = static_cast<Inner*>(node);
      node = inner->children[child_for(*inner, key)];
    }
    return leaf_of(node);
  }
  [[nodiscard]] Leaf* edge_leaf(Edge edge) noexcept {
    void* node = root_;
    for (unsigned h = height_; h > 0; --h) {
      auto* inner = static_cast<Inner*>(node);
      node = inner->children[edge == Edge::kFirst ? 0 : inner->count - 1];
    }
    return leaf_of(node);
  }

  std::optional<Split> insert_below(void*& node, unsigned height, Insertion& job) {
    if (height == 0) return insert_in_leaf(node, job);
    auto* inner = static_cast<Inner*>(node);
    const std::size_t at = child_for(*inner, job.key);
    std::optional<Split> below = insert_below(inner->children[at], height - 1, job);
    if (!below) return std::nullopt;
    if (inner->count < kInnerChildren) {
      insert_child(*inner, at + 1, std::move(*below));
      return std::nullopt;
    }
    return split_inner(*inner, at + 1, std::move(*below));
  }

  std::optional<Split> insert_in_leaf(void*& node, Insertion& job) {
    Leaf* leaf = leaf_of(node);
    const std::size_t at = lower_bound(*leaf, job.key);
    if (at < leaf->count && !less(job.key, leaf->items()[at].key)) {
      job.place = &leaf->items()[at].value;
      return std::nullopt;
    }
    job.fresh = true;
    if (leaf->count < kLeafItems) {
      grow_leaf(node, leaf->count + 1U);
      place(*leaf_of(node), at, job);
      return std::nullopt;
    }
    const bool in_order = leaf->next == nullptr && at == leaf->count;
    const std::size_t keep = in_order ? kLeafItems : kLeafItems / 2;
    Leaf* right = allocate_leaf(in_order ? kFirstLeaf : kLeafItems);
    right->next = leaf->next;
    right->prev = leaf;
    if (right->next != nullptr) right->next->prev = right;
    leaf->next = right;
    relocate(right->items(), leaf->items() + keep, kLeafItems - keep);
    right->count = static_cast<std::uint16_t>(kLeafItems - keep);
    leaf->count = static_cast<std::uint16_t>(keep);
    if (at > keep || in_order) {
      place(*right, at - keep, job);
    } else {
      place(*leaf, at, job);
    }
    return Split{right->items()[0].key, right};
  }

  static void place(Leaf& leaf, std::size_t at, Insertion& job) {
    Item* slot = leaf.items() + at;
    relocate(slot + 1, slot, leaf.count - at);
    ::new (static_cast<void*>(slot)) Item{job.key, std::move(job.value)};
    ++leaf.count;
    job.place = &slot->value;
  }

  static void insert_child(Inner& inner, std::size_t at, Split&& split) {
    std::move_backward(inner.children + at, inner.children + inner.count, inner.children + inner.count + 1);
    std::move_backward(inner.keys + at - 1, inner.keys + inner.count - 1, inner.keys + inner.count);
    inner.children[at] = split.right;
    inner.keys[at - 1] = std::move(split.key);
    ++inner.count;
  }
  /// Splits a full node to take one more child at `at`; in order of the keys the left one stays nearly full.
  std::optional<Split> split_inner(Inner& inner, std::size_t at, Split&& child) {
    const std::size_t keep = at == inner.count ? kInnerChildren - 1 : kInnerChildren / 2;
    Inner* right = allocate_inner();
    std::move(inner.children + keep, inner.children + inner.count, right->children);
    std::move(inner.keys + keep, inner.keys + inner.count - 1, right->keys);
    right->count = static_cast<std::uint16_t>(inner.count - keep);
    Key between = std::move(inner.keys[keep - 1]);
    inner.count = static_cast<std::uint16_t>(keep);
    if (at > keep) {
      insert_child(*right, at - keep, std::move(child));
    } else {
      insert_child(inner, at, std::move(child));
    }
    return Split{std::move(between), right};
  }

  template <typename K>
  bool erase_below(void* node, unsigned height, const K& key) {
    if (height == 0) {
      Leaf* leaf = leaf_of(node);
      const std::size_t at = lower_bound(*leaf, key);
      if (at == leaf->count || less(key, leaf->items()[at].key)) return false;
      Item* slot = leaf->items() + at;
      slot->~Item();
      relocate(slot, slot + 1, leaf->count - at - 1);
      --leaf->count;
      return true;
    }
    auto* inner = static_cast<Inner*>(node);
    const std::size_t at = child_for(*inner, key);
    if (!erase_below(inner->children[at], height - 1, key)) return false;
    const std::size_t left = at == 0 ? 0 : at - 1;
    if (height == 1) {
      if (leaf_of(inner->children[at])->count < kLeafItems / 4) mend_leaves(*inner, left);
    } else if (static_cast<Inner*>(inner->children[at])->count < kInnerChildren / 4) {
      mend_inners(*inner, left);
    }
    return true;
  }
  static void drop_child(Inner& inner, std::size_t at) {
    ASH_CHECK(at > 0 && at < inner.count);
    std::move(inner.children + at + 1, inner.children + inner.count, inner.children + at);
    std::move(inner.keys + at, inner.keys + inner.count - 1, inner.keys + at - 1);
    --inner.count;
  }
  /// Joins children i and i + 1, or shares their items evenly when one cannot hold them.
  void mend_leaves(Inner& inner, std::size_t i) {
    const std::size_t total = leaf_of(inner.children[i])->count + leaf_of(inner.children[i + 1])->count;
    if (total <= kLeafItems) {
      grow_leaf(inner.children[i], total);
      Leaf* left = leaf_of(inner.children[i]);
      Leaf* right = leaf_of(inner.children[i + 1]);
      relocate(left->items() + left->count, right->items(), right->count);
      left->count = static_cast<std::uint16_t>(total);
      right->count = 0;
      left->next = right->next;
      if (left->next != nullptr) left->next->prev = left;
      free_leaf(right);
      return drop_child(inner, i + 1);
    }
    const std::size_t half = total / 2;
    grow_leaf(inner.children[i], half);
    grow_leaf(inner.children[i + 1], total - half);
    Leaf* left = leaf_of(inner.children[i]);
    Leaf* right = leaf_of(inner.children[i + 1]);
    if (left->count < half) {
      const std::size_t n = half - left->count;
      relocate(left->items() + left->count, right->items(), n);
      relocate(right->items(), right->items() + n, right->count - n);
    } else {
      const std::size_t n = left->count - half;
      relocate(right->items() + n, right->items(), right->count);
      relocate(right->items(), left->items() + half, n);
    }
    left->count = static_cast<std::uint16_t>(half);
    right->count = static_cast<std::uint16_t>(total - half);
    inner.keys[i] = right->items()[0].key;
  }
  void mend_inners(Inner& inner, std::size_t i) {
    auto* left = static_cast<Inner*>(inner.children[i]);
    auto* right = static_cast<Inner*>(inner.children[i + 1]);
    // Keys and children of both in a row, then cut again where it is right.
    Key keys[2 * kInnerChildren];
    void* children[2 * kInnerChildren];
    const std::size_t total = left->count + right->count;
    std::copy_n(left->children, left->count, children);
    std::copy_n(right->children, right->count, children + left->count);
    std::move(left->keys, left->keys + left->count - 1, keys);
    keys[left->count - 1] = std::move(inner.keys[i]);
    std::move(right->keys, right->keys + right->count - 1, keys + left->count);
    const std::size_t half = total <= kInnerChildren ? total : total / 2;
    if (half == 0) std::unreachable();  // neither is empty; GCC warns of copies that could not be otherwise
    std::copy_n(children, half, left->children);
    std::move(keys, keys + half - 1, left->keys);
    left->count = static_cast<std::uint16_t>(half);
    if (half == total) {
      free_inner(right);
      return drop_child(inner, i + 1);
    }
    std::copy(children + half, children + total, right->children);
    std::move(keys + half, keys + total - 1, right->keys);
    right->count = static_cast<std::uint16_t>(total - half);
    inner.keys[i] = std::move(keys[half - 1]);
  }

  static void audit_below(const void* node, unsigned height, const Key* low, const Key* high, Audit& audit) {
    if (height == 0) {
      const auto* leaf = static_cast<const Leaf*>(node);
      ASH_CHECK(leaf->count > 0 && leaf->count <= leaf->capacity && leaf->capacity <= kLeafItems);
      ASH_CHECK(leaf->prev == audit.previous);
      ASH_CHECK(audit.previous == nullptr || audit.previous->next == leaf);
      for (std::size_t i = 0; i < leaf->count; ++i) {
        const Key& key = leaf->items()[i].key;
        ASH_CHECK(i == 0 || less(leaf->items()[i - 1].key, key));
        ASH_CHECK(low == nullptr || !less(key, *low));
        ASH_CHECK(high == nullptr || less(key, *high));
      }
      audit.previous = leaf;
      audit.items += leaf->count;
      audit.bytes += leaf_bytes(leaf->capacity);
      return;
    }
    const auto* inner = static_cast<const Inner*>(node);
    ASH_CHECK(inner->count >= 2 && inner->count <= kInnerChildren);
    audit.bytes += sizeof(Inner);
    for (std::size_t i = 0; i < inner->count; ++i) {
      audit_below(inner->children[i], height - 1, i == 0 ? low : &inner->keys[i - 1],
                  i + 1U == inner->count ? high : &inner->keys[i], audit);
    }
  }

  void* root_ = nullptr;  // a Leaf when height_ is 0, else an Inner
  unsigned height_ = 0;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace ashlar::ds
