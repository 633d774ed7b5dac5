/// Everything that can happen to a node of the cluster: the inputs of ClusterNode::step().
/// Thread: values, any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "cluster/core/message.h"
#include "cluster/core/options.h"
#include "cluster/core/types.h"

namespace ashlar::cluster {

/// Both clocks, read once by the caller.
struct Now {
  MonoTime mono;
  WallTime wall;
};

/// A message arrived on a link, in order.
struct BusMessage {
  LinkId link;
  std::string peer_ip;                     // textual address of the other end, empty if unknown
  std::string local_ip;                    // textual address of our end, empty if unknown
  std::shared_ptr<const Message> message;  // shared: the simulator hands over what was sent; never null
};
/// To be sent every 100 ms.
struct TimerTick {};
/// The connection that a Connect effect asked for is established.
struct LinkUp {
  LinkId link;
};
/// Why a link ended.
enum class LinkEnd : std::uint8_t {
  kClosed,   // end of stream, reset, send buffer over its limit, or any error but the next
  kRefused,  // nobody listens there: the process is gone
};
/// A link of either direction is gone, or a Connect failed. Not sent for links named in Effects::closes.
struct LinkLost {
  LinkId link;
  LinkEnd how = LinkEnd::kClosed;
};
/// Names one write of nodes.conf.
using PersistToken = Counter<struct PersistTokenTag>;
/// The write that Effects::persist asked for under `token` is durable (file and directory synced).
struct Persisted {
  PersistToken token;
};
/// How replication stands; to be sent before each tick and whenever the link to the primary changes.
struct ReplicationStatus {
  ReplOffset offset;                     // replica: bytes processed; primary: bytes produced
  std::optional<MonoTime> last_contact;  // replica: link up = last bytes from the primary; down = since when.
                                         // nullopt: has not had the primary's data since start
};
/// The pause that Effects::pause asked for holds everywhere: no write will move the offset past this one until
/// ResumeWrites. The replication stream carries no pings meanwhile.
struct WritesPaused {
  ReplOffset offset;
};
/// Options changed at run time (CONFIG SET).
struct Reconfigured {
  Options options;
};
/// Slots that hold keys, once after loading: slots nobody owns are taken, those of others opened for import.
struct LoadedSlots {
  SlotBitmap with_keys;
};

/// Does the keyspace, or the slot a command is about, hold keys?
enum class Keys : std::uint8_t { kNone, kSome };

/// The commands of an administrator; each is answered by one AdminReply.
struct Meet {
  std::string ip;  // numeric address, checked by the core
  std::int64_t port = 0;
  std::optional<std::int64_t> bus_port;
};
struct Forget {
  std::string node;  // ids come as typed, so that error texts can quote them
};
struct AddSlots {
  std::vector<SlotRange> ranges;
};
struct DelSlots {
  std::vector<SlotRange> ranges;
};
struct FlushSlots {
  Keys keyspace = Keys::kNone;
};
struct SetSlotMigrating {
  SlotId slot;
  std::string target;
};
struct SetSlotImporting {
  SlotId slot;
  std::string source;
};
struct SetSlotStable {
  SlotId slot;
};
struct SetSlotNode {
  SlotId slot;
  std::string owner;
  Keys in_slot = Keys::kNone;
};
struct Replicate {
  std::string primary;
  Keys keyspace = Keys::kNone;
};
enum class FailoverMode : std::uint8_t { kDefault, kForce, kTakeover };
struct Failover {
  FailoverMode mode = FailoverMode::kDefault;
};
enum class ResetMode : std::uint8_t { kSoft, kHard };
struct Reset {
  ResetMode mode = ResetMode::kSoft;
  Keys keyspace = Keys::kNone;
};
struct BumpEpoch {};
struct SetConfigEpoch {
  std::int64_t epoch = 0;
};
struct CountFailureReports {
  std::string node;
};
struct SaveConfig {};
/// A message published here, for the rest of the cluster (kGlobal) or of the shard (kShard). Answered like the rest.
struct PublishOut {
  Publish publish;
};

using AdminCommand = std::variant<Meet, Forget, AddSlots, DelSlots, FlushSlots, SetSlotMigrating, SetSlotImporting,
                                  SetSlotStable, SetSlotNode, Replicate, Failover, Reset, BumpEpoch, SetConfigEpoch,
                                  CountFailureReports, SaveConfig, PublishOut>;
/// Ties an answer to its question; chosen by the caller.
using AdminId = Counter<struct AdminIdTag>;
struct Admin {
  AdminId id;
  AdminCommand command;
};

using Event = std::variant<BusMessage, TimerTick, LinkUp, LinkLost, Persisted, ReplicationStatus, WritesPaused,
                           Reconfigured, LoadedSlots, Admin>;

}  // namespace ashlar::cluster
