/// One event loop with its connections: reads, runs and answers to completion on one thread.
///
/// A turn: take all readable sockets, parse a bounded number of commands of each, prefetch what they touch together,
/// run them in order, write the log, then write all replies. Under `appendfsync always` the replies of a turn stay back
/// until the log is durable up to its end, and the loop goes on meanwhile. Thread: the loop's, except post() and
/// counters.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "keyspace/expiry_cycle.h"
#include "net/event_loop.h"
#include "server/acl/users.h"
#include "server/client.h"
#include "server/client_ledger.h"
#include "server/config/settings.h"
#include "server/dispatcher.h"
#include "server/durability.h"
#include "server/memory_guard.h"
#include "server/pubsub/audience.h"
#include "server/push/directory.h"
#include "server/push/inbox.h"
#include "server/tracking/trackers.h"

namespace ashlar::replication {
class Replication;
}

namespace ashlar::server {

class Worker {
 public:
  struct Parts {
    const Clock& clock;
    Dispatcher& dispatcher;
    const Published<config::Config>& config;
    Durability& durability;
    MemoryGuard& memory;
    const acl::Users& users;
    ClientLedger& ledger;
    pubsub::Hub& hub;
    Monitors& monitors;
    tracking::Table& tracking;
    ClientDirectory& directory;
    replication::Replication& replication;
    const std::atomic<bool>& active_expiry;        // DEBUG SET-ACTIVE-EXPIRE
    const std::atomic<bool>& cron_paused;          // DEBUG PAUSE-CRON
    std::atomic<std::uint64_t>& blocked_clients;   // counted here, shown by INFO
    std::uint32_t workers;                         // how many share the slots
    std::function<void(ClientId)> on_client_gone;  // called on the worker's thread
  };
  Worker(const Parts& parts, std::uint32_t number);
  ~Worker();

  /// Runs until stop(); then closes all clients.
  void run();
  void stop();

  /// Runs `task` on the loop's thread, soon. Thread: any.
  void post(net::EventLoop::Callback task);
  /// Takes over a connection. Thread: any.
  void arrive(Accepted accepted) { arrivals_.send(std::move(accepted)); }
  /// Answers those who have sent something while a script of this thread runs on: new connections are taken, and
  /// commands get BUSY unless they touch no data. Thread: the loop's, in the middle of a command.
  void serve_while_busy();
  /// nullptr when that client is gone or lives elsewhere. Thread: the loop's.
  [[nodiscard]] Client* find(ClientId id);
  template <typename Visit>
  void for_each_client(Visit&& visit) {
    for (auto& [id, client] : clients_) {
      if (!client->dead_) visit(*client);
    }
  }
  /// The reply that belongs here comes later: by fill(), with the ticket. The client is suspended until no reply is
  /// held back any more. An EXEC may hold back several.
  [[nodiscard]] std::uint64_t hold(Client& client);
  /// `write` writes it. Nothing happens if the client is gone.
  void fill(ClientId id, std::uint64_t ticket, const std::function<void(Client&)>& write);
  /// The reply of a suspended command has been written: go on with this client.
  void resume(Client& client);
  /// The reply of a client that waits for data: none came in time.
  enum class WaitEnd : std::uint8_t { kTimeout, kUnblockedByError, kRoleChange };
  /// Ends the wait of a client with that reply. kNo: it does not wait for data, or its reply is on its way; kNotNow: a
  /// script keeps everybody out of the key space.
  enum class Ended : std::uint8_t { kYes, kNo, kNotNow };
  Ended end_wait(Client& client, WaitEnd how);
  /// Ends the waits of all clients: we have become a replica.
  void end_all_waits();
  /// Whether replies of this loop wait for replicas. Thread: any.
  [[nodiscard]] bool awaits_acks() const noexcept { return awaits_acks_.load(); }
  /// Replicas have acknowledged more, or need not any longer: replies that waited for it may leave.
  void release_acknowledged();
  /// Replicas will not acknowledge any more, as we have become one: replies that wait for it become errors.
  void refuse_unacknowledged();
  /// Whether replies of this loop wait for the disk. Thread: any.
  [[nodiscard]] bool awaits_durable() const noexcept { return awaits_durable_.load(); }
  /// More of the log is durable, or it has failed: replies that waited for it may leave, or never will.
  void release_durable();
  /// Looks at all that wait, as slots have moved or are free again.
  void attend_waiters();
  /// Sends what is no reply: `frame` begins as RESP2 has it, with '*', and becomes a push for RESP3. Thread: the
  /// loop's.
  void push(Client& client, std::string_view frame);
  /// kBehindReply: if the client waits for a reply, behind that.
  enum class Push : std::uint8_t { kNow, kBehindReply };
  /// The same for bytes that are complete as they are.
  void push_raw(Client& client, std::string_view bytes, Push when = Push::kNow);
  /// Makes `client` a monitor. Thread: the loop's.
  void monitor(Client& client);
  [[nodiscard]] const std::vector<Client*>& monitors() const noexcept { return monitors_; }
  /// Ends what this connection has registered anywhere, silently: it is gone, or as good as new (RESET).
  void forget(Client& client);
  /// Bytes of replies that this client may have waiting before it is closed.
  [[nodiscard]] std::size_t reply_limit(const Client& client);
  /// Ends a connection now, without sending what is left.
  void close(Client& client);
  /// Gives connections the present state of their users; ends those whose user is gone.
  void refresh_users();
  /// Commands are no longer paused: run those that were kept back.
  void unpause();
  /// The configuration has changed.
  void take_settings();
  /// Makes the dataset fit into maxmemory, as far as the policy lets it, in slices between which clients are served.
  void evict();

  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
  [[nodiscard]] net::EventLoop& loop() noexcept { return loop_; }
  [[nodiscard]] Execution& execution() noexcept { return *run_; }
  /// Where other threads leave what goes to clients of this loop. Thread: see Inbox.
  [[nodiscard]] Inbox& inbox() noexcept { return inbox_; }
  [[nodiscard]] pubsub::Audience& audience() noexcept { return audience_; }
  [[nodiscard]] tracking::Trackers& trackers() noexcept { return trackers_; }
  /// Of all connections of the server. Thread: any.
  [[nodiscard]] ClientDirectory& directory() noexcept { return parts_.directory; }
  /// Thread: any.
  [[nodiscard]] std::size_t client_count() const noexcept { return client_count_.load(std::memory_order_relaxed); }
  /// Counts a connection that is on its way, so that a burst spreads over the loops. Thread: any.
  void expect_client() noexcept { client_count_.fetch_add(1, std::memory_order_relaxed); }

 private:
  static constexpr Millis kBusyRetry{10};
  friend class Client;
  /// Commands of one connection per turn, and of one group whose memory is prefetched together.
  static constexpr std::size_t kCommandsPerTurn = 64;
  static constexpr std::size_t kGroup = 64;
  static constexpr std::size_t kReadChunk = 16 * 1024;
  /// Bytes of a big argument that are read in one turn, or a few more.
  static constexpr std::size_t kReadOfOne = 1024 * 1024;

  struct Slice {     // the commands of one client within a group
    Client* client;  // nullptr: given back, see give_back_what_waits()
    resp::CommandBatch* batch;
    std::size_t parsed_bytes;  // of input: the commands and the empty ones among them
    std::uint32_t first_located;
  };

  void client_ready(Client& client, net::Readiness readiness);
  enum class Input : std::uint8_t { kGoesOn, kEnds };
  void read_input(Client& client, Input input);
  void mark_ready(Client& client);
  void mark_flush(Client& client);
  void end_turn();
  void settle_writes();
  void settle_promises();
  enum class Turn : std::uint8_t { kBusy, kIdle };
  void attend_disk(Turn turn);
  void ask_for_sync();
  void seal(Client& client);
  void break_promise(Client& client);
  void note_write(Client& client, std::size_t output_before);
  void settle_acks();
  void answer_awaiting(std::int64_t upto, MonoTime now);
  /// Bytes that are no reply have come into its output. Not while it runs a command.
  void note_push(Client& client);
  void run_ready();
  void prefetch_group();
  void run_slice(const Slice& slice);
  /// A script runs for too long: the commands that came in the same turn and were to run behind it are to be answered,
  /// too.
  void give_back_what_waits();
  /// What becomes of expired keys that an import meets.
  [[nodiscard]] keyspace::ExpiryRole role_of_import() const;
  void open_inbox();
  void adopt(Accepted accepted);
  void take_arrivals();
  void answer_busy();
  void after_command(Client& client, const Located& located, std::size_t output_before);
  /// CLIENT REPLY OFF and SKIP: takes back what a command has answered.
  static void keep_silent(Client& client, std::size_t output_before);
  void protocol_error(Client& client);
  /// Ends it before anything else of what it has sent is run.
  void close_for_http(Client& client);
  static void put_in_held(Client& client);
  void flush_all();
  void flush(Client& client);
  [[nodiscard]] const config::OutputBufferLimit& output_limit(const Client& client);
  void enforce_output_limit(Client& client);
  void account(Client& client);
  void evict_clients();
  [[nodiscard]] ByteBuffer take_spare();
  void give_output(Client& client);
  /// Lets the clients that are about to be served have their output buffers now, so that these count as taken.
  void give_outputs();
  /// Gives back the last `count` of the spare buffers, at most all.
  void drop_spares(std::size_t count);
  void note_spares(std::size_t bytes) noexcept;
  void note_buffers();
  void postpone(Client& client);
  void depart(Client& client);
  void reclaim_buffers(Client& client);
  void destroy_dead();
  /// False, and nothing is done, while a script keeps everybody out of the key space.
  [[nodiscard]] bool forget_interests(Client& client);
  void arm_wait_timer(Client& client, Millis timeout);
  void set_blocked(Client& client, std::optional<Millis> timeout);
  void late_reply(ClientId id, const command::LateReply& write);
  void periodic();
  /// Whether `timeout` is about it: not one that waits for others.
  [[nodiscard]] static bool may_be_idle(const Client& client) noexcept;
  void run_expiry();
  void limit_tracking();
  [[nodiscard]] MemoryGuard::Room make_room();
  /// What make_room() says while no key is ours to evict; nullopt: keys are.
  [[nodiscard]] std::optional<MemoryGuard::Room> room_without_eviction() const;
  /// Whether there are connections that maxmemory-clients ends before any data goes.
  [[nodiscard]] bool clients_are_about_to_go() const;
  [[nodiscard]] MemoryGuard::Room evict_keys();
  /// Before a command that takes memory: what ran before it in the same turn may have used up what there was.
  void ask_for_memory_again();
  /// There is no room, but other loops may have connections that have ended: whether to let them look first.
  [[nodiscard]] bool others_may_make_room();
  void note_latency(std::string_view event, Ticks spent);
  void arm_timer();
  [[nodiscard]] resp::Limits limits(const Client& client);

  Parts parts_;
  std::uint32_t number_;
  net::EventLoop loop_;
  std::unique_ptr<Execution> run_;
  Inbox inbox_;
  pubsub::Audience audience_;
  tracking::Trackers trackers_;
  keyspace::ExpiryCycle expiry_;
  PublishedReader<config::Config> config_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Client>> clients_;
  std::atomic<std::size_t> client_count_{0};
  ClientLedger::Account& account_;
  /// Largest buffers of the last seconds, by second modulo their number.
  struct Peak {
    std::int64_t second = 0;
    std::uint64_t input = 0;
    std::uint64_t output = 0;
  };
  std::array<Peak, 8> peaks_{};
  std::uint64_t users_version_ = 0;
  std::optional<MonoTime> http_told_;  // when the log was last told of it
  std::vector<Client*> monitors_;
  Mailbox<Accepted> arrivals_;
  bool evicting_ = false;      // evict() comes soon
  std::int64_t asked_at_ = 0;  // memory_balance_of_thread() when there was last asked for memory
  bool busy_ = false;          // in serve_while_busy(): the clients of group_ must not be touched
  std::vector<Client*> ready_;
  std::vector<Client*> flush_;
  std::vector<Client*> dead_;
  std::vector<ClientId> awaiting_acks_;
  std::atomic<bool> awaits_acks_{false};  // awaiting_acks_ is not empty, or about to be looked at
  bool acks_wanted_ = false;              // min-replicas-ack, in this turn
  bool acks_due_ = false;                 // replies of this turn wait for replicas
  std::optional<net::TimerId> ack_timer_;
  std::deque<Sealed> sealed_;                // positions ascend
  std::atomic<bool> awaits_durable_{false};  // sealed_ is not empty, or about to be added to
  std::uint64_t losses_seen_ = 0;            // of the log
  Durability::Promised promised_;            // for the replies of this turn
  std::optional<std::uint64_t> to_sync_;     // up to here the log is to be synced
  MonoTime to_sync_since_;
  MonoTime busy_at_;             // when a turn last had something to do
  std::size_t expected_ = 0;     // so much of sealed_ came together the last time
  bool asked_for_sync_ = false;  // and not told yet
  bool wrote_ = false;           // in this turn
  std::vector<Slice> group_;
  std::size_t running_slice_ = 0;  // of group_, the one whose commands run
  std::span<Client* const> rest_;  // clients of this turn behind group_; empty outside of run_ready()
  std::vector<Located> located_;
  std::vector<std::unique_ptr<resp::CommandBatch>> batches_;
  std::size_t spares_unused_ = 0;  // the fewest of the spare buffers since the last periodic()
  std::vector<ByteBuffer> spare_buffers_;
  /// When memory became short, and what turns the loops had had by then.
  struct Shortage {
    MonoTime since;
    std::vector<std::uint64_t> turns;
  };
  std::optional<Shortage> short_;  // as long as there is no room
};

}  // namespace ashlar::server
