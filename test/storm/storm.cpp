// The storm: many writers at once, a third of their transactions rolled back, some held open for seconds, while the
// connections and processes of one side are cut. Prints what was delivered and every fault as lines "name: number".
// Exit status 0 when the storm ran to its end; the caller judges the numbers.
#include "finisher.hpp"
#include "listener.hpp"
#include "strikes.hpp"
#include "verdict.hpp"
#include "writer.hpp"

#include <cstdio>
#include <deque>
#include <exception>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

namespace pg_live::storm {

namespace {

// A thread whose exception ends the storm instead of the process.
std::thread start(Progress &progress, std::function<void()> body) {
  return std::thread([&progress, body = std::move(body)] {
    try {
      body();
    } catch (const std::exception &error) {
      progress.fail(error.what());
    }
  });
}

void prepare_tables(Connection &connection) {
  connection.run(
      "create table if not exists storm_ledger (writer int, transaction int, primary key (writer, transaction))");
}

std::vector<WrittenTransaction> collect(const std::deque<Writer> &writers, const std::optional<Finisher> &finisher) {
  std::vector<WrittenTransaction> all;
  for (const Writer &writer : writers)
    all.insert(all.end(), writer.written().begin(), writer.written().end());
  if (finisher) all.insert(all.end(), finisher->finished().begin(), finisher->finished().end());
  return all;
}

// One line an event: writer, transaction, number, topic, durable or signal.
void write_ledger(const std::string &path, const std::vector<WrittenTransaction> &written) {
  std::ofstream file(path);
  for (const WrittenTransaction &transaction : written)
    if (transaction.outcome == Outcome::committed)
      for (const EmittedEvent &event : transaction.events)
        file << transaction.writer << ' ' << transaction.number << ' ' << event.number << " storm:" << event.topic
             << (event.durable ? " durable\n" : " signal\n");
}

void print(const char *name, long number) { std::printf("%s: %ld\n", name, number); }

void print_verdict(const Verdict &verdict) {
  print("durable events delivered", verdict.durable);
  print("signals delivered", verdict.signals);
  print("batches", verdict.batches);
  print("missing durable events", verdict.missing_durable);
  print("missing signals", verdict.missing_signals);
  print("repeated events", verdict.repeated);
  print("events not committed", verdict.not_committed);
  print("altered events", verdict.altered);
  print("events delivered backwards", verdict.backwards);
  print("torn transactions", verdict.torn);
  print("overtaken transactions", verdict.overtaken);
}

// Runs the writers, and the threads that disturb them, to the end.
void write(const Options &options, Progress &progress, std::deque<Writer> &writers, Finisher *finisher,
           const Listener *listener) {
  std::thread weather = start(progress, [&] { strike(options, progress, listener, writers); });
  std::optional<std::thread> finishing;
  if (finisher != nullptr) finishing = start(progress, [finisher] { finisher->run(); });
  std::vector<std::thread> writing;
  writing.reserve(writers.size());
  for (Writer &writer : writers)
    writing.push_back(start(progress, [&writer] { writer.run(); }));
  for (std::thread &thread : writing)
    thread.join();
  progress.finish_writing();
  if (finishing) finishing->join();
  weather.join();
}

int run(const Options &options) {
  Connection connection(options.address, "storm");
  prepare_tables(connection);
  Progress progress(options);
  std::optional<Finisher> finisher;
  if (options.prepare) finisher.emplace(options, progress);
  std::deque<Writer> writers;
  for (int index = 0; index < options.writers; ++index)
    writers.emplace_back(options, progress, index, finisher ? &*finisher : nullptr);
  std::optional<Listener> listener;
  if (options.listen) listener.emplace(options, progress);

  const Clock::time_point began = Clock::now();
  std::optional<std::thread> listening;
  if (listener) listening = start(progress, [&listener] { listener->run(); });
  write(options, progress, writers, finisher ? &*finisher : nullptr, listener ? &*listener : nullptr);
  // Everything has ended by now, so the last event comes after all others: where parts of them are held, since its
  // transaction shares their topics.
  Connection(options.address, "storm")
      .run("select live.emit(topic, 'end', '{}') from (select distinct topic from live.event where topic ^@ 'storm:'"
           " union select distinct topic from live.signal where topic ^@ 'storm:' union all select $1) as last (topic)",
           {last_topic});
  if (listening) listening->join();
  const std::chrono::duration<double> elapsed = Clock::now() - began;

  const std::vector<WrittenTransaction> written = collect(writers, finisher);
  if (!options.ledger.empty()) write_ledger(options.ledger, written);
  const Verdict verdict = judge(written, listener ? listener->delivered() : std::vector<DeliveredEvent>{},
                                options.parts ? Parts::allowed : Parts::forbidden);
  print("committed transactions", verdict.committed);
  print("transactions rolled back", verdict.rolled_back);
  print("strikes", progress.strikes());
  std::printf("seconds: %.1f\n", elapsed.count());
  if (listener) {
    print("connections of the listener", listener->connections());
    print_verdict(verdict);
    if (!listener->got_last_event()) progress.fail("the last event did not arrive");
  }
  if (progress.failure().empty()) return 0;
  std::fprintf(stderr, "storm: %s\n", progress.failure().c_str());
  return 1;
}

} // namespace

} // namespace pg_live::storm

int main(int argc, char **argv) {
  try {
    return pg_live::storm::run(pg_live::storm::parse_options({argv, static_cast<std::size_t>(argc)}));
  } catch (const std::exception &error) {
    std::fprintf(stderr, "storm: %s\n", error.what());
    return 2;
  }
}
