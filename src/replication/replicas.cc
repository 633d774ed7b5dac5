#include "replication/replicas.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"
#include "net/socket.h"

namespace ashlar::replication {
namespace {

constexpr std::string_view kPing = "*1\r\n$4\r\nPING\r\n";
constexpr std::string_view kGetAck = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

/// As Redis calls it: a snapshot that is still being made counts as awaited, even when it goes straight to the socket.
std::string_view state_name(const ReplicaLink& link, const Transfers& transfers) {
  using State = ReplicaLink::State;
  const bool made = link.state() != State::kSyncing || transfers.sends_file(link.number());
  if (link.state() == State::kOnline) return "online";
  return link.state() == State::kWaiting || !made ? "wait_bgsave" : "send_bulk";
}

/// A word of a command for the log.
std::string printable(std::string_view word) {
  const std::string escaped = quoted(to_lower(word));
  return escaped.substr(1, escaped.size() - 2);
}

std::string address_part(const std::string& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

}  // namespace

Replicas::Replicas(Parts parts)
    : parts_(std::move(parts)),
      overflow_(parts_.loop, parts_.files),
      transfers_({parts_.loop, parts_.log, parts_.snapshots, parts_.files, parts_.stream, parts_.stream_db,
                  [this](std::uint64_t link, const std::optional<Error>& error) { snapshot_done(link, error); },
                  [this] { start_waiting(); }}) {}

Replicas::~Replicas() {
  if (attached_) parts_.log.set_replication(nullptr);
}

void Replicas::attach_stream() {
  if (attached_) return;
  attached_ = true;
  if (links_.empty()) alone_since_ = parts_.loop.now();
  parts_.log.set_replication(&parts_.stream);
}

void Replicas::take(TakenSocket socket, const SyncRequest& request, ReplicaTraits traits) {
  attach_stream();
  feed();                                                    // what came before it is for the others only
  if (settings_.nodelay) (void)net::set_nodelay(socket.fd);  // slower without, no more
  const std::uint64_t number = next_number_++;
  auto link = std::make_unique<ReplicaLink>(
      static_cast<ReplicaLink::Owner&>(*this), parts_.loop, number,
      std::make_shared<BlockingSocket>(std::move(socket.fd), settings_.timeout, parts_.traffic),
      std::move(socket.unread), std::move(traits));
  link->connection = {.id = socket.id,
                      .peer = socket.peer_address,
                      .local = std::move(socket.local_address),
                      .descriptor = link->socket()->fd().get(),
                      .since = link->since()};
  link->address = link->traits().address.empty() ? address_part(socket.peer_address) : link->traits().address;
  link->name =
      link->traits().port == 0 ? socket.peer_address : fmt::format("{}:{}", link->address, link->traits().port);
  if (auto watching = link->watch(); !watching) {
    log::warning("Cannot watch replica {}: {}", link->name, watching.error().text());
    return;
  }
  if (links_.empty()) last_ping_ = parts_.loop.now();  // the first ping comes after a whole period
  ReplicaLink& placed = *links_.emplace(number, std::move(link)).first->second;
  log::notice("Replica {} asks for synchronization", placed.name);
  update_readers();
  if (resume(placed, request)) {
    counts_.resumed.fetch_add(1, std::memory_order_relaxed);
  } else {
    counts_.full.fetch_add(1, std::memory_order_relaxed);
    if (request.history) counts_.not_resumed.fetch_add(1, std::memory_order_relaxed);
    log::notice("Full resync requested by replica {}", placed.name);
    placed.await_snapshot(request.dialect);
    start_waiting();
  }
  publish();
  placed.run_received();
}

bool Replicas::resume(ReplicaLink& link, const SyncRequest& request) {
  if (!request.history) return false;
  auto rest = parts_.stream.resume(*request.history, request.position);
  if (!rest && resume_as_another(link, request)) return true;
  if (!rest) {
    log::notice("Partial resynchronization not accepted: replica {} asked for history {} from offset {}", link.name,
                request.history->hex(), request.position + 1);
    return false;
  }
  log::notice(
      "Partial resynchronization request from {} accepted. Sending {} bytes of backlog starting from offset {}.",
      link.name, rest->missing.size(), request.position + 1);
  link.send_first(link.traits().knows_psync2 ? fmt::format("+CONTINUE {}\r\n", rest->id.hex()) : "+CONTINUE\r\n");
  link.set_position(rest->position);
  const auto missing = std::make_shared<Block>();
  missing->begin = rest->position;
  missing->bytes = std::move(rest->missing);
  link.feed(missing);
  link.go_online();
  return true;
}

/// The backlog has forgotten it, but another replica still waits for the same bytes.
bool Replicas::resume_as_another(ReplicaLink& link, const SyncRequest& request) {
  const auto id = parts_.stream.continues(*request.history, request.position);
  if (!id) return false;
  for (const auto& [number, other] : links_) {
    const auto from = other->holds_from();
    if (!from || *from > request.position) continue;
    log::notice("Partial resynchronization request from {} accepted. What it lacks waits for replica {}, too.",
                link.name, other->name);
    link.send_first(link.traits().knows_psync2 ? fmt::format("+CONTINUE {}\r\n", id->hex()) : "+CONTINUE\r\n");
    link.set_position(request.position);
    link.feed_as(*other);
    link.go_online();
    return true;
  }
  return false;
}

void Replicas::note_holdings() {
  std::int64_t oldest = std::numeric_limits<std::int64_t>::max();
  for (const auto& [number, link] : links_) oldest = std::min(oldest, link->holds_from().value_or(oldest));
  holds_from_.store(oldest, std::memory_order_relaxed);
}

/// The last block is kept for more to come only while somebody lags.
void Replicas::forget_lag() {
  if (std::ranges::all_of(links_, [](const auto& entry) { return entry.second->queued_bytes() == 0; })) lag_.reset();
}

void Replicas::start_waiting() {
  std::vector<ReplicaLink*> to_sockets;
  std::vector<ReplicaLink*> by_file;
  MonoTime first = MonoTime::max();
  for (auto& [number, link] : links_) {
    if (link->state() != ReplicaLink::State::kWaiting) continue;
    if (link->traits().content != Content::kAll) {  // small, and for nobody else
      start_transfer({link.get()}, Transfers::Route::kFile, link->traits().content);
    } else if (settings_.diskless_sync && link->traits().knows_mark) {
      to_sockets.push_back(link.get());
      first = std::min(first, link->since());
    } else {
      by_file.push_back(link.get());
    }
  }
  if (!by_file.empty()) start_transfer(by_file, Transfers::Route::kFile, Content::kAll);
  if (to_sockets.empty() || transfers_.streaming()) return;  // its end comes here again
  const std::uint32_t enough = settings_.diskless_sync_max_replicas;
  const MonoTime due = first + settings_.diskless_sync_delay;
  if ((enough == 0 || to_sockets.size() < enough) && parts_.loop.now() < due) {
    log::notice("Delay next snapshot for diskless SYNC");
    (void)parts_.loop.call_at(due, [this] { start_waiting(); });
    return;
  }
  start_transfer(to_sockets, Transfers::Route::kSocket, Content::kAll);
}

void Replicas::start_transfer(const std::vector<ReplicaLink*>& links, Transfers::Route route, Content content) {
  const bool direct = route == Transfers::Route::kSocket;
  log::notice("Starting snapshot for SYNC of {} replicas with target: {}", links.size(),
              direct ? "replicas sockets" : "disk");
  std::vector<TransferTarget> targets;
  for (const ReplicaLink* link : links) targets.push_back({link->number(), link->socket(), link->dialect()});
  const std::int64_t offset = transfers_.start(std::move(targets), route, content, settings_);
  for (ReplicaLink* link : links) {
    link->marked = direct;
    link->begin_sync(offset);
  }
}

void Replicas::snapshot_done(std::uint64_t number, const std::optional<Error>& error) {
  const auto it = links_.find(number);
  if (it == links_.end()) return;
  ReplicaLink& link = *it->second;
  if (link.state() == ReplicaLink::State::kLost) return;
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
}

void Replicas::link_lost(ReplicaLink& link, std::string why) {
  if (link.state() == ReplicaLink::State::kLost) return;
  log::notice("Connection with replica {} lost: {}", link.name, why);
  link.close();
  forget_lag();
  transfers_.leave(link.number());
  parts_.loop.post([this, number = link.number()] { reap(number); });
  publish();
}

void Replicas::link_strayed(ReplicaLink& link, std::span<const std::string_view> args) {
  constexpr std::size_t kShown = 64;
  std::string name = printable(args[0].substr(0, kShown));
  const command::Command* command = parts_.commands.find(args[0]);
  if (command != nullptr && !command->subcommands.empty() && args.size() > 1) {
    name += "|" + printable(args[1].substr(0, kShown));
    if (const auto* sub = command::CommandTable::find_sub(*command, args[1])) command = sub;
  }
  using command::Flag;
  if (command != nullptr && (command->spec.is(Flag::kWrite) || command->spec.is(Flag::kReadOnly))) {
    log::warning(
        "== CRITICAL == This master is sending an error to its replica: Replica can't interact with the keyspace");
  }
  log::warning("Replica generated a reply to command '{}', disconnecting it: {}", name, link.name);
  link_lost(link, "a replica has nothing to ask for");
}

void Replicas::reap(std::uint64_t number) {
  if (links_.erase(number) == 0) return;
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

std::optional<std::uint64_t> Replicas::overflows_above() const {
  const std::uint64_t limit = settings_.output_soft != 0 ? settings_.output_soft : settings_.output_hard;
  const bool wanted = std::ranges::any_of(links_, [](const auto& entry) { return entry.second->catches_up(); });
  if (limit == 0 || !wanted) return std::nullopt;
  return limit / 2;  // so that the limits themselves are reached by a failing disk only
}

void Replicas::link_lacks(ReplicaLink& link, const std::shared_ptr<Block>& block) {
  overflow_.fetch(block, [this, number = link.number()](const Result<void>& back) {
    if (const auto it = links_.find(number); !back && it != links_.end()) {
      link_lost(*it->second, fmt::format("a part of the stream was lost: {}", back.error().text()));
    }
    // All: others may have found the block on its way.
    for (auto& [other, waiting] : links_) waiting->flush();
  });
}

/// What is new, in blocks that fill up: many small ones would take more memory than they hold.
void Replicas::feed_lagging(const Block& fresh) {
  constexpr std::size_t kRoom = 64 * 1024 - 1;        // with the string's zero a size that allocators have
  constexpr std::uint64_t kMemory = kRoom + 1 + 128;  // with what counts and queues it
  const auto above = overflows_above();
  for (std::size_t at = 0; at < fresh.bytes.size();) {
    if (!lag_ || lag_->end() != fresh.begin + static_cast<std::int64_t>(at) || lag_->bytes.size() == kRoom) {
      if (lag_ && above && lag_memory() > *above) overflow_.put_away(lag_);
      lag_ = std::make_shared<Block>();
      lag_->begin = fresh.begin + static_cast<std::int64_t>(at);
      lag_->memory = CountedMemory(lag_memory_, kMemory);  // first: an eviction may look between the two
      lag_->bytes.reserve(kRoom);
    }
    const std::size_t n = std::min(kRoom - lag_->bytes.size(), fresh.bytes.size() - at);
    lag_->bytes.append(fresh.bytes, at, n);
    at += n;
    for (auto& [number, link] : links_) link->feed(lag_);
  }
}

void Replicas::feed() {
  const auto block = parts_.stream.take(lag_memory_);
  if (!block) return;
  if (std::ranges::any_of(links_, [](const auto& entry) { return entry.second->queued_bytes() != 0; })) {
    feed_lagging(*block);
  } else {
    lag_.reset();
    for (auto& [number, link] : links_) link->feed(block);
  }
  for (auto& [number, link] : links_) {
    link->flush();
    if (link->state() != ReplicaLink::State::kLost && !within_limits(*link)) {
      link_lost(*link, "scheduled to be closed ASAP for overcoming of output buffer limits");
    }
  }
  note_holdings();
}

void Replicas::tick(Pings pings) {
  const MonoTime now = parts_.loop.now();
  using State = ReplicaLink::State;
  for (auto& [number, link] : links_) {
    if (link->state() == State::kWaiting) link->sign_of_life();
    const bool waits_for_it = link->state() == State::kOnline || link->state() == State::kAwaitingAck;
    if (waits_for_it && now - link->last_ack() > settings_.timeout) {
      link_lost(*link, "Disconnecting timedout replica (streaming sync)");
    } else if (link->state() == State::kSyncing && link->socket()->stalled() > settings_.timeout) {
      link_lost(*link, "Disconnecting timedout replica (full sync)");
    } else if (link->state() != State::kLost && !within_limits(*link)) {
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
}

void Replicas::drop_all(const std::string& why) {
  feed();  // what was recorded before, as far as it can still be sent
  for (auto& [number, link] : links_) link_lost(*link, why);
}

std::size_t Replicas::drop(const std::function<bool(const LinkFacts&)>& which, const std::string& why) {
  std::size_t dropped = 0;
  for (auto& [number, link] : links_) {
    if (link->state() == ReplicaLink::State::kLost || !which(link->facts())) continue;
    link_lost(*link, why);
    ++dropped;
  }
  return dropped;
}

void Replicas::restart_transfers(const std::string& why) {
  for (auto& [number, link] : links_) {
    // A replica that may have everything already hears of what happened by the stream.
    if (link->state() == ReplicaLink::State::kSyncing && !transfers_.complete(number)) link_lost(*link, why);
  }
}

std::size_t Replicas::good() const {
  return static_cast<std::size_t>(std::ranges::count_if(links_, [&](const auto& entry) {
    const ReplicaLink& link = *entry.second;
    return link.state() == ReplicaLink::State::kOnline &&
           parts_.loop.now() - link.last_ack() <= settings_.min_replicas_max_lag;
  }));
}

std::size_t Replicas::online() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      links_, [](const auto& entry) { return entry.second->state() == ReplicaLink::State::kOnline; }));
}

std::optional<std::int64_t> Replicas::shared_by(std::size_t replicas, Kept where) const {
  std::vector<std::int64_t> offsets;
  for (const auto& [number, link] : links_) {
    if (link->state() != ReplicaLink::State::kOnline) continue;
    const std::optional<std::int64_t> kept = where == Kept::kInMemory ? link->acknowledged() : link->durable();
    if (kept) offsets.push_back(*kept);
  }
  if (replicas == 0 || offsets.size() < replicas) return std::nullopt;
  std::ranges::sort(offsets, std::greater<>());
  return offsets[replicas - 1];
}

void Replicas::ask_for_acks() { parts_.log.record_raw(kGetAck); }

void Replicas::publish() {
  note_holdings();
  std::vector<ReplicaStatus> all;
  for (const auto& [number, link] : links_) {
    if (link->state() == ReplicaLink::State::kLost) continue;
    all.push_back({link->address, link->traits().port, state_name(*link, transfers_), link->acknowledged(),
                   link->durable(), link->last_ack(), link->state() == ReplicaLink::State::kOnline, link->facts()});
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

std::uint64_t Replicas::acknowledged_by(std::int64_t offset, Kept where) const {
  MutexLock lock(mutex_);
  return static_cast<std::uint64_t>(std::ranges::count_if(status_, [&](const ReplicaStatus& replica) {
    const std::optional<std::int64_t> kept = where == Kept::kInMemory ? replica.offset : replica.durable;
    return replica.announced && kept && *kept >= offset;
  }));
}

}  // namespace ashlar::replication
