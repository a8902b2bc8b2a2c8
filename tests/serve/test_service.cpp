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
  EXPECT_EQ(one.answer({"HEAD", "/health"}).body, "");
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
  ASSERT_TRUE(write_file_atomically(file, "s3cret\n").ok());
  ::chmod(file.c_str(), 0644);
  EXPECT_EQ(exit_code(read_token({"127.0.0.1", 0, file}).status()), 3);
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(*read_token({"127.0.0.1", 0, file}), "s3cret");
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

TEST_F(Served, SpeaksHttpOverASocketAndStops) {
  Service one = service();
  std::stop_source stop;
  std::promise<int> port;
  std::thread server([&] {
    EXPECT_TRUE(serve(one, {"127.0.0.1", 0, ""}, false, stop.get_token(), [&](int p) { port.set_value(p); }).ok());
  });
  int at = port.get_future().get();
  EXPECT_TRUE(talk(at, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
  EXPECT_TRUE(talk(at, "GET /api/runs/%2e%2e%2f%2e%2e%2fsecret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                  .starts_with("HTTP/1.1 404"));
  EXPECT_EQ(talk(at, "garbage\r\n\r\n"), "");
  EXPECT_EQ(talk(at, "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n"), "");
  stop.request_stop();
  server.join();
}

}  // namespace
}  // namespace tapemill::serve
