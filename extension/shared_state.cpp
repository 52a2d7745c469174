// Lays out and finds the shared memory of the extension.
#include "shared_state.hpp"

#include "boundary.hpp"
#include "settings.hpp"

namespace pg_live {

namespace {

struct SharedState {
  int databases;
  DatabaseState entries[FLEXIBLE_ARRAY_MEMBER];
};

constinit SharedState *shared = nullptr;
constinit shmem_request_hook_type previous_request_hook = nullptr;
constinit shmem_startup_hook_type previous_startup_hook = nullptr;

const char *name_at(const List *names, int index) { return static_cast<const char *>(list_nth(names, index)); }

// The names of pg_live.databases as a list of char *, each once, allocated in the current memory context.
List *listed_names() {
  List *names = NIL;
  if (!SplitGUCList(pstrdup(settings().databases), ',', &names))
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("invalid list of names in setting \"pg_live.databases\"")));
  List *distinct = NIL; // by its name, only the first of two entries of one database would be found
  for (int index = 0; index < list_length(names); ++index) {
    bool known = false;
    for (int other = 0; other < list_length(distinct); ++other)
      known = known || strcmp(name_at(names, index), name_at(distinct, other)) == 0;
    if (!known) distinct = lappend(distinct, list_nth(names, index));
  }
  return distinct;
}

Size shared_size() { return offsetof(SharedState, entries) + sizeof(DatabaseState) * list_length(listed_names()); }

void set_up(WorkerSlot &worker) {
  worker.latch = nullptr;
  worker.pid = 0;
  pg_atomic_init_u32(&worker.failed_starts, 0);
}

void request_memory() {
  if (previous_request_hook != nullptr) previous_request_hook();
  RequestAddinShmemSpace(shared_size());
}

void start_up() {
  if (previous_startup_hook != nullptr) previous_startup_hook();
  bool found = false;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  shared = static_cast<SharedState *>(ShmemInitStruct("pg_live", shared_size(), &found));
  if (!found) {
    List *const names = listed_names();
    shared->databases = list_length(names);
    for (int index = 0; index < shared->databases; ++index) {
      DatabaseState &entry = shared->entries[index];
      strlcpy(entry.name, name_at(names, index), sizeof entry.name);
      set_up(entry.worker);
      set_up(entry.refresher);
      entry.worker_expected = false;
      pg_atomic_init_u64(&entry.next_deadline, no_deadline);
      pg_atomic_init_u32(&entry.earlier_deadline, 0);
      pg_atomic_init_u32(&entry.summaries_changed, 0);
      pg_atomic_init_u64(&entry.newest_batch, 0);
      pg_atomic_init_u32(&entry.followers, 0);
      pg_atomic_init_u32(&entry.caught_up, 0);
      entry.has_deferred_parts = false;
      ConditionVariableInit(&entry.batch_stored);
      pg_atomic_init_u64(&entry.unflushed_from, 0);
      ConditionVariableInit(&entry.batches_flushed);
    }
  }
  LWLockRelease(AddinShmemInitLock);
}

} // namespace

void request_shared_state() {
  if (!process_shared_preload_libraries_in_progress) return;
  previous_request_hook = shmem_request_hook;
  shmem_request_hook = [] { guard(request_memory); };
  previous_startup_hook = shmem_startup_hook;
  shmem_startup_hook = [] { guard(start_up); };
}

int listed_databases() {
  if (shared != nullptr) return shared->databases;
  return process_shared_preload_libraries_in_progress ? list_length(listed_names()) : 0;
}

DatabaseState *database_state(int index) { return &shared->entries[index]; }

DatabaseState *find_database_state(const char *name) {
  if (shared == nullptr || name == nullptr) return nullptr;
  for (int index = 0; index < shared->databases; ++index)
    if (strcmp(shared->entries[index].name, name) == 0) return &shared->entries[index];
  return nullptr;
}

DatabaseState *own_database_state() {
  static constinit bool resolved = false;
  static constinit DatabaseState *own = nullptr;
  if (resolved || !OidIsValid(MyDatabaseId) || !IsTransactionState()) return own;
  if (shared != nullptr) own = find_database_state(get_database_name(MyDatabaseId));
  resolved = true;
  return own;
}

// A start counts as failed until its first pass succeeds, which may take a while.
bool is_at_work(WorkerSlot &worker) { return worker.pid != 0 && pg_atomic_read_u32(&worker.failed_starts) <= 1; }

void ring(const WorkerSlot &worker) {
  pg_memory_barrier(); // the commit is visible before the latch is read: a worker that starts later finds the rows
  if (Latch *const latch = worker.latch; latch != nullptr) SetLatch(latch);
}

} // namespace pg_live
