#include "cluster/core/state.h"

#include <fmt/format.h>

#include "base/check.h"
#include "cluster/core/roles.h"

namespace ashlar::cluster {

void Step::save(Save how) {
  if (how == Save::kBeforeSending) {
    s.durability.note_promise();
  } else {
    s.durability.note_change();
  }
  topology_changed();
}

void Step::send_on(LinkId link, std::shared_ptr<const Message> message) {
  s.durability.hold(Send{link, std::move(message)});
}

void Step::send_to(NodeIndex to, std::shared_ptr<const Message> message) {
  const auto link = peer(to).link;
  if (link && s.links.at(*link).up) send_on(*link, std::move(message));
}

void Step::forget_link(LinkId link) {
  const auto at = s.links.find(link);
  if (at == s.links.end()) return;
  if (const auto index = at->second.node) {
    Peer& owner = peer(*index);
    if (owner.link == link) {
      owner.link.reset();
      if (*index != view().my_index() && node(*index).linked) edit.edit(*index).linked = false;
    }
    if (owner.inbound == link) owner.inbound.reset();
  }
  s.links.erase(at);
  s.durability.drop(link);
  touch();
}

void Step::close_link(LinkId link) {
  forget_link(link);
  fx.closes.push_back(link);
}

std::optional<NodeIndex> Step::add_node(Node node) {
  const auto index = edit.add(std::move(node));
  if (!index) return std::nullopt;
  if (s.peers.size() <= index->value) s.peers.resize(index->value + 1U);
  s.peers[index->value] = Peer{.created = now.mono};
  topology_changed();
  return index;
}

void Step::remove_node(NodeIndex index) {
  ASH_CHECK(index != view().my_index());
  const NodeId id = node(index).id;
  if (const auto link = peer(index).link) close_link(*link);
  if (const auto link = peer(index).inbound) close_link(*link);
  leave_primary(*this, index);
  edit.remove(index);
  for (Peer& other : s.peers) other.failure_reports.erase(id);
  if (s.manual.replica == id) s.manual.replica.reset();
  topology_changed();
}

std::string label(const Node& node) { return fmt::format("{} ({})", node.id.hex(), node.human_name); }

}  // namespace ashlar::cluster
