#include "snapshot/entry_pieces.h"

#include "keyspace/values/hash.h"
#include "keyspace/values/list.h"
#include "keyspace/values/set.h"
#include "keyspace/values/sorted_set.h"
#include "keyspace/values/stream.h"

namespace ashlar::snapshot {
namespace {

constexpr std::size_t kHugeBytes = 64 << 10;

/// Nodes have up to 8 KiB by default; an element that is larger has a node alone.
bool is_huge_list(const keyspace::List& list) noexcept {
  constexpr std::size_t kManyNodes = kHugeBytes / (8 << 10);
  if (list.small()) return false;
  const ds::Quicklist& nodes = list.nodes();
  if (nodes.node_count() > kManyNodes) return true;
  for (std::size_t i = 0; i < nodes.node_count(); ++i) {
    if (nodes.node_is_plain(i)) return true;
  }
  return false;
}

bool is_huge_stream(const keyspace::Stream& stream) noexcept {
  constexpr std::size_t kPendingBytes = 64;  // an id, a time and a count, and the id again with its consumer
  std::size_t bytes = stream.node_bytes();
  for (const auto& [name, group] : stream.groups()) {
    bytes += name.size() + (group.pending().size() + group.consumers().size()) * kPendingBytes;
    if (bytes > kHugeBytes) break;
  }
  return bytes > kHugeBytes;
}

}  // namespace

bool is_huge(const keyspace::Entry& entry) noexcept {
  using namespace keyspace;
  switch (entry.type()) {
    case Type::kString: return false;
    case Type::kList: return is_huge_list(*entry.collection<List>());
    case Type::kSet: return entry.collection<Set>()->record_bytes() > kHugeBytes;
    case Type::kSortedSet: return entry.collection<SortedSet>()->record_bytes() > kHugeBytes;
    case Type::kHash: return entry.collection<Hash>()->record_bytes() > kHugeBytes;
    case Type::kStream: return is_huge_stream(*entry.collection<Stream>());
  }
  __builtin_unreachable();
}

}  // namespace ashlar::snapshot
