// libcurl tells which sockets and which time to watch, and is called when one is ready or due.
#include "issuer/http_fetcher.hpp"

#include "base/http_text.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pg_live {

namespace {

constexpr long kConnectTimeoutMilliseconds = 3000;

struct EndMulti {
  void operator()(CURLM *multi) const { curl_multi_cleanup(multi); }
};
struct EndEasy {
  void operator()(CURL *easy) const { curl_easy_cleanup(easy); }
};

struct Transfer {
  std::unique_ptr<CURL, EndEasy> easy;
  std::string body;
  bool is_too_long = false;
  std::array<char, CURL_ERROR_SIZE> error{};
  std::function<void(Fetched)> done;
};

std::size_t collect(char *bytes, std::size_t, std::size_t count, void *transfer) {
  auto &[easy, body, is_too_long, error, done] = *static_cast<Transfer *>(transfer);
  is_too_long = count > kMaxResponseBytes - body.size();
  if (is_too_long) return 0; // which ends the transfer
  body.append(bytes, count);
  return count;
}

Fetched result_of(Transfer &transfer, CURLcode code) {
  if (transfer.is_too_long || code == CURLE_FILESIZE_EXCEEDED)
    return FetchFault{"the response has more than " + std::to_string(kMaxResponseBytes) + " bytes"};
  if (code != CURLE_OK)
    return FetchFault{transfer.error.front() != '\0' ? transfer.error.data() : curl_easy_strerror(code)};
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return FetchFault{"the response has status " + std::to_string(status)};
  return std::move(transfer.body);
}

} // namespace

struct HttpFetcher::State {
  State(Loop &its_loop, std::string its_ca_file)
      : loop(its_loop), ca_file(std::move(its_ca_file)), timer(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("could not initialize libcurl");
    multi.reset(curl_multi_init());
    if (!multi) throw std::runtime_error("could not initialize libcurl");
    curl_multi_setopt(multi.get(), CURLMOPT_SOCKETFUNCTION, &State::watch_socket);
    curl_multi_setopt(multi.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi.get(), CURLMOPT_TIMERFUNCTION, &State::set_timer);
    curl_multi_setopt(multi.get(), CURLMOPT_TIMERDATA, this);
  }

  ~State() {
    for (const auto &[easy, transfer] : transfers)
      curl_multi_remove_handle(multi.get(), easy);
  }
  State(const State &) = delete;
  State &operator=(const State &) = delete;

  static int watch_socket(CURL *, curl_socket_t socket, int what, void *state, void *) {
    auto &watchers = static_cast<State *>(state)->watchers;
    if (what == CURL_POLL_REMOVE) {
      watchers.erase(socket);
      return 0;
    }
    auto found = watchers.find(socket);
    if (found == watchers.end()) {
      auto ready = [state, socket](int events) { static_cast<State *>(state)->act_on(socket, events); };
      found = watchers.try_emplace(socket, static_cast<State *>(state)->loop, socket, std::move(ready)).first;
    }
    found->second.watch(((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                        ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0));
    return 0;
  }

  static int set_timer(CURLM *, long milliseconds, void *state) {
    LoopTimer &timer = static_cast<State *>(state)->timer;
    if (milliseconds < 0) {
      timer.stop();
    } else {
      timer.start(Milliseconds{milliseconds});
    }
    return 0;
  }

  void act_on(curl_socket_t socket, int events) {
    act(socket,
        ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) | ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0));
  }

  void act(curl_socket_t socket, int events) {
    int running = 0;
    curl_multi_socket_action(multi.get(), socket, events, &running);
    std::vector<std::pair<std::unique_ptr<Transfer>, CURLcode>> ended;
    for (int left = 0; CURLMsg *message = curl_multi_info_read(multi.get(), &left);) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result; // the message ends with its handle
      CURL *const easy = message->easy_handle;
      curl_multi_remove_handle(multi.get(), easy);
      ended.emplace_back(std::move(transfers.extract(easy).mapped()), code);
    }
    for (const auto &[transfer, code] : ended)
      transfer->done(result_of(*transfer, code));
  }

  void set_options(Transfer &transfer, const std::string &url) const {
    CURL *const easy = transfer.easy.get();
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); // a look-up of a name that hangs is left behind, not waited for
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMilliseconds);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(kFetchTimeout).count()));
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, static_cast<long>(kMaxResponseBytes));
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "pg-live-bridge");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    if (equals_ignoring_case(url.substr(0, 7), "http://")) curl_easy_setopt(easy, CURLOPT_PROXY, ""); // this machine
    if (!ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file.c_str());
  }

  Loop &loop;
  std::string ca_file;
  LoopTimer timer;
  std::unordered_map<curl_socket_t, Watcher> watchers;
  std::unordered_map<CURL *, std::unique_ptr<Transfer>> transfers;
  std::unique_ptr<CURLM, EndMulti> multi; // calls back while it ends
};

HttpFetcher::HttpFetcher(Loop &loop, std::string ca_file) : state_(std::make_unique<State>(loop, std::move(ca_file))) {}

HttpFetcher::~HttpFetcher() = default;

void HttpFetcher::get(const std::string &url, std::function<void(Fetched)> done) {
  auto transfer = std::make_unique<Transfer>();
  transfer->easy.reset(curl_easy_init());
  if (!transfer->easy) throw std::bad_alloc();
  transfer->done = std::move(done);
  CURL *const easy = transfer->easy.get();
  state_->set_options(*transfer, url);
  state_->transfers.emplace(easy, std::move(transfer));
  curl_multi_add_handle(state_->multi.get(), easy); // sets the timer, which starts the transfer
}

} // namespace pg_live
