#include "keyspace/values/stream_node.h"

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace ashlar::keyspace {

using ds::Listpack;
using ds::ListpackPos;
using ds::ListpackView;
using ds::PackedItem;
using ds::PackedValue;

namespace {

constexpr std::int64_t kFlagErased = 1;
constexpr std::int64_t kFlagSameFields = 2;
/// Flags, two parts of the id.
constexpr std::size_t kFixedPieces = 3;

std::int64_t delta(std::uint64_t value, std::uint64_t base) noexcept { return static_cast<std::int64_t>(value - base); }
std::uint64_t moved(std::uint64_t base, std::int64_t by) noexcept { return base + static_cast<std::uint64_t>(by); }

/// Reads the values of a listpack one after another, never beyond its end.
class PieceReader {
 public:
  explicit PieceReader(const ListpackView& pack) noexcept : pack_(pack), at_(pack.first()) {}
  [[nodiscard]] ListpackPos at() const noexcept { return at_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == pack_.stop(); }
  [[nodiscard]] std::optional<std::int64_t> integer() noexcept {
    if (at_end()) return std::nullopt;
    const PackedValue value = pack_.get(at_);
    if (!value.is_integer()) return std::nullopt;
    at_ = pack_.next(at_);
    return value.integer();
  }
  /// A number of things that are still to come: at least one piece for each.
  [[nodiscard]] std::optional<std::uint64_t> count() noexcept {
    const auto n = integer();
    return n && *n >= 0 ? std::optional(static_cast<std::uint64_t>(*n)) : std::nullopt;
  }
  /// False when there are fewer than `n` pieces left. Cost: what is left at most.
  [[nodiscard]] bool skip(std::uint64_t n) noexcept {
    for (; n > 0; --n) {
      if (at_end()) return false;
      at_ = pack_.next(at_);
    }
    return true;
  }

 private:
  ListpackView pack_;
  ListpackPos at_;
};

struct CheckedEntry {
  StreamId id;
  bool erased;
  ListpackPos from;
  ListpackPos to;
};

/// The entry at the reader, or nullopt when it is none.
std::optional<CheckedEntry> read_entry(PieceReader& in, StreamId node_id, std::uint64_t master_fields) {
  const ListpackPos from = in.at();
  const auto flags = in.integer();
  const auto ms = in.integer();
  const auto seq = in.integer();
  if (!flags || !ms || !seq || (*flags & ~(kFlagErased | kFlagSameFields)) != 0) return std::nullopt;
  std::uint64_t pieces = kFixedPieces;
  if ((*flags & kFlagSameFields) != 0) {
    if (!in.skip(master_fields)) return std::nullopt;
    pieces += master_fields;
  } else {
    const auto fields = in.count();
    if (!fields || !in.skip(*fields) || !in.skip(*fields)) return std::nullopt;
    pieces += 1 + 2 * *fields;
  }
  const auto stated = in.count();
  if (!stated || *stated != pieces) return std::nullopt;
  const StreamId id{moved(node_id.ms, *ms), moved(node_id.seq, *seq)};
  return CheckedEntry{id, (*flags & kFlagErased) != 0, from, in.at()};
}

std::unexpected<Error> corrupt(const char* what) { return fail(ErrorCode::kCorrupt, what); }

}  // namespace

StreamNodeCursor::StreamNodeCursor(const ListpackView& pack, StreamId node_id) noexcept
    : pack_(pack), node_id_(node_id) {
  ListpackPos at = pack_.next(pack_.next(pack_.first()));
  master_count_ = static_cast<std::size_t>(pack_.get(at).integer());
  at = pack_.next(at);
  master_fields_ = at;
  for (std::size_t i = 0; i < master_count_; ++i) at = pack_.next(at);
  at_ = pack_.next(at);
}

void StreamNodeCursor::to_back() noexcept {
  at_ = pack_.stop();
  on_entry_ = false;
}

void StreamNodeCursor::load() noexcept {
  on_entry_ = true;
  knows_pieces_ = false;
  ListpackPos at = at_;
  flags_ = pack_.get(at).integer();
  at = pack_.next(at);
  id_.ms = moved(node_id_.ms, pack_.get(at).integer());
  at = pack_.next(at);
  id_.seq = moved(node_id_.seq, pack_.get(at).integer());
  at = pack_.next(at);
  fields_ = master_count_;
  if (!same_fields()) {
    fields_ = static_cast<std::size_t>(pack_.get(at).integer());
    at = pack_.next(at);
  }
  values_ = at;
}

bool StreamNodeCursor::next() noexcept {
  if (on_entry_) {
    if (!knows_pieces_) {
      pieces_ = values_;
      for (std::size_t i = same_fields() ? fields_ : 2 * fields_; i > 0; --i) pieces_ = pack_.next(pieces_);
    }
    at_ = pack_.next(pieces_);
  }
  on_entry_ = false;
  if (at_ == pack_.stop()) return false;
  load();
  return true;
}

bool StreamNodeCursor::prev() noexcept {
  on_entry_ = false;
  ListpackPos at = pack_.prev(at_);
  const std::int64_t pieces = pack_.get(at).integer();
  if (pieces == 0) return false;  // the end of the master entry
  for (std::int64_t i = 0; i < pieces; ++i) at = pack_.prev(at);
  at_ = at;
  load();
  return true;
}

StreamNode::StreamNode(Pairs pairs) {
  pack_.append(std::int64_t{0});
  pack_.append(std::int64_t{0});
  pack_.append(static_cast<std::int64_t>(pairs.size() / 2));
  for (std::size_t i = 0; i < pairs.size(); i += 2) pack_.append(pairs[i]);
  pack_.append(std::int64_t{0});
}

std::size_t StreamNode::bytes_needed(Pairs pairs) noexcept {
  constexpr std::size_t kAround = 128;   // master entry, flags, id, counts
  constexpr std::size_t kEachItem = 10;  // encoding byte, length, backward length
  std::size_t bytes = kAround;
  for (const std::string_view text : pairs) bytes += text.size() + kEachItem;
  return bytes;
}

bool StreamNode::has_master_fields(Pairs pairs) const noexcept {
  const ListpackView pack = pack_.view();
  ListpackPos at = pack.next(pack.next(pack.first()));
  if (pack.get(at).integer() != static_cast<std::int64_t>(pairs.size() / 2)) return false;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    at = pack.next(at);
    if (!pack.matches(at, pairs[i])) return false;
  }
  return true;
}

void StreamNode::append(StreamId node_id, StreamId id, Pairs pairs) {
  const bool same = has_master_fields(pairs);
  const auto fields = static_cast<std::int64_t>(pairs.size() / 2);
  set_counts(live() + 1, erased());
  pack_.append(same ? kFlagSameFields : 0);
  pack_.append(delta(id.ms, node_id.ms));
  pack_.append(delta(id.seq, node_id.seq));
  if (!same) pack_.append(fields);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (same && i % 2 == 0) continue;
    pack_.append(pairs[i]);
  }
  pack_.append(static_cast<std::int64_t>(kFixedPieces) + (same ? fields : 2 * fields + 1));
}

bool StreamNode::erase(StreamId node_id, StreamId id) {
  StreamNodeCursor at = cursor(node_id);
  while (at.next()) {
    if (at.erased() || at.id() < id) continue;
    if (at.id() != id) return false;
    flag_erased(at);
    count_erased(1);
    return true;
  }
  return false;
}

void StreamNode::flag_erased(const StreamNodeCursor& at) {
  // Flags are less than 128: the entry keeps its size, and the cursor its place.
  pack_.replace(at.at_, at.flags_ | kFlagErased);
}

void StreamNode::count_erased(std::uint64_t n) {
  if (n > 0) set_counts(live() - n, erased() + n);
}

void StreamNode::set_counts(std::uint64_t live, std::uint64_t erased) {
  pack_.replace(pack_.view().first(), static_cast<std::int64_t>(live));
  const ListpackPos second = pack_.view().next(pack_.view().first());
  pack_.replace(second, static_cast<std::int64_t>(erased));
}

std::uint64_t StreamNode::live() const noexcept {
  const ListpackView pack = pack_.view();
  return static_cast<std::uint64_t>(pack.get(pack.first()).integer());
}

std::uint64_t StreamNode::erased() const noexcept {
  const ListpackView pack = pack_.view();
  return static_cast<std::uint64_t>(pack.get(pack.next(pack.first())).integer());
}

StreamId StreamNode::last_id(StreamId node_id) const noexcept {
  StreamNodeCursor at = cursor(node_id);
  at.to_back();
  return at.prev() ? at.id() : node_id;
}

StreamNode StreamNode::empty_like(const ListpackView& pack) {
  StreamNode node{Listpack()};
  node.pack_.append(std::int64_t{0});
  node.pack_.append(std::int64_t{0});
  ListpackPos at = pack.next(pack.next(pack.first()));
  const std::int64_t master_pieces = pack.get(at).integer() + 2;  // with its count and its end
  for (std::int64_t i = 0; i < master_pieces; ++i, at = pack.next(at)) node.pack_.append(pack.get(at));
  return node;
}

Result<StreamNode> StreamNode::validated(std::string_view blob, StreamId node_id, StreamId after) {
  if (!fits(blob.size())) return corrupt("stream node that is too large");
  ASH_TRY(Listpack pack, Listpack::validated(blob));
  const ListpackView view = pack.view();
  PieceReader in(view);
  const auto live = in.count();
  const auto erased = in.count();
  const auto master_fields = in.count();
  if (!live || !erased || !master_fields || !in.skip(*master_fields) || in.integer() != 0) {
    return corrupt("stream node without a master entry");
  }
  StreamNode compact = empty_like(view);
  std::uint64_t found = 0;
  std::uint64_t found_erased = 0;
  StreamId last = after;
  while (!in.at_end()) {
    const auto entry = read_entry(in, node_id, *master_fields);
    if (!entry) return corrupt("stream entry of the wrong shape");
    if (entry->erased) {
      ++found_erased;
      continue;
    }
    ++found;
    if (entry->id <= last || entry->id < node_id) return corrupt("stream ids that do not ascend");
    last = entry->id;
    if (*erased == 0) continue;  // the listpack can stay as it is
    for (ListpackPos at = entry->from; at != entry->to; at = view.next(at)) compact.pack_.append(view.get(at));
  }
  if (found != *live || found_erased != *erased) return corrupt("stream node that counts its entries wrongly");
  if (*erased == 0) return StreamNode(std::move(pack));
  compact.set_counts(found, 0);
  return compact;
}

void StreamNode::check_invariants(StreamId node_id) const {
  pack_.view().check_invariants();
  StreamNodeCursor at = cursor(node_id);
  std::uint64_t live_entries = 0;
  std::uint64_t erased_entries = 0;
  std::optional<StreamId> previous;
  while (at.next()) {
    if (at.erased()) {
      ++erased_entries;
      continue;
    }
    ++live_entries;
    ASH_CHECK(at.id() >= node_id && (!previous || *previous < at.id()));
    previous = at.id();
  }
  ASH_CHECK(live_entries == live() && erased_entries == erased());
  StreamNodeCursor back = cursor(node_id);
  back.to_back();
  std::uint64_t backwards = 0;
  while (back.prev()) ++backwards;
  ASH_CHECK(backwards == live_entries + erased_entries);
}

}  // namespace ashlar::keyspace
