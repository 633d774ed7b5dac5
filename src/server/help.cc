#include "server/help.h"

#include <fmt/format.h>

namespace ashlar::server {

void reply_help(command::Context& ctx, std::string_view container, std::span<const std::string_view> lines) {
  ctx.reply.array(lines.size() + 3);
  ctx.reply.simple(fmt::format("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container));
  for (const std::string_view line : lines) ctx.reply.simple(line);
  ctx.reply.simple("HELP");
  ctx.reply.simple("    Print this help.");
}

}  // namespace ashlar::server
