/// A real redis-server in cluster mode, in a folder of its own, ended with its owner. Thread: one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"

namespace ashlar::cluster::bus {

class RealRedis {
 public:
  /// Starts a server on `port` (bus: +10000) and waits until it answers. Null when there is no redis-server on the path
  /// or it does not come up within 20 seconds.
  [[nodiscard]] static std::unique_ptr<RealRedis> start(std::uint16_t port);
  /// Kills the server and removes its folder.
  ~RealRedis();
  RealRedis(const RealRedis&) = delete;
  RealRedis& operator=(const RealRedis&) = delete;

  /// The reply to one inline command: the text of a bulk or simple string, an error with its '-', a number as digits.
  /// Empty when the server does not answer.
  [[nodiscard]] std::string ask(const std::string& command);
  [[nodiscard]] std::uint16_t bus_port() const noexcept { return static_cast<std::uint16_t>(port_ + 10'000); }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  RealRedis(std::uint16_t port, pid_t pid, std::string folder);

  std::uint16_t port_;
  pid_t pid_;
  std::string folder_;
  Fd client_;
};

}  // namespace ashlar::cluster::bus
