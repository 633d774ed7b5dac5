#include "cli/cluster/preflight.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include "base/bytes.h"

namespace ashlar::cli::cluster {
namespace {

std::unexpected<Error> not_empty(const Endpoint& node, std::string_view why) {
  return fail(fmt::format("Node {} is not empty. {}", node.text(), why));
}

}  // namespace

Result<Newcomer> inspect_newcomer(Links& links, const Endpoint& node) {
  ASH_TRY_VOID(links.probe(node));
  ASH_TRY(const std::vector<NodeInfo> view, load_view(links, node));
  const NodeInfo* myself = find_myself(view);
  if (myself == nullptr)
    return fail(ErrorCode::kCorrupt, fmt::format("CLUSTER NODES of {} has no line for itself", node.text()));
  if (view.size() > 1)
    return not_empty(node, fmt::format("It already knows {} other node(s) (see CLUSTER NODES); CLUSTER RESET makes it "
                                       "forget them.",
                                       view.size() - 1));
  if (!myself->slots.empty())
    return not_empty(node, fmt::format("It already serves {} slots; CLUSTER RESET makes it give them up.",
                                       SlotSet(myself->slots).size()));
  ASH_TRY(const std::int64_t keys, count_keys(links, node));
  if (keys != 0) return not_empty(node, fmt::format("It contains {} keys; FLUSHALL deletes them.", keys));
  return Newcomer{node, myself->id, myself->bus_port};
}

Result<std::string> resolve_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int rc = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); rc != 0)
    return fail(ErrorCode::kIo, fmt::format("{}: {}", host, ::gai_strerror(rc)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, [](addrinfo* list) { ::freeaddrinfo(list); });
  const addrinfo* chosen = found;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    if (a->ai_family == AF_INET) {
      chosen = a;
      break;
    }
  }
  std::array<char, NI_MAXHOST> text{};
  if (::getnameinfo(chosen->ai_addr, chosen->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
    return fail(ErrorCode::kIo, fmt::format("{}: has no address in digits", host));
  return std::string(text.data());
}

Result<void> meet(Links& links, const Endpoint& joining, const Endpoint& member, std::uint16_t member_bus_port) {
  ASH_TRY(const std::string host, resolve_host(member.host));
  Words words = {"CLUSTER", "MEET", host, std::to_string(member.port)};
  // Older nodes do not take the bus port; it is told only when it is not where everybody expects it.
  constexpr std::uint32_t kUsualOffset = 10'000;
  if (member_bus_port != 0 && member_bus_port != member.port + kUsualOffset)
    words.push_back(std::to_string(member_bus_port));
  ASH_TRY([[maybe_unused]] const resp::Value ok, links.ask(joining, words));
  return {};
}

}  // namespace ashlar::cli::cluster
