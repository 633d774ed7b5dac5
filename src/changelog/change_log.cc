#include "changelog/change_log.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace ashlar::changelog {
namespace {

void render_header(std::string& out, char type, std::size_t n) {
  DecimalBuffer buffer;
  out += type;
  out += format_i64(static_cast<std::int64_t>(n), buffer);
  out += "\r\n";
}

}  // namespace

void render(std::string& out, std::span<const std::string_view> args) {
  render_header(out, '*', args.size());
  for (const std::string_view arg : args) {
    render_header(out, '$', arg.size());
    out += arg;
    out += "\r\n";
  }
}

void ChangeLog::update_active() { active_.store(aof_.sink != nullptr || replication_.sink != nullptr); }

void ChangeLog::set_aof(Sink* sink) {
  MutexLock lock(mutex_);
  aof_ = {sink, kNone};
  update_active();
}

void ChangeLog::set_replication(Sink* sink) {
  MutexLock lock(mutex_);
  replication_ = {sink, kNone};
  update_active();
}

DbIndex ChangeLog::replication_db() const {
  MutexLock lock(mutex_);
  return replication_.selected == kNone ? DbIndex{0} : DbIndex{replication_.selected};
}

void ChangeLog::forget_replication_db() {
  MutexLock lock(mutex_);
  replication_.selected = kNone;
}

void ChangeLog::forget_aof_db() {
  MutexLock lock(mutex_);
  aof_.selected = kNone;
}

void ChangeLog::append(Stream& stream, DbIndex db, std::string_view records) {
  if (stream.sink == nullptr) return;
  std::size_t bytes = records.size();
  if (stream.selected != db.value) {
    DecimalBuffer buffer;
    const std::array<std::string_view, 2> args = {"SELECT", format_i64(db.value, buffer)};
    select_.clear();
    render(select_, args);
    stream.sink->append(select_);
    stream.selected = db.value;
    bytes += select_.size();
  }
  stream.sink->append(records);
  if (&stream == &replication_) replication_bytes_.fetch_add(bytes, std::memory_order_release);
}

void ChangeLog::publish(DbIndex db, std::string_view records, Target target) {
  MutexLock lock(mutex_);
  publish_locked(db, records, target);
}

void ChangeLog::publish_locked(DbIndex db, std::string_view records, Target target) {
  if (target != Target::kReplicationOnly) append(aof_, db, records);
  if (target != Target::kAofOnly && !passive_.load(std::memory_order_relaxed)) append(replication_, db, records);
}

void ChangeLog::record(DbIndex db, Command args, Target target) {
  if (!active()) return;
  std::string records;
  std::size_t size = 16;
  for (const std::string_view arg : args) size += arg.size() + 16;
  records.reserve(size);
  render(records, args);
  publish(db, records, target);
}

void ChangeLog::record_group(DbIndex db, const std::vector<std::vector<std::string>>& commands, Target target) {
  if (!active() || commands.empty()) return;
  std::string records;
  const bool wrapped = commands.size() > 1;
  if (wrapped) records += "*1\r\n$5\r\nMULTI\r\n";
  std::vector<std::string_view> args;
  for (const auto& command : commands) {
    args.assign(command.begin(), command.end());
    render(records, args);
  }
  if (wrapped) records += "*1\r\n$4\r\nEXEC\r\n";
  publish(db, records, target);
}

void ChangeLog::record_group(std::span<const Recorded> commands, Target target) {
  const bool limited = std::ranges::any_of(commands, [](const Recorded& c) { return c.target != Target::kAll; });
  for (const Target sink : {Target::kAofOnly, Target::kReplicationOnly}) {
    if (target != Target::kAll && target != sink) continue;
    std::vector<const Recorded*> chosen;
    for (const Recorded& command : commands) {
      if (command.target == Target::kAll || command.target == sink) chosen.push_back(&command);
    }
    if (!limited) return record_group_as_one(chosen, target);  // the same for both
    record_group_as_one(chosen, sink);
  }
}

void ChangeLog::record_group_as_one(std::span<const Recorded* const> commands, Target target) {
  if (!active() || commands.empty()) return;
  struct Stretch {  // commands of one database in a row
    DbIndex db;
    std::string bytes;
  };
  std::vector<Stretch> stretches;
  std::vector<std::string_view> args;
  const bool wrapped = commands.size() > 1;
  for (const Recorded* command : commands) {
    if (stretches.empty() || stretches.back().db != command->db) stretches.push_back({command->db, {}});
    if (wrapped && command == commands.front()) stretches.back().bytes += "*1\r\n$5\r\nMULTI\r\n";
    args.assign(command->args.begin(), command->args.end());
    render(stretches.back().bytes, args);
  }
  if (wrapped) stretches.back().bytes += "*1\r\n$4\r\nEXEC\r\n";
  MutexLock lock(mutex_);
  for (const Stretch& stretch : stretches) publish_locked(stretch.db, stretch.bytes, target);
}

void ChangeLog::record_raw(std::string_view bytes) {
  MutexLock lock(mutex_);
  if (replication_.sink == nullptr) return;
  replication_.sink->append(bytes);
  replication_bytes_.fetch_add(bytes.size(), std::memory_order_release);
}

void ChangeLog::key_removed(DbIndex db, const keyspace::KeyRef& key, keyspace::Removal) {
  const std::array<std::string_view, 2> args = {expiry_word(), key.text};
  record(db, args);
}

void ChangeLog::fields_removed(DbIndex db, const keyspace::KeyRef& key, std::span<const std::string> fields) {
  std::vector<std::string_view> args = {"HDEL", key.text};
  args.insert(args.end(), fields.begin(), fields.end());
  record(db, args);
}

}  // namespace ashlar::changelog
