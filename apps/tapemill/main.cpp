#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "command.h"
#include "core/build_info.h"
#include "core/held.h"
#include "core/progress.h"
#include "lake/scan_batches.h"
#include "print.h"
#include "user_config.h"

namespace tapemill::app {

Result<lake::Lake> Context::lake(bool create) const {
  if (S3Place::is(lake_path)) {
    static const Status configured = [] {
      auto config = read_user_config();
      return config.ok() ? configure_s3(*config) : config.status();
    }();
    ARROW_RETURN_NOT_OK(configured);
  }
  return lake::Lake::open(lake_path, create);
}

namespace {

struct Bound {
  Command command;
  CLI::App* app = nullptr;
  std::vector<std::pair<CLI::Option*, std::size_t>> options;
};

std::string flag_name(std::string name) {
  for (char& c : name)
    if (c == '_') c = '-';
  return "--" + name;
}

std::string help_text(const Option& option) {
  std::string text = option.info.help;
  std::string extra = !option.choices.empty() ? option.choices : option.info.range;
  // A range that has no end for anybody is one with a beginning: from 0.
  if (const auto dots = extra.find(" .. "); option.choices.empty() && dots != std::string::npos)
    if (const double most = std::strtod(extra.c_str() + dots + 4, nullptr); most >= 1e9)
      extra = extra.starts_with("0") ? "" : "from " + extra.substr(0, dots);
  if (!extra.empty()) text += " [" + extra + "]";
  if (!option.info.standard.empty() && !option.flag) text += " (default: " + option.info.standard + ")";
  return text;
}

void bind(Bound& bound) {
  for (std::size_t i = 0; i < bound.command.options.size(); ++i) {
    const Option& option = bound.command.options[i];
    CLI::Option* made = nullptr;
    if (option.positional) {
      made = bound.app->add_option(option.info.name)->description(help_text(option));
      // A positional takes words while it has fewer than its least number, or may have more: so the least is 1, needed or not.
      if (option.list) made->expected(1, -1)->allow_extra_args();
      else made->expected(1);
      if (option.needed) made->required();
    } else if (option.flag) {
      std::string name = flag_name(option.info.name);
      made = bound.app->add_flag(option.info.standard == "true" ? name + ",!--no" + name.substr(1) : name)
                 ->description(help_text(option));
    } else {
      made = bound.app->add_option(flag_name(option.info.name))->description(help_text(option));
      if (option.list) made->expected(1, 1 << 20)->allow_extra_args(false);
    }
    bound.options.emplace_back(made, i);
  }
}

/// What the commands under one word have in common; their names are added once all are there.
std::string group_summary(const std::string& word) {
  static const std::map<std::string, std::string> summaries{{"quarantine", "Rows that were refused"},
                                                            {"cache", "Kept answers of query --cache"},
                                                            {"export", "Stores for other programs"},
                                                            {"download", "Files from vendors and exchanges"},
                                                            {"schema", "A table's columns against its spec"},
                                                            {"config", "Settings"},
                                                            {"graph", "Event-driven graphs"},
                                                            {"backtest", "Strategies over the lake"},
                                                            {"indicators", "The catalogue"},
                                                            {"features", "Feature groups"},
                                                            {"calendar", "Calendars"}};
  return summaries.at(word);
}

/// "check, run, draw" of a group.
std::string subcommands_of(CLI::App& app) {
  std::string all;
  for (CLI::App* one : app.get_subcommands([](CLI::App*) { return true; }))
    all += (all.empty() ? "" : ", ") + one->get_name();
  return all;
}

/// The subcommand of a name such as "backtest run", its parents made on the way.
CLI::App* place(CLI::App& root, const Command& command) {
  const auto& [name, summary] = std::tie(command.name, command.summary);
  CLI::App* at = &root;
  std::size_t from = 0;
  for (;;) {
    auto blank = name.find(' ', from);
    std::string word = name.substr(from, blank - from);
    CLI::App* next = nullptr;
    for (CLI::App* one : at->get_subcommands([](CLI::App*) { return true; }))
      if (one->get_name() == word) next = one;
    if (next == nullptr) next = at->add_subcommand(word, blank == std::string::npos ? summary : group_summary(word));
    next->group(at == &root ? command.purpose : "Commands");
    at = next;
    if (blank == std::string::npos) return at;
    // A group has the first example of each of its commands.
    const std::string example = command.examples.substr(0, command.examples.find('\n'));
    const std::string before = subcommands_of(*at).empty() ? "Examples:" : at->get_footer();
    at->footer(example.empty() ? before : before + "\n" + example);
    at->require_subcommand(1);
    from = blank + 1;
  }
}

/// A list is written with commas; those inside the brackets and quotes of a call part nothing.
std::vector<std::string> parted(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (const std::string& text : texts) {
    std::string item;
    int open = 0;
    char quote = 0;
    auto end = [&] {
      item.erase(0, std::min(item.find_first_not_of(' '), item.size()));
      if (!item.empty()) items.push_back(item);
      item.clear();
    };
    for (char c : text) {
      if (quote != 0) quote = c == quote ? '\0' : quote;
      else if (c == '"') quote = c;
      else open += (c == '(') - (c == ')');
      if (c == ',' && open <= 0 && quote == 0) end();
      else item += c;
    }
    end();
  }
  return items;
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

/// The words that are no options, nor values of the global ones: the command comes first.
std::vector<std::string> bare_words(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--lake" || word == "--memory" || word == "--threads") ++i;
    else if (!word.starts_with("-")) words.push_back(std::move(word));
  }
  return words;
}

/// The error of words that name no command, nor one of a group's; OK where they begin with one.
Status unknown_command(CLI::App& root, const std::vector<std::string>& words) {
  CLI::App* at = &root;
  std::string path;  // "backtest "
  for (const std::string& word : words) {
    std::vector<std::string> names;
    CLI::App* next = nullptr;
    for (CLI::App* one : at->get_subcommands([](CLI::App*) { return true; })) {
      names.push_back(one->get_name());
      if (one->get_name() == word) next = one;
    }
    if (names.empty()) return Status::OK();
    if (next == nullptr) {
      const std::string near = nearest(word, names);
      return usage_error(fmt::format("unknown command \"{}{}\"", path, word),
                         (near.empty() ? "" : fmt::format("did you mean \"tapemill {}{}\"? ", path, near)) +
                             fmt::format("tapemill {}--help lists the commands", path));
    }
    at = next;
    path += word + " ";
  }
  return Status::OK();
}

/// The command that was asked for.
std::string bound_name(const std::vector<Bound>& bound) {
  for (const Bound& one : bound)
    if (one.app->parsed() && one.app->get_subcommands().empty()) return one.command.name;
  return {};
}

/// Words that no option and no place takes: of an option, the name that is nearest.
Status unexpected(CLI::App& root, int argc, char** argv, const std::string& said, const std::string& hint) {
  std::vector<std::string> known;
  std::string command;
  auto add = [&](CLI::App& app) {
    for (const CLI::Option* one : app.get_options())
      for (const std::string& name : one->get_lnames()) known.push_back("--" + name);
  };
  CLI::App* last = &root;
  for (add(root); !last->get_subcommands().empty(); command += " " + last->get_name()) {
    last = last->get_subcommands().front();
    add(*last);
  }
  for (int i = 1; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (!word.starts_with("--") || word.size() < 3 || said.find(word) == std::string::npos ||
        std::find(known.begin(), known.end(), word) != known.end())
      continue;
    const std::string near = nearest(word, known);
    return usage_error(fmt::format("tapemill{} has no option {}", command, word),
                       (near.empty() ? "" : fmt::format("did you mean {}? ", near)) + hint);
  }
  return usage_error(said, hint);
}

int fail(const Status& status, bool colour) {
  const auto* said = dynamic_cast<const ErrorDetail*>(status.detail().get());
  const std::string message = visible(status.message(), true);  // it may quote a file
  const Status shown = said == nullptr ? Status(status.code(), message)
                                       : error(said->blame, message, said->hint, visible(said->excerpt, true));
  std::fputs(render(shown, colour).c_str(), stderr);
  return exit_code(status);
}

int run(int argc, char** argv) {
  Context context;
  auto config = read_user_config();
  const Status& broken_config = config.status();  // said when a command runs, not when help is asked
  if (config.ok()) {
    context.lake_path = config->lake;
    context.memory = config->memory.bytes;
    context.threads = config->threads;
    context.utc = config->utc;
  }
  for (const std::string& key : keys_set_by_user()) context.origin[key] = "file";
  if (const char* given = environment("TAPEMILL_LAKE"))
    context.lake_path = given, context.origin["lake"] = "$TAPEMILL_LAKE";
  bool stderr_colour = ::isatty(STDERR_FILENO) == 1 && environment("NO_COLOR") == nullptr;
  context.colour = ::isatty(STDOUT_FILENO) == 1 && environment("NO_COLOR") == nullptr;
  for (int i = 0; i < argc; ++i)
    context.command_line += (i > 0 ? " " : "") + std::string(i == 0 ? "tapemill" : argv[i]);
  std::vector<char*> words_of_help;  // "help graph run" is "graph run --help"
  std::string help_flag = "--help";
  if (argc > 1 && std::string_view(argv[1]) == "help") {
    words_of_help.assign(argv, argv + argc);
    words_of_help.erase(words_of_help.begin() + 1);
    words_of_help.push_back(help_flag.data());
    words_of_help.push_back(nullptr);
    argv = words_of_help.data();
  }

  CLI::App root("Tapemill grinds exchange files into a lake of typed, checked tables, and computes on them.\n",
                "tapemill");
  root.set_version_flag("--version", std::string("tapemill ") + version());
  root.require_subcommand(1);
  root.fallthrough();
  std::string memory;
  root.add_option("--lake", context.lake_path,
                  "the lake's folder or s3://BUCKET/PREFIX (else $TAPEMILL_LAKE, else ./lake)");
  root.add_option("--memory", memory, "ceiling for this command, such as 512MB");
  root.add_option("--threads", context.threads, "threads to work with (0: every core)")->check(CLI::Range(0, 1024));
  root.add_flag("--json", context.json, "one JSON document instead of a table");
  root.add_flag("--quiet", context.quiet, "no progress, no notes");
  root.add_flag("--utc", context.utc, "times in UTC instead of the exchange's zone");
  root.footer(
      "Try: tapemill demo\nMore: tapemill help COMMAND, which has examples\nExit status: 0 done, 1 the data or a check "
      "failed, 2 wrong use, 3 the environment (disk, "
      "network, permission), 130 stopped by Ctrl-C or SIGTERM.");

  std::vector<Bound> bound;
  for (Command& command : commands()) {
    Bound one{std::move(command), nullptr, {}};
    one.app = place(root, one.command);
    one.app->fallthrough();
    one.app->footer(one.command.examples.empty() ? "" : "Examples:\n" + one.command.examples);
    bind(one);
    bound.push_back(std::move(one));
  }
  for (CLI::App* group : root.get_subcommands([](CLI::App*) { return true; }))
    if (const std::string names = subcommands_of(*group); !names.empty())
      group->description(group->get_description() + ": " + names);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const std::vector<std::string> words = bare_words(argc, argv);
    if (const Status unknown = unknown_command(root, words); !unknown.ok()) return fail(unknown, stderr_colour);
    if (dynamic_cast<const CLI::Success*>(&e) != nullptr) return root.exit(e);
    const std::string asked = words.empty() ? "" : words.front();
    if (dynamic_cast<const CLI::RequiredError*>(&e) != nullptr && asked.empty())
      return fail(usage_error("a command is needed", "tapemill --help lists them; tapemill demo shows what they do"),
                  stderr_colour);
    if (CLI::App* group = asked.empty() ? nullptr : root.get_subcommand(asked);
        group != nullptr && dynamic_cast<const CLI::RequiredError*>(&e) != nullptr && !subcommands_of(*group).empty() &&
        group->get_subcommands().empty())
      return fail(usage_error(fmt::format("tapemill {} needs one of its commands: {}", asked, subcommands_of(*group)),
                              "tapemill " + asked + " --help tells what they do"),
                  stderr_colour);
    std::string hint =
        asked.empty() ? "tapemill --help lists the commands" : "tapemill " + asked + " --help shows how it is used";
    return fail(dynamic_cast<const CLI::ExtrasError*>(&e) != nullptr ? unexpected(root, argc, argv, e.what(), hint)
                                                                     : usage_error(e.what(), hint),
                stderr_colour);
  }
  for (const char* key : {"lake", "memory", "threads", "utc"})
    if (root.get_option(std::string("--") + key)->count() > 0) context.origin[key] = std::string("--") + key;
  bool mends_config = bound_name(bound).starts_with("config");
  if (!broken_config.ok() && !mends_config) return fail(broken_config, stderr_colour);
  if (!memory.empty()) {
    auto bytes = parse_bytes(memory);
    if (!bytes.ok()) return fail(prefixed(bytes.status(), "--memory"), stderr_colour);
    context.memory = *bytes;
  }
  auto room = mends_config ? Result<std::int64_t>(context.memory) : room_for_data(context.memory);
  if (!room.ok() && !memory.empty() && memory.find_first_not_of("0123456789") == std::string::npos)
    return fail(usage_error(fmt::format("--memory {0}: {0} is {0} bytes, less than the program itself takes", memory),
                            fmt::format("did you mean {}MB? sizes are written 512MB, 2GB", memory)),
                stderr_colour);
  if (!room.ok()) return fail(room.status(), stderr_colour);
  MemoryBudget budget(*room);
  if (*room > 0) lake::limit_read_cache(std::min<std::int64_t>(*room / 16, 64 << 20));
  context.budget = &budget;
  context.workers = Workers(context.threads);
  Progress::configure(context.quiet || context.json);
  for (Bound& one : bound) {
    if (!one.app->parsed() || !one.app->get_subcommands().empty()) continue;
    for (auto& [option, index] : one.options) {
      if (option->count() == 0) continue;
      std::vector<std::string> texts = option->results();
      if (one.command.options[index].list && !one.command.options[index].positional) texts = parted(texts);
      if (one.command.options[index].flag) texts = {option->as<bool>() ? "true" : "false"};
      Status set = one.command.options[index].set(texts);
      if (!set.ok()) {
        const auto* said = dynamic_cast<const ErrorDetail*>(set.detail().get());
        return fail(error(Blame::usage, set.message(),
                          said != nullptr && !said->hint.empty()
                              ? said->hint
                              : "tapemill " + one.command.name + " --help shows how it is used"),
                    stderr_colour);
      }
    }
    install_interrupt();
    Status status = one.command.run(context);
    if (status.IsOutOfMemory()) status = environment_error(status.message(), "give more with --memory");
    std::fflush(stdout);
    if (status.ok() && std::ferror(stdout) != 0) status = environment_error("standard output: could not be written");
    if (!status.ok()) return fail(status, stderr_colour);
    return 0;
  }
  return 2;
}

}  // namespace
}  // namespace tapemill::app

int main(int argc, char** argv) {
  int code = tapemill::app::run(argc, argv);
  std::fflush(stdout);
  std::_Exit(code);  // threads that wait for signals are not joined; everything written is synced already
}
