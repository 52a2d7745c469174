// Asks libpq what the connection string says.
#include "database/server_list.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

namespace pg_live {

namespace {

constexpr int kDefaultPatience = 10;
constexpr int kMinPatience = 2; // as in libpq

using ConnectionOptions = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

void read_options(const ConnectionOptions &options, std::map<std::string, std::string> &known) {
  for (const PQconninfoOption *option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    const auto found = known.find(option->keyword);
    if (found != known.end() && option->val != nullptr) found->second = option->val;
  }
}

int patience_of(const std::string &timeout) {
  int seconds = 0;
  std::from_chars(timeout.data(), timeout.data() + timeout.size(), seconds);
  return seconds <= 0 ? kDefaultPatience : std::max(seconds, kMinPatience);
}

std::string rotated(std::string_view list) {
  const std::size_t comma = list.find(',');
  if (comma == list.npos) return std::string(list);
  return std::string(list.substr(comma + 1)).append(",").append(list.substr(0, comma));
}

} // namespace

ServerList::ServerList(std::string connection_string) : connection_string_(std::move(connection_string)) {
  std::map<std::string, std::string> known = {{"connect_timeout", ""}, {"host", ""}, {"hostaddr", ""}, {"port", ""}};
  read_options({PQconndefaults(), PQconninfoFree}, known);
  read_options({PQconninfoParse(connection_string_.c_str(), nullptr), PQconninfoFree}, known);
  patience_ = std::chrono::seconds(patience_of(known.extract("connect_timeout").mapped()));
  const bool several = std::any_of(known.begin(), known.end(),
                                   [](const auto &entry) { return entry.second.find(',') != std::string::npos; });
  std::erase_if(known, [](const auto &entry) { return entry.second.empty(); });
  if (several) order_ = std::move(known);
}

void ServerList::rotate() {
  for (auto &[keyword, list] : order_)
    list = rotated(list);
}

} // namespace pg_live
