/// "Forget what you know of these keys", on its way to tracking connections. Thread: see Parcel.
#pragma once

#include <optional>
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

/// One key, to connections that hear of all keys with a prefix.
class PrefixInvalidation final : public Parcel {
 public:
  PrefixInvalidation(std::string_view prefix, std::string_view key, ClientId actor)
      : prefix_(prefix), key_(key), actor_(actor) {}
  void deliver(Worker& worker) const override;

 private:
  std::string prefix_;
  std::string key_;
  ClientId actor_;
};

/// All keys, to every tracking connection.
class FlushInvalidation final : public Parcel {
 public:
  void deliver(Worker& worker) const override;
};

/// To the connection that another one redirects its invalidations to. Without a key: all keys.
class RedirectedInvalidation final : public Parcel {
 public:
  RedirectedInvalidation(ClientId target, std::optional<std::string> key) : target_(target), key_(std::move(key)) {}
  void deliver(Worker& worker) const override;

 private:
  ClientId target_;
  std::optional<std::string> key_;
};

}  // namespace ashlar::server::tracking
