#include "server/tracking/invalidation.h"

#include "resp/encoder.h"
#include "server/worker.h"

namespace ashlar::server::tracking {

namespace {

constexpr std::string_view kChannel = "__redis__:invalidate";

/// A list of the one key, or null for all keys.
void put_keys(resp::Encoder& frame, const std::optional<std::string>& key) {
  if (!key) return frame.null();
  frame.array(1);
  frame.bulk(*key);
}

void push_invalidation(Worker& worker, Client& client, const std::optional<std::string>& key) {
  ByteBuffer bytes;
  resp::Encoder frame(bytes, client.reply().version());
  frame.push(2);
  frame.bulk("invalidate");
  put_keys(frame, key);
  worker.push_raw(client, bytes.view());
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
void tell(Worker& worker, Client& client, const std::optional<std::string>& key) {
  const std::optional<ClientId> redirect = client.tracking()->redirect;
  if (!redirect) {
    if (client.reply().version() == resp::Version::kResp3) push_invalidation(worker, client, key);
    return;
  }
  auto parcel = std::make_shared<const RedirectedInvalidation>(*redirect, key);
  if (!worker.directory().send(*redirect, std::move(parcel))) report_broken_redirect(worker, client);
}

[[nodiscard]] bool hears(const Client& client, ClientId actor) {
  return client.tracking()->own_changes == OwnChanges::kTold || client.id != actor;
}

}  // namespace

void KeyInvalidation::deliver(Worker& worker) const {
  for (const ClientId id : readers_) {
    Client* client = worker.find(id);
    if (client == nullptr || client->tracking() == nullptr || client->tracking()->mode == Mode::kBroadcast) continue;
    if (hears(*client, actor_)) tell(worker, *client, key_);
  }
}

void PrefixInvalidation::deliver(Worker& worker) const {
  const auto* clients = worker.trackers().with_prefix(prefix_);
  if (clients == nullptr) return;
  for (Client* client : *clients) {
    if (hears(*client, actor_)) tell(worker, *client, key_);
  }
}

void FlushInvalidation::deliver(Worker& worker) const {
  for (Client* client : worker.trackers().all()) tell(worker, *client, std::nullopt);
}

void RedirectedInvalidation::deliver(Worker& worker) const {
  Client* client = worker.find(target_);
  if (client == nullptr) return;  // the next one finds out
  if (client->reply().version() == resp::Version::kResp3) return push_invalidation(worker, *client, key_);
  if (!client->subscribed) return;
  ByteBuffer bytes;
  resp::Encoder frame(bytes);
  frame.push(3);
  frame.bulk("message");
  frame.bulk(kChannel);
  put_keys(frame, key_);
  worker.push_raw(*client, bytes.view());
}

}  // namespace ashlar::server::tracking
