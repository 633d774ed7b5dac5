/// What is common to all collections: their types, ownership without knowing the class, and dispatch by type.
/// Thread: none of its own; reached only under the slot's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace ashlar::keyspace {

/// Source: the names that TYPE replies.
enum class Type : std::uint8_t { kString, kList, kSet, kSortedSet, kHash, kStream };
/// "string", "list", "set", "zset", "hash", "stream".
[[nodiscard]] std::string_view type_name(Type type) noexcept;

class List;
class Set;
class SortedSet;
class Hash;
class Stream;

/// Type of a collection class.
template <typename V>
inline constexpr Type kTypeOf = Type::kString;
template <>
inline constexpr Type kTypeOf<List> = Type::kList;
template <>
inline constexpr Type kTypeOf<Set> = Type::kSet;
template <>
inline constexpr Type kTypeOf<SortedSet> = Type::kSortedSet;
template <>
inline constexpr Type kTypeOf<Hash> = Type::kHash;
template <>
inline constexpr Type kTypeOf<Stream> = Type::kStream;

struct ValueDeleter {
  void operator()(List* value) const noexcept;
  void operator()(Set* value) const noexcept;
  void operator()(SortedSet* value) const noexcept;
  void operator()(Hash* value) const noexcept;
  void operator()(Stream* value) const noexcept;
};
/// Owns a collection where its class need not be known.
template <typename V>
using Owned = std::unique_ptr<V, ValueDeleter>;

// Dispatch for an entry, which knows its collection by type and address. Not for kString.
void destroy_value(Type type, void* value) noexcept;
/// Bytes allocated, the object itself included. O(1) or, for nested parts, an estimate from samples.
[[nodiscard]] std::size_t value_memory(Type type, const void* value) noexcept;
/// Whether freeing it takes more than some microseconds.
[[nodiscard]] bool value_slow_to_free(Type type, const void* value) noexcept;
/// What OBJECT ENCODING replies.
[[nodiscard]] std::string_view value_encoding(Type type, const void* value) noexcept;
/// Elements, fields, members or entries.
[[nodiscard]] std::uint64_t value_size(Type type, const void* value) noexcept;

}  // namespace ashlar::keyspace
