// The event loop and its watchers: RAII over libuv handles.
// Invariant: libuv frees a handle only after its close callback ran, so a watcher here owns a shared block that
// outlives the object until then; once a watcher is destroyed its callback is never called again, even if it is
// destroyed from within that callback.
#pragma once

#include <uv.h>

#include <chrono>
#include <functional>
#include <memory>

namespace pg_live {

using Milliseconds = std::chrono::milliseconds;

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop &) = delete;
  Loop &operator=(const Loop &) = delete;

  uv_loop_t *handle() { return &loop_; }

  // Runs until stop().
  void run();
  void stop() { uv_stop(&loop_); }

  // Runs the close callbacks that are pending.
  void settle();

  // Milliseconds of a clock that never goes back, as of the start of this turn of the loop.
  std::uint64_t now() const { return uv_now(&loop_); }

  // Nanoseconds of the same clock, as of the call.
  static std::uint64_t exact_now() { return uv_hrtime(); }

 private:
  uv_loop_t loop_;
};

class LoopTimer {
 public:
  LoopTimer(Loop &loop, std::function<void()> due);

  // Calls `due` after `delay`, and then every `period` unless that is 0. Starting a running timer restarts it.
  void start(Milliseconds delay, Milliseconds period = Milliseconds{0});
  void stop();
  bool running() const;

  struct Block;

 private:
  std::unique_ptr<Block, void (*)(Block *)> block_;
};

// Watches a descriptor without owning it. Destroy the watcher before the descriptor is closed.
class Watcher {
 public:
  // `ready(events)`: UV_READABLE | UV_WRITABLE; an error of the descriptor is reported as both, so that the next read
  // or write meets it.
  Watcher(Loop &loop, int descriptor, std::function<void(int events)> ready);

  void watch(int events);

  struct Block;

 private:
  static void on_event(uv_poll_t *handle, int status, int events);

  std::unique_ptr<Block, void (*)(Block *)> block_;
};

class Signal {
 public:
  Signal(Loop &loop, int number, std::function<void()> received);

  struct Block;

 private:
  std::unique_ptr<Block, void (*)(Block *)> block_;
};

} // namespace pg_live
