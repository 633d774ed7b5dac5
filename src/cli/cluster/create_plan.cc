#include "cli/cluster/create_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/check.h"

namespace ashlar::cli::cluster {
namespace {

/// Node indices, one host after the other in turn, so that neighbours in the list are on different hosts.
std::vector<std::size_t> interleave_by_host(std::span<const Endpoint> endpoints) {
  std::vector<std::vector<std::size_t>> hosts;
  std::map<std::string, std::size_t> host_index;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const auto [it, fresh] = host_index.try_emplace(endpoints[i].host, hosts.size());
    if (fresh) hosts.emplace_back();
    hosts[it->second].push_back(i);
  }
  std::vector<std::size_t> out;
  for (std::size_t round = 0; out.size() < endpoints.size(); ++round) {
    for (const auto& host : hosts) {
      if (round < host.size()) out.push_back(host[round]);
    }
  }
  return out;
}

void share_slots(CreatePlan& plan) {
  const double per_master = static_cast<double>(kSlotCount) / static_cast<double>(plan.masters.size());
  std::uint32_t first = 0;
  for (std::size_t i = 0; i < plan.masters.size(); ++i) {
    // The rounding of the running sum, not of each share, keeps the shares within one slot of each other.
    auto end = static_cast<std::uint32_t>(std::lround(per_master * static_cast<double>(i + 1)));
    if (i + 1 == plan.masters.size()) end = kSlotCount;
    plan.nodes[plan.masters[i]].slots = SlotRange{SlotId::wrap(first), SlotId::wrap(end - 1)};
    first = end;
  }
}

/// Takes from `free` the first node on another host than `master`, else the first.
std::size_t take_replica(const CreatePlan& plan, std::size_t master, std::vector<std::size_t>& free) {
  ASH_CHECK(!free.empty());
  auto it = std::find_if(free.begin(), free.end(), [&](std::size_t i) {
    return plan.nodes[i].endpoint.host != plan.nodes[master].endpoint.host;
  });
  if (it == free.end()) it = free.begin();
  const std::size_t taken = *it;
  free.erase(it);
  return taken;
}

void assign_replicas(CreatePlan& plan, std::size_t per_master, std::vector<std::size_t> free) {
  const auto give = [&](std::size_t master) {
    const std::size_t replica = take_replica(plan, master, free);
    plan.nodes[replica].master = master;
    plan.replicas.push_back(replica);
  };
  for (const std::size_t master : plan.masters) {
    for (std::size_t i = 0; i < per_master; ++i) give(master);
  }
  plan.extra = free.size();
  for (std::size_t i = 0; !free.empty(); ++i) give(plan.masters[i % plan.masters.size()]);
}

/// The spread as counters that a swap changes in four cells, so that large clusters are improved quickly.
class AffinityTable {
 public:
  explicit AffinityTable(const CreatePlan& plan) : host_(plan.nodes.size()), group_(plan.nodes.size()) {
    std::map<std::string, std::size_t> hosts;
    for (std::size_t i = 0; i < plan.nodes.size(); ++i)
      host_[i] = hosts.try_emplace(plan.nodes[i].endpoint.host, hosts.size()).first->second;
    host_count_ = hosts.size();
    std::vector<std::size_t> group_of_master(plan.nodes.size());
    for (std::size_t g = 0; g < plan.masters.size(); ++g) group_of_master[plan.masters[g]] = g;
    cells_.resize(host_count_ * plan.masters.size());
    for (const std::size_t master : plan.masters) {
      group_[master] = group_of_master[master];
      cell(master).master = 1;
    }
    for (const std::size_t replica : plan.replicas) {
      group_[replica] = group_of_master[*plan.nodes[replica].master];
      ++cell(replica).replicas;
    }
  }

  [[nodiscard]] Affinity total() const {
    Affinity out;
    for (const Cell& c : cells_) {
      if (c.master != 0) {
        out.with_master += c.replicas;
      } else if (c.replicas > 1) {
        out.with_sibling += c.replicas;
      }
    }
    return out;
  }
  [[nodiscard]] bool offends(std::size_t replica) const {
    const Cell& c = cells_[group_[replica] * host_count_ + host_[replica]];
    return c.master != 0 || c.replicas > 1;
  }
  /// Exchanges the groups of two replicas; done twice it changes nothing. Result: the change of the score.
  std::int64_t swap(std::size_t a, std::size_t b) {
    if (group_[a] == group_[b] || host_[a] == host_[b]) return 0;
    const std::int64_t before = around(a, b);
    --cell(a).replicas;
    --cell(b).replicas;
    std::swap(group_[a], group_[b]);
    ++cell(a).replicas;
    ++cell(b).replicas;
    return around(a, b) - before;
  }

 private:
  struct Cell {
    std::uint32_t master = 0;
    std::uint32_t replicas = 0;
    [[nodiscard]] std::int64_t score() const noexcept {
      constexpr std::int64_t kBesideMaster = 10'000;
      if (master != 0) return kBesideMaster * replicas;
      return replicas > 1 ? replicas : 0;
    }
  };
  Cell& cell(std::size_t node) { return cells_[group_[node] * host_count_ + host_[node]]; }
  /// Scores of the four cells that a swap of `a` and `b` touches.
  [[nodiscard]] std::int64_t around(std::size_t a, std::size_t b) const {
    std::int64_t sum = 0;
    for (const std::size_t group : {group_[a], group_[b]}) {
      for (const std::size_t host : {host_[a], host_[b]}) sum += cells_[group * host_count_ + host].score();
    }
    return sum;
  }

  std::size_t host_count_ = 0;
  std::vector<std::size_t> host_;   // of each node
  std::vector<std::size_t> group_;  // of each node: index of its master in CreatePlan::masters
  std::vector<Cell> cells_;
};

}  // namespace

std::size_t master_count(std::size_t nodes, std::size_t replicas_per_master) noexcept {
  if (replicas_per_master >= nodes) return 0;
  return nodes / (replicas_per_master + 1);
}

Result<CreatePlan> plan_create(std::span<const Endpoint> endpoints, std::size_t replicas_per_master) {
  const std::size_t masters = master_count(endpoints.size(), replicas_per_master);
  if (masters < kMinMasters) {
    const auto plural = [](std::size_t n, std::string_view word) {
      return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
    };
    std::string text =
        fmt::format("{} with {} per master make {}; at least {} are needed", plural(endpoints.size(), "node"),
                    plural(replicas_per_master, "replica"), plural(masters, "master"), kMinMasters);
    if (replicas_per_master < std::numeric_limits<std::size_t>::max() / kMinMasters - 1)
      text += fmt::format(", so {} nodes", kMinMasters * (replicas_per_master + 1));
    return fail(std::move(text));
  }
  if (masters > kSlotCount)
    return fail(fmt::format("{} masters are more than the {} slots there are to share", masters, kSlotCount));

  CreatePlan plan;
  for (const Endpoint& endpoint : endpoints) plan.nodes.push_back({.endpoint = endpoint, .slots = {}, .master = {}});
  const std::vector<std::size_t> order = interleave_by_host(endpoints);
  const auto split = order.begin() + static_cast<std::ptrdiff_t>(masters);
  plan.masters.assign(order.begin(), split);
  share_slots(plan);
  std::vector<std::size_t> free(split, order.end());
  // Begun one further, the turn of the replicas is out of step with that of the masters, which alone separates most.
  if (!free.empty()) std::rotate(free.begin(), free.begin() + 1, free.end());
  assign_replicas(plan, replicas_per_master, std::move(free));
  return plan;
}

Affinity affinity_of(const CreatePlan& plan) { return AffinityTable(plan).total(); }

Affinity improve_affinity(CreatePlan& plan, Rng& rng) {
  constexpr std::size_t kTriesPerNode = 500;
  AffinityTable table(plan);
  std::vector<std::size_t> offenders;
  for (std::size_t tries = kTriesPerNode * plan.nodes.size(); tries != 0; --tries) {
    offenders.clear();
    std::copy_if(plan.replicas.begin(), plan.replicas.end(), std::back_inserter(offenders),
                 [&](std::size_t replica) { return table.offends(replica); });
    if (offenders.empty()) break;
    const std::size_t a = offenders[rng.below(offenders.size())];
    const std::size_t b = plan.replicas[rng.below(plan.replicas.size())];
    if (table.swap(a, b) > 0) {
      table.swap(a, b);
    } else if (plan.nodes[a].endpoint.host != plan.nodes[b].endpoint.host) {
      std::swap(plan.nodes[a].master, plan.nodes[b].master);
    }
  }
  return table.total();
}

}  // namespace ashlar::cli::cluster
