#include "keyspace/values/set.h"

namespace ashlar::keyspace {

Set::~Set() = default;

std::uint64_t Set::size() const noexcept { return 0; }

Owned<Set> Set::clone() const { return Owned<Set>(new Set()); }

std::size_t Set::memory_bytes() const noexcept { return sizeof(*this); }

std::string_view Set::encoding_name() const noexcept { return "listpack"; }

}  // namespace ashlar::keyspace
