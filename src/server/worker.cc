#include "server/worker.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "command/transaction.h"
#include "keyspace/expiry_cycle.h"
#include "net/connection_io.h"

namespace ashlar::server {

namespace {

constexpr std::size_t kSpareBuffers = 64;
constexpr std::size_t kSpareBufferBytes = 64 * 1024;
/// How long a command waits that can neither run nor be refused beside a busy script.
constexpr Millis kBusyRetry{10};

/// Whether `user` may keep what a connection has subscribed to.
bool may_listen(const acl::Account& user, const pubsub::Subscriptions& to) {
  using Channel = acl::Account::Channel;
  const auto may = [&](pubsub::Kind kind, Channel form) {
    return std::ranges::all_of(to.of(kind), [&](const std::string& name) { return user.may_use_channel(name, form); });
  };
  return to.empty() ||
         (may(pubsub::Kind::kChannel, Channel::kLiteral) && may(pubsub::Kind::kShardChannel, Channel::kLiteral) &&
          may(pubsub::Kind::kPattern, Channel::kPattern));
}

}  // namespace

Client::Client(Worker& worker, Accepted accepted, MonoTime now)
    : Session(command::Origin::kClient),
      worker_(worker),
      fd_(std::move(accepted.fd)),
      transport_(accepted.transport),
      from_loopback_(accepted.from_loopback),
      peer_address_(std::move(accepted.peer_address)),
      local_address_(std::move(accepted.local_address)),
      connected_at_(now),
      last_active_(now) {
  id = accepted.id;
}

Client::~Client() = default;

void Client::on_ready(net::Readiness readiness) noexcept { worker_.client_ready(*this, readiness); }

command::Completion Client::defer() {
  worker_.set_blocked(*this, std::nullopt);
  return [&worker = worker_, id = id](const command::LateReply& write) {
    worker.post([&worker, id, write] { worker.late_reply(id, write); });
  };
}

command::Delivery Client::begin_wait(std::shared_ptr<keyspace::Waiter> waiter, std::optional<Millis> timeout) {
  waiter_ = std::move(waiter);
  worker_.set_blocked(*this, timeout);
  return [&worker = worker_, id = id](std::string_view replies, ReplOffset last_write) {
    worker.post([&worker, id, replies = std::string(replies), last_write] {
      if (Client* client = worker.find(id)) client->last_write = std::max(client->last_write, last_write);
      worker.late_reply(id, [&](resp::Encoder& reply) { reply.raw(replies); });
    });
  };
}

Worker::Worker(const Parts& parts, std::uint32_t number)
    : parts_(parts),
      number_(number),
      loop_(parts.clock),
      run_(parts.dispatcher.make_execution()),
      inbox_([this] { loop_.post([this] { open_inbox(); }); }),
      audience_(parts.hub, parts.hub.join(inbox_)),
      trackers_(parts.tracking, inbox_),
      expiry_(parts.dispatcher.parts().keyspace, number, parts.workers),
      config_(parts.config),
      account_(parts.ledger.join()),
      arrivals_([this] { loop_.post([this] { take_arrivals(); }); }) {
  loop_.on_turn_end([this] { end_turn(); });
}

Worker::~Worker() = default;

void Worker::run() {
  arm_timer();
  loop_.run();
  clients_.clear();
}

void Worker::stop() { loop_.stop(); }

void Worker::post(net::EventLoop::Callback task) { loop_.post(std::move(task)); }

void Worker::adopt(Accepted accepted) {
  const std::uint64_t key = accepted.id.value;
  auto client = std::make_unique<Client>(*this, std::move(accepted), loop_.now());
  const acl::Users::Ptr user = parts_.users.default_user();
  client->authenticated = user->open();
  client->become(user);
  auto watch = loop_.watch(client->fd_.get(), net::Interest::kRead, *client);
  if (!watch) {
    log::warning("Cannot watch a new connection: {}", watch.error().text());
    parts_.on_client_gone(client->id);
    client_count_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  client->watch_ = std::move(*watch);
  account(*client);
  parts_.directory.add(client->id, inbox_);
  clients_.emplace(key, std::move(client));
}

Client* Worker::find(ClientId id) {
  const auto it = clients_.find(id.value);
  return it == clients_.end() || it->second->dead_ ? nullptr : it->second.get();
}

void Worker::mark_ready(Client& client) {
  if (client.in_ready_list_ || client.dead_) return;
  client.in_ready_list_ = true;
  ready_.push_back(&client);
}

void Worker::mark_flush(Client& client) {
  if (client.in_flush_list_ || client.dead_) return;
  client.in_flush_list_ = true;
  flush_.push_back(&client);
}

void Worker::close(Client& client) {
  if (client.dead_) return;
  client.dead_ = true;
  client.watch_ = {};
  client.fd_.reset();
  dead_.push_back(&client);
}

void Worker::set_blocked(Client& client, std::optional<Millis> timeout) {
  client.suspended_ = true;
  client.blocked_ = true;
  client.drops_late_reply_ = client.reply_mode != command::ReplyMode::kOn;
  parts_.blocked_clients.fetch_add(1, std::memory_order_relaxed);
  if (!timeout) return;
  client.wait_timer_ = loop_.call_after(*timeout, [this, id = client.id] {
    Client* waiting = find(id);
    if (waiting == nullptr) return;
    waiting->wait_timer_.reset();
    (void)end_wait(*waiting, WaitEnd::kTimeout);
  });
}

std::uint64_t Worker::hold(Client& client) {
  client.suspended_ = true;
  client.held_.push_back({++client.last_ticket_, client.out_.size()});
  return client.last_ticket_;
}

void Worker::fill(ClientId id, std::uint64_t ticket, const std::function<void(Client&)>& write) {
  Client* client = find(id);
  if (client == nullptr) return;
  const auto held = std::ranges::find(client->held_, ticket, &Client::HeldReply::ticket);
  if (held == client->held_.end()) return;
  const std::size_t before = client->out_.size();
  const std::size_t offset = std::min(held->offset, before);  // CLIENT REPLY OFF takes back what was written
  const std::string behind(client->out_.view().substr(offset));
  client->out_.truncate(offset);
  write(*client);
  client->out_.append(behind);
  for (auto later = client->held_.erase(held); later != client->held_.end(); ++later) {
    later->offset += client->out_.size() - before;
  }
  if (client->held_.empty()) resume(*client);
}

void Worker::late_reply(ClientId id, const command::LateReply& write) {
  Client* client = find(id);
  if (client == nullptr) return;
  const std::size_t before = client->out_.size();
  write(client->reply());
  if (client->drops_late_reply_) client->out_.truncate(before);
  resume(*client);
}

bool Worker::end_wait(Client& client, WaitEnd how) {
  if (!client.waiter_) return false;
  {
    const keyspace::Batch inside(run_->participant);
    if (!parts_.dispatcher.end_wait(*run_, *client.waiter_)) return false;
  }
  late_reply(client.id, [how](resp::Encoder& reply) {
    switch (how) {
      case WaitEnd::kTimeout: return reply.null_array();
      case WaitEnd::kUnblockedByError:
        return reply.error({ErrorCode::kUnblocked, "client unblocked via CLIENT UNBLOCK"});
      case WaitEnd::kRoleChange: return reply.error({ErrorCode::kUnblocked, {}});
    }
  });
  return true;
}

void Worker::end_all_waits() {
  for_each_client([this](Client& client) { (void)end_wait(client, WaitEnd::kRoleChange); });
}

void Worker::attend_waiters() {
  const keyspace::Batch inside(run_->participant);
  parts_.dispatcher.begin_batch(*run_, loop_.wall_now(), command::Origin::kClient);
  for_each_client([this](Client& client) {
    if (client.waiter_) parts_.dispatcher.attend(*run_, *client.waiter_);
  });
  parts_.dispatcher.serve_ready(*run_);
}

void Worker::resume(Client& client) {
  client.suspended_ = false;
  if (client.blocked_) {
    client.blocked_ = false;
    parts_.blocked_clients.fetch_sub(1, std::memory_order_relaxed);
  }
  if (client.wait_timer_) loop_.cancel(*std::exchange(client.wait_timer_, std::nullopt));
  client.waiter_.reset();
  mark_flush(client);
  mark_ready(client);
  loop_.post([] {});  // another turn at once
}

void Worker::push(Client& client, std::string_view frame) {
  if (client.dead_ || client.close_after_reply_ || client.departure_ || frame.empty()) return;
  ASH_DCHECK(frame.front() == '*');
  if (client.encoder_.version() == resp::Version::kResp3) {
    client.out_.push_back('>');
    frame.remove_prefix(1);
  }
  client.out_.append(frame);
  mark_flush(client);
}

void Worker::push_raw(Client& client, std::string_view bytes) {
  if (client.dead_ || client.close_after_reply_ || client.departure_) return;
  client.out_.append(bytes);
  mark_flush(client);
}

void Worker::monitor(Client& client) {
  if (std::exchange(client.monitoring, true)) return;
  monitors_.push_back(&client);
  parts_.monitors.add(inbox_);
}

void Worker::forget(Client& client) {
  audience_.remove(client);
  trackers_.disable(client);
  if (std::exchange(client.monitoring, false)) {
    std::erase(monitors_, &client);
    parts_.monitors.remove(inbox_);
  }
}

void Worker::open_inbox() {
  for (const SharedParcel& parcel : inbox_.drain()) parcel->deliver(*this);
}

void Worker::unpause() {
  for (auto& [id, client] : clients_) {
    if (!client->postponed_) continue;
    client->postponed_ = false;
    mark_ready(*client);
  }
  attend_waiters();
  loop_.post([] {});  // another turn at once
}

void Worker::take_arrivals() {
  for (Accepted& accepted : arrivals_.drain()) adopt(std::move(accepted));
}

void Worker::serve_while_busy() {
  if (busy_) return;
  busy_ = true;
  take_arrivals();
  loop_.poll_io(Micros(0));
  answer_busy();
  // Those that are in the middle of a command keep their replies for later; so they go back onto the list.
  for (Client* client : std::exchange(flush_, {})) {
    client->in_flush_list_ = false;
    if (client->dead_) continue;
    const bool running = std::ranges::any_of(group_, [&](const Slice& slice) { return slice.client == client; });
    running ? mark_flush(*client) : flush(*client);
  }
  busy_ = false;
}

void Worker::answer_busy() {
  std::vector<Client*> round;
  round.swap(ready_);
  for (Client* client : round) client->in_ready_list_ = false;
  resp::CommandBatch batch;
  const auto later = [this](const Client& client) {
    (void)loop_.call_after(kBusyRetry, [this, id = client.id] {
      if (Client* waiting = find(id)) mark_ready(*waiting);
    });
  };
  for (Client* client : round) {
    while (!client->dead_ && !client->suspended_ && !client->postponed_ && !client->close_after_reply_) {
      const resp::Parsed parsed = client->parser_.parse(client->in_.view(), limits(*client), 1, batch);
      if (!batch.empty() && parts_.dispatcher.run_aside(batch[0], *client, client->encoder_) == Outcome::kPostponed) {
        client->parser_ = resp::RequestParser();
        later(*client);
        break;
      }
      client->in_.consume_front(parsed.consumed);
      if (parsed.status == resp::ParseStatus::kError) protocol_error(*client);
      if (batch.empty()) break;
    }
    mark_flush(*client);
  }
}

void Worker::refresh_users() {
  const std::uint64_t version = parts_.users.version();
  if (version == users_version_) return;
  users_version_ = version;
  const bool open = parts_.users.default_user()->open();
  for (auto& [id, client] : clients_) {
    const auto& old = client->user();
    if (client->dead_ || old == nullptr) continue;
    acl::Users::Ptr now = parts_.users.find(old->name());
    if (now == nullptr || now->identity() != acl::account_of(*old).identity() ||
        !may_listen(*now, client->subscriptions())) {
      const bool in_the_middle =
          std::ranges::any_of(group_, [&](const Slice& slice) { return slice.client == client.get(); });
      if (client->out_.empty() && !in_the_middle) {
        close(*client);
      } else {
        client->close_after_reply_ = true;
        mark_flush(*client);
      }
      loop_.post([] {});  // another turn at once
      continue;
    }
    client->authenticated |= open && old->name() == "default";
    if (now != old) client->become(std::move(now));
  }
}

void Worker::client_ready(Client& client, net::Readiness readiness) {
  if (client.dead_) return;
  // The arguments of a command that runs are views into its buffer: nothing is read there now.
  if (busy_ && std::ranges::any_of(group_, [&](const Slice& slice) { return slice.client == &client; })) return;
  if (readiness.writable) mark_flush(client);
  if (readiness.readable || readiness.failed) read_input(client);
}

void Worker::read_input(Client& client) {
  if (client.in_.capacity() == 0 && !spare_buffers_.empty()) {
    client.in_ = std::move(spare_buffers_.back());
    spare_buffers_.pop_back();
  }
  // A big argument that is arriving is read in larger pieces, as large as what has arrived already.
  const std::size_t want =
      std::max(kReadChunk, std::min(client.in_.size(), client.parser_.missing_bytes() + kReadChunk));
  const net::IoOutcome result = net::read_some(client.fd_.get(), client.in_, want);
  bump(run_->stats.reads);
  if (result.status == net::IoStatus::kWouldBlock) return;
  if (result.status != net::IoStatus::kOk) {
    close(client);
    return;
  }
  client.input_total_ += result.bytes;
  client.last_active_ = loop_.now();
  bump(run_->stats.input_bytes, result.bytes);
  const std::uint64_t limit = config_.get().clients.query_buffer_limit;
  // What waits for EXEC has come in and has not been run either.
  if (client.in_.size() + (client.transaction ? client.transaction->bytes : 0) > limit) {
    log::warning("Closing client that reached max query buffer length: id={} addr={} qbuf={}", client.id.value,
                 client.peer_address_, client.in_.size());
    close(client);
    return;
  }
  account(client);
  mark_ready(client);
}

resp::Limits Worker::limits(const Client& client) {
  resp::Limits limits;
  limits.max_bulk_len = config_.get().clients.max_bulk_length;
  limits.login = client.authenticated ? resp::Login::kAuthenticated : resp::Login::kUnauthenticated;
  return limits;
}

void Worker::end_turn() {
  if (inbox_.pending()) open_inbox();  // what was sent before a command arrived comes before it
  run_ready();
  settle_writes();
  Dispatcher::deliver(*run_);
  flush_all();
  evict_clients();
  destroy_dead();
  if (!ready_.empty()) loop_.post([] {});  // another turn at once
}

void Worker::settle_writes() {
  const bool wrote = std::exchange(run_->wrote, false);
  if (wrote && parts_.durability.before_replies() == Durability::Promise::kBroken) {
    // Nobody is told that a write is safe that is not: what became of it stays open, as when a server dies.
    for (Client* client : writers_) {
      log::warning("Closing client id={} whose write could not be made durable", client->id.value);
      close(*client);
    }
  }
  writers_.clear();
}

void Worker::note_latency(std::string_view event, Ticks spent) {
  const Dispatcher::Parts& parts = parts_.dispatcher.parts();
  parts.latency.note(event, loop_.wall_now(), Micros(static_cast<std::int64_t>(parts.rate.micros(spent))));
}

MemoryGuard::Room Worker::make_room() {
  if (parts_.memory.limit() == 0) [[likely]]
    return MemoryGuard::Room::kEnough;
  const Ticks start = ticks_now();
  const MemoryGuard::Room room = parts_.memory.make_room(*run_);
  note_latency("eviction-cycle", ticks_now() - start);
  return room;
}

void Worker::run_ready() {
  if (ready_.empty()) return;
  refresh_users();
  const WallTime now = loop_.wall_now();
  run_->access.actor = {};                                              // evictions are nobody's
  parts_.dispatcher.begin_batch(*run_, now, command::Origin::kClient);  // eviction records removals
  run_->out_of_memory = make_room() == MemoryGuard::Room::kNone;
  if (!run_->participant.enter_unless_busy()) {
    answer_busy();
    return;
  }
  const keyspace::EnteredBatch inside(run_->participant);
  std::vector<Client*> round;
  round.swap(ready_);
  for (Client* client : round) client->in_ready_list_ = false;
  std::size_t next = 0;
  while (next < round.size()) {
    parts_.dispatcher.begin_batch(*run_, now, command::Origin::kClient);
    if (run_->interests.any_ready()) parts_.dispatcher.serve_ready(*run_);  // evictions
    group_.clear();
    located_.clear();
    while (next < round.size() && located_.size() < kGroup) {
      Client& client = *round[next++];
      if (client.dead_ || client.suspended_ || client.postponed_ || client.close_after_reply_) continue;
      if (batches_.size() <= group_.size()) batches_.push_back(std::make_unique<resp::CommandBatch>());
      resp::CommandBatch& batch = *batches_[group_.size()];
      const std::size_t most = client.authenticated ? kCommandsPerTurn : 1;
      const resp::Parsed parsed = client.parser_.parse(client.in_.view(), limits(client), most, batch);
      if (batch.empty()) {
        client.in_.consume_front(parsed.consumed);
        if (parsed.status == resp::ParseStatus::kError) protocol_error(client);
        reclaim_buffers(client);
        account(client);
        continue;
      }
      group_.push_back({&client, &batch, parsed.consumed, static_cast<std::uint32_t>(located_.size())});
      for (std::size_t i = 0; i < batch.size(); ++i) located_.push_back(parts_.dispatcher.look_up(*run_, batch[i]));
    }
    if (run_->keys.size() > 1) parts_.dispatcher.prefetch(*run_, group_.front().client->db);
    for (const Slice& slice : group_) run_slice(slice);
  }
  group_.clear();
  ready_.reserve(round.capacity());
}

void Worker::run_slice(const Slice& slice) {
  Client& client = *slice.client;
  if (client.out_.capacity() == 0 && !spare_buffers_.empty()) {
    client.out_ = std::move(spare_buffers_.back());
    spare_buffers_.pop_back();
  }
  const bool wrote_before = std::exchange(run_->wrote, false);
  std::size_t done = 0;
  std::size_t consumed = 0;
  for (; done < slice.batch->size(); ++done) {
    const Located& located = located_[slice.first_located + done];
    const std::size_t before = client.out_.size();
    const auto args = (*slice.batch)[done];
    if (located.command != nullptr) client.last_command_ = located.command->spec.name;
    run_->request_bytes = slice.batch->bytes(done);
    if (parts_.dispatcher.run(*run_, located, args, client, client.encoder_) == Outcome::kPostponed) {
      client.postponed_ = true;
      break;
    }
    consumed += slice.batch->bytes(done);
    after_command(client, located, before);
    if (inbox_.pending()) [[unlikely]]
      open_inbox();
    refresh_users();
    if (client.suspended_ || client.close_after_reply_ || client.dead_ || client.departure_) {
      ++done;
      break;
    }
  }
  if (run_->wrote) writers_.push_back(&client);
  run_->wrote |= wrote_before;
  if (client.dead_) return;
  if (done == slice.batch->size()) {
    client.in_.consume_front(slice.parsed_bytes);
  } else {  // the parser is ahead of what was run: let it begin again behind the last command run
    client.in_.consume_front(consumed);
    client.parser_ = resp::RequestParser();
  }
  if (!client.out_.empty() || client.close_after_reply_ || client.departure_) mark_flush(client);
  if (!client.in_.empty() && !client.suspended_ && !client.postponed_ && !client.close_after_reply_) {
    mark_ready(client);  // the rest of the input, or the reason why it does not parse
  }
  reclaim_buffers(client);
}

void Worker::after_command(Client& client, const Located& located, std::size_t output_before) {
  using command::ReplyMode;
  client.asking = client.asking_next || (client.asking && client.in_transaction);
  client.asking_next = false;
  if (client.tracks_keys) [[unlikely]] {
    // CLIENT CACHING is about the next command, or the whole next transaction; those about connections do not count.
    if (!client.in_transaction && located.command != nullptr &&
        located.command->spec.group != command::Group::kConnection) {
      client.tracking()->caching_said = false;
    }
    if (parts_.tracking.over_limit()) parts_.tracking.enforce_limit(run_->rng);
  }
  if (client.reply_mode == ReplyMode::kOn) [[likely]]
    return;
  if (!std::exchange(client.answered_with_push_, false)) client.out_.truncate(output_before);
  if (client.reply_mode == ReplyMode::kSkipThis) client.reply_mode = ReplyMode::kOn;
  if (client.reply_mode == ReplyMode::kSkipNext) client.reply_mode = ReplyMode::kSkipThis;
}

void Worker::protocol_error(Client& client) {
  client.encoder_.error({ErrorCode::kProtocol, client.parser_.error()});
  log::verbose("Protocol error from client: id={} addr={}: {}", client.id.value, client.peer_address_,
               client.parser_.error());
  client.close_after_reply_ = true;
  mark_flush(client);
}

void Worker::reclaim_buffers(Client& client) {
  for (ByteBuffer* buffer : {&client.in_, &client.out_}) {
    if (!buffer->empty() || buffer->capacity() == 0) continue;
    if (buffer->capacity() <= kSpareBufferBytes && spare_buffers_.size() < kSpareBuffers) {
      spare_buffers_.push_back(std::move(*buffer));
    }
    *buffer = ByteBuffer();
  }
}

void Worker::account(Client& client) {
  const std::size_t now = client.dead_ ? 0 : client.memory_bytes();
  if (now == client.accounted_) return;
  account_.bytes.store(account_.bytes.load(std::memory_order_relaxed) + now - client.accounted_,
                       std::memory_order_relaxed);
  client.accounted_ = now;
}

void Worker::evict_clients() {
  const std::uint64_t limit = parts_.ledger.limit();
  if (limit == 0) return;
  while (parts_.ledger.bytes() > limit) {
    Client* largest = nullptr;
    for (auto& [id, client] : clients_) {
      if (client->dead_ || client->no_evict || client->close_after_reply_) continue;
      if (largest == nullptr || client->accounted_ > largest->accounted_) largest = client.get();
    }
    const std::uint64_t size = largest == nullptr ? 0 : largest->accounted_;
    account_.largest.store(size, std::memory_order_relaxed);
    if (largest == nullptr || parts_.ledger.largest() > size) return;  // another loop's turn to act
    log::notice("Evicting client: id={} addr={} laddr={} name={} user={} tot-mem={}", largest->id.value,
                largest->peer_address_, largest->local_address_, largest->name, largest->user_name(), size);
    bump(run_->stats.evicted_clients);
    close(*largest);
    account(*largest);
  }
  account_.largest.store(0, std::memory_order_relaxed);
}

void Worker::note_buffers() {
  const std::int64_t second = std::chrono::floor<Seconds>(loop_.now().time_since_epoch()).count();
  Peak& peak = peaks_[static_cast<std::size_t>(second) % peaks_.size()];
  if (peak.second != second) peak = {second, 0, 0};
  for (auto& [id, client] : clients_) {
    peak.input = std::max<std::uint64_t>(peak.input, client->in_.capacity());
    peak.output = std::max<std::uint64_t>(peak.output, client->out_.capacity());
  }
  std::uint64_t input = 0;
  std::uint64_t output = 0;
  for (const Peak& past : peaks_) {
    if (second - past.second >= static_cast<std::int64_t>(peaks_.size())) continue;
    input = std::max(input, past.input);
    output = std::max(output, past.output);
  }
  account_.recent_input.store(input, std::memory_order_relaxed);
  account_.recent_output.store(output, std::memory_order_relaxed);
}

void Worker::flush_all() {
  for (std::size_t i = 0; i < flush_.size(); ++i) {
    Client& client = *flush_[i];
    client.in_flush_list_ = false;
    if (client.dead_) continue;
    flush(client);
    account(client);
  }
  flush_.clear();
}

void Worker::flush(Client& client) {
  if (!client.held_.empty()) return;
  while (!client.out_.empty()) {
    const net::IoOutcome result = net::write_some(client.fd_.get(), client.out_.view());
    bump(run_->stats.writes);
    if (result.status == net::IoStatus::kWouldBlock) break;
    if (result.status != net::IoStatus::kOk) {
      close(client);
      return;
    }
    client.output_total_ += result.bytes;
    bump(run_->stats.output_bytes, result.bytes);
    client.out_.consume_front(result.bytes);
  }
  const bool waiting = !client.out_.empty();
  if (waiting != client.wants_write_) {
    client.wants_write_ = waiting;
    client.watch_.set_interest(waiting ? net::Interest::kReadWrite : net::Interest::kRead);
  }
  if (waiting) {
    enforce_output_limit(client);
    return;
  }
  client.over_soft_limit_since_.reset();
  if (client.departure_) {
    depart(client);
  } else if (client.close_after_reply_) {
    close(client);
  } else {
    reclaim_buffers(client);
  }
}

void Worker::enforce_output_limit(Client& client) {
  const auto kind = client.subscribed ? config::ClientClass::kPubSub : config::ClientClass::kNormal;
  const config::OutputBufferLimit& limit = config_.get().clients.output_limit(kind);
  const std::size_t pending = client.out_.size();
  bool over = limit.hard != 0 && pending > limit.hard;
  if (limit.soft != 0 && pending > limit.soft) {
    if (!client.over_soft_limit_since_) client.over_soft_limit_since_ = loop_.now();
    over |= loop_.now() - *client.over_soft_limit_since_ > limit.soft_for;
  } else {
    client.over_soft_limit_since_.reset();
  }
  if (!over) return;
  log::warning("Client id={} addr={} closed for overcoming of output buffer limits.", client.id.value,
               client.peer_address_);
  close(client);
}

void Worker::depart(Client& client) {
  Departed departed{std::move(client.fd_), std::string(client.in_.view()), client.id, client.peer_address_};
  const auto taker = std::move(client.departure_);
  client.watch_ = {};
  client.dead_ = true;
  dead_.push_back(&client);
  taker(std::move(departed));
}

void Worker::forget_interests(Client& client) {
  if (client.blocked_) parts_.blocked_clients.fetch_sub(1, std::memory_order_relaxed);
  if (client.wait_timer_) loop_.cancel(*client.wait_timer_);
  if (!client.waiter_ && !client.transaction) return;
  const keyspace::Batch inside(run_->participant);
  if (client.waiter_) (void)parts_.dispatcher.end_wait(*run_, *client.waiter_);
  command::end_transaction(client, parts_.dispatcher.parts().keyspace, command::WatchedSlots::kFree);
}

void Worker::destroy_dead() {
  for (Client* client : dead_) {
    std::erase(ready_, client);
    forget(*client);
    forget_interests(*client);
    account(*client);
    parts_.directory.remove(client->id);
    parts_.on_client_gone(client->id);
    clients_.erase(client->id.value);
    client_count_.fetch_sub(1, std::memory_order_relaxed);
  }
  dead_.clear();
}

void Worker::arm_timer() {
  const auto period = Micros(1'000'000 / std::clamp<std::uint32_t>(config_.get().process.hz, 1, 500));
  (void)loop_.call_after(period, [this] {  // lives as long as the loop
    periodic();
    arm_timer();
  });
}

void Worker::periodic() {
  if (parts_.cron_paused.load(std::memory_order_relaxed)) return;
  const Seconds idle = config_.get().clients.idle_timeout;
  for (auto& [id, client] : clients_) {
    if (client->dead_) continue;
    if (idle.count() > 0 && !client->suspended_ && loop_.now() - client->last_active_ > idle) {
      log::verbose("Closing idle client id={}", client->id.value);
      close(*client);
    } else if (client->wants_write_) {
      enforce_output_limit(*client);
    }
  }
  note_buffers();
  evict_clients();
  destroy_dead();
  run_expiry();
}

void Worker::run_expiry() {
  parts_.dispatcher.begin_batch(*run_, loop_.wall_now(), command::Origin::kClient);
  if (!parts_.active_expiry.load()) return;
  if (!run_->participant.enter_unless_busy()) return;
  const keyspace::EnteredBatch inside(run_->participant);
  if (number_ == 0) parts_.dispatcher.expire_local_keys(*run_);
  if (run_->access.expiry_role != keyspace::ExpiryRole::kPrimary) return;
  // A quarter of the time at most, as in Redis: the rest is for clients.
  const std::uint64_t before = run_->counters.expired.load(std::memory_order_relaxed);
  const Ticks start = ticks_now();
  const auto budget = Micros(250'000 / std::clamp<std::uint32_t>(config_.get().process.hz, 1, 500));
  if (expiry_.run(run_->access, parts_.dispatcher.parts().rate.ticks(budget)) ==
      keyspace::ExpiryCycle::End::kBudgetSpent) {
    bump(run_->stats.expiry_budget_spent);
  }
  const Ticks spent = ticks_now() - start;
  bump(run_->stats.expiry_ticks, spent);
  note_latency("expire-cycle", spent);
  if (run_->counters.expired.load(std::memory_order_relaxed) != before) run_->wrote = true;
  if (run_->interests.any_ready()) parts_.dispatcher.serve_ready(*run_);
}

}  // namespace ashlar::server
