#include "server/execution.h"

#include "server/inner.h"

namespace ashlar::server {

Execution::Execution(keyspace::SafePoint::Participant& participant, keyspace::Counters& counters, ThreadStats& stats,
                     keyspace::Keyspace& keyspace, tracking::Table& tracking, changelog::ChangeLog& log,
                     std::uint64_t seed)
    : participant(participant),
      counters(counters),
      stats(stats),
      rng(seed),
      removals(log, group),
      interests(keyspace),
      changes(tracking) {}
Execution::~Execution() = default;

void Removals::add(DbIndex db, std::vector<std::string> args) {
  if (!log_.active()) return;
  group_->removals.push_back(group_->records.size());
  group_->records.push_back({db, std::move(args), changelog::Target::kAll});
}

void Removals::key_removed(DbIndex db, const keyspace::KeyRef& key, keyspace::Removal why) {
  if (group_ == nullptr) return log_.key_removed(db, key, why);
  add(db, {std::string(log_.expiry_word()), std::string(key.text)});
}

void Removals::fields_removed(DbIndex db, const keyspace::KeyRef& key, std::span<const std::string> fields) {
  if (group_ == nullptr) return log_.fields_removed(db, key, fields);
  std::vector<std::string> args = {"HDEL", std::string(key.text)};
  args.insert(args.end(), fields.begin(), fields.end());
  add(db, std::move(args));
}

}  // namespace ashlar::server
