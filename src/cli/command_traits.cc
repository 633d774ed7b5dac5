#include "cli/command_traits.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/bytes.h"

namespace ashlar::cli {
namespace {

bool has_word(Words words, std::initializer_list<std::string_view> any_of) {
  return std::ranges::any_of(words, [&](const std::string& word) {
    return std::ranges::any_of(any_of, [&](std::string_view name) { return iequals(word, name); });
  });
}

}  // namespace

bool starts_with_words(Words words, std::initializer_list<std::string_view> names) {
  if (words.size() < names.size()) return false;
  return std::ranges::equal(names, words.first(names.size()),
                            [](std::string_view name, const std::string& word) { return iequals(name, word); });
}

bool shows_report(Words words) {
  const std::size_t n = words.size();
  return starts_with_words(words, {"info"}) || starts_with_words(words, {"lolwut"}) ||
         starts_with_words(words, {"debug", "htstats"}) || starts_with_words(words, {"debug", "htstats-key"}) ||
         starts_with_words(words, {"debug", "client-eviction"}) ||
         starts_with_words(words, {"memory", "malloc-stats"}) || starts_with_words(words, {"memory", "doctor"}) ||
         (n == 2 && starts_with_words(words, {"cluster", "nodes"})) ||
         (n == 2 && starts_with_words(words, {"cluster", "info"})) || starts_with_words(words, {"client", "list"}) ||
         starts_with_words(words, {"client", "info"}) || (n == 3 && starts_with_words(words, {"latency", "graph"})) ||
         (n == 2 && starts_with_words(words, {"latency", "doctor"})) || starts_with_words(words, {"proxy", "info"});
}

bool subscribes(Words words) {
  return starts_with_words(words, {"subscribe"}) || starts_with_words(words, {"psubscribe"}) ||
         starts_with_words(words, {"ssubscribe"});
}

bool synchronises(Words words) { return starts_with_words(words, {"sync"}) || starts_with_words(words, {"psync"}); }

bool carries_secret(Words words) {
  const bool repeated = words.size() > 1 && !words[0].empty() &&
                        std::ranges::all_of(words[0], [](char c) { return c >= '0' && c <= '9'; });
  if (repeated) words = words.subspan(1);
  if (words.empty()) return false;
  if (starts_with_words(words, {"auth"})) return true;
  if (starts_with_words(words, {"hello"})) return has_word(words, {"auth"});
  if (starts_with_words(words, {"acl", "setuser"})) return true;
  if (starts_with_words(words, {"migrate"})) return has_word(words, {"auth", "auth2"});
  if (starts_with_words(words, {"config", "set"}))
    return has_word(words, {"requirepass", "masterauth", "primaryauth", "masteruser", "tls-key-file-pass",
                            "tls-client-key-file-pass"});
  if (starts_with_words(words, {"sentinel", "set"})) return has_word(words, {"auth-pass", "auth-user"});
  if (starts_with_words(words, {"sentinel", "config", "set"})) return has_word(words, {"sentinel-pass"});
  return false;
}

}  // namespace ashlar::cli
