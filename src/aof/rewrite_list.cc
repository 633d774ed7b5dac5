#include <vector>

#include "aof/command_format.h"
#include "aof/rewrite_values.h"
#include "keyspace/values/list.h"

namespace ashlar::aof {

namespace {

class ListCommands final : public snapshot::EntryPieces {
 public:
  ListCommands(std::string_view key, const keyspace::List& value) : key_(key), at_(value.seek(0)) {}
  Left next(snapshot::Chunk& out, std::size_t end) override {
    while (!at_.at_end()) {
      if (out.bytes.size() >= end) return Left::kMore;
      append_some(out.bytes);
    }
    return Left::kNothing;
  }

 private:
  void append_some(std::string& out) {
    std::vector<std::string> texts;  // what the arguments refer to
    for (; texts.size() < kItemsPerCommand && !at_.at_end(); at_.step(keyspace::ListEnd::kLeft)) {
      texts.push_back(at_.value().to_string());
    }
    std::vector<std::string_view> args = {"RPUSH", key_};
    args.insert(args.end(), texts.begin(), texts.end());
    append_command(out, args);
  }

  std::string_view key_;
  keyspace::List::Cursor at_;
};

}  // namespace

std::unique_ptr<snapshot::EntryPieces> list_commands(std::string_view key, const keyspace::List& value) {
  return std::make_unique<ListCommands>(key, value);
}

}  // namespace ashlar::aof
