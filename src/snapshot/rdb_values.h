/// RDB bytes of collections, the same functions for each type in rdb_<type>.cc.
///
/// Encoding appends only, at once or, what is_huge(), in pieces: the bytes are the same. Decoding checks everything and
/// rebuilds the value by the limits of this server; errors are kCorrupt with the offset. Thread: any. Source:
/// docs/formats/rdb.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "keyspace/values/value.h"
#include "snapshot/entry_pieces.h"
#include "snapshot/rdb_encode.h"
#include "snapshot/rdb_input.h"

namespace ashlar::snapshot::rdb {

/// Elements of a table that are looked at together, between two looks at how long a piece has become.
inline constexpr std::uint64_t kScanStep = 64;

/// `read`, which says what is wrong inside an encoded block, as "<what> integrity check failed: ..." at offset `at`.
template <typename T>
[[nodiscard]] Result<T> intact(Result<T> read, std::string_view what, std::uint64_t at) {
  if (read) return read;
  std::string text(what);
  text += " integrity check failed: ";
  text += read.error().text();
  return RdbInput::corrupt(text, at);
}

/// Type code under which append_list() writes; whether `type` is one that read_list() reads.
[[nodiscard]] std::uint8_t list_type(const keyspace::List& value) noexcept;
[[nodiscard]] bool reads_list(std::uint8_t type) noexcept;
void append_list(Chunk& out, const keyspace::List& value, Compression compression);
[[nodiscard]] std::unique_ptr<EntryPieces> list_pieces(const keyspace::List& value, Compression compression);
[[nodiscard]] Result<keyspace::Owned<keyspace::List>> read_list(RdbInput& input, std::uint8_t type);

/// Type code under which append_set() writes; whether `type` is one that read_set() reads.
[[nodiscard]] std::uint8_t set_type(const keyspace::Set& value) noexcept;
[[nodiscard]] bool reads_set(std::uint8_t type) noexcept;
void append_set(Chunk& out, const keyspace::Set& value, Compression compression);
[[nodiscard]] std::unique_ptr<EntryPieces> set_pieces(const keyspace::Set& value, Compression compression);
[[nodiscard]] Result<keyspace::Owned<keyspace::Set>> read_set(RdbInput& input, std::uint8_t type);

/// Type code under which append_sorted_set() writes; whether `type` is one that read_sorted_set() reads.
[[nodiscard]] std::uint8_t sorted_set_type(const keyspace::SortedSet& value) noexcept;
[[nodiscard]] bool reads_sorted_set(std::uint8_t type) noexcept;
void append_sorted_set(Chunk& out, const keyspace::SortedSet& value, Compression compression);
[[nodiscard]] std::unique_ptr<EntryPieces> sorted_set_pieces(const keyspace::SortedSet& value, Compression compression);
[[nodiscard]] Result<keyspace::Owned<keyspace::SortedSet>> read_sorted_set(RdbInput& input, std::uint8_t type);

/// Type code under which append_hash() writes; whether `type` is one that read_hash() reads.
[[nodiscard]] std::uint8_t hash_type(const keyspace::Hash& value) noexcept;
[[nodiscard]] bool reads_hash(std::uint8_t type) noexcept;
void append_hash(Chunk& out, const keyspace::Hash& value, Compression compression);
[[nodiscard]] std::unique_ptr<EntryPieces> hash_pieces(const keyspace::Hash& value, Compression compression);
[[nodiscard]] Result<keyspace::Owned<keyspace::Hash>> read_hash(RdbInput& input, std::uint8_t type);

/// Type code under which append_stream() writes; whether `type` is one that read_stream() reads.
[[nodiscard]] std::uint8_t stream_type(const keyspace::Stream& value) noexcept;
[[nodiscard]] bool reads_stream(std::uint8_t type) noexcept;
void append_stream(Chunk& out, const keyspace::Stream& value, Compression compression);
[[nodiscard]] std::unique_ptr<EntryPieces> stream_pieces(const keyspace::Stream& value, Compression compression);
[[nodiscard]] Result<keyspace::Owned<keyspace::Stream>> read_stream(RdbInput& input, std::uint8_t type);

}  // namespace ashlar::snapshot::rdb
