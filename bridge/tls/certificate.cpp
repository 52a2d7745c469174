// Contexts of OpenSSL. See certificate.hpp.
#include "tls/certificate.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <sys/stat.h>

#include <ctime>
#include <stdexcept>
#include <system_error>

namespace pg_live {

namespace {

constexpr Milliseconds kLookAtFilesEvery{2000};
constexpr std::chrono::hours kWarnOfExpiryEvery{12};
constexpr std::chrono::hours kWarnBeforeExpiry{14 * 24};
constexpr std::string_view kProtocol = "\x08http/1.1"; // as in the extension of the handshake: its length, its name

// The first error of OpenSSL, which those that follow from it come after, without its numbers and places.
std::string openssl_problem() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(static_cast<int>(ERR_GET_REASON(code)));
  const char *const reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

std::string problem_with(const std::string &file) { return "\"" + file + "\": " + openssl_problem(); }

int select_protocol(SSL *, const unsigned char **selected, unsigned char *length, const unsigned char *offered,
                    unsigned int offered_length, void *) {
  auto *found = const_cast<unsigned char *>(*selected);
  const int result = SSL_select_next_proto(&found, length, reinterpret_cast<const unsigned char *>(kProtocol.data()),
                                           static_cast<unsigned>(kProtocol.size()), offered, offered_length);
  *selected = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int no_passphrase(char *, int, int, void *) { return -1; } // instead of asking at the terminal

// A ticket of TLS 1.2 has the key of its session itself: who learned the keys of tickets could read past traffic.
int give_no_old_tickets(SSL *session, void *) {
  if (SSL_version(session) < TLS1_3_VERSION) SSL_set_options(session, SSL_OP_NO_TICKET);
  return 1;
}

void set_rules(SSL_CTX *context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20"); // of 1.2: those of 1.3 are all good
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);     // tickets resume sessions without memory here
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_cert_cb(context, give_no_old_tickets, nullptr); // called when the version is known
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
}

std::chrono::sys_seconds expiry_of(const SSL_CTX *context) {
  std::tm parts{};
  ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &parts);
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

std::string date_text(std::chrono::sys_seconds time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::string text(20, '\0');
  text.resize(std::strftime(text.data(), text.size() + 1, "%Y-%m-%dT%H:%M:%SZ", &parts));
  return text;
}

// Differs when a file was written or replaced.
std::string state_of(const std::string &file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return "none";
  return std::to_string(found.st_dev) + ' ' + std::to_string(found.st_ino) + ' ' + std::to_string(found.st_size) + ' ' +
         std::to_string(found.st_mtim.tv_sec) + '.' + std::to_string(found.st_mtim.tv_nsec);
}

} // namespace

Certificate::Certificate(Loop &loop, const Log &log, const TlsSettings &settings)
    : log_(log), settings_(settings), context_(nullptr, SSL_CTX_free), file_timer_(loop, [this] { check_files(); }),
      expiry_timer_(loop, [this] { warn_of_expiry(); }) {
  if (settings.port == 0) return;
  if (const auto problem = read()) throw std::runtime_error("could not use the certificate: " + *problem);
}

void Certificate::start() {
  if (!context_) return;
  log_.info("read the certificate", {{"file", settings_.certificate_file}, {"expires", date_text(expiry_)}});
  file_timer_.start(kLookAtFilesEvery, kLookAtFilesEvery);
  expiry_timer_.start(Milliseconds{0}, kWarnOfExpiryEvery);
}

std::optional<std::string> Certificate::read() {
  ERR_clear_error();
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return openssl_problem();
  set_rules(context.get());
  TicketKeys::Bytes keys = settings_.ticket_keys.bytes(); // a context has its own otherwise, which no worker shares
  if (SSL_CTX_set_tlsext_ticket_keys(context.get(), keys.data(), keys.size()) != 1) return openssl_problem();
  // First, so that what is written during the read is read again.
  state_of_files_ = state_of(settings_.certificate_file) + '/' + state_of(settings_.key_file);
  if (SSL_CTX_use_certificate_chain_file(context.get(), settings_.certificate_file.c_str()) != 1)
    return problem_with(settings_.certificate_file);
  if (SSL_CTX_use_PrivateKey_file(context.get(), settings_.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1)
    return problem_with(settings_.key_file);
  expiry_ = expiry_of(context.get());
  context_ = std::move(context);
  return std::nullopt;
}

// Files that could not be used are tried again: one of the two may have come later.
void Certificate::check_files() {
  const std::string now = state_of(settings_.certificate_file) + '/' + state_of(settings_.key_file);
  if (now != state_of_files_ || !problem_.empty()) read_again();
}

void Certificate::reload() {
  if (!context_) return;
  problem_.clear(); // to say it again
  read_again();
}

void Certificate::read_again() {
  const std::string before = problem_;
  problem_ = read().value_or("");
  if (problem_.empty()) {
    log_.info("read the certificate again", {{"file", settings_.certificate_file}, {"expires", date_text(expiry_)}});
    warn_of_expiry();
  } else if (problem_ != before) {
    log_.error("could not use the new certificate: the one before stays in force", {{"error", problem_}});
  }
}

void Certificate::warn_of_expiry() {
  const auto now = std::chrono::system_clock::now();
  if (expiry_ > now + kWarnBeforeExpiry) return;
  log_.warning(expiry_ > now ? "the certificate expires soon" : "the certificate has expired",
               {{"file", settings_.certificate_file}, {"expires", date_text(expiry_)}});
}

Certificate::SessionPointer Certificate::new_session(int descriptor) const {
  SessionPointer session(SSL_new(context_.get()), SSL_free);
  if (!session || SSL_set_fd(session.get(), descriptor) != 1) throw std::bad_alloc();
  SSL_set_accept_state(session.get());
  return session;
}

} // namespace pg_live
