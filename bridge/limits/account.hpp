// What one user or one address uses, and the table of these accounts.
//
// Invariants: an account exists while something holds it, and after that until all its buckets are full again, so that
// to leave and come back makes nobody less limited; the number of accounts that nobody holds is bounded, whatever the
// number of addresses that come. Who holds an account uses it without a look-up.
#pragma once

#include "base/rate_limit.hpp"
#include "base/siphash.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace pg_live {

// What is limited by the second.
enum class Rate : unsigned char { messages, joins, bytes, requests };
inline constexpr std::size_t kRates = 4;

// What is limited in number, as long as it lasts.
enum class Stock : unsigned char { connections, topics, tracked_bytes, waiting_tokens };
inline constexpr std::size_t kStocks = 4;

struct Account {
  std::array<TokenBucket, kRates> buckets;
  std::array<std::uint32_t, kStocks> stocks{};

  TokenBucket &bucket(Rate rate) { return buckets[static_cast<std::size_t>(rate)]; }
  std::uint32_t &stock(Stock stock) { return stocks[static_cast<std::size_t>(stock)]; }
};

class AccountTable {
  struct Entry;
  using Entries = std::unordered_map<std::string, Entry, SipHash>;

 public:
  // Holds one account, or none.
  class Ref {
   public:
    Ref() = default;
    Ref(const Ref &other);
    Ref(Ref &&other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
    Ref &operator=(Ref other) noexcept {
      std::swap(entry_, other.entry_);
      return *this;
    }
    ~Ref();

    explicit operator bool() const { return entry_ != nullptr; }
    Account &operator*() const { return entry_->second.account; }
    Account *operator->() const { return &entry_->second.account; }
    const std::string &key() const { return entry_->first; }

   private:
    friend class AccountTable;
    explicit Ref(Entries::value_type &entry);
    Entries::value_type *entry_ = nullptr;
  };

  // `rest`: the time in which all buckets of an account are full again. Outlives all that hold its accounts.
  AccountTable(std::chrono::microseconds rest, std::size_t max_resting);
  AccountTable(const AccountTable &) = delete;
  AccountTable &operator=(const AccountTable &) = delete;

  // The account of that key, a new one if there is none.
  Ref open(std::string_view key);

  // Sets the time, in which accounts rest, and drops those that are at rest for long enough. A time that steps back is
  // ignored.
  void advance(std::chrono::microseconds now);

  std::size_t size() const { return entries_.size(); }
  std::size_t resting() const { return resting_.size(); }

 private:
  using Resting = std::list<Entries::value_type *>;

  struct Entry {
    AccountTable *table = nullptr;
    Account account;
    std::uint32_t holders = 0;
    std::optional<Resting::iterator> place; // in resting_, of an account that nobody holds
    std::chrono::microseconds since{0};     // when that began
  };

  void hold(Entries::value_type &entry);
  void release(Entries::value_type &entry);
  void drop_oldest();

  std::chrono::microseconds rest_;
  std::size_t max_resting_;
  std::chrono::microseconds now_{0};
  Entries entries_;
  Resting resting_; // accounts that nobody holds, by the time when that began
};

} // namespace pg_live
