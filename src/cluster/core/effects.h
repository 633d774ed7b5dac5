/// Everything the core wants done: the outputs of ClusterNode::step(), carried out by the server or the simulator.
/// Thread: values, any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "cluster/core/events.h"
#include "cluster/core/message.h"
#include "cluster/core/types.h"

namespace ashlar::cluster {

/// Open a connection; answer with LinkUp or LinkLost{link}.
struct Connect {
  LinkId link;
  std::string ip;
  std::uint16_t bus_port = 0;
  NodeId node;  // who is expected there; zero while only the address is known
};
/// Queue a message on a link. The same message may go to many links: encode it once per distinct pointer.
/// A link that is still connecting or already gone takes nothing.
struct Send {
  LinkId link;
  std::shared_ptr<const Message> message;
};
/// Replace nodes.conf by `text` durably (temporary file, fsync, rename, fsync of the directory), then send
/// Persisted{token}. There is never a second one under way. If it cannot be done the process must stop: what others
/// were promised would not survive.
struct Persist {
  PersistToken token;
  std::string text;
};
/// Stop replicating and serve as primary.
struct BecomePrimary {
  bool operator==(const BecomePrimary&) const = default;
};
/// Replicate from this node, whose address may have changed since the last one. `address.ip` may be empty or
/// `address.port` 0 when nothing is known yet; another change follows then.
struct FollowPrimary {
  /// What we hold is what the new primary's history says, at some earlier time; or it is of another shard, or unknown.
  enum class Data : std::uint8_t { kSame, kOther };
  NodeId primary;
  NodeAddress address;
  Data data = Data::kOther;
};
using RoleChange = std::variant<BecomePrimary, FollowPrimary>;
/// Hold back clients' writes (and whatever else would change data) until `until` at the latest; once that is so
/// everywhere, answer with WritesPaused.
struct PauseWrites {
  MonoTime until;
};
struct ResumeWrites {};
using PauseChange = std::variant<PauseWrites, ResumeWrites>;

enum class LogLevel : std::uint8_t { kDebug, kVerbose, kNotice, kWarning };
struct LogLine {
  LogLevel level = LogLevel::kNotice;
  std::string text;
};

/// "+OK", a status line, or an integer.
struct Ok {
  bool operator==(const Ok&) const = default;
};
using AdminValue = std::variant<Ok, std::string, std::int64_t>;
/// The answer to Admin{id}; errors carry the text that Redis gives. Comes after what it promises is durable.
struct AdminReply {
  AdminId id;
  Result<AdminValue> value;
};

/// What became of the view in this step.
enum class ViewChange : std::uint8_t {
  kNone,
  kStatistics,  // times, offsets, links only: publish at leisure
  kTopology,    // members, roles, slots, health, addresses, epochs or state: publish now
};

/// To be carried out in the order of the members below.
struct Effects {
  std::vector<Connect> connects;
  std::vector<Send> sends;
  std::vector<LinkId> closes;
  std::optional<Persist> persist;
  bool flush_keyspace = false;  // before the role change: CLUSTER RESET of a replica drops its data
  std::optional<RoleChange> role;
  std::vector<SlotRange> slots_lost;  // delete the keys in these slots: they are another primary's now
  std::optional<PauseChange> pause;
  std::vector<Publish> deliveries;  // to local subscribers
  std::vector<AdminReply> replies;
  std::vector<LogLine> log;
  ViewChange view_changed = ViewChange::kNone;
};

}  // namespace ashlar::cluster
