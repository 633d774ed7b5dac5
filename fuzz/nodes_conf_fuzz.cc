// Any text as nodes.conf: what is accepted is written and read back as the same text, and can be shown to clients.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "cluster/core/nodes_conf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar::cluster;
  const Options options;
  const auto view = parse_nodes_conf({reinterpret_cast<const char*>(data), size}, options);
  if (!view) return 0;
  const std::string once = format_nodes_conf(*view, options);
  const auto again = parse_nodes_conf(once, options);
  ASH_CHECK(again.has_value());
  ASH_CHECK(format_nodes_conf(*again, options) == once);
  ASH_CHECK(!describe_nodes(*view, ClientKind::kPlain).empty());
  static_cast<void>(describe_cluster(*view));
  return 0;
}
