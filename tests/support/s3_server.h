// A real object store for tests: versitygw, or SeaweedFS where Go was not to be had (deps.lock, [s3 test]).
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <thread>

#include "core/build_info.h"
#include "core/s3.h"
#include "support/children.h"
#include "support/folder.h"

namespace tapemill::test {

/// A free port of 127.0.0.1.
inline int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error("bind");
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

class S3Server {
 public:
  static constexpr const char* kKey = "tapemill-test";
  static constexpr const char* kSecret = "not a secret, only 127.0.0.1";

  /// The server of this process, with an empty bucket "lake"; null where none is installed. It ends with the process.
  static const S3Server* shared() {
    static const std::unique_ptr<S3Server> server = start();
    return server.get();
  }
  const std::string& endpoint() const { return endpoint_; }
  S3Settings settings() const {
    S3Settings out;
    out.endpoint = endpoint_;
    out.key = kKey, out.secret = kSecret;
    out.retry = {5, 0.02, 0.2};
    return out;
  }
  ~S3Server() {
    ::kill(pid_, SIGKILL);
    Children::wait(pid_);
  }

 private:
  S3Server() = default;
  static std::unique_ptr<S3Server> start() {
    const std::string folder = std::string(source_dir()) + "/.deps/s3";
    const bool versity = ::access((folder + "/versitygw").c_str(), X_OK) == 0;
    if (!versity && ::access((folder + "/weed").c_str(), X_OK) != 0) return nullptr;
    auto server = std::unique_ptr<S3Server>(new S3Server);
    const std::string port = std::to_string(free_port()), data = server->folder_ / "data";
    std::filesystem::create_directories(data);
    const pid_t parent = ::getpid();
    server->pid_ = ::fork();
    if (server->pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);
      const int none = ::open("/dev/null", O_RDWR);
      for (int fd : {0, 1, 2}) ::dup2(none, fd);
      ::setenv(versity ? "ROOT_ACCESS_KEY" : "AWS_ACCESS_KEY_ID", kKey, 1);
      ::setenv(versity ? "ROOT_SECRET_KEY" : "AWS_SECRET_ACCESS_KEY", kSecret, 1);
      if (versity)
        ::execl((folder + "/versitygw").c_str(), "versitygw", "--port", ("127.0.0.1:" + port).c_str(), "--quiet",
                "posix", data.c_str(), nullptr);
      else
        ::execl((folder + "/weed").c_str(), "weed", "mini", ("-dir=" + data).c_str(), "-ip=127.0.0.1",
                ("-s3.port=" + port).c_str(), nullptr);
      ::_exit(127);
    }
    server->endpoint_ = "http://127.0.0.1:" + port;
    const S3 s3(server->settings());
    HttpRequest make;
    make.method = "PUT";
    make.headers = {"x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
    for (int attempt = 0; attempt < 300; ++attempt) {
      auto answer = s3.once(make, {"lake", {}});
      if (answer.ok() && (answer->status == 200 || answer->status == 409)) return server;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    throw std::runtime_error("the object store does not start");
  }

  Folder folder_{false};
  std::string endpoint_;
  pid_t pid_ = 0;
};

/// Skips a test, loudly, where there is no object store.
#define TAPEMILL_NEEDS_S3()                            \
  if (::tapemill::test::S3Server::shared() == nullptr) \
  GTEST_SKIP() << "SKIPPED: no object store is installed; scripts/install test brings one"

}  // namespace tapemill::test
