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

void append_expiry(std::string& out, const keyspace::Entry& entry) {
  if (!entry.has_expiry()) return;
  DecimalBuffer digits;
  const std::array<std::string_view, 3> args = {"PEXPIREAT", entry.key(), format_i64(entry.expiry_ms(), digits)};
  append_command(out, args);
}

std::unique_ptr<snapshot::EntryPieces> value_commands(const keyspace::Entry& entry) {
  using namespace keyspace;
  switch (entry.type()) {
    case Type::kString: break;
    case Type::kList: return list_commands(entry.key(), *entry.collection<List>());
    case Type::kSet: return set_commands(entry.key(), *entry.collection<Set>());
    case Type::kSortedSet: return sorted_set_commands(entry.key(), *entry.collection<SortedSet>());
    case Type::kHash: return hash_commands(entry.key(), *entry.collection<Hash>());
    case Type::kStream: return stream_commands(entry.key(), *entry.collection<Stream>());
  }
  __builtin_unreachable();
}

/// A collection and its expiry.
class EntryCommands final : public snapshot::EntryPieces {
 public:
  explicit EntryCommands(const keyspace::Entry& entry) : entry_(entry), value_(value_commands(entry)) {}
  Left next(snapshot::Chunk& out, std::size_t end) override {
    if (value_->next(out, end) == Left::kMore) return Left::kMore;
    append_expiry(out.bytes, entry_);
    ++out.keys;
    return Left::kNothing;
  }

 private:
  const keyspace::Entry& entry_;
  std::unique_ptr<snapshot::EntryPieces> value_;
};

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
  if (!entry.is_string()) {
    EntryCommands commands(entry);
    while (commands.next(out, snapshot::EntryPieces::kNoEnd) == snapshot::EntryPieces::Left::kMore) {
    }
    return;
  }
  append_string_entry(out.bytes, entry);
  append_expiry(out.bytes, entry);
  ++out.keys;
}

std::unique_ptr<snapshot::EntryPieces> CommandEntryFormat::pieces(const keyspace::Entry& entry) const {
  if (!snapshot::is_huge(entry)) return nullptr;
  return std::make_unique<EntryCommands>(entry);
}

}  // namespace ashlar::aof
