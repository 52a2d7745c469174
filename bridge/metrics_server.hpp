// The port where Prometheus reads, and operators look. It is apart from that of clients, so that what the process does
// is not public, and so that each of several processes is read. Invariant: a bounded number of requests is open at a
// time; more are closed at once.
#pragma once

#include "admin/admin.hpp"
#include "http/incoming.hpp"
#include "process/acceptor.hpp"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace pg_live {

class MetricsServer final : public IncomingOwner {
 public:
  // `page` writes what is read. `admin`: null if there is no page for operators. Throws std::runtime_error if the port
  // cannot be listened on.
  MetricsServer(Services &services, std::function<std::string()> page, Admin *admin);

  void start() { acceptor_.start(); }
  unsigned port() const { return acceptor_.port(); }

 private:
  void accept(Descriptor socket, const IpAddress &address);
  void handle_head(Incoming &incoming) override;
  void handle_request(Incoming &) override {} // none has a body
  void finished(Incoming &incoming) override { requests_.erase(&incoming); }

  Services &services_;
  std::function<std::string()> page_;
  Admin *admin_;
  const ProxySettings no_proxy_;
  std::unordered_map<Incoming *, std::shared_ptr<Incoming>> requests_;
  Acceptor acceptor_;
};

} // namespace pg_live
