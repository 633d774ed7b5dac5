#include "server/sampler.h"

#include <algorithm>

#include "base/memory.h"

namespace ashlar::server {

void RateMeter::observe(std::uint64_t total, MonoTime now) noexcept {
  if (count_ > 0 && total < samples_[(count_ - 1) % kSamples].total) count_ = 0;
  samples_[count_ % kSamples] = {total, now};
  ++count_;
}

std::uint64_t RateMeter::per_second() const noexcept {
  if (count_ < 2) return 0;
  const Sample& newest = samples_[(count_ - 1) % kSamples];
  const Sample& oldest = samples_[count_ < kSamples ? 0 : count_ % kSamples];
  const auto micros = (newest.at - oldest.at).count();
  if (micros <= 0) return 0;
  return static_cast<std::uint64_t>(static_cast<double>(newest.total - oldest.total) * 1e6 /
                                    static_cast<double>(micros));
}

void note_memory(RunState& state, std::uint64_t used) noexcept {
  std::uint64_t peak = state.peak_memory.load(std::memory_order_relaxed);
  while (used > peak && !state.peak_memory.compare_exchange_weak(peak, used, std::memory_order_relaxed)) {
  }
}

void Sampler::start() {
  constexpr Millis kPeriod{100};
  sample();
  (void)parts_.loop.call_after(kPeriod, [this] { start(); });
}

void Sampler::forget_rates() {
  RunState& state = parts_.state;
  for (auto* rate : {&state.ops_per_second, &state.input_bytes_per_second, &state.output_bytes_per_second,
                     &state.replication_input_per_second, &state.replication_output_per_second}) {
    rate->store(0, std::memory_order_relaxed);
  }
  parts_.loop.post([this] {
    for (auto* meter : {&commands_, &input_, &output_, &replication_input_, &replication_output_}) *meter = {};
  });
}

void Sampler::sample() {
  const MonoTime now = parts_.loop.now();
  RunState& state = parts_.state;
  commands_.observe(parts_.stats.total(&ThreadStats::processed), now);
  const std::uint64_t replication_input = parts_.replication_input();
  const std::uint64_t replication_output = parts_.replication_output();
  input_.observe(parts_.stats.total(&ThreadStats::input_bytes) + replication_input, now);
  output_.observe(parts_.stats.total(&ThreadStats::output_bytes) + replication_output, now);
  replication_input_.observe(replication_input, now);
  replication_output_.observe(replication_output, now);
  state.ops_per_second.store(commands_.per_second(), std::memory_order_relaxed);
  state.input_bytes_per_second.store(input_.per_second(), std::memory_order_relaxed);
  state.output_bytes_per_second.store(output_.per_second(), std::memory_order_relaxed);
  state.replication_input_per_second.store(replication_input_.per_second(), std::memory_order_relaxed);
  state.replication_output_per_second.store(replication_output_.per_second(), std::memory_order_relaxed);
  note_memory(state, memory_used());
}

}  // namespace ashlar::server
