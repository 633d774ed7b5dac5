#include <array>
#include <vector>

#include "aof/command_format.h"
#include "aof/rewrite_values.h"
#include "base/bytes.h"
#include "keyspace/values/set.h"

namespace ashlar::aof {

namespace {

class SetCommands final : public snapshot::EntryPieces {
 public:
  SetCommands(std::string_view key, const keyspace::Set& value) noexcept : key_(key), value_(value) {}
  Left next(snapshot::Chunk& out, std::size_t end) override {
    std::array<DecimalBuffer, kItemsPerCommand> digits;
    std::vector<std::string_view> args = {"SADD", key_};
    const std::size_t head = args.size();
    do {
      position_ = value_.scan(position_, kItemsPerCommand, [&](const ds::PackedValue& member) {
        args.push_back(member.text(digits[args.size() - head]));
        if (args.size() < head + kItemsPerCommand) return;
        append_command(out.bytes, args);
        args.resize(head);
      });
    } while (position_ != 0 && out.bytes.size() < end);
    if (args.size() > head) append_command(out.bytes, args);
    return position_ == 0 ? Left::kNothing : Left::kMore;
  }

 private:
  std::string_view key_;
  const keyspace::Set& value_;
  std::uint64_t position_ = 0;
};

}  // namespace

std::unique_ptr<snapshot::EntryPieces> set_commands(std::string_view key, const keyspace::Set& value) {
  return std::make_unique<SetCommands>(key, value);
}

}  // namespace ashlar::aof
