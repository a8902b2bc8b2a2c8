#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "core/json.h"
#include "core/paths.h"
#include "serve/http.h"

namespace fs = std::filesystem;
namespace tapemill::serve {
namespace {

class Served : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("tapemill_serve_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    ASSERT_TRUE(write_file_atomically((folder_ / "runs" / "abc123" / "RUN.json").string(),
                                      R"({"run_id":"abc123","strategy":"x"})")
                    .ok());
    ASSERT_TRUE(write_file_atomically((folder_ / "secret").string(), "outside").ok());
  }
  void TearDown() override { fs::remove_all(folder_); }
  Service service(std::string token = {}) {
    return Service(*lake::Lake::open(folder_.string(), true), std::move(token));
  }
  fs::path folder_;
};

TEST_F(Served, AnswersHealthTablesAndRuns) {
  Service one = service();
  EXPECT_EQ(Json::parse(one.answer({"GET", "/health"}).body)["status"], "ok");
  EXPECT_TRUE(Json::parse(one.answer({"GET", "/api/tables"}).body)["tables"].empty());
  EXPECT_EQ(Json::parse(one.answer({"GET", "/api/runs"}).body)["runs"][0]["run_id"], "abc123");
  EXPECT_EQ(Json::parse(one.answer({"GET", "/api/runs/abc123"}).body)["run"]["strategy"], "x");
}
TEST_F(Served, UnknownAndHostilePathsAre404AndMethods405) {
  Service one = service();
  for (const char* path : {"/nothing", "/api/runs/../../secret", "/api/runs/..", "/api/runs/", "/api/tables/nope",
                           "/api/tables/../x", "/report", "/report/nope", "/report/../../secret", "//", ""})
    EXPECT_EQ(one.answer({"GET", path}).status, 404) << path;
  EXPECT_EQ(one.answer({"POST", "/api/tables"}).status, 405);
}
TEST_F(Served, ATokenGuardsEverythingButHealth) {
  Service one = service("s3cret");
  EXPECT_EQ(one.answer({"GET", "/health"}).status, 200);
  EXPECT_EQ(one.answer({"GET", "/api/tables"}).status, 401);
  EXPECT_EQ(one.answer({"GET", "/api/tables", {{"authorization", "Bearer s3cre"}}}).status, 401);
  EXPECT_EQ(one.answer({"GET", "/api/tables", {{"authorization", "Bearer s3cret"}}}).status, 200);
  EXPECT_EQ(one.answer({"GET", "/api/tables", {{"authorization", "Bearer x"}}}).body.find("s3cret"), std::string::npos);
}
TEST_F(Served, AWiderHostNeedsAToken) {
  Service one = service();
  Status status = serve(one, {"0.0.0.0", 0, ""}, false, {}, [](int) { FAIL() << "it listens"; });
  EXPECT_EQ(exit_code(status), 2);
  EXPECT_NE(status.message().find("needs a token"), std::string::npos);
}
TEST_F(Served, ASecretOthersMayReadIsRefused) {
  std::string file = (folder_ / "token").string();
  ASSERT_TRUE(write_file_atomically(file, "  a-secret-of-length \n").ok());
  ::chmod(file.c_str(), 0644);
  EXPECT_EQ(exit_code(read_token({"127.0.0.1", 0, file}).status()), 3);
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(*read_token({"127.0.0.1", 0, file}), "a-secret-of-length");
  for (const char* short_one : {"s3cret\n", "               x", " \n", ""}) {
    ASSERT_TRUE(write_file_atomically(file, short_one).ok());
    ::chmod(file.c_str(), 0600);
    EXPECT_EQ(exit_code(read_token({"127.0.0.1", 0, file}).status()), 2) << short_one;
  }
  ::setenv("TAPEMILL_TOKEN", "  short  ", 1);
  EXPECT_EQ(exit_code(read_token({}).status()), 2);
  ::setenv("TAPEMILL_TOKEN", " a-secret-of-length\n", 1);
  EXPECT_EQ(*read_token({}), "a-secret-of-length");
  ::unsetenv("TAPEMILL_TOKEN");
  EXPECT_EQ(*read_token({}), "");
}

std::string talk(int port, const std::string& bytes) {
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
    (void)!::write(fd, bytes.data(), bytes.size());
    char block[4096];
    for (ssize_t n; (n = ::read(fd, block, sizeof block)) > 0;) answer.append(block, static_cast<std::size_t>(n));
  }
  ::close(fd);
  return answer;
}

int connect_to(int port, const std::string& bytes) {
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  (void)!::write(fd, bytes.data(), bytes.size());
  return fd;
}

/// A server on a free port, for as long as it is there.
class Server {
 public:
  Server(const Service& service, bool has_token) {
    std::promise<int> port;
    thread_ = std::thread([this, &service, has_token, &port] {
      EXPECT_TRUE(
          serve(service, {"127.0.0.1", 0, ""}, has_token, stop_.get_token(), [&](int p) { port.set_value(p); }).ok());
    });
    port_ = port.get_future().get();
  }
  ~Server() {
    stop_.request_stop();
    thread_.join();
  }
  int port() const { return port_; }
  std::string get(const std::string& path, const std::string& headers = "Host: localhost\r\n",
                  const std::string& method = "GET") const {
    return talk(port_, method + " " + path + " HTTP/1.1\r\n" + headers + "Connection: close\r\n\r\n");
  }

 private:
  std::stop_source stop_;
  std::thread thread_;
  int port_ = 0;
};
std::string length_of(const std::string& answer) {
  auto at = answer.find("Content-Length: ");
  return at == std::string::npos ? "none" : answer.substr(at, answer.find('\r', at) - at);
}

TEST_F(Served, SpeaksHttpOverASocketAndStops) {
  Service one = service();
  Server server(one, false);
  EXPECT_TRUE(server.get("/health").starts_with("HTTP/1.1 200 OK"));
  EXPECT_TRUE(server.get("/api/runs/%2e%2e%2f%2e%2e%2fsecret").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(talk(server.port(), "garbage\r\n\r\n").starts_with("HTTP/1.1 400"));
}
TEST_F(Served, WithoutATokenOnlyThisMachinesNamesAreServed) {
  Service one = service(), guarded = service("a-secret-of-length");
  Server open(one, false), closed(guarded, true);
  const std::string port = ":" + std::to_string(open.port());
  for (const std::string& host : {std::string("localhost"), "127.0.0.1" + port, "LocalHost" + port, "[::1]" + port,
                                  std::string("[::1]"), std::string("127.0.0.1")})
    EXPECT_TRUE(open.get("/api/tables", "Host: " + host + "\r\n").starts_with("HTTP/1.1 200")) << host;
  for (const std::string& host :
       {std::string("evil.example"), "evil.example" + port, std::string("localhost.evil.example"),
        std::string("127.0.0.1.evil.example"), std::string("localhost:80.evil"), std::string("")})
    for (const char* path : {"/api/tables", "/health", "/report"})
      EXPECT_TRUE(open.get(path, "Host: " + host + "\r\n").starts_with("HTTP/1.1 403")) << host << path;
  EXPECT_TRUE(open.get("/", "").starts_with("HTTP/1.1 403"));
  EXPECT_TRUE(closed.get("/api/tables", "Host: lake.example\r\nAuthorization: Bearer a-secret-of-length\r\n")
                  .starts_with("HTTP/1.1 200"));
}
TEST_F(Served, WhatIsTooLargeIsSaid) {
  Service one = service();
  Server server(one, false);
  const std::string host = "Host: localhost\r\n", many(100'000, 'a');
  EXPECT_TRUE(talk(server.port(), "GET / HTTP/1.1\r\n" + host + "X: " + many + "\r\n\r\n").starts_with("HTTP/1.1 431"));
  EXPECT_TRUE(server.get("/" + many).starts_with("HTTP/1.1 414"));
  EXPECT_TRUE(talk(server.port(), "POST / HTTP/1.1\r\n" + host + "Content-Length: 100000\r\n\r\n" + many)
                  .starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(server.get("/", host + "Content-Length: 0\r\n", "POST").starts_with("HTTP/1.1 405"));
}
TEST_F(Served, HeadHasTheLengthOfGetAndNoBody) {
  Service one = service();
  Server server(one, false);
  for (const char* path : {"/", "/health", "/api/runs", "/nothing"}) {
    const std::string get = server.get(path), head = server.get(path, "Host: localhost\r\n", "HEAD");
    EXPECT_EQ(length_of(head), length_of(get)) << path;
    EXPECT_TRUE(head.ends_with("\r\n\r\n")) << path;
    EXPECT_EQ(head.substr(0, 12), get.substr(0, 12)) << path;
  }
}
TEST_F(Served, WhenEverySlotIsTakenHealthIsToldAndTheRestPutOff) {
  Service one = service();
  Server server(one, false);
  std::vector<int> held;
  for (int i = 0; i < 64; ++i) held.push_back(connect_to(server.port(), "GET / HTTP/1.1\r\nHost: loc"));  // and no more
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const std::string put_off = server.get("/api/tables");
  EXPECT_TRUE(put_off.starts_with("HTTP/1.1 503")) << put_off;
  EXPECT_NE(put_off.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_TRUE(server.get("/health").starts_with("HTTP/1.1 200"));
  for (int i = 0; i < 16; ++i) held.push_back(connect_to(server.port(), "GET"));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_TRUE(server.get("/api/tables").starts_with("HTTP/1.1 503")) << "even then it is an answer";
  char block[4096];
  const ssize_t n = ::read(held.front(), block, sizeof block);  // half a request has its 10 s
  EXPECT_TRUE(std::string(block, n > 0 ? static_cast<std::size_t>(n) : 0).starts_with("HTTP/1.1 408"));
  for (int fd : held) ::close(fd);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_TRUE(server.get("/api/tables").starts_with("HTTP/1.1 200"));
}

}  // namespace
}  // namespace tapemill::serve
