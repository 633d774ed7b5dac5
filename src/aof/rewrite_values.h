/// The commands that build a collection, for `aof-use-rdb-preamble no`; one function for each type in
/// rewrite_<type>.cc. Long collections take several commands of at most kItemsPerCommand elements, which are the
/// pieces: EntryPieces::next() ends behind a command. Key and value must outlive the result. Thread: any.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "keyspace/values/value.h"
#include "snapshot/entry_pieces.h"

namespace ashlar::aof {

/// Source: AOF_REWRITE_ITEMS_PER_CMD of Redis.
inline constexpr std::size_t kItemsPerCommand = 64;

[[nodiscard]] std::unique_ptr<snapshot::EntryPieces> list_commands(std::string_view key, const keyspace::List& value);
[[nodiscard]] std::unique_ptr<snapshot::EntryPieces> set_commands(std::string_view key, const keyspace::Set& value);
[[nodiscard]] std::unique_ptr<snapshot::EntryPieces> sorted_set_commands(std::string_view key,
                                                                         const keyspace::SortedSet& value);
[[nodiscard]] std::unique_ptr<snapshot::EntryPieces> hash_commands(std::string_view key, const keyspace::Hash& value);
[[nodiscard]] std::unique_ptr<snapshot::EntryPieces> stream_commands(std::string_view key,
                                                                     const keyspace::Stream& value);

}  // namespace ashlar::aof
