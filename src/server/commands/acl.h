/// ACL and its subcommands. Thread: any loop.
#pragma once

#include "base/file.h"
#include "command/context.h"
#include "command/table.h"
#include "server/acl/denial_log.h"
#include "server/acl/users.h"
#include "server/config_service.h"

namespace ashlar::server {

class AclCommands {
 public:
  /// All must outlive the family.
  struct Parts {
    acl::Users& users;
    acl::DenialLog& log;
    const command::CommandTable& table;
    const Published<config::Config>& config;
    FileSystem& files;
  };
  explicit AclCommands(const Parts& parts) : parts_(parts) {}
  void register_in(command::CommandTable& table);

  void cat(command::Context& ctx);
  void deluser(command::Context& ctx);
  void dryrun(command::Context& ctx);
  void genpass(command::Context& ctx);
  void getuser(command::Context& ctx);
  void list(command::Context& ctx);
  void load(command::Context& ctx);
  void log(command::Context& ctx);
  void save(command::Context& ctx);
  void setuser(command::Context& ctx);
  void users(command::Context& ctx);
  void whoami(command::Context& ctx);

 private:
  /// The path of the ACL file; replies the error when none is configured.
  [[nodiscard]] std::optional<std::string> file(command::Context& ctx) const;
  Parts parts_;
};

}  // namespace ashlar::server
