#pragma once
#include <functional>

namespace tapemill::lake {

/// Runs `work` here and, where the process's one waiting thread is free and wakes in time, there at the same time too;
/// returns when both have returned. For work of some 100 microseconds, which starting a thread would double. `work` takes
/// its share from a counter that both see, throws nothing, and never waits for its other half, which may not come.
void with_second_thread(const std::function<void()>& work);

}  // namespace tapemill::lake
