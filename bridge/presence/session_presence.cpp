// Counting the channels of visits.
#include "presence/session_presence.hpp"

#include <memory>
#include <utility>

namespace pg_live {

namespace {

constexpr std::string_view kSessionPrefix = "session:";

} // namespace

std::optional<Uuid> session_of_topic(std::string_view topic) {
  if (!topic.starts_with(kSessionPrefix)) return std::nullopt;
  return Uuid::parse(topic.substr(kSessionPrefix.size()));
}

// One channel of a visit.
class SessionPresence::Place final : public Attendance {
 public:
  Place(SessionPresence &presence, const Channel &channel, const Uuid &session)
      : presence_(presence), channel_(channel), visit_{channel.client().presence_id(), session} {
    presence_.enter(visit_);
  }
  Place(const Place &) = delete;
  Place &operator=(const Place &) = delete;
  ~Place() override { presence_.exit(visit_, departure()); }

  void check() override {
    if (channel_.client().presence_id() == visit_.connection) return presence_.queue_.enter(visit_);
    presence_.exit(visit_, Departure::of_connection);
    visit_.connection = channel_.client().presence_id();
    presence_.enter(visit_);
  }

 private:
  Departure departure() const {
    const bool connection_ends = channel_.client().closing() || channel_.client().presence_id() != visit_.connection;
    return connection_ends ? Departure::of_connection : Departure::of_channel;
  }

  SessionPresence &presence_;
  const Channel &channel_;
  SessionVisit visit_;
};

void SessionPresence::join(Channel &channel) {
  const auto session = session_of_topic(channel.topic());
  if (!session || channel.claims()->user_id.empty()) return;
  channel.set_attendance(std::make_unique<Place>(*this, channel, *session));
}

void SessionPresence::enter_everything() {
  for (const auto &[visit, channels] : visits_)
    queue_.enter(visit);
}

void SessionPresence::enter(const SessionVisit &visit) {
  if (visits_[visit]++ == 0) queue_.enter(visit);
}

void SessionPresence::exit(const SessionVisit &visit, Departure departure) {
  const auto found = visits_.find(visit);
  if (--found->second > 0) return;
  visits_.erase(found);
  if (departure == Departure::of_channel) queue_.exit(visit);
}

} // namespace pg_live
