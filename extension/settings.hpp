// The settings of the extension (pg_live.*). Values are read through this struct; defaults stand in settings.cpp only.
#pragma once

namespace pg_live {

struct Settings {
  char *databases;        // pg_live.databases: comma-separated names of the databases that get a worker
  int event_retention;    // pg_live.event_retention, seconds: how long durable events can be replayed
  int signal_retention;   // pg_live.signal_retention, seconds: how long a signal waits for a bridge
  int gather_delay;       // pg_live.gather_delay, milliseconds: least distance between two batches when busy
  int activity_retention; // pg_live.activity_retention, seconds: older activities are dropped; 0: none
  int refresh_interval;  // pg_live.refresh_interval, milliseconds: least time from one refresh of summaries to the next
  int idle_after;        // pg_live.idle_after, seconds: a connection without activity for so long is idle
  int grace_period;      // pg_live.grace_period, seconds: how long a connection that broke off still counts
  int clock_offset;      // pg_live.clock_offset, seconds: added to the clock of presence, for tests
  int batch_events;      // pg_live.batch_events: most events of one batch
  int max_metadata_size; // pg_live.max_metadata_size, kilobytes: largest metadata of one row
  int max_payload_size;  // pg_live.max_payload_size, kilobytes: largest payload of one event
  int max_send_size;     // pg_live.max_send_size, kilobytes: largest payload of live.send()
  int max_audience_size; // pg_live.max_audience_size, kilobytes: most that the events for one audience may take
  int max_follows;       // pg_live.max_follows: most users that one user can follow
};

// The values in force in this process. Before define_settings() they are zero.
const Settings &settings();

// Defines all settings. Called once, from _PG_init.
void define_settings();

} // namespace pg_live
