// Holds clients to the limits: of one socket, of all that one user and one address have open, and of the process.
//
// Invariants: what is refused is not counted as used, and counts as one hit of the limit that refused it; what was
// counted is released when its allowance ends; a message costs no look-up, since an allowance holds its accounts.
// Clients without a user are told apart by address.
#pragma once

#include "limits/account.hpp"
#include "limits/limit.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pg_live {

// Something was too much.
struct Excess {
  Limit limit = Limit::connections;
  unsigned value = 0;               // of the limit
  unsigned retry_after_seconds = 0; // when it may not be any more; 0: never, as it is
};

// For the client: what was too much, which setting says so, and when to try again.
std::string text_of(const Excess &excess);

enum class Scope : unsigned char { socket, user, address };
inline constexpr std::size_t kScopes = 3;

class Limiter {
 public:
  // Both outlive what they are held to. The limits must not change.
  explicit Limiter(const Limits &limits);

  const Limits &limits() const { return limits_; }

  // Lets time pass for accounts that are at rest.
  void advance(std::chrono::microseconds now);

  unsigned connections() const { return connections_; } // that were admitted
  std::uint64_t hits(Limit limit) const { return hits_[static_cast<std::size_t>(limit)]; }
  std::size_t accounts() const { return users_.size() + addresses_.size(); }

  // Counts a hit; `wait`: until the same may succeed.
  Excess note(Limit limit, std::chrono::duration<double> wait);
  Excess note(Limit limit); // where others have to end first

 private:
  friend class Allowance;
  friend class WaitingPlace;

  const RateLimit &rate(Rate rate, Scope scope) const {
    return rates_[static_cast<std::size_t>(rate)][static_cast<std::size_t>(scope)];
  }
  std::optional<Excess> excess_of(Account &account, Stock stock, Limit limit, std::uint32_t more);

  const Limits &limits_;
  std::array<std::array<RateLimit, kScopes>, kRates> rates_;
  AccountTable users_;
  AccountTable addresses_;
  unsigned connections_ = 0;
  unsigned waiting_tokens_ = 0;
  std::array<std::uint64_t, kLimits> hits_{};
};

// A place among the tokens that wait for keys. Destroying it frees it.
class WaitingPlace {
 public:
  WaitingPlace(Limiter &limiter, AccountTable::Ref address);
  WaitingPlace(const WaitingPlace &) = delete;
  WaitingPlace &operator=(const WaitingPlace &) = delete;
  ~WaitingPlace();

 private:
  Limiter &limiter_;
  AccountTable::Ref address_;
};

// What one socket may use, from its acceptance to its end.
class Allowance {
 public:
  // Counts as a connection of that address; `key` says which, see IpAddress::client_key().
  Allowance(Limiter &limiter, std::string_view address_key);
  Allowance(Allowance &&other) noexcept;
  Allowance &operator=(Allowance &&) = delete;
  ~Allowance();

  // A proxy says that the client has another address; before it tracks anything.
  void move_to(std::string_view address_key);

  const std::string &address_key() const { return address_.key(); }

  // Whether the address has more connections than it may, with `spare` more besides, this one included.
  std::optional<Excess> excess_of_address(unsigned spare = 0);

  // The same, or whether the process has no room for one more.
  std::optional<Excess> excess_of_connections();

  // Admits the socket as a connection of that user, or of none. Refused, it is none.
  std::optional<Excess> connect(std::string_view user_id);

  // A request of that user, which is no connection.
  std::optional<Excess> begin_request(std::string_view user_id, std::chrono::microseconds now);

  // A channel of the connection has a token: from now on it is that user's. A token without a user changes nothing.
  // Refused, nothing is changed either.
  std::optional<Excess> change_user(std::string_view user_id, std::chrono::microseconds now);

  std::optional<Excess> spend(Rate rate, std::chrono::microseconds now, double cost = 1);

  // Counts a hit of a limit that the caller holds itself, such as one of a size.
  Excess note(Limit limit);

  // Whether one more topic is too much, and what is joined now.
  std::optional<Excess> excess_of_topics();
  void set_topics(std::size_t topics);

  // Whether the address may track that many bytes more, and what it does.
  std::optional<Excess> excess_of_tracked_bytes(std::size_t more);
  void change_tracked_bytes(std::size_t before, std::size_t now);

  // A place for a token that has to wait; null if too many do, of the address or of all.
  std::shared_ptr<WaitingPlace> wait_for_keys();

 private:
  using Buckets = std::array<TokenBucket, kRates - 1>; // a socket has one request at most

  std::optional<Excess> spend(Rate rate, std::array<TokenBucket *, kScopes> buckets, std::chrono::microseconds now,
                              double cost);

  Limiter *limiter_; // null: moved from
  AccountTable::Ref address_;
  AccountTable::Ref user_; // none: anonymous
  Buckets own_;
  std::uint32_t topics_ = 0;
  bool is_connection_ = false;
};

} // namespace pg_live
