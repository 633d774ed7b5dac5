#include "cli/line_editor/keys.h"

#include <gtest/gtest.h>

#include <vector>

namespace ashlar::cli {
namespace {

std::vector<Key> decode(std::string_view bytes) {
  KeyDecoder decoder;
  std::vector<Key> keys;
  for (const char c : bytes) {
    if (auto key = decoder.feed(c)) keys.push_back(std::move(*key));
  }
  if (auto key = decoder.flush()) keys.push_back(std::move(*key));
  return keys;
}

std::vector<KeyKind> kinds(std::string_view bytes) {
  std::vector<KeyKind> out;
  for (const Key& key : decode(bytes)) out.push_back(key.kind);
  return out;
}

TEST(KeyDecoder, GivesWholeUtf8Characters) {
  EXPECT_EQ(decode("a\xc3\xa9\xe4\xb8\xad"),
            (std::vector<Key>{{KeyKind::kText, "a"}, {KeyKind::kText, "\xc3\xa9"}, {KeyKind::kText, "\xe4\xb8\xad"}}));
}

TEST(KeyDecoder, KnowsArrowsInBothNotations) {
  const std::vector<KeyKind> arrows{KeyKind::kUp, KeyKind::kDown, KeyKind::kRight, KeyKind::kLeft};
  EXPECT_EQ(kinds("\x1b[A\x1b[B\x1b[C\x1b[D"), arrows);
  EXPECT_EQ(kinds("\x1bOA\x1bOB\x1bOC\x1bOD"), arrows);
}

TEST(KeyDecoder, KnowsEditingKeys) {
  EXPECT_EQ(kinds("\x1b[3~\x1b[H\x1b[4~\x1b[1;5D\x1b[1;5C\x1b"
                  "b"),
            (std::vector<KeyKind>{KeyKind::kDelete, KeyKind::kHome, KeyKind::kEnd, KeyKind::kWordLeft,
                                  KeyKind::kWordRight, KeyKind::kWordLeft}));
}

TEST(KeyDecoder, TakesALoneEscapeByteAsTheEscapeKey) {
  EXPECT_EQ(kinds("\x1b"), std::vector<KeyKind>{KeyKind::kEscape});
}

TEST(KeyDecoder, GoesOnAfterACharacterThatWasCutOff) {
  EXPECT_EQ(decode("\xe4\xb8"
                   "a"),
            (std::vector<Key>{{KeyKind::kText, "a"}}));
}

TEST(KeyDecoder, EndsSequencesThatNeverEnd) {
  EXPECT_EQ(kinds("\x1b[00000000000000"
                  "x"),
            (std::vector<KeyKind>{KeyKind::kUnknown, KeyKind::kText}));
}

}  // namespace
}  // namespace ashlar::cli
