// The metrics of one process, collected from its parts when Prometheus asks.
#pragma once

#include "channel/hub.hpp"
#include "connection/connection_registry.hpp"
#include "conversation/conversation_services.hpp"
#include "database/database.hpp"
#include "database/listener.hpp"
#include "tls/tls_server.hpp"

#include <string>

namespace pg_live {

struct MetricsSources {
  ConnectionRegistry &connections;
  const Hub &hub;
  const Database &database;
  const Listener &listener;
  const NameCounts &joins;
  const Limiter &limiter;
  const TlsServer *tls; // null: there is no encrypted port
};

// The text that Prometheus reads.
std::string metrics_page(const MetricsSources &sources);

} // namespace pg_live
