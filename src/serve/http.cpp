#include "serve/http.h"

#include <sys/stat.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "core/http.h"
#include "core/json.h"
#include "core/paths.h"

namespace tapemill::serve {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;

constexpr int kMostConnections = 64, kMostBeside = 16;
constexpr std::uint32_t kMostHead = 16 << 10;

/// What every connection is answered by.
struct Door {
  const Service& service;
  std::string host;  // as given to listen on
  bool has_token;
  std::stop_token stop;
};

/// Without a token a page of the web must not reach us under a name of its own that points to this machine (DNS rebinding):
/// only the names of this machine's loopback and the address that was asked for. Any port: it may be forwarded.
bool known_host(const Door& door, std::string host) {
  for (char& c : host) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto bracket = host.find(']');
  const auto colon = host.find(':', bracket == std::string::npos ? 0 : bracket);
  if (colon != std::string::npos) {
    if (host.find_first_not_of("0123456789", colon + 1) != std::string::npos) return false;
    host.resize(colon);
  }
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host == door.host ||
         host == "[" + door.host + "]";
}

Response refusal(int status, const std::string& what, const std::string& hint) {
  return {status, "application/json", Json{{"error", what}, {"hint", hint}}.dump(2) + "\n"};
}
Response busy() { return refusal(503, "all connections are in use", "try again in a second"); }

/// What a request that could not be read is answered; status 0: nothing. `begun`: some of it came; `line`: its first line.
Response refusal_of(beast::error_code failed, bool begun, bool line) {
  if (failed == http::error::header_limit || failed == http::error::buffer_overflow) {
    if (!line) return refusal(414, "the URL is too long", "a request has 16 KB of head");
    return refusal(431, "the headers are too large", "a request has 16 KB of head");
  }
  if (failed == http::error::body_limit) return refusal(413, "the body is too large", "only GET and HEAD are served");
  if (failed == beast::error::timeout && begun)
    return refusal(408, "the request did not come whole in time", "a request has 10 s");
  if (failed.category() == http::make_error_code(http::error::bad_method).category() &&
      failed != http::error::end_of_stream && failed != http::error::partial_message)
    return refusal(400, "not a request of HTTP/1.1", "");
  return {0, "", ""};
}

class Connection {
 public:
  Connection(tcp::socket socket, const Door& door, std::chrono::seconds limit)
      : door_(door), limit_(limit), socket_(io_), timer_(io_), buffer_(64 << 10) {
    auto protocol = socket.local_endpoint(failed_).protocol();
    if (!failed_) socket_.assign(protocol, socket.release(failed_), failed_);
  }
  /// Until it is closed, silent for too long, or the server stops.
  void converse() {
    while (!failed_ && !door_.stop.stop_requested() && exchange(false)) {}
    end();
  }
  /// One request, for which there is no room: health is told, anything else put off.
  void put_off() {
    if (!failed_) exchange(true);
    end();
  }

 private:
  /// Each step is run to its end or its time limit; then nothing more is read, but an answer can be sent.
  bool await(auto&& start) {
    bool expired = false;
    timer_.expires_after(limit_);
    timer_.async_wait([&](beast::error_code cancelled) {
      if (cancelled) return;
      expired = true;
      beast::error_code ignored;
      socket_.shutdown(tcp::socket::shutdown_receive, ignored);
      socket_.cancel(ignored);
    });
    start([&](beast::error_code code, std::size_t) {
      failed_ = code;
      timer_.cancel();
    });
    io_.restart();
    io_.run();
    if (expired) failed_ = beast::error::timeout;
    return !failed_;
  }

  /// A request and its answer; false when the connection is to be closed.
  bool exchange(bool full) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kMostHead);
    parser.body_limit(1 << 10);
    if (!await([&](auto done) { http::async_read(socket_, buffer_, parser, done); })) {
      Response told = refusal_of(failed_, parser.got_some() || buffer_.size() > 0, !parser.get().target().empty());
      if (told.status != 0) write(told, 11, false, parser.get().method() == http::verb::head);
      return false;
    }
    const auto& given = parser.get();
    Request request;
    request.method = std::string(given.method_string());
    std::string target(given.target());
    request.path = percent_decode(std::string_view(target).substr(0, target.find('?')));
    for (const auto& header : given) {
      std::string name(header.name_string());
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request.headers[name] = std::string(header.value());
    }
    Response answer;
    if (!door_.has_token && !known_host(door_, request.headers["host"]))
      answer = refusal(403, "this server is not known by that name",
                       fmt::format("ask for http://{}/, or serve with a token", door_.host));
    else answer = full && request.path != "/health" ? busy() : door_.service.answer(request);
    const bool keep = given.keep_alive() && !full;
    return write(answer, given.version(), keep, request.method == "HEAD") && keep;
  }

  bool write(const Response& answer, unsigned version, bool keep, bool head) {
    auto send = [&](auto response) {
      response.result(static_cast<unsigned>(answer.status));
      response.version(version);
      response.set(http::field::server, "tapemill");
      response.set(http::field::content_type, answer.type);
      response.set(http::field::cache_control, "no-store");
      response.set("X-Content-Type-Options", "nosniff");
      if (answer.status == 503) response.set(http::field::retry_after, "1");
      if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
      response.keep_alive(keep);
      response.content_length(answer.body.size());
      return await([&](auto done) { http::async_write(socket_, response, done); });
    };
    if (head) return send(http::response<http::empty_body>());  // the length of what GET would send, and no body
    http::response<http::string_body> whole;
    whole.body() = answer.body;
    return send(std::move(whole));
  }

  /// What is still on its way is read for a moment, or the peer's kernel drops our answer with its connection.
  void end() {
    beast::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    limit_ = std::chrono::seconds(1);
    char rest[4096];
    for (int i = 0; i < 256 && !door_.stop.stop_requested(); ++i)
      if (!await([&](auto done) { socket_.async_read_some(net::buffer(rest), done); })) break;
  }

  const Door& door_;
  std::chrono::seconds limit_;
  net::io_context io_;
  tcp::socket socket_;
  net::steady_timer timer_;
  beast::flat_buffer buffer_;
  beast::error_code failed_;
};

/// Connections in threads of their own: some that converse, and a few beside them that say that there is no room.
class Threads {
 public:
  explicit Threads(const Door& door) : door_(door) {}
  ~Threads() {
    while (open_ > 0 || beside_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // at most 10 s
  }
  void take(tcp::socket socket) {
    const bool full = open_ >= kMostConnections;
    std::atomic<int>& count = full ? beside_ : open_;
    auto held = std::make_shared<tcp::socket>(std::move(socket));
    if (full && beside_ >= kMostBeside) return turn_away(*held);
    ++count;
    try {
      std::thread([this, full, &count, held] {
        if (full) Connection(std::move(*held), door_, std::chrono::seconds(2)).put_off();
        else Connection(std::move(*held), door_, std::chrono::seconds(10)).converse();
        --count;
      }).detach();
    } catch (const std::system_error&) {  // no thread is to be had
      --count;
      turn_away(*held);
    }
  }

 private:
  /// Unread and at once: the accepting thread waits for nobody.
  static void turn_away(tcp::socket& socket) {
    const Response told = busy();
    const std::string text = fmt::format(
        "HTTP/1.1 503 Service Unavailable\r\nServer: tapemill\r\nContent-Type: {}\r\nRetry-After: 1\r\n"
        "Connection: close\r\nContent-Length: {}\r\n\r\n{}",
        told.type, told.body.size(), told.body);
    beast::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(net::buffer(text), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    char rest[16 << 10];
    socket.read_some(net::buffer(rest), ignored);
  }
  const Door& door_;
  std::atomic<int> open_{0}, beside_{0};
};

}  // namespace

Result<std::string> read_token(const ServeOptions& options) {
  std::string token;
  if (!options.token_file.empty()) {
    struct stat info{};
    if (::stat(options.token_file.c_str(), &info) != 0) return errno_error(options.token_file, errno);
    if ((info.st_mode & 077) != 0)
      return environment_error(options.token_file + ": others may read this secret", "chmod 600 " + options.token_file);
    ARROW_ASSIGN_OR_RAISE(token, read_file(options.token_file));
  } else if (const char* given = std::getenv("TAPEMILL_TOKEN"); given != nullptr && *given != '\0') {
    token = given;
  } else {
    return token;
  }
  const char* blanks = " \t\r\n\f\v";
  token.erase(0, std::min(token.find_first_not_of(blanks), token.size()));
  token.erase(token.find_last_not_of(blanks) + 1);
  if (token.size() < kLeastToken)
    return usage_error(
        fmt::format("{}: a token has {} characters at least, this has {}",
                    options.token_file.empty() ? "$TAPEMILL_TOKEN" : options.token_file, kLeastToken, token.size()),
        "head -c 24 /dev/urandom | base64 makes one");
  return token;
}

Status serve(const Service& service, const ServeOptions& options, bool has_token, const std::stop_token& stop,
             const std::function<void(int)>& ready) {
  beast::error_code failed;
  auto address = net::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, failed);
  if (failed)
    return usage_error(fmt::format("\"{}\" is no address to listen on", options.host),
                       "give an IP address, such as 127.0.0.1");
  if (!address.is_loopback() && !has_token)
    return usage_error(fmt::format("listening on {} needs a token", options.host),
                       "set $TAPEMILL_TOKEN or --token-file, or listen on 127.0.0.1");
  net::io_context io;
  tcp::acceptor acceptor(io);
  tcp::endpoint endpoint(address, static_cast<unsigned short>(options.port));
  acceptor.open(endpoint.protocol(), failed);
  if (!failed) acceptor.set_option(net::socket_base::reuse_address(true), failed);
  if (!failed) acceptor.bind(endpoint, failed);
  if (!failed) acceptor.listen(net::socket_base::max_listen_connections, failed);
  if (failed)
    return environment_error(fmt::format("{}:{}: {}", options.host, options.port, failed.message()),
                             "another program may listen there: give another --port");
  ready(acceptor.local_endpoint().port());

  const Door door{service, options.host, has_token, stop};
  Threads threads(door);
  std::function<void()> accept = [&] {
    acceptor.async_accept([&](beast::error_code code, tcp::socket socket) {
      if (code == net::error::operation_aborted) return;
      if (!code) threads.take(std::move(socket));
      accept();
    });
  };
  accept();
  std::stop_callback end(stop, [&] { net::post(io, [&] { acceptor.close(failed); }); });
  io.run();
  return Status::OK();
}

}  // namespace tapemill::serve
