// The door: answers --version, --help and completion at once, from texts that the program itself printed at build time, and
// becomes the program (tapemill-program, beside it) for everything else. It links nothing but the C library: loading
// Arrow takes longer than a shell's completion may.
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace tapemill::app {
struct Text {
  const char* key;  // the arguments, joined by blanks: "--version", "backtest run --help"
  const char* text;
};
extern const Text kTexts[];
extern const std::size_t kTextCount;
}  // namespace tapemill::app

int main(int argc, char** argv) {
  std::string key;
  for (int i = 1; i < argc; ++i) {
    if (i > 1) key += ' ';
    key += std::strcmp(argv[i], "-h") == 0 ? "--help" : argv[i];
  }
  if (key == "help") key = "--help";
  if (key.rfind("help ", 0) == 0) key = key.substr(5) + " --help";
  if (key == "completion") key = "completion bash";
  for (std::size_t i = 0; i < tapemill::app::kTextCount; ++i)
    if (key == tapemill::app::kTexts[i].key)
      return std::fputs(tapemill::app::kTexts[i].text, stdout) < 0 || std::fflush(stdout) != 0 ? 3 : 0;
  char self[PATH_MAX];
  ssize_t n = ::readlink("/proc/self/exe", self, sizeof self - 1);
  std::string program(self, n > 0 ? static_cast<std::size_t>(n) : 0);
  program = program.substr(0, program.rfind('/') + 1) + "tapemill-program";
  ::execv(program.c_str(), argv);
  std::fprintf(stderr, "error: %s: %s\nit belongs beside tapemill: build or install again\n", program.c_str(),
               std::strerror(errno));
  return 3;
}
