// Decrypting, encrypting and passing on, without blocking.
#include "tls/tunnel.hpp"

#include "http/forwarded.hpp"
#include "http/http_message.hpp"
#include "http/proxy_preface.hpp"

#include <openssl/err.h>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace pg_live {

namespace {

constexpr std::size_t kRecordBytes = 16384; // the most that one record holds: read whole, none of it stays behind
constexpr int kMaxRecordsPerTurn = 8;
constexpr std::chrono::seconds kLingerSeconds{2};

bool must_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// Sends what it can and returns how much that was; nothing if the other side is gone.
std::optional<std::size_t> send_some(int socket, std::string_view bytes) {
  const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count >= 0) return static_cast<std::size_t>(count);
  return must_wait() ? std::optional<std::size_t>(0) : std::nullopt;
}

} // namespace

Tunnel::Tunnel(const Surroundings &surroundings, TunnelOwner &owner, Descriptor socket, const IpAddress &address,
               Allowance allowance)
    : surroundings_(surroundings), owner_(owner), socket_(std::move(socket)), address_(address),
      allowance_(std::move(allowance)), arrival_(std::in_place, surroundings.unfinished, address.client_key(), *this),
      session_(surroundings.certificate.new_session(socket_.get())) {
  const ProxySettings &proxy = surroundings.settings.proxy;
  if (proxy.sends_preface && is_trusted(proxy.trusted, address_)) step_ = Step::preface;
  network_watcher_.emplace(surroundings.loop, socket_.get(), [this](int events) { on_network(events); });
  set_deadline(std::chrono::seconds(surroundings.settings.sockets.request_seconds));
  watch();
}

void Tunnel::set_deadline(std::chrono::seconds delay) {
  surroundings_.wheel.arm(*this, std::chrono::seconds(surroundings_.loop.now() / 1000 + 1) + delay);
}

// Watches for what can go on. An end that may not be read is still watched for the bridge's leaving.
void Tunnel::watch() {
  if (step_ == Step::finished) return;
  int network = 0;
  int local = 0;
  if (step_ == Step::open) {
    network = (inward_.empty() ? UV_READABLE : 0) | (outward_.empty() && !read_waits_ ? 0 : UV_WRITABLE);
    local = (inward_.empty() ? 0 : UV_WRITABLE) | (outward_.empty() ? UV_READABLE : bridge_left_ ? 0 : UV_DISCONNECT);
  } else {
    network = step_ == Step::handshake && SSL_want_write(session_.get()) ? UV_WRITABLE : UV_READABLE;
  }
  if (std::exchange(network_events_, network) != network) network_watcher_->watch(network);
  if (local_watcher_ && std::exchange(local_events_, local) != local) local_watcher_->watch(local);
}

void Tunnel::on_network(int events) {
  const auto self = shared_from_this(); // the owner may drop it during the call
  switch (step_) {
  case Step::preface:
    return read_preface();
  case Step::handshake:
    network_watcher_->watch(network_events_ = 0);
    return owner_.handshake_waits(*this);
  case Step::open:
    if ((events & UV_WRITABLE) != 0) give_out();
    if (step_ == Step::open && ((events & UV_READABLE) != 0 || read_waits_)) take_in();
    return watch();
  case Step::lingering:
    return discard();
  case Step::finished:
    return;
  }
}

void Tunnel::on_local(int events) {
  const auto self = shared_from_this();
  if ((events & UV_WRITABLE) != 0) take_in();
  if (step_ == Step::open && (events & UV_READABLE) != 0) give_out();
  // Nobody looks any more how much waits for this client: it has a moment for the rest.
  if (step_ == Step::open && (events & UV_DISCONNECT) != 0 && !outward_.empty() && !std::exchange(bridge_left_, true))
    set_deadline(kLingerSeconds);
  watch();
}

// Takes no byte beyond the preface: those are for the session, which reads the socket itself.
void Tunnel::read_preface() {
  std::array<char, kMaxPrefaceBytes> buffer;
  const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_PEEK);
  if (count < 0 && must_wait()) return;
  if (count <= 0) return fail("closed by the client");
  const std::size_t before = received_.size();
  received_.append(buffer.data(), static_cast<std::size_t>(count));
  const auto parsed = parse_proxy_preface(received_);
  if (std::holds_alternative<MalformedPreface>(parsed)) return fail("no PROXY protocol");
  const auto *preface = std::get_if<ProxyPreface>(&parsed);
  const std::size_t taken = preface == nullptr ? static_cast<std::size_t>(count) : preface->bytes - before;
  ::recv(socket_.get(), buffer.data(), taken, 0);
  if (preface == nullptr) return;
  if (preface->client) {
    move_to(*preface->client);
    if (allowance_.excess_of_address()) return fail("too many connections of its address");
  }
  received_ = {};
  step_ = Step::handshake;
  watch();
}

void Tunnel::move_to(const IpAddress &address) {
  address_ = address;
  allowance_.move_to(address.client_key());
  arrival_->move_to(address.client_key());
}

void Tunnel::advance_handshake() {
  if (step_ != Step::handshake) return;
  ERR_clear_error();
  const int result = SSL_accept(session_.get());
  if (result == 1) return open();
  const int error = SSL_get_error(session_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return watch();
  const unsigned long code = ERR_peek_error();
  if (code != 0 && ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST) return refuse_plain_request();
  const char *const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  fail(reason == nullptr ? "closed by the client" : reason);
}

void Tunnel::refuse_plain_request() {
  owner_.handshake_failed(*this, "not encrypted");
  const HttpResponse response = error_response(400, "this port takes encrypted connections only: https, wss");
  send_some(socket_.get(), head_bytes(response) + response.body);
  linger();
  watch();
}

void Tunnel::open() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail("no descriptor left");
  local_ = Descriptor(ends[0]);
  Descriptor bridge(ends[1]);
  const int bytes = static_cast<int>(surroundings_.settings.sockets.send_buffer_bytes);
  for (const int end : ends)
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  cancel();
  arrival_.reset();
  was_opened_ = true;
  step_ = Step::open;
  local_watcher_.emplace(surroundings_.loop, local_.get(), [this](int events) { on_local(events); });
  owner_.opened(*this, std::move(bridge), std::move(allowance_));
  take_in(); // what came with the end of the handshake
  watch();
}

// From the client to the bridge.
void Tunnel::take_in() {
  read_waits_ = false;
  for (int record = 0; record < kMaxRecordsPerTurn && pass_on(); ++record) {
    std::array<char, kRecordBytes> buffer;
    ERR_clear_error();
    const int count = SSL_read(session_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (count <= 0) {
      const int error = SSL_get_error(session_.get(), count);
      read_waits_ = error == SSL_ERROR_WANT_WRITE;
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) finish();
      return;
    }
    inward_.assign(buffer.data(), static_cast<std::size_t>(count));
  }
  pass_on();
}

// Whether all of what was decrypted has been passed on. Once the bridge has closed its end, its last words count alone.
bool Tunnel::pass_on() {
  if (inward_.empty()) return true;
  const auto sent = send_some(local_.get(), inward_);
  inward_.erase(0, sent.value_or(inward_.size()));
  if (!inward_.empty()) return false;
  inward_ = {}; // gives its memory back: very many connections are idle
  return true;
}

// From the bridge to the client.
void Tunnel::give_out() {
  if (!outward_.empty() && !encrypt(std::exchange(outward_, {}))) return;
  for (int record = 0; record < kMaxRecordsPerTurn; ++record) {
    std::array<char, kRecordBytes> buffer;
    const ssize_t count = ::recv(local_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && must_wait()) return;
    if (count < 0) return finish();
    if (count == 0) return linger();
    if (!encrypt({buffer.data(), static_cast<std::size_t>(count)})) return;
    if (static_cast<std::size_t>(count) < buffer.size()) return; // that was all
  }
}

// Whether all could be written; the rest is kept.
bool Tunnel::encrypt(std::string_view bytes) {
  while (!bytes.empty()) {
    ERR_clear_error();
    const int count = SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    const int error = SSL_get_error(session_.get(), count);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
      outward_ = bytes;
    } else {
      finish();
    }
    return false;
  }
  return true;
}

// The bridge has closed its end, and all it said is on its way. Closing with unread bytes would reset the connection,
// and the client might never see the end of it.
void Tunnel::linger() {
  local_watcher_.reset();
  local_.reset();
  ERR_clear_error();
  SSL_shutdown(session_.get());
  ::shutdown(socket_.get(), SHUT_WR);
  step_ = Step::lingering;
  set_deadline(kLingerSeconds);
}

void Tunnel::discard() {
  std::array<char, kRecordBytes> buffer;
  const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count == 0 || (count < 0 && !must_wait())) finish();
}

void Tunnel::fail(std::string_view reason) {
  owner_.handshake_failed(*this, reason);
  finish();
}

void Tunnel::give_way() {
  const auto self = shared_from_this();
  if (step_ <= Step::handshake) return fail("too many handshakes");
  finish();
}

void Tunnel::finish() {
  if (step_ == Step::finished) return;
  step_ = Step::finished;
  cancel();
  arrival_.reset();
  network_watcher_.reset();
  local_watcher_.reset();
  socket_.reset();
  local_.reset();
  owner_.finished(*this);
}

void Tunnel::expired(std::chrono::seconds) {
  const auto self = shared_from_this();
  if (step_ <= Step::handshake) return fail("took too long");
  finish();
}

} // namespace pg_live
