#include "server/commands/memory.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "command/arg_parser.h"
#include "server/help.h"

namespace ashlar::server {

using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;
using command::Handler;

namespace {

constexpr std::string_view kFigureTips = "nondeterministic_output,request_policy:all_shards,response_policy:special";

constexpr CommandSpec sub(std::string_view name, command::Arity arity, Flag flags, std::string_view summary,
                          std::string_view tips = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .group = Group::kServer,
          .since = "4.0.0",
          .complexity = "O(1)",
          .summary = summary,
          .tips = tips};
}

constexpr CommandSpec kMemory{.name = "memory",
                              .arity = command::at_least(2),
                              .group = Group::kServer,
                              .since = "4.0.0",
                              .complexity = "Depends on subcommand.",
                              .summary = "Holds the commands that tell where memory goes."};
constexpr CommandSpec kDoctor =
    sub("memory|doctor", command::exactly(2), Flag::kNone, "A report in words about the use of memory.", kFigureTips);
constexpr CommandSpec kHelp =
    sub("memory|help", command::exactly(2), Flag::kLoading | Flag::kStale, "Lists the subcommands of MEMORY.");
constexpr CommandSpec kMallocStats =
    sub("memory|malloc-stats", command::exactly(2), Flag::kLoading, "The report of the memory allocator.", kFigureTips);
constexpr CommandSpec kPurge =
    sub("memory|purge", command::exactly(2), Flag::kLoading, "Gives memory that is not used back to the system.",
        "request_policy:all_shards,response_policy:all_succeeded");
constexpr CommandSpec kStats =
    sub("memory|stats", command::exactly(2), Flag::kNone, "Figures about the use of memory.", kFigureTips);
constexpr CommandSpec kUsage{
    .name = "memory|usage",
    .arity = command::at_least(3),
    .flags = Flag::kReadOnly,
    .group = Group::kServer,
    .keys = {command::one_key(2, command::KeyAccess::kRO, command::KeyAction::kNone)},
    .since = "4.0.0",
    .complexity = "O(1) for values kept in one piece, O(N) for others, where N is the number of pieces",
    .summary = "Bytes that a key and its value take.",
    .syntax = "key [SAMPLES count]"};

/// Every value knows its exact size, so the number of samples changes nothing; it is checked all the same.
void usage(Context& ctx) {
  command::ArgParser in(ctx.args, 3);
  while (in.more()) {
    if (in.left() >= 2 && in.take("SAMPLES")) {
      if (in.integer() < 0) in.reject();
    } else {
      in.reject();
    }
  }
  if (in.failed()) return ctx.error(in.error());
  const command::Entry* entry = ctx.db.find(ctx.keys[0], command::Access::kPeek);
  if (entry == nullptr) return ctx.reply.null();
  ctx.reply.integer(static_cast<std::int64_t>(entry->memory_bytes() + kTableBytesPerKey));
}

void purge(Context& ctx) {
  allocator_purge();
  ctx.reply.ok();
}

void malloc_stats(Context& ctx) { ctx.reply.verbatim("txt", allocator_report()); }

void help(Context& ctx) {
  static constexpr std::string_view kLines[] = {
      "DOCTOR",
      "    A report in words about the use of memory.",
      "MALLOC-STATS",
      "    The report of the memory allocator.",
      "PURGE",
      "    Give memory that is not used back to the system.",
      "STATS",
      "    Figures about the use of memory.",
      "USAGE <key> [SAMPLES <count>]",
      "    Bytes that <key> and its value take. The count is accepted; the figure is always exact.",
  };
  reply_help(ctx, "MEMORY", kLines);
}

double ratio(std::uint64_t a, std::uint64_t b) { return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b); }

/// Name and value of one line of MEMORY STATS.
class Stats {
 public:
  explicit Stats(Context& ctx) : reply_(ctx.reply), map_(ctx.reply.begin_map()) {}
  void put(std::string_view name, std::uint64_t value) {
    reply_.bulk(name);
    reply_.integer(static_cast<std::int64_t>(value));
    ++pairs_;
  }
  void put(std::string_view name, double value) {
    reply_.bulk(name);
    reply_.number(value);
    ++pairs_;
  }
  void difference(std::string_view name, std::uint64_t a, std::uint64_t b) {
    reply_.bulk(name);
    reply_.integer(static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b));
    ++pairs_;
  }
  void database(const MemoryReport::Database& db) {
    reply_.bulk(fmt::format("db.{}", db.index));
    // One table holds keys and expiries, and slots are tables of their own: there is nothing else to count.
    reply_.map(3);
    reply_.bulk("overhead.hashtable.main");
    reply_.integer(static_cast<std::int64_t>(db.table_bytes));
    reply_.bulk("overhead.hashtable.expires");
    reply_.integer(0);
    reply_.bulk("overhead.hashtable.slot-to-keys");
    reply_.integer(0);
    ++pairs_;
  }
  void end() { reply_.end(map_, pairs_); }

 private:
  resp::Encoder& reply_;
  resp::Deferred map_;
  std::size_t pairs_ = 0;
};

}  // namespace

void MemoryCommands::stats(Context& ctx) {
  const MemoryReport r = accounts_.report();
  Stats out(ctx);
  out.put("peak.allocated", r.peak);
  out.put("total.allocated", r.used);
  out.put("startup.allocated", r.startup);
  out.put("replication.backlog", r.backlog);
  out.put("clients.slaves", r.replicas);
  out.put("clients.normal", r.clients);
  out.put("cluster.links", r.cluster_links);
  out.put("aof.buffer", r.aof_buffer);
  out.put("lua.caches", r.scripts);
  out.put("functions.caches", r.functions);
  for (const MemoryReport::Database& db : r.databases) out.database(db);
  out.put("overhead.total", r.overhead());
  out.put("keys.count", r.keys);
  out.put("keys.bytes-per-key", r.keys == 0 || r.used < r.startup ? 0 : (r.used - r.startup) / r.keys);
  out.put("dataset.bytes", r.dataset());
  out.put("dataset.percentage", r.dataset_percent());
  out.put("peak.percentage", 100 * ratio(r.used, r.peak));
  out.put("allocator.allocated", r.heap.allocated);
  out.put("allocator.active", r.heap.active);
  out.put("allocator.resident", r.heap.resident);
  out.put("allocator-fragmentation.ratio", ratio(r.heap.active, r.heap.allocated));
  out.difference("allocator-fragmentation.bytes", r.heap.active, r.heap.allocated);
  out.put("allocator-rss.ratio", ratio(r.heap.resident, r.heap.active));
  out.difference("allocator-rss.bytes", r.heap.resident, r.heap.active);
  out.put("rss-overhead.ratio", ratio(r.resident, r.heap.resident));
  out.difference("rss-overhead.bytes", r.resident, r.heap.resident);
  out.put("fragmentation", ratio(r.resident, r.used));
  out.difference("fragmentation.bytes", r.resident, r.used);
  out.end();
}

std::string memory_advice(const MemoryReport& r) {
  constexpr std::uint64_t kTooLittle = 5ULL << 20;  // below it every ratio is noise
  if (r.used < kTooLittle) {
    return fmt::format("{} are in use: too little to say anything. Ask again when there is data.\n",
                       human_bytes(r.used));
  }
  std::string out;
  const auto say = [&](std::string text) { out += "- " + std::move(text) + "\n"; };
  if (ratio(r.peak, r.used) > 1.5) {
    say(
        fmt::format("At its peak the server used {}, now {}. Memory that was given back by keys may still belong to "
                    "the process: MEMORY PURGE returns what it can.",
                    human_bytes(r.peak), human_bytes(r.used)));
  }
  constexpr std::uint64_t kWorthATry = 10ULL << 20;
  if (ratio(r.heap.active, r.heap.allocated) > 1.1 && r.heap.active - r.heap.allocated > kWorthATry) {
    say(
        fmt::format("{} are lost to gaps between values. They are filled again by values of the same sizes; a restart "
                    "closes them all.",
                    human_bytes(r.heap.active - r.heap.allocated)));
  }
  if (ratio(r.heap.resident, r.heap.active) > 1.1 && r.heap.resident - r.heap.active > kWorthATry) {
    say(fmt::format("The allocator keeps {} in reserve. MEMORY PURGE gives them back.",
                    human_bytes(r.heap.resident - r.heap.active)));
  }
  if (r.resident > r.heap.resident && r.resident - r.heap.resident > kWorthATry &&
      ratio(r.resident, r.heap.resident) > 1.1) {
    say(fmt::format("{} of the process belong to no allocator: program, stacks, buffers of the kernel.",
                    human_bytes(r.resident - r.heap.resident)));
  }
  if (r.clients > kWorthATry && r.clients > r.used / 10) {
    say(
        fmt::format("Connections hold {}. Look for large `omem` and `qbuf` in CLIENT LIST; maxmemory-clients bounds "
                    "them.",
                    human_bytes(r.clients)));
  }
  if (r.replicas > kWorthATry) {
    say(fmt::format("Replicas have {} still to be sent to them: a link is slow.", human_bytes(r.replicas)));
  }
  if (out.empty()) return "Memory is used as it should be.\n";
  return "What could be better:\n\n" + out;
}

void MemoryCommands::doctor(Context& ctx) { ctx.reply.verbatim("txt", memory_advice(accounts_.report())); }

void MemoryCommands::register_in(command::CommandTable& table) {
  table.add_container(kMemory);
  table.add(kDoctor, Handler::bind<&MemoryCommands::doctor>(*this));
  table.add(kHelp, &help);
  table.add(kMallocStats, &malloc_stats);
  table.add(kPurge, &purge);
  table.add(kStats, Handler::bind<&MemoryCommands::stats>(*this));
  table.add(kUsage, &usage);
}

}  // namespace ashlar::server
