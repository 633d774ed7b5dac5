/// The commands of a primary's stream between MULTI and EXEC, kept back until all of them are here.
/// Thread: one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::replication {

/// Invariant: not open() means empty. Memory: as much as has arrived.
class HeldTransaction {
 public:
  [[nodiscard]] bool open() const noexcept { return open_; }
  /// Begins with the bytes of MULTI.
  void begin(std::string_view bytes) {
    open_ = true;
    bytes_ = bytes;
  }
  void add(std::span<const std::string_view> args, std::string_view bytes) {
    commands_.emplace_back(args.begin(), args.end());
    bytes_ += bytes;
  }
  /// Bytes that are no command of it: EXEC itself.
  void add_bytes(std::string_view bytes) { bytes_ += bytes; }
  [[nodiscard]] const std::vector<std::vector<std::string>>& commands() const noexcept { return commands_; }
  /// All of it, as received.
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  void clear() { *this = HeldTransaction(); }

 private:
  bool open_ = false;
  std::string bytes_;
  std::vector<std::vector<std::string>> commands_;
};

}  // namespace ashlar::replication
