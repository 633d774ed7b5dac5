#include <algorithm>
#include <array>
#include <vector>

#include "aof/command_format.h"
#include "aof/rewrite_values.h"
#include "base/bytes.h"
#include "keyspace/values/hash.h"

namespace ashlar::aof {

namespace {

/// Fields with values first, then the expiries.
class HashCommands final : public snapshot::EntryPieces {
 public:
  HashCommands(std::string_view key, const keyspace::Hash& value) noexcept : key_(key), value_(value) {}
  Left next(snapshot::Chunk& out, std::size_t end) override {
    if (!all_set_) {
      set_fields(out.bytes, end);
      all_set_ = position_ == 0;
      return all_set_ && value_.next_expiry_ms() == keyspace::kNoExpiryMs ? Left::kNothing : Left::kMore;
    }
    expire_fields(out.bytes, end);
    return position_ == 0 ? Left::kNothing : Left::kMore;
  }

 private:
  void set_fields(std::string& out, std::size_t end) {
    std::array<DecimalBuffer, 2 * kItemsPerCommand> digits;
    std::vector<std::string_view> args = {"HSET", key_};
    const std::size_t head = args.size();
    do {
      position_ = value_.scan(position_, kItemsPerCommand, keyspace::kAllFields, [&](const keyspace::HashItem& item) {
        args.push_back(item.field.text(digits[args.size() - head]));
        args.push_back(item.value.text(digits[args.size() - head]));
        if (args.size() < head + 2 * kItemsPerCommand) return;
        append_command(out, args);
        args.resize(head);
      });
    } while (position_ != 0 && out.size() < end);
    if (args.size() > head) append_command(out, args);
  }
  void expire_fields(std::string& out, std::size_t end) {
    std::uint64_t left = 4096;  // fields, most of which may have no expiry
    do {
      position_ = value_.scan(position_, kItemsPerCommand, keyspace::kAllFields, [&](const keyspace::HashItem& item) {
        left -= std::min<std::uint64_t>(left, 1);
        if (item.expiry_ms == keyspace::kNoExpiryMs) return;
        DecimalBuffer ms;
        DecimalBuffer name;
        const std::array<std::string_view, 6> expire = {"HPEXPIREAT", key_, format_i64(item.expiry_ms, ms),
                                                        "FIELDS",     "1",  item.field.text(name)};
        append_command(out, expire);
      });
    } while (position_ != 0 && left > 0 && out.size() < end);
  }

  std::string_view key_;
  const keyspace::Hash& value_;
  bool all_set_ = false;
  std::uint64_t position_ = 0;
};

}  // namespace

std::unique_ptr<snapshot::EntryPieces> hash_commands(std::string_view key, const keyspace::Hash& value) {
  return std::make_unique<HashCommands>(key, value);
}

}  // namespace ashlar::aof
