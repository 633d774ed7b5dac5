#include "server/slot_costs.h"

#include <array>

#include "base/key_slot.h"
#include "server/dispatcher.h"

namespace ashlar::server {

namespace {

constexpr std::size_t kExecBytes = std::string_view("*1\r\n$4\r\nEXEC\r\n").size();

constexpr std::size_t digits(std::size_t n) noexcept {
  std::size_t count = 1;
  for (; n >= 10; n /= 10) ++count;
  return count;
}
/// "*n\r\n" or "$n\r\n".
constexpr std::size_t head_bytes(std::size_t n) noexcept { return 1 + digits(n) + 2; }
constexpr std::size_t bulk_bytes(std::size_t n) noexcept { return head_bytes(n) + n + 2; }

template <typename Words>
std::size_t frame(const Words& words) noexcept {
  std::size_t sum = head_bytes(words.size());
  for (const auto& word : words) sum += bulk_bytes(word.size());
  return sum;
}

constexpr std::size_t around(std::size_t commands) noexcept {
  return commands > 1 ? kMultiRequestBytes + kExecBytes : 0;
}

}  // namespace

std::size_t frame_bytes(std::span<const std::string_view> words) noexcept { return frame(words); }

std::size_t streamed_bytes(std::span<const std::vector<std::string>> records) noexcept {
  std::size_t sum = around(records.size());
  for (const auto& words : records) sum += frame(words);
  return sum;
}

std::size_t streamed_bytes(std::span<const changelog::Recorded> records) noexcept {
  std::size_t sum = around(records.size());
  for (const auto& record : records) sum += frame(record.args);
  return sum;
}

void count_shard_message(cluster::SlotStats& stats, std::string_view channel, std::string_view message,
                         std::uint64_t receivers) noexcept {
  if (receivers == 0 || !stats.counting()) return;
  const std::array<std::string_view, 3> words = {"smessage", channel, message};
  stats.add(key_slot(channel), {.bytes_out = receivers * frame(words)});
}

bool Dispatcher::counts_slots() const noexcept { return counting(slot_stats_); }

void Dispatcher::count_slot(const Execution& run, std::span<const keyspace::KeyRef> keys,
                            const command::Session& session, Ticks spent, std::size_t bytes_in,
                            std::size_t bytes_out) const {
  if (session.origin() != command::Origin::kClient) return;
  std::optional<SlotId> slot = run.slot_use.several ? std::nullopt : run.slot_use.slot;
  if (!keys.empty()) slot = keys[0].slot;
  if (!slot) return;
  slot_stats_->add(*slot, {spent, bytes_in, bytes_out + run.slot_use.streamed * slot_stats_->replicas()});
}

}  // namespace ashlar::server
