// See limiter.hpp.
#include "limits/limiter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pg_live {

namespace {

using Seconds = std::chrono::duration<double>;

constexpr double kBurstSeconds = 5;            // a burst has that many seconds' worth
constexpr std::size_t kMaxResting = 65536;     // accounts of each table
constexpr Seconds kUntilOthersEnd{5};          // when to try again where no time is known
constexpr std::chrono::seconds kRestMargin{1}; // the clock of a table stands still between two turns of the loop

constexpr std::array<std::array<Limit, kScopes>, kRates> kRateLimits = {{
    {Limit::messages_by_socket, Limit::messages_by_user, Limit::messages_by_address},
    {Limit::joins_by_socket, Limit::joins_by_user, Limit::joins_by_address},
    {Limit::bytes_by_socket, Limit::bytes_by_user, Limit::bytes_by_address},
    {Limit::requests_by_user, Limit::requests_by_user, Limit::requests_by_address}, // no request is a socket's
}};

// The largest body of a request must fit into a burst of bytes.
RateLimit rate_of(const Limits &limits, Rate rate, Limit limit) {
  const unsigned per_second = limits[limit];
  if (per_second == 0) return {};
  const double least = rate == Rate::bytes ? std::max(limits[Limit::body_bytes], limits[Limit::message_bytes]) : 1;
  return {static_cast<double>(per_second), std::max(per_second * kBurstSeconds, least)};
}

// When the slowest bucket of an account is full again.
std::chrono::microseconds rest_of(const std::array<std::array<RateLimit, kScopes>, kRates> &rates, Scope scope) {
  Seconds longest{0};
  for (const auto &of_rate : rates) {
    const RateLimit &rate = of_rate[static_cast<std::size_t>(scope)];
    if (!std::isinf(rate.per_second)) longest = std::max(longest, Seconds(rate.burst / rate.per_second));
  }
  return std::chrono::ceil<std::chrono::microseconds>(longest) + kRestMargin;
}

std::array<std::array<RateLimit, kScopes>, kRates> rates_of(const Limits &limits) {
  std::array<std::array<RateLimit, kScopes>, kRates> rates;
  for (std::size_t rate = 0; rate < kRates; ++rate)
    for (std::size_t scope = 0; scope < kScopes; ++scope)
      rates[rate][scope] = rate_of(limits, static_cast<Rate>(rate), kRateLimits[rate][scope]);
  return rates;
}

} // namespace

std::string text_of(const Excess &excess) {
  const LimitEntry &entry = entry_of(excess.limit);
  std::string text = "too many " + std::string(entry.what) + ": at most " + std::to_string(excess.value) +
                     " (--limit-" + std::string(entry.name) + ")";
  if (excess.retry_after_seconds == 0) return text;
  return text + "; try again in " + std::to_string(excess.retry_after_seconds) + " s";
}

Limiter::Limiter(const Limits &limits)
    : limits_(limits), rates_(rates_of(limits)), users_(rest_of(rates_, Scope::user), kMaxResting),
      addresses_(rest_of(rates_, Scope::address), kMaxResting) {}

void Limiter::advance(std::chrono::microseconds now) {
  users_.advance(now);
  addresses_.advance(now);
}

Excess Limiter::note(Limit limit, Seconds wait) {
  ++hits_[static_cast<std::size_t>(limit)];
  const double seconds = std::isinf(wait.count()) ? 0 : std::max(1.0, std::ceil(wait.count()));
  return {limit, limits_[limit], static_cast<unsigned>(std::min(seconds, 86400.0))};
}

Excess Limiter::note(Limit limit) { return note(limit, kUntilOthersEnd); }

std::optional<Excess> Limiter::excess_of(Account &account, Stock stock, Limit limit, std::uint32_t more) {
  if (limits_[limit] == 0 || std::uint64_t{account.stock(stock)} + more <= limits_[limit]) return std::nullopt;
  return note(limit);
}

Allowance::Allowance(Limiter &limiter, std::string_view address_key)
    : limiter_(&limiter), address_(limiter.addresses_.open(address_key)) {
  ++address_->stock(Stock::connections);
}

Allowance::Allowance(Allowance &&other) noexcept
    : limiter_(std::exchange(other.limiter_, nullptr)), address_(std::move(other.address_)),
      user_(std::move(other.user_)), own_(other.own_), topics_(other.topics_), is_connection_(other.is_connection_) {}

Allowance::~Allowance() {
  if (limiter_ == nullptr) return;
  set_topics(0);
  if (is_connection_) {
    --limiter_->connections_;
    if (user_) --user_->stock(Stock::connections);
  }
  --address_->stock(Stock::connections);
}

void Allowance::move_to(std::string_view address_key) {
  const std::size_t topics = topics_;
  set_topics(0);
  --address_->stock(Stock::connections);
  address_ = limiter_->addresses_.open(address_key);
  ++address_->stock(Stock::connections);
  set_topics(topics);
}

std::optional<Excess> Allowance::excess_of_address(unsigned spare) {
  const unsigned limit = limiter_->limits_[Limit::connections_by_address];
  if (limit == 0 || address_->stock(Stock::connections) <= limit + spare) return std::nullopt;
  return limiter_->note(Limit::connections_by_address);
}

std::optional<Excess> Allowance::excess_of_connections() {
  if (limiter_->connections_ >= limiter_->limits_[Limit::connections]) return limiter_->note(Limit::connections);
  return excess_of_address();
}

std::optional<Excess> Allowance::connect(std::string_view user_id) {
  if (auto excess = excess_of_connections()) return excess;
  if (!user_id.empty()) {
    AccountTable::Ref user = limiter_->users_.open(user_id);
    if (auto excess = limiter_->excess_of(*user, Stock::connections, Limit::connections_by_user, 1)) return excess;
    ++user->stock(Stock::connections);
    user_ = std::move(user);
  }
  ++limiter_->connections_;
  is_connection_ = true;
  return std::nullopt;
}

std::optional<Excess> Allowance::begin_request(std::string_view user_id, std::chrono::microseconds now) {
  if (user_id.empty()) return std::nullopt;
  user_ = limiter_->users_.open(user_id);
  return spend(Rate::requests, {nullptr, &user_->bucket(Rate::requests), nullptr}, now, 1);
}

std::optional<Excess> Allowance::change_user(std::string_view user_id, std::chrono::microseconds now) {
  if (user_id.empty() || (user_ && user_.key() == user_id)) return std::nullopt;
  AccountTable::Ref user = limiter_->users_.open(user_id);
  if (auto excess = limiter_->excess_of(*user, Stock::connections, Limit::connections_by_user, 1)) return excess;
  if (auto excess = limiter_->excess_of(*user, Stock::topics, Limit::topics_by_user, topics_)) return excess;
  if (auto excess = spend(Rate::joins, {nullptr, &user->bucket(Rate::joins), nullptr}, now, 1)) return excess;
  if (user_) {
    --user_->stock(Stock::connections);
    user_->stock(Stock::topics) -= topics_;
  }
  user_ = std::move(user);
  ++user_->stock(Stock::connections);
  user_->stock(Stock::topics) += topics_;
  return std::nullopt;
}

std::optional<Excess> Allowance::spend(Rate rate, std::chrono::microseconds now, double cost) {
  TokenBucket *const own = rate == Rate::requests ? nullptr : &own_[static_cast<std::size_t>(rate)];
  return spend(rate, {own, user_ ? &user_->bucket(rate) : nullptr, &address_->bucket(rate)}, now, cost);
}

std::optional<Excess> Allowance::spend(Rate rate, std::array<TokenBucket *, kScopes> buckets,
                                       std::chrono::microseconds now, double cost) {
  for (std::size_t scope = 0; scope < kScopes; ++scope) {
    const RateLimit &limit = limiter_->rate(rate, static_cast<Scope>(scope));
    if (buckets[scope] == nullptr || buckets[scope]->acquire(limit, now, cost)) continue;
    for (std::size_t before = 0; before < scope; ++before)
      if (buckets[before] != nullptr) buckets[before]->give_back(cost);
    return limiter_->note(kRateLimits[static_cast<std::size_t>(rate)][scope], buckets[scope]->wait(limit, cost));
  }
  return std::nullopt;
}

Excess Allowance::note(Limit limit) { return limiter_->note(limit, Seconds(std::numeric_limits<double>::infinity())); }

std::optional<Excess> Allowance::excess_of_topics() {
  const unsigned limit = limiter_->limits_[Limit::topics_by_socket];
  if (limit != 0 && topics_ >= limit) return limiter_->note(Limit::topics_by_socket);
  if (user_)
    if (auto excess = limiter_->excess_of(*user_, Stock::topics, Limit::topics_by_user, 1)) return excess;
  return limiter_->excess_of(*address_, Stock::topics, Limit::topics_by_address, 1);
}

void Allowance::set_topics(std::size_t topics) {
  const std::uint32_t before = std::exchange(topics_, static_cast<std::uint32_t>(topics));
  for (const AccountTable::Ref *account : {&user_, &address_})
    if (*account) (*account)->stock(Stock::topics) += topics_ - before; // modulo 2^32, as unsigned numbers are
}

std::optional<Excess> Allowance::excess_of_tracked_bytes(std::size_t more) {
  return limiter_->excess_of(*address_, Stock::tracked_bytes, Limit::tracked_bytes_by_address,
                             static_cast<std::uint32_t>(more));
}

void Allowance::change_tracked_bytes(std::size_t before, std::size_t now) {
  address_->stock(Stock::tracked_bytes) += static_cast<std::uint32_t>(now - before);
}

WaitingPlace::WaitingPlace(Limiter &limiter, AccountTable::Ref address)
    : limiter_(limiter), address_(std::move(address)) {
  ++limiter_.waiting_tokens_;
  ++address_->stock(Stock::waiting_tokens);
}

WaitingPlace::~WaitingPlace() {
  --limiter_.waiting_tokens_;
  --address_->stock(Stock::waiting_tokens);
}

std::shared_ptr<WaitingPlace> Allowance::wait_for_keys() {
  if (limiter_->waiting_tokens_ >= limiter_->limits_[Limit::waiting_tokens]) {
    limiter_->note(Limit::waiting_tokens);
    return nullptr;
  }
  if (limiter_->excess_of(*address_, Stock::waiting_tokens, Limit::waiting_tokens_by_address, 1)) return nullptr;
  return std::make_shared<WaitingPlace>(*limiter_, address_);
}

} // namespace pg_live
