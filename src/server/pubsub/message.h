/// A published message, rendered, on its way to the loops. Thread: built by the publisher, then constant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/pubsub/channel.h"
#include "server/push/inbox.h"

namespace ashlar::server::pubsub {

class Message final : public Parcel {
 public:
  /// For the subscribers of the channel itself (kChannel or kShardChannel).
  void add_channel(Kind kind, std::string_view channel, std::string_view message);
  /// For the subscribers of a pattern that matches the channel.
  void add_pattern(std::string_view pattern, std::string_view channel, std::string_view message);

  void deliver(Worker& worker) const override;

 private:
  struct Part {
    Kind kind;
    std::string name;   // channel or pattern
    std::string frame;  // in the form of RESP2
  };
  std::vector<Part> parts_;
};

}  // namespace ashlar::server::pubsub
