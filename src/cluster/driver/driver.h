/// Carries out what the pure cluster core wants: sockets of the bus, nodes.conf, the timer, the published view.
///
/// Thread: control loop, except view() and admin(), which any thread may call. A step of the core runs to its end
/// before the next; effects are carried out in the order the core asks for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/executor.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/sync.h"
#include "cluster/core/node.h"
#include "cluster/driver/host.h"
#include "cluster/driver/message_counts.h"
#include "net/event_loop.h"

namespace ashlar::cluster {

/// Which connections with a node: those we made to it, those it made to us.
enum class LinkEnds : std::uint8_t { kTo, kFrom, kBoth };

class Driver {
 public:
  struct Setup {
    Options options;
    std::string nodes_file;         // path
    std::vector<std::string> bind;  // addresses of the bus; '-' in front: may be missing
    std::uint16_t bus_listen_port = 0;
    std::size_t link_buffer_limit = 0;  // bytes; 0: none
  };
  Driver(net::EventLoop& loop, FileSystem& files, Host& host, Setup setup, std::uint64_t seed);
  ~Driver();

  /// Reads nodes.conf (or makes a new node) and takes the port of the bus. Errors: the file is damaged (it is left as
  /// it is), locked by another process, or the port is taken.
  [[nodiscard]] Result<void> open();
  /// Answers on the bus from now on, and starts the timer.
  [[nodiscard]] Result<void> start();
  /// Tells the core which slots hold keys, once after loading.
  void loaded(const SlotBitmap& slots_with_keys);

  /// The latest view, for any thread.
  [[nodiscard]] const Published<View>& view() const noexcept { return *view_; }
  [[nodiscard]] const Published<MessageCounts>& counts() const noexcept { return counts_published_; }
  /// Runs an administrator's command; `reply` is called on the control thread. Thread: any.
  void admin(AdminCommand command, std::function<void(Result<AdminValue>)> reply);
  /// Ends connections of the bus with a node, soon; what is to be sent over them is lost. Thread: any.
  void cut_links(const NodeId& node, LinkEnds ends);
  /// From now on frames of this type are dropped as they arrive, for tests; nullopt: none. Thread: any.
  void drop_arriving(std::optional<std::int64_t> type);
  /// cluster-link-sendbuf-limit, for all links. Thread: any.
  void limit_links(std::size_t bytes);
  /// Options changed by CONFIG SET. Thread: any.
  void reconfigure(Options options);

  /// One link, for CLUSTER LINKS.
  struct LinkFacts {
    bool outgoing = false;
    NodeId node;
    std::int64_t created_unix_ms = 0;
    std::string events;
    std::size_t send_buffer_allocated = 0;
    std::size_t send_buffer_used = 0;
  };
  /// Thread: control.
  [[nodiscard]] std::vector<LinkFacts> links() const;
  [[nodiscard]] net::EventLoop& loop() noexcept { return loop_; }

 private:
  class Link;
  class Listener;
  friend class Link;
  friend class Listener;

  void step(const Event& event);
  void carry_out(Effects effects);
  void connect(const Connect& wanted);
  void persist(Persist wanted);
  void publish_view();
  void tick();
  void arm_tick();
  void accepted(Fd fd);
  void lost(LinkId link, LinkEnd how);
  void received(Link& link, std::string_view frame);
  void reap();
  [[nodiscard]] Now now() const;

  net::EventLoop& loop_;
  FileSystem& files_;
  Host& host_;
  Setup setup_;
  Rng rng_;
  std::unique_ptr<ClusterNode> node_;
  std::unique_ptr<Published<View>> view_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Link>> closed_;  // destroyed after the event that closed them
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<Event> queue_;  // events that arise while a step is carried out
  bool stepping_ = false;
  std::optional<std::int64_t> dropped_type_;
  std::uint64_t next_accepted_ = kFirstAcceptedLink;
  std::uint64_t next_admin_ = 1;
  std::unordered_map<std::uint64_t, std::function<void(Result<AdminValue>)>> replies_;
  MessageCounts counts_;
  Published<MessageCounts> counts_published_{std::make_shared<MessageCounts>()};
  int ticks_until_publish_ = 0;
  std::unique_ptr<File> lock_;
  Executor disk_{"nodes-conf"};
};

}  // namespace ashlar::cluster
