#include "aof/cursor_commands.h"
#include "aof/rewrite_values.h"
#include "base/bytes.h"
#include "keyspace/values/sorted_set.h"

namespace ashlar::aof {

std::unique_ptr<snapshot::EntryPieces> sorted_set_commands(std::string_view key, const keyspace::SortedSet& value) {
  using keyspace::SortedSet;
  return cursor_commands("ZADD", key, value.first(), [](SortedSet::Cursor& at, std::vector<std::string>& texts) {
    const auto element = at.element();
    texts.push_back(format_double(element.score));
    texts.emplace_back(element.member);
    at.forward();
  });
}

}  // namespace ashlar::aof
