// What a connection asserts in the database of its user's presence: since when, as whom, and how it ends.
#include "connection/connection.hpp"

#include <utility>

namespace pg_live {

namespace {

using std::chrono::seconds;

} // namespace

void Connection::speak_for(const ClaimsRef &claims) {
  if (closing()) return;
  const bool is_same = present_as_ ? present_as_->user_id == claims->user_id : claims->user_id.empty();
  if (!is_same && present_as_ && conversation_.claims_of(present_as_->user_id)) return; // another channel's user
  if (!is_same) end_presence(Ending::closed);
  present_as_ = claims->user_id.empty() ? nullptr : claims;
  if (is_same || !present_as_) return;
  reported_use_ = services_.seconds_now();
  unreported_use_ = seconds(0);
  assert_presence();
}

// No token of the user is valid any more: ends the presence as if the socket had broken off. A channel may have a token
// of another user.
void Connection::change_user() {
  end_presence(Ending::broken);
  if (const ClaimsRef claims = conversation_.claims_of_any_user()) speak_for(claims);
  conversation_.check_presence();
}

void Connection::assert_presence() {
  if (!present_as_ || assertion_ == Assertion::ended_by_user) return;
  assertion_ = Assertion::present;
  services_.presence.queue().connect({presence_id_, present_as_->user_id, name_of(origin_.device_type)});
}

// Reports of use are rate-limited; the last use before a report is the one that counts.
void Connection::note_use() {
  if (!present_as_) return;
  const bool report_is_scheduled = unreported_use_ != seconds(0);
  unreported_use_ = services_.seconds_now();
  report_use(unreported_use_);
  if (!report_is_scheduled) schedule_report_of_use(unreported_use_);
}

void Connection::note_idle() { reported_use_ = unreported_use_ = seconds(0); }

void Connection::report_use(seconds now) {
  if (!present_as_ || unreported_use_ == seconds(0) || now - reported_use_ < services_.presence.report_use_every())
    return;
  services_.presence.queue().report_use({presence_id_, now - std::exchange(unreported_use_, seconds(0))});
  reported_use_ = now;
}

void Connection::schedule_report_of_use(seconds now) {
  if (unreported_use_ == seconds(0)) return;
  const seconds due = services_.deadline_after(reported_use_ + services_.presence.report_use_every() - now);
  if (due < deadline()) services_.wheel.arm(*this, due);
}

void Connection::note_tracking() {
  if (assertion_ == Assertion::none) assertion_ = Assertion::present;
}

// Closed if the user means to leave, which is announced at once; otherwise broken. Clients close with 1000 also when
// they miss a heartbeat, and reloaded pages with 1001 or without a code; so does phoenix when a page is hidden, with
// its topics still joined.
Ending Connection::ending_of(std::string_view close_payload) const {
  if (closing()) return Ending::broken;
  if (close_payload.size() < 2) return !origin_.is_page || conversation_.is_empty() ? Ending::closed : Ending::broken;
  const int code = static_cast<unsigned char>(close_payload[0]) * 256 + static_cast<unsigned char>(close_payload[1]);
  const bool is_meant = code == 1000 && close_payload.substr(2) != "heartbeat timeout";
  return is_meant ? Ending::closed : Ending::broken;
}

// The news may be older than the user's choice of a presence: then the user has come back already.
void Connection::note_going_offline() {
  assertion_ = Assertion::ended_by_user;
  if (!chose_presence_ || !present_as_) return;
  services_.presence.ask_whether_present(
      presence_id_, present_as_->user_id, [holder = weak_from_this(), this, asked_for = presence_id_](bool present) {
        const auto alive = holder.lock();
        if (alive && present && assertion_ == Assertion::ended_by_user && presence_id_ == asked_for) resume_presence();
      });
}

void Connection::resume_presence() {
  const bool was_offline = assertion_ == Assertion::ended_by_user;
  chose_presence_ = true;
  if (was_offline) assertion_ = Assertion::present;
  assert_presence();
  if (was_offline) conversation_.check_presence();
}

void Connection::change_presence_id() {
  registry_.remove(*this);
  presence_id_ = Uuid::random();
  registry_.add(*this);
}

// An open connection continues under a new presence id, so that calls on their way cannot revive the ended one.
void Connection::end_presence(Ending ending) {
  if (assertion_ != Assertion::none) {
    services_.presence.queue().disconnect(presence_id_, ending);
    if (!closing()) change_presence_id();
  }
  present_as_.reset();
  assertion_ = Assertion::none;
}

} // namespace pg_live
