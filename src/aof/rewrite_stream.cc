#include <array>
#include <vector>

#include "aof/command_format.h"
#include "aof/rewrite_values.h"
#include "base/bytes.h"
#include "keyspace/values/stream.h"

namespace ashlar::aof {

using keyspace::Stream;
using keyspace::StreamGroup;
using keyspace::StreamId;

namespace {

void append(std::string& out, std::initializer_list<std::string_view> args) {
  append_command(out, std::span(args.begin(), args.size()));
}

std::string decimal(std::uint64_t n) { return std::to_string(n); }

/// Entries, then what the stream remembers, then its groups: consumers without pending entries, and those entries.
class StreamCommands final : public snapshot::EntryPieces {
 public:
  StreamCommands(std::string_view key, const Stream& value) noexcept
      : key_(key), value_(value), entries_(value, {}, StreamId::max()) {}
  Left next(snapshot::Chunk& out, std::size_t end) override {
    do {
      if (!step(out.bytes)) return Left::kNothing;
    } while (out.bytes.size() < end);
    return Left::kMore;
  }

 private:
  enum class Stage : std::uint8_t { kEntries, kGroup, kPending };
  /// False when nothing was left.
  bool step(std::string& out);
  void append_entry(std::string& out);
  void append_totals(std::string& out);
  void begin_group(std::string& out);
  void append_pending(std::string& out);

  std::string_view key_;
  const Stream& value_;
  Stage stage_ = Stage::kEntries;
  keyspace::StreamRange entries_;
  Stream::Groups::const_iterator group_;
  StreamGroup::Pending::ConstCursor pending_;
};

bool StreamCommands::step(std::string& out) {
  switch (stage_) {
    case Stage::kEntries:
      if (entries_.next()) {
        append_entry(out);
      } else {
        append_totals(out);
        group_ = value_.groups().begin();
        stage_ = Stage::kGroup;
      }
      return true;
    case Stage::kGroup:
      if (group_ == value_.groups().end()) return false;
      begin_group(out);
      return true;
    case Stage::kPending:
      if (pending_.valid()) {
        append_pending(out);
      } else {
        ++group_;
        stage_ = Stage::kGroup;
      }
      return true;
  }
  __builtin_unreachable();
}

void StreamCommands::append_entry(std::string& out) {
  std::vector<std::string> texts = {keyspace::id_text(entries_.id())};
  entries_.for_each_field([&](const ds::PackedValue& field, const ds::PackedValue& text) {
    texts.push_back(field.to_string());
    texts.push_back(text.to_string());
  });
  std::vector<std::string_view> args = {"XADD", key_};
  args.insert(args.end(), texts.begin(), texts.end());
  append_command(out, args);
}

void StreamCommands::append_totals(std::string& out) {
  // An empty stream is made by adding an entry that does not stay.
  if (value_.empty()) append(out, {"XADD", key_, "MAXLEN", "0", "0-1", "x", "y"});
  append(out, {"XSETID", key_, keyspace::id_text(value_.last_id()), "ENTRIESADDED", decimal(value_.entries_added()),
               "MAXDELETEDID", keyspace::id_text(value_.max_deleted_id())});
}

void StreamCommands::begin_group(std::string& out) {
  const auto& [name, group] = *group_;
  const std::string read = group.entries_read ? std::to_string(*group.entries_read) : "-1";
  append(out, {"XGROUP", "CREATE", key_, name, keyspace::id_text(group.last_id), "ENTRIESREAD", read});
  for (const auto& [consumer_name, consumer] : group.consumers()) {
    if (consumer.pending.empty()) append(out, {"XGROUP", "CREATECONSUMER", key_, name, consumer_name});
  }
  pending_ = group.pending().first();
  stage_ = Stage::kPending;
}

void StreamCommands::append_pending(std::string& out) {
  const keyspace::StreamPending& entry = pending_.value();
  append(out, {"XCLAIM", key_, group_->first, entry.consumer->name, "0", keyspace::id_text(pending_.key()), "TIME",
               std::to_string(entry.delivered_ms), "RETRYCOUNT", decimal(entry.deliveries), "JUSTID", "FORCE"});
  pending_.next();
}

}  // namespace

std::unique_ptr<snapshot::EntryPieces> stream_commands(std::string_view key, const Stream& value) {
  return std::make_unique<StreamCommands>(key, value);
}

}  // namespace ashlar::aof
