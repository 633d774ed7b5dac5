#include "server/worker.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "base/scheduling.h"
#include "command/transaction.h"
#include "net/connection_io.h"

namespace ashlar::server {

namespace {

/// Whether it is a line of a request of HTTP: somebody has made a browser or another program speak to this port, and
/// chosen what follows.
bool is_http(std::string_view word) { return iequals(word, "post") || iequals(word, "host:"); }

}  // namespace

Worker::Worker(const Parts& parts, std::uint32_t number)
    : parts_(parts),
      number_(number),
      loop_(parts.clock, {.gather = parts.config.get()->process.gather_wakeups}),
      run_(parts.dispatcher.make_execution()),
      inbox_([this] { loop_.post([this] { open_inbox(); }); }),
      audience_(parts.hub, parts.hub.join(inbox_)),
      trackers_(parts.tracking, inbox_),
      expiry_(parts.dispatcher.parts().keyspace, number, parts.workers),
      config_(parts.config),
      account_(parts.ledger.join([this] {
        loop_.post([this] {
          evict_clients();
          loop_.post([] {});  // and a whole turn
        });
      })),
      arrivals_([this] { loop_.post([this] { take_arrivals(); }); }) {
  loop_.on_turn_end([this] { end_turn(); });
}

Worker::~Worker() = default;

void Worker::run() {
  prefer_short_turns();
  arm_timer();
  loop_.run();
  release_durable();  // the log was closed before the loops
  flush_all();
  clients_.clear();
}

void Worker::stop() { loop_.stop(); }

void Worker::post(net::EventLoop::Callback task) { loop_.post(std::move(task)); }

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

void Worker::client_ready(Client& client, net::Readiness readiness) {
  if (client.dead_) return;
  // The arguments of a command that runs are views into its buffer: nothing is read there now.
  if (busy_ && std::ranges::any_of(group_, [&](const Slice& slice) { return slice.client == &client; })) {
    client.watch_.ask_again();
    return;
  }
  if (readiness.writable) mark_flush(client);
  // Whole commands that wait for their turn are enough: who sends faster than we run them waits in the kernel.
  if (client.in_ready_list_ && client.in_.size() >= kReadChunk && client.parser_.missing_bytes() == 0) {
    client.watch_.ask_again();
    return;
  }
  if (readiness.readable) read_input(client, readiness.ended ? Input::kEnds : Input::kGoesOn);
}

void Worker::read_input(Client& client, Input input) {
  if (client.in_.capacity() == 0 && !spare_buffers_.empty()) client.in_ = take_spare();
  const std::size_t had = client.in_.size();
  std::size_t missing = client.parser_.missing_bytes();
  bool more = true;  // what was asked for came: there may be more
  bool at_once = true;
  while (at_once) {
    std::size_t want = kReadChunk;
    if (missing != 0) [[unlikely]] {
      // A big argument that is arriving is read in larger pieces, as large as what has arrived already; where its end
      // is in sight, the buffer grows to that and hardly further.
      constexpr std::size_t kBehind = 1024;
      want = std::min(std::max(client.in_.size(), kReadChunk), missing + kBehind);
      const std::size_t room = client.in_.free_back();
      if (room < want && room >= missing) want = room;
      (void)client.in_.reserve_back_exact(want);
    }
    const net::IoOutcome result = net::read_some(client.fd_.get(), client.in_, want);
    bump(run_->stats.reads);
    if (result.status == net::IoStatus::kWouldBlock) {
      more = false;
      break;
    }
    if (result.status != net::IoStatus::kOk) {
      close(client);
      return;
    }
    client.input_total_ += result.bytes;
    bump(run_->stats.input_bytes, result.bytes);
    missing -= std::min(missing, result.bytes);
    more = result.bytes >= want;
    at_once = more && missing != 0 && client.in_.size() - had < kReadOfOne;
  }
  if (client.in_.size() == had) return;
  // Readiness is told once: what is left, data or the end, must be asked for.
  if (more || input == Input::kEnds) client.watch_.ask_again();
  client.last_active_ = loop_.now();
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
  const bool had_input = !ready_.empty();
  if (inbox_.pending()) open_inbox();  // what was sent before a command arrived comes before it
  evict_clients();                     // one whose command is too large goes before it is run
  run_ready();
  settle_writes();
  Dispatcher::deliver(*run_);
  if (inbox_.pending()) open_inbox();
  settle_promises();
  const Turn turn = had_input || !flush_.empty() ? Turn::kBusy : Turn::kIdle;
  flush_all();
  attend_disk(turn);
  evict_clients();
  destroy_dead();
  account_.turns.store(account_.turns.load(std::memory_order_relaxed) + 1);
  if (!ready_.empty()) loop_.post([] {});  // another turn at once
}

void Worker::run_ready() {
  if (ready_.empty()) return;
  refresh_users();
  const WallTime now = loop_.wall_now();
  run_->access.actor = {};                                              // evictions are nobody's
  parts_.dispatcher.begin_batch(*run_, now, command::Origin::kClient);  // eviction records removals
  if (parts_.memory.limit() != 0) give_outputs();
  const MemoryGuard::Room room = make_room();
  if (room == MemoryGuard::Room::kNone && others_may_make_room()) return;
  if (room != MemoryGuard::Room::kNone) short_.reset();
  run_->out_of_memory = room == MemoryGuard::Room::kNone;
  if (parts_.memory.limit() != 0) asked_at_ = memory_balance_of_thread();
  acks_wanted_ = config_.get().replication.min_replicas_ack > 0;
  if (!run_->participant.enter_unless_busy()) {
    answer_busy();
    return;
  }
  const keyspace::EnteredBatch inside(run_->participant);
  limit_tracking();
  if (inbox_.pending()) open_inbox();  // evictions and forgotten keys come before the replies
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
    prefetch_group();
    rest_ = std::span(round).subspan(next);
    for (running_slice_ = 0; running_slice_ < group_.size(); ++running_slice_) run_slice(group_[running_slice_]);
  }
  rest_ = {};
  group_.clear();
  ready_.reserve(round.capacity());
}

void Worker::prefetch_group() {
  if (run_->keys.size() < 2) return;
  using Touches = Dispatcher::Touches;
  const bool strings = std::ranges::all_of(located_, [](const Located& located) {
    return located.command == nullptr || located.command->spec.group == command::Group::kString;
  });
  parts_.dispatcher.prefetch(*run_, group_.front().client->db, strings ? Touches::kStrings : Touches::kCollections);
}

keyspace::ExpiryRole Worker::role_of_import() const {
  const Gates& gates = parts_.dispatcher.parts().gates;
  const bool importing = gates.closed(Gate::kImporting) && !gates.closed(Gate::kReplica);
  return importing ? keyspace::ExpiryRole::kApply : parts_.dispatcher.role();
}

void Worker::give_back_what_waits() {
  for (std::size_t i = running_slice_ + 1; i < group_.size(); ++i) {
    Client* client = std::exchange(group_[i].client, nullptr);
    if (client == nullptr || client->dead_) continue;
    client->parser_ = resp::RequestParser();  // nothing was run: it begins again
    mark_ready(*client);
  }
  for (Client* client : rest_) {
    if (!client->dead_) mark_ready(*client);
  }
}

void Worker::run_slice(const Slice& slice) {
  if (slice.client == nullptr) return;  // given back while a script kept everybody waiting
  Client& client = *slice.client;
  if (client.dead_) return;  // ended by another one's command
  give_output(client);
  client.encoder_.set_ceiling(std::max(reply_limit(client), kReadChunk));  // what is longer ends it anyway
  const bool wrote_before = std::exchange(run_->wrote, false);
  const keyspace::ExpiryRole role = run_->access.expiry_role;
  const bool limited = parts_.memory.limit() != 0;
  std::size_t done = 0;
  std::size_t consumed = 0;
  for (; done < slice.batch->size(); ++done) {
    const Located& located = located_[slice.first_located + done];
    const std::size_t before = client.out_.size();
    const auto args = (*slice.batch)[done];
    if (located.command != nullptr) client.last_command_ = located.command->spec.name;
    if (located.command == nullptr && is_http(args[0])) [[unlikely]] {
      close_for_http(client);
      break;
    }
    client.began_silent_ = client.reply_mode != command::ReplyMode::kOn;
    run_->request_bytes = slice.batch->bytes(done);
    if (limited && located.command != nullptr && located.command->spec.is(command::Flag::kDenyOom)) [[unlikely]]
      ask_for_memory_again();
    run_->access.expiry_role = client.import_source ? role_of_import() : parts_.dispatcher.role();
    if (parts_.dispatcher.run(*run_, located, args, client, client.encoder_) == Outcome::kPostponed) {
      postpone(client);
      break;
    }
    consumed += slice.batch->bytes(done);
    after_command(client, located, before);
    if (client.out_.size() > kReadChunk) [[unlikely]] {
      enforce_output_limit(client);
      account(client);  // other loops look at it before they evict keys
    }
    if (acks_wanted_) [[unlikely]]
      note_write(client, before);
    if (inbox_.pending()) [[unlikely]]
      open_inbox();
    refresh_users();
    if (client.suspended_ || client.close_after_reply_ || client.dead_ || client.departure_) {
      ++done;
      break;
    }
  }
  client.encoder_.set_ceiling(std::numeric_limits<std::size_t>::max());
  run_->access.expiry_role = role;
  client.wrote_ |= run_->wrote;
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
  if (client.waiter_) [[unlikely]]
    account(client);
}

void Worker::after_command(Client& client, const Located& located, std::size_t output_before) {
  client.asking = client.asking_next || (client.asking && client.in_transaction);
  client.asking_next = false;
  if (client.tracks_keys) [[unlikely]] {
    // CLIENT CACHING is about the next command, or the whole next transaction; those about connections do not count.
    if (!client.in_transaction &&
        (located.command == nullptr || located.command->spec.group != command::Group::kConnection)) {
      client.tracking()->caching_said = false;
    }
  }
  if (client.reply_mode != command::ReplyMode::kOn) [[unlikely]]
    keep_silent(client, output_before);
}

void Worker::keep_silent(Client& client, std::size_t output_before) {
  using command::ReplyMode;
  if (!std::exchange(client.answered_with_push_, false) && client.silent()) {
    client.out_.truncate(output_before);
    client.encoder_.resume();
  }
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

void Worker::close_for_http(Client& client) {
  constexpr Seconds kQuiet{60};  // others choose how often it happens
  if (!http_told_ || loop_.now() - *http_told_ > kQuiet) {
    http_told_ = loop_.now();
    log::warning(
        "Closing client id={} addr={}: it sends HTTP, so somebody may be using another program to attack this server",
        client.id.value, client.peer_address_);
  }
  close(client);
}

void Worker::serve_while_busy() {
  if (busy_) return;
  busy_ = true;
  give_back_what_waits();
  take_arrivals();
  loop_.poll_io(Micros(0));
  answer_busy();
  release_durable();
  settle_promises();
  if (to_sync_) ask_for_sync();
  // Those that are in the middle of a command, or whose writes are not in the file yet, keep their replies for later;
  // so they go back onto the list.
  for (Client* client : std::exchange(flush_, {})) {
    client->in_flush_list_ = false;
    if (client->dead_) continue;
    const bool later =
        client->wrote_ || std::ranges::any_of(group_, [&](const Slice& slice) { return slice.client == client; });
    later ? mark_flush(*client) : flush(*client);
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
      if (!batch.empty() && is_http(batch[0][0])) {
        close_for_http(*client);
        break;
      }
      const std::size_t before = client->out_.size();
      client->began_silent_ = client->reply_mode != command::ReplyMode::kOn;
      if (!batch.empty() && parts_.dispatcher.run_aside(batch[0], *client, client->encoder_) == Outcome::kPostponed) {
        client->parser_ = resp::RequestParser();
        later(*client);
        break;
      }
      client->in_.consume_front(parsed.consumed);
      if (parsed.status == resp::ParseStatus::kError) protocol_error(*client);
      if (batch.empty()) break;
      if (client->reply_mode != command::ReplyMode::kOn) keep_silent(*client, before);
    }
    mark_flush(*client);
  }
}

void Worker::push(Client& client, std::string_view frame) {
  if (client.dead_ || client.close_after_reply_ || client.departure_ || frame.empty()) return;
  ASH_DCHECK(frame.front() == '*');
  if (client.encoder_.version() == resp::Version::kResp3) {
    client.out_.push_back('>');
    frame.remove_prefix(1);
  }
  client.out_.append(frame);
  note_push(client);
}

void Worker::push_raw(Client& client, std::string_view bytes, Push when) {
  if (client.dead_ || client.close_after_reply_ || client.departure_) return;
  if (when == Push::kBehindReply && client.waiter_) {
    client.behind_reply_.append(bytes);
    return;
  }
  client.out_.append(bytes);
  note_push(client);
}

void Worker::note_push(Client& client) {
  mark_flush(client);
  if (client.out_.size() <= kReadChunk) [[likely]]
    return;
  // The end of the turn may be far: what is too much is not kept until then.
  enforce_output_limit(client);
  if (client.dead_) client.out_ = ByteBuffer();
  account(client);
}

void Worker::open_inbox() {
  for (const SharedParcel& parcel : inbox_.drain()) parcel->deliver(*this);
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
  seal(client);
  if (client.dead_) return;
  // What is far too much already is not sent either, as the reply that made it so is not.
  if (client.out_.size() > kReadChunk) [[unlikely]] {
    enforce_output_limit(client);
    if (client.dead_) return;
  }
  while (!client.sendable().empty()) {
    const net::IoOutcome result = net::write_some(client.fd_.get(), client.sendable());
    bump(run_->stats.writes);
    if (result.status == net::IoStatus::kWouldBlock) break;
    if (result.status != net::IoStatus::kOk) {
      close(client);
      return;
    }
    client.output_total_ += result.bytes;
    client.last_active_ = loop_.now();
    bump(run_->stats.output_bytes, result.bytes);
    client.out_.consume_front(result.bytes);
  }
  const bool waiting = !client.sendable().empty();
  if (waiting != client.wants_write_) {
    client.wants_write_ = waiting;
    client.watch_.set_interest(waiting ? net::Interest::kReadWrite : net::Interest::kRead);
  }
  if (!client.out_.empty()) {
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

const config::OutputBufferLimit& Worker::output_limit(const Client& client) {
  const auto kind = client.subscribed ? config::ClientClass::kPubSub : config::ClientClass::kNormal;
  return config_.get().clients.output_limit(kind);
}

std::size_t Worker::reply_limit(const Client& client) {
  const std::size_t hard = output_limit(client).hard;
  return hard == 0 ? std::numeric_limits<std::size_t>::max() : hard;
}

void Worker::enforce_output_limit(Client& client) {
  const config::OutputBufferLimit& limit = output_limit(client);
  const std::size_t pending = client.out_.size();
  bool over = (limit.hard != 0 && pending > limit.hard) || client.encoder_.cut();
  constexpr std::size_t kStrangersMost = 1024;  // source: Redis 7, of who has not logged in
  over |= !client.authenticated && pending > kStrangersMost;
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

}  // namespace ashlar::server
