#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/workers.h"
#include "lake/lake.h"

namespace tapemill::app {

/// What every command is given: the global options, resolved.
struct Context {
  std::string lake_path = "lake";
  std::int64_t memory = 0;  // bytes; 0: no ceiling
  int threads = 0;
  bool json = false, quiet = false, utc = false, colour = false;
  MemoryBudget* budget = nullptr;
  Workers workers{1};
  std::string command_line;
  std::map<std::string, std::string>
      origin;  // of lake, memory, threads, utc: --lake, $TAPEMILL_LAKE, file; else default
  /// The lake; when it is missing and not to be created: a usage error that says how to make one.
  Result<lake::Lake> lake(bool create = false) const;
};

/// One option of a command, bound to a field of its options struct.
struct Option {
  FieldInfo info;
  std::string choices;
  bool positional = false, flag = false, list = false, needed = false;
  std::function<Status(const std::vector<std::string>&)> set;
};

struct Command {
  std::string name;      // "ingest", "backtest run"
  std::string summary;   // one line
  std::string
      examples;  // lines, shown under --help; those of a group's commands begin with the one shown under the group's
  std::vector<Option> options;
  std::function<Status(Context&)> run;
  std::string purpose = {};  // the heading under which --help has it; commands.cpp says it
};

/// The explicit list of commands (commands.cpp): the only other line a new command touches. In the order of --help, those of
/// a purpose beside each other.
std::vector<Command> commands();

namespace detail {
template <class T>
Status set_from_text(T& out, const std::vector<std::string>& texts) {
  Node node;
  auto scalar = [](const std::string& text) {
    Node one;
    one.type = Node::Type::string;
    one.text = text;
    return one;
  };
  if constexpr (is_vector<T>::value) {
    node.type = Node::Type::list;
    for (const auto& text : texts) node.items.push_back(scalar(text));
  } else {
    node = scalar(texts.empty() ? "true" : texts.back());
  }
  return read_value(node, out);
}
}  // namespace detail

/// A command out of its options struct: each field of fields<Options> is an option --name-with-dashes, those named in
/// `positionals` stand bare (in that order; a trailing "..." takes a list, a leading "?" may be left out).
template <class Options>
Command command(std::string name, std::string summary, const std::vector<std::string>& positionals,
                std::string examples, Status (*run)(const Options&, Context&)) {
  Command made{std::move(name), std::move(summary), std::move(examples), {}, {}, {}};
  auto options = std::make_shared<Options>();
  auto infos = describe<Options>();
  std::size_t at = 0;
  auto add = [&](const auto& f) {
    using M = std::remove_cvref_t<decltype((*options).*f.member)>;
    Option one;
    one.info = infos[at++];
    one.choices = f.choices != nullptr ? f.choices : "";
    one.flag = std::is_same_v<M, bool>;
    one.list = is_vector<M>::value;
    auto field_copy = f;
    std::string shown = f.name;
    one.set = [options, field_copy, shown](const std::vector<std::string>& texts) -> Status {
      ARROW_RETURN_NOT_OK(prefixed(detail::set_from_text((*options).*field_copy.member, texts), shown));
      Node node;
      return prefixed(check_field(node, *options, field_copy), shown);
    };
    made.options.push_back(std::move(one));
  };
  std::apply([&](const auto&... f) { (add(f), ...); }, fields<Options>);
  std::vector<Option> ordered;
  for (std::string wanted : positionals) {
    bool optional = wanted.front() == '?';
    if (optional) wanted.erase(0, 1);
    for (Option& one : made.options)
      if (one.info.name == wanted) {
        one.positional = true;
        one.needed = !optional;
        ordered.push_back(one);
      }
  }
  for (Option& one : made.options)
    if (!one.positional) ordered.push_back(one);
  made.options = std::move(ordered);
  made.run = [options, run](Context& context) { return run(*options, context); };
  return made;
}

/// Options of commands that have none.
struct NoOptions {};

}  // namespace tapemill::app
