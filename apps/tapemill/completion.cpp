#include "command.h"
#include "print.h"

namespace tapemill::app {
struct CompletionOptions {
  std::string shell = "bash";
};
}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::CompletionOptions> =
    std::tuple{field("shell", &app::CompletionOptions::shell, "for which shell", "bash|zsh|fish")};
}  // namespace tapemill

namespace tapemill::app {
namespace {

std::string dashed(std::string name) {
  for (char& c : name)
    if (c == '_') c = '-';
  return "--" + name;
}

/// What may follow each prefix of command words: "" -> ingest query ..., "backtest" -> check run ..., options besides.
std::map<std::string, std::vector<std::string>> candidates() {
  std::map<std::string, std::vector<std::string>> after;
  auto add = [&](const std::string& prefix, const std::string& word) {
    auto& list = after[prefix];
    if (std::find(list.begin(), list.end(), word) == list.end()) list.push_back(word);
  };
  const std::vector<std::string> everywhere{"--lake", "--memory", "--threads", "--json", "--quiet", "--utc", "--help"};
  for (const Command& command : commands()) {
    auto blank = command.name.find(' ');
    add("", command.name.substr(0, blank));
    if (blank != std::string::npos) add(command.name.substr(0, blank), command.name.substr(blank + 1));
    for (const Option& option : command.options)
      if (!option.positional) add(command.name, dashed(option.info.name));
    for (const auto& word : everywhere) add(command.name, word);
    add("", "help");
    add("help", command.name.substr(0, blank));
    if (command.name == "ingest")
      for (const auto& name : dataset_names()) add(command.name, name);
  }
  return after;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string bash_script() {
  std::string text =
      "_tapemill() {\n  local cur=${COMP_WORDS[COMP_CWORD]} key=\"\" w before=\"\"\n  for w in "
      "\"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do [[ $w == -* || $before =~ ^--(lake|memory|threads)$ ]] || { [[ -z $key "
      "]] && key=$w || "
      "{ [[ $key != *\" \"* ]] && key=\"$key $w\"; }; }; before=$w; done\n  local words\n  case \"$key\" in\n";
  const auto all = candidates();
  auto has_subcommands = [&](const std::string& word) {
    auto next = all.lower_bound(word + " ");
    return next != all.end() && next->first.starts_with(word + " ");
  };
  for (const auto& [prefix, words] : all)
    text += prefix.empty() ? "    \"\") words=\"" + joined(words) + "\" ;;\n"
                           : fmt::format("    \"{}\"{}) words=\"{}\" ;;\n", prefix,
                                         prefix.find(' ') == std::string::npos && !has_subcommands(prefix)
                                             ? fmt::format("|\"{} \"*", prefix)
                                             : std::string{},
                                         joined(words));
  return text +
         "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n}\ncomplete -o "
         "filenames -F _tapemill tapemill\n";
}

std::string fish_script() {
  std::string text;
  for (const auto& [prefix, words] : candidates()) {
    std::string when =
        prefix.empty() ? "__fish_use_subcommand" : "__fish_seen_subcommand_from " + prefix.substr(0, prefix.find(' '));
    for (const auto& word : words)
      text += word.starts_with("--") ? fmt::format("complete -c tapemill -n '{}' -l {}\n", when, word.substr(2))
                                     : fmt::format("complete -c tapemill -n '{}' -a {}\n", when, word);
  }
  return text;
}

Status run(const CompletionOptions& options, Context&) {
  if (options.shell == "fish") print(fish_script());
  else print((options.shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "") + bash_script());
  return Status::OK();
}

}  // namespace

Command completion_command() {
  return command<CompletionOptions>("completion", "A script that completes commands in your shell", {"?shell"},
                                    "  source <(tapemill completion bash)", run);
}

}  // namespace tapemill::app
