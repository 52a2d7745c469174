// What has arrived and is not finished, such as a handshake, by the address that it came from, and which of it gives
// way when there is too much.
//
// Invariants: the address that has most gives way first, with the oldest that it has; of addresses that have as many,
// the one whose oldest is older. So an address pushes out only its own while others have fewer, and where each has one,
// age decides. To add, move or remove one costs O(log n); an address is kept while it has something here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace pg_live {

class Newcomer {
 public:
  // Ends it, to make room. Its Arrival ends before this returns.
  virtual void give_way() = 0;

 protected:
  Newcomer() = default;
  Newcomer(const Newcomer &) = default;
  Newcomer &operator=(const Newcomer &) = default;
  ~Newcomer() = default;
};

class Arrivals {
 public:
  Arrivals() = default;
  Arrivals(const Arrivals &) = delete;
  Arrivals &operator=(const Arrivals &) = delete;

  std::size_t size() const { return size_; }

  // Null if there is none.
  Newcomer *first_to_go() const { return ranks_.empty() ? nullptr : ranks_.begin()->second; }

 private:
  friend class Arrival;

  using OfAddress = std::map<std::uint64_t, Newcomer *>; // by number: the oldest first

  struct Rank {
    std::size_t count = 0;    // of the address
    std::uint64_t oldest = 0; // its number, which no other address has
    bool operator<(const Rank &other) const {
      return count != other.count ? count > other.count : oldest < other.oldest;
    }
  };

  static Rank rank_of(const OfAddress &of_address) { return {of_address.size(), of_address.begin()->first}; }
  void add(const std::string &address_key, std::uint64_t number, Newcomer &newcomer);
  void remove(const std::string &address_key, std::uint64_t number);

  std::map<std::string, OfAddress> addresses_; // none is empty
  std::map<Rank, Newcomer *> ranks_;           // the oldest of each address
  std::size_t size_ = 0;
  std::uint64_t last_number_ = 0;
};

// One of them. It is counted until it is destroyed.
class Arrival {
 public:
  Arrival(Arrivals &all, std::string_view address_key, Newcomer &newcomer);
  Arrival(const Arrival &) = delete;
  Arrival &operator=(const Arrival &) = delete;
  ~Arrival();

  // It came from another address, at the same time.
  void move_to(std::string_view address_key);

 private:
  Arrivals &all_;
  std::string address_key_;
  Newcomer &newcomer_;
  const std::uint64_t number_;
};

} // namespace pg_live
