#include "aof/command_format.h"

#include <array>

#include "aof/rewrite_values.h"

#include "base/bytes.h"

namespace ashlar::aof {
namespace {

void append_number_line(std::string& out, char mark, std::size_t n) {
  DecimalBuffer digits;
  out += mark;
  out += format_i64(static_cast<std::int64_t>(n), digits);
  out += "\r\n";
}

/// A string: SET.
void append_string_entry(std::string& out, const keyspace::Entry& entry) {
  DecimalBuffer digits;
  const std::array<std::string_view, 3> args = {"SET", entry.key(), entry.text(digits)};
  append_command(out, args);
}

}  // namespace

void append_command(std::string& out, std::span<const std::string_view> args) {
  append_number_line(out, '*', args.size());
  for (const std::string_view arg : args) {
    append_number_line(out, '$', arg.size());
    out += arg;
    out += "\r\n";
  }
}

void append_select(std::string& out, DbIndex db) {
  DecimalBuffer digits;
  const std::array<std::string_view, 2> args = {"SELECT", format_i64(db.value, digits)};
  append_command(out, args);
}

std::string timestamp_line(WallTime at) {
  std::string line = "#TS:";
  DecimalBuffer digits;
  line += format_i64(unix_seconds(at), digits);
  line += "\r\n";
  return line;
}

void CommandEntryFormat::entry(snapshot::Chunk& out, const keyspace::Entry& entry) const {
  using namespace keyspace;
  switch (entry.type()) {
    case Type::kString: append_string_entry(out.bytes, entry); break;
    case Type::kList: append_list_commands(out.bytes, entry.key(), *entry.collection<List>()); break;
    case Type::kSet: append_set_commands(out.bytes, entry.key(), *entry.collection<Set>()); break;
    case Type::kSortedSet: append_sorted_set_commands(out.bytes, entry.key(), *entry.collection<SortedSet>()); break;
    case Type::kHash: append_hash_commands(out.bytes, entry.key(), *entry.collection<Hash>()); break;
    case Type::kStream: append_stream_commands(out.bytes, entry.key(), *entry.collection<Stream>()); break;
  }
  if (entry.has_expiry()) {
    DecimalBuffer digits;
    const std::array<std::string_view, 3> args = {"PEXPIREAT", entry.key(), format_i64(entry.expiry_ms(), digits)};
    append_command(out.bytes, args);
  }
  ++out.keys;
}

}  // namespace ashlar::aof
