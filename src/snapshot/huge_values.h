/// Values of every type that are big enough to be copied in pieces. For tests.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "keyspace/entry.h"
#include "keyspace/values/hash.h"
#include "keyspace/values/list.h"
#include "keyspace/values/set.h"
#include "keyspace/values/sorted_set.h"
#include "keyspace/values/stream.h"

namespace ashlar::snapshot {

inline std::string element(std::uint64_t i) { return "element:" + std::to_string(1'000'000 + i); }

/// A value of `type`, a collection, with the elements 0 to `count` - 1.
inline keyspace::OwnedValue huge_value(keyspace::Type type, std::uint64_t count) {
  using namespace keyspace;
  Owned<List> list(new List());
  Owned<Set> set(new Set());
  Owned<SortedSet> sorted(new SortedSet());
  Owned<Hash> hash(new Hash());
  Owned<Stream> stream(new Stream());
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string text = element(i);
    switch (type) {
      case Type::kList: list->push(ListEnd::kRight, text, {}); break;
      case Type::kSet: (void)set->add(SetMember(text), {}); break;
      case Type::kSortedSet: (void)sorted->add(text, static_cast<double>(i % 1000), {}, {}); break;
      case Type::kHash: (void)hash->set(LookupText(text), text, {}); break;
      default: (void)stream->append({i + 1, 0}, std::vector<std::string_view>{"field", text}, {}); break;
    }
  }
  if (type == Type::kStream) {
    for (const char* name : {"first", "second"}) {
      StreamGroup& group = *stream->create_group(name, {count, 0}, std::nullopt);
      for (std::uint64_t i = 0; i < count / 4; ++i) {
        StreamConsumer& consumer = group.consumer("consumer" + std::to_string(i % 3), 1).consumer;
        group.assign({i + 1, 0}, consumer).delivered_ms = static_cast<std::int64_t>(i);
      }
    }
  }
  switch (type) {
    case Type::kList: return {std::move(list)};
    case Type::kSet: return {std::move(set)};
    case Type::kSortedSet: return {std::move(sorted)};
    case Type::kHash: return {std::move(hash)};
    default: return {std::move(stream)};
  }
}

inline constexpr std::array kCollections = {keyspace::Type::kList, keyspace::Type::kSet, keyspace::Type::kSortedSet,
                                            keyspace::Type::kHash, keyspace::Type::kStream};

}  // namespace ashlar::snapshot
