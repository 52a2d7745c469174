// The settings of the extension (pg_live.*). Code reads their values from this struct; settings.cpp has the defaults.
#pragma once

namespace pg_live {

struct Settings {
  char *databases;        // pg_live.databases: comma-separated names of the databases that get a worker
  int event_retention;    // pg_live.event_retention, seconds: how long durable events can be replayed
  int signal_retention;   // pg_live.signal_retention, seconds: how long a signal waits for a bridge
  int gather_delay;       // pg_live.gather_delay, milliseconds: minimum time between two batches when busy
  int activity_retention; // pg_live.activity_retention, seconds: older activities are deleted; 0: none
  int history_retention;  // pg_live.history_retention, seconds: older operations of sessions are deleted; 0: none
  int checkpoint_step;    // pg_live.checkpoint_operations: operations of a session between two snapshots
  int refresh_interval;   // pg_live.refresh_interval, milliseconds: minimum time between two refreshes of the summaries
  int idle_after;         // pg_live.idle_after, seconds: how long a connection stays active without use
  int grace_period;       // pg_live.grace_period, seconds: how long a broken connection still counts
  int clock_offset;       // pg_live.clock_offset, seconds: added to the clock of presence, for tests
  int batch_events;       // pg_live.batch_events: maximum number of events in a batch
  int max_metadata_size;  // pg_live.max_metadata_size, kilobytes: largest metadata of one row
  int max_payload_size;   // pg_live.max_payload_size, kilobytes: largest payload of one event
  int max_send_size;      // pg_live.max_send_size, kilobytes: largest payload of live.send()
  int max_document_size;  // pg_live.max_document_size, kilobytes: largest document of a session
  int max_audience_size;  // pg_live.max_audience_size, kilobytes: largest total size of the events for one audience
  int max_follows;        // pg_live.max_follows: maximum number of users that one user can follow
  int max_sessions;       // pg_live.max_sessions: maximum number of active sessions that one user created
  int max_participants;   // pg_live.max_participants: maximum number of participants of one session
};

// The values in force in this process. Before define_settings() they are zero.
const Settings &settings();

// Defines all settings. Called once, from _PG_init.
void define_settings();

} // namespace pg_live
