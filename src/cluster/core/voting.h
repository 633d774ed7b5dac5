/// How a primary votes. Private to cluster/core.
/// Source: Redis Cluster specification, "Masters reply to replica vote request".
#pragma once

#include <memory>

#include "cluster/core/durability.h"
#include "cluster/core/message.h"
#include "cluster/core/state.h"

namespace ashlar::cluster {

/// A replica asks for my vote: promises it if the rules allow. It leaves once the promise is durable.
void on_auth_request(Step& step, NodeIndex candidate, const MessageHeader& request);
/// The vote itself. It takes the proof that the epoch is on disk.
[[nodiscard]] std::shared_ptr<const Message> make_vote(const Step& step, const PersistedEpoch& proof);

}  // namespace ashlar::cluster
