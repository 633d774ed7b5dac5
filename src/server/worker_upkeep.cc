/// What a loop does beside commands: memory, expiry, eviction, idle connections.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/worker.h"

namespace ashlar::server {

namespace {

constexpr std::size_t kSpareBuffers = 64;
constexpr std::size_t kSpareBufferBytes = 64 * 1024;
constexpr std::size_t kSparesGivenBack = 2;  // in each period in which nobody needed them
/// A name in the sets and maps where it is registered, without its bytes. An estimate, as Redis makes one.
constexpr std::size_t kRegistration = 128;
/// From when on a client has not sent anything for long enough to give back what its input buffer does not need.
constexpr Seconds kIdle{2};

}  // namespace

void Worker::note_latency(std::string_view event, Ticks spent) {
  const Dispatcher::Parts& parts = parts_.dispatcher.parts();
  parts.latency.note(event, loop_.wall_now(), Micros(static_cast<std::int64_t>(parts.rate.micros(spent))));
}

std::optional<MemoryGuard::Room> Worker::room_without_eviction() const {
  const Gates& gates = parts_.dispatcher.parts().gates;
  if (gates.paused() || gates.closed(Gate::kLoading)) return MemoryGuard::Room::kEnough;
  if (gates.closed(Gate::kImporting) && !gates.closed(Gate::kReplica)) {  // what goes is for the source to say
    return parts_.memory.over_limit() ? MemoryGuard::Room::kNone : MemoryGuard::Room::kEnough;
  }
  return std::nullopt;
}

bool Worker::clients_are_about_to_go() const {
  return parts_.ledger.over_limit() && parts_.ledger.largest(account_).account != nullptr;
}

MemoryGuard::Room Worker::make_room() {
  if (parts_.memory.limit() == 0) [[likely]]
    return MemoryGuard::Room::kEnough;
  if (const auto room = room_without_eviction()) return *room;
  if (parts_.memory.tight()) drop_spares(spare_buffers_.size());  // not counted: nobody's room becomes less or more
  if (parts_.memory.over_limit()) {
    evict_clients();                                                   // before any data
    if (clients_are_about_to_go()) return MemoryGuard::Room::kEnough;  // of another loop
  }
  const MemoryGuard::Room room = evict_keys();
  if (room == MemoryGuard::Room::kSome && !std::exchange(evicting_, true)) {
    loop_.post([this] {
      evicting_ = false;
      evict();
    });
  }
  return room;
}

MemoryGuard::Room Worker::evict_keys() {
  const Ticks start = ticks_now();
  const MemoryGuard::Room room = parts_.memory.make_room(*run_);
  note_latency("eviction-cycle", ticks_now() - start);
  return room;
}

void Worker::ask_for_memory_again() {
  // To ask is half a microsecond, of a command's two.
  constexpr std::int64_t kWorthAsking = std::int64_t{16} * 1024;
  const std::int64_t now = memory_balance_of_thread();
  if (std::abs(now - asked_at_) < kWorthAsking) return;
  asked_at_ = now;
  run_->out_of_memory = false;
  if (!parts_.memory.tight()) return;
  auto room = room_without_eviction();
  if (!room) {
    if (clients_are_about_to_go()) return;  // before data, but not in the middle of a turn
    run_->access.actor = {};
    room = evict_keys();
  }
  run_->out_of_memory = *room == MemoryGuard::Room::kNone;
}

bool Worker::others_may_make_room() {
  constexpr Millis kPatience{50};  // one of them may be in the middle of a long command
  if (!short_) {
    short_ = {loop_.now(), parts_.ledger.turns()};
    parts_.ledger.wake_others(account_);
  }
  return loop_.now() - short_->since < kPatience && !parts_.ledger.others_had_turn(account_, short_->turns);
}

void Worker::evict() {
  if (parts_.memory.limit() == 0) return;
  run_->access.actor = {};
  parts_.dispatcher.begin_batch(*run_, loop_.wall_now(), command::Origin::kClient);
  (void)make_room();
  if (!run_->interests.any_ready() || !run_->participant.enter_unless_busy()) return;
  const keyspace::EnteredBatch inside(run_->participant);
  parts_.dispatcher.serve_ready(*run_);
}

void Worker::limit_tracking() {
  if (parts_.tracking.over_limit()) [[unlikely]]
    parts_.tracking.enforce_limit(run_->rng);
}

std::size_t Client::transaction_bytes() const noexcept {
  if (!transaction) return 0;
  constexpr std::size_t kArguments = 3 * sizeof(std::string);  // of a usual command
  return transaction->bytes + transaction->queue.size() * (sizeof(command::QueuedCommand) + kArguments) +
         transaction->watched.size() * (sizeof(command::WatchedKey) + kRegistration);
}

std::size_t Client::argument_bytes() const noexcept {
  return parser_.argument_bytes() + (waiter_ ? Dispatcher::held_by(*waiter_).arguments : 0);
}

std::size_t Client::memory_bytes() const noexcept {
  std::size_t bytes = sizeof(*this) + in_.capacity() + out_.capacity() + behind_reply_.capacity();
  if (transaction) bytes += transaction_bytes();
  if (waiter_) {
    const Dispatcher::Held held = Dispatcher::held_by(*waiter_);
    bytes += held.arguments + held.registered;
  }
  if (subscribed) {
    using pubsub::Kind;
    for (const Kind kind : {Kind::kChannel, Kind::kPattern, Kind::kShardChannel}) {
      bytes += subscriptions_.count(kind) * kRegistration;
    }
  }
  if (tracking_) bytes += sizeof(*tracking_) + tracking_->prefixes.size() * kRegistration;
  return bytes;
}

ByteBuffer Worker::take_spare() {
  ByteBuffer buffer = std::move(spare_buffers_.back());
  spare_buffers_.pop_back();
  spares_unused_ = std::min(spares_unused_, spare_buffers_.size());
  note_spares(account_.spare.load(std::memory_order_relaxed) - buffer.capacity());
  return buffer;
}

void Worker::give_output(Client& client) {
  if (client.out_.capacity() != 0) return;
  if (!spare_buffers_.empty()) {
    client.out_ = take_spare();
  } else {
    (void)client.out_.reserve_back(kReadChunk);
  }
}

void Worker::give_outputs() {
  for (Client* client : ready_) {
    if (!client->dead_ && !client->suspended_ && !client->postponed_ && !client->close_after_reply_) {
      give_output(*client);
    }
  }
}

void Worker::drop_spares(std::size_t count) {
  for (; count != 0 && !spare_buffers_.empty(); --count) (void)take_spare();
}

void Worker::note_spares(std::size_t bytes) noexcept { account_.spare.store(bytes, std::memory_order_relaxed); }

void Worker::reclaim_buffers(Client& client) {
  for (ByteBuffer* buffer : {&client.in_, &client.out_}) {
    if (!buffer->empty() || buffer->capacity() == 0) continue;
    if (buffer->capacity() >= kReadChunk && buffer->capacity() <= kSpareBufferBytes &&
        spare_buffers_.size() < kSpareBuffers) {
      note_spares(account_.spare.load(std::memory_order_relaxed) + buffer->capacity());
      spare_buffers_.push_back(std::move(*buffer));
    }
    *buffer = ByteBuffer();
  }
}

void Worker::account(Client& client) {
  const std::size_t now = client.dead_ ? 0 : client.memory_bytes();
  const bool spared = client.dead_ || client.no_evict;
  const ClientLedger::Bucket bucket = spared ? ClientLedger::kNone : ClientLedger::bucket_of(now);
  if (bucket != client.bucket_) account_.move(std::exchange(client.bucket_, bucket), bucket);
  if (now == client.accounted_) return;
  account_.bytes.store(account_.bytes.load(std::memory_order_relaxed) + now - client.accounted_,
                       std::memory_order_relaxed);
  client.accounted_ = now;
}

void Worker::evict_clients() {
  while (parts_.ledger.over_limit()) {
    const ClientLedger::Largest largest = parts_.ledger.largest(account_);
    if (largest.account == nullptr) return;
    if (largest.account != &account_) return largest.account->wake();
    const auto found = std::ranges::find_if(
        clients_, [&](const auto& entry) { return !entry.second->dead_ && entry.second->bucket_ == largest.bucket; });
    ASH_CHECK(found != clients_.end());
    Client& client = *found->second;
    log::notice("Evicting client: id={} addr={} laddr={} name={} user={} tot-mem={}", client.id.value,
                client.peer_address_, client.local_address_, client.name, client.user_name(), client.accounted_);
    bump(run_->stats.evicted_clients);
    close(client);
    client.in_ = ByteBuffer();  // at once: whoever asks for memory now shall find it
    client.out_ = ByteBuffer();
    account(client);
  }
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

void Worker::arm_timer() {
  const auto period = Micros(1'000'000 / std::clamp<std::uint32_t>(config_.get().process.hz, 1, 500));
  (void)loop_.call_after(period, [this] {  // lives as long as the loop
    periodic();
    arm_timer();
  });
}

void Worker::take_settings() {
  loop_.set_gather(config_.get().process.gather_wakeups);
  evict();
}

bool Worker::may_be_idle(const Client& client) noexcept {
  return !client.suspended_ && !client.postponed_ && !client.subscribed && !client.monitoring;
}

void Worker::periodic() {
  if (parts_.cron_paused.load(std::memory_order_relaxed)) return;
  const Seconds idle = config_.get().clients.idle_timeout;
  for (auto& [id, client] : clients_) {
    if (client->dead_) continue;
    if (idle.count() > 0 && may_be_idle(*client) && loop_.now() - client->last_active_ > idle) {
      log::verbose("Closing idle client id={}", client->id.value);
      close(*client);
    } else if (client->wants_write_) {
      enforce_output_limit(*client);
    }
    if (loop_.now() - client->last_active_ > kIdle) client->in_.shrink(0);
    account(*client);
  }
  note_buffers();
  // A few at a time, so that nobody who measures sees a jump.
  drop_spares(parts_.memory.tight() ? spare_buffers_.size() : std::min(spares_unused_, kSparesGivenBack));
  spares_unused_ = spare_buffers_.size();
  evict_clients();
  destroy_dead();
  evict();
  if (parts_.tracking.over_limit() && run_->participant.enter_unless_busy()) {
    const keyspace::EnteredBatch inside(run_->participant);
    limit_tracking();
  }
  run_expiry();
}

void Worker::run_expiry() {
  parts_.dispatcher.begin_batch(*run_, loop_.wall_now(), command::Origin::kClient);
  if (!parts_.active_expiry.load()) return;
  if (!run_->participant.enter_unless_busy()) return;
  const keyspace::EnteredBatch inside(run_->participant);
  // What DEBUG LOADAOF has put in place so far is not the dataset yet: what it expires would be recorded behind what is
  // still to be replayed. Asked inside the batch, for the loader waits for all batches once it has closed the gate.
  if (parts_.dispatcher.parts().gates.closed(Gate::kLoading)) return;
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
