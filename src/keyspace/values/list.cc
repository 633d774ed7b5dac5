#include "keyspace/values/list.h"

namespace ashlar::keyspace {

List::~List() = default;

std::uint64_t List::size() const noexcept { return 0; }

Owned<List> List::clone() const { return Owned<List>(new List()); }

std::size_t List::memory_bytes() const noexcept { return sizeof(*this); }

std::string_view List::encoding_name() const noexcept { return "listpack"; }

}  // namespace ashlar::keyspace
