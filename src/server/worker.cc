#include "server/worker.h"

#include <algorithm>

#include "base/log.h"
#include "keyspace/expiry_cycle.h"
#include "net/connection_io.h"

namespace ashlar::server {

namespace {

constexpr std::size_t kSpareBuffers = 64;
constexpr std::size_t kSpareBufferBytes = 64 * 1024;

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
  suspend();
  return [&worker = worker_, id = id](const command::LateReply& write) {
    worker.post([&worker, id, write] {
      Client* client = worker.find(id);
      if (client == nullptr) return;
      write(client->reply());
      worker.resume(*client);
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
      config_(parts.config) {
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
  client->authenticated = config_.get().security.password.empty();
  auto watch = loop_.watch(client->fd_.get(), net::Interest::kRead, *client);
  if (!watch) {
    log::warning("Cannot watch a new connection: {}", watch.error().text());
    parts_.on_client_gone(client->id);
    client_count_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  client->watch_ = std::move(*watch);
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

void Worker::resume(Client& client) {
  client.suspended_ = false;
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
  loop_.post([] {});  // another turn at once
}

void Worker::client_ready(Client& client, net::Readiness readiness) {
  if (client.dead_) return;
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
  if (client.in_.size() > limit) {
    log::warning("Closing client that reached max query buffer length: id={} addr={} qbuf={}", client.id.value,
                 client.peer_address_, client.in_.size());
    close(client);
    return;
  }
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
  if (run_->wrote) {
    run_->wrote = false;
    parts_.durability.before_replies();
  }
  flush_all();
  destroy_dead();
  if (!ready_.empty()) loop_.post([] {});  // another turn at once
}

void Worker::run_ready() {
  if (ready_.empty()) return;
  const WallTime now = loop_.wall_now();
  run_->access.actor = {};  // evictions are nobody's
  run_->out_of_memory = parts_.memory.make_room(*run_) == MemoryGuard::Room::kNone;
  std::vector<Client*> round;
  round.swap(ready_);
  for (Client* client : round) client->in_ready_list_ = false;
  std::size_t next = 0;
  keyspace::Batch inside(run_->participant);
  while (next < round.size()) {
    parts_.dispatcher.begin_batch(*run_, now, command::Origin::kClient);
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
        continue;
      }
      group_.push_back({&client, &batch, parsed.consumed, static_cast<std::uint32_t>(located_.size())});
      for (std::size_t i = 0; i < batch.size(); ++i) located_.push_back(parts_.dispatcher.look_up(*run_, batch[i]));
    }
    if (run_->keys.size() > 1) parts_.dispatcher.prefetch(*run_, group_.front().client->db);
    for (const Slice& slice : group_) run_slice(slice);
  }
  ready_.reserve(round.capacity());
}

void Worker::run_slice(const Slice& slice) {
  Client& client = *slice.client;
  if (client.out_.capacity() == 0 && !spare_buffers_.empty()) {
    client.out_ = std::move(spare_buffers_.back());
    spare_buffers_.pop_back();
  }
  std::size_t done = 0;
  std::size_t consumed = 0;
  for (; done < slice.batch->size(); ++done) {
    const Located& located = located_[slice.first_located + done];
    const std::size_t before = client.out_.size();
    const auto args = (*slice.batch)[done];
    if (located.command != nullptr) client.last_command_ = located.command->spec.name;
    if (parts_.dispatcher.run(*run_, located, args, client, client.encoder_) == Outcome::kPostponed) {
      client.postponed_ = true;
      break;
    }
    consumed += slice.batch->bytes(done);
    after_command(client, located, before);
    if (inbox_.pending()) [[unlikely]]
      open_inbox();
    if (client.suspended_ || client.close_after_reply_ || client.dead_ || client.departure_) {
      ++done;
      break;
    }
  }
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
  client.asking = client.asking_next;
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

void Worker::flush_all() {
  for (std::size_t i = 0; i < flush_.size(); ++i) {
    Client& client = *flush_[i];
    client.in_flush_list_ = false;
    if (!client.dead_) flush(client);
  }
  flush_.clear();
}

void Worker::flush(Client& client) {
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

void Worker::destroy_dead() {
  for (Client* client : dead_) {
    std::erase(ready_, client);
    forget(*client);
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
  run_expiry();
}

void Worker::run_expiry() {
  parts_.dispatcher.begin_batch(*run_, loop_.wall_now(), command::Origin::kClient);
  if (run_->access.expiry_role != keyspace::ExpiryRole::kPrimary || !parts_.active_expiry.load()) return;
  const keyspace::Batch inside(run_->participant);
  // A quarter of the time at most, as in Redis: the rest is for clients.
  const std::uint64_t before = run_->counters.expired.load(std::memory_order_relaxed);
  const Ticks start = ticks_now();
  const auto budget = Micros(250'000 / std::clamp<std::uint32_t>(config_.get().process.hz, 1, 500));
  if (expiry_.run(run_->access, parts_.dispatcher.parts().rate.ticks(budget)) ==
      keyspace::ExpiryCycle::End::kBudgetSpent) {
    bump(run_->stats.expiry_budget_spent);
  }
  bump(run_->stats.expiry_ticks, ticks_now() - start);
  if (run_->counters.expired.load(std::memory_order_relaxed) != before) run_->wrote = true;
}

}  // namespace ashlar::server
