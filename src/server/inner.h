/// Commands inside commands, on one thread: the dispatcher's side of command/inner_calls.h.
/// Thread: that of its Execution, which owns it.
#pragma once

#include "command/inner_calls.h"
#include "command/script_calls.h"
#include "server/dispatcher.h"

namespace ashlar::server {

class Inner final : public command::InnerCalls, public command::ScriptCalls {
 public:
  Inner(Dispatcher& dispatcher, Execution& run) : dispatcher_(dispatcher), run_(run) {}

  [[nodiscard]] command::GroupEnd group(command::Context& ctx, const command::GroupScope& scope,
                                        const std::function<void()>& body) override;
  [[nodiscard]] std::optional<command::Refusal> call(std::span<const std::string_view> args, command::Session& session,
                                                     resp::Encoder& reply, command::Caller caller) override;
  [[nodiscard]] std::optional<command::Refusal> alone(std::span<const std::string_view> args, command::Session& session,
                                                      resp::Encoder& reply) override;
  [[nodiscard]] const command::Command* find(std::span<const std::string_view> args) const override;
  [[nodiscard]] keyspace::KeyRef ref(std::string_view key) const override;
  void record_for(command::Recipients recipients) override;
  void ask_for_memory(Memory memory) override;
  void keep_to(Slots slots, std::optional<SlotId> slot) override;
  void error_is_counted() override { run_.error_counted = true; }
  void drop_effects() override;
  [[nodiscard]] bool has_written() const override { return run_.group != nullptr && run_.group->changes > 0; }

 private:
  [[nodiscard]] command::GroupEnd run_locked(command::Context& ctx, const command::GroupScope& scope, OpenGroup& group,
                                             const std::function<void()>& body);
  /// Whether it may write to a slot that is held (Gates::hold()).
  [[nodiscard]] bool meets_hold(const command::Context& ctx, const command::GroupScope& scope) const;
  [[nodiscard]] std::optional<command::Refusal> try_call(std::span<const std::string_view> args,
                                                         command::Session& session, resp::Encoder& reply,
                                                         command::Caller caller);
  [[nodiscard]] std::optional<command::Refusal> refusal(const command::Command& command, std::size_t argc,
                                                        command::Session& session, command::Caller caller) const;
  [[nodiscard]] std::optional<command::Refusal> forbidden(const command::Command& command,
                                                          std::span<const std::string_view> args,
                                                          const command::Session& session, command::Caller caller);
  [[nodiscard]] std::optional<command::Refusal> placed(const command::Command& command,
                                                       std::span<const std::string_view> args,
                                                       std::span<const keyspace::KeyRef> keys,
                                                       command::Session& session, keyspace::Db& db,
                                                       command::Caller caller) const;
  [[nodiscard]] bool leaves_its_slot(std::span<const keyspace::KeyRef> keys) const;

  Dispatcher& dispatcher_;
  Execution& run_;
  command::Session* caller_ = nullptr;  // of the group that is open
};

}  // namespace ashlar::server
