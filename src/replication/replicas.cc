#include "replication/replicas.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "net/socket.h"
#include "replication/transfer_sink.h"
#include "resp/encoder.h"
#include "snapshot/entry_format.h"

namespace ashlar::replication {
namespace {

constexpr std::string_view kPing = "*1\r\n$4\r\nPING\r\n";
constexpr std::string_view kGetAck = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

std::string address_part(const std::string& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

}  // namespace

Replicas::~Replicas() {
  if (attached_) parts_.log.set_replication(nullptr);
}

void Replicas::attach_stream() {
  if (attached_) return;
  attached_ = true;
  parts_.log.set_replication(&parts_.stream);
}

void Replicas::take(TakenSocket socket, const SyncRequest& request, ReplicaTraits traits) {
  attach_stream();
  if (settings_.nodelay) (void)net::set_nodelay(socket.fd);  // slower without, no more
  const std::uint64_t number = next_number_++;
  auto link = std::make_unique<ReplicaLink>(static_cast<ReplicaLink::Owner&>(*this), parts_.loop, number,
                                            std::make_shared<BlockingSocket>(std::move(socket.fd), settings_.timeout),
                                            std::move(socket.unread), std::move(traits));
  link->address = link->traits().address.empty() ? address_part(socket.peer_address) : link->traits().address;
  link->name =
      link->traits().port == 0 ? socket.peer_address : fmt::format("{}:{}", link->address, link->traits().port);
  if (auto watching = link->watch(); !watching) {
    log::warning("Cannot watch replica {}: {}", link->name, watching.error().text());
    return;
  }
  ReplicaLink& placed = *links_.emplace(number, std::move(link)).first->second;
  log::notice("Replica {} asks for synchronization", placed.name);
  feed();  // the others get what belongs to them before the readers change
  update_readers();
  if (resume(placed, request)) {
    counts_.resumed.fetch_add(1, std::memory_order_relaxed);
  } else {
    counts_.full.fetch_add(1, std::memory_order_relaxed);
    if (request.history) counts_.not_resumed.fetch_add(1, std::memory_order_relaxed);
    synchronise(placed, request.dialect);
  }
  publish();
}

bool Replicas::resume(ReplicaLink& link, const SyncRequest& request) {
  if (!request.history) return false;
  auto rest = parts_.stream.resume(*request.history, request.position);
  if (!rest) {
    log::notice("Partial resynchronization not accepted: replica {} asked for history {} from offset {}", link.name,
                request.history->hex(), request.position + 1);
    return false;
  }
  log::notice(
      "Partial resynchronization request from {} accepted. Sending {} bytes of backlog starting from offset {}.",
      link.name, rest->missing.bytes.size(), request.position + 1);
  link.send_first(link.traits().knows_psync2 ? fmt::format("+CONTINUE {}\r\n", rest->id.hex()) : "+CONTINUE\r\n");
  link.set_position(rest->missing.begin);
  link.feed(std::make_shared<Block>(std::move(rest->missing)));
  link.go_online();
  return true;
}

void Replicas::synchronise(ReplicaLink& link, SyncRequest::Dialect dialect) {
  const bool direct = settings_.diskless_sync && link.traits().knows_mark;
  const auto cut = std::make_shared<Cut>();  // filled at the cut, read by the snapshot's thread
  keyspace::Keyspace& keyspace = parts_.snapshots.keyspace();
  const keyspace::AccessSettings& access = keyspace.access();
  snapshot::SnapshotPlan plan;
  plan.format = std::make_unique<snapshot::RdbEntryFormat>(
      settings_.compression,
      snapshot::rdb::clock_fields(access.policy.load(std::memory_order_relaxed), access.lfu(), parts_.loop.wall_now()));
  plan.sink = std::make_unique<TransferSink>(
      TransferSink::Plan{.socket = link.socket(),
                         .cut = cut,
                         .dialect = dialect,
                         .route = direct ? TransferSink::Route::kSocket : TransferSink::Route::kFile,
                         .mark = random_node_id().hex(),
                         .path = fmt::format("temp-repl-{}.{}.rdb", ::getpid(), link.number()),
                         .files = &parts_.files,
                         .clock = &parts_.loop.clock(),
                         .checksum = settings_.checksum,
                         .redis_version = settings_.redis_version});
  plan.at_cut = [this, cut, &link] {
    const History history = parts_.stream.history();
    cut->history = history.id;
    cut->offset = history.end;
    cut->stream_db = parts_.stream_db();
    link.set_position(history.end);
    parts_.log.forget_replication_db();
  };
  plan.on_done = [this, number = link.number()](const Result<void>& result) {
    std::optional<Error> error;
    if (!result) error = result.error();
    parts_.loop.post([this, number, error = std::move(error)] { snapshot_done(number, error); });
  };
  link.marked = direct;
  log::notice("Full resync requested by replica {}", link.name);
  log::notice("Starting snapshot for SYNC with target: {}", direct ? "replicas sockets" : "disk");
  link.snapshot = std::make_unique<snapshot::SlotSnapshot>(parts_.snapshots, std::move(plan));
  link.snapshot->start(nullptr);
}

void Replicas::snapshot_done(std::uint64_t number, const std::optional<Error>& error) {
  const auto it = links_.find(number);
  if (it == links_.end()) return;
  ReplicaLink& link = *it->second;
  link.snapshot.reset();
  if (link.state() == ReplicaLink::State::kLost) return reap(number);
  if (error) return link_lost(link, fmt::format("the snapshot was not sent: {}", error->text()));
  // With an end mark the replica reads ahead, so nothing may follow before it says that it is done.
  if (link.marked && !link.heard()) {
    log::notice(
        "Streamed replica synchronization with replica {} succeeded. Waiting for REPLCONF ACK from replica to "
        "enable streaming",
        link.name);
    link.await_ack();
    link.note_alive();
  } else {
    log::notice("Synchronization with replica {} succeeded", link.name);
    link.go_online();
  }
  publish();
}

void Replicas::link_acknowledged(ReplicaLink& link) {
  if (link.state() == ReplicaLink::State::kAwaitingAck) {
    log::notice("Synchronization with replica {} succeeded", link.name);
    link.go_online();
  }
  publish();
  check_waiters();
}

void Replicas::link_lost(ReplicaLink& link, std::string why) {
  if (link.state() == ReplicaLink::State::kLost) return;
  log::notice("Connection with replica {} lost: {}", link.name, why);
  link.close();
  parts_.loop.post([this, number = link.number()] { reap(number); });
  publish();
}

void Replicas::reap(std::uint64_t number) {
  const auto it = links_.find(number);
  // A snapshot that still runs ends soon, and its end comes here again.
  if (it == links_.end() || it->second->snapshot) return;
  links_.erase(it);
  update_readers();
}

void Replicas::update_readers() {
  parts_.stream.set_readers(links_.empty() ? Stream::Readers::kNone : Stream::Readers::kSome);
  if (links_.empty()) {
    alone_since_ = parts_.loop.now();
  } else {
    alone_since_.reset();
  }
}

void Replicas::feed() {
  const auto block = parts_.stream.take();
  if (!block) return;
  for (auto& [number, link] : links_) {
    link->feed(block);
    link->flush();
    if (link->state() != ReplicaLink::State::kLost && !link->within_limits(settings_)) {
      link_lost(*link, "scheduled to be closed ASAP for overcoming of output buffer limits");
    }
  }
}

void Replicas::tick(Pings pings) {
  const MonoTime now = parts_.loop.now();
  using State = ReplicaLink::State;
  for (auto& [number, link] : links_) {
    const bool waits_for_it = link->state() == State::kOnline || link->state() == State::kAwaitingAck;
    if (waits_for_it && now - link->last_ack() > settings_.timeout) {
      link_lost(*link, "Disconnecting timedout replica (streaming sync)");
    } else if (link->state() != State::kLost && !link->within_limits(settings_)) {
      link_lost(*link, "scheduled to be closed ASAP for overcoming of output buffer limits");
    }
  }
  if (pings == Pings::kWhenDue && !links_.empty() && now - last_ping_ >= settings_.ping_period) {
    last_ping_ = now;
    parts_.log.record_raw(kPing);
  }
  const bool ours = pings == Pings::kWhenDue;
  if (!ours && alone_since_) alone_since_ = now;  // a replica keeps its backlog
  if (ours && attached_ && alone_since_ && settings_.backlog_ttl.count() > 0 &&
      now - *alone_since_ > settings_.backlog_ttl) {
    attached_ = false;
    parts_.log.set_replication(nullptr);
    // What is written from now on is in no stream: nobody may go on from the present history.
    parts_.stream.restart(random_node_id(), parts_.stream.end());
    log::notice("Replication backlog freed after {} seconds without connected replicas.",
                settings_.backlog_ttl.count());
  }
  publish();
  check_waiters();
}

void Replicas::drop_all(const std::string& why) {
  for (auto& [number, link] : links_) link_lost(*link, why);
}

std::size_t Replicas::good() const {
  return static_cast<std::size_t>(std::ranges::count_if(links_, [&](const auto& entry) {
    const ReplicaLink& link = *entry.second;
    return link.state() == ReplicaLink::State::kOnline &&
           parts_.loop.now() - link.last_ack() <= settings_.min_replicas_max_lag;
  }));
}

void Replicas::wait_for(ClientId client, std::int64_t offset, std::uint64_t wanted, std::optional<MonoTime> deadline,
                        command::Completion done) {
  waiters_.push_back({client, offset, wanted, deadline, std::move(done)});
  if (deadline) (void)parts_.loop.call_at(*deadline, [this] { check_waiters(); });  // one that fires late finds nothing
  parts_.log.record_raw(kGetAck);
  check_waiters();
}

void Replicas::forget_waiter(ClientId client) {
  std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.client == client; });
}

void Replicas::cancel_waiters() {
  for (Waiter& waiter : waiters_) {
    waiter.done([](resp::Encoder& reply) {
      reply.error({ErrorCode::kUnblocked,
                   "force unblock from blocking operation, instance state changed (master -> "
                   "replica?)"});
    });
  }
  waiters_.clear();
}

void Replicas::check_waiters() {
  std::erase_if(waiters_, [&](Waiter& waiter) {
    const std::uint64_t have = acknowledged_by(waiter.offset);
    const bool late = waiter.deadline && parts_.loop.now() >= *waiter.deadline;
    if (have < waiter.wanted && !late) return false;
    waiter.done([have](resp::Encoder& reply) { reply.integer(static_cast<std::int64_t>(have)); });
    return true;
  });
}

void Replicas::publish() {
  std::vector<ReplicaStatus> all;
  for (const auto& [number, link] : links_) {
    if (link->state() == ReplicaLink::State::kLost) continue;
    const bool online = link->state() == ReplicaLink::State::kOnline;
    all.push_back({link->address, link->traits().port, online ? "online" : "send_bulk", link->acknowledged(),
                   link->last_ack(), online, link->queued_bytes()});
  }
  {
    MutexLock lock(mutex_);
    status_ = std::move(all);
  }
  parts_.on_change();
}

std::vector<ReplicaStatus> Replicas::status() const {
  MutexLock lock(mutex_);
  return status_;
}

std::uint64_t Replicas::acknowledged_by(std::int64_t offset) const {
  MutexLock lock(mutex_);
  return static_cast<std::uint64_t>(std::ranges::count_if(
      status_, [&](const ReplicaStatus& replica) { return replica.announced && replica.offset >= offset; }));
}

}  // namespace ashlar::replication
