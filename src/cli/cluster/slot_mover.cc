#include "cli/cluster/slot_mover.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "cli/cluster/databases.h"

namespace ashlar::cli::cluster {
namespace {

bool refused_by_replica(const Error& error) noexcept {
  return error.detail.find("SETSLOT only with masters") != std::string::npos;
}

/// DUMP of each key, also from a node that is only importing the slot.
std::vector<Words> dump_commands(const std::vector<std::string>& keys) {
  std::vector<Words> out;
  for (const std::string& key : keys) {
    out.push_back({"ASKING"});
    out.push_back({"DUMP", key});
  }
  return out;
}

}  // namespace

std::vector<std::string> migrate_auth(const ConnectOptions& base) {
  if (!base.password) return {};
  if (base.user.empty()) return {"AUTH", *base.password};
  return {"AUTH2", base.user, *base.password};
}

Millis migrate_silence(const Options& options) { return options.timeout + Seconds(10); }

Endpoint announced_endpoint(const ClusterNode& node) {
  Endpoint out = endpoint_of(node.info);
  if (!node.announced_host.empty()) out.host = node.announced_host;
  return out;
}

Result<void> SlotMover::set_slot(const ClusterNode& on, SlotId slot, std::string_view state, const NodeId& peer) {
  const std::string number = std::to_string(slot.value());
  const std::string id = peer.hex();
  ASH_TRY([[maybe_unused]] const resp::Value ok,
          session_.links.ask(endpoint_of(on.info), {"CLUSTER", "SETSLOT", number, state, id}));
  return {};
}

Result<void> SlotMover::move_slot(SlotId slot, const NodeId& from, const NodeId& to, const OnKeys& on_keys) {
  ClusterNode* source = topology_.find(from);
  ClusterNode* target = topology_.find(to);
  ASH_CHECK(source != nullptr && target != nullptr);
  // The receiving node first: otherwise clients that are sent on to it are sent back.
  ASH_TRY_VOID(set_slot(*target, slot, "IMPORTING", from));
  ASH_TRY_VOID(set_slot(*source, slot, "MIGRATING", to));
  ASH_TRY_VOID(move_keys(slot, from, to, on_keys));
  ASH_TRY_VOID(hand_over(slot, from, to));
  source->slots.remove(slot);
  target->slots.add(slot);
  return {};
}

Result<void> SlotMover::hand_over(SlotId slot, const NodeId& from, const NodeId& to) {
  // The new owner first, so that there is no moment in which nobody serves the slot; then the old one; the others are
  // told as well only to be quicker than gossip.
  ASH_TRY_VOID(set_slot(*topology_.find(to), slot, "NODE", to));
  auto told = set_slot(*topology_.find(from), slot, "NODE", to);
  // Without its last slot a master may have become a replica of the new owner at once.
  if (!told && !refused_by_replica(told.error())) return told;
  for (const ClusterNode* master : topology_.masters()) {
    if (master->info.id == from || master->info.id == to) continue;
    static_cast<void>(set_slot(*master, slot, "NODE", to));
  }
  return {};
}

Result<void> SlotMover::move_keys(SlotId slot, const NodeId& from, const NodeId& to, const OnKeys& on_keys) {
  const ClusterNode* source = topology_.find(from);
  const ClusterNode* target = topology_.find(to);
  ASH_CHECK(source != nullptr && target != nullptr);
  ASH_TRY(const std::vector<std::uint32_t> databases, databases_of(session_.links, endpoint_of(source->info)));
  for (const std::uint32_t database : databases) {
    ASH_TRY_VOID(move_keys_in(database, slot, *source, *target, on_keys));
  }
  return {};
}

Result<void> SlotMover::move_keys_in(std::uint32_t database, SlotId slot, const ClusterNode& from,
                                     const ClusterNode& to, const OnKeys& on_keys) {
  const Words next = {"CLUSTER", "GETKEYSINSLOT", std::to_string(slot.value()),
                      std::to_string(session_.options.pipeline)};
  while (true) {
    ASH_TRY(resp::Value reply, ask_in(session_.links, endpoint_of(from.info), database, next));
    std::vector<std::string> keys;
    for (resp::Value& key : reply.take_items()) keys.push_back(key.take_text());
    if (keys.empty()) return {};
    ASH_TRY_VOID(migrate(database, from, to, keys));
    on_keys(keys.size());
  }
}

Result<void> SlotMover::migrate(std::uint32_t database, const ClusterNode& from, const ClusterNode& to,
                                const std::vector<std::string>& keys) {
  const Endpoint address = announced_endpoint(to);
  const auto command = [&](std::string_view replace) {
    Words words = {"MIGRATE",
                   address.host,
                   std::to_string(address.port),
                   "",
                   std::to_string(database),
                   std::to_string(session_.options.timeout.count())};
    if (!replace.empty()) words.emplace_back(replace);
    for (std::string& word : migrate_auth(session_.links.base())) words.push_back(std::move(word));
    words.emplace_back("KEYS");
    words.insert(words.end(), keys.begin(), keys.end());
    return words;
  };
  const Patience patience(session_.links, migrate_silence(session_.options));
  auto reply = ask_served(database, from, command(session_.options.replace ? "REPLACE" : ""));
  if (!reply && reply.error().detail.find("BUSYKEY") != std::string::npos) {
    // A move that was cut short may leave a key on both sides; the same value twice is no conflict.
    ASH_TRY_VOID(require_same_values(database, from, to, keys));
    reply = ask_served(database, from, command("REPLACE"));
  }
  return reply;
}

Result<void> SlotMover::ask_served(std::uint32_t database, const ClusterNode& node,
                                   const std::vector<std::string>& words) {
  constexpr Seconds kLimit(20);
  Result<resp::Value> reply;
  ASH_TRY([[maybe_unused]] const bool served, wait_until(session_.clock, kLimit, Millis(100), [&]() -> Result<bool> {
            reply = ask_in(session_.links, endpoint_of(node.info), database, words);
            return reply || reply.error().detail.find("CLUSTERDOWN") == std::string::npos;
          }));
  if (!reply) return std::unexpected(std::move(reply.error()));
  return {};
}

Result<void> SlotMover::require_same_values(std::uint32_t database, const ClusterNode& from, const ClusterNode& to,
                                            const std::vector<std::string>& keys) {
  const std::vector<Words> commands = dump_commands(keys);
  ASH_TRY(const std::vector<resp::Value> here, ask_all_in(session_.links, endpoint_of(from.info), database, commands));
  ASH_TRY(const std::vector<resp::Value> there, ask_all_in(session_.links, endpoint_of(to.info), database, commands));
  std::string different;
  std::size_t count = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const resp::Value& a = here[2 * i + 1];
    const resp::Value& b = there[2 * i + 1];
    if (a.is_error() && a.text().starts_with("ASK ")) continue;  // it has gone there, with others of the same MIGRATE
    for (const resp::Value* reply : {&here[2 * i], &a, &there[2 * i], &b}) {
      // Two refusals are equal, too, but say nothing about the values.
      if (reply->is_error())
        return fail(fmt::format("whether {} has the same value on both nodes cannot be told: {}", quoted(keys[i]),
                                reply->text()));
    }
    if (a.is_null() || b.is_null() || a == b) continue;
    if (++count <= 5) different += " " + quoted(keys[i]);
  }
  if (count == 0) return {};
  return fail(ErrorCode::kBusyKey,
              fmt::format("{} and {} have {} key(s) with different values:{}{}. Delete the wrong ones, or give "
                          "--cluster-replace to let the values of {} win.",
                          from.info.address(), to.info.address(), count, different, count > 5 ? " ..." : "",
                          from.info.address()));
}

}  // namespace ashlar::cli::cluster
