#include "ds/sorted_index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace ashlar::ds {

namespace {

constexpr std::uint64_t kTagMax = 0xFFFF;

/// Where an element stands or would stand: before it, or behind it.
struct ElementCut {
  std::uint64_t key;
  std::string_view member;
  Side side;
};

bool precedes(std::uint64_t key, const ScoredMember& record, const ElementCut& cut) noexcept {
  if (key != cut.key) return key < cut.key;
  return cut.side == Side::kBefore ? record.member() < cut.member : record.member() <= cut.member;
}

/// A ScoreCut by its order key.
struct KeyCut {
  std::uint64_t key;
  Side side;
};
bool precedes(std::uint64_t key, const ScoredMember&, const KeyCut& cut) noexcept {
  return cut.side == Side::kBefore ? key < cut.key : key <= cut.key;
}
bool precedes(std::uint64_t, const ScoredMember& record, const LexCut& cut) noexcept {
  return cut.side == Side::kBefore ? record.member() < cut.member : record.member() <= cut.member;
}

template <typename C>
concept HasKey = requires(const C& cut) { cut.key; };

}  // namespace

/// One child of a branch as its parent knows it.
struct SortedIndex::Entry {
  std::uint64_t key;
  ScoredMember* first;
  void* child;
  std::uint64_t below;
};

struct SortedIndex::Branch {
  static constexpr std::uint32_t kSlots = 31;
  std::uint64_t count = 0;
  std::uint64_t keys[kSlots];  // of entry 0 unset: nothing compares with it
  ScoredMember* firsts[kSlots];
  void* children[kSlots];
  std::uint64_t below[kSlots];

  [[nodiscard]] std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < count; ++i) sum += below[i];
    return sum;
  }
  [[nodiscard]] Entry entry(std::uint32_t i) const noexcept { return {keys[i], firsts[i], children[i], below[i]}; }
  void set(std::uint32_t i, const Entry& e) noexcept {
    keys[i] = e.key;
    firsts[i] = e.first;
    children[i] = e.child;
    below[i] = e.below;
  }
  void set_first(std::uint32_t i, const Entry& e) noexcept {
    keys[i] = e.key;
    firsts[i] = e.first;
  }
  /// Makes room for `n` entries at `at`, or with move_down takes them out.
  void move_up(std::uint32_t at, std::uint32_t n) noexcept {
    shift_all(at, at + n, static_cast<std::uint32_t>(count) - at);
  }
  void move_down(std::uint32_t at, std::uint32_t n) noexcept {
    shift_all(at + n, at, static_cast<std::uint32_t>(count) - at - n);
  }
  void copy_from(const Branch& other, std::uint32_t from, std::uint32_t to, std::uint32_t n) noexcept {
    for (std::uint32_t i = 0; i < n; ++i) set(to + i, other.entry(from + i));
  }

 private:
  void shift_all(std::uint32_t from, std::uint32_t to, std::uint32_t n) noexcept {
    std::memmove(keys + to, keys + from, n * sizeof keys[0]);
    std::memmove(firsts + to, firsts + from, n * sizeof firsts[0]);
    std::memmove(children + to, children + from, n * sizeof children[0]);
    std::memmove(below + to, below + from, n * sizeof below[0]);
  }
};

/// The way from the root to a word of a leaf.
struct SortedIndex::Path {
  // A branch away from the right edge has 10 children or more: 2^64 records need 20 levels.
  static constexpr std::uint32_t kMaxLevels = 24;
  struct Step {
    Branch* branch;
    std::uint32_t at;
  };
  std::array<Step, kMaxLevels> steps;
  Leaf* leaf;
  std::uint32_t at;

  void count_along(std::uint32_t levels, std::uint64_t change) noexcept {
    for (std::uint32_t level = 0; level < levels; ++level) steps[level].branch->below[steps[level].at] += change;
  }
  /// Whether the node below step `level` - 1 is the last of its depth.
  [[nodiscard]] bool on_right_edge(std::uint32_t level) const noexcept {
    for (std::uint32_t i = 0; i < level; ++i) {
      if (steps[i].at + 1 != steps[i].branch->count) return false;
    }
    return true;
  }
};

namespace {

constexpr std::uint32_t kLeafSlots = (512 - 32) / 8;
constexpr std::uint32_t kLeafLeast = kLeafSlots / 3;
constexpr std::uint32_t kBranchSlots = 31;
constexpr std::uint32_t kBranchLeast = kBranchSlots / 3;
/// Two nodes become one when they leave this much room, so that the next insert does not part them again.
constexpr std::uint32_t room_after_joining(std::uint32_t slots) { return slots / 8; }
/// A neighbour takes words from a full leaf when it has more room than this.
constexpr std::uint32_t kWorthSpilling = kLeafSlots / 8;

[[nodiscard]] std::uint64_t word_of(const ScoredMember& record, std::uint64_t tag) noexcept {
  return tag << 48 | reinterpret_cast<std::uintptr_t>(&record);
}

}  // namespace

/// What is done to single leaves.
struct SortedIndex::LeafWork {
  [[nodiscard]] static std::uint64_t tag(const Leaf& leaf, std::uint64_t key) noexcept {
    if (key <= leaf.base) return 0;
    return std::min(kTagMax, (key - leaf.base) >> leaf.shift);
  }
  /// Whether the tags tell `key` from others of the leaf's span.
  [[nodiscard]] static bool within(const Leaf& leaf, std::uint64_t key) noexcept {
    return key >= leaf.base && (key - leaf.base) >> leaf.shift <= kTagMax;
  }
  /// Chooses base and shift so that the keys low..high take the middle half of all tags.
  static void fit(Leaf& leaf, std::uint64_t low, std::uint64_t high) noexcept {
    const std::uint64_t span = high - low;
    const int bits = std::bit_width(span);
    leaf.shift = static_cast<std::uint8_t>(bits > 15 ? bits - 15 : 0);
    const std::uint64_t margin = std::uint64_t{1} << (14 + leaf.shift);
    leaf.base = low < margin ? 0 : low - margin;
  }
  static void retag(Leaf& leaf) noexcept {
    for (std::uint32_t i = 0; i < leaf.count; ++i) prefetch(&leaf.record(i));
    fit(leaf, leaf.record(0).key(), leaf.record(leaf.count - 1U).key());
    for (std::uint32_t i = 0; i < leaf.count; ++i) {
      const ScoredMember& record = leaf.record(i);
      leaf.words[i] = word_of(record, tag(leaf, record.key()));
    }
  }
  static void insert(Leaf& leaf, std::uint32_t at, const ScoredMember& record) noexcept {
    std::memmove(leaf.words + at + 1, leaf.words + at, (leaf.count - at) * sizeof(std::uint64_t));
    const std::uint64_t key = record.key();
    leaf.words[at] = word_of(record, tag(leaf, key));
    ++leaf.count;
    if (!within(leaf, key)) retag(leaf);
  }
  static void remove(Leaf& leaf, std::uint32_t at, std::uint32_t n) noexcept {
    std::memmove(leaf.words + at, leaf.words + at + n, (leaf.count - at - n) * sizeof(std::uint64_t));
    leaf.count = static_cast<std::uint16_t>(leaf.count - n);
  }
  /// Moves the first `n` words of `right` to the end of `left`.
  static void to_left(Leaf& left, Leaf& right, std::uint32_t n) noexcept {
    std::memcpy(left.words + left.count, right.words, n * sizeof(std::uint64_t));
    left.count = static_cast<std::uint16_t>(left.count + n);
    remove(right, 0, n);
    retag(left);
  }
  /// Moves the last `n` words of `left` to the beginning of `right`.
  static void to_right(Leaf& left, Leaf& right, std::uint32_t n) noexcept {
    std::memmove(right.words + n, right.words, right.count * sizeof(std::uint64_t));
    std::memcpy(right.words, left.words + left.count - n, n * sizeof(std::uint64_t));
    left.count = static_cast<std::uint16_t>(left.count - n);
    right.count = static_cast<std::uint16_t>(right.count + n);
    retag(right);
  }
  static void link_behind(Leaf& left, Leaf& fresh) noexcept {
    fresh.previous = &left;
    fresh.next = left.next;
    if (left.next != nullptr) left.next->previous = &fresh;
    left.next = &fresh;
  }
  static void link_before(Leaf& first, Leaf& fresh) noexcept {
    fresh.next = &first;
    first.previous = &fresh;
  }
  static void unlink(Leaf& leaf) noexcept {
    if (leaf.previous != nullptr) leaf.previous->next = leaf.next;
    if (leaf.next != nullptr) leaf.next->previous = leaf.previous;
  }
  [[nodiscard]] static Leaf* make(const ScoredMember& only) {
    auto* leaf = new Leaf;
    leaf->words[0] = word_of(only, 0);
    leaf->count = 1;
    retag(*leaf);
    return leaf;
  }

  /// The first word that does not precede the cut.
  template <typename C>
  [[nodiscard]] static std::uint32_t search(const Leaf& leaf, const C& cut) noexcept {
    std::uint32_t low = 0;
    std::uint32_t high = leaf.count;
    if constexpr (HasKey<C>) {
      // Words of smaller tags precede, words of greater ones do not: what is left is compared in full.
      const std::uint64_t t = tag(leaf, cut.key);
      const std::uint64_t from = t << 48;
      low = static_cast<std::uint32_t>(std::lower_bound(leaf.words, leaf.words + leaf.count, from) - leaf.words);
      high = low;
      while (high < leaf.count && leaf.words[high] >> 48 == t) ++high;
    }
    while (low < high) {
      const std::uint32_t middle = low + (high - low) / 2;
      const ScoredMember& record = leaf.record(middle);
      if (precedes(record.key(), record, cut)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
};

struct SortedIndex::BranchWork {
  /// The last child whose first record precedes the cut, or child 0.
  template <typename C>
  [[nodiscard]] static std::uint32_t search(const Branch& branch, const C& cut) noexcept {
    std::uint32_t low = 1;
    auto high = static_cast<std::uint32_t>(branch.count);
    while (low < high) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (precedes(branch.keys[middle], *branch.firsts[middle], cut)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }
};

/// Descents: const ones that only need the place, and one that keeps the path.
struct SortedIndex::Descent {
  template <typename C>
  static void path(const SortedIndex& index, const C& above, const C& in_leaf, Path& path) noexcept {
    void* node = index.root_;
    for (std::uint32_t level = 0; level < index.height_; ++level) {
      auto* branch = static_cast<Branch*>(node);
      const std::uint32_t at = BranchWork::search(*branch, above);
      path.steps[level] = {branch, at};
      node = branch->children[at];
    }
    path.leaf = static_cast<Leaf*>(node);
    path.at = LeafWork::search(*path.leaf, in_leaf);
  }

  template <typename C>
  [[nodiscard]] static std::uint64_t rank(const SortedIndex& index, const C& cut) noexcept {
    if (index.root_ == nullptr) return 0;
    std::uint64_t rank = 0;
    const void* node = index.root_;
    for (std::uint32_t level = 0; level < index.height_; ++level) {
      const auto* branch = static_cast<const Branch*>(node);
      const std::uint32_t at = BranchWork::search(*branch, cut);
      for (std::uint32_t i = 0; i < at; ++i) rank += branch->below[i];
      node = branch->children[at];
    }
    return rank + LeafWork::search(*static_cast<const Leaf*>(node), cut);
  }

  struct Place {
    const Leaf* leaf;
    std::uint32_t at;  // up to leaf->count
  };
  template <typename C>
  [[nodiscard]] static Place place(const SortedIndex& index, const C& cut) noexcept {
    const void* node = index.root_;
    for (std::uint32_t level = 0; level < index.height_; ++level) {
      const auto* branch = static_cast<const Branch*>(node);
      node = branch->children[BranchWork::search(*branch, cut)];
    }
    const auto* leaf = static_cast<const Leaf*>(node);
    return {leaf, LeafWork::search(*leaf, cut)};
  }

  static void path_of_rank(const SortedIndex& index, std::uint64_t rank, Path& path) noexcept {
    void* node = index.root_;
    for (std::uint32_t level = 0; level < index.height_; ++level) {
      auto* branch = static_cast<Branch*>(node);
      std::uint32_t at = 0;
      while (rank >= branch->below[at]) rank -= branch->below[at++];
      path.steps[level] = {branch, at};
      node = branch->children[at];
    }
    path.leaf = static_cast<Leaf*>(node);
    path.at = static_cast<std::uint32_t>(rank);
  }

  static void free_below(void* node, std::uint32_t levels) noexcept {
    if (levels == 0) {
      delete static_cast<Leaf*>(node);
      return;
    }
    auto* branch = static_cast<Branch*>(node);
    for (std::uint32_t i = 0; i < branch->count; ++i) free_below(branch->children[i], levels - 1);
    delete branch;
  }
  [[nodiscard]] static std::size_t bytes_below(const void* node, std::uint32_t levels) noexcept {
    if (levels == 0) return sizeof(Leaf);
    const auto* branch = static_cast<const Branch*>(node);
    if (levels == 1) return sizeof(Branch) + branch->count * sizeof(Leaf);
    std::size_t bytes = sizeof(Branch);
    for (std::uint32_t i = 0; i < branch->count; ++i) bytes += bytes_below(branch->children[i], levels - 1);
    return bytes;
  }

  /// Checks a subtree and returns how many records it holds. `chain` is the leaf that must come next.
  static std::uint64_t check(const void* node, std::uint32_t levels, bool left_edge, bool right_edge,
                             const Leaf*& chain) {
    if (levels == 0) {
      const auto* leaf = static_cast<const Leaf*>(node);
      ASH_CHECK(leaf == chain && leaf->count > 0 && leaf->count <= Leaf::kSlots);
      chain = leaf->next;
      ASH_CHECK(chain == nullptr || chain->previous == leaf);
      ASH_CHECK(left_edge || right_edge || leaf->count >= kLeafLeast);
      return leaf->count;
    }
    const auto* branch = static_cast<const Branch*>(node);
    ASH_CHECK(branch->count >= 2 && branch->count <= Branch::kSlots);
    ASH_CHECK(right_edge || branch->count >= kBranchLeast);
    std::uint64_t total = 0;
    for (std::uint32_t i = 0; i < branch->count; ++i) {
      if (i > 0) {
        const void* down = branch->children[i];
        for (std::uint32_t l = 1; l < levels; ++l) down = static_cast<const Branch*>(down)->children[0];
        ASH_CHECK(branch->firsts[i] == &static_cast<const Leaf*>(down)->record(0));
        ASH_CHECK(branch->keys[i] == branch->firsts[i]->key());
      }
      const std::uint64_t below =
          check(branch->children[i], levels - 1, left_edge && i == 0, right_edge && i + 1 == branch->count, chain);
      ASH_CHECK(below == branch->below[i]);
      total += below;
    }
    return total;
  }
};

void SortedIndex::swap(SortedIndex& other) noexcept {
  std::swap(root_, other.root_);
  std::swap(size_, other.size_);
  std::swap(height_, other.height_);
}

void SortedIndex::clear() noexcept {
  if (root_ != nullptr) Descent::free_below(root_, height_);
  root_ = nullptr;
  size_ = 0;
  height_ = 0;
}

void SortedIndex::find_record(const ScoredMember& record, Path& path) const noexcept {
  ASH_CHECK(root_ != nullptr);
  const std::uint64_t key = record.key();
  Descent::path(*this, ElementCut{key, record.member(), Side::kAfter}, ElementCut{key, record.member(), Side::kBefore},
                path);
  ASH_CHECK(path.at < path.leaf->count && &path.leaf->record(path.at) == &record);
}

void SortedIndex::insert(ScoredMember& record) {
  if (root_ == nullptr) {
    root_ = LeafWork::make(record);
    size_ = 1;
    return;
  }
  const ElementCut cut{record.key(), record.member(), Side::kBefore};
  Path path;
  Descent::path(*this, cut, cut, path);
  if (path.leaf->count == Leaf::kSlots) {
    if (path.leaf->next == nullptr && path.at == path.leaf->count) return append_leaf(path, record);
    if (path.leaf->previous == nullptr && path.at == 0) return prepend_leaf(path, record);
    make_room(path);
    Descent::path(*this, cut, cut, path);
  }
  LeafWork::insert(*path.leaf, path.at, record);
  path.count_along(height_, 1);
  ++size_;
}

/// A record behind all others of a full tree gets a leaf of its own, so that ascending inserts leave full leaves.
void SortedIndex::append_leaf(Path& path, ScoredMember& record) {
  Leaf* fresh = LeafWork::make(record);
  LeafWork::link_behind(*path.leaf, *fresh);
  ++size_;
  const Entry entry{record.key(), &record, fresh, 1};
  if (height_ == 0) return grow_root(entry);
  path.count_along(height_ - 1, 1);
  insert_entry(path, height_ - 1, entry);
}

/// The same for a record before all others: the present first leaf becomes the second child.
void SortedIndex::prepend_leaf(Path& path, ScoredMember& record) {
  Leaf& second = *path.leaf;
  Leaf* fresh = LeafWork::make(record);
  LeafWork::link_before(second, *fresh);
  ++size_;
  const Entry entry{second.record(0).key(), &second.record(0), &second, second.count};
  if (height_ == 0) {
    root_ = fresh;
    return grow_root(entry);
  }
  path.count_along(height_ - 1, 1);
  Branch& parent = *path.steps[height_ - 1].branch;
  parent.children[0] = fresh;
  parent.below[0] = 1;
  insert_entry(path, height_ - 1, entry);
}

/// Gives the full leaf at the end of `path` at least one free word: hands words to a neighbour, or splits. The path is
/// then out of date.
void SortedIndex::make_room(Path& path) {
  Leaf& leaf = *path.leaf;
  if (height_ > 0) {
    Branch& parent = *path.steps[height_ - 1].branch;
    const std::uint32_t at = path.steps[height_ - 1].at;
    Leaf* left = at > 0 ? static_cast<Leaf*>(parent.children[at - 1]) : nullptr;
    Leaf* right = at + 1 < parent.count ? static_cast<Leaf*>(parent.children[at + 1]) : nullptr;
    if (left != nullptr && Leaf::kSlots - left->count > kWorthSpilling) {
      const std::uint32_t n = (Leaf::kSlots - left->count + 1U) / 2;
      LeafWork::to_left(*left, leaf, n);
      parent.below[at - 1] += n;
      parent.below[at] -= n;
      parent.set_first(at, {leaf.record(0).key(), &leaf.record(0), nullptr, 0});
      return;
    }
    if (right != nullptr && Leaf::kSlots - right->count > kWorthSpilling) {
      const std::uint32_t n = (Leaf::kSlots - right->count + 1U) / 2;
      LeafWork::to_right(leaf, *right, n);
      parent.below[at + 1] += n;
      parent.below[at] -= n;
      parent.set_first(at + 1, {right->record(0).key(), &right->record(0), nullptr, 0});
      return;
    }
  }
  split_leaf(path);
}

/// Two neighbours that are full become three of two thirds each; a lone root leaf becomes two halves.
void SortedIndex::split_leaf(Path& path) {
  auto* fresh = new Leaf;
  if (height_ == 0) {
    LeafWork::to_right(*path.leaf, *fresh, path.leaf->count / 2U);
    LeafWork::retag(*path.leaf);
    LeafWork::link_behind(*path.leaf, *fresh);
    return grow_root({fresh->record(0).key(), &fresh->record(0), fresh, fresh->count});
  }
  Path::Step& step = path.steps[height_ - 1];
  Branch& parent = *step.branch;
  if (step.at + 1 == parent.count) --step.at;
  auto& left = *static_cast<Leaf*>(parent.children[step.at]);
  auto& right = *static_cast<Leaf*>(parent.children[step.at + 1]);
  LeafWork::to_right(left, *fresh, left.count / 3U);
  LeafWork::to_left(*fresh, right, right.count / 3U);
  LeafWork::retag(left);
  LeafWork::retag(right);
  LeafWork::link_behind(left, *fresh);
  parent.below[step.at] = left.count;
  parent.below[step.at + 1] = right.count;
  parent.set_first(step.at + 1, {right.record(0).key(), &right.record(0), nullptr, 0});
  insert_entry(path, height_ - 1, {fresh->record(0).key(), &fresh->record(0), fresh, fresh->count});
}

/// Puts a root above the present one, with `entry` as its second child.
void SortedIndex::grow_root(const Entry& entry) {
  auto* root = new Branch;
  const std::uint64_t below = height_ == 0 ? static_cast<Leaf*>(root_)->count : static_cast<Branch*>(root_)->total();
  root->set(0, {0, nullptr, root_, below});
  root->set(1, entry);
  root->count = 2;
  root_ = root;
  ++height_;
  ASH_CHECK(height_ < Path::kMaxLevels);
}

/// Puts `entry` behind the child that the path takes in the branch of `level`. Branches above count what is below them
/// including the entry; a branch that must split hands half of its children (at the right edge: one) to a new one.
void SortedIndex::insert_entry(Path& path, std::uint32_t level, const Entry& entry) {
  Branch& branch = *path.steps[level].branch;
  const std::uint32_t place = path.steps[level].at + 1;
  if (branch.count < Branch::kSlots) {
    branch.move_up(place, 1);
    branch.set(place, entry);
    ++branch.count;
    return;
  }
  const bool appending = place == branch.count && path.on_right_edge(level);
  const auto stay = static_cast<std::uint32_t>(appending ? branch.count - 1 : branch.count / 2);
  auto* fresh = new Branch;
  fresh->copy_from(branch, stay, 0, static_cast<std::uint32_t>(branch.count) - stay);
  fresh->count = branch.count - stay;
  branch.count = stay;
  Branch& target = place <= stay ? branch : *fresh;
  const std::uint32_t at = place <= stay ? place : place - stay;
  target.move_up(at, 1);
  target.set(at, entry);
  ++target.count;
  const Entry up{fresh->keys[0], fresh->firsts[0], fresh, fresh->total()};
  if (level == 0) return grow_root(up);
  path.steps[level - 1].branch->below[path.steps[level - 1].at] -= up.below;
  insert_entry(path, level - 1, up);
}

void SortedIndex::erase(const ScoredMember& record) {
  Path path;
  find_record(record, path);
  erase_at(path, 1);
}

SortedIndex::Run SortedIndex::take_run(std::uint64_t first, std::uint64_t at_most) {
  Path path;
  Descent::path_of_rank(*this, first, path);
  Run run;
  run.count = static_cast<std::uint32_t>(std::min<std::uint64_t>(at_most, path.leaf->count - path.at));
  for (std::uint32_t i = 0; i < run.count; ++i) run.records[i] = &path.leaf->record(path.at + i);
  erase_at(path, run.count);
  return run;
}

/// Removes `n` words from the place of `path` on, all in its leaf.
void SortedIndex::erase_at(Path& path, std::uint32_t n) {
  LeafWork::remove(*path.leaf, path.at, n);
  size_ -= n;
  if (height_ == 0) {
    if (size_ == 0) clear();
    return;
  }
  path.count_along(height_, ~std::uint64_t{n} + 1);
  if (path.leaf->count < kLeafLeast) {
    refill_leaf(path);
  } else if (path.at == 0) {
    ScoredMember& first = path.leaf->record(0);
    note_first(path, height_, {first.key(), &first, nullptr, 0});
  }
}

/// Writes the first record of the node below step `levels` - 1 where it is known: in the lowest branch of which it is
/// not the leftmost.
void SortedIndex::note_first(Path& path, std::uint32_t levels, const Entry& entry) noexcept {
  for (std::uint32_t level = levels; level > 0; --level) {
    if (path.steps[level - 1].at > 0) return path.steps[level - 1].branch->set_first(path.steps[level - 1].at, entry);
  }
}

/// The leaf of the path has too few words: joins it with a neighbour or takes some from there.
void SortedIndex::refill_leaf(Path& path) {
  Path::Step& step = path.steps[height_ - 1];
  Branch& parent = *step.branch;
  if (step.at > 0) --step.at;  // the pair: this child and the next one
  const std::uint32_t at = step.at;
  auto& left = *static_cast<Leaf*>(parent.children[at]);
  auto& right = *static_cast<Leaf*>(parent.children[at + 1]);
  const std::uint32_t sum = left.count + right.count;
  const bool join = sum <= Leaf::kSlots - room_after_joining(Leaf::kSlots);
  const std::uint32_t stay = join ? sum : sum / 2;
  if (left.count < stay) {
    LeafWork::to_left(left, right, stay - left.count);
  } else if (left.count > stay) {
    LeafWork::to_right(left, right, left.count - stay);
  }
  parent.below[at] = left.count;
  parent.below[at + 1] = right.count;
  if (join) {
    LeafWork::unlink(right);
    delete &right;
    parent.move_down(at + 1, 1);
    --parent.count;
  } else {
    parent.set_first(at + 1, {right.record(0).key(), &right.record(0), nullptr, 0});
  }
  ScoredMember& first = left.record(0);
  note_first(path, height_, {first.key(), &first, nullptr, 0});
  if (join) refill_branch(path, height_ - 1);
}

/// A branch has lost a child: does for it what refill_leaf() does for a leaf.
void SortedIndex::refill_branch(Path& path, std::uint32_t level) {
  Branch& branch = *path.steps[level].branch;
  if (level == 0) {
    if (branch.count > 1) return;
    root_ = branch.children[0];
    --height_;
    delete &branch;
    return;
  }
  if (branch.count >= kBranchLeast) return;
  Path::Step& step = path.steps[level - 1];
  Branch& parent = *step.branch;
  if (step.at > 0) --step.at;
  const std::uint32_t at = step.at;
  auto& left = *static_cast<Branch*>(parent.children[at]);
  auto& right = *static_cast<Branch*>(parent.children[at + 1]);
  // The leftmost entry of `right` becomes an inner one: only the parent knows its first record.
  right.set_first(0, parent.entry(at + 1));
  const auto left_count = static_cast<std::uint32_t>(left.count);
  const auto sum = static_cast<std::uint32_t>(left.count + right.count);
  const bool join = sum <= Branch::kSlots - room_after_joining(Branch::kSlots);
  const std::uint32_t stay = join ? sum : sum / 2;
  if (left_count < stay) {
    const std::uint32_t n = stay - left_count;
    left.copy_from(right, 0, left_count, n);
    right.move_down(0, n);
  } else {
    const std::uint32_t n = left_count - stay;
    right.move_up(0, n);
    right.copy_from(left, stay, 0, n);
  }
  left.count = stay;
  right.count = sum - stay;
  parent.below[at] = left.total();
  parent.below[at + 1] = right.total();
  if (!join) {
    parent.set_first(at + 1, right.entry(0));
    return;
  }
  delete &right;
  parent.move_down(at + 1, 1);
  --parent.count;
  refill_branch(path, level - 1);
}

void SortedIndex::rescore(ScoredMember& record, double score) {
  Path path;
  find_record(record, path);
  Leaf& leaf = *path.leaf;
  const std::uint64_t key = order_key(score);
  const std::uint64_t tag = LeafWork::tag(leaf, key);
  // Between two neighbours of the same leaf nothing but the word changes. Tags alone decide; a close call goes the long
  // way.
  if (path.at > 0 && path.at + 1U < leaf.count && leaf.words[path.at - 1] >> 48 < tag &&
      tag < leaf.words[path.at + 1] >> 48) {
    record.set_score(score);
    leaf.words[path.at] = word_of(record, tag);
    return;
  }
  erase_at(path, 1);
  record.set_score(score);
  insert(record);
}

std::uint64_t SortedIndex::rank(const ScoredMember& record) const noexcept {
  return Descent::rank(*this, ElementCut{record.key(), record.member(), Side::kBefore});
}

std::uint64_t SortedIndex::rank(const Cut& cut) const noexcept {
  if (const auto* s = std::get_if<ScoreCut>(&cut)) return Descent::rank(*this, KeyCut{order_key(s->score), s->side});
  if (const auto* l = std::get_if<LexCut>(&cut)) return Descent::rank(*this, *l);
  return std::holds_alternative<BackCut>(cut) ? size_ : 0;
}

SortedIndex::Position SortedIndex::at_rank(std::uint64_t rank) const noexcept {
  if (rank >= size_) return {};
  Path path;
  Descent::path_of_rank(*this, rank, path);
  return {path.leaf, path.at};
}

SortedIndex::Position SortedIndex::behind(const Cut& cut) const noexcept {
  if (root_ == nullptr || std::holds_alternative<BackCut>(cut)) return {};
  if (std::holds_alternative<FrontCut>(cut)) return first();
  const auto* s = std::get_if<ScoreCut>(&cut);
  const Descent::Place place = s != nullptr ? Descent::place(*this, KeyCut{order_key(s->score), s->side})
                                            : Descent::place(*this, std::get<LexCut>(cut));
  if (place.at < place.leaf->count) return {place.leaf, place.at};
  return {place.leaf->next, 0};
}

SortedIndex::Position SortedIndex::before(const Cut& cut) const noexcept {
  if (root_ == nullptr || std::holds_alternative<FrontCut>(cut)) return {};
  if (std::holds_alternative<BackCut>(cut)) return last();
  const auto* s = std::get_if<ScoreCut>(&cut);
  const Descent::Place place = s != nullptr ? Descent::place(*this, KeyCut{order_key(s->score), s->side})
                                            : Descent::place(*this, std::get<LexCut>(cut));
  if (place.at > 0) return {place.leaf, place.at - 1};
  if (place.leaf->previous == nullptr) return {};
  return {place.leaf->previous, place.leaf->previous->count - 1U};
}

std::size_t SortedIndex::memory_bytes() const noexcept {
  return root_ == nullptr ? 0 : Descent::bytes_below(root_, height_);
}

const SortedIndex::Leaf* SortedIndex::edge_leaf() const noexcept {
  const void* node = root_;
  for (std::uint32_t level = 0; level < height_; ++level) node = static_cast<const Branch*>(node)->children[0];
  return static_cast<const Leaf*>(node);
}

void SortedIndex::check_invariants() const {
  if (root_ == nullptr) {
    ASH_CHECK(size_ == 0 && height_ == 0);
    return;
  }
  const Leaf* chain = edge_leaf();
  ASH_CHECK(chain->previous == nullptr);
  ASH_CHECK(Descent::check(root_, height_, true, true, chain) == size_);
  ASH_CHECK(chain == nullptr);
  const ScoredMember* last = nullptr;
  for (const Leaf* leaf = edge_leaf(); leaf != nullptr; leaf = leaf->next) {
    for (std::uint32_t i = 0; i < leaf->count; ++i) {
      const ScoredMember& record = leaf->record(i);
      ASH_CHECK(leaf->words[i] >> 48 == LeafWork::tag(*leaf, record.key()));
      if (last != nullptr) ASH_CHECK(precedes(last->key(), *last, {record.key(), record.member(), Side::kBefore}));
      last = &record;
    }
  }
}

}  // namespace ashlar::ds
