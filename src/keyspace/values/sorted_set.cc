#include "keyspace/values/sorted_set.h"

namespace ashlar::keyspace {

SortedSet::~SortedSet() = default;

std::uint64_t SortedSet::size() const noexcept { return 0; }

Owned<SortedSet> SortedSet::clone() const { return Owned<SortedSet>(new SortedSet()); }

std::size_t SortedSet::memory_bytes() const noexcept { return sizeof(*this); }

std::string_view SortedSet::encoding_name() const noexcept { return "listpack"; }

}  // namespace ashlar::keyspace
