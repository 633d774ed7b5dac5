/// The commands of the cluster manager, one function each.
///
/// Each returns kDone, kFailed after telling the user why, or an Error that the caller shows. Nothing is changed in the
/// cluster before everything that can be checked beforehand was checked. Thread: one.
#pragma once

#include "base/error.h"
#include "cli/cluster/session.h"

namespace ashlar::cli::cluster {

[[nodiscard]] Result<Outcome> run_create(Session& session);
[[nodiscard]] Result<Outcome> run_check(Session& session);
[[nodiscard]] Result<Outcome> run_info(Session& session);
[[nodiscard]] Result<Outcome> run_fix(Session& session);
[[nodiscard]] Result<Outcome> run_reshard(Session& session);
[[nodiscard]] Result<Outcome> run_rebalance(Session& session);
[[nodiscard]] Result<Outcome> run_add_node(Session& session);
[[nodiscard]] Result<Outcome> run_del_node(Session& session);
[[nodiscard]] Result<Outcome> run_call(Session& session);
[[nodiscard]] Result<Outcome> run_set_timeout(Session& session);
[[nodiscard]] Result<Outcome> run_import(Session& session);
[[nodiscard]] Result<Outcome> run_backup(Session& session);

}  // namespace ashlar::cli::cluster
