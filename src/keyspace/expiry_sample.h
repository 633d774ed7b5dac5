/// How long the keys of a database that expire have still to live, on average, told from a few of them.
#pragma once

#include "base/ids.h"
#include "base/time.h"
#include "keyspace/keyspace.h"

namespace ashlar::keyspace {

/// Zero when no key of the database expires. Keys whose time has come count as none. Exact when few keys expire: a
/// sample is 64 keys, of slots as they come, for a key's hash says nothing of its expiry. Cost: a look at the slots
/// until there are so many; at all of them, some hundred microseconds, when fewer keys expire. Thread: any.
[[nodiscard]] Millis average_ttl(Keyspace& keyspace, DbIndex db, WallTime now);

}  // namespace ashlar::keyspace
