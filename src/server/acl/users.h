/// All users of the server. A change makes a new immutable Account and raises version(); loops that see another version
/// give their connections the new accounts before they run the next command (Worker). Thread: any.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/sync.h"
#include "server/acl/account.h"
#include "server/acl/rules.h"

namespace ashlar::acl {

class Users {
 public:
  using Ptr = std::shared_ptr<const Account>;  // shared with the sessions that run as this user

  /// `table` must outlive the object and hold all commands before rules are read.
  explicit Users(const command::CommandTable& table) : table_(table) {}

  /// There is always a default user after this. Before anything else; once all commands are registered.
  void start(ChannelDefault channels);
  void set_channel_default(ChannelDefault channels) noexcept { channels_.store(channels, std::memory_order_relaxed); }

  /// Called after each change, on the thread that made it. Set once, before the loops start.
  void on_change(std::function<void()> observer) { observer_ = std::move(observer); }

  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
  /// nullptr when there is no such user.
  [[nodiscard]] Ptr find(std::string_view name) const;
  [[nodiscard]] Ptr default_user() const { return find("default"); }
  /// By name.
  [[nodiscard]] std::vector<Ptr> all() const;
  /// The user, if it exists, is on, and `password` is one of its own; nullptr otherwise.
  [[nodiscard]] Ptr log_in(std::string_view name, std::string_view password) const;

  /// ACL SETUSER: applies all rules or none. Errors: as Redis words them.
  [[nodiscard]] Result<void> set(std::string_view name, std::span<const std::string_view> rules);
  /// ACL DELUSER of one user. False when there was none. `default` is not asked for.
  bool remove(std::string_view name);
  /// requirepass: the only password of `default`, or none.
  void set_default_password(std::string_view password);

  /// Replaces all users by those of an ACL file's text; `default` is made anew when the text has none. Users that have
  /// the same name keep their connections. Errors: all that is wrong, by line, named with `path`; nothing changes then.
  [[nodiscard]] Result<void> load(std::string_view text, std::string_view path);
  [[nodiscard]] Result<void> load_file(FileSystem& files, const std::string& path);
  /// One `user` line of the configuration, whose words include "user". Errors: the reason.
  [[nodiscard]] Result<void> configure(std::span<const std::string> words);
  /// "user <name> <rules>\n" for each user.
  [[nodiscard]] std::string text() const;

 private:
  using Map = std::map<std::string, Ptr, std::less<>>;
  void put(UserRules rules) ASH_REQUIRES(mutex_);
  void tell() const {
    if (observer_) observer_();
  }
  [[nodiscard]] RuleParser parser() const { return {table_, channels_.load(std::memory_order_relaxed)}; }

  const command::CommandTable& table_;
  std::function<void()> observer_;
  std::atomic<ChannelDefault> channels_{ChannelDefault::kNone};
  std::atomic<std::uint64_t> version_{0};
  mutable Mutex mutex_;
  Map users_ ASH_GUARDED_BY(mutex_);
  std::uint64_t next_identity_ ASH_GUARDED_BY(mutex_) = 1;
};

}  // namespace ashlar::acl
