// Writes transactions and keeps the record of what was promised to be delivered.
#include "writer.hpp"

#include <string>
#include <thread>

namespace pg_live::storm {

namespace {

constexpr int topics = 4;
constexpr int most_events = 5;
constexpr double share_of_signals = 0.25;
constexpr double share_of_savepoints = 0.3;
constexpr double share_held_open = 0.006;
constexpr double share_prepared = 0.1;

} // namespace

Writer::Writer(const Options &options, Progress &progress, int index, Finisher *finisher)
    : options_(options), progress_(progress), index_(index), finisher_(finisher),
      random_(static_cast<unsigned>(options.seed * 1000 + index)), connection_(options.address, "storm writer"),
      backend_pid_(connection_.backend_pid()) {}

bool Writer::chance(double probability) { return std::bernoulli_distribution(probability)(random_); }

int Writer::between(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }

void Writer::run() {
  for (int number = 1; progress_.claim_transaction(); ++number) {
    WrittenTransaction transaction;
    transaction.writer = index_;
    transaction.number = number;
    bool handed_over = false;
    try {
      handed_over = write(transaction);
    } catch (const ConnectionLost &) {
      reconnect();
      if (transaction.outcome == Outcome::in_doubt) settle(transaction);
    }
    if (!handed_over) written_.push_back(std::move(transaction));
  }
}

bool Writer::write(WrittenTransaction &transaction) {
  connection_.run("begin");
  // Tells later whether this commit took place.
  connection_.run("insert into storm_ledger (writer, transaction) values ($1, $2)",
                  {std::to_string(index_), std::to_string(transaction.number)});
  transaction.began = Clock::now();
  const int events = between(1, most_events);
  for (int number = 1; number <= events; ++number) {
    if (!chance(share_of_savepoints)) {
      emit(transaction, number, true);
      continue;
    }
    const bool keep = chance(0.5);
    connection_.run("savepoint one");
    emit(transaction, number, keep);
    connection_.run(keep ? "release savepoint one" : "rollback to savepoint one");
  }
  if (chance(share_held_open)) std::this_thread::sleep_for(std::chrono::milliseconds(between(1000, 3000)));
  return end(transaction);
}

void Writer::emit(WrittenTransaction &transaction, int number, bool keep) {
  const int topic = between(0, topics - 1);
  const bool durable = !chance(share_of_signals);
  const Clock::time_point sent = Clock::now();
  const Result id = connection_.run("select live.emit($1, 'gust', jsonb_build_object('writer', $2::int, 'transaction', "
                                    "$3::int, 'number', $4::int), $5)",
                                    {"storm:" + std::to_string(topic), std::to_string(index_),
                                     std::to_string(transaction.number), std::to_string(number), durable ? "t" : "f"});
  if (keep) transaction.events.push_back({number, id.number(0, 0), topic, durable, sent});
}

// A third is rolled back, whatever is prepared or not.
bool Writer::end(WrittenTransaction &transaction) {
  const bool roll_back = chance(1.0 / 3);
  if (finisher_ != nullptr && chance(share_prepared)) {
    const std::string name = "storm " + std::to_string(index_) + ' ' + std::to_string(transaction.number);
    connection_.run(("prepare transaction '" + name + "'").c_str());
    finisher_->take({name, roll_back, std::move(transaction)});
    return true;
  }
  if (roll_back) {
    connection_.run("rollback");
    return false;
  }
  transaction.commit_sent = Clock::now();
  transaction.outcome = Outcome::in_doubt;
  connection_.run("commit");
  transaction.acknowledged = Clock::now();
  transaction.outcome = Outcome::committed;
  return false;
}

void Writer::reconnect() {
  connection_ = Connection(options_.address, "storm writer");
  backend_pid_ = connection_.backend_pid();
}

void Writer::settle(WrittenTransaction &transaction) {
  for (;;) {
    try {
      const Result found = connection_.run("select from storm_ledger where writer = $1 and transaction = $2",
                                           {std::to_string(index_), std::to_string(transaction.number)});
      transaction.outcome = found.rows() == 1 ? Outcome::committed : Outcome::rolled_back;
      return;
    } catch (const ConnectionLost &) {
      reconnect();
    }
  }
}

} // namespace pg_live::storm
