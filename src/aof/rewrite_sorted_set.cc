#include <string>
#include <vector>

#include "aof/command_format.h"
#include "aof/rewrite_values.h"
#include "base/bytes.h"
#include "keyspace/values/sorted_set.h"

namespace ashlar::aof {

namespace {

class SortedSetCommands final : public snapshot::EntryPieces {
 public:
  SortedSetCommands(std::string_view key, const keyspace::SortedSet& value) : key_(key), at_(value.first()) {}
  Left next(snapshot::Chunk& out, std::size_t end) override {
    while (!at_.at_end()) {
      if (out.bytes.size() >= end) return Left::kMore;
      append_some(out.bytes);
    }
    return Left::kNothing;
  }

 private:
  void append_some(std::string& out) {
    std::vector<std::string> texts;  // score, member, score, member ...
    for (std::size_t i = 0; i < kItemsPerCommand && !at_.at_end(); ++i, at_.forward()) {
      const auto element = at_.element();
      texts.push_back(format_double(element.score));
      texts.emplace_back(element.member);
    }
    std::vector<std::string_view> args = {"ZADD", key_};
    args.insert(args.end(), texts.begin(), texts.end());
    append_command(out, args);
  }

  std::string_view key_;
  keyspace::SortedSet::Cursor at_;
};

}  // namespace

std::unique_ptr<snapshot::EntryPieces> sorted_set_commands(std::string_view key, const keyspace::SortedSet& value) {
  return std::make_unique<SortedSetCommands>(key, value);
}

}  // namespace ashlar::aof
