#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tapemill::lake {

// Of paths in a lake, wherever it lies (storage.h).

/// A file that nobody can see until publish(): where the file system can, it has no name at all (O_TMPFILE), so that a
/// crash leaves nothing behind; else a hidden temporary name, which the destructor removes. Of a remote folder it is a file
/// of this machine until then.
class PendingFile {
 public:
  static Result<PendingFile> create(const std::string& folder,
                                    bool nameless = true);  // false: with a temporary name at once
  PendingFile(PendingFile&& other) noexcept;
  PendingFile& operator=(PendingFile&& other) noexcept;
  ~PendingFile();

  int fd() const { return fd_; }  // owned by this object
  Status write(std::string_view bytes);
  /// Lets the disk begin with the bytes, so that publish() waits less. Promises nothing.
  void start_sync() const;
  /// Syncs the bytes, then links them to folder/name. False, and nothing changed, when that name is taken: of any number
  /// of processes exactly one gets true. The folder itself still has to be synced (sync_folder).
  Result<bool> publish(const std::string& name);
  /// The same without syncing, to a whole path of this machine.
  Result<bool> link(const std::string& path) const;

 private:
  PendingFile(int fd, std::string folder, std::string temporary)
      : fd_(fd), folder_(std::move(folder)), temporary_(std::move(temporary)) {}
  void discard();
  int fd_ = -1;
  std::string folder_, temporary_;  // temporary_: path, empty where the file has no name
};

Status sync_folder(const std::string& path);
/// mkdir -p; every folder made is synced into its parent, unless `synced` is false: then the caller does it.
Status make_folders(const std::string& path, bool synced = true);
Result<std::string> read_whole(const std::string& path);
bool file_exists(const std::string& path);
bool folder_exists(const std::string& path);
Result<std::vector<std::string>> list_folder(const std::string& path);  // names, sorted; empty where there is no folder
Status replace_file(const std::string& path, std::string_view bytes);  // whole or not at all
/// A file of this machine with the bytes of one that never changes: a part, a checkpoint, a file of a run.
Result<std::string> local_file(const std::string& path);
Result<bool> equal_files(const std::string& a, int fd_b);  // contents, byte by byte; a: a file of this machine

}  // namespace tapemill::lake
