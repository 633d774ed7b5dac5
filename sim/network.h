/// The network between simulated hosts: links as TCP gives them, and all that goes wrong with them.
///
/// Messages of one link and direction arrive in order. Loss is a suffix: when a link breaks, what was under way is
/// gone. A cut direction delivers nothing and loses nothing; whoever gives up first closes. A host that lost power says
/// nothing, one whose process died resets its links.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "cluster/core/events.h"
#include "cluster/core/message.h"
#include "sim/scheduler.h"

namespace ashlar::sim {

/// A simulated machine, 0..hosts-1.
using HostIndex = std::size_t;
enum class Power : std::uint8_t {
  kRunning,
  kProcessDown,  // the kernel refuses connections
  kMachineDown,  // nothing answers
};

/// How long a message takes: base plus up to jitter.
struct Latency {
  Micros base{200};
  Micros jitter{800};
};

/// Thread: one.
class Network {
 public:
  /// Called as things happen, never from within a call into the network.
  struct Hooks {
    std::function<void(HostIndex, cluster::LinkId)> up;
    std::function<void(HostIndex, cluster::LinkId, cluster::LinkEnd)> lost;
    std::function<void(HostIndex to, HostIndex from, cluster::LinkId, std::shared_ptr<const cluster::Message>)> message;
  };
  Network(Scheduler& scheduler, Rng rng, Latency latency, Hooks hooks)
      : scheduler_(scheduler), rng_(rng), latency_(latency), hooks_(std::move(hooks)) {}

  /// Makes room for one more host, which runs.
  void add_host() { power_.push_back(Power::kRunning); }
  /// Starts a connection; nullopt: to an address where nobody ever was.
  void dial(HostIndex from, cluster::LinkId link, std::optional<HostIndex> to);
  /// Unknown links swallow messages.
  void send(HostIndex from, cluster::LinkId link, std::shared_ptr<const cluster::Message> message);
  void close(HostIndex from, cluster::LinkId link);
  /// The host at the other end of a live link.
  [[nodiscard]] std::optional<HostIndex> peer_of(HostIndex host, cluster::LinkId link) const;

  void set_power(HostIndex host, Power power);
  /// Cuts or mends one direction.
  void cut(HostIndex from, HostIndex to);
  void mend(HostIndex from, HostIndex to);
  void mend_all();
  /// Holds back one direction for a while.
  void stall(HostIndex from, HostIndex to, Micros time);
  enum class Notice : std::uint8_t { kBoth, kOneSide };
  /// Breaks every link between two hosts. kOneSide leaves the other half open.
  void break_links(HostIndex a, HostIndex b, Notice notice);
  /// True if data flows that way now.
  [[nodiscard]] bool flows(HostIndex from, HostIndex to) const;

 private:
  struct Item {
    MonoTime ready;
    std::shared_ptr<const cluster::Message> message;  // null: end of stream
  };
  struct Side {
    HostIndex host = 0;
    cluster::LinkId link;
    bool open = false;
    std::deque<Item> outbox;
  };
  struct Connection {
    std::array<Side, 2> sides;  // dialer, acceptor
    bool established = false;
  };
  using Key = std::pair<HostIndex, cluster::LinkId>;

  [[nodiscard]] Micros delay() {
    return latency_.base + Micros(rng_.below(static_cast<std::uint64_t>(latency_.jitter.count()) + 1));
  }
  void attempt(std::uint64_t id);
  void push(std::uint64_t id, std::size_t side, std::shared_ptr<const cluster::Message> message);
  void pump(std::uint64_t id, std::size_t side);
  void pump_all();
  void deliver(std::uint64_t id, std::size_t to, const Item& item);
  void shut(Side& side);
  void reset(std::uint64_t id, std::size_t side);
  void collect(std::uint64_t id);

  Scheduler& scheduler_;
  Rng rng_;
  Latency latency_;
  Hooks hooks_;
  std::vector<Power> power_;
  std::map<std::uint64_t, Connection> connections_;
  std::map<Key, std::pair<std::uint64_t, std::size_t>> ends_;  // open sides
  std::set<std::pair<HostIndex, HostIndex>> cuts_;
  std::map<std::pair<HostIndex, HostIndex>, MonoTime> stalls_;  // until
  std::uint64_t next_connection_ = 1;
  std::uint64_t next_accepted_ = cluster::kFirstAcceptedLink;
};

}  // namespace ashlar::sim
