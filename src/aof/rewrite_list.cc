#include "aof/cursor_commands.h"
#include "aof/rewrite_values.h"
#include "keyspace/values/list.h"

namespace ashlar::aof {

std::unique_ptr<snapshot::EntryPieces> list_commands(std::string_view key, const keyspace::List& value) {
  using keyspace::List;
  return cursor_commands("RPUSH", key, value.seek(0), [](List::Cursor& at, std::vector<std::string>& texts) {
    texts.push_back(at.value().to_string());
    at.step(keyspace::ListEnd::kLeft);
  });
}

}  // namespace ashlar::aof
