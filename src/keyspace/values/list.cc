#include "keyspace/values/list.h"

#include <algorithm>
#include <utility>

namespace ashlar::keyspace {

using ds::ListNodeLimit;
using ds::Listpack;
using ds::PackedItem;
using ds::Quicklist;

namespace {

ListNodeLimit node_limit(const EncodingLimits& limits) noexcept { return ListNodeLimit(limits.list_listpack_size); }

std::uintptr_t word_of(Listpack pack) noexcept { return reinterpret_cast<std::uintptr_t>(pack.release()); }

}  // namespace

List::List() : word_(word_of(Listpack())) {}

List::~List() {
  if (small()) {
    const Listpack freed = Listpack::adopt(reinterpret_cast<std::uint8_t*>(word_));
  } else {
    delete &quicklist();
  }
}

std::uint64_t List::size() const noexcept { return small() ? pack().count() : nodes().size(); }

Owned<List> List::clone() const {
  Owned<List> copy(new List());
  if (small()) {
    copy->edit([this](Listpack& other) { other.append_all(pack()); });
  } else {
    const auto* list = new Quicklist(nodes().clone());
    const Listpack freed = Listpack::adopt(reinterpret_cast<std::uint8_t*>(copy->word_));
    copy->word_ = reinterpret_cast<std::uintptr_t>(list) | kLongBit;
  }
  return copy;
}

std::size_t List::memory_bytes() const noexcept {
  return sizeof(*this) +
         (small() ? ds::packed_block_bytes(pack().size_bytes()) : sizeof(Quicklist) + nodes().memory_bytes());
}

std::string_view List::encoding_name() const noexcept { return small() ? "listpack" : "quicklist"; }

List::Cursor List::seek(std::int64_t index) const {
  if (!small()) return Cursor(nodes().seek(index));
  return {pack(), pack().seek(index)};
}

template <typename Change>
void List::edit(Change&& change) {
  Listpack pack = Listpack::adopt(reinterpret_cast<std::uint8_t*>(word_));
  change(pack);
  word_ = word_of(std::move(pack));
}

void List::make_long(const EncodingLimits& limits) {
  auto* list = new Quicklist({.limit = node_limit(limits), .compress_depth = limits.list_compress_depth});
  list->append_pack(Listpack::adopt(reinterpret_cast<std::uint8_t*>(word_)));
  word_ = reinterpret_cast<std::uintptr_t>(list) | kLongBit;
}

void List::will_grow(std::size_t bytes, std::size_t count, const EncodingLimits& limits) {
  if (small() && node_limit(limits).exceeded(pack().size_bytes() + bytes, pack().count() + count)) make_long(limits);
}

void List::make_small_within(const ListNodeLimit& limit) {
  if (small()) return;
  if (auto pack = quicklist().take_if_single(limit)) {
    delete &quicklist();
    word_ = word_of(std::move(*pack));
  }
}

void List::has_shrunk(const EncodingLimits& limits) {
  // Half the limit, so that a list at the limit does not convert back and forth.
  if (!small()) make_small_within(node_limit(limits).halved());
}

void List::loaded(const EncodingLimits& limits) { make_small_within(node_limit(limits)); }

void List::push(ListEnd end, std::span<const std::string_view> elements, const EncodingLimits& limits) {
  if (small()) {
    std::size_t bytes = 0;
    for (const std::string_view element : elements) bytes += element.size();
    will_grow(bytes, elements.size(), limits);
  }
  if (!small()) {
    Quicklist& list = quicklist();
    for (const std::string_view element : elements) {
      end == ListEnd::kLeft ? list.push_front(element) : list.push_back(element);
    }
    return;
  }
  edit([&](Listpack& pack) {
    for (const std::string_view element : elements) {
      end == ListEnd::kLeft ? pack.prepend(element) : pack.append(element);
    }
  });
}

bool List::insert(ListSide side, std::string_view pivot, std::string_view element, const EncodingLimits& limits) {
  will_grow(element.size(), 1, limits);
  const PackedItem wanted(pivot);
  if (!small()) {
    for (Quicklist::Cursor at = nodes().first(); !at.at_end(); at.next()) {
      if (!at.matches(wanted)) continue;
      if (side == ListSide::kAfter) at.next();
      quicklist().insert(at, element);
      return true;
    }
    return false;
  }
  ds::ListpackPos at = pack().find(wanted, pack().first());
  if (at == pack().stop()) return false;
  if (side == ListSide::kAfter) at = pack().next(at);
  edit([&](Listpack& pack) { pack.insert(at, element); });
  return true;
}

bool List::set(std::int64_t index, std::string_view element, const EncodingLimits& limits) {
  will_grow(element.size(), 1, limits);
  if (!small()) {
    const Quicklist::Cursor at = nodes().seek(index);
    if (at.at_end()) return false;
    quicklist().replace(at, element);
    has_shrunk(limits);
    return true;
  }
  const ds::ListpackPos at = pack().seek(index);
  if (at == pack().stop()) return false;
  edit([&](Listpack& pack) { pack.replace(at, element); });
  return true;
}

void List::erase(std::uint64_t index, std::uint64_t count, const EncodingLimits& limits) {
  if (count == 0) return;
  if (small()) return edit([&](Listpack& pack) { pack.erase_range(static_cast<std::int64_t>(index), count); });
  Quicklist& list = quicklist();
  if (count == 1 && index == 0) {
    list.pop_front();
  } else if (count == 1 && index + 1 == list.size()) {
    list.pop_back();
  } else {
    list.erase_range(index, count);
  }
  has_shrunk(limits);
}

std::uint64_t List::remove(std::string_view element, ListEnd from, std::uint64_t count, const EncodingLimits& limits) {
  const PackedItem wanted(element);
  std::uint64_t removed = 0;
  if (!small()) {
    Quicklist& list = quicklist();
    Quicklist::Cursor at = from == ListEnd::kLeft ? list.first() : list.last();
    while (!at.at_end() && removed < count) {
      const bool found = at.matches(wanted);
      if (found) {
        list.erase(at);  // stands on the right neighbour now
        ++removed;
      }
      if (from == ListEnd::kRight) {
        at.prev();
      } else if (!found) {
        at.next();
      }
    }
    if (removed > 0) has_shrunk(limits);
    return removed;
  }
  edit([&](Listpack& pack) {
    if (from == ListEnd::kLeft) {
      ds::ListpackPos at = pack.view().find(wanted, pack.view().first());
      for (; at != pack.view().stop() && removed < count; ++removed) {
        pack.erase(at);
        at = pack.view().find(wanted, at);
      }
      return;
    }
    ds::ListpackPos at = pack.view().last();
    while (at != pack.view().stop() && removed < count) {
      const ds::ListpackPos left = pack.view().prev(at);
      const bool was_first = left == pack.view().stop();
      if (pack.view().matches(at, wanted)) {
        pack.erase(at);
        ++removed;
      }
      if (was_first) break;
      at = left;
    }
  });
  return removed;
}

void List::append_pack(Listpack added, const EncodingLimits& limits) {
  if (added.empty()) return;
  if (empty() && small()) {
    edit([&](Listpack& pack) { pack = std::move(added); });
    will_grow(0, 0, limits);
    return;
  }
  if (small()) make_long(limits);
  quicklist().append_pack(std::move(added));
}

}  // namespace ashlar::keyspace
