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

void append_entries(std::string& out, std::string_view key, const Stream& value) {
  keyspace::StreamRange range(value, {}, StreamId::max());
  std::vector<std::string> texts;
  std::vector<std::string_view> args;
  while (range.next()) {
    texts.clear();
    texts.push_back(keyspace::id_text(range.id()));
    range.for_each_field([&](const ds::PackedValue& field, const ds::PackedValue& text) {
      texts.push_back(field.to_string());
      texts.push_back(text.to_string());
    });
    args.assign({"XADD", key});
    args.insert(args.end(), texts.begin(), texts.end());
    append_command(out, args);
  }
}

void append_group(std::string& out, std::string_view key, std::string_view name, const StreamGroup& group) {
  const std::string read = group.entries_read ? std::to_string(*group.entries_read) : "-1";
  append(out, {"XGROUP", "CREATE", key, name, keyspace::id_text(group.last_id), "ENTRIESREAD", read});
  for (const auto& [consumer_name, consumer] : group.consumers()) {
    if (consumer.pending.empty()) append(out, {"XGROUP", "CREATECONSUMER", key, name, consumer_name});
  }
  for (auto at = group.pending().first(); at.valid(); at.next()) {
    const keyspace::StreamPending& entry = at.value();
    append(out, {"XCLAIM", key, name, entry.consumer->name, "0", keyspace::id_text(at.key()), "TIME",
                 std::to_string(entry.delivered_ms), "RETRYCOUNT", decimal(entry.deliveries), "JUSTID", "FORCE"});
  }
}

}  // namespace

void append_stream_commands(std::string& out, std::string_view key, const Stream& value) {
  append_entries(out, key, value);
  // An empty stream is made by adding an entry that does not stay.
  if (value.empty()) append(out, {"XADD", key, "MAXLEN", "0", "0-1", "x", "y"});
  append(out, {"XSETID", key, keyspace::id_text(value.last_id()), "ENTRIESADDED", decimal(value.entries_added()),
               "MAXDELETEDID", keyspace::id_text(value.max_deleted_id())});
  for (const auto& [name, group] : value.groups()) append_group(out, key, name, group);
}

}  // namespace ashlar::aof
