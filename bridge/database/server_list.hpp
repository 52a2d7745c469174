// The servers of a connection string, which may name several: host=a,b port=1,2.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace pg_live {

class ServerList {
 public:
  // What is not said in the connection string is taken from the environment, as libpq does it. Servers that a service
  // file names stay in its order.
  explicit ServerList(std::string connection_string);

  const std::string &connection_string() const { return connection_string_; }

  // host, hostaddr and port, as far as they are known and there are several servers. They belong behind the connection
  // string, whose own they replace.
  const std::map<std::string, std::string> &order() const { return order_; }

  // How long to try one server: connect_timeout, which libpq leaves to callers that do not block.
  std::chrono::seconds patience() const { return patience_; }

  // The first server comes last from now on.
  void rotate();

 private:
  std::string connection_string_;
  std::map<std::string, std::string> order_;
  std::chrono::seconds patience_;
};

} // namespace pg_live
