#include "cluster/admin/cluster_commands.h"

namespace ashlar::cluster {

using command::at_least;
using command::CommandSpec;
using command::Context;
using command::exactly;
using command::Flag;
using command::Group;
using command::Handler;

namespace {

constexpr Flag kFacts = Flag::kLoading | Flag::kStale;
constexpr Flag kAdminFacts = Flag::kAdmin | Flag::kStale;
constexpr Flag kChange = Flag::kAdmin | Flag::kStale | Flag::kNoAsyncLoading | Flag::kDefers;

constexpr CommandSpec kCluster{.name = "cluster",
                               .arity = at_least(2),
                               .group = Group::kCluster,
                               .since = "3.0.0",
                               .complexity = "Depends on subcommand.",
                               .summary = "Shows and changes the cluster."};
constexpr CommandSpec kAsking{.name = "asking",
                              .arity = exactly(1),
                              .flags = Flag::kFast,
                              .group = Group::kCluster,
                              .categories = command::Category::kConnection,
                              .since = "3.0.0",
                              .summary = "Lets the next command use a slot that is being imported."};
constexpr CommandSpec kReadOnly{.name = "readonly",
                                .arity = exactly(1),
                                .flags = Flag::kFast | Flag::kLoading | Flag::kStale,
                                .group = Group::kCluster,
                                .categories = command::Category::kConnection,
                                .since = "3.0.0",
                                .summary = "Lets this connection read from a replica."};
constexpr CommandSpec kReadWrite{.name = "readwrite",
                                 .arity = exactly(1),
                                 .flags = Flag::kFast | Flag::kLoading | Flag::kStale,
                                 .group = Group::kCluster,
                                 .categories = command::Category::kConnection,
                                 .since = "3.0.0",
                                 .summary = "Takes READONLY back."};

constexpr CommandSpec kInfo{.name = "cluster|info",
                            .arity = exactly(2),
                            .flags = kFacts,
                            .group = Group::kCluster,
                            .since = "3.0.0",
                            .complexity = "O(N)",
                            .summary = "State, sizes and counters of the cluster as this node sees it.",
                            .tips = "nondeterministic_output"};
constexpr CommandSpec kNodes{.name = "cluster|nodes",
                             .arity = exactly(2),
                             .flags = kFacts,
                             .group = Group::kCluster,
                             .since = "3.0.0",
                             .complexity = "O(N)",
                             .summary = "All known nodes in the format of nodes.conf.",
                             .tips = "nondeterministic_output"};
constexpr CommandSpec kSlots{.name = "cluster|slots",
                             .arity = exactly(2),
                             .flags = kFacts,
                             .group = Group::kCluster,
                             .since = "3.0.0",
                             .complexity = "O(N)",
                             .summary = "Slot ranges and the nodes that serve them.",
                             .tips = "nondeterministic_output"};
constexpr CommandSpec kShards{.name = "cluster|shards",
                              .arity = exactly(2),
                              .flags = kFacts,
                              .group = Group::kCluster,
                              .since = "7.0.0",
                              .complexity = "O(N)",
                              .summary = "Shards with their slots and nodes.",
                              .tips = "nondeterministic_output"};
constexpr CommandSpec kMyid{.name = "cluster|myid",
                            .arity = exactly(2),
                            .flags = kFacts,
                            .group = Group::kCluster,
                            .since = "3.0.0",
                            .complexity = "O(N)",
                            .summary = "The id of this node."};
constexpr CommandSpec kMyshardid{.name = "cluster|myshardid",
                                 .arity = exactly(2),
                                 .flags = kFacts,
                                 .group = Group::kCluster,
                                 .since = "7.2.0",
                                 .complexity = "O(N)",
                                 .summary = "The shard id of this node.",
                                 .tips = "nondeterministic_output"};
constexpr CommandSpec kKeyslot{.name = "cluster|keyslot",
                               .arity = exactly(3),
                               .flags = Flag::kStale,
                               .group = Group::kCluster,
                               .since = "3.0.0",
                               .complexity = "O(N)",
                               .summary = "The hash slot of a key.",
                               .syntax = "key"};
constexpr CommandSpec kCountkeysinslot{.name = "cluster|countkeysinslot",
                                       .arity = exactly(3),
                                       .flags = Flag::kStale,
                                       .group = Group::kCluster,
                                       .since = "3.0.0",
                                       .complexity = "O(N)",
                                       .summary = "Number of keys here in a slot.",
                                       .syntax = "slot"};
constexpr CommandSpec kGetkeysinslot{.name = "cluster|getkeysinslot",
                                     .arity = exactly(4),
                                     .flags = Flag::kStale,
                                     .group = Group::kCluster,
                                     .since = "3.0.0",
                                     .complexity = "O(N)",
                                     .summary = "Some keys of a slot.",
                                     .syntax = "slot count",
                                     .tips = "nondeterministic_output"};
constexpr CommandSpec kSlotStats{
    .name = "cluster|slot-stats",
    .arity = at_least(4),
    .flags = kFacts,
    .group = Group::kCluster,
    .since = "8.0.0",
    .complexity = "O(N) for N slots; O(N log N) with ORDERBY.",
    .summary = "Keys of slots, and what commands on them have cost.",
    .syntax = "<SLOTSRANGE start-slot end-slot | ORDERBY metric [LIMIT limit] [ASC | DESC]>",
    .tips = "nondeterministic_output,request_policy:all_shards"};
constexpr CommandSpec kLinks{.name = "cluster|links",
                             .arity = exactly(2),
                             .flags = Flag::kStale | Flag::kDefers,
                             .group = Group::kCluster,
                             .since = "7.0.0",
                             .complexity = "O(N)",
                             .summary = "Connections of the cluster bus.",
                             .tips = "nondeterministic_output"};
constexpr CommandSpec kReplicas{.name = "cluster|replicas",
                                .arity = exactly(3),
                                .flags = kAdminFacts,
                                .group = Group::kCluster,
                                .since = "5.0.0",
                                .complexity = "O(N)",
                                .summary = "Replicas of a primary.",
                                .syntax = "node-id",
                                .tips = "nondeterministic_output"};
constexpr CommandSpec kSlaves{.name = "cluster|slaves",
                              .arity = exactly(3),
                              .flags = kAdminFacts,
                              .group = Group::kCluster,
                              .since = "3.0.0",
                              .complexity = "O(N)",
                              .summary = "Replicas of a primary.",
                              .syntax = "node-id",
                              .tips = "nondeterministic_output"};
constexpr CommandSpec kCountFailureReports{.name = "cluster|count-failure-reports",
                                           .arity = exactly(3),
                                           .flags = kAdminFacts | Flag::kDefers,
                                           .group = Group::kCluster,
                                           .since = "3.0.0",
                                           .complexity = "O(N)",
                                           .summary = "How many nodes report a node as failing.",
                                           .syntax = "node-id",
                                           .tips = "nondeterministic_output"};
constexpr CommandSpec kMeet{.name = "cluster|meet",
                            .arity = at_least(4),
                            .flags = kChange,
                            .group = Group::kCluster,
                            .since = "3.0.0",
                            .complexity = "O(N)",
                            .summary = "Introduces a node to this one.",
                            .syntax = "ip port [cluster-bus-port]"};
constexpr CommandSpec kForget{.name = "cluster|forget",
                              .arity = exactly(3),
                              .flags = kChange,
                              .group = Group::kCluster,
                              .since = "3.0.0",
                              .complexity = "O(N)",
                              .summary = "Removes a node from this node's view.",
                              .syntax = "node-id"};
constexpr CommandSpec kAddslots{.name = "cluster|addslots",
                                .arity = at_least(3),
                                .flags = kChange,
                                .group = Group::kCluster,
                                .since = "3.0.0",
                                .complexity = "O(N)",
                                .summary = "Gives unassigned slots to this node.",
                                .syntax = "slot [slot ...]"};
constexpr CommandSpec kAddslotsrange{.name = "cluster|addslotsrange",
                                     .arity = at_least(4),
                                     .flags = kChange,
                                     .group = Group::kCluster,
                                     .since = "7.0.0",
                                     .complexity = "O(N)",
                                     .summary = "Gives ranges of unassigned slots to this node.",
                                     .syntax = "start-slot end-slot [start-slot end-slot ...]"};
constexpr CommandSpec kDelslots{.name = "cluster|delslots",
                                .arity = at_least(3),
                                .flags = kChange,
                                .group = Group::kCluster,
                                .since = "3.0.0",
                                .complexity = "O(N)",
                                .summary = "Marks slots as unassigned in this node's view.",
                                .syntax = "slot [slot ...]"};
constexpr CommandSpec kDelslotsrange{.name = "cluster|delslotsrange",
                                     .arity = at_least(4),
                                     .flags = kChange,
                                     .group = Group::kCluster,
                                     .since = "7.0.0",
                                     .complexity = "O(N)",
                                     .summary = "Marks ranges of slots as unassigned in this node's view.",
                                     .syntax = "start-slot end-slot [start-slot end-slot ...]"};
constexpr CommandSpec kFlushslots{.name = "cluster|flushslots",
                                  .arity = exactly(2),
                                  .flags = kChange,
                                  .group = Group::kCluster,
                                  .since = "3.0.0",
                                  .complexity = "O(N)",
                                  .summary = "Gives up all slots of this node."};
constexpr CommandSpec kSetslot{.name = "cluster|setslot",
                               .arity = at_least(4),
                               .flags = kChange | Flag::kMayReplicate,
                               .group = Group::kCluster,
                               .since = "3.0.0",
                               .complexity = "O(N)",
                               .summary = "Sets the state or the owner of a slot.",
                               .syntax = "slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>"};
constexpr CommandSpec kReplicate{.name = "cluster|replicate",
                                 .arity = exactly(3),
                                 .flags = kChange,
                                 .group = Group::kCluster,
                                 .since = "3.0.0",
                                 .complexity = "O(N)",
                                 .summary = "Makes this node a replica.",
                                 .syntax = "node-id"};
constexpr CommandSpec kFailover{.name = "cluster|failover",
                                .arity = at_least(2),
                                .flags = kChange,
                                .group = Group::kCluster,
                                .since = "3.0.0",
                                .complexity = "O(N)",
                                .summary = "Makes this replica the primary of its shard.",
                                .syntax = "[FORCE | TAKEOVER]"};
constexpr CommandSpec kReset{.name = "cluster|reset",
                             .arity = at_least(2),
                             .flags = Flag::kAdmin | Flag::kStale | Flag::kNoScript | Flag::kDefers,
                             .group = Group::kCluster,
                             .since = "3.0.0",
                             .complexity = "O(N)",
                             .summary = "Makes this node forget its cluster.",
                             .syntax = "[HARD | SOFT]"};
constexpr CommandSpec kBumpepoch{.name = "cluster|bumpepoch",
                                 .arity = exactly(2),
                                 .flags = kChange,
                                 .group = Group::kCluster,
                                 .since = "3.0.0",
                                 .complexity = "O(N)",
                                 .summary = "Raises the configuration epoch.",
                                 .tips = "nondeterministic_output"};
constexpr CommandSpec kSetConfigEpoch{.name = "cluster|set-config-epoch",
                                      .arity = exactly(3),
                                      .flags = kChange,
                                      .group = Group::kCluster,
                                      .since = "3.0.0",
                                      .complexity = "O(N)",
                                      .summary = "Sets the configuration epoch of a new node.",
                                      .syntax = "config-epoch"};
constexpr CommandSpec kSaveconfig{.name = "cluster|saveconfig",
                                  .arity = exactly(2),
                                  .flags = kChange,
                                  .group = Group::kCluster,
                                  .since = "3.0.0",
                                  .complexity = "O(N)",
                                  .summary = "Writes nodes.conf."};
constexpr CommandSpec kHelp{.name = "cluster|help",
                            .arity = exactly(2),
                            .flags = Flag::kLoading | Flag::kStale,
                            .group = Group::kCluster,
                            .since = "5.0.0",
                            .complexity = "O(N)",
                            .summary = "Lists the subcommands of CLUSTER."};

constexpr const CommandSpec* kSubcommands[] = {&kInfo,
                                               &kNodes,
                                               &kSlots,
                                               &kShards,
                                               &kMyid,
                                               &kMyshardid,
                                               &kKeyslot,
                                               &kCountkeysinslot,
                                               &kGetkeysinslot,
                                               &kSlotStats,
                                               &kLinks,
                                               &kReplicas,
                                               &kSlaves,
                                               &kCountFailureReports,
                                               &kMeet,
                                               &kForget,
                                               &kAddslots,
                                               &kAddslotsrange,
                                               &kDelslots,
                                               &kDelslotsrange,
                                               &kFlushslots,
                                               &kSetslot,
                                               &kReplicate,
                                               &kFailover,
                                               &kReset,
                                               &kBumpepoch,
                                               &kSetConfigEpoch,
                                               &kSaveconfig,
                                               &kHelp};

}  // namespace

void ClusterCommands::help(Context& ctx) {
  ctx.reply.array(std::size(kSubcommands) + 1);
  ctx.reply.simple("CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const CommandSpec* spec : kSubcommands) {
    std::string line(spec->name.substr(8));
    for (char& c : line) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    if (!spec->syntax.empty()) line += " " + std::string(spec->syntax);
    ctx.reply.simple(line + " -- " + std::string(spec->summary));
  }
}

void ClusterCommands::register_in(command::CommandTable& table) {
  table.add_container(kCluster);
  table.add(kInfo, Handler::bind<&ClusterCommands::info>(*this));
  table.add(kNodes, Handler::bind<&ClusterCommands::nodes>(*this));
  table.add(kSlots, Handler::bind<&ClusterCommands::slots>(*this));
  table.add(kShards, Handler::bind<&ClusterCommands::shards>(*this));
  table.add(kMyid, Handler::bind<&ClusterCommands::myid>(*this));
  table.add(kMyshardid, Handler::bind<&ClusterCommands::myshardid>(*this));
  table.add(kKeyslot, Handler::bind<&ClusterCommands::keyslot>(*this));
  table.add(kCountkeysinslot, Handler::bind<&ClusterCommands::count_keys>(*this));
  table.add(kGetkeysinslot, Handler::bind<&ClusterCommands::get_keys>(*this));
  table.add(kSlotStats, Handler::bind<&ClusterCommands::slot_stats>(*this));
  table.add(kLinks, Handler::bind<&ClusterCommands::links>(*this));
  table.add(kReplicas, Handler::bind<&ClusterCommands::replicas>(*this));
  table.add(kSlaves, Handler::bind<&ClusterCommands::replicas>(*this));
  table.add(kCountFailureReports, Handler::bind<&ClusterCommands::count_failure_reports>(*this));
  table.add(kMeet, Handler::bind<&ClusterCommands::meet>(*this));
  table.add(kForget, Handler::bind<&ClusterCommands::forget>(*this));
  table.add(kAddslots, Handler::bind<&ClusterCommands::add_slots>(*this));
  table.add(kAddslotsrange, Handler::bind<&ClusterCommands::add_slot_ranges>(*this));
  table.add(kDelslots, Handler::bind<&ClusterCommands::del_slots>(*this));
  table.add(kDelslotsrange, Handler::bind<&ClusterCommands::del_slot_ranges>(*this));
  table.add(kFlushslots, Handler::bind<&ClusterCommands::flush_slots>(*this));
  table.add(kSetslot, Handler::bind<&ClusterCommands::set_slot>(*this));
  table.add(kReplicate, Handler::bind<&ClusterCommands::replicate>(*this));
  table.add(kFailover, Handler::bind<&ClusterCommands::failover>(*this));
  table.add(kReset, Handler::bind<&ClusterCommands::reset>(*this));
  table.add(kBumpepoch, Handler::bind<&ClusterCommands::bump_epoch>(*this));
  table.add(kSetConfigEpoch, Handler::bind<&ClusterCommands::set_config_epoch>(*this));
  table.add(kSaveconfig, Handler::bind<&ClusterCommands::save_config>(*this));
  table.add(kHelp, Handler::bind<&ClusterCommands::help>(*this));
  table.add(kAsking, Handler::bind<&ClusterCommands::asking>(*this));
  table.add(kReadOnly, Handler::bind<&ClusterCommands::readonly>(*this));
  table.add(kReadWrite, Handler::bind<&ClusterCommands::readwrite>(*this));
}

}  // namespace ashlar::cluster
