#include "commands/stream/reply.h"

#include <fmt/format.h>

#include <string>

namespace ashlar::commands {

using keyspace::StreamRange;

namespace {

void reply_packed(resp::Encoder& reply, const ds::PackedValue& value) {
  if (value.is_integer()) {
    reply.bulk_i64(value.integer());
  } else {
    reply.bulk(value.bytes());
  }
}

}  // namespace

void reply_id(resp::Encoder& reply, keyspace::StreamId id) {
  keyspace::StreamIdBuffer buffer;
  reply.bulk(keyspace::format_id(id, buffer));
}

void reply_entry(resp::Encoder& reply, StreamRange& range) {
  reply.array(2);
  reply_id(reply, range.id());
  reply.array(2 * range.fields());
  range.for_each_field([&](const ds::PackedValue& field, const ds::PackedValue& value) {
    reply_packed(reply, field);
    reply_packed(reply, value);
  });
}

bool reply_entry_of(resp::Encoder& reply, const keyspace::Stream& stream, keyspace::StreamId id) {
  StreamRange range(stream, id, id);
  if (!range.next()) return false;
  reply_entry(reply, range);
  return true;
}

void reply_range(resp::Encoder& reply, StreamRange range, std::optional<std::uint64_t> count) {
  const resp::Deferred array = reply.begin_array();
  std::size_t n = 0;
  while ((!count || n < *count) && range.next()) {
    reply_entry(reply, range);
    ++n;
  }
  reply.end(array, n);
}

void no_group_error(command::Context& ctx, std::string_view text) {
  ctx.reply.error_line("NOGROUP " + std::string(text));
}

void subcommand_syntax_error(command::Context& ctx) {
  constexpr std::size_t kShown = 128;
  std::string container(ctx.spec.name.substr(0, ctx.spec.name.find('|')));
  for (char& c : container) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  ctx.error(fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
                        ctx.args[1].substr(0, kShown), container));
}

}  // namespace ashlar::commands
