#include <sys/stat.h>

#include <atomic>

#include "core/workers.h"
#include "support/s3_server.h"

namespace tapemill {
namespace {

using test::Folder;
using test::must;
using test::S3Server;

class Store : public ::testing::Test {
 protected:
  void SetUp() override {
    TAPEMILL_NEEDS_S3();
    s3 = std::make_unique<S3>(S3Server::shared()->settings());
    place = {"lake", std::string("core/") + ::testing::UnitTest::GetInstance()->current_test_info()->name()};
  }
  S3Place at(const std::string& key) const { return {place.bucket, place.key + "/" + key}; }
  std::unique_ptr<S3> s3;
  S3Place place;
};

TEST(S3Places, AreParsed) {
  const S3Place place = must(S3Place::parse("s3://bucket/a/b c/"));
  EXPECT_EQ(place.bucket, "bucket");
  EXPECT_EQ(place.key, "a/b c");
  EXPECT_EQ(must(S3Place::parse("s3://bucket")).key, "");
  EXPECT_FALSE(S3Place::parse("s3:///key").ok());
}

TEST(S3Places, EncodeAndDecode) {
  EXPECT_EQ(percent_encode("year=2024/a b+ä~", true), "year%3D2024/a%20b%2B%C3%A4~");
  EXPECT_EQ(percent_decode("year%3D2024/a%20b%2B%C3%A4~%4"), "year=2024/a b+ä~%4");
}

TEST_F(Store, PutGetRangeHeadListRemove) {
  // Names as a lake has them, and worse: the signature covers each byte of the address.
  const std::string key = "year=2024/month=02/a b+c%41&'(ä).parquet", bytes = "0123456789";
  EXPECT_EQ(must(s3->get(at(key))), std::nullopt);
  EXPECT_EQ(must(s3->head(at(key))), std::nullopt);
  must(s3->put(at(key), {bytes}));
  EXPECT_EQ(must(s3->get(at(key))), bytes);
  EXPECT_EQ(must(s3->get_range(at(key), 3, 4)), "3456");
  EXPECT_EQ(must(s3->get_range(at(key), 8, 40)), "89");
  EXPECT_EQ(must(s3->get_range(at(key), 40, 4)), "");
  EXPECT_EQ(must(s3->head(at(key)))->size, 10);
  must(s3->put(at("year=2024/x"), {"x"}));
  auto all = must(s3->list({place.bucket, place.key + "/"}, false));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].key, at(key).key);
  EXPECT_EQ(all[0].size, 10);
  EXPECT_GT(all[0].modified_us, 1'700'000'000'000'000);
  auto top = must(s3->list({place.bucket, place.key + "/"}, true));
  ASSERT_EQ(top.size(), 1u);
  EXPECT_TRUE(top[0].folder);
  EXPECT_EQ(top[0].key, place.key + "/year=2024");
  must(s3->remove(at(key)));
  must(s3->remove(at(key)));
  EXPECT_EQ(must(s3->get(at(key))), std::nullopt);
}

TEST_F(Store, ListsPastOnePage) {
  must(Workers(8).each(1100, [&](std::size_t i) { return s3->put(at(fmt::format("{:05}", i)), {"x"}); }));
  auto all = must(s3->list({place.bucket, place.key + "/"}, false));
  ASSERT_EQ(all.size(), 1100u);
  EXPECT_EQ(all[1099].key, at("01099").key);
}

TEST_F(Store, OneOfManyPutsItFirst) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> winners = 0;
    std::string won;
    must(Workers(8).each(8, [&](std::size_t i) -> Status {
      const std::string bytes = fmt::format("writer {}", i);
      ARROW_ASSIGN_OR_RAISE(bool first, s3->put_if_absent(at(std::to_string(round)), {bytes}));
      if (first) ++winners, won = bytes;
      return Status::OK();
    }));
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(must(s3->get(at(std::to_string(round)))), won);
  }
}

TEST_F(Store, DownloadsAndGoesOnWhereItStopped) {
  std::string bytes(300'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7919 >> 8);
  must(s3->put(at("file"), {bytes}));
  Folder folder;
  const std::string path = folder.write("part", bytes.substr(0, 100'000));
  const std::string tag = must(s3->head(at("file")))->etag;
  auto fill = [&](std::int64_t offset, const std::string& etag) {
    const int fd = ::open(path.c_str(), O_RDWR);
    auto object = must(s3->download(at("file"), fd, offset, etag));
    ::close(fd);
    return object;
  };
  EXPECT_EQ(fill(100'000, tag)->etag, tag);
  EXPECT_EQ(test::slurp(path), bytes);
  must(s3->put(at("file"), {"another object"}));  // what is here is none of its beginning
  EXPECT_EQ(fill(100'000, tag)->size, 14);
  EXPECT_EQ(test::slurp(path), "another object");
}

TEST_F(Store, AFileIsUploadedWhole) {
  Folder folder;
  const std::string bytes(3'000'001, 'z'), path = folder.write("file", bytes);
  const int fd = ::open(path.c_str(), O_RDONLY);
  EXPECT_TRUE(must(s3->put_if_absent(at("file"), {{}, fd, static_cast<std::int64_t>(bytes.size())})));
  EXPECT_FALSE(must(s3->put_if_absent(at("file"), {{}, fd, static_cast<std::int64_t>(bytes.size())})));
  ::close(fd);
  EXPECT_EQ(must(s3->get(at("file"))), bytes);
}

TEST_F(Store, ABadSecretIsRefusedAndNotSaid) {
  S3Settings settings = S3Server::shared()->settings();
  settings.secret = "wrong-and-private";
  const Status status = S3(settings).get(at("file")).status();
  EXPECT_EQ(exit_code(status), 3);
  EXPECT_NE(status.message().find("403"), std::string::npos) << status.message();
  EXPECT_EQ(render(status, false).find(settings.secret), std::string::npos);
  EXPECT_EQ(render(status, false).find(settings.key), std::string::npos);
}

TEST_F(Store, ABucketThatIsNotThereIsToldFromAMissingObject) {
  EXPECT_FALSE(s3->get({"no-such-bucket", "x"}).ok());
  EXPECT_FALSE(s3->list({"no-such-bucket", "x"}, false).ok());
}

TEST(S3Failure, NobodyAnswers) {
  S3Settings settings;
  settings.endpoint = fmt::format("http://127.0.0.1:{}", test::free_port());
  settings.key = "k", settings.secret = "s";
  settings.retry = {1, 0.001, 0.01};
  const Status status = S3(settings).get({"lake", "x"}).status();
  EXPECT_EQ(exit_code(status), 3);
  EXPECT_NE(status.message().find("does not answer"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace tapemill
