/// Everything a handler gets. A handler is plain single-threaded code: it parses arguments, calls the data, replies.
/// Thread: the loop that runs the command; valid for the call only.
#pragma once

#include <span>
#include <string_view>

#include "base/check.h"
#include "base/error.h"
#include "command/blocking.h"
#include "command/effects.h"
#include "command/inner_calls.h"
#include "command/session.h"
#include "command/spec.h"
#include "keyspace/db.h"
#include "resp/encoder.h"

namespace ashlar::command {

using keyspace::Access;
using keyspace::Db;
using keyspace::Entry;
using keyspace::EventClass;
using keyspace::KeyRef;

/// What the dispatcher offers to the few commands that run others or wait. Null: not offered (tests).
struct Host {
  InnerCalls* inner = nullptr;
  Blocker* blocker = nullptr;
};

class Context {
 public:
  Context(const CommandSpec& spec, std::span<const std::string_view> args, std::span<const KeyRef> keys, Db db,
          resp::Encoder& reply, Session& session, Effects& effects, Host host = {})
      : spec(spec), args(args), keys(keys), db(db), reply(reply), session(session), effects(effects), host_(host) {}

  const CommandSpec& spec;
  /// args[0] is the command's name as sent; for a subcommand args[1] is the subcommand's. Arity has been checked.
  const std::span<const std::string_view> args;
  /// The keys, in the order in which the spec finds them. Their slots are locked.
  const std::span<const KeyRef> keys;
  /// The selected database.
  Db db;
  resp::Encoder& reply;
  Session& session;
  Effects& effects;

  [[nodiscard]] WallTime now() const noexcept { return db.now(); }
  [[nodiscard]] Access read_access() const noexcept { return session.no_touch ? Access::kPeek : Access::kRead; }
  [[nodiscard]] const keyspace::EncodingLimits& limits() const noexcept { return db.keyspace().limits(); }

  /// A collection at `key` has changed by `n` elements: counted, told to those who watch the key, and notified.
  void changed(const KeyRef& key, EventClass event_class, std::string_view event, std::uint64_t n = 1) {
    effects.changed(n);
    db.modified(key);
    db.notify(event_class, event, key);
  }
  /// Removes a key whose collection has become empty, after changed().
  void erase_emptied(const KeyRef& key) {
    (void)db.erase(key);
    db.notify(EventClass::kGeneric, "del", key);
  }
  /// An event alone, for commands whose changes go through Db.
  void notify(EventClass event_class, std::string_view event, const KeyRef& key) { db.notify(event_class, event, key); }

  /// Runs other commands; for specs with Flag::kComposite (command/inner_calls.h).
  [[nodiscard]] InnerCalls& inner() const {
    ASH_CHECK(host_.inner != nullptr);
    return *host_.inner;
  }
  /// Whether the client may be kept waiting; if not, answer what a wait of no time would give (command/blocking.h).
  [[nodiscard]] bool may_block() const { return host_.blocker != nullptr && host_.blocker->may_block(); }
  /// Runs this command again later instead of replying now. Only when may_block(); reply nothing and return.
  void block(const BlockRequest& request) { host_.blocker->block(request); }

  void error(const Error& error) { reply.error(error); }
  void error(ErrorCode code, std::string detail = {}) { reply.error(Error{code, std::move(detail)}); }
  /// "-ERR text".
  void error(std::string text) { reply.error(Error{ErrorCode::kGeneric, std::move(text)}); }

 private:
  Host host_;
};

}  // namespace ashlar::command
