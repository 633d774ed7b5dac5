#include "commands/shared/element_scan.h"

#include "command/arg_parser.h"

namespace ashlar::commands {

Result<std::uint64_t> parse_scan_cursor(std::string_view text) {
  const auto position = parse_u64(text);
  if (!position) return fail("invalid cursor");
  return *position;
}

Result<ElementScanOptions> parse_element_scan(std::span<const std::string_view> args, ScanParts parts) {
  ElementScanOptions options;
  command::ArgParser in(args, 3);
  while (in.more()) {
    if (in.left() >= 2 && in.take("COUNT")) {
      const std::int64_t count = in.integer();
      if (!in.failed() && count < 1) in.reject();
      options.count = static_cast<std::uint64_t>(count);
    } else if (in.left() >= 2 && in.take("MATCH")) {
      options.pattern = in.text();
      if (options.pattern == "*") options.pattern.reset();
    } else if (parts == ScanParts::kPairs && in.take("NOVALUES")) {
      options.no_values = true;
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return options;
}

void ElementScanReply::finish(std::uint64_t next_position) {
  ctx_.reply.array(2);
  ctx_.reply.bulk_i64(static_cast<std::int64_t>(next_position));
  ctx_.reply.array(count_);
  ctx_.reply.raw(found_.view());
}

void reply_empty_scan(command::Context& ctx) {
  ctx.reply.array(2);
  ctx.reply.bulk("0");
  ctx.reply.array(0);
}

}  // namespace ashlar::commands
