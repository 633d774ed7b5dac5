/// Runs commands as a server's dispatcher would, without one: arity, keys, slot locks, handler; gives the RESP text and
/// what was recorded. For tests. Thread: one.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "command/context.h"
#include "command/keys.h"
#include "command/table.h"
#include "keyspace/slot_guard.h"

namespace ashlar::commands::testing {

class Runner final : keyspace::RemovalListener {
 public:
  explicit Runner(std::uint32_t databases = 16) : keyspace(databases) {
    access.counters = &keyspace.add_counters();
    access.removals = this;
    access.rng = &rng;
  }

  /// The reply, byte for byte; an error text for unknown commands and wrong arity.
  std::string run(std::initializer_list<std::string_view> words) { return run(std::vector<std::string_view>(words)); }
  std::string run(const std::vector<std::string_view>& args) {
    recorded.clear();
    changes = 0;
    const command::Command* found = table.find(args.at(0));
    if (found != nullptr && found->spec.is(command::Flag::kContainer) && args.size() > 1) {
      found = command::CommandTable::find_sub(*found, args[1]);
    }
    if (found == nullptr) return "unknown command";
    if (!found->spec.arity.accepts(args.size())) return "wrong arity";
    return call(*found, args);
  }
  /// Runs it as if it came from the stream of a primary or from the append-only file.
  std::string run_from(command::Origin origin, std::initializer_list<std::string_view> words) {
    return run_from(origin, std::vector<std::string_view>(words));
  }
  std::string run_from(command::Origin origin, const std::vector<std::string_view>& words) {
    const auto role = access.expiry_role;
    access.expiry_role = keyspace::ExpiryRole::kApply;
    origin_ = origin;
    std::string reply = run(words);
    origin_ = command::Origin::kClient;
    access.expiry_role = role;
    return reply;
  }

  command::CommandTable table;
  keyspace::Keyspace keyspace;
  ManualClock clock;  // starts at 1,700,000,000 s
  Rng rng{1};
  keyspace::AccessContext access;
  DbIndex db{0};
  resp::Version version = resp::Version::kResp2;
  bool no_touch = false;
  /// What the last command left for the change log, words joined by blanks; "expired <key>" for a removal by time.
  std::vector<std::string> recorded;
  /// Whether commands may wait for data, as on a client's connection; and what the last one that did so asked for. Run
  /// it again to see what it does when it is served.
  bool may_block = false;
  struct Blocked {
    std::vector<std::string> keys;
    keyspace::Type type{};
    command::BlockTimeout timeout;
    command::WakeOn wake_on{};
    std::vector<std::string> args;
  };
  std::optional<Blocked> blocked;
  /// How many changes the last command counted.
  std::uint64_t changes = 0;

 private:
  class Waits final : public command::Blocker {
   public:
    explicit Waits(Runner& runner) : runner_(runner) {}
    [[nodiscard]] bool may_block() const override { return runner_.may_block; }
    void block(const command::BlockRequest& request) override {
      runner_.blocked = Blocked{{}, request.type, request.timeout, request.wake_on, request.args};
      for (const auto& key : request.keys) runner_.blocked->keys.emplace_back(key.text);
    }

   private:
    Runner& runner_;
  };
  void key_removed(DbIndex, const keyspace::KeyRef& key, keyspace::Removal) override {
    recorded.push_back("expired " + std::string(key.text));
  }
  void fields_removed(DbIndex, const keyspace::KeyRef& key, std::span<const std::string> fields) override {
    recorded.push_back("hexpired " + std::string(key.text) + " " + joined(fields));
  }
  template <typename Words>
  static std::string joined(const Words& words) {
    std::string line;
    for (const auto& word : words) {
      if (!line.empty()) line += ' ';
      line += word;
    }
    return line;
  }
  std::string call(const command::Command& command, const std::vector<std::string_view>& args) {
    std::vector<command::KeyPosition> positions;
    command::find_keys(command.spec, args, positions);
    std::vector<keyspace::KeyRef> keys;
    for (const auto& position : positions) keys.push_back(keyspace.ref(args[position.argument]));
    access.now = clock.wall();
    ByteBuffer out;
    resp::Encoder reply(out, version);
    command::Session session(origin_);
    session.db = db;
    session.no_touch = no_touch;
    command::Effects effects;
    blocked.reset();
    Waits waits(*this);
    command::Context ctx(command.spec, args, keys, keyspace::Db(keyspace, db, access), reply, session, effects,
                         {.blocker = &waits});
    if (keys.empty()) {
      command.handler(ctx);
    } else {
      const keyspace::SlotGuard guard(keyspace, keys);
      command.handler(ctx);
    }
    changes = effects.changes();
    if (effects.records_as_received()) recorded.push_back(joined(args));
    for (const auto& record : effects.records()) recorded.push_back(joined(record));
    return std::string(out.view());
  }

  command::Origin origin_ = command::Origin::kClient;
};

}  // namespace ashlar::commands::testing
