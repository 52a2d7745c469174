// The settings of the extension (pg_live.*). Values are read through this struct; defaults stand in settings.cpp only.
#pragma once

namespace pg_live {

struct Settings {
  char *databases;      // pg_live.databases: comma-separated names of the databases that get a worker
  int event_retention;  // pg_live.event_retention, seconds: how long durable events can be replayed
  int signal_retention; // pg_live.signal_retention, seconds: how long a signal waits for a bridge
  int gather_delay;     // pg_live.gather_delay, milliseconds: least distance between two batches when busy
  int max_payload_size; // pg_live.max_payload_size, kilobytes: largest payload of one event
};

// The values in force in this process. Before define_settings() they are zero.
const Settings &settings();

// Defines all settings. Called once, from _PG_init.
void define_settings();

} // namespace pg_live
