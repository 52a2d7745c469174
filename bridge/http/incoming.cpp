// Reads one request and writes one response without blocking.
#include "http/incoming.hpp"

#include "http/forwarded.hpp"
#include "http/plain_http.hpp"
#include "http/proxy_preface.hpp"
#include "http/request_identity.hpp"
#include "process/descriptor_limit.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace pg_live {

namespace {

constexpr std::size_t kReadBytes = 16384;
constexpr std::chrono::seconds kLinger{2};

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

} // namespace

Incoming::Incoming(Services &services, IncomingOwner &owner, const ProxySettings &proxy, Descriptor socket,
                   const IpAddress &address, Allowance allowance, Transport transport)
    : services_(services), owner_(owner), proxy_(proxy), socket_(std::move(socket)), address_(address),
      allowance_(std::move(allowance)), transport_(transport) {
  if (proxy.sends_preface && is_trusted(proxy.trusted, address_)) step_ = Step::preface;
  watch();
}

void Incoming::set_address(const IpAddress &address) {
  if (address == address_) return;
  address_ = address;
  allowance_.move_to(address.client_key());
}

// A proxy that is trusted connects for many clients.
bool Incoming::is_far_too_many() {
  return !is_trusted(proxy_.trusted, address_) && allowance_.excess_of_address(kSpareDescriptors);
}

void Incoming::watch() {
  watcher_.emplace(services_.loop, socket_.get(), [this](int) { on_socket(); });
  watcher_->watch(UV_READABLE);
  services_.wheel.arm(*this,
                      services_.deadline_after(std::chrono::seconds(services_.settings.sockets.request_seconds)));
}

std::string_view Incoming::surplus() const { return std::string_view(received_).substr(head_->bytes); }

Descriptor Incoming::release() {
  watcher_.reset();
  Descriptor socket = std::move(socket_);
  finish();
  return socket;
}

void Incoming::on_socket() {
  const auto self = shared_from_this(); // the owner may drop it during the call
  if (step_ == Step::responding) {
    write();
  } else {
    read();
  }
}

void Incoming::read() {
  std::array<char, kReadBytes> buffer;
  const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && would_block()) return;
  if (count <= 0) return finish();
  handle_bytes({buffer.data(), static_cast<std::size_t>(count)});
}

void Incoming::handle_bytes(std::string_view bytes) {
  switch (step_) {
  case Step::preface:
    received_.append(bytes);
    return parse_preface();
  case Step::head:
    received_.append(bytes);
    return parse_head();
  case Step::body:
    body_.append(bytes.substr(0, head_->content_length - body_.size()));
    if (body_.size() < head_->content_length) return;
    step_ = Step::waiting;
    watcher_.reset();
    return owner_.handle_request(*this);
  default:
    return; // lingering: discards the bytes
  }
}

void Incoming::parse_preface() {
  const auto parsed = parse_proxy_preface(received_);
  if (std::holds_alternative<IncompletePreface>(parsed)) return;
  step_ = Step::head;
  const auto *preface = std::get_if<ProxyPreface>(&parsed);
  if (preface == nullptr) {
    services_.log.warning("a proxy sent no PROXY protocol", {{"address", address()}});
    return respond(error_response(400, "the connection does not begin with the PROXY protocol"));
  }
  if (preface->client) set_address(*preface->client);
  received_.erase(0, preface->bytes);
  if (!received_.empty()) parse_head();
}

void Incoming::parse_head() {
  auto parsed = parse_request_head(received_, scanned_);
  if (std::holds_alternative<IncompleteHead>(parsed)) {
    scanned_ = received_.size();
  } else if (const auto *rejection = std::get_if<Rejection>(&parsed)) {
    respond(error_response(rejection->status, rejection->message));
  } else {
    head_ = std::move(std::get<RequestHead>(parsed));
    if (!proxy_.sends_preface)
      set_address(forwarded_client(
          *head_, proxy_.writes_forwarded ? ForwardedHeader::forwarded : ForwardedHeader::x_forwarded_for, address_,
          proxy_.trusted));
    owner_.handle_head(*this);
  }
}

void Incoming::defer() {
  step_ = Step::waiting;
  watcher_.reset();
}

void Incoming::read_body(ClaimsRef claims) {
  claims_ = std::move(claims);
  if (head_->content_length > services_.settings.limits[Limit::body_bytes]) {
    allowance_.note(Limit::body_bytes);
    return respond(error_response(413, "the body is too long"));
  }
  const double bytes = static_cast<double>(head_->content_length);
  if (const auto excess = allowance_.spend(Rate::bytes, services_.time_now(), bytes))
    return respond(error_response(*excess));
  step_ = Step::body;
  if (!watcher_) watch();
  handle_bytes(std::string(surplus()));
}

// A page of an allowed origin may read every answer, even to a head that was refused.
void Incoming::respond(HttpResponse response) {
  if (step_ == Step::finished) return;
  const auto origin = head_ ? head_->header("origin") : find_header(received_, "origin");
  const auto host = head_ ? head_->header("host") : find_header(received_, "host");
  if (origin && origin_is_allowed(*origin, host, services_.settings)) allow_origin(response, *origin);
  if (transport_ == Transport::encrypted) demand_encryption(response, services_.settings.tls);
  output_ = head_bytes(response);
  if (!head_ || head_->method != "HEAD") output_.append(response.body);
  step_ = Step::responding;
  services_.wheel.arm(*this,
                      services_.deadline_after(std::chrono::seconds(services_.settings.sockets.request_seconds)));
  write();
}

void Incoming::write() {
  const ssize_t count =
      ::send(socket_.get(), output_.data() + written_, output_.size() - written_, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && !would_block()) return finish();
  written_ += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  if (!watcher_) watcher_.emplace(services_.loop, socket_.get(), [this](int) { on_socket(); });
  if (written_ < output_.size()) return watcher_->watch(UV_WRITABLE);
  // Closing with unread bytes would reset the connection, and the client might never see the answer.
  ::shutdown(socket_.get(), SHUT_WR);
  step_ = Step::lingering;
  services_.wheel.arm(*this, services_.deadline_after(kLinger));
  watcher_->watch(UV_READABLE);
}

void Incoming::finish() {
  if (step_ == Step::finished) return;
  step_ = Step::finished;
  cancel();
  watcher_.reset();
  socket_.reset();
  owner_.finished(*this);
}

void Incoming::expired(std::chrono::seconds) {
  const auto self = shared_from_this();
  if (is_reading()) {
    respond(error_response(408, "the request took too long"));
  } else if (step_ != Step::waiting) {
    finish();
  }
}

} // namespace pg_live
