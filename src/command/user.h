/// Who a session acts for, as far as commands must know. The rules behind it belong to the server (server/acl).
/// Thread: immutable, any. A change of a user's rules makes a new object.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ashlar::command {

struct Command;

/// Why something was refused, and what it was about.
struct Denial {
  enum class Reason : std::uint8_t { kCommand, kKey, kChannel, kAuth };
  Reason reason;
  std::string object;  // the command's full name, the key, the channel, or the name used to log in
};

class User {
 public:
  /// kEverything: no command, key or channel is refused, so nobody needs to ask.
  enum class Reach : std::uint8_t { kEverything, kRestricted };

  User(std::string name, Reach reach) : name_(std::move(name)), reach_(reach) {}
  virtual ~User() = default;
  User(const User&) = delete;
  User& operator=(const User&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Reach reach() const noexcept { return reach_; }

  /// Why this command with these arguments is refused; nullopt when it may run.
  [[nodiscard]] virtual std::optional<Denial> check(const Command& command,
                                                    std::span<const std::string_view> args) const = 0;

 private:
  std::string name_;
  Reach reach_;
};

}  // namespace ashlar::command
