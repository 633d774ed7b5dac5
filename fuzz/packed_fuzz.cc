// Any bytes as a listpack and as an intset from outside: what is accepted is well formed and validates again to itself,
// and packed pairs of its entries give the same listpack.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "ds/intset.h"
#include "ds/listpack.h"
#include "ds/packed_pairs.h"

namespace {

/// The entries as names and values by turns, an odd one at the end left out.
std::string listpack_of_pairs(const ashlar::ds::ListpackView& view) {
  ashlar::ds::PackedPairs pairs;
  for (auto at = view.begin(), end = view.end(); at != end; ++at) {
    const ashlar::ds::PackedValue name = *at;
    if (++at == end) break;
    pairs.append(name, *at);
  }
  pairs.view().check_invariants();
  std::string listpack;
  pairs.view().append_listpack(listpack);
  return listpack;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar::ds;
  const std::string_view blob(reinterpret_cast<const char*>(data), size);
  if (auto pack = Listpack::validated(blob)) {
    pack->view().check_invariants();
    const auto again = Listpack::validated(pack->view().blob());
    ASH_CHECK(again.has_value() && again->view().blob() == pack->view().blob());
    if (pack->count() % 2 == 0) ASH_CHECK(listpack_of_pairs(pack->view()) == pack->view().blob());
    if (!pack->empty()) pack->erase(pack->view().last());
    pack->prepend(std::string_view("head"));
    pack->view().check_invariants();
  }
  if (auto set = Intset::validated(blob)) {
    set->check_invariants();
    ASH_CHECK(set->blob() == blob);
    set->insert(70000);
    set->check_invariants();
  }
  return 0;
}
