#include "cluster/driver/driver.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "cluster/bus/codec.h"
#include "cluster/bus/wire.h"
#include "cluster/core/nodes_conf.h"
#include "cluster/driver/link.h"
#include "net/socket.h"

namespace ashlar::cluster {
namespace {

constexpr Millis kTick{100};
constexpr int kTicksPerStatistics = 5;  // views that differ in times only are published twice a second

void write_log(const LogLine& line) {
  switch (line.level) {
    case LogLevel::kDebug: log::debug("{}", line.text); break;
    case LogLevel::kVerbose: log::verbose("{}", line.text); break;
    case LogLevel::kNotice: log::notice("{}", line.text); break;
    case LogLevel::kWarning: log::warning("{}", line.text); break;
  }
}

}  // namespace

/// A listening socket of the bus.
class Driver::Listener final : public net::IoHandler {
 public:
  Listener(Driver& driver, Fd fd) : driver_(driver), fd_(std::move(fd)) {}
  [[nodiscard]] Result<void> open() {
    ASH_TRY(watch_, driver_.loop_.watch(fd_.get(), net::Interest::kRead, *this));
    return {};
  }
  void on_ready(net::Readiness) noexcept override {
    constexpr int kAcceptsPerTurn = 256;
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      auto next = net::accept(fd_);
      if (!next || !next->has_value()) return;
      driver_.accepted(std::move((**next).fd));
    }
  }

 private:
  Driver& driver_;
  Fd fd_;
  net::Watch watch_;
};

Driver::Driver(net::EventLoop& loop, FileSystem& files, Host& host, Setup setup, std::uint64_t seed)
    : loop_(loop), files_(files), host_(host), setup_(std::move(setup)), rng_(seed) {}

Driver::~Driver() = default;

Now Driver::now() const { return {loop_.clock().mono(), loop_.clock().wall()}; }

Result<void> Driver::open() {
  bool fresh = true;
  if (files_.exists(setup_.nodes_file)) {
    ASH_TRY(const std::string text, read_file(files_, setup_.nodes_file));
    if (!text.empty()) {
      auto stored = parse_nodes_conf(text, setup_.options);
      if (!stored) {
        return fail(ErrorCode::kCorrupt,
                    fmt::format("Unrecoverable error: corrupted cluster config file \"{}\": {}. It is left as it is.",
                                setup_.nodes_file, stored.error().text()));
      }
      node_ = std::make_unique<ClusterNode>(ClusterNode::restore(setup_.options, std::move(*stored), now()));
      fresh = false;
    }
  }
  if (fresh) node_ = std::make_unique<ClusterNode>(ClusterNode::fresh(setup_.options, now(), rng_));
  view_ = std::make_unique<Published<View>>(std::make_shared<View>(node_->view()));
  for (const std::string& bind : setup_.bind) {
    const bool optional = bind.starts_with('-');
    auto fd = net::listen_tcp(optional ? bind.substr(1) : bind, setup_.bus_listen_port, 511);
    if (!fd) {
      if (optional && fd.error().code == ErrorCode::kNotFound) continue;
      return fail(ErrorCode::kIo, fmt::format("Could not listen for the cluster bus on port {}: {}",
                                              setup_.bus_listen_port, fd.error().text()));
    }
    listeners_.push_back(std::make_unique<Listener>(*this, std::move(*fd)));
  }
  log::notice("{}, I'm {}", fresh ? "No cluster configuration found" : "Node configuration loaded",
              node_->view().myself().id.hex());
  return {};
}

Result<void> Driver::start() {
  for (const auto& listener : listeners_) ASH_TRY_VOID(listener->open());
  tick();
  arm_tick();
  return {};
}

void Driver::loaded(const SlotBitmap& slots_with_keys) { step(LoadedSlots{slots_with_keys}); }

void Driver::arm_tick() {
  (void)loop_.call_after(kTick, [this] {
    tick();
    arm_tick();
  });
}

void Driver::tick() {
  reap();
  step(host_.replication_status());
  step(TimerTick{});
  if (++ticks_until_publish_ >= kTicksPerStatistics) {
    ticks_until_publish_ = 0;
    publish_view();
    counts_published_.set(std::make_shared<MessageCounts>(counts_));
  }
}

void Driver::step(const Event& event) {
  queue_.push_back(event);
  if (stepping_) return;  // carried out behind the present one
  stepping_ = true;
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    const Event next = std::move(queue_[i]);
    carry_out(node_->step(next, now(), rng_));
  }
  queue_.clear();
  stepping_ = false;
}

void Driver::carry_out(Effects effects) {
  for (const Connect& wanted : effects.connects) connect(wanted);
  bus::SharedFrame frame;
  const Message* encoded = nullptr;
  for (const Send& send : effects.sends) {
    const auto it = links_.find(send.link.value);
    if (it == links_.end()) continue;
    if (send.message.get() != encoded) {
      frame = bus::share(bus::encode(*send.message));
      encoded = send.message.get();
    }
    ++counts_.sent[std::string(bus::frame_type_name(bus::frame_type(send.message->body)))];
    it->second->send(frame);
  }
  for (const LinkId link : effects.closes) {
    const auto it = links_.find(link.value);
    if (it == links_.end()) continue;
    it->second->close();
    closed_.push_back(std::move(it->second));
    links_.erase(it);
  }
  if (effects.persist) persist(std::move(*effects.persist));
  if (effects.view_changed == ViewChange::kTopology) {
    publish_view();
    host_.view_changed();
  }
  if (effects.flush_keyspace) host_.flush_keyspace();
  if (effects.role) host_.change_role(*effects.role);
  if (!effects.slots_lost.empty()) host_.drop_slots(effects.slots_lost);
  if (effects.pause) {
    if (const auto* pause = std::get_if<PauseWrites>(&*effects.pause)) {
      host_.pause_writes(pause->until, [this](ReplOffset offset) { step(WritesPaused{offset}); });
    } else {
      host_.resume_writes();
    }
  }
  for (const Publish& publish : effects.deliveries) host_.deliver(publish);
  for (AdminReply& reply : effects.replies) {
    const auto it = replies_.find(reply.id.value);
    if (it == replies_.end()) continue;
    const auto answer = std::move(it->second);
    replies_.erase(it);
    answer(std::move(reply.value));
  }
  for (const LogLine& line : effects.log) write_log(line);
}

void Driver::connect(const Connect& wanted) {
  auto fd = net::connect_tcp({wanted.ip, wanted.bus_port});
  if (!fd) {
    step(LinkLost{wanted.link, LinkEnd::kClosed});
    return;
  }
  auto link =
      std::make_unique<Link>(*this, wanted.link, std::move(*fd), Link::Direction::kOutgoing, setup_.link_buffer_limit);
  if (const auto opened = link->open(); !opened) {
    step(LinkLost{wanted.link, LinkEnd::kClosed});
    return;
  }
  link->identify(wanted.node);
  links_.emplace(wanted.link.value, std::move(link));
}

void Driver::accepted(Fd fd) {
  const LinkId id{next_accepted_++};
  auto link = std::make_unique<Link>(*this, id, std::move(fd), Link::Direction::kAccepted, setup_.link_buffer_limit);
  if (link->open()) links_.emplace(id.value, std::move(link));
}

void Driver::lost(LinkId id, LinkEnd how) {
  const auto it = links_.find(id.value);
  if (it == links_.end()) return;
  it->second->close();
  closed_.push_back(std::move(it->second));
  links_.erase(it);
  step(LinkLost{id, how});
}

void Driver::reap() {
  if (!stepping_) closed_.clear();
}

void Driver::received(Link& link, std::string_view frame) {
  auto decoded = bus::decode(frame);
  if (!decoded) {
    log::verbose("Dropping a frame of the cluster bus from {}: {}", link.peer_ip(), decoded.error().text());
    return;
  }
  auto* message = std::get_if<Message>(&*decoded);
  if (message == nullptr) return;
  const bus::FrameType type = bus::frame_type(message->body);
  ++counts_.received[std::string(bus::frame_type_name(type))];
  if (dropped_type_ == static_cast<std::int64_t>(type)) return;
  link.identify(message->header.sender);
  step(BusMessage{link.id(), link.peer_ip(), link.local_ip(), std::make_shared<const Message>(std::move(*message))});
}

void Driver::persist(Persist wanted) {
  disk_.submit([this, wanted = std::move(wanted)] {
    const auto written = write_file_durably(files_, setup_.nodes_file, wanted.text);
    if (!written) {
      // What others were promised would not survive: going on could elect two primaries.
      log::warning("Fatal: can't update cluster config file: {}", written.error().text());
      std::_Exit(1);
    }
    loop_.post([this, token = wanted.token] { step(Persisted{token}); });
  });
}

void Driver::publish_view() { view_->set(std::make_shared<View>(node_->view())); }

void Driver::admin(AdminCommand command, std::function<void(Result<AdminValue>)> reply) {
  loop_.post([this, command = std::move(command), reply = std::move(reply)]() mutable {
    const AdminId id{next_admin_++};
    replies_.emplace(id.value, std::move(reply));
    step(Admin{id, std::move(command)});
  });
}

void Driver::cut_links(const NodeId& node, LinkEnds ends) {
  loop_.post([this, node, ends] {
    std::vector<LinkId> cut;
    for (const auto& [id, link] : links_) {
      const LinkEnds here = link->direction() == Link::Direction::kOutgoing ? LinkEnds::kTo : LinkEnds::kFrom;
      if (link->peer() == node && (ends == LinkEnds::kBoth || ends == here)) cut.push_back(link->id());
    }
    for (const LinkId id : cut) lost(id, LinkEnd::kClosed);
  });
}

void Driver::drop_arriving(std::optional<std::int64_t> type) {
  loop_.post([this, type] { dropped_type_ = type; });
}

void Driver::limit_links(std::size_t bytes) {
  loop_.post([this, bytes] {
    setup_.link_buffer_limit = bytes;
    for (const auto& [id, link] : links_) link->set_limit(bytes);
  });
}

void Driver::reconfigure(Options options) {
  loop_.post([this, options = std::move(options)] {
    setup_.options = options;
    step(Reconfigured{options});
  });
}

std::vector<Driver::LinkFacts> Driver::links() const {
  std::vector<LinkFacts> out;
  for (const auto& [id, link] : links_) {
    if (link->peer().is_zero()) continue;
    out.push_back({link->direction() == Link::Direction::kOutgoing, link->peer(), unix_millis(link->created()),
                   link->out().empty() ? "r" : "rw", link->out().queued_bytes(), link->out().unsent_bytes()});
  }
  return out;
}

}  // namespace ashlar::cluster
