/// What replication needs of the server: running the commands of a primary's stream, taking clients' sockets, gates and
/// configuration.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/buffer.h"
#include "keyspace/safe_point.h"
#include "replication/ports.h"
#include "replication/replication.h"
#include "replication/settings.h"
#include "resp/encoder.h"
#include "server/config/settings.h"
#include "server/config_service.h"
#include "server/dispatcher.h"
#include "server/info.h"
#include "server/memory_guard.h"
#include "server/worker.h"

namespace ashlar::server {

/// Replication's part of the configuration.
[[nodiscard]] replication::Settings replication_settings(const config::Config& config);
/// The fields of INFO's section Replication. Thread: any.
void write_replication_info(const replication::Replication& replication, InfoWriter& out);

/// Thread: the control loop's.
class StreamApplier final : public replication::Applier {
 public:
  explicit StreamApplier(Durability& durability) noexcept : durability_(durability) { session_.authenticated = true; }
  /// Before anything is applied; the commands must be registered.
  void attach(Dispatcher& dispatcher);
  void begin(WallTime now, Run run) override;
  void end() override;
  void settle() override;
  [[nodiscard]] Applied apply(std::span<const std::string_view> args) override;
  void select(DbIndex db) override {
    session_.db = db;
    // The stream begins anew; what was between MULTI and EXEC belongs to the old one.
    session_.transaction.reset();
    session_.in_transaction = false;
  }
  [[nodiscard]] DbIndex selected() const override { return session_.db; }

 private:
  Dispatcher* dispatcher_ = nullptr;
  Durability& durability_;
  std::unique_ptr<Execution> run_;
  Run how_ = Run::kOneByOne;
  std::optional<keyspace::SafePoint::Exclusive> alone_;  // unless kOneByOne
  command::Session session_{command::Origin::kPrimary};
  ByteBuffer replies_;
  resp::Encoder encoder_{replies_};
};

/// Hands over the sockets of clients. Thread: that of the client.
class ClientTakeover final : public replication::Takeover {
 public:
  [[nodiscard]] Answer take(command::Session& session, std::function<void(replication::TakenSocket)> taker) override;
};

class ReplicationHost final : public replication::Host {
 public:
  ReplicationHost(Gates& gates, MemoryGuard& memory, ConfigService& service,
                  const Published<config::Config>& config) noexcept
      : gates_(gates), memory_(memory), service_(service), config_(config) {}

  void show(const replication::RoleFacts& facts) override;
  /// Lets the present configuration say whether a replica keeps to maxmemory. Thread: control, as show().
  void apply_settings() noexcept;
  void loading(Loading state) override;
  void dataset_goes() override;
  void dataset_replaced() override;
  void remember_upstream(const std::optional<net::Endpoint>& upstream) override;
  [[nodiscard]] bool writes_paused() const override;
  void acknowledged() override {
    if (acknowledgement_observer_) acknowledgement_observer_();
  }
  void hold_writes(Hold hold) override;
  [[nodiscard]] std::optional<LogPositions> log_positions() const override { return log_ ? log_() : std::nullopt; }
  [[nodiscard]] ClientId new_connection_id() override { return new_id_(); }

  /// What this needs of the parts made later; set at start.
  struct Links {
    std::function<void()> dataset_goes;
    std::function<void()> dataset_replaced;
    std::function<std::optional<LogPositions>()> log;
    std::function<void(Hold)> hold_writes;
    std::function<ClientId()> new_connection_id;
  };
  void connect(Links links) {
    dataset_goes_ = std::move(links.dataset_goes);
    dataset_observer_ = std::move(links.dataset_replaced);
    log_ = std::move(links.log);
    hold_ = std::move(links.hold_writes);
    new_id_ = std::move(links.new_connection_id);
  }
  enum class Role : std::uint8_t { kPrimary, kReplica };
  /// Whom show() tells when we have begun to follow a primary, or ceased to; set at start.
  void on_role_change(std::function<void(Role)> observer) { role_observer_ = std::move(observer); }
  /// Whom acknowledged() tells; set at start.
  void on_acknowledged(std::function<void()> observer) { acknowledgement_observer_ = std::move(observer); }

 private:
  void set(Gate gate, bool closed) noexcept { closed ? gates_.close(gate) : gates_.open(gate); }
  Gates& gates_;
  MemoryGuard& memory_;
  ConfigService& service_;
  const Published<config::Config>& config_;
  std::atomic<bool> loading_{false};  // the loading gate is closed because of us
  std::function<void()> dataset_goes_;
  std::function<void()> dataset_observer_;
  std::function<std::optional<LogPositions>()> log_;
  std::function<void(Hold)> hold_;
  std::function<ClientId()> new_id_;
  std::function<void(Role)> role_observer_;
  std::function<void()> acknowledgement_observer_;
};

}  // namespace ashlar::server
