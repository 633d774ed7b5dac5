/// A file descriptor with an owner. Thread: one at a time.
#pragma once

#include <unistd.h>

#include <utility>

namespace ashlar {

/// Closes its descriptor when destroyed. Empty after a move, release() or default construction.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, kNone)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, kNone);
    }
    return *this;
  }
  /// The raw descriptor, for system calls only.
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ != kNone; }
  /// Gives up ownership.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, kNone); }
  void reset() noexcept {
    if (fd_ != kNone) ::close(std::exchange(fd_, kNone));
  }

 private:
  static constexpr int kNone = -1;  // what the kernel itself never hands out
  int fd_ = kNone;
};

}  // namespace ashlar
