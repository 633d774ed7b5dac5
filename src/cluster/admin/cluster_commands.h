/// CLUSTER and its subcommands, ASKING, READONLY, READWRITE. Thread: any loop; what changes the cluster goes to the
/// control thread and is answered from there.
#pragma once

#include <functional>

#include "cluster/admin/endpoint.h"
#include "cluster/admin/slot_stats.h"
#include "cluster/driver/driver.h"
#include "command/table.h"
#include "keyspace/keyspace.h"

namespace ashlar::cluster {

class ClusterCommands {
 public:
  struct Parts {
    Driver* driver = nullptr;  // null: not in cluster mode, where all but HELP and KEYSLOT-free facts are refused
    keyspace::Keyspace& keyspace;
    std::function<EndpointKind()> endpoint;
    std::function<std::int64_t()> replication_offset;
    SlotStats* slot_stats = nullptr;  // null exactly when `driver` is
    const TickRate& rate;             // of its ticks
    /// Whether a connection may say READONLY outside of a cluster: one that follows redirections.
    std::function<bool(const command::Session&)> follows_redirects;
  };
  explicit ClusterCommands(Parts parts) : parts_(std::move(parts)) {}

  void register_in(command::CommandTable& table);

  // Facts.
  void info(command::Context& ctx);
  void nodes(command::Context& ctx);
  void slots(command::Context& ctx);
  void shards(command::Context& ctx);
  void replicas(command::Context& ctx);
  void links(command::Context& ctx);
  void myid(command::Context& ctx);
  void myshardid(command::Context& ctx);
  void keyslot(command::Context& ctx);
  void count_keys(command::Context& ctx);
  void get_keys(command::Context& ctx);
  void slot_stats(command::Context& ctx);
  void help(command::Context& ctx);
  // Changes.
  void meet(command::Context& ctx);
  void forget(command::Context& ctx);
  void add_slots(command::Context& ctx);
  void del_slots(command::Context& ctx);
  void add_slot_ranges(command::Context& ctx);
  void del_slot_ranges(command::Context& ctx);
  void flush_slots(command::Context& ctx);
  void set_slot(command::Context& ctx);
  void replicate(command::Context& ctx);
  void failover(command::Context& ctx);
  void reset(command::Context& ctx);
  void bump_epoch(command::Context& ctx);
  void set_config_epoch(command::Context& ctx);
  void count_failure_reports(command::Context& ctx);
  void save_config(command::Context& ctx);
  // Modes of a connection.
  void asking(command::Context& ctx);
  void readonly(command::Context& ctx);
  void readwrite(command::Context& ctx);

 private:
  /// Keys of a slot, in one database or, with nullopt, in all.
  [[nodiscard]] std::uint64_t count_slot(SlotId slot, std::optional<DbIndex> db) const;
  [[nodiscard]] bool enabled(command::Context& ctx) const;
  [[nodiscard]] bool reads_replicas(command::Context& ctx) const;
  [[nodiscard]] Keys keyspace_keys() const;
  [[nodiscard]] Keys slot_keys(SlotId slot) const;
  void submit(command::Context& ctx, AdminCommand command);
  void reply_node_endpoint(command::Context& ctx, const Node& node) const;
  [[nodiscard]] std::int64_t offset_of(const View& view, const Node& node) const;
  void reply_shard_node(command::Context& ctx, const View& view, const Node& node) const;

  Parts parts_;
};

}  // namespace ashlar::cluster
