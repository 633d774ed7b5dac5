// Any bytes as a listpack and as an intset from outside: what is accepted is well formed and validates again to itself.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "ds/intset.h"
#include "ds/listpack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar::ds;
  const std::string_view blob(reinterpret_cast<const char*>(data), size);
  if (auto pack = Listpack::validated(blob)) {
    pack->view().check_invariants();
    const auto again = Listpack::validated(pack->view().blob());
    ASH_CHECK(again.has_value() && again->view().blob() == pack->view().blob());
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
