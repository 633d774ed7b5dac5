#include "server/commands/client_line.h"

#include <fmt/format.h>

namespace ashlar::server {
namespace {

/// N when nothing else applies; letters as in Redis.
std::string flags_of(const Client& client) {
  std::string flags;
  if (client.monitoring) flags += 'O';
  if (client.subscribed) flags += 'P';
  if (client.in_transaction) flags += 'x';
  if (client.blocked() || client.postponed()) flags += 'b';
  if (client.transaction && client.transaction->broken && client.transaction->broken->load()) flags += 'd';
  if (const tracking::State* tracking = client.tracking()) {
    flags += 't';
    if (tracking->redirect_broken) flags += 'R';
    if (tracking->mode == tracking::Mode::kBroadcast) flags += 'B';
  }
  if (client.closing()) flags += 'c';
  if (client.transport() == Transport::kUnix) flags += 'U';
  if (client.cluster_readonly) flags += 'r';
  if (client.no_evict) flags += 'e';
  if (client.no_touch) flags += 'T';
  if (client.import_source) flags += 'I';
  return flags.empty() ? "N" : flags;
}

/// -1 without tracking, 0 for itself.
std::int64_t redirect_of(const Client& client) {
  const tracking::State* tracking = client.tracking();
  if (tracking == nullptr) return -1;
  return tracking->redirect ? static_cast<std::int64_t>(tracking->redirect->value) : 0;
}

std::int64_t seconds(Micros span) { return std::chrono::floor<Seconds>(span).count(); }

}  // namespace

std::string client_line(const Client& client, MonoTime now) {
  const ByteBuffer& in = client.input();
  const ByteBuffer& out = client.output();
  using pubsub::Kind;
  const pubsub::Subscriptions& heard = client.subscriptions();
  const command::Transaction* transaction = client.transaction.get();
  const std::int64_t queued =
      transaction != nullptr && transaction->open ? static_cast<std::int64_t>(transaction->queue.size()) : -1;
  std::string line = fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={}",
      client.id.value, client.peer_address(), client.local_address(), client.descriptor(), client.name,
      seconds(now - client.connected_at()), seconds(now - client.last_active()), flags_of(client), client.db.value,
      heard.count(Kind::kChannel), heard.count(Kind::kPattern), heard.count(Kind::kShardChannel), queued);
  // Redis has a small buffer for replies and a list for what does not fit. Here is one buffer: small it is shown as the
  // former, larger as a list of one.
  constexpr std::size_t kSmall = 16 * 1024;
  const bool list = out.size() > kSmall;
  line += fmt::format(
      " qbuf={} qbuf-free={} argv-mem={} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} tot-mem={} events={}",
      client.unparsed(), in.capacity() - in.size(), client.argument_bytes(), client.transaction_bytes(),
      list ? 0 : out.capacity(), out.size(), list ? 0 : out.size(), list ? 1 : 0, list ? out.capacity() : 0,
      client.memory_bytes(), client.wants_write() ? "rw" : "r");
  line += fmt::format(" cmd={} user={} redir={} resp={} lib-name={} lib-ver={}",
                      client.last_command().empty() ? "NULL" : client.last_command(), client.user_name(),
                      redirect_of(client), static_cast<int>(client.reply().version()), client.library_name,
                      client.library_version);
  return line;
}

std::string link_line(const replication::LinkFacts& link, ClientFilter::Kind kind, MonoTime now) {
  const bool replica = kind == ClientFilter::Kind::kReplica;
  return fmt::format(
      "id={} addr={} laddr={} fd={} name= age={} idle={} flags={} db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 "
      "argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll={} omem={} tot-mem={} events={} cmd={} user={} redir=-1 resp=2 "
      "lib-name= lib-ver=",
      link.id.value, link.peer, link.local, link.descriptor, seconds(now - link.since), seconds(now - link.last_heard),
      replica ? 'S' : 'M', link.queued == 0 ? 0 : 1, link.queued, link.queued, link.queued == 0 ? "r" : "rw",
      replica ? "replconf" : "NULL", replica ? "default" : "(superuser)");
}

}  // namespace ashlar::server
