/// Connections of a loop: how they come, wait and go.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "command/transaction.h"
#include "server/worker.h"

namespace ashlar::server {

namespace {

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

std::size_t Client::reply_limit() const { return worker_.reply_limit(*this); }

command::Completion Client::defer() {
  if (in_transaction) {  // the transaction goes on, and the reply is put in its place when it comes
    const std::uint64_t ticket = worker_.hold(*this);
    return [&worker = worker_, id = id, ticket](const command::LateReply& write) {
      worker.post([&worker, id, ticket, write] {
        worker.fill(id, ticket, [&write](Client& client) { write(client.reply()); });
      });
    };
  }
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
      if (Client* client = worker.find(id)) {
        client->last_write = std::max(client->last_write, last_write);
        client->wrote_ = true;
      }
      worker.late_reply(id, [&](resp::Encoder& reply) { reply.raw(replies); });
    });
  };
}

void Worker::adopt(Accepted accepted) {
  const std::uint64_t key = accepted.id.value;
  auto client = std::make_unique<Client>(*this, std::move(accepted), loop_.now());
  const acl::Users::Ptr user = parts_.users.default_user();
  client->authenticated = user->open();
  client->become(user);
  auto watch = loop_.watch(client->fd_.get(), net::Interest::kRead, *client, net::Trigger::kEdge);
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

void Worker::take_arrivals() {
  for (Accepted& accepted : arrivals_.drain()) adopt(std::move(accepted));
}

void Worker::close(Client& client) {
  if (client.dead_) return;
  client.dead_ = true;
  client.watch_ = {};
  client.fd_.reset();
  if (client.waiter_) Dispatcher::abandon(*client.waiter_);
  dead_.push_back(&client);
  account(client);  // at once: the ledger counts nobody that evict_clients() would not find
}

void Worker::set_blocked(Client& client, std::optional<Millis> timeout) {
  client.suspended_ = true;
  client.blocked_ = true;
  client.drops_late_reply_ = client.silent();
  parts_.blocked_clients.fetch_add(1, std::memory_order_relaxed);
  if (!timeout) return;
  arm_wait_timer(client, *timeout);
}

void Worker::arm_wait_timer(Client& client, Millis timeout) {
  client.wait_timer_ = loop_.call_after(timeout, [this, id = client.id] {
    Client* waiting = find(id);
    if (waiting == nullptr) return;
    waiting->wait_timer_.reset();
    if (end_wait(*waiting, WaitEnd::kTimeout) == Ended::kNotNow) arm_wait_timer(*waiting, kBusyRetry);
  });
}

std::uint64_t Worker::hold(Client& client) {
  client.suspended_ = true;
  client.held_.push_back({++client.last_ticket_, client.out_.size(), client.silent()});
  ++client.held_without_text_;
  return client.last_ticket_;
}

void Worker::fill(ClientId id, std::uint64_t ticket, const std::function<void(Client&)>& write) {
  Client* client = find(id);
  if (client == nullptr) return;
  std::vector<Client::HeldReply>& held = client->held_;
  if (held.empty() || ticket < held.front().ticket || ticket > held.back().ticket) return;
  auto& [own_ticket, offset, dropped, text] = held[ticket - held.front().ticket];
  if (text) return;
  const std::size_t before = client->out_.size();
  write(*client);
  text.emplace(dropped ? std::string_view() : client->out_.view().substr(before));
  client->out_.truncate(before);
  if (--client->held_without_text_ > 0) return;
  put_in_held(*client);
  resume(*client);
}

void Worker::put_in_held(Client& client) {
  const std::string written(client.out_.view());
  std::size_t done = 0;
  client.out_.clear();
  for (const Client::HeldReply& reply : std::exchange(client.held_, {})) {
    const std::size_t offset = std::min(reply.offset, written.size());  // CLIENT REPLY OFF takes back what was written
    client.out_.append(std::string_view(written).substr(done, offset - done));
    client.unacknowledged_.shift(client.output_total_ + client.out_.size(),
                                 static_cast<std::int64_t>(reply.text->size()));
    client.out_.append(*reply.text);
    done = offset;
  }
  client.out_.append(std::string_view(written).substr(done));
}

void Worker::late_reply(ClientId id, const command::LateReply& write) {
  Client* client = find(id);
  if (client == nullptr) return;
  const std::size_t before = client->out_.size();
  write(client->reply());
  if (client->drops_late_reply_) client->out_.truncate(before);
  if (config_.get().replication.min_replicas_ack > 0) note_write(*client, before);
  client->out_.append(std::exchange(client->behind_reply_, {}));
  resume(*client);
}

Worker::Ended Worker::end_wait(Client& client, WaitEnd how) {
  if (!client.waiter_) return Ended::kNo;
  if (!run_->participant.enter_unless_busy()) return Ended::kNotNow;
  {
    const keyspace::EnteredBatch inside(run_->participant);
    const std::string_view error = how == WaitEnd::kTimeout ? std::string_view() : "-UNBLOCKED";
    if (!parts_.dispatcher.end_wait(*run_, *client.waiter_, error)) return Ended::kNo;
  }
  late_reply(client.id, [how](resp::Encoder& reply) {
    switch (how) {
      case WaitEnd::kTimeout: return reply.null_array();
      case WaitEnd::kUnblockedByError:
        return reply.error({ErrorCode::kUnblocked, "client unblocked via CLIENT UNBLOCK"});
      case WaitEnd::kRoleChange: return reply.error({ErrorCode::kUnblocked, {}});
    }
  });
  return Ended::kYes;
}

void Worker::end_all_waits() {
  refuse_unacknowledged();
  bool all = true;
  for_each_client([&](Client& client) { all &= end_wait(client, WaitEnd::kRoleChange) != Ended::kNotNow; });
  if (!all) (void)loop_.call_after(kBusyRetry, [this] { end_all_waits(); });
}

void Worker::attend_waiters() {
  if (!run_->participant.enter_unless_busy()) {
    (void)loop_.call_after(kBusyRetry, [this] { attend_waiters(); });
    return;
  }
  const keyspace::EnteredBatch inside(run_->participant);
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

void Worker::postpone(Client& client) {
  client.postponed_ = true;
  parts_.blocked_clients.fetch_add(1, std::memory_order_relaxed);
}

void Worker::unpause() {
  for (auto& [id, client] : clients_) {
    if (client->dead_ || !std::exchange(client->postponed_, false)) continue;
    parts_.blocked_clients.fetch_sub(1, std::memory_order_relaxed);
    mark_ready(*client);
  }
  attend_waiters();
  loop_.post([] {});  // another turn at once
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
      // Whoever has just ended itself is told so; what others have not read yet is not theirs any more.
      const bool by_itself = running_slice_ < group_.size() && group_[running_slice_].client == client.get();
      if (by_itself) {
        client->close_after_reply_ = true;
        mark_flush(*client);
      } else {
        close(*client);
      }
      loop_.post([] {});  // another turn at once
      continue;
    }
    if (old->name() == "default" && (open ? !client->authenticated : client->let_in)) {
      client->authenticated = client->let_in = open;
    }
    if (now != old) client->become(std::move(now));
  }
}

void Worker::depart(Client& client) {
  Departed departed{std::move(client.fd_), std::string(client.in_.view()), client.id, client.peer_address_,
                    client.local_address_};
  const auto taker = std::move(client.departure_);
  client.watch_ = {};
  client.dead_ = true;
  dead_.push_back(&client);
  account(client);
  taker(std::move(departed));
}

bool Worker::forget_interests(Client& client) {
  const bool interested = client.waiter_ || client.transaction;
  if (interested && !run_->participant.enter_unless_busy()) return false;
  if (client.blocked_) parts_.blocked_clients.fetch_sub(1, std::memory_order_relaxed);
  if (client.postponed_) parts_.blocked_clients.fetch_sub(1, std::memory_order_relaxed);
  if (client.wait_timer_) loop_.cancel(*client.wait_timer_);
  if (!interested) return true;
  const keyspace::EnteredBatch inside(run_->participant);
  if (client.waiter_) (void)parts_.dispatcher.end_wait(*run_, *client.waiter_);
  command::end_transaction(client, parts_.dispatcher.parts().keyspace, command::WatchedSlots::kFree);
  return true;
}

void Worker::destroy_dead() {
  std::vector<Client*> dead;
  dead.swap(dead_);
  for (Client* client : dead) {
    if (!forget_interests(*client)) {  // periodic() tries again
      dead_.push_back(client);
      continue;
    }
    std::erase(ready_, client);
    if (client->in_flush_list_) std::erase(flush_, client);
    forget(*client);
    parts_.directory.remove(client->id);
    parts_.on_client_gone(client->id);
    clients_.erase(client->id.value);
    client_count_.fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace ashlar::server
