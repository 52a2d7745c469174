#!/bin/bash
# What the benchmark scripts share: building, a private cluster whose flushes are real, a bridge, and cleaning up.
# Sourced from the root of the repository; whatever was started is stopped when the script ends, however it ends.
# shellcheck disable=SC2034 # the scripts use what is set here

programs=$PWD/build/bench

scratch=
cluster=
bridge=
bridge_port=
port=

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

clean_up() {
  local status=$? process
  trap '' INT TERM HUP
  # Whatever still runs in the background: the bridge, the raw loop, an emitter.
  for process in $(jobs -p); do
    kill -TERM "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  if [ -n "$cluster" ]; then stop_cluster; fi
  rm -rf "$scratch"
  exit "$status"
}

make_scratch() {
  scratch=$(mktemp -d /tmp/pg_live_bench.XXXXXX)
  chmod 755 "$scratch"
  trap clean_up EXIT
  trap 'exit 130' INT TERM HUP
}

# Quiet psql in the private cluster; arguments as of psql.
sql() {
  psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 "$@"
}

worker_mode() {
  [ "$(sql --command "select live.status() ->> 'mode'")" = worker ]
}

# wait_for WHAT COMMAND...: until the command succeeds, half a minute at most.
wait_for() {
  local what=$1 deadline=$((SECONDS + 30))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "never happened: $what"
    sleep 0.05
  done
}

# start_cluster [LINE...]: a cluster with the roles and the extension, its worker running. The settings are those of a
# production server as far as they decide the figures: flushes are on, checkpoints are rare, tables fit into memory.
start_cluster() {
  start_cluster_in /tmp "$@"
}

# start_cluster_in FOLDER [LINE...]: on the disk of that folder.
start_cluster_in() {
  local assignments
  cluster=$(mktemp -d "$1/pg_live_bench.XXXXXX")
  shift
  assignments=$(test/cluster start "$cluster" "shared_preload_libraries = 'pg_live'" "pg_live.databases = 'postgres'" \
    "fsync = on" "wal_sync_method = fdatasync" "max_wal_size = '8GB'" "checkpoint_timeout = '1h'" \
    "shared_buffers = '1GB'" "$@")
  eval "$assignments"
  sql --output /dev/null --file test/prepare.sql
  wait_for "the worker runs" worker_mode
}

stop_cluster() {
  if [ -e "$cluster/data/PG_VERSION" ]; then test/cluster stop "$cluster"; fi
  rm -rf "$cluster"
  cluster=
}

# build_programs: the load client and its like, and the bridge; PG_LIVE_BRIDGE names another one that is built already.
build_programs() {
  make --no-print-directory --silent --directory bench
  build_bridge
}

build_bridge() {
  [ -n "${PG_LIVE_BRIDGE:-}" ] || make --no-print-directory --silent bridge
}

# build_client: the adapters of the browser package, for the scripts that run editors.
build_client() {
  local folder
  for folder in bridge/client test/bridge/e2e; do
    [ -d "$folder/node_modules" ] || (cd "$folder" && npm ci --silent)
  done
  (cd bridge/client && npm run --silent build)
}

# start_bridge [FLAG...]: against the private cluster, from now on PID $bridge at $bridge_port.
start_bridge() {
  PG_LIVE_JWT_SECRET=$(head -c 32 /dev/urandom | od -A n -t x1 | tr -d ' \n')
  export PG_LIVE_JWT_SECRET
  take_port
  bridge_port=$port
  "${PG_LIVE_BRIDGE:-bridge/pg-live-bridge}" --port "$bridge_port" --log-level warning \
    --db "host=$PGHOST port=$PGPORT user=live_bridge dbname=$PGDATABASE" "$@" >>"$scratch/bridge.log" 2>&1 &
  bridge=$!
  wait_for "the bridge is ready" curl --silent --fail --output /dev/null "http://127.0.0.1:$bridge_port/readyz"
}

stop_bridge() {
  kill -TERM "$bridge"
  wait "$bridge" || true
  bridge=
}

# Sets $port to a free one, below 32768, where the ports begin that the kernel gives to clients.
take_port() {
  port=$((10240 + RANDOM % 22528))
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    port=$((10240 + RANDOM % 22528))
  done
}

# The median of the numbers that come in, one a line.
median() {
  sort -g | awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int((NR + 2) / 2)]) / 2 }'
}

# The topic of the benchmarks is a room: its members may join, and the check that says so reads a table under RLS.
create_room() {
  sql <<'SQL'
create table room_member (room text, user_id text, primary key (room, user_id));
alter table room_member enable row level security;
create policy own on room_member for select using (user_id = live.user_id());
grant select on room_member to authenticated;
insert into room_member select 'bench:room', 'bench-' || number from generate_series(0, 99999) as number;
analyze room_member;
create function can_join(topic text) returns boolean language sql stable
  return exists (select from public.room_member where room = topic and user_id = live.user_id());
grant execute on function can_join(text) to authenticated;
select live.set_topic_rule('bench:*', 'can_join(text)'::regprocedure);
SQL
}

# restart_cluster [VARIABLE=VALUE...]: with these variables in the server's environment.
restart_cluster() {
  local -a as_owner=()
  if [ "$(id -u)" = 0 ]; then
    as_owner=(setpriv --reuid postgres --regid postgres --init-groups --reset-env --)
  fi
  (cd / && "${as_owner[@]}" env "$@" "$("${PG_CONFIG:-pg_config}" --bindir)/pg_ctl" restart --wait --silent --mode=fast \
    --pgdata="$cluster/data" --log="$cluster/log" </dev/null >&2)
  wait_for "the worker runs" worker_mode
}
