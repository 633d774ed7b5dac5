#include "ds/quicklist.h"

#include <liblzf/lzf.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "base/check.h"

namespace ashlar::ds {
namespace {

constexpr std::size_t kPlainHeader = 8;
constexpr std::size_t kCompressedHeader = 8;
/// Listpacks below this, or that shrink by less than kGainMin, are not worth the work (the bounds of Redis).
constexpr std::size_t kCompressMin = 48;
constexpr std::size_t kGainMin = 8;

std::uint8_t* allocate(std::size_t bytes) {
  auto* block = static_cast<std::uint8_t*>(std::malloc(bytes));
  if (block == nullptr) [[unlikely]]
    throw std::bad_alloc();
  return block;
}

std::string_view plain_bytes(const std::uint8_t* block) noexcept {
  return {reinterpret_cast<const char*>(block + kPlainHeader), load_le<std::uint64_t>(block)};
}

std::size_t unpacked_bytes(const std::uint8_t* block) noexcept { return load_le<std::uint32_t>(block); }

/// Writes the listpack inside a compressed block to `out`, which has room for its unpacked_bytes().
void unpack(const std::uint8_t* block, std::uint8_t* out) noexcept {
  const auto size = load_le<std::uint32_t>(block);
  const unsigned n = ::lzf_decompress(block + kCompressedHeader, load_le<std::uint32_t>(block + 4), out, size);
  ASH_CHECK(n == size);
}

}  // namespace

// ---- limits

ListNodeLimit::ListNodeLimit(std::int64_t setting) noexcept {
  constexpr std::array<std::uint32_t, 5> kBytes = {4096, 8192, 16384, 32768, 65536};
  if (setting >= 0) {
    bytes_max_ = 8192;
    count_max_ = static_cast<std::uint32_t>(std::clamp<std::int64_t>(setting, 1, 32767));
  } else {
    bytes_max_ = kBytes[static_cast<std::size_t>(-std::max<std::int64_t>(setting, -5) - 1)];
    count_max_ = std::numeric_limits<std::uint32_t>::max();
  }
}

ListNodeLimit ListNodeLimit::halved() const noexcept {
  ListNodeLimit half = *this;
  if (count_max_ == std::numeric_limits<std::uint32_t>::max()) {
    half.bytes_max_ /= 2;
  } else {
    half.count_max_ /= 2;
  }
  return half;
}

// ---- the array of nodes

Quicklist::NodeArray::~NodeArray() { std::free(slots_); }

void Quicklist::NodeArray::swap(NodeArray& other) noexcept {
  std::swap(slots_, other.slots_);
  std::swap(begin_, other.begin_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
}

void Quicklist::NodeArray::reallocate(std::size_t before, std::size_t behind) {
  const std::size_t capacity = before + size_ + behind;
  auto* slots = static_cast<Node*>(std::malloc(capacity * sizeof(Node)));
  if (slots == nullptr) [[unlikely]]
    throw std::bad_alloc();
  if (size_ > 0) std::memcpy(slots + before, slots_ + begin_, size_ * sizeof(Node));
  std::free(slots_);
  slots_ = slots;
  begin_ = before;
  capacity_ = capacity;
}

void Quicklist::NodeArray::insert(std::size_t at, Node node) {
  const bool front_half = at < size_ - at;
  // Where room has run out half as much comes, so that growth at either end is amortised; the other end keeps some.
  const std::size_t behind = capacity_ - begin_ - size_;
  const std::size_t more = size_ / 2 + 1;
  const std::size_t kept = size_ / 4;
  if (front_half && begin_ == 0) reallocate(more, std::min(behind, kept));
  if (!front_half && behind == 0) reallocate(std::min(begin_, kept), more);
  if (front_half) {
    std::memmove(slots_ + begin_ - 1, slots_ + begin_, at * sizeof(Node));
    --begin_;
  } else {
    std::memmove(slots_ + begin_ + at + 1, slots_ + begin_ + at, (size_ - at) * sizeof(Node));
  }
  slots_[begin_ + at] = node;
  ++size_;
}

void Quicklist::NodeArray::erase(std::size_t at, std::size_t count) {
  const std::size_t behind = size_ - at - count;
  if (at < behind) {
    std::memmove(slots_ + begin_ + count, slots_ + begin_, at * sizeof(Node));
    begin_ += count;
  } else {
    std::memmove(slots_ + begin_ + at, slots_ + begin_ + at + count, behind * sizeof(Node));
  }
  size_ -= count;
  if (capacity_ > 16 && size_ < capacity_ / 4) reallocate(size_ / 4 + 1, size_ / 4 + 1);
}

// ---- nodes

Quicklist::Node Quicklist::packed_node(Listpack pack, std::size_t count) noexcept {
  return {pack.release(), static_cast<std::uint32_t>(count), Form::kPacked};
}

Quicklist::Node Quicklist::plain_node(std::string_view bytes) {
  std::uint8_t* block = allocate(kPlainHeader + bytes.size());
  store_le(block, static_cast<std::uint64_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(block + kPlainHeader, bytes.data(), bytes.size());
  return {block, 1, Form::kPlain};
}

bool Quicklist::large(const PackedItem& item) const noexcept {
  return !item.is_integer() && shape_.limit.is_large(item.text_bytes().size());
}

Quicklist::Node Quicklist::node_for(const PackedItem& item) const {
  if (large(item)) return plain_node(item.text_bytes());
  Listpack pack;
  pack.append(item);
  return packed_node(std::move(pack), 1);
}

void Quicklist::free_block(Node& node) noexcept {
  std::free(node.block);
  node.block = nullptr;
}

std::size_t Quicklist::block_memory(const Node& node) noexcept {
  switch (node.form) {
    case Form::kPacked: return packed_block_bytes(ListpackView(node.block).size_bytes());
    case Form::kPlain: return kPlainHeader + plain_bytes(node.block).size();
    default: return kCompressedHeader + load_le<std::uint32_t>(node.block + 4);
  }
}

bool Quicklist::takes(std::size_t node, const PackedItem& item) const noexcept {
  const Node& n = nodes_[node];
  if (n.form == Form::kPlain || large(item)) return false;
  const std::size_t bytes = n.form == Form::kPacked ? ListpackView(n.block).size_bytes() : unpacked_bytes(n.block);
  return !shape_.limit.full(bytes + item.entry_bytes(), n.count + std::size_t{1});
}

bool Quicklist::inner(std::size_t node) const noexcept {
  const std::size_t depth = shape_.compress_depth;
  return depth > 0 && node >= depth && nodes_.size() - node > depth;
}

void Quicklist::compress(std::size_t node) {
  Node& n = nodes_[node];
  if (n.form != Form::kPacked) return;
  const std::size_t size = ListpackView(n.block).size_bytes();
  if (size < kCompressMin) return;
  std::vector<std::uint8_t> packed(size - kGainMin);
  const unsigned bytes =
      ::lzf_compress(n.block, static_cast<unsigned>(size), packed.data(), static_cast<unsigned>(packed.size()));
  if (bytes == 0) return;
  std::uint8_t* block = allocate(kCompressedHeader + bytes);
  store_le(block, static_cast<std::uint32_t>(size));
  store_le(block + 4, static_cast<std::uint32_t>(bytes));
  std::memcpy(block + kCompressedHeader, packed.data(), bytes);
  free_block(n);
  n.block = block;
  n.form = Form::kCompressed;
}

void Quicklist::decompress(std::size_t node) {
  Node& n = nodes_[node];
  if (n.form != Form::kCompressed) return;
  std::uint8_t* block = allocate(packed_block_bytes(unpacked_bytes(n.block)));
  unpack(n.block, block);
  free_block(n);
  n.block = block;
  n.form = Form::kPacked;
}

void Quicklist::settle(std::size_t node) {
  const std::size_t depth = shape_.compress_depth;
  if (depth == 0 || nodes_.size() == 0) return;
  const std::size_t count = nodes_.size();
  for (std::size_t i = 0; i < std::min(depth, count); ++i) {
    decompress(i);
    decompress(count - 1 - i);
  }
  for (const std::size_t i : {depth, count - 1 - std::min(depth, count - 1), node, node + 1, node - 1}) {
    if (i < count && inner(i)) compress(i);
  }
}

template <typename Change>
void Quicklist::edit(std::size_t node, Change&& change) {
  decompress(node);
  Node& n = nodes_[node];
  ASH_DCHECK(n.form == Form::kPacked);
  Listpack pack = Listpack::adopt(n.block);
  change(pack);
  n.block = pack.release();
}

void Quicklist::add_node(std::size_t at, Node node) {
  nodes_.insert(at, node);
  size_ += node.count;
}

void Quicklist::drop_nodes(std::size_t at, std::size_t count) noexcept {
  for (std::size_t i = at; i < at + count; ++i) {
    size_ -= nodes_[i].count;
    free_block(nodes_[i]);
  }
  nodes_.erase(at, count);
}

void Quicklist::try_merge(std::size_t node) {
  if (node + 1 >= nodes_.size()) return;
  if (nodes_[node].form == Form::kPlain || nodes_[node + 1].form == Form::kPlain) return;
  decompress(node);
  decompress(node + 1);
  const ListpackView right(nodes_[node + 1].block);
  const std::size_t count = std::size_t{nodes_[node].count} + nodes_[node + 1].count;
  if (shape_.limit.exceeded(ListpackView(nodes_[node].block).size_bytes() + right.size_bytes(), count)) return;
  edit(node, [&](Listpack& left) { left.append_all(right); });
  size_ += nodes_[node + 1].count;
  nodes_[node].count = static_cast<std::uint32_t>(count);
  drop_nodes(node + 1, 1);
}

void Quicklist::split(std::size_t node, ListpackPos pos, std::size_t left_count) {
  const std::size_t right_count = nodes_[node].count - left_count;
  Listpack right;
  edit(node, [&](Listpack& left) { right = left.split_off(pos); });
  nodes_[node].count = static_cast<std::uint32_t>(left_count);
  size_ -= right_count;
  add_node(node + 1, packed_node(std::move(right), right_count));
}

// ---- the list

Quicklist::~Quicklist() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) free_block(nodes_[i]);
}

void Quicklist::swap(Quicklist& other) noexcept {
  nodes_.swap(other.nodes_);
  std::swap(size_, other.size_);
  std::swap(shape_, other.shape_);
}

Quicklist Quicklist::clone() const {
  Quicklist copy(shape_);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node node = nodes_[i];
    const std::size_t bytes = block_memory(node);
    node.block = allocate(bytes);
    std::memcpy(node.block, nodes_[i].block,
                node.form == Form::kPacked ? ListpackView(nodes_[i].block).size_bytes() : bytes);
    copy.add_node(i, node);
  }
  return copy;
}

std::size_t Quicklist::memory_bytes() const noexcept {
  std::size_t bytes = nodes_.memory_bytes();
  for (std::size_t i = 0; i < nodes_.size(); ++i) bytes += block_memory(nodes_[i]);
  return bytes;
}

void Quicklist::push_front(const PackedItem& item) {
  if (nodes_.size() > 0 && takes(0, item)) {
    edit(0, [&](Listpack& pack) { pack.prepend(item); });
    ++nodes_[0].count;
    ++size_;
    return;
  }
  add_node(0, node_for(item));
  settle(0);
}

void Quicklist::push_back(const PackedItem& item) {
  const std::size_t count = nodes_.size();
  if (count > 0 && takes(count - 1, item)) {
    edit(count - 1, [&](Listpack& pack) { pack.append(item); });
    ++nodes_[count - 1].count;
    ++size_;
    return;
  }
  add_node(count, node_for(item));
  settle(count);
}

Quicklist::Cursor Quicklist::seek(std::int64_t index) const {
  const bool back = index < 0;
  const std::uint64_t distance = back ? static_cast<std::uint64_t>(-(index + 1)) : static_cast<std::uint64_t>(index);
  Cursor cursor(*this, nodes_.size());
  if (distance >= size_) return cursor;
  std::uint64_t from_front = back ? size_ - 1 - distance : distance;
  std::size_t node = 0;
  if (from_front < size_ / 2) {
    for (; from_front >= nodes_[node].count; ++node) from_front -= nodes_[node].count;
  } else {
    std::uint64_t begin = size_;  // index of the first element of `node`
    node = nodes_.size();
    do {
      --node;
      begin -= nodes_[node].count;
    } while (begin > from_front);
    from_front -= begin;
  }
  cursor.node_ = node;
  cursor.open();
  if (cursor.block_ != nullptr) {
    cursor.pos_ = ListpackView(cursor.block_).seek(static_cast<std::int64_t>(from_front));
  }
  return cursor;
}

void Quicklist::insert(const Cursor& at, const PackedItem& item) {
  if (at.at_end()) return push_back(item);
  const std::size_t node = at.node_;
  const bool at_first = at.plain() || at.pos_ == ListpackView(at.block_).first();
  if (at_first && node == 0) return push_front(item);
  const ListpackPos pos = at.pos_;
  if (takes(node, item)) {
    edit(node, [&](Listpack& pack) { pack.insert(pos, item); });
    ++nodes_[node].count;
    ++size_;
    return settle(node);
  }
  if (!at_first) {
    const ListpackView pack(at.block_);
    std::size_t left_count = 0;
    for (ListpackPos p = pack.first(); p != pos; p = pack.next(p)) ++left_count;
    split(node, pos, left_count);
  }
  // The place is now between two nodes.
  const std::size_t left = at_first ? node - 1 : node;
  if (takes(left, item)) {
    edit(left, [&](Listpack& pack) { pack.append(item); });
    ++nodes_[left].count;
    ++size_;
    try_merge(left + 1);
  } else {
    add_node(left + 1, node_for(item));
    try_merge(left + 2);
    try_merge(left + 1);
  }
  settle(left + 1);
}

void Quicklist::replace(const Cursor& at, const PackedItem& item) {
  const std::size_t node = at.node_;
  const ListpackPos pos = at.pos_;
  if (!at.plain() && !large(item)) {
    const ListpackView pack(at.block_);
    const std::size_t old = PackedItem(pack.get(pos)).entry_bytes();
    const std::size_t bytes = pack.size_bytes() - old + item.entry_bytes();
    if (nodes_[node].count == 1 || !shape_.limit.exceeded(bytes, nodes_[node].count)) {
      edit(node, [&](Listpack& changed) { changed.replace(pos, item); });
      return settle(node);
    }
  } else if (at.plain() && large(item)) {
    Node fresh = plain_node(item.text_bytes());
    free_block(nodes_[node]);
    nodes_[node] = fresh;
    return;
  }
  Cursor place(*this, node);
  place.open();
  place.pos_ = pos;
  erase(place);
  insert(place, item);
}

void Quicklist::erase(Cursor& at) {
  const std::size_t node = at.node_;
  --size_;
  if (--nodes_[node].count == 0) {
    drop_nodes(node, 1);
    settle(node);
    at.enter(Cursor::Side::kFirst);
    return;
  }
  edit(node, [&](Listpack& pack) { pack.erase(at.pos_); });
  settle(node);
  at.open();
  if (at.pos_ == ListpackView(at.block_).stop()) {
    ++at.node_;
    at.enter(Cursor::Side::kFirst);
  }
}

void Quicklist::pop_front() {
  if (empty()) return;
  erase_inside(0, 0, 1);
  settle(0);
}

void Quicklist::pop_back() {
  if (empty()) return;
  const std::size_t node = nodes_.size() - 1;
  erase_inside(node, nodes_[node].count - std::size_t{1}, 1);
  settle(nodes_.size());
}

void Quicklist::erase_inside(std::size_t node, std::size_t from, std::size_t count) {
  if (count == nodes_[node].count) return drop_nodes(node, 1);
  edit(node, [&](Listpack& pack) { pack.erase_range(static_cast<std::int64_t>(from), count); });
  nodes_[node].count -= static_cast<std::uint32_t>(count);
  size_ -= count;
}

void Quicklist::erase_range(std::uint64_t index, std::uint64_t count) {
  if (index >= size_) return;
  count = std::min(count, size_ - index);
  std::size_t node = 0;
  for (; index >= nodes_[node].count; ++node) index -= nodes_[node].count;
  if (index > 0 && count > 0) {
    const std::uint64_t n = std::min(count, nodes_[node].count - index);
    erase_inside(node, index, n);
    count -= n;
    ++node;
  }
  std::size_t whole = 0;
  for (; node + whole < nodes_.size() && count >= nodes_[node + whole].count; ++whole) {
    count -= nodes_[node + whole].count;
  }
  if (whole > 0) drop_nodes(node, whole);
  if (count > 0) erase_inside(node, 0, count);
  if (node > 0) try_merge(node - 1);
  settle(node);
}

bool Quicklist::node_is_plain(std::size_t node) const noexcept { return nodes_[node].form == Form::kPlain; }

std::string_view Quicklist::node_bytes(std::size_t node, std::vector<std::uint8_t>& scratch) const {
  const Node& n = nodes_[node];
  if (n.form == Form::kPlain) return plain_bytes(n.block);
  if (n.form == Form::kPacked) return ListpackView(n.block).blob();
  scratch.resize(unpacked_bytes(n.block));
  unpack(n.block, scratch.data());
  return {reinterpret_cast<const char*>(scratch.data()), scratch.size()};
}

std::optional<Listpack> Quicklist::take_if_single(const ListNodeLimit& limit) {
  if (nodes_.size() != 1 || nodes_[0].form == Form::kPlain) return std::nullopt;
  decompress(0);
  if (limit.exceeded(ListpackView(nodes_[0].block).size_bytes(), nodes_[0].count)) return std::nullopt;
  Listpack pack = Listpack::adopt(std::exchange(nodes_[0].block, nullptr));
  drop_nodes(0, 1);
  return pack;
}

void Quicklist::append_pack(Listpack pack) {
  const std::size_t count = pack.count();
  if (count == 0) return;
  if (!shape_.limit.exceeded(pack.size_bytes(), count)) {
    add_node(nodes_.size(), packed_node(std::move(pack), count));
    settle(nodes_.size() - 1);
    return;
  }
  for (const PackedValue& value : pack.view()) push_back(value);
}

void Quicklist::check_invariants() const {
  std::uint64_t sum = 0;
  std::vector<std::uint8_t> scratch;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& n = nodes_[i];
    sum += n.count;
    ASH_CHECK(n.count > 0);
    ASH_CHECK(inner(i) || n.form != Form::kCompressed);
    if (n.form == Form::kPlain) {
      ASH_CHECK(n.count == 1 && shape_.limit.is_large(plain_bytes(n.block).size()));
      continue;
    }
    const std::string_view blob = node_bytes(i, scratch);
    const ListpackView pack(reinterpret_cast<const std::uint8_t*>(blob.data()));
    pack.check_invariants();
    ASH_CHECK(pack.count() == n.count && pack.size_bytes() == blob.size());
    ASH_CHECK(n.count == 1 || !shape_.limit.exceeded(blob.size(), n.count));
  }
  ASH_CHECK(sum == size_);
}

// ---- cursor

bool Quicklist::Cursor::plain() const noexcept { return list_->nodes_[node_].form == Form::kPlain; }

void Quicklist::Cursor::open() {
  const Node& node = list_->nodes_[node_];
  if (node.form == Form::kPlain) {
    block_ = nullptr;
  } else if (node.form == Form::kPacked) {
    block_ = node.block;
  } else {
    unpacked_.resize(unpacked_bytes(node.block));
    unpack(node.block, unpacked_.data());
    block_ = unpacked_.data();
  }
}

void Quicklist::Cursor::enter(Side side) {
  if (at_end()) return;
  open();
  if (block_ == nullptr) return;
  const ListpackView pack(block_);
  pos_ = side == Side::kFirst ? pack.first() : pack.last();
}

PackedValue Quicklist::Cursor::value() const noexcept {
  if (block_ == nullptr) return PackedValue(plain_bytes(list_->nodes_[node_].block));
  return ListpackView(block_).get(pos_);
}

bool Quicklist::Cursor::matches(const PackedItem& item) const noexcept {
  return block_ == nullptr ? item.same_as(value()) : ListpackView(block_).matches(pos_, item);
}

void Quicklist::Cursor::next() {
  if (block_ != nullptr) {
    const ListpackView pack(block_);
    pos_ = pack.next(pos_);
    if (pos_ != pack.stop()) return;
  }
  ++node_;
  enter(Side::kFirst);
}

void Quicklist::Cursor::prev() {
  if (!at_end() && block_ != nullptr) {
    const ListpackView pack(block_);
    if (pos_ != pack.first()) {
      pos_ = pack.prev(pos_);
      return;
    }
  }
  node_ = node_ == 0 ? list_->nodes_.size() : std::min(node_, list_->nodes_.size()) - 1;
  enter(Side::kLast);
}

}  // namespace ashlar::ds
