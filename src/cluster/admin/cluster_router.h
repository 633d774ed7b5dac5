/// Decides for each command whether this node serves its keys, and words the redirection if not.
/// Thread: any loop. Cost for a slot that is plainly ours: one load.
#pragma once

#include "base/sync.h"
#include "cluster/admin/endpoint.h"
#include "cluster/admin/slot_table.h"
#include "cluster/core/view.h"
#include "command/router.h"

namespace ashlar::cluster {

class Router final : public command::Router {
 public:
  struct Rules {
    bool allow_reads_when_down = false;  // cluster-allow-reads-when-down
    bool allow_shard_pubsub_when_down = true;
    EndpointKind endpoint = EndpointKind::kIp;
  };
  Router(const Published<View>& view, const SlotTable& slots) : view_(view), slots_(slots) {}

  /// Thread: control.
  void set_rules(const Rules& rules) { rules_.set(std::make_shared<Rules>(rules)); }
  [[nodiscard]] command::Route route(command::Flag flags, std::span<const keyspace::KeyRef> keys,
                                     const command::Session& session, keyspace::Db& db) override;

 private:
  [[nodiscard]] command::Route route_slow(command::Flag flags, std::span<const keyspace::KeyRef> keys,
                                          const command::Session& session, keyspace::Db& db) const;
  [[nodiscard]] command::Refuse redirect(ErrorCode code, SlotId slot, const Node& to, const Rules& rules) const;

  const Published<View>& view_;
  const SlotTable& slots_;
  Published<Rules> rules_{std::make_shared<Rules>()};
};

}  // namespace ashlar::cluster
