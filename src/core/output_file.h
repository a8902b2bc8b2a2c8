#pragma once
#include <string>
#include <string_view>

#include "core/status.h"

namespace tapemill {

/// Whether a file that the user named can be put where it was named: before the work, not after it. A folder that is not there
/// is a usage error, for a misspelt one is not to be made without a word; so is a place within a lake, whose files are its own.
Status check_output(const std::string& path);

/// A file that appears whole or not at all: written beside its place, synced, then renamed onto it. A link is followed, and the
/// rights of the file that was there are kept. Without keep() nothing is left. Errors name the place.
class OutputFile {
 public:
  static Result<OutputFile> create(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  int fd() const { return fd_; }  // owned by this object
  Status write(std::string_view bytes);
  Status keep();

 private:
  OutputFile(std::string named, std::string target, std::string temporary, int fd);
  std::string named_, target_, temporary_;
  int fd_;
};

}  // namespace tapemill
