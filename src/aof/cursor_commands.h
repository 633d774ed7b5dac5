/// Commands with the elements that a cursor comes by, kItemsPerCommand of them each. For the types that have a cursor.
/// Key and value must outlive the result. Thread: any.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aof/command_format.h"
#include "aof/rewrite_values.h"
#include "snapshot/entry_pieces.h"

namespace ashlar::aof {

/// `take(at, texts)` appends the arguments of the element at the cursor and moves it on.
template <typename Cursor, typename Take>
class CursorCommands final : public snapshot::EntryPieces {
 public:
  CursorCommands(std::string_view command, std::string_view key, Cursor at, Take take)
      : command_(command), key_(key), at_(std::move(at)), take_(std::move(take)) {}
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
    for (std::size_t i = 0; i < kItemsPerCommand && !at_.at_end(); ++i) take_(at_, texts);
    std::vector<std::string_view> args = {command_, key_};
    args.insert(args.end(), texts.begin(), texts.end());
    append_command(out, args);
  }

  std::string_view command_;
  std::string_view key_;
  Cursor at_;
  Take take_;
};

template <typename Cursor, typename Take>
[[nodiscard]] std::unique_ptr<snapshot::EntryPieces> cursor_commands(std::string_view command, std::string_view key,
                                                                     Cursor at, Take take) {
  return std::make_unique<CursorCommands<Cursor, Take>>(command, key, std::move(at), std::move(take));
}

}  // namespace ashlar::aof
