#include "server/execution.h"

#include "server/inner.h"

namespace ashlar::server {

Execution::Execution(keyspace::SafePoint::Participant& participant, keyspace::Counters& counters, ThreadStats& stats,
                     keyspace::Keyspace& keyspace, tracking::Table& tracking, std::uint64_t seed)
    : participant(participant), counters(counters), stats(stats), rng(seed), interests(keyspace), changes(tracking) {}
Execution::~Execution() = default;

}  // namespace ashlar::server
