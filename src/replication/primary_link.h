/// Our side of following a primary: connects, shakes hands, synchronises, applies the stream, acknowledges; and begins
/// again when the connection is lost. Thread: the control loop's, except status().
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/buffer.h"
#include "base/executor.h"
#include "base/file.h"
#include "base/sync.h"
#include "changelog/change_log.h"
#include "net/event_loop.h"
#include "net/socket.h"
#include "replication/failover.h"
#include "replication/full_sync.h"
#include "replication/handshake.h"
#include "replication/held_transaction.h"
#include "replication/link_facts.h"
#include "replication/ports.h"
#include "replication/settings.h"
#include "replication/stream.h"
#include "replication/traffic.h"
#include "resp/request_parser.h"

namespace ashlar::replication {

/// Whether a new primary has the data of the one before (its heir, or itself at another address), or another's.
enum class Data : std::uint8_t { kSame, kOther };

class PrimaryLink final : private net::IoHandler {
 public:
  enum class Phase : std::uint8_t { kIdle, kConnect, kResolving, kConnecting, kHandshake, kReceiving, kConnected };
  struct Status {
    std::optional<net::Endpoint> primary;  // nullopt: we follow nobody
    Phase phase = Phase::kIdle;
    std::optional<MonoTime> last_io;     // of the present or last connection
    std::optional<MonoTime> down_since;  // nullopt while connected, and before the first connection
    /// When we last had what the primary had; nullopt: never since we follow this one, or any with the same data.
    std::optional<MonoTime> contact;
    std::uint64_t sync_total = 0;  // bytes, while receiving; 0: unknown
    std::uint64_t sync_received = 0;
    std::uint64_t unapplied = 0;    // bytes of the stream that have been received and wait for the end of a pause
    std::optional<LinkFacts> link;  // of the connection that stands
  };
  struct Parts {
    net::EventLoop& loop;
    changelog::ChangeLog& log;
    snapshot::SnapshotHost& snapshots;
    FileSystem& files;
    Stream& stream;
    Applier& applier;
    Host& host;
    Traffic& traffic;
    std::function<void(std::string why)> drop_replicas;
    std::function<void()> on_change;
    /// The new primary has answered our request that it take over.
    std::function<void(Failover::Answer)> on_handover;
  };
  explicit PrimaryLink(Parts parts) : parts_(std::move(parts)) {}
  ~PrimaryLink();

  void configure(const Settings& settings) { settings_ = settings; }
  /// Follows this primary from now on; the history of our stream is what we offer to go on with. kHandOver: asks it,
  /// until now our replica, to become the primary.
  enum class Intent : std::uint8_t { kFollow, kHandOver };
  void follow(net::Endpoint primary, Intent intent, Data data);
  /// We are about to follow a primary whose data is not ours, at an address that is not known yet.
  void expect_other_data();
  /// This will be whom we follow; nothing is connected yet.
  void announce(net::Endpoint primary);
  /// Follows nobody.
  void stop();
  /// Ends a connection that stands; the next attempt follows by itself.
  void end(const std::string& why) { lose(why); }
  /// Ten times a second.
  void tick();
  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  /// Our data is what our history says: not so while, and after, another's is received in vain. Thread: any.
  [[nodiscard]] bool data_is_whole() const noexcept { return can_resume_.load(std::memory_order_relaxed); }
  /// Thread: any.
  [[nodiscard]] Status status() const;

 private:
  enum class Step : std::uint8_t { kPing, kAuth, kPort, kAddress, kCapa, kPsync };
  void on_ready(net::Readiness readiness) noexcept override;
  void connect();
  void dial(const std::string& address);
  void connected();
  void begin_step(Step step);
  void next_step(Step step);
  void read_handshake();
  void answer(std::string_view line);
  void answer_psync(std::string_view line);
  void receive(const FullResync& resync);
  [[nodiscard]] FullSync::Route route() const;
  void drop_replicas();
  void received(FullSync::Outcome outcome, const FullResync& resync);
  void go_on(std::string_view unread);
  void read_stream();
  void apply_stream();
  void apply_batch(std::size_t consumed);
  void apply_alone(std::span<const std::string_view> args, std::string_view bytes);
  void apply_transaction();
  void acknowledge();
  [[nodiscard]] std::optional<std::int64_t> durable_offset();
  void send(std::initializer_list<std::string_view> words);
  void flush();
  void lose(const std::string& why);
  void hang_up();
  void set_phase(Phase phase);
  void publish();

  Parts parts_;
  Settings settings_;
  std::optional<net::Endpoint> primary_;
  Phase phase_ = Phase::kIdle;
  Step step_ = Step::kPing;
  Intent intent_ = Intent::kFollow;
  std::uint64_t attempt_ = 0;           // posts of former attempts are ignored
  std::atomic<bool> can_resume_{true};  // our data is what our history says
  MonoTime last_try_{};
  MonoTime last_ack_{};
  std::optional<MonoTime> last_io_;
  std::optional<MonoTime> down_since_;
  std::optional<MonoTime> contact_;
  std::shared_ptr<BlockingSocket> socket_;  // shared with the thread of a synchronisation
  LinkFacts facts_;                         // of the socket
  ByteBuffer in_;
  ByteBuffer out_;
  resp::RequestParser parser_;
  resp::CommandBatch batch_;
  HeldTransaction transaction_;
  bool wants_ack_ = false;
  /// Offsets of the stream with the place in the append-only file by which they are in it; oldest first.
  struct Mark {
    std::int64_t offset;
    std::uint64_t log;
  };
  std::deque<Mark> marks_;
  std::optional<std::int64_t> durable_;
  std::unique_ptr<FullSync> sync_;
  std::optional<Executor> resolver_;  // since the first host that had to be looked up
  net::Watch watch_;
  mutable Mutex mutex_;
  Status status_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::replication
