/// CONFIG for a running server: one writer at a time, an immutable copy published to all loops, and hooks of whoever
/// must act on a change. Thread: any for get(); set() from any loop, one after another.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/sync.h"
#include "server/config/live.h"
#include "server/config/rewrite.h"
#include "server/config/settings.h"

namespace ashlar::server {

class ConfigService final : private config::ApplyHook {
 public:
  ConfigService(Published<config::Config>& published, FileSystem& files) : published_(published), files_(files) {}

  /// Called for every changed directive of that name; an error undoes the whole CONFIG SET. Registered at start only.
  using Apply = std::function<Result<void>(const config::Config& now)>;
  void on_change(std::string directive, Apply apply);
  /// Called after every successful change, with what holds now.
  void after_change(std::function<void(const config::Config&)> observer) { observers_.push_back(std::move(observer)); }

  [[nodiscard]] std::vector<config::NameValue> get(std::span<const std::string> patterns) const;
  [[nodiscard]] Result<void> set(std::span<const config::NameValue> pairs, const config::SetContext& context);
  /// Called before CONFIG REWRITE with a copy of the settings, to put in what is kept elsewhere (users).
  void before_rewrite(std::function<void(config::Config&)> complete) { complete_ = std::move(complete); }
  /// CONFIG REWRITE. Errors: started without a file; kIo.
  [[nodiscard]] Result<void> rewrite(config::Extent extent = config::Extent::kChanged);
  /// Changes the settings from inside (REPLICAOF), without hooks.
  void update(const std::function<void(config::Config&)>& change);

 private:
  [[nodiscard]] Result<void> apply(const config::Directive& directive, const config::Config& now) override;

  Published<config::Config>& published_;
  FileSystem& files_;
  std::function<void(config::Config&)> complete_;
  Mutex mutex_;
  std::vector<std::pair<std::string, Apply>> hooks_;
  std::vector<std::function<void(const config::Config&)>> observers_;
};

}  // namespace ashlar::server
