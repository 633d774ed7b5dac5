/// One connection of a client. Owned by the worker whose loop it lives on; everybody else knows it by ClientId, which
/// may be stale. Thread: its worker's loop only.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/fd.h"
#include "base/time.h"
#include "command/session.h"
#include "net/event_loop.h"
#include "resp/encoder.h"
#include "resp/request_parser.h"
#include "server/client_ledger.h"
#include "server/pubsub/audience.h"
#include "server/tracking/state.h"
#include "server/unacknowledged_replies.h"

namespace ashlar::server {

class Worker;

/// How the connection came in.
enum class Transport : std::uint8_t { kTcp, kUnix };

/// A connection as accepted, on its way to a worker.
struct Accepted {
  Fd fd;
  ClientId id;
  Transport transport = Transport::kTcp;
  std::string peer_address;  // "ip:port" or "path:0"
  std::string local_address;
  bool from_loopback = false;
};

/// What is left of a connection that leaves the loops to become something else (a replica's link).
struct Departed {
  Fd fd;
  std::string unread;  // bytes behind the last command
  ClientId id;
  std::string peer_address;
  std::string local_address;
};

class Client final : public command::Session, public net::IoHandler {
 public:
  Client(Worker& worker, Accepted accepted, MonoTime now);
  ~Client() override;

  void on_ready(net::Readiness readiness) noexcept override;

  [[nodiscard]] resp::Encoder& reply() noexcept { return encoder_; }
  [[nodiscard]] const resp::Encoder& reply() const noexcept { return encoder_; }
  [[nodiscard]] Worker& worker() noexcept { return worker_; }
  [[nodiscard]] const std::string& peer_address() const noexcept { return peer_address_; }
  [[nodiscard]] const std::string& local_address() const noexcept { return local_address_; }
  [[nodiscard]] Transport transport() const noexcept { return transport_; }
  [[nodiscard]] bool from_loopback() const noexcept { return from_loopback_; }
  [[nodiscard]] MonoTime connected_at() const noexcept { return connected_at_; }
  [[nodiscard]] MonoTime last_active() const noexcept { return last_active_; }
  [[nodiscard]] const ByteBuffer& input() const noexcept { return in_; }
  [[nodiscard]] const ByteBuffer& output() const noexcept { return out_; }
  /// Some of output() did not fit into the socket.
  [[nodiscard]] bool wants_write() const noexcept { return wants_write_; }
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }
  [[nodiscard]] std::uint64_t input_total() const noexcept { return input_total_; }
  [[nodiscard]] std::uint64_t output_total() const noexcept { return output_total_; }
  /// Bytes of input that are not understood yet; the rest of input() is a command that is not complete.
  [[nodiscard]] std::size_t unparsed() const noexcept { return in_.size() - parser_.parsed_bytes(); }
  /// Bytes of the complete arguments of that command, or of those of one that waits for data.
  [[nodiscard]] std::size_t argument_bytes() const noexcept;
  /// Bytes that this connection takes: its state, its buffers, and what it has registered.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  /// Of these, what MULTI and WATCH take.
  [[nodiscard]] std::size_t transaction_bytes() const noexcept;
  /// Full name of the last command ("client|list"), empty before the first.
  [[nodiscard]] std::string_view last_command() const noexcept { return last_command_; }

  [[nodiscard]] command::Completion defer() override;
  [[nodiscard]] std::size_t reply_limit() const override;
  [[nodiscard]] bool can_wait() const override { return true; }
  [[nodiscard]] command::Delivery begin_wait(std::shared_ptr<keyspace::Waiter> waiter,
                                             std::optional<Millis> timeout) override;
  /// What the present command waits for; null when it does not wait for data. Shared with the key space.
  [[nodiscard]] const std::shared_ptr<keyspace::Waiter>& waiter() const noexcept { return waiter_; }
  /// The reply comes when something happens, not when somebody has been asked; paused commands are so too.
  [[nodiscard]] bool blocked() const noexcept { return blocked_ || postponed_; }
  /// Its next command is held back by CLIENT PAUSE or a change of roles.
  [[nodiscard]] bool postponed() const noexcept { return postponed_; }
  /// The reply of the present command comes later: nothing more is run for this client until Worker::resume().
  void suspend() noexcept { suspended_ = true; }
  [[nodiscard]] bool suspended() const noexcept { return suspended_; }
  /// CLIENT CAPA redirect: it goes to the primary when it is told to.
  bool follows_redirects = false;
  /// CLIENT IMPORT-SOURCE: it may see what has expired.
  bool import_source = false;
  /// Bytes of replies go out, then the connection ends.
  void close_after_reply() noexcept { close_after_reply_ = true; }
  [[nodiscard]] bool closing() const noexcept { return close_after_reply_; }
  /// What this connection listens to; changed by its worker's Audience only.
  [[nodiscard]] pubsub::Subscriptions& subscriptions() noexcept { return subscriptions_; }
  [[nodiscard]] const pubsub::Subscriptions& subscriptions() const noexcept { return subscriptions_; }
  /// How this connection tracks keys, or nullptr; changed by its worker's Trackers only.
  [[nodiscard]] tracking::State* tracking() noexcept { return tracking_.get(); }
  [[nodiscard]] const tracking::State* tracking() const noexcept { return tracking_.get(); }
  void set_tracking(std::unique_ptr<tracking::State> state) noexcept {
    tracks_keys = state != nullptr;
    tracking_ = std::move(state);
  }
  /// The present command answers with pushes, which CLIENT REPLY OFF does not hold back.
  void answer_with_push() noexcept { answered_with_push_ = true; }
  /// After the present command and its replies the connection leaves the loop and is handed to `taker` (on this
  /// thread).
  void depart(std::function<void(Departed)> taker) { departure_ = std::move(taker); }

 private:
  friend class Worker;

  /// Of the output, what nothing keeps back.
  [[nodiscard]] std::string_view sendable() const noexcept {
    const std::uint64_t until = std::min(unacknowledged_.free_until(), free_until_);
    return out_.view().substr(0, std::min<std::uint64_t>(until - output_total_, out_.size()));
  }
  /// CLIENT REPLY: whether the present command is not answered. What it says is for the command behind it, ON apart.
  [[nodiscard]] bool silent() const noexcept { return began_silent_ && reply_mode != command::ReplyMode::kOn; }
  /// Bytes that were not sent yet have moved: what is free of them is to be found out anew.
  void rearranged() noexcept {
    wrote_ |= free_until_ != sealed_until_;
    free_until_ = sealed_until_ = output_total_;
    ++arrangement_;
  }

  Worker& worker_;
  Fd fd_;
  Transport transport_;
  bool from_loopback_;
  bool suspended_ = false;
  bool blocked_ = false;           // suspended by defer() or begin_wait()
  bool began_silent_ = false;      // CLIENT REPLY, as it was when the present command began
  bool drops_late_reply_ = false;  // and the one that waits
  bool postponed_ = false;         // commands are paused server-wide
  bool close_after_reply_ = false;
  bool dead_ = false;  // waits to be destroyed at the end of the turn
  bool in_ready_list_ = false;
  bool in_flush_list_ = false;
  bool wants_write_ = false;
  bool answered_with_push_ = false;
  std::string peer_address_;
  std::string local_address_;
  MonoTime connected_at_;
  MonoTime last_active_;
  std::size_t accounted_ = 0;                          // its part of the worker's account
  ClientLedger::Bucket bucket_ = ClientLedger::kNone;  // where it stands there
  std::uint64_t input_total_ = 0;
  std::uint64_t output_total_ = 0;
  std::string_view last_command_;
  std::optional<MonoTime> over_soft_limit_since_;
  ByteBuffer in_;
  ByteBuffer out_;
  resp::Encoder encoder_{out_};
  resp::RequestParser parser_;
  std::function<void(Departed)> departure_;
  /// Places in out_ where replies are still to be put in, ascending, by tickets without a gap; nothing is sent
  /// meanwhile. They are put in together, so that each byte moves once.
  struct HeldReply {
    std::uint64_t ticket;
    std::size_t offset;
    bool dropped;  // CLIENT REPLY
    std::optional<std::string> text = std::nullopt;
  };
  std::vector<HeldReply> held_;
  std::size_t held_without_text_ = 0;
  std::uint64_t last_ticket_ = 0;
  UnacknowledgedReplies unacknowledged_;
  ReplOffset noted_write_;    // the write up to which unacknowledged_ knows all
  bool awaits_acks_ = false;  // in the worker's list of those that do
  // Places, as in unacknowledged_: what is before the first may leave, as far as the log is concerned; what is before
  // the second stands in the worker's sealed_ or is free; the rest has been put out since the last flush.
  std::uint64_t free_until_ = 0;
  std::uint64_t sealed_until_ = 0;
  std::uint32_t arrangement_ = 0;  // how often what was sealed has moved
  bool wrote_ = false;             // output that is not sealed yet tells of a write
  std::string behind_reply_;       // pushes that follow the reply that it waits for
  std::shared_ptr<keyspace::Waiter> waiter_;
  std::optional<net::TimerId> wait_timer_;
  pubsub::Subscriptions subscriptions_;
  std::unique_ptr<tracking::State> tracking_;
  net::Watch watch_;
};

/// The connection behind a session. Null for the streams of a primary or a file.
[[nodiscard]] inline Client* client_of(command::Session& session) { return dynamic_cast<Client*>(&session); }

}  // namespace ashlar::server
