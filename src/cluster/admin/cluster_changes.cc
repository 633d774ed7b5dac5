#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "cluster/admin/cluster_commands.h"
#include "keyspace/slot_guard.h"

namespace ashlar::cluster {

using command::Context;

namespace {

struct SlotText {
  std::optional<SlotId> slot;
  std::string error;
};
SlotText read_slot(std::string_view text) {
  const auto n = parse_i64(text);
  if (!n || !SlotId::from(*n)) return {std::nullopt, "Invalid or out of range slot"};
  return {SlotId::from(*n), {}};
}

/// Single slots as arguments 2.. ; nullopt after an error reply.
std::optional<std::vector<SlotRange>> slot_list(Context& ctx) {
  std::vector<SlotRange> ranges;
  for (const std::string_view arg : ctx.args.subspan(2)) {
    const SlotText slot = read_slot(arg);
    if (!slot.slot) {
      ctx.error(slot.error);
      return std::nullopt;
    }
    ranges.push_back({*slot.slot, *slot.slot});
  }
  return ranges;
}

std::optional<std::vector<SlotRange>> slot_ranges(Context& ctx) {
  if (ctx.args.size() % 2 != 0) {
    ctx.error(fmt::format("wrong number of arguments for '{}' command", ctx.spec.name));
    return std::nullopt;
  }
  std::vector<SlotRange> ranges;
  for (std::size_t i = 2; i < ctx.args.size(); i += 2) {
    const SlotText first = read_slot(ctx.args[i]);
    const SlotText last = read_slot(ctx.args[i + 1]);
    if (!first.slot || !last.slot) {
      ctx.error("Invalid or out of range slot");
      return std::nullopt;
    }
    if (*last.slot < *first.slot) {
      ctx.error(fmt::format("start slot number {} is greater than end slot number {}", first.slot->value(),
                            last.slot->value()));
      return std::nullopt;
    }
    ranges.push_back({*first.slot, *last.slot});
  }
  return ranges;
}

}  // namespace

Keys ClusterCommands::keyspace_keys() const {
  const bool empty = std::ranges::all_of(parts_.keyspace.sizes(), [](const auto& size) { return size.keys == 0; });
  return empty ? Keys::kNone : Keys::kSome;
}

Keys ClusterCommands::slot_keys(SlotId slot) const {
  return count_slot(slot, std::nullopt) == 0 ? Keys::kNone : Keys::kSome;
}

void ClusterCommands::submit(Context& ctx, AdminCommand command) {
  const auto complete = ctx.session.defer();
  parts_.driver->admin(std::move(command), [complete](Result<AdminValue> result) {
    complete([result = std::move(result)](resp::Encoder& reply) {
      if (!result) {
        reply.error(result.error());
      } else if (const auto* text = std::get_if<std::string>(&*result)) {
        reply.simple(*text);
      } else if (const auto* number = std::get_if<std::int64_t>(&*result)) {
        reply.integer(*number);
      } else {
        reply.ok();
      }
    });
  });
}

void ClusterCommands::meet(Context& ctx) {
  if (!enabled(ctx)) return;
  if (ctx.args.size() > 5) return ctx.error(ErrorCode::kSyntax);
  const auto port = parse_i64(ctx.args[3]);
  if (!port) return ctx.error(fmt::format("Invalid base port specified: {}", ctx.args[3]));
  Meet meet{std::string(ctx.args[2]), *port, std::nullopt};
  if (ctx.args.size() == 5) {
    const auto bus = parse_i64(ctx.args[4]);
    if (!bus) return ctx.error(fmt::format("Invalid bus port specified: {}", ctx.args[4]));
    meet.bus_port = *bus;
  }
  submit(ctx, std::move(meet));
}

void ClusterCommands::forget(Context& ctx) {
  if (enabled(ctx)) submit(ctx, Forget{std::string(ctx.args[2])});
}
void ClusterCommands::add_slots(Context& ctx) {
  if (!enabled(ctx)) return;
  if (auto ranges = slot_list(ctx)) submit(ctx, AddSlots{std::move(*ranges)});
}
void ClusterCommands::del_slots(Context& ctx) {
  if (!enabled(ctx)) return;
  if (auto ranges = slot_list(ctx)) submit(ctx, DelSlots{std::move(*ranges)});
}
void ClusterCommands::add_slot_ranges(Context& ctx) {
  if (!enabled(ctx)) return;
  if (auto ranges = slot_ranges(ctx)) submit(ctx, AddSlots{std::move(*ranges)});
}
void ClusterCommands::del_slot_ranges(Context& ctx) {
  if (!enabled(ctx)) return;
  if (auto ranges = slot_ranges(ctx)) submit(ctx, DelSlots{std::move(*ranges)});
}
void ClusterCommands::flush_slots(Context& ctx) {
  if (enabled(ctx)) submit(ctx, FlushSlots{keyspace_keys()});
}

void ClusterCommands::set_slot(Context& ctx) {
  if (!enabled(ctx)) return;
  const SlotText slot = read_slot(ctx.args[2]);
  if (!slot.slot) return ctx.error(slot.error);
  const std::string_view verb = ctx.args[3];
  const bool has_node = ctx.args.size() == 5;
  if (iequals(verb, "MIGRATING") && has_node)
    return submit(ctx, SetSlotMigrating{*slot.slot, std::string(ctx.args[4])});
  if (iequals(verb, "IMPORTING") && has_node)
    return submit(ctx, SetSlotImporting{*slot.slot, std::string(ctx.args[4])});
  if (iequals(verb, "STABLE") && ctx.args.size() == 4) return submit(ctx, SetSlotStable{*slot.slot});
  if (iequals(verb, "NODE") && has_node) {
    return submit(ctx, SetSlotNode{*slot.slot, std::string(ctx.args[4]), slot_keys(*slot.slot)});
  }
  ctx.error("Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP");
}

void ClusterCommands::replicate(Context& ctx) {
  if (enabled(ctx)) submit(ctx, Replicate{std::string(ctx.args[2]), keyspace_keys()});
}

void ClusterCommands::failover(Context& ctx) {
  if (!enabled(ctx)) return;
  Failover request;
  if (ctx.args.size() > 3) return ctx.error(ErrorCode::kSyntax);
  if (ctx.args.size() == 3) {
    if (iequals(ctx.args[2], "FORCE")) {
      request.mode = FailoverMode::kForce;
    } else if (iequals(ctx.args[2], "TAKEOVER")) {
      request.mode = FailoverMode::kTakeover;
    } else {
      return ctx.error(ErrorCode::kSyntax);
    }
  }
  submit(ctx, request);
}

void ClusterCommands::reset(Context& ctx) {
  if (!enabled(ctx)) return;
  Reset request;
  if (ctx.args.size() > 3) return ctx.error(ErrorCode::kSyntax);
  if (ctx.args.size() == 3) {
    if (iequals(ctx.args[2], "HARD")) {
      request.mode = ResetMode::kHard;
    } else if (!iequals(ctx.args[2], "SOFT")) {
      return ctx.error(ErrorCode::kSyntax);
    }
  }
  request.keyspace = keyspace_keys();
  submit(ctx, request);
}

void ClusterCommands::bump_epoch(Context& ctx) {
  if (enabled(ctx)) submit(ctx, BumpEpoch{});
}
void ClusterCommands::set_config_epoch(Context& ctx) {
  if (!enabled(ctx)) return;
  const auto epoch = parse_i64(ctx.args[2]);
  if (!epoch) return ctx.error(ErrorCode::kNotInteger);
  submit(ctx, SetConfigEpoch{*epoch});
}
void ClusterCommands::count_failure_reports(Context& ctx) {
  if (enabled(ctx)) submit(ctx, CountFailureReports{std::string(ctx.args[2])});
}
void ClusterCommands::save_config(Context& ctx) {
  if (enabled(ctx)) submit(ctx, SaveConfig{});
}

void ClusterCommands::asking(Context& ctx) {
  if (!enabled(ctx)) return;
  ctx.session.asking_next = true;
  ctx.reply.ok();
}
bool ClusterCommands::reads_replicas(Context& ctx) const {
  const bool redirected = parts_.driver == nullptr && parts_.follows_redirects && parts_.follows_redirects(ctx.session);
  return redirected || enabled(ctx);
}
void ClusterCommands::readonly(Context& ctx) {
  if (!reads_replicas(ctx)) return;
  ctx.session.cluster_readonly = true;
  ctx.reply.ok();
}
void ClusterCommands::readwrite(Context& ctx) {
  if (!reads_replicas(ctx)) return;
  ctx.session.cluster_readonly = false;
  ctx.reply.ok();
}

}  // namespace ashlar::cluster
