// Starts with every library of design.md 7 in one process and makes the ones that could bind to each other's OpenSSL or
// simdjson work: libparquet's encryption, Debian's OpenSSL, curl, librdkafka, libpq and simdjson, and DuckDB by dlopen.
#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <curl/curl.h>
#include <date/tz.h>
#include <dlfcn.h>
#include <duckdb.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <isa-l.h>
#include <librdkafka/rdkafka.h>
#include <lmdb.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/encryption/encryption.h>
#include <simdjson.h>
#include <sqlite3.h>
#include <yaml-cpp/yaml.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pqxx/pqxx>

namespace {

void demand(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "link_everything: %s\n", what);
  std::exit(1);
}

/// A row group sealed and opened with AES: libparquet's own OpenSSL at work.
arrow::Status parquet_encryption() {
  const char* key = "0123456789012345";
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues({1, 2, 3}));
  ARROW_ASSIGN_OR_RAISE(auto values, builder.Finish());
  auto table = arrow::Table::Make(arrow::schema({arrow::field("x", arrow::int64())}), {values});
  ARROW_ASSIGN_OR_RAISE(auto sink, arrow::io::BufferOutputStream::Create());
  auto sealed = parquet::FileEncryptionProperties::Builder(arrow::util::SecureString(std::string(key))).build();
  auto properties = parquet::WriterProperties::Builder().encryption(sealed)->build();
  ARROW_RETURN_NOT_OK(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), sink, 1024, properties));
  ARROW_ASSIGN_OR_RAISE(auto bytes, sink->Finish());

  auto opened =
      parquet::FileDecryptionProperties::Builder().footer_key(arrow::util::SecureString(std::string(key)))->build();
  parquet::ReaderProperties reader_properties;
  reader_properties.file_decryption_properties(opened);
  parquet::arrow::FileReaderBuilder reader;
  ARROW_RETURN_NOT_OK(reader.Open(std::make_shared<arrow::io::BufferReader>(bytes), reader_properties));
  ARROW_ASSIGN_OR_RAISE(auto file, reader.Build());
  ARROW_ASSIGN_OR_RAISE(auto again, file->ReadTable());
  return again->Equals(*table) ? arrow::Status::OK() : arrow::Status::Invalid("what was sealed is not what was opened");
}

/// The symbol was bound to Debian's library, not to a copy that another library leaks.
void demand_home(void* symbol, const char* library) {
  Dl_info info;
  demand(dladdr(symbol, &info) != 0 && std::strstr(info.dli_fname, library) != nullptr, library);
}

void openssl() {
  demand_home(reinterpret_cast<void*>(&EVP_Digest), "libcrypto.so");
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  demand(EVP_Digest("abc", 3, digest, &size, EVP_sha256(), nullptr) == 1 && digest[0] == 0xba, "OpenSSL's sha-256");
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  demand(context != nullptr && SSL_CTX_set_default_verify_paths(context) == 1, "OpenSSL's TLS");
  SSL_CTX_free(context);
}

void kafka() {
  char message[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(conf, nullptr);
  demand(rd_kafka_conf_set(conf, "security.protocol", "SSL", message, sizeof message) == RD_KAFKA_CONF_OK, message);
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, message, sizeof message);
  demand(producer != nullptr, message);
  rd_kafka_destroy(producer);
}

void curl() {
  curl_global_init(CURL_GLOBAL_ALL);
  CURL* handle = curl_easy_init();
  demand(handle != nullptr && curl_version_info(CURLVERSION_NOW)->ssl_version != nullptr, "curl with TLS");
  curl_easy_setopt(handle, CURLOPT_URL, "https://127.0.0.1:1/");  // nobody listens: TLS is set up, then refused
  demand(curl_easy_perform(handle) == CURLE_COULDNT_CONNECT, "curl's refused connection");
  curl_easy_cleanup(handle);
}

void json() {
  demand_home(reinterpret_cast<void*>(&simdjson::get_available_implementations), "libsimdjson.so");
  simdjson::ondemand::parser parser;
  simdjson::padded_string text(std::string_view(R"({"price": 12.5})"));
  simdjson::ondemand::document document;
  double price = 0;
  demand(!parser.iterate(text).get(document) && !document["price"].get(price) && price == 12.5, "simdjson");
}

void duckdb() {
  void* library = dlopen("libduckdb.so", RTLD_NOW | RTLD_LOCAL);
  demand(library != nullptr, "libduckdb.so is not on the run path");
  auto version = reinterpret_cast<decltype(&duckdb_library_version)>(dlsym(library, "duckdb_library_version"));
  demand(version != nullptr && std::strcmp(version(), DUCKDB_OF_THE_LOCK) == 0, "DuckDB is not of the locked version");
  auto open = reinterpret_cast<decltype(&duckdb_open)>(dlsym(library, "duckdb_open"));
  auto close = reinterpret_cast<decltype(&duckdb_close)>(dlsym(library, "duckdb_close"));
  duckdb_database database = nullptr;
  demand(open(nullptr, &database) == DuckDBSuccess, "DuckDB opens");
  close(&database);
}

void others() {
  try {
    pqxx::connection connection("host=127.0.0.1 port=1 connect_timeout=1");
    demand(false, "PostgreSQL on port 1");
  } catch (const pqxx::broken_connection&) { std::puts("PostgreSQL refuses, as it should"); }
  timeval timeout{0, 1};
  redisContext* redis = redisConnectWithTimeout("127.0.0.1", 1, timeout);
  demand(redis != nullptr && redis->err != 0, "Redis on port 1");
  redisFree(redis);
  demand(sqlite3_initialize() == SQLITE_OK, "SQLite");
  demand(std::strcmp(mdb_strerror(MDB_NOTFOUND), "") != 0, "LMDB");
  demand(crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>("123456789"), 9) == 0xcbf43926, "ISA-L");
  demand(YAML::Load("{a: 1}")["a"].as<int>() == 1, "yaml-cpp");
  demand(date::locate_zone("America/New_York") != nullptr, "date");
}

}  // namespace

int main() {
  duckdb();
  json();
  openssl();
  auto status = parquet_encryption();
  demand(status.ok(), status.ToString().c_str());
  kafka();
  curl();
  others();
  openssl();
  fmt::print("every library starts, and works beside the others\n");
  return 0;
}
