/// A cluster node that knows nothing but the bus: answers what it is asked and remembers what it heard. Thread: one.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/time.h"
#include "cluster/bus/frame_reader.h"
#include "cluster/bus/link_buffer.h"
#include "cluster/core/message.h"

namespace ashlar::cluster::bus {

/// A socket bound to 127.0.0.1:port; empty if the port is taken.
[[nodiscard]] Fd listen_on(std::uint16_t port);
/// A socket connected to 127.0.0.1:port; empty if nobody listens.
[[nodiscard]] Fd connect_to(std::uint16_t port);
/// Waits until `fd` is readable; false after `wait`.
[[nodiscard]] bool readable(const Fd& fd, Millis wait);

class FakeNode {
 public:
  /// Listens on its bus port at once; its client port is announced but nobody listens there.
  FakeNode(NodeId id, std::uint16_t client_port, Fd bus_listener, std::uint16_t bus_port);

  /// What goes out with every message and in every pong. Tests change them as their story goes.
  MessageHeader header;
  std::vector<Extension> extensions;

  /// Waits at most `wait` for something to happen, then takes what came, answering each PING and MEET with a PONG.
  void serve(Millis wait);
  /// Opens a link of its own to a bus port of 127.0.0.1. False if that fails.
  [[nodiscard]] bool link_to(std::uint16_t bus_port);
  /// Sends `body` under the present header on the link that link_to() opened.
  void send(Body body);

  /// Messages so far, and complaints: frames that did not decode or did not encode to the same bytes, streams cut off.
  [[nodiscard]] const std::vector<Message>& heard() const noexcept { return heard_; }
  [[nodiscard]] const std::vector<std::string>& complaints() const noexcept { return complaints_; }

 private:
  struct Link {
    Fd socket;
    FrameReader reader{};
    LinkBuffer out{0};
  };
  void receive(Link& link);
  void take(Link& link, std::string_view frame);
  void flush(Link& link);

  Fd listener_;
  std::list<Link> links_;
  Link* own_ = nullptr;  // the one that link_to() opened; an element of links_
  std::vector<Message> heard_;
  std::vector<std::string> complaints_;
};

}  // namespace ashlar::cluster::bus
