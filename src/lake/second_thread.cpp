#include "lake/second_thread.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace tapemill::lake {
namespace {

struct Waiting {
  std::mutex in_use;  // by one caller at a time; others do without
  std::mutex mutex;
  std::condition_variable asked, done;
  const std::function<void()>* work = nullptr;
  bool running = false, started = false;

  void loop() {
    std::unique_lock lock(mutex);
    for (;;) {
      asked.wait(lock, [this] { return work != nullptr; });
      const auto* taken = work;
      work = nullptr;
      running = true;
      lock.unlock();
      (*taken)();
      lock.lock();
      running = false;
      done.notify_one();
    }
  }
};

}  // namespace

void with_second_thread(const std::function<void()>& work) {
  static auto* waiting = new Waiting;  // for good: its thread waits until the process ends
  std::unique_lock use(waiting->in_use, std::try_to_lock);
  if (!use) return work();
  {
    std::lock_guard lock(waiting->mutex);
    if (!waiting->started) {
      std::thread([] { waiting->loop(); }).detach();
      waiting->started = true;
    }
    waiting->work = &work;
    waiting->asked.notify_one();
  }
  work();
  std::unique_lock lock(waiting->mutex);
  waiting->work = nullptr;  // it slept too long: nothing is left to do
  waiting->done.wait(lock, [] { return !waiting->running; });
}

}  // namespace tapemill::lake
