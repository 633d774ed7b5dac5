/// What the command line must know about single commands to treat them as redis-cli does. Thread: any.
#pragma once

#include <span>
#include <string>

namespace ashlar::cli {

using Words = std::span<const std::string>;

/// True when the first words of `words` are `names`, without regard to case.
[[nodiscard]] bool starts_with_words(Words words, std::initializer_list<std::string_view> names);

/// True for commands whose reply is a report for people (INFO, CLUSTER NODES, CLIENT LIST, ...): shown raw in every
/// format.
[[nodiscard]] bool shows_report(Words words);

/// True for SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE, after which messages come until the user stops the program.
[[nodiscard]] bool subscribes(Words words);

/// True for SYNC and PSYNC, after which the data and the stream of a replica come, and no reply.
[[nodiscard]] bool synchronises(Words words);

/// True when the words carry a password or may do so: AUTH, HELLO .. AUTH, ACL SETUSER, CONFIG SET of a secret, MIGRATE
/// .. AUTH. A leading repeat count is skipped. Such lines never enter the history.
[[nodiscard]] bool carries_secret(Words words);

}  // namespace ashlar::cli
