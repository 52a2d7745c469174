// Watchers over libuv; see loop.hpp for the rule of lifetimes.
#include "process/loop.hpp"

#include <stdexcept>
#include <string>

namespace pg_live {

namespace {

void check(int code, const char *what) {
  if (code < 0) throw std::runtime_error(std::string(what) + ": " + uv_strerror(code));
}

// Ends a watcher: its callback is dropped by the close callback rather than here, because it may be the one that is
// running.
template <typename Block>
void close_block(Block *block) {
  block->closed = true;
  uv_close(reinterpret_cast<uv_handle_t *>(&block->handle),
           [](uv_handle_t *handle) { delete static_cast<Block *>(handle->data); });
}

} // namespace

Loop::Loop() { check(uv_loop_init(&loop_), "could not create the event loop"); }

Loop::~Loop() {
  settle();
  uv_loop_close(&loop_);
}

void Loop::settle() {
  // A close callback may close something else; more turns than this would be a leak, which the sanitizer names better.
  for (int turn = 0; turn < 10 && uv_run(&loop_, UV_RUN_NOWAIT) != 0; ++turn) {
  }
}

void Loop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

struct LoopTimer::Block {
  uv_timer_t handle;
  std::function<void()> due;
  bool closed = false;
};

LoopTimer::LoopTimer(Loop &loop, std::function<void()> due)
    : block_(new Block{{}, std::move(due)}, close_block<Block>) {
  uv_timer_init(loop.handle(), &block_->handle); // cannot fail
  block_->handle.data = block_.get();
}

void LoopTimer::start(Milliseconds delay, Milliseconds period) {
  auto due = [](uv_timer_t *handle) {
    auto *block = static_cast<Block *>(handle->data);
    if (!block->closed) block->due();
  };
  uv_timer_start(&block_->handle, due, static_cast<std::uint64_t>(delay.count()),
                 static_cast<std::uint64_t>(period.count()));
}

void LoopTimer::stop() { uv_timer_stop(&block_->handle); }

bool LoopTimer::running() const { return uv_is_active(reinterpret_cast<const uv_handle_t *>(&block_->handle)) != 0; }

struct Watcher::Block {
  uv_poll_t handle;
  std::function<void(int)> ready;
  bool closed = false;
  int events = 0; // asked for
};

Watcher::Watcher(Loop &loop, int descriptor, std::function<void(int)> ready) : block_(nullptr, close_block<Block>) {
  auto block = std::make_unique<Block>(Block{{}, std::move(ready)});
  check(uv_poll_init(loop.handle(), &block->handle, descriptor), "could not watch a descriptor");
  block->handle.data = block.get();
  block_.reset(block.release());
}

// At an error libuv stops watching. The next read may still find data before it meets the error, and would then never
// be called again, so watching continues.
void Watcher::on_event(uv_poll_t *handle, int status, int events) {
  auto *block = static_cast<Block *>(handle->data);
  if (block->closed) return;
  if (status < 0) uv_poll_start(handle, block->events, on_event);
  block->ready(status < 0 ? UV_READABLE | UV_WRITABLE : events);
}

void Watcher::watch(int events) {
  block_->events = events;
  check(uv_poll_start(&block_->handle, events, on_event), "could not watch a descriptor");
}

struct Signal::Block {
  uv_signal_t handle;
  std::function<void()> received;
  bool closed = false;
};

Signal::Signal(Loop &loop, int number, std::function<void()> received) : block_(nullptr, close_block<Block>) {
  auto block = std::make_unique<Block>(Block{{}, std::move(received)});
  check(uv_signal_init(loop.handle(), &block->handle), "could not watch a signal");
  block->handle.data = block.get();
  block_.reset(block.release());
  auto deliver = [](uv_signal_t *handle, int) {
    auto *owner = static_cast<Block *>(handle->data);
    if (!owner->closed) owner->received();
  };
  check(uv_signal_start(&block_->handle, deliver, number), "could not watch a signal");
}

} // namespace pg_live
