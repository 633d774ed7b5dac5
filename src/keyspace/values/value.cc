#include "keyspace/values/value.h"

#include "base/check.h"
#include "keyspace/values/hash.h"
#include "keyspace/values/list.h"
#include "keyspace/values/set.h"
#include "keyspace/values/sorted_set.h"
#include "keyspace/values/stream.h"

namespace ashlar::keyspace {
namespace {

/// Calls `visit` with the collection as what it is.
template <typename Visit>
auto with(Type type, const void* value, Visit&& visit) {
  switch (type) {
    case Type::kList: return visit(*static_cast<const List*>(value));
    case Type::kSet: return visit(*static_cast<const Set*>(value));
    case Type::kSortedSet: return visit(*static_cast<const SortedSet*>(value));
    case Type::kHash: return visit(*static_cast<const Hash*>(value));
    case Type::kStream: return visit(*static_cast<const Stream*>(value));
    case Type::kString: break;
  }
  ASH_CHECK(false);
  __builtin_unreachable();
}

}  // namespace

std::string_view type_name(Type type) noexcept {
  switch (type) {
    case Type::kString: return "string";
    case Type::kList: return "list";
    case Type::kSet: return "set";
    case Type::kSortedSet: return "zset";
    case Type::kHash: return "hash";
    case Type::kStream: return "stream";
  }
  return "";
}

void ValueDeleter::operator()(List* value) const noexcept { delete value; }
void ValueDeleter::operator()(Set* value) const noexcept { delete value; }
void ValueDeleter::operator()(SortedSet* value) const noexcept { delete value; }
void ValueDeleter::operator()(Hash* value) const noexcept { delete value; }
void ValueDeleter::operator()(Stream* value) const noexcept { delete value; }

void destroy_value(Type type, void* value) noexcept {
  with(type, value, []<typename V>(const V& v) { delete &v; });
}
std::size_t value_memory(Type type, const void* value) noexcept {
  return with(type, value, [](const auto& v) { return v.memory_bytes(); });
}
bool value_slow_to_free(Type type, const void* value) noexcept {
  // Sets and hashes free their memory by chunks, lists by nodes, sorted sets member by member; streams by nodes, which
  // may be as small as stream-node-max-entries says, and group by group.
  constexpr std::uint64_t kBlocks = 64;
  constexpr std::uint64_t kElementsPerBlock = 64;
  constexpr std::uint64_t kEntriesPerNode = 8;
  const std::uint64_t per_block = type == Type::kSortedSet ? 1
                                  : type == Type::kStream  ? kEntriesPerNode
                                                           : kElementsPerBlock;
  return value_size(type, value) > kBlocks * per_block;
}
std::string_view value_encoding(Type type, const void* value) noexcept {
  return with(type, value, [](const auto& v) { return v.encoding_name(); });
}
std::uint64_t value_size(Type type, const void* value) noexcept {
  return with(type, value, [](const auto& v) -> std::uint64_t { return v.size(); });
}

}  // namespace ashlar::keyspace
