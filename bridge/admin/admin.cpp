// See admin.hpp.
#include "admin/admin.hpp"

#include "admin/admin_files.hpp"
#include "base/http_text.hpp"
#include "base/text_file.hpp"
#include "text/json_writer.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace pg_live {

namespace {

constexpr std::size_t kMinTokenBytes = 16;
constexpr std::size_t kShownTopics = 50;
constexpr std::size_t kShownReaders = 50;

std::string token_in(const std::string &file) {
  const auto text = read_text_file(file);
  if (!text) throw std::runtime_error("could not read the token of operators in \"" + file + "\"");
  std::string token(trim(*text));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r'))
    token.pop_back();
  if (token.size() < kMinTokenBytes || token.find_first_of(" \t\r\n,") != std::string::npos)
    throw std::runtime_error("the token of operators in \"" + file +
                             "\" must have at least 16 characters, no white space and no comma");
  return token;
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::int64_t milliseconds_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

} // namespace

Admin::Admin(const AdminSettings &settings, Loop &loop, Hub &hub, ConnectionRegistry &connections,
             const Refusals &refusals)
    : loop_(loop), hub_(hub), connections_(connections), refusals_(refusals),
      token_(digest_of(token_in(settings.token_file))),
      taps_(hub, settings.shows_payloads ? Payloads::shown : Payloads::hidden),
      expiry_timer_(loop, [this] { taps_.expire(now()); }) {
  hub_.set_observer(&taps_);
  expiry_timer_.start(EventTaps::kKeptFor, EventTaps::kKeptFor);
}

Admin::~Admin() { hub_.set_observer(nullptr); }

Admin::Digest Admin::digest_of(std::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest.data());
  return digest;
}

// Digests are of one length, so not even that of the token can be measured.
bool Admin::is_allowed(const RequestHead &head) const {
  const auto given = bearer_token(head.header("authorization").value_or(""));
  const Digest digest = digest_of(given.value_or(""));
  return given && CRYPTO_memcmp(digest.data(), token_.data(), token_.size()) == 0;
}

HttpResponse Admin::answer(const RequestHead &head) {
  if (head.method != "GET" && head.method != "HEAD") return method_not_allowed("GET, HEAD");
  if (auto file = admin_file(head.path)) return std::move(*file);
  HttpResponse response;
  if (!is_allowed(head)) {
    response = error_response(401, "the token of operators is missing or wrong");
  } else if (head.path == "/admin/state") {
    response.body = state();
  } else if (head.path == "/admin/events") {
    response = events(head);
  } else {
    response = error_response(404, "no such path");
  }
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

HttpResponse Admin::events(const RequestHead &head) {
  const std::string of = head.query_argument("of").value_or("");
  const std::string name = head.query_argument("name").value_or("");
  if ((of != "topic" && of != "user") || name.empty())
    return error_response(400, "the query needs of=topic or of=user, and name");
  auto text = taps_.read(of == "user" ? EventTaps::Of::user : EventTaps::Of::topic, name,
                         number_of(head.query_argument("after").value_or("")), now());
  if (!text) return error_response(503, "too many topics and users are followed");
  HttpResponse response;
  response.body = std::move(*text);
  return response;
}

std::string Admin::state() {
  if (state_of_ && now() == *state_of_) return state_;
  state_of_ = now();
  state_.assign(1, '{');
  json::append_raw_member(state_, "totals", totals());
  json::append_raw_member(state_, "topics", topics());
  json::append_raw_member(state_, "slowest", slowest());
  json::append_raw_member(state_, "refusals", refusals());
  return state_.append("}");
}

std::string Admin::totals() const {
  std::string object = "{";
  const auto add = [&](std::string_view name, std::uint64_t value) {
    json::append_raw_member(object, name, std::to_string(value));
  };
  add("connections", connections_.open());
  add("topics", hub_.topics());
  add("channels", hub_.subscriptions());
  add("events", hub_.tally().events);
  add("deliveries", hub_.tally().deliveries);
  add("queued bytes", connections_.tally().bytes_queued);
  add("slow readers closed", connections_.tally().slow_readers_closed);
  return object.append("}");
}

std::string Admin::topics() const {
  std::string list = "[";
  for (const auto &[topic, channels] : hub_.largest_topics(kShownTopics)) {
    std::string object = "{";
    json::append_member(object, "topic", topic);
    json::append_raw_member(object, "channels", std::to_string(channels));
    json::append_raw_element(list, object.append("}"));
  }
  return list.append("]");
}

std::string Admin::slowest() const {
  std::string list = "[";
  for (const RegisteredConnection *connection : connections_.slowest(kShownReaders)) {
    std::string object = "{";
    json::append_raw_member(object, "connection", std::to_string(connection->id()));
    json::append_member(object, "user", connection->user_id());
    json::append_member(object, "address", connection->address());
    json::append_raw_member(object, "queued bytes", std::to_string(connection->queued_bytes()));
    json::append_raw_element(list, object.append("}"));
  }
  return list.append("]");
}

std::string Admin::refusals() const {
  std::string list = "[";
  refusals_.for_each([&](const NotedRefusal &refusal) {
    std::string object = "{";
    json::append_raw_member(object, "at", std::to_string(milliseconds_of(refusal.at)));
    json::append_member(object, "what", refusal.what);
    json::append_member(object, "code", refusal.code);
    json::append_member(object, "reason", refusal.reason);
    json::append_member(object, "user", refusal.user);
    json::append_member(object, "address", refusal.address);
    json::append_member(object, "topic", refusal.topic);
    json::append_raw_element(list, object.append("}"));
  });
  return list.append("]");
}

} // namespace pg_live
