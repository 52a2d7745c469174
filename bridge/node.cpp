// Puts the parts of a process together. Members are destroyed from the last to the first, so each comes after those it
// refers to.
#include "node.hpp"

#include "admin/admin.hpp"
#include "channel/hub.hpp"
#include "connection/admission.hpp"
#include "connection/connection.hpp"
#include "connection/drain.hpp"
#include "connection/server.hpp"
#include "database/access.hpp"
#include "database/database.hpp"
#include "database/listener.hpp"
#include "database/revoked_tokens.hpp"
#include "http/http.hpp"
#include "http/incoming.hpp"
#include "http/plain_http.hpp"
#include "issuer/api_key_file.hpp"
#include "issuer/issuer_keys.hpp"
#include "metrics_page.hpp"
#include "metrics_server.hpp"
#include "presence/channel_presence.hpp"
#include "presence/presence.hpp"
#include "presence/presence_visibility.hpp"
#include "presence/session_presence.hpp"
#include "process/acceptor.hpp"
#include "process/descriptor_limit.hpp"
#include "tls/tls_server.hpp"

#include <csignal>
#include <deque>
#include <optional>
#include <stdexcept>
#include <unordered_map>

namespace pg_live {

namespace {

constexpr Milliseconds kTick{250};                  // of the timer wheel
constexpr Milliseconds kReadRevocationsEvery{2000}; // while their events do not come, or the last read failed
constexpr Milliseconds kDrainCheckInterval{10};
constexpr std::uint64_t kRetirement = 1500; // milliseconds before the end that are kept for it

class Node final : public IncomingOwner, public InternalReceiver {
 public:
  Node(const Settings &settings, const Log &log)
      : log_(log), settings_(settings), limiter_(settings.limits), tokens_(token_settings(settings.tokens)),
        keys_(loop_, log, settings.tokens, tokens_), api_keys_(loop_, log, settings.tokens, tokens_),
        wheel_(std::chrono::seconds(loop_.now() / 1000)), database_(loop_, log, settings.database, limiter_),
        revoked_(loop_, log, database_), access_(database_, tokens_, keys_, revoked_),
        connections_(loop_, settings.limits),
        presence_(loop_, log, database_, settings.presence.lease_seconds), services_{loop_,   log,  settings, database_,
                                                                                     access_, hub_, limiter_, wheel_},
        channel_presence_(services_, presence_.queue()), session_presence_(presence_.queue()), edits_(loop_, database_),
        cursors_(loop_, database_, Milliseconds{settings.presence.cursor_milliseconds}),
        conversation_services_{services_, presence_, channel_presence_, session_presence_, edits_,
                               cursors_,  joins_,    refusals_},
        visibility_(services_), listener_(loop_, log, settings.database, hub_),
        http_(services_, [this] { return listener_.ready(); }), admission_(conversation_services_, connections_),
        server_(loop_, log, Admission::subprotocols()),
        acceptor_(loop_, log, settings.sockets, settings.bind_address, settings.port,
                  [this](Descriptor socket, const IpAddress &address) {
                    accept(std::move(socket), address, Allowance(limiter_, address.client_key()), settings_.proxy,
                           Transport::plain);
                  }),
        proxy_inside_tls_(settings.proxy.sends_preface ? ProxySettings() : settings.proxy),
        tick_(loop_, [this] { tick(); }), revocation_timer_(loop_,
                                                            [this] {
                                                              if (!listener_.ready() || revoked_.is_behind())
                                                                revoked_.read();
                                                            }),
        drain_(connections_), drain_timer_(loop_, [this] { drain(); }), reload_(loop_, SIGHUP, [this] { reload(); }),
        terminate_(loop_, SIGTERM, [this] { stop(); }), interrupt_(loop_, SIGINT, [this] { stop(); }) {
    if (settings.tls.port != 0)
      tls_.emplace(loop_, log, wheel_, settings, limiter_,
                   [this](Descriptor socket, const IpAddress &address, Allowance allowance) {
                     accept(std::move(socket), address, std::move(allowance), proxy_inside_tls_, Transport::encrypted);
                   });
    if (!settings.admin.token_file.empty()) admin_.emplace(settings.admin, loop_, hub_, connections_, refusals_);
    if (settings.metrics.port != 0)
      metrics_.emplace(
          services_,
          [this] {
            return metrics_page({connections_, hub_, database_, listener_, joins_, limiter_, tls_ ? &*tls_ : nullptr});
          },
          admin_ ? &*admin_ : nullptr);
  }

  void run() {
    tick_.start(kTick, kTick);
    revocation_timer_.start(kReadRevocationsEvery, kReadRevocationsEvery);
    hub_.set_internal(*this);
    revoked_.when_added([this] { connections_.check_tokens(); });
    presence_.start(channel_presence_.tracker(), [this] {
      connections_.assert_presence();
      channel_presence_.tracker().store_everything();
      session_presence_.enter_everything();
    });
    keys_.start();
    api_keys_.start([this] { connections_.check_tokens(); });
    database_.start();
    revoked_.read(); // and again once events are followed, so that none is missed between
    listener_.start();
    acceptor_.start();
    if (tls_) tls_->start();
    if (metrics_) metrics_->start();
    log_.info("listening", {{"address", settings_.bind_address}, {"port", acceptor_.port()}});
    loop_.run();
    log_.info("stopped");
  }

 private:
  bool make_room();
  void accept(Descriptor socket, const IpAddress &address, Allowance allowance, const ProxySettings &proxy,
              Transport transport);
  void handle_head(Incoming &incoming) override;
  std::optional<Excess> excess_of(Allowance &allowance) const;
  void answer_head(Incoming &incoming, const std::function<void()> &resume);
  void refuse(Incoming &incoming, std::string_view what, HttpResponse response);
  void handle_request(Incoming &incoming) override;
  void finished(Incoming &incoming) override;
  void handle_internal(const LiveEvent &event) override;
  void stream_began() override {
    database_.start_joins();
    revoked_.read();
  }
  void stream_caught_up() override {
    channel_presence_.resync();
    revoked_.read();
  }
  void tick();
  void reload();
  void stop();
  void drain();

  Loop loop_;
  const Log &log_;
  const Settings &settings_;
  Limiter limiter_; // what waits for keys holds it
  TokenVerifier tokens_;
  IssuerKeys keys_;
  ApiKeyFile api_keys_;
  TimerWheel wheel_;
  Database database_;
  RevokedTokens revoked_;
  Access access_;
  Hub hub_;
  ConnectionRegistry connections_;
  Presence presence_;
  Services services_;
  ChannelPresence channel_presence_;
  SessionPresence session_presence_;
  GatheredEdits edits_;
  GatheredCursors cursors_;
  NameCounts joins_;
  Refusals refusals_;
  ConversationServices conversation_services_;
  PresenceVisibility visibility_;
  Listener listener_;
  Http http_;
  Admission admission_;
  Server server_;
  std::unordered_map<Incoming *, std::shared_ptr<Incoming>> incoming_;
  std::deque<std::weak_ptr<Incoming>> arrivals_; // the oldest first
  Acceptor acceptor_;
  // With the PROXY protocol the preface stands outside of the encryption, where TlsServer reads it.
  const ProxySettings proxy_inside_tls_;
  std::optional<TlsServer> tls_;
  std::optional<Admin> admin_;
  std::optional<MetricsServer> metrics_;
  LoopTimer tick_;
  LoopTimer revocation_timer_;
  Drain drain_;
  LoopTimer drain_timer_;
  Signal reload_;
  Signal terminate_;
  Signal interrupt_;
  bool stopping_ = false;
  bool retiring_ = false;
  std::uint64_t end_at_ = 0; // at the latest, once it is stopping
};

// Closes the oldest socket whose request is not complete, so that sockets that send nothing cannot keep others out.
bool Node::make_room() {
  while (!arrivals_.empty()) {
    const auto oldest = arrivals_.front().lock();
    arrivals_.pop_front();
    if (!oldest || !oldest->is_reading()) continue;
    oldest->give_up();
    return true;
  }
  return false;
}

void Node::accept(Descriptor socket, const IpAddress &address, Allowance allowance, const ProxySettings &proxy,
                  Transport transport) {
  const std::size_t sockets = connections_.open() + incoming_.size();
  if (sockets >= settings_.limits[Limit::connections] + kSpareDescriptors && !make_room()) return; // closes the socket
  while (!arrivals_.empty() && arrivals_.front().expired())
    arrivals_.pop_front();
  auto incoming =
      std::make_shared<Incoming>(services_, *this, proxy, std::move(socket), address, std::move(allowance), transport);
  if (incoming->is_far_too_many()) return; // closes the socket
  Incoming &accepted = *incoming;
  arrivals_.push_back(incoming);
  incoming_.emplace(&accepted, std::move(incoming));
  if (stopping_) accepted.respond(error_response(503, "the server is stopping"));
}

void Node::finished(Incoming &incoming) { incoming_.erase(&incoming); }

// Of a request, before anything is done for it.
std::optional<Excess> Node::excess_of(Allowance &allowance) const {
  if (auto excess = allowance.excess_of_connections()) return excess;
  return allowance.spend(Rate::requests, services_.time_now());
}

void Node::handle_head(Incoming &incoming) {
  if (!Http::is_probe(incoming.head().path)) {
    if (const auto excess = excess_of(incoming.allowance()))
      return refuse(incoming, "connection", error_response(*excess));
    if (incoming.transport() == Transport::plain)
      if (auto answer = answer_to_plain(incoming.head(), settings_.tls)) return incoming.respond(std::move(*answer));
  }
  answer_head(incoming, [this, waiting = incoming.weak_from_this()] {
    if (const auto still_there = waiting.lock()) answer_head(*still_there, nullptr);
  });
}

// `resume`: see identify().
void Node::answer_head(Incoming &incoming, const std::function<void()> &resume) {
  if (!incoming.head().upgrade && !Admission::is_websocket_path(incoming.head().path)) {
    Identity identity = http_.answer_head(incoming.head(), incoming.allowance(), resume);
    if (std::holds_alternative<NotYet>(identity)) return incoming.defer();
    if (auto *claims = std::get_if<ClaimsRef>(&identity)) return incoming.read_body(std::move(*claims));
    auto &answer = std::get<HttpResponse>(identity);
    return answer.status < 400 ? incoming.respond(std::move(answer)) : refuse(incoming, "request", std::move(answer));
  }
  auto admitted = admission_.admit(incoming.head(), incoming.allowance(), resume);
  if (std::holds_alternative<NotYet>(admitted)) return incoming.defer();
  if (const auto *refusal = std::get_if<HttpResponse>(&admitted)) {
    log_.info("refused a connection", {{"address", incoming.address()},
                                       {"origin", incoming.head().header("origin").value_or("")},
                                       {"status", refusal->status},
                                       {"response", refusal->body}});
    return refuse(incoming, "connection", *refusal);
  }
  auto &[connection, subprotocol] = std::get<Admission::Admitted>(admitted);
  const std::string head = rewrite(incoming.head(), subprotocol).append(incoming.surplus());
  Descriptor socket = incoming.release();
  server_.adopt(socket.release(), head, std::move(connection));
}

// `what`: a literal.
void Node::refuse(Incoming &incoming, std::string_view what, HttpResponse response) {
  if (what == "connection") ++connections_.tally().refused[static_cast<unsigned>(response.status)];
  refusals_.note({what,
                  std::to_string(response.status),
                  response.body,
                  "",
                  incoming.address(),
                  std::string(incoming.head().path),
                  {}});
  incoming.respond(std::move(response));
}

void Node::handle_request(Incoming &incoming) {
  http_.handle({incoming.head(), incoming.body(), incoming.claims(), incoming.allowance()},
               [waiting = incoming.weak_from_this()](const HttpResponse &response) {
                 if (const auto still_there = waiting.lock()) still_there->respond(response);
               });
}

void Node::handle_internal(const LiveEvent &event) {
  if (event.topic == "$presence") return visibility_.handle(event);
  if (event.topic == "$token") return revoked_.add(event.payload);
  if (event.topic == "$connection") return connections_.note_ended(event.payload);
  if (event.topic.starts_with("$channel:")) channel_presence_.apply_event(event);
}

void Node::tick() {
  wheel_.advance(services_.seconds_now());
  limiter_.advance(services_.time_now());
}

void Node::reload() {
  keys_.refresh();
  api_keys_.refresh();
  if (tls_) tls_->reload();
}

void Node::stop() {
  if (stopping_) return loop_.stop(); // the second signal ends the process at once
  log_.info("stopping", {{"connections", connections_.open()}});
  stopping_ = true;
  acceptor_.stop();
  if (tls_) tls_->stop();
  const Milliseconds patience{settings_.drain_seconds * 1000};
  end_at_ = loop_.now() + static_cast<std::uint64_t>(patience.count());
  drain_.begin(loop_.now(), patience / 2);
  drain_timer_.start(Milliseconds{0}, kDrainCheckInterval);
}

// Ends the loop once all connections and requests are done and the node is retired, or the time is over.
void Node::drain() {
  const std::uint64_t now = loop_.now();
  drain_.advance(now);
  const bool left = connections_.open() == 0 && incoming_.empty();
  if ((left || now + kRetirement >= end_at_) && !std::exchange(retiring_, true)) presence_.retire();
  if (now >= end_at_ || (left && presence_.retired())) loop_.stop();
}

} // namespace

int run_node(const Settings &settings, const Log &log) {
  Settings fitting = settings;
  const std::uint64_t files = raise_descriptor_limit();
  unsigned &connections = fitting.limits[Limit::connections];
  connections = connections_that_fit(settings, files);
  log.info("room for connections; some files are kept for the database and for probes",
           {{"open_files", files},
            {"connections", connections},
            {"limit_connections", settings.limits[Limit::connections]}});
  Node node(fitting, log);
  node.run();
  return 0;
}

} // namespace pg_live
