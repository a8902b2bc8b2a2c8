#include "command.h"
#include "core/json.h"
#include "print.h"
#include "serve/http.h"

namespace tapemill {
template <>
inline constexpr auto fields<serve::ServeOptions> = std::tuple{
    field("host", &serve::ServeOptions::host, "address to listen on; anything wider than loopback needs a token"),
    field("port", &serve::ServeOptions::port, "port (0: any free one)", 0, 65535),
    field("token_file", &serve::ServeOptions::token_file, "file with the token, mode 600 (else $TAPEMILL_TOKEN)")};
}  // namespace tapemill

namespace tapemill::app {
namespace {
Status run(const serve::ServeOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  ARROW_ASSIGN_OR_RAISE(std::string token, serve::read_token(options));
  serve::Service service(lake, token);
  return serve::serve(service, options, !token.empty(), interrupt(), [&](int port) {
    if (context.json)
      print(Json{{"url", fmt::format("http://{}:{}/", options.host, port)}, {"port", port}, {"token", !token.empty()}});
    else
      print(fmt::format("Serving {} at http://{}:{}/ {}· Ctrl-C ends it\n", lake.root(), options.host, port,
                        token.empty() ? "" : "(token needed) "));
    std::fflush(stdout);
  });
}
}  // namespace

Command serve_command() {
  return command<serve::ServeOptions>("serve", "Health, tables, runs and the report over HTTP", {},
                                      "  tapemill serve --port 8080\n  curl http://127.0.0.1:8080/api/tables\n\n"
                                      "Paths, by GET:\n"
                                      "  /                  a page with links\n"
                                      "  /health            status, damaged tables, version\n"
                                      "  /api/tables        every table; /api/tables/NAME one, with its columns\n"
                                      "  /api/runs          backtests; /api/runs/RUN_ID one\n"
                                      "  /report            the demo's page; /report/RUN_ID a backtest's",
                                      run);
}

}  // namespace tapemill::app
