/// One replica of ours: its socket, how far it got, and what it has still to be sent. Thread: the control loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/buffer.h"
#include "net/event_loop.h"
#include "replication/blocking_socket.h"
#include "replication/handshake.h"
#include "replication/link_facts.h"
#include "replication/settings.h"
#include "replication/stream.h"
#include "resp/request_parser.h"

namespace ashlar::replication {

class ReplicaLink final : public net::IoHandler {
 public:
  enum class State : std::uint8_t {
    kWaiting,      // for a snapshot, which others may share
    kSyncing,      // a snapshot's thread writes to the socket
    kAwaitingAck,  // it has the snapshot; the stream begins when it says that it is loaded
    kOnline,
    kLost,
  };
  /// Hears of a link. The link may be destroyed in later turns only.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void link_acknowledged(ReplicaLink& link) = 0;
    virtual void link_lost(ReplicaLink& link, std::string why) = 0;
    /// The replica sent a command that is answered, as a client may; nobody reads answers here.
    virtual void link_strayed(ReplicaLink& link, std::span<const std::string_view> args) = 0;
    /// The link goes on with flush() when the bytes of this block are back.
    virtual void link_lacks(ReplicaLink& link, const std::shared_ptr<Block>& block) = 0;
  };

  ReplicaLink(Owner& owner, net::EventLoop& loop, std::uint64_t number, std::shared_ptr<BlockingSocket> socket,
              std::string unread, ReplicaTraits traits);
  ~ReplicaLink();

  [[nodiscard]] Result<void> watch();
  /// Looks at what had been received before watch(). The link may be lost by it.
  void run_received();
  void on_ready(net::Readiness readiness) noexcept override;

  /// Bytes that go out before everything else ("+CONTINUE ...").
  void send_first(std::string bytes);
  /// A piece of the stream; what lies before position() is left out. The same block again: it has grown at its end.
  void feed(const std::shared_ptr<Block>& block);
  /// First byte of the stream that waits here for the socket; all behind it do, too. nullopt: none.
  [[nodiscard]] std::optional<std::int64_t> holds_from() const;
  /// Everything that waits in another link; what lies before position() is left out.
  void feed_as(const ReplicaLink& other);
  /// Sends what it can, if the socket is ours.
  void flush();
  /// The stream may flow.
  void go_online();
  void await_ack() noexcept { state_ = State::kAwaitingAck; }
  /// It needs a snapshot, to be announced in this dialect.
  void await_snapshot(SyncRequest::Dialect dialect) noexcept {
    state_ = State::kWaiting;
    dialect_ = dialect;
  }
  [[nodiscard]] SyncRequest::Dialect dialect() const noexcept { return dialect_; }
  /// A snapshot made at this offset of the stream is being sent.
  void begin_sync(std::int64_t offset) noexcept {
    state_ = State::kSyncing;
    position_ = offset;
    catches_up_ = true;
  }
  /// Tells a waiting replica that we are alive.
  void sign_of_life();
  /// Stops watching; the socket ends.
  void close();
  /// Whether the limits for what lies in our memory are kept. `lag_memory`: held for all links together.
  [[nodiscard]] bool within_limits(const Settings& settings, std::uint64_t lag_memory);

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] const ReplicaTraits& traits() const noexcept { return traits_; }
  [[nodiscard]] const std::shared_ptr<BlockingSocket>& socket() const noexcept { return socket_; }
  [[nodiscard]] std::int64_t acknowledged() const noexcept { return acknowledged_; }
  /// How far it has the stream on its disk, if it tells.
  [[nodiscard]] std::optional<std::int64_t> durable() const noexcept { return durable_; }
  [[nodiscard]] MonoTime since() const noexcept { return since_; }
  [[nodiscard]] MonoTime last_ack() const noexcept { return last_ack_; }
  [[nodiscard]] bool heard() const noexcept { return heard_; }
  [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return queued_bytes_; }
  /// It gets a snapshot, or has not had all of the stream since then: what it lacks may wait on the disk.
  [[nodiscard]] bool catches_up() const noexcept { return catches_up_; }
  /// First byte of the stream that it has not been fed.
  void set_position(std::int64_t position) noexcept { position_ = position; }
  [[nodiscard]] LinkFacts facts() const {
    LinkFacts now = connection;
    now.last_heard = last_ack_;
    now.queued = queued_bytes_;
    return now;
  }
  void note_alive() noexcept { last_ack_ = loop_.now(); }

  bool marked = false;  // the snapshot ends with a mark
  std::string name;     // "ip:port" for the log
  std::string address;
  LinkFacts connection;  // what does not change

 private:
  struct Piece {
    std::shared_ptr<Block> block;
    std::size_t from;
  };
  void read_input();
  void run(std::span<const std::string_view> args);
  void update_interest();
  void fetch_ahead();

  Owner& owner_;
  net::EventLoop& loop_;
  std::uint64_t number_;
  std::shared_ptr<BlockingSocket> socket_;  // shared with the snapshot's thread
  ReplicaTraits traits_;
  State state_ = State::kSyncing;
  SyncRequest::Dialect dialect_ = SyncRequest::Dialect::kPsync;
  std::int64_t position_ = 0;
  std::int64_t acknowledged_ = 0;
  std::optional<std::int64_t> durable_;
  MonoTime since_;
  MonoTime last_ack_;
  bool heard_ = false;       // an acknowledgement came
  bool catches_up_ = false;  // since its snapshot it has not had everything
  std::deque<Piece> queue_;
  std::uint64_t queued_bytes_ = 0;
  std::optional<MonoTime> over_soft_limit_since_;
  ByteBuffer in_;
  resp::RequestParser parser_;
  resp::CommandBatch batch_;
  net::Watch watch_;  // last: ends before its descriptor
};

}  // namespace ashlar::replication
