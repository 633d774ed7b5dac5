/// "Forget what you know of these keys", on its way to tracking connections. Thread: see Parcel.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "server/push/inbox.h"

namespace ashlar::server::tracking {

/// One key, to connections that have read it.
class KeyInvalidation final : public Parcel {
 public:
  KeyInvalidation(std::string_view key, std::vector<ClientId> readers, ClientId actor)
      : key_(key), readers_(std::move(readers)), actor_(actor) {}
  void deliver(Worker& worker) const override;

 private:
  std::string key_;
  std::vector<ClientId> readers_;
  ClientId actor_;
};

/// Keys that begin with a prefix, to connections that hear of all of these.
class PrefixInvalidation final : public Parcel {
 public:
  struct Changed {
    std::string key;
    ClientId actor;
  };
  using Keys = std::vector<Changed>;
  PrefixInvalidation(std::string_view prefix, Keys keys) : prefix_(prefix), keys_(std::move(keys)) {}
  void deliver(Worker& worker) const override;

 private:
  std::string prefix_;
  Keys keys_;
};

/// All keys, to every tracking connection.
class FlushInvalidation final : public Parcel {
 public:
  void deliver(Worker& worker) const override;
};

/// From a tracking connection to the one that it redirects its invalidations to. Without keys: all keys.
class RedirectedInvalidation final : public Parcel {
 public:
  RedirectedInvalidation(ClientId source, ClientId target, std::span<const std::string_view> keys)
      : source_(source), target_(target), keys_(keys.begin(), keys.end()) {}
  void deliver(Worker& worker) const override;

 private:
  ClientId source_;
  ClientId target_;
  std::vector<std::string> keys_;
};

/// Back to a tracking connection: the one that it redirects to is gone.
class BrokenRedirect final : public Parcel {
 public:
  explicit BrokenRedirect(ClientId source) : source_(source) {}
  void deliver(Worker& worker) const override;

 private:
  ClientId source_;
};

}  // namespace ashlar::server::tracking
