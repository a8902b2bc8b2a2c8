#include "serve/http.h"

#include <sys/stat.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <thread>

#include "core/paths.h"

namespace tapemill::serve {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;

constexpr int kMostConnections = 64;

/// %41 -> A; anything broken stays as it is and finds no route.
std::string decoded(std::string_view text) {
  std::string out;
  auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// One connection, until it is closed, silent for 10 s, or the server stops.
void converse(tcp::socket socket, const Service& service, std::stop_token stop) {
  net::io_context io;
  beast::tcp_stream stream(io);
  beast::error_code failed;
  auto protocol = socket.local_endpoint(failed).protocol();
  if (!failed) stream.socket().assign(protocol, socket.release(failed), failed);
  if (failed) return;
  beast::flat_buffer buffer(64 << 10);
  // Each step is run to its end or its time limit: tcp_stream's limits hold for asynchronous calls alone.
  auto await = [&](auto&& start) {
    failed = net::error::would_block;
    stream.expires_after(std::chrono::seconds(10));
    start([&](beast::error_code code, std::size_t) { failed = code; });
    io.restart();
    io.run();
    return !failed;
  };
  while (!stop.stop_requested()) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(16 << 10);
    parser.body_limit(1 << 10);
    if (!await([&](auto done) { http::async_read(stream, buffer, parser, done); })) break;
    Request request;
    request.method = std::string(parser.get().method_string());
    std::string target(parser.get().target());
    request.path = decoded(std::string_view(target).substr(0, target.find('?')));
    for (const auto& header : parser.get()) {
      std::string name(header.name_string());
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request.headers[name] = std::string(header.value());
    }
    Response answer = service.answer(request);
    http::response<http::string_body> response(static_cast<http::status>(answer.status), parser.get().version());
    response.set(http::field::server, "tapemill");
    response.set(http::field::content_type, answer.type);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    response.body() = std::move(answer.body);
    response.keep_alive(parser.get().keep_alive());
    response.prepare_payload();
    if (!await([&](auto done) { http::async_write(stream, response, done); }) || !response.keep_alive()) break;
  }
  stream.socket().shutdown(tcp::socket::shutdown_send, failed);
}

}  // namespace

Result<std::string> read_token(const ServeOptions& options) {
  std::string token;
  if (!options.token_file.empty()) {
    struct stat info{};
    if (::stat(options.token_file.c_str(), &info) != 0) return errno_error(options.token_file, errno);
    if ((info.st_mode & 077) != 0)
      return environment_error(options.token_file + ": others may read this secret", "chmod 600 " + options.token_file);
    ARROW_ASSIGN_OR_RAISE(token, read_file(options.token_file));
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
    if (token.empty()) return usage_error(options.token_file + ": is empty");
  } else if (const char* given = std::getenv("TAPEMILL_TOKEN")) {
    token = given;
  }
  return token;
}

Status serve(const Service& service, const ServeOptions& options, bool has_token, std::stop_token stop,
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

  std::atomic<int> open{0};
  std::function<void()> accept = [&] {
    acceptor.async_accept([&](beast::error_code code, tcp::socket socket) {
      if (code == net::error::operation_aborted) return;
      if (!code && open < kMostConnections) {
        ++open;
        std::thread([&service, &open, stop, held = std::move(socket)]() mutable {
          converse(std::move(held), service, stop);
          --open;
        }).detach();
      }
      accept();
    });
  };
  accept();
  std::stop_callback end(stop, [&] { net::post(io, [&] { acceptor.close(failed); }); });
  io.run();
  while (open > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // at most the 10 s a request has
  return Status::OK();
}

}  // namespace tapemill::serve
