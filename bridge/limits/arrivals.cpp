// See arrivals.hpp.
#include "limits/arrivals.hpp"

namespace pg_live {

void Arrivals::add(const std::string &address_key, std::uint64_t number, Newcomer &newcomer) {
  OfAddress &of_address = addresses_[address_key];
  if (!of_address.empty()) ranks_.erase(rank_of(of_address));
  of_address.emplace(number, &newcomer);
  ranks_.emplace(rank_of(of_address), of_address.begin()->second);
}

void Arrivals::remove(const std::string &address_key, std::uint64_t number) {
  const auto found = addresses_.find(address_key);
  OfAddress &of_address = found->second;
  ranks_.erase(rank_of(of_address));
  of_address.erase(number);
  if (of_address.empty()) {
    addresses_.erase(found);
  } else {
    ranks_.emplace(rank_of(of_address), of_address.begin()->second);
  }
}

Arrival::Arrival(Arrivals &all, std::string_view address_key, Newcomer &newcomer)
    : all_(all), address_key_(address_key), newcomer_(newcomer), number_(++all.last_number_) {
  all_.add(address_key_, number_, newcomer_);
  ++all_.size_;
}

Arrival::~Arrival() {
  all_.remove(address_key_, number_);
  --all_.size_;
}

void Arrival::move_to(std::string_view address_key) {
  all_.remove(address_key_, number_);
  address_key_ = address_key;
  all_.add(address_key_, number_, newcomer_);
}

} // namespace pg_live
