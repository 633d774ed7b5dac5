#include <array>

#include "commands/generic/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr KeySpec kInspected = one_key(2, KeyAccess::kRO, KeyAction::kNone);
constexpr std::string_view kPolicyNote =
    " Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";

constexpr CommandSpec kObject{.name = "object",
                              .arity = at_least(2),
                              .group = Group::kGeneric,
                              .since = "2.2.3",
                              .complexity = "Depends on subcommand.",
                              .summary = "Holds the commands that look at how a value is kept."};

/// The entry to look at; replies null when there is none. Looking leaves no trace in the access clock.
const Entry* inspected(Context& ctx) {
  const Entry* entry = ctx.db.find(ctx.keys[0], Access::kPeek);
  if (entry == nullptr) ctx.reply.null();
  return entry;
}

constexpr CommandSpec kEncoding{.name = "object|encoding",
                                .arity = exactly(3),
                                .flags = Flag::kReadOnly,
                                .group = Group::kGeneric,
                                .categories = Category::kKeyspace,
                                .keys = {kInspected},
                                .since = "2.2.3",
                                .complexity = "O(1)",
                                .summary = "Names the inner form of a value.",
                                .syntax = "key",
                                .tips = "nondeterministic_output"};
void encoding(Context& ctx) {
  if (const Entry* entry = inspected(ctx)) ctx.reply.bulk(entry->encoding_name());
}

constexpr CommandSpec kRefCount{.name = "object|refcount",
                                .arity = exactly(3),
                                .flags = Flag::kReadOnly,
                                .group = Group::kGeneric,
                                .categories = Category::kKeyspace,
                                .keys = {kInspected},
                                .since = "2.2.3",
                                .complexity = "O(1)",
                                .summary = "Tells how many owners a value has.",
                                .syntax = "key",
                                .tips = "nondeterministic_output"};
void refcount(Context& ctx) {
  if (inspected(ctx) != nullptr) ctx.reply.integer(1);  // values are never shared here
}

constexpr CommandSpec kIdleTime{.name = "object|idletime",
                                .arity = exactly(3),
                                .flags = Flag::kReadOnly,
                                .group = Group::kGeneric,
                                .categories = Category::kKeyspace,
                                .keys = {kInspected},
                                .since = "2.2.3",
                                .complexity = "O(1)",
                                .summary = "Tells for how many seconds a value has not been used.",
                                .syntax = "key",
                                .tips = "nondeterministic_output"};
void idletime(Context& ctx) {
  const Entry* entry = inspected(ctx);
  if (entry == nullptr) return;
  const auto policy = ctx.db.keyspace().access().policy.load(std::memory_order_relaxed);
  if (uses_lfu(policy)) {
    return ctx.error("An LFU maxmemory policy is selected, idle time not tracked." + std::string(kPolicyNote));
  }
  ctx.reply.integer(keyspace::lru_idle(entry->clock(), ctx.now()).count());
}

constexpr CommandSpec kFreq{.name = "object|freq",
                            .arity = exactly(3),
                            .flags = Flag::kReadOnly,
                            .group = Group::kGeneric,
                            .categories = Category::kKeyspace,
                            .keys = {kInspected},
                            .since = "4.0.0",
                            .complexity = "O(1)",
                            .summary = "Tells the logarithmic access counter of a value.",
                            .syntax = "key",
                            .tips = "nondeterministic_output"};
void freq(Context& ctx) {
  const Entry* entry = inspected(ctx);
  if (entry == nullptr) return;
  const keyspace::AccessSettings& access = ctx.db.keyspace().access();
  if (!uses_lfu(access.policy.load(std::memory_order_relaxed))) {
    return ctx.error("An LFU maxmemory policy is not selected, access frequency not tracked." +
                     std::string(kPolicyNote));
  }
  ctx.reply.integer(keyspace::lfu_count(entry->clock(), ctx.now(), access.lfu()));
}

constexpr std::array<std::string_view, 11> kHelpLines = {
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    Name of the form in which the value of <key> is kept.",
    "FREQ <key>",
    "    Access counter of <key>, kept under the LFU policies; it grows with its logarithm.",
    "IDLETIME <key>",
    "    Seconds since the value of <key> was last used.",
    "REFCOUNT <key>",
    "    How many owners the value of <key> has.",
    "HELP",
    "    Print this help.",
};
constexpr CommandSpec kHelp{.name = "object|help",
                            .arity = exactly(2),
                            .flags = Flag::kLoading | Flag::kStale,
                            .group = Group::kGeneric,
                            .categories = Category::kKeyspace,
                            .since = "6.2.0",
                            .complexity = "O(1)",
                            .summary = "Lists the subcommands of OBJECT."};
void help(Context& ctx) {
  ctx.reply.array(kHelpLines.size());
  for (const std::string_view line : kHelpLines) ctx.reply.simple(line);
}

}  // namespace

void register_object(CommandTable& table) {
  table.add_container(kObject);
  table.add(kEncoding, &encoding);
  table.add(kRefCount, &refcount);
  table.add(kIdleTime, &idletime);
  table.add(kFreq, &freq);
  table.add(kHelp, &help);
}

}  // namespace ashlar::commands
