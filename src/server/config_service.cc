#include "server/config_service.h"

#include "base/log.h"

namespace ashlar::server {

void ConfigService::on_change(std::string directive, Apply apply) {
  hooks_.emplace_back(std::move(directive), std::move(apply));
}

std::vector<config::NameValue> ConfigService::get(std::span<const std::string> patterns) const {
  return config::get(*published_.get(), patterns);
}

Result<void> ConfigService::apply(const config::Directive& directive, const config::Config& now) {
  for (const auto& [name, hook] : hooks_) {
    if (name == directive.name) ASH_TRY_VOID(hook(now));
  }
  return {};
}

Result<void> ConfigService::set(std::span<const config::NameValue> pairs, const config::SetContext& context) {
  MutexLock lock(mutex_);
  auto next = std::make_shared<config::Config>(*published_.get());
  ASH_TRY_VOID(config::set(*next, pairs, context, *this));
  published_.set(next);
  for (const auto& observer : observers_) observer(*next);
  return {};
}

void ConfigService::update(const std::function<void(config::Config&)>& change) {
  MutexLock lock(mutex_);
  auto next = std::make_shared<config::Config>(*published_.get());
  change(*next);
  published_.set(std::move(next));
}

Result<void> ConfigService::rewrite(config::Extent extent) {
  MutexLock lock(mutex_);
  const auto now = published_.get();
  const std::string& path = now->origin.config_file;
  if (path.empty()) return fail("The server is running without a config file");
  std::string old_text;
  if (files_.exists(path)) {
    ASH_TRY(old_text, read_file(files_, path));
  }
  config::Config whole = *now;
  if (complete_) complete_(whole);
  auto written = write_file_durably(files_, path, config::rewrite(old_text, whole, extent));
  if (!written) {
    log::warning("CONFIG REWRITE failed: {}", written.error().text());
    return fail("Rewriting config file: " + std::string(written.error().text()));
  }
  log::notice("CONFIG REWRITE executed with success.");
  return {};
}

}  // namespace ashlar::server
