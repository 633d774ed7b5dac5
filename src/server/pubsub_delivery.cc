#include "server/pubsub/message.h"

#include "resp/encoder.h"
#include "server/worker.h"

namespace ashlar::server::pubsub {

namespace {

std::string render(std::initializer_list<std::string_view> words) {
  ByteBuffer out;
  resp::Encoder frame(out);
  frame.push(words.size());
  for (const std::string_view word : words) frame.bulk(word);
  return std::string(out.view());
}

}  // namespace

void Message::add_channel(Kind kind, std::string_view channel, std::string_view message) {
  const std::string_view word = kind == Kind::kShardChannel ? "smessage" : "message";
  parts_.push_back({kind, std::string(channel), render({word, channel, message})});
}

void Message::add_pattern(std::string_view pattern, std::string_view channel, std::string_view message) {
  parts_.push_back({Kind::kPattern, std::string(pattern), render({"pmessage", pattern, channel, message})});
}

void Message::deliver(Worker& worker) const {
  for (const Part& part : parts_) {
    const Audience::Clients* clients = worker.audience().find(part.kind, part.name);
    if (clients == nullptr) continue;  // they left while the message was on its way
    for (Client* client : *clients) worker.push(*client, part.frame);
  }
}

}  // namespace ashlar::server::pubsub
