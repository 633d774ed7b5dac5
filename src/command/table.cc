#include "command/table.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace ashlar::command {
namespace {

/// The first eight bytes in lower case; zero-padded. Names have only letters, '-' and '|', for which |0x20 is a safe
/// fold.
std::uint64_t folded_prefix(std::string_view name) noexcept {
  std::uint64_t v = 0;
  std::memcpy(&v, name.data(), name.size() < 8 ? name.size() : 8);
  const std::uint64_t used = name.size() >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * name.size())) - 1;
  return v | (0x2020202020202020ULL & used);
}

std::size_t place(std::uint64_t prefix, std::size_t length, std::size_t mask) noexcept {
  return ((prefix ^ length * 0x9E3779B97F4A7C15ULL) * 0xD6E8FEB86659FD93ULL >> 40) & mask;
}

constexpr std::size_t kIndexSize = 2048;

}  // namespace

std::string_view group_name(Group group) noexcept {
  switch (group) {
    case Group::kGeneric: return "generic";
    case Group::kString: return "string";
    case Group::kList: return "list";
    case Group::kSet: return "set";
    case Group::kSortedSet: return "sorted-set";
    case Group::kHash: return "hash";
    case Group::kPubSub: return "pubsub";
    case Group::kTransactions: return "transactions";
    case Group::kConnection: return "connection";
    case Group::kServer: return "server";
    case Group::kScripting: return "scripting";
    case Group::kHyperLogLog: return "hyperloglog";
    case Group::kCluster: return "cluster";
    case Group::kGeo: return "geo";
    case Group::kStream: return "stream";
    case Group::kBitmap: return "bitmap";
  }
  return "generic";
}

CommandTable::CommandTable() : index_(kIndexSize) {}

void CommandTable::add(const CommandSpec& spec, Handler handler) {
  auto command = std::make_unique<Command>(Command{spec, handler});
  command->index = static_cast<std::uint32_t>(all_.size());
  command->display_name = spec.name;
  const auto bar = spec.name.find('|');
  if (bar == std::string_view::npos) {
    const bool fresh = by_name_.emplace(std::string(spec.name), command.get()).second;
    ASH_CHECK(fresh);
  } else {
    const auto container = by_name_.find(std::string(spec.name.substr(0, bar)));
    ASH_CHECK(container != by_name_.end());
    ASH_CHECK(find_sub(*container->second, spec.name.substr(bar + 1)) == nullptr);
    container->second->subcommands.push_back(command.get());
    container->second->spec.flags = container->second->spec.flags | Flag::kHasSubcommands;
  }
  all_.push_back(std::move(command));
  rebuild_index();
}

void CommandTable::add_container(const CommandSpec& spec) {
  CommandSpec container = spec;
  container.flags = container.flags | Flag::kContainer;
  // The dispatcher answers for a container itself and never calls this.
  add(container, +[](Context& ctx) { ctx.error(ErrorCode::kSyntax); });
}

void CommandTable::rebuild_index() {
  index_.assign(kIndexSize, Bucket{});
  ASH_CHECK(by_name_.size() < kIndexSize / 2);
  for (const auto& [name, command] : by_name_) {
    const std::uint64_t prefix = folded_prefix(name);
    std::size_t at = place(prefix, name.size(), kIndexSize - 1);
    while (index_[at].command != nullptr) at = (at + 1) & (kIndexSize - 1);
    const bool letters = std::ranges::all_of(name, [](char c) { return c >= 'a' && c <= 'z'; });
    index_[at] = {prefix, command, static_cast<std::uint32_t>(name.size()), letters && name.size() <= sizeof prefix};
  }
}

const Command* CommandTable::find(std::string_view name) const noexcept {
  const std::uint64_t prefix = folded_prefix(name);
  for (std::size_t at = place(prefix, name.size(), kIndexSize - 1); index_[at].command != nullptr;
       at = (at + 1) & (kIndexSize - 1)) {
    const Bucket& bucket = index_[at];
    if (bucket.prefix != prefix || bucket.length != name.size()) continue;
    if (bucket.settled_by_prefix || iequals(bucket.command->display_name, name)) return bucket.command;
  }
  return nullptr;
}

const Command* CommandTable::find_sub(const Command& container, std::string_view name) noexcept {
  const std::size_t prefix = container.spec.name.size() + 1;
  for (const Command* sub : container.subcommands) {
    if (iequals(sub->spec.name.substr(prefix), name)) return sub;
  }
  return nullptr;
}

const Command* CommandTable::find_full(std::string_view full_name) const noexcept {
  const auto bar = full_name.find('|');
  const Command* command = find(full_name.substr(0, bar));
  if (command == nullptr || bar == std::string_view::npos) return command;
  return find_sub(*command, full_name.substr(bar + 1));
}

Result<void> CommandTable::rename(std::string_view name, std::string_view new_name) {
  const auto it = by_name_.find(to_lower(name));
  if (it == by_name_.end()) return fail("No such command in rename-command");
  const std::string target = to_lower(new_name);
  if (!target.empty() && by_name_.contains(target)) return fail("Target command name already exists");
  Command* command = it->second;
  by_name_.erase(it);
  if (!target.empty()) {
    command->display_name = target;
    by_name_.emplace(target, command);
  }
  rebuild_index();
  return {};
}

}  // namespace ashlar::command
