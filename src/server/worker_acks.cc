// The part of a worker that keeps replies back until replicas have what they tell of.
#include <algorithm>
#include <limits>

#include "replication/replication.h"
#include "server/worker.h"

namespace ashlar::server {

namespace {
constexpr std::string_view kNotAcknowledged =
    "-NOREPLICAS Too few replicas acknowledged the write in time: it stands on this server and may be lost with it\r\n";
}

void Worker::note_write(Client& client, std::size_t output_before) {
  if (client.last_write == client.noted_write_ || client.out_.size() <= output_before) return;
  client.noted_write_ = client.last_write;
  client.unacknowledged_.add({parts_.replication.offset_of(client.last_write), client.output_total_ + output_before,
                              client.output_total_ + client.out_.size(),
                              loop_.now() + config_.get().replication.min_replicas_ack_timeout});
  acks_due_ = true;
  if (!std::exchange(client.awaits_acks_, true)) awaiting_acks_.push_back(client.id);
}

void Worker::settle_acks() {
  // Said before looking at what is acknowledged: whoever changes that meanwhile sees that we wait, and tells us.
  awaits_acks_.store(true);
  release_acknowledged();
  if (std::exchange(acks_due_, false) && !awaiting_acks_.empty()) parts_.replication.want_acks();
}

void Worker::release_acknowledged() {
  const bool wanted = config_.get().replication.min_replicas_ack > 0;
  const std::int64_t upto = wanted ? parts_.replication.acknowledged() : std::numeric_limits<std::int64_t>::max();
  answer_awaiting(upto, loop_.now());
}

void Worker::refuse_unacknowledged() { answer_awaiting(std::numeric_limits<std::int64_t>::min(), MonoTime::max()); }

void Worker::answer_awaiting(std::int64_t upto, MonoTime now) {
  MonoTime next = MonoTime::max();
  std::erase_if(awaiting_acks_, [&](ClientId id) {
    Client* client = find(id);
    if (client == nullptr) return true;
    UnacknowledgedReplies& waiting = client->unacknowledged_;
    waiting.acknowledge(upto);
    if (waiting.refuse(now, kNotAcknowledged, client->out_, client->output_total_) > 0) client->rearranged();
    mark_flush(*client);
    if (!waiting.empty()) {
      next = std::min(next, waiting.deadline());
      return false;
    }
    client->awaits_acks_ = false;
    return true;
  });
  awaits_acks_.store(!awaiting_acks_.empty());
  if (awaiting_acks_.empty() || ack_timer_) return;
  ack_timer_ = loop_.call_at(next, [this] {
    ack_timer_.reset();
    release_acknowledged();
  });
}

}  // namespace ashlar::server
