// An accepted socket until its request is complete: then it becomes a WebSocket, or is answered and closed.
// Invariants: one deadline covers the whole request, however slowly its bytes arrive; a body is read up to its
// announced length and never beyond; the owner keeps the object until it calls finished().
#pragma once

#include "base/ip_address.hpp"
#include "channel/services.hpp"
#include "http/http_message.hpp"
#include "process/descriptor.hpp"
#include "process/loop.hpp"

#include <memory>
#include <optional>
#include <string>

namespace pg_live {

class Incoming;

class IncomingOwner {
 public:
  virtual ~IncomingOwner() = default;

  // The head is complete. The owner calls release(), read_body() or respond(), at once or after defer().
  virtual void handle_head(Incoming &incoming) = 0;
  // The whole request is complete. The owner calls respond(), at once or later.
  virtual void handle_request(Incoming &incoming) = 0;
  // The socket is closed or released. The owner drops its reference.
  virtual void finished(Incoming &incoming) = 0;
};

// How the client speaks; the socket itself is plain in any case.
enum class Transport : unsigned char { plain, encrypted };

class Incoming final : public Timer, public std::enable_shared_from_this<Incoming> {
 public:
  // `proxy`: what stands in front of the socket; outlives the object. `allowance`: of that address.
  Incoming(Services &services, IncomingOwner &owner, const ProxySettings &proxy, Descriptor socket,
           const IpAddress &address, Allowance allowance, Transport transport = Transport::plain);

  Transport transport() const { return transport_; }

  // Of the client: of the peer, or what a trusted proxy says, once the head is complete.
  std::string address() const { return address_.text(); }
  const RequestHead &head() const { return *head_; }
  std::string_view body() const { return body_; }
  const ClaimsRef &claims() const { return claims_; }
  std::string_view surplus() const; // bytes received after the head

  // What it may use; a connection takes it over.
  Allowance &allowance() { return allowance_; }

  // Whether the peer has so many sockets that this one is not even answered.
  bool is_far_too_many();

  // Whether the request is not complete yet.
  bool is_reading() const { return step_ <= Step::body; }

  // Closes the socket without an answer.
  void give_up() { finish(); }

  // Passes the socket to the caller.
  Descriptor release();

  // Reads nothing until the owner calls one of the others.
  void defer();

  // `claims`: of the token of the request; null where the path needs none.
  void read_body(ClaimsRef claims);
  void respond(HttpResponse response);

 private:
  enum class Step { preface, head, body, waiting, responding, lingering, finished };

  void watch();
  void on_socket();
  void read();
  void handle_bytes(std::string_view bytes);
  void parse_preface();
  void parse_head();
  void write();
  void finish();
  void set_address(const IpAddress &address);
  void expired(std::chrono::seconds now) override;

  Services &services_;
  IncomingOwner &owner_;
  const ProxySettings &proxy_;
  Descriptor socket_;
  IpAddress address_;
  Allowance allowance_;
  std::optional<Watcher> watcher_; // of the socket: ends before it
  const Transport transport_;
  Step step_ = Step::head;
  std::string received_; // the head, and bytes that arrived with it
  std::size_t scanned_ = 0;
  std::optional<RequestHead> head_; // views into received_
  std::string body_;
  ClaimsRef claims_;
  std::string output_;
  std::size_t written_ = 0;
};

} // namespace pg_live
