/// The commands that build a collection, for `aof-use-rdb-preamble no`; one function for each type in
/// rewrite_<type>.cc. Long collections take several commands of at most kItemsPerCommand elements. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "keyspace/values/value.h"

namespace ashlar::aof {

/// Source: AOF_REWRITE_ITEMS_PER_CMD of Redis.
inline constexpr std::size_t kItemsPerCommand = 64;

void append_list_commands(std::string& out, std::string_view key, const keyspace::List& value);
void append_set_commands(std::string& out, std::string_view key, const keyspace::Set& value);
void append_sorted_set_commands(std::string& out, std::string_view key, const keyspace::SortedSet& value);
void append_hash_commands(std::string& out, std::string_view key, const keyspace::Hash& value);
void append_stream_commands(std::string& out, std::string_view key, const keyspace::Stream& value);

}  // namespace ashlar::aof
