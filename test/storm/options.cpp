// Reads the command line: `--name value` for numbers and texts, `--name` for switches.
#include "options.hpp"

#include <map>
#include <stdexcept>
#include <string_view>

namespace pg_live::storm {

namespace {

class Reader {
 public:
  explicit Reader(std::span<char *> arguments) : arguments_(arguments) {}

  bool at_end() const { return next_ == arguments_.size(); }

  std::string_view take() {
    if (at_end()) throw std::invalid_argument("a value is missing at the end of the command line");
    return arguments_[next_++];
  }

  int take_number() { return std::stoi(std::string(take())); }

 private:
  std::span<char *> arguments_;
  std::size_t next_ = 1; // after the program's name
};

} // namespace

Options parse_options(std::span<char *> arguments) {
  Options options;
  const std::map<std::string_view, int *> numbers{{"--transactions", &options.transactions},
                                                  {"--writers", &options.writers},
                                                  {"--seed", &options.seed},
                                                  {"--strikes", &options.strikes}};
  const std::map<std::string_view, bool *> switches{
      {"--publish", &options.publish},           {"--parts", &options.parts},
      {"--prepare", &options.prepare},           {"--terminate-worker", &options.terminate_worker},
      {"--cut-listener", &options.cut_listener}, {"--kill-writer", &options.kill_writer}};
  Reader reader(arguments);
  while (!reader.at_end()) {
    const std::string_view name = reader.take();
    if (const auto number = numbers.find(name); number != numbers.end())
      *number->second = reader.take_number();
    else if (const auto flag = switches.find(name); flag != switches.end())
      *flag->second = true;
    else if (name == "--address")
      options.address = reader.take();
    else if (name == "--ledger")
      options.ledger = reader.take();
    else if (name == "--no-listener")
      options.listen = false;
    else if (name == "--time-limit")
      options.time_limit = std::chrono::seconds(reader.take_number());
    else
      throw std::invalid_argument("unknown argument: " + std::string(name));
  }
  return options;
}

} // namespace pg_live::storm
