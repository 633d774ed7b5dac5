/// One connection of the bus, in either direction. Thread: control loop.
#pragma once

#include "base/buffer.h"
#include "base/fd.h"
#include "cluster/bus/frame_reader.h"
#include "cluster/bus/link_buffer.h"
#include "cluster/driver/driver.h"

namespace ashlar::cluster {

class Driver::Link final : public net::IoHandler {
 public:
  enum class Direction : std::uint8_t { kAccepted, kOutgoing };
  Link(Driver& driver, LinkId id, Fd fd, Direction direction, std::size_t buffer_limit);

  /// Starts watching. Errors: kIo.
  [[nodiscard]] Result<void> open();
  void on_ready(net::Readiness readiness) noexcept override;
  /// Queues a frame and writes what the socket takes. The link may be lost by it.
  void send(bus::SharedFrame frame);
  /// Stops watching and closes the socket; the object dies later.
  void close() noexcept;

  [[nodiscard]] LinkId id() const noexcept { return id_; }
  [[nodiscard]] Direction direction() const noexcept { return direction_; }
  [[nodiscard]] const std::string& peer_ip() const noexcept { return peer_ip_; }
  [[nodiscard]] const std::string& local_ip() const noexcept { return local_ip_; }
  [[nodiscard]] const bus::LinkBuffer& out() const noexcept { return out_; }
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  [[nodiscard]] WallTime created() const noexcept { return created_; }
  /// Of what waits to be sent.
  void set_limit(std::size_t bytes) noexcept { out_.set_limit(bytes); }
  /// Whose node is at the other end, as a message told or as we expect.
  void identify(const NodeId& node) noexcept { peer_ = node; }
  [[nodiscard]] const NodeId& peer() const noexcept { return peer_; }

 private:
  void finish_connect();
  void learn_addresses();
  void read();
  void write();

  Driver& driver_;
  LinkId id_;
  Fd fd_;
  Direction direction_;
  bool connected_;
  bool open_ = true;
  NodeId peer_;
  std::string peer_ip_;
  std::string local_ip_;
  WallTime created_;
  bus::FrameReader reader_;
  bus::LinkBuffer out_;
  ByteBuffer in_;
  net::Watch watch_;
};

}  // namespace ashlar::cluster
