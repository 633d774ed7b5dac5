#include "server/tracking/invalidation.h"

#include "resp/encoder.h"
#include "server/worker.h"

namespace ashlar::server::tracking {

namespace {

constexpr std::string_view kChannel = "__redis__:invalidate";

/// In messages no keys stand for all keys.
using Keys = std::span<const std::string_view>;

void put_keys(resp::Encoder& frame, Keys keys) {
  if (keys.empty()) return frame.null();
  frame.array(keys.size());
  for (const std::string_view key : keys) frame.bulk(key);
}

void write_invalidation(resp::Encoder& frame, Keys keys) {
  frame.push(2);
  frame.bulk("invalidate");
  put_keys(frame, keys);
}

void report_broken_redirect(Worker& worker, Client& client) {
  client.tracking()->redirect_broken = true;
  if (client.reply().version() != resp::Version::kResp3) return;
  ByteBuffer bytes;
  resp::Encoder frame(bytes, resp::Version::kResp3);
  frame.push(2);
  frame.bulk("tracking-redir-broken");
  frame.integer(static_cast<std::int64_t>(client.tracking()->redirect->value));
  worker.push_raw(client, bytes.view());
}

/// Tells `client`, or whom it has named instead. RESP2 has no way to tell a connection about itself.
void tell(Worker& worker, Client& client, Keys keys, Worker::Push when = Worker::Push::kNow) {
  const std::optional<ClientId> redirect = client.tracking()->redirect;
  if (!redirect) {
    if (client.reply().version() != resp::Version::kResp3) return;
    ByteBuffer bytes;
    resp::Encoder frame(bytes, resp::Version::kResp3);
    write_invalidation(frame, keys);
    return worker.push_raw(client, bytes.view(), when);
  }
  auto parcel = std::make_shared<const RedirectedInvalidation>(client.id, *redirect, keys);
  if (!worker.directory().send(*redirect, std::move(parcel))) report_broken_redirect(worker, client);
}

[[nodiscard]] bool hears(const Client& client, ClientId actor) {
  return client.tracking()->own_changes == OwnChanges::kTold || client.id != actor;
}

}  // namespace

void KeyInvalidation::deliver(Worker& worker) const {
  const std::string_view key = key_;
  for (const ClientId id : readers_) {
    Client* client = worker.find(id);
    if (client == nullptr || client->tracking() == nullptr || client->tracking()->mode == Mode::kBroadcast) continue;
    if (!hears(*client, actor_)) continue;
    // A command that has waited changed it: its reply is on its way and comes first.
    tell(worker, *client, {&key, 1}, id == actor_ ? Worker::Push::kBehindReply : Worker::Push::kNow);
  }
}

void PrefixInvalidation::deliver(Worker& worker) const {
  const auto* clients = worker.trackers().with_prefix(prefix_);
  if (clients == nullptr) return;
  std::vector<std::string_view> keys;
  for (Client* client : *clients) {
    keys.clear();
    for (const Changed& changed : keys_) {
      if (hears(*client, changed.actor)) keys.push_back(changed.key);
    }
    if (!keys.empty()) tell(worker, *client, keys);
  }
}

void FlushInvalidation::deliver(Worker& worker) const {
  for (Client* client : worker.trackers().all()) tell(worker, *client, {});
}

void RedirectedInvalidation::deliver(Worker& worker) const {
  Client* client = worker.find(target_);
  if (client == nullptr) {  // it ended meanwhile; if the source has too, nobody need know
    (void)worker.directory().send(source_, std::make_shared<const BrokenRedirect>(source_));
    return;
  }
  const std::vector<std::string_view> keys(keys_.begin(), keys_.end());
  ByteBuffer bytes;
  resp::Encoder frame(bytes, client->reply().version());
  if (client->reply().version() == resp::Version::kResp3) {
    write_invalidation(frame, keys);
  } else {
    if (!client->subscribed) return;
    frame.push(3);
    frame.bulk("message");
    frame.bulk(kChannel);
    put_keys(frame, keys);
  }
  worker.push_raw(*client, bytes.view());
}

void BrokenRedirect::deliver(Worker& worker) const {
  Client* client = worker.find(source_);
  if (client == nullptr || client->tracking() == nullptr || !client->tracking()->redirect) return;
  report_broken_redirect(worker, *client);
}

}  // namespace ashlar::server::tracking
