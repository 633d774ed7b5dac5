#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "cluster/core/nodes_conf.h"
#include "cluster/core/view_editor.h"

namespace ashlar::cluster {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = text.find(separator, start);
    out.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return out;
    start = end + 1;
  }
}

struct OpenSlot {
  SlotId slot;
  char direction = '>';
  NodeId peer;
};

/// One line about a node, before references between lines are resolved.
struct Line {
  std::size_t number = 0;
  Node node;
  bool myself = false;
  bool has_shard = false;
  std::optional<NodeId> primary;
  std::vector<SlotRange> slots;
  std::vector<OpenSlot> open;
};

Result<std::uint16_t> parse_port(std::string_view text) {
  const auto value = parse_u64(text);
  if (!value || *value > 65'535) return fail(fmt::format("bad port '{}'", text));
  return static_cast<std::uint16_t>(*value);
}

Result<NodeId> parse_id(std::string_view text) {
  const auto id = NodeId::from_hex(text);
  if (!id || id->is_zero()) return fail(fmt::format("bad node id '{}'", text));
  return *id;
}

Result<SlotId> parse_slot(std::string_view text) {
  const auto value = parse_u64(text);
  if (!value || *value >= kSlotCount) return fail(fmt::format("bad slot '{}'", text));
  return SlotId::wrap(static_cast<std::uint32_t>(*value));
}

Result<std::string> parse_name(std::string_view text) {
  if (text.size() > kMaxHostBytes || !std::ranges::all_of(text, is_name_character))
    return fail(fmt::format("bad name '{}'", text));
  return std::string(text);
}

/// Which ports the auxiliary fields gave; the other one stands after the address.
struct AuxPorts {
  std::optional<std::uint16_t> plain;
  std::optional<std::uint16_t> tls;
};

Result<void> parse_aux(Line& line, std::string_view field, AuxPorts& ports) {
  const std::size_t equals = field.find('=');
  if (equals == std::string_view::npos) return fail(fmt::format("bad field '{}'", field));
  const std::string_view name = field.substr(0, equals);
  const std::string_view value = field.substr(equals + 1);
  if (name == "shard-id") {
    ASH_TRY(line.node.shard, parse_id(value));
    line.has_shard = true;
  } else if (name == "nodename") {
    ASH_TRY(line.node.human_name, parse_name(value));
  } else if (name == "tcp-port") {
    ASH_TRY(ports.plain, parse_port(value));
  } else if (name == "tls-port") {
    ASH_TRY(ports.tls, parse_port(value));
  } else {
    return fail(fmt::format("unknown field '{}'", name));
  }
  return {};
}

/// "ip:port@bus,hostname,aux=value,..."; the bus port and all behind it may be missing.
Result<void> parse_address(Line& line, std::string_view text, const Options& options) {
  const auto fields = split(text, ',');
  AuxPorts aux;
  if (fields.size() > 1) {
    ASH_TRY(line.node.hostname, parse_name(fields[1]));
  }
  for (std::size_t i = 2; i < fields.size(); ++i) ASH_TRY_VOID(parse_aux(line, fields[i], aux));

  const std::size_t colon = fields[0].rfind(':');
  if (colon == std::string_view::npos || colon > kMaxIpBytes) return fail(fmt::format("bad address '{}'", fields[0]));
  const std::string_view ip = fields[0].substr(0, colon);
  const auto is_ip_char = [](char c) { return is_name_character(c) || c == ':' || c == '%'; };
  if (!std::ranges::all_of(ip, is_ip_char)) return fail(fmt::format("bad address '{}'", fields[0]));
  const auto ports = split(fields[0].substr(colon + 1), '@');
  if (ports.size() > 2) return fail(fmt::format("bad address '{}'", fields[0]));
  ASH_TRY(const std::uint16_t port, parse_port(ports[0]));

  NodeAddress& address = line.node.address;
  address.ip = ip;
  // The port after the address is the one that no field names; in older files, the one of the bus's kind.
  const bool is_tls = aux.plain.has_value() || (!aux.tls && options.tls_bus);
  address.port = is_tls ? aux.plain.value_or(0) : port;
  address.tls_port = is_tls ? port : aux.tls.value_or(0);
  if (ports.size() == 2) {
    ASH_TRY(address.bus_port, parse_port(ports[1]));
  } else {
    const std::uint32_t derived = std::uint32_t{port} + kBusPortOffset;
    if (derived > 65'535) return fail(fmt::format("no bus port for '{}'", fields[0]));
    address.bus_port = static_cast<std::uint16_t>(derived);
  }
  return {};
}

Result<void> parse_flags(Line& line, std::string_view text) {
  Node& node = line.node;
  for (const std::string_view flag : split(text, ',')) {
    if (flag == "myself") {
      line.myself = true;
    } else if (flag == "master" || flag == "primary") {
      node.role = Primary{};
    } else if (flag == "slave" || flag == "replica") {
      node.role = ReplicaOf{};
    } else if (flag == "fail?") {
      node.health = node.failed() ? Health::kFailed : Health::kSuspected;
    } else if (flag == "fail") {
      node.health = Health::kFailed;
    } else if (flag == "handshake") {
      node.handshake = true;
    } else if (flag == "noaddr") {
      node.no_address = true;
    } else if (flag == "nofailover") {
      node.no_failover = true;
    } else if (flag != "noflags") {
      return fail(fmt::format("unknown flag '{}'", flag));
    }
  }
  return {};
}

/// "5", "7-9", "[12->-<id>]" or "[12-<-<id>]".
Result<void> parse_slots(Line& line, std::string_view text) {
  if (!text.starts_with('[')) {
    const std::size_t dash = text.find('-');
    ASH_TRY(const SlotId first, parse_slot(text.substr(0, dash)));
    SlotId last = first;
    if (dash != std::string_view::npos) {
      ASH_TRY(last, parse_slot(text.substr(dash + 1)));
    }
    if (last < first) return fail(fmt::format("bad slot range '{}'", text));
    line.slots.push_back({first, last});
    return {};
  }
  const std::size_t dash = text.find('-');
  const bool shaped = text.ends_with(']') && dash != std::string_view::npos && dash + 3 < text.size() &&
                      (text[dash + 1] == '>' || text[dash + 1] == '<') && text[dash + 2] == '-';
  if (!shaped) return fail(fmt::format("bad open slot '{}'", text));
  OpenSlot open;
  open.direction = text[dash + 1];
  ASH_TRY(open.slot, parse_slot(text.substr(1, dash - 1)));
  ASH_TRY(open.peer, parse_id(text.substr(dash + 3, text.size() - dash - 4)));
  line.open.push_back(open);
  return {};
}

Result<Line> parse_line(const std::vector<std::string_view>& fields, std::size_t number, const Options& options) {
  if (fields.size() < 8) return fail(fmt::format("{} fields where 8 or more belong", fields.size()));
  Line line;
  line.number = number;
  ASH_TRY(line.node.id, parse_id(fields[0]));
  ASH_TRY_VOID(parse_address(line, fields[1], options));
  ASH_TRY_VOID(parse_flags(line, fields[2]));
  if (fields[3] != "-") {
    ASH_TRY(line.primary, parse_id(fields[3]));
    if (!line.node.is_replica()) return fail("only a slave has a master");
  }
  for (const std::string_view time : {fields[4], fields[5]}) {
    if (!parse_u64(time)) return fail(fmt::format("bad time '{}'", time));
  }
  const auto epoch = parse_u64(fields[6]);
  if (!epoch) return fail(fmt::format("bad epoch '{}'", fields[6]));
  // A replica's line shows the epoch of its primary.
  if (!line.primary) line.node.config_epoch = ConfigEpoch{*epoch};
  if (fields[7] != "connected" && fields[7] != "disconnected")
    return fail(fmt::format("bad link state '{}'", fields[7]));
  for (std::size_t i = 8; i < fields.size(); ++i) ASH_TRY_VOID(parse_slots(line, fields[i]));
  if (!line.slots.empty() && !line.node.is_primary()) return fail("only a master owns slots");
  if (!line.open.empty() && !line.myself) return fail("only slots of myself can be open");
  return line;
}

struct Vars {
  std::optional<std::uint64_t> current_epoch;
  std::optional<std::uint64_t> last_vote_epoch;
};

Result<void> parse_vars(const std::vector<std::string_view>& fields, Vars& vars) {
  if (fields.size() % 2 == 0) return fail("a variable without value");
  for (std::size_t i = 1; i < fields.size(); i += 2) {
    // Names we do not know are of a later version.
    auto* target = iequals(fields[i], "currentEpoch")    ? &vars.current_epoch
                   : iequals(fields[i], "lastVoteEpoch") ? &vars.last_vote_epoch
                                                         : nullptr;
    if (target == nullptr) continue;
    *target = parse_u64(fields[i + 1]);
    if (!*target) return fail(fmt::format("bad epoch '{}'", fields[i + 1]));
  }
  return {};
}

struct Parsed {
  std::vector<Line> lines;
  Vars vars;
};

std::unexpected<Error> at_line(std::size_t number, std::string_view what) {
  return fail(ErrorCode::kCorrupt, fmt::format("line {}: {}", number, what));
}

Result<Parsed> parse_lines(std::string_view text, const Options& options) {
  Parsed out;
  std::size_t number = 0;
  for (std::size_t start = 0; start < text.size();) {
    ++number;
    const std::size_t end = text.find('\n', start);
    if (end == std::string_view::npos) return at_line(number, "the file ends in the middle of a line");
    std::string_view line = text.substr(start, end - start);
    start = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto fields = split(line, ' ');
    if (fields[0] == "vars") {
      if (const auto ok = parse_vars(fields, out.vars); !ok) return at_line(number, ok.error().text());
      continue;
    }
    auto parsed = parse_line(fields, number, options);
    if (!parsed) return at_line(number, parsed.error().text());
    if (parsed->node.handshake && !parsed->myself) continue;  // knew only a made-up id
    if (out.lines.size() >= kMaxNodes) return at_line(number, "too many nodes");
    out.lines.push_back(std::move(*parsed));
  }
  if (!out.vars.current_epoch || !out.vars.last_vote_epoch) {
    return at_line(number, "the closing line with currentEpoch and lastVoteEpoch is missing");
  }
  return out;
}

/// Adds the members, myself first.
Result<View> build_members(std::vector<Line>& lines) {
  const auto me = std::ranges::find_if(lines, &Line::myself);
  if (me == lines.end()) return fail(ErrorCode::kCorrupt, "no line is about myself");
  if (!me->node.role) return at_line(me->number, "myself is neither master nor slave");
  me->node.health = Health::kOnline;
  me->node.handshake = me->node.no_address = false;
  View view(me->node);
  ViewEditor edit(view);
  for (Line& line : lines) {
    if (&line == &*me) continue;
    if (line.myself) return at_line(line.number, "a second line about myself");
    if (view.index_of(line.node.id)) return at_line(line.number, "a second line about this node");
    if (!edit.add(line.node)) return at_line(line.number, "too many nodes");
  }
  return view;
}

/// Slots, primaries and shards, which refer to other lines.
Result<void> resolve(View& view, const std::vector<Line>& lines) {
  ViewEditor edit(view);
  for (const Line& line : lines) {
    const NodeIndex index = *view.index_of(line.node.id);
    if (!line.has_shard) edit.edit(index).shard = line.node.id;  // written before 7.2; any unique id will do
    if (line.primary) {
      const auto primary = view.index_of(*line.primary);
      if (!primary || *primary == index) return at_line(line.number, "its master is not in the file");
      edit.edit(index).role = ReplicaOf{*line.primary};
      edit.edit(*primary).migrate_to = true;
    }
    for (const SlotRange& range : line.slots) {
      for (std::uint32_t s = range.first.value(); s <= range.last.value(); ++s) {
        if (view.owner_index(SlotId::wrap(s))) return at_line(line.number, fmt::format("slot {} is taken twice", s));
        edit.assign(SlotId::wrap(s), index);
      }
    }
  }
  for (const Line& line : lines) {
    if (line.primary) edit.edit(*view.index_of(line.node.id)).shard = view.find(*line.primary)->shard;
    for (const OpenSlot& open : line.open) {
      if (view.find(open.peer) == nullptr) return at_line(line.number, "the peer of an open slot is not in the file");
      const bool migrating = open.direction == '>';
      // Left over from a slot that changed hands meanwhile: Redis keeps these, to no effect.
      if (view.is_mine(open.slot) != migrating) continue;
      edit.set_slot_state(open.slot,
                          migrating ? SlotState{MigratingTo{open.peer}} : SlotState{ImportingFrom{open.peer}});
    }
  }
  return {};
}

}  // namespace

Result<View> parse_nodes_conf(std::string_view text, const Options& options) {
  ASH_TRY(Parsed parsed, parse_lines(text, options));
  ASH_TRY(View view, build_members(parsed.lines));
  ASH_TRY_VOID(resolve(view, parsed.lines));
  ViewEditor edit(view);
  edit.set_last_vote_epoch(ConfigEpoch{*parsed.vars.last_vote_epoch});
  edit.set_current_epoch(ConfigEpoch{*parsed.vars.current_epoch});
  // Smaller only after an edit by hand; an epoch that was given away must not be given again.
  edit.raise_current_epoch(max_epoch(view));
  edit.raise_current_epoch(view.last_vote_epoch());
  if (auto broken = view.check_invariants()) return fail(ErrorCode::kCorrupt, std::move(*broken));
  return view;
}

}  // namespace ashlar::cluster
