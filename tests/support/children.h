// Child processes of fault tests.
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

namespace tapemill::test {

struct Children {
  /// Runs `body` in a fork; its int is the exit status, 99 where it threw.
  template <class Body>
  static pid_t child(Body body) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    int code = 99;
    try {
      code = body();
    } catch (const std::exception& problem) { std::fprintf(stderr, "%s\n", problem.what()); }
    ::_exit(code);
  }
  /// Its exit status, or 128 and the signal that ended it.
  static int wait(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
};

}  // namespace tapemill::test
