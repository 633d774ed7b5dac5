#include "keyspace/values/stream.h"

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace ashlar::keyspace {

namespace {

std::size_t text_bytes(StreamNode::Pairs pairs) noexcept {
  std::size_t bytes = 0;
  for (const std::string_view text : pairs) bytes += text.size();
  return bytes;
}

std::int64_t difference(std::uint64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(a - static_cast<std::uint64_t>(b));
}

}  // namespace

Stream::~Stream() = default;

bool Stream::wants_new_node(const StreamNode& node, StreamNode::Pairs pairs, std::size_t needed,
                            const EncodingLimits& limits) const noexcept {
  if (!node.has_room(needed)) return true;
  const std::uint64_t bytes_max = limits.stream_node_bytes;
  if (bytes_max != 0 && node.size_bytes() + text_bytes(pairs) >= bytes_max) return true;
  const std::uint64_t entries_max = limits.stream_node_entries;
  return entries_max != 0 && node.live() + node.erased() >= entries_max;
}

bool Stream::append(StreamId id, StreamNode::Pairs pairs, const EncodingLimits& limits) {
  const std::size_t needed = StreamNode::bytes_needed(pairs);
  if (!StreamNode::fits(needed)) return false;
  Nodes::Cursor last = nodes_.last();
  if (!last.valid() || wants_new_node(last.value(), pairs, needed, limits)) {
    (void)nodes_.insert(id, StreamNode(pairs));
    last = nodes_.last();
    node_bytes_ += last.value().memory_bytes();
  }
  node_bytes_ -= last.value().memory_bytes();
  last.value().append(last.key(), id, pairs);
  node_bytes_ += last.value().memory_bytes();
  ++size_;
  ++entries_added_;
  last_id_ = id;
  if (size_ == 1) first_id_ = id;
  return true;
}

void Stream::erase_node(StreamId id) {
  node_bytes_ -= nodes_.find(id)->memory_bytes();
  nodes_.erase(id);
}

bool Stream::erase(StreamId id) {
  const Nodes::Cursor at = nodes_.seek_le(id);
  if (!at.valid()) return false;
  const StreamId node_id = at.key();
  node_bytes_ -= at.value().memory_bytes();
  const bool erased = at.value().erase(node_id, id);
  node_bytes_ += at.value().memory_bytes();
  if (!erased) return false;
  if (at.value().live() == 0) erase_node(node_id);
  --size_;
  max_deleted_id_ = std::max(max_deleted_id_, id);
  if (size_ == 0 || id == first_id_) find_first_id();
  return true;
}

std::uint64_t Stream::trim(const StreamTrim& trim) {
  const auto* length = std::get_if<StreamTrim::MaxLength>(&trim.bound);
  const auto* bound = std::get_if<StreamTrim::MinId>(&trim.bound);
  std::uint64_t removed = 0;
  while (!nodes_.empty()) {
    if (length != nullptr && size_ <= length->entries) break;
    const Nodes::Cursor at = nodes_.first();
    const StreamId node_id = at.key();
    StreamNode& node = at.value();
    const std::uint64_t live = node.live();
    if (trim.limit && removed + live > *trim.limit) break;
    const bool whole = length != nullptr ? size_ - live >= length->entries : node.last_id(node_id) < bound->id;
    if (whole) {
      erase_node(node_id);
      size_ -= live;
      removed += live;
      continue;
    }
    if (trim.precision == StreamTrim::Precision::kWholeNodes) break;
    node_bytes_ -= node.memory_bytes();
    const std::uint64_t erased = node.erase_front(node_id, [&](StreamId id, std::uint64_t so_far) {
      return length != nullptr ? size_ - so_far > length->entries : id < bound->id;
    });
    node_bytes_ += node.memory_bytes();
    size_ -= erased;
    removed += erased;
    if (node.live() == 0) erase_node(node_id);
    break;
  }
  if (removed > 0) find_first_id();
  return removed;
}

void Stream::set_id(StreamId last_id, std::optional<std::uint64_t> entries_added,
                    std::optional<StreamId> max_deleted_id) {
  last_id_ = last_id;
  if (entries_added) entries_added_ = *entries_added;
  if (max_deleted_id) max_deleted_id_ = *max_deleted_id;
}

void Stream::find_first_id() {
  StreamRange range(*this, {}, StreamId::max());
  first_id_ = range.next() ? range.id() : StreamId{};
}

bool Stream::contains(StreamId id) const { return StreamRange(*this, id, id).next(); }

StreamId Stream::last_entry_id() const {
  StreamRange range(*this, {}, StreamId::max(), StreamOrder::kDescending);
  return range.next() ? range.id() : StreamId{};
}

StreamId Stream::first_kept_id() const {
  const Nodes::ConstCursor first = nodes_.first();
  if (!first.valid()) return StreamId::max();
  StreamNodeCursor at = first.value().cursor(first.key());
  return at.next() ? at.id() : StreamId::max();
}

// Source: XINFO's "lag" and the counters of groups, as Redis 7.2 estimates them.
std::optional<std::int64_t> Stream::entries_added_until(StreamId id) const noexcept {
  const auto added = static_cast<std::int64_t>(entries_added_);
  if (entries_added_ == 0) return 0;
  if (size_ == 0 && id <= last_id_) return added;
  if (!id.is_zero() && id < max_deleted_id_) return std::nullopt;
  if (id == last_id_) return added;
  if (id > last_id_) return std::nullopt;
  if (max_deleted_id_.is_zero() || max_deleted_id_ < first_id_) {
    const auto before_first = static_cast<std::int64_t>(entries_added_ - size_);
    if (id < first_id_) return before_first;
    if (id == first_id_) return difference(entries_added_ - size_ + 1, 0);
  }
  return std::nullopt;
}

bool Stream::has_gap_from(StreamId from) const noexcept {
  return size_ > 0 && !max_deleted_id_.is_zero() && from <= max_deleted_id_;
}

std::optional<std::int64_t> Stream::lag(const StreamGroup& group) const noexcept {
  if (entries_added_ == 0) return 0;
  auto read = group.entries_read;
  if (!read || has_gap_from(group.last_id)) read = entries_added_until(group.last_id);
  return read ? std::optional(difference(entries_added_, *read)) : std::nullopt;
}

std::uint64_t Stream::radix_tree_nodes() const {
  // Common prefixes, in bytes, of neighbouring keys are the depths at which the tree branches; each stretch of bytes
  // between two branches is one compressed node, each key ends in a node of its own.
  constexpr std::size_t kKeyBytes = 16;
  std::uint64_t nodes = 1;  // the root, when there is no key
  std::vector<std::size_t> branches;
  StreamId::Bytes previous{};
  const auto stretch = [](std::size_t from, std::size_t to) { return to > from ? 1U : 0U; };
  for (auto at = nodes_.first(); at.valid(); at.next()) {
    const StreamId::Bytes key = at.key().bytes();
    if (nodes_.first().key() == at.key()) {
      previous = key;
      nodes = 2;  // a compressed node and the end
      continue;
    }
    const auto common =
        static_cast<std::size_t>(std::mismatch(key.begin(), key.end(), previous.begin()).first - key.begin());
    std::size_t below = kKeyBytes;
    for (; !branches.empty() && branches.back() > common; branches.pop_back()) below = branches.back();
    if (branches.empty() || branches.back() < common) {
      // The edge that leads down to the previous key is cut in two by a new branch.
      const std::size_t above = branches.empty() ? 0 : branches.back() + 1;
      nodes += 1 + stretch(above, common) + stretch(common + 1, below) - stretch(above, below);
      branches.push_back(common);
    }
    nodes += 1 + stretch(common + 1, kKeyBytes);
    previous = key;
  }
  return nodes;
}

StreamGroup* Stream::find_group(std::string_view name) noexcept {
  const auto it = groups_.find(name);
  return it == groups_.end() ? nullptr : &it->second;
}

const StreamGroup* Stream::find_group(std::string_view name) const noexcept {
  const auto it = groups_.find(name);
  return it == groups_.end() ? nullptr : &it->second;
}

StreamGroup* Stream::create_group(std::string_view name, StreamId last_id, StreamGroup::EntriesRead entries_read) {
  const auto [it, fresh] = groups_.try_emplace(std::string(name), last_id, entries_read);
  return fresh ? &it->second : nullptr;
}

bool Stream::erase_group(std::string_view name) {
  const auto it = groups_.find(name);
  if (it == groups_.end()) return false;
  groups_.erase(it);
  return true;
}

Result<void> Stream::load_node(StreamId node_id, std::string_view blob) {
  const Nodes::Cursor last = nodes_.last();
  if (last.valid() && node_id <= last_id_) return fail(ErrorCode::kCorrupt, "stream nodes that do not ascend");
  ASH_TRY(StreamNode node, StreamNode::validated(blob, node_id, last_id_));
  const std::uint64_t live = node.live();
  if (live == 0) return {};
  last_id_ = node.last_id(node_id);
  size_ += live;
  node_bytes_ += node.memory_bytes();
  (void)nodes_.insert(node_id, std::move(node));
  return {};
}

Result<void> Stream::load_totals(const Totals& totals) {
  if (totals.size != size_) return fail(ErrorCode::kCorrupt, "stream that counts its entries wrongly");
  if (totals.last_id < last_id_) return fail(ErrorCode::kCorrupt, "stream whose last id is not its last");
  last_id_ = totals.last_id;
  max_deleted_id_ = totals.max_deleted_id;
  entries_added_ = totals.entries_added;
  find_first_id();
  return {};
}

Owned<Stream> Stream::clone() const {
  Owned<Stream> copy(new Stream());
  for (auto at = nodes_.first(); at.valid(); at.next()) {
    copy->node_bytes_ += copy->nodes_.insert(at.key(), at.value().clone()).value->memory_bytes();
  }
  copy->size_ = size_;
  copy->last_id_ = last_id_;
  copy->first_id_ = first_id_;
  copy->max_deleted_id_ = max_deleted_id_;
  copy->entries_added_ = entries_added_;
  for (const auto& [name, group] : groups_) {
    copy->create_group(name, group.last_id, group.entries_read)->copy_from(group);
  }
  return copy;
}

std::size_t Stream::memory_bytes() const noexcept {
  constexpr std::size_t kTreeNode = 32;  // of a std::map, beside the pair in it
  std::size_t bytes = sizeof(*this) + nodes_.memory_bytes() + node_bytes_;
  for (const auto& [name, group] : groups_) {
    bytes += kTreeNode + sizeof(name) + group.memory_bytes();
  }
  return bytes;
}

void Stream::check_invariants() const {
  nodes_.check_invariants();
  std::uint64_t live = 0;
  std::size_t bytes = 0;
  std::optional<StreamId> previous;
  for (auto at = nodes_.first(); at.valid(); at.next()) {
    at.value().check_invariants(at.key());
    ASH_CHECK(at.value().live() > 0);
    ASH_CHECK(!previous || *previous < at.key());
    StreamNodeCursor entry = at.value().cursor(at.key());
    while (entry.next()) {
      if (entry.erased()) continue;
      ASH_CHECK(!previous || *previous < entry.id());
      if (!previous) ASH_CHECK(entry.id() == first_id_);
      previous = entry.id();
    }
    live += at.value().live();
    bytes += at.value().memory_bytes();
  }
  ASH_CHECK(live == size_ && bytes == node_bytes_);
  ASH_CHECK(previous ? *previous <= last_id_ : first_id_.is_zero());
  for (const auto& [name, group] : groups_) group.check_invariants();
}

StreamRange::StreamRange(const Stream& stream, StreamId from, StreamId to, StreamOrder order) noexcept
    : from_(from), to_(to), order_(order) {
  if (order == StreamOrder::kAscending) {
    node_ = stream.nodes().seek_le(from);
    if (!node_.valid()) node_ = stream.nodes().first();
  } else {
    node_ = stream.nodes().seek_le(to);
  }
  enter_node();
}

void StreamRange::enter_node() noexcept {
  if (!node_.valid()) {
    entry_.reset();
    return;
  }
  entry_.emplace(node_.value().cursor(node_.key()));
  if (order_ == StreamOrder::kDescending) entry_->to_back();
}

bool StreamRange::next() noexcept {
  while (entry_) {
    const bool found = order_ == StreamOrder::kAscending ? entry_->next() : entry_->prev();
    if (!found) {
      if (order_ == StreamOrder::kAscending) {
        node_.next();
      } else {
        node_.prev();
      }
      enter_node();
      continue;
    }
    if (entry_->erased()) continue;
    const StreamId id = entry_->id();
    const bool before = order_ == StreamOrder::kAscending ? id < from_ : id > to_;
    if (before) continue;
    const bool beyond = order_ == StreamOrder::kAscending ? id > to_ : id < from_;
    if (beyond) entry_.reset();
    return !beyond;
  }
  return false;
}

}  // namespace ashlar::keyspace
