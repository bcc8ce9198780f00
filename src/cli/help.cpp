#include "cli/help.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cli/codec.hpp"
#include "cli/verb_text.hpp"

namespace isochron::cli {
namespace {

/// A text in lines of `width` columns, those after the first behind a margin.
std::string wrapped(std::string text, std::size_t width, std::size_t margin = 0) {
  std::string lines;
  const std::size_t room = width - margin;
  while (text.size() > room) {
    auto cut = text.rfind(' ', room);
    if (cut == std::string::npos) cut = text.find(' ');  // a word that is too long stays whole
    if (cut == std::string::npos) break;
    lines += text.substr(0, cut) + fmt::format("\n{:{}}", "", margin);
    text.erase(0, cut + 1);
  }
  return lines + text + '\n';
}

/// A name on the left, and what it means behind a margin.
std::string entry(const std::string& name, const std::string& meaning, std::size_t width,
                  std::size_t margin) {
  const std::string left = "  " + name;
  const std::string begin = left.size() < margin ? fmt::format("{:{}}", left, margin)
                                                 : left + fmt::format("\n{:{}}", "", margin);
  return begin + wrapped(meaning, width, margin);
}

}  // namespace

std::size_t terminal_width() {
  constexpr std::int64_t narrowest = 40;
  constexpr std::int64_t widest = 120;
  std::int64_t columns = 100;
  winsize size{};
  const char* wanted = std::getenv("COLUMNS");
  if (const auto number = wanted == nullptr ? std::nullopt : parse_whole(wanted);
      number && *number > 0) {
    columns = *number;
  } else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    columns = size.ws_col;
  }
  return static_cast<std::size_t>(std::clamp(columns, narrowest, widest));
}

std::string help(std::size_t width) {
  std::string text =
      wrapped("isochron learns force fields by training neural ODEs to high accuracy.", width);
  text += "\nusage: isochron VERB [options]\n\n";
  for (const auto& [verb, name] : verb_names) text += entry(name, text_of(verb).title, width, 18);
  text += '\n' + wrapped(
                     "isochron VERB --help, or isochron help VERB, lists the options of a verb "
                     "that most runs need, --help-all lists all; isochron --version the "
                     "versions.",
                     width);
  text += wrapped(about_ranks, width);
  text += wrapped(about_units, width);
  return text + '\n' + wrapped(fmt::format("exit status: {}", exit_statuses), width);
}

std::string help(Verb verb, Extent extent, std::size_t width) {
  const VerbText& about = text_of(verb);
  const std::vector<const Option*> all = options_of(verb);
  std::vector<const Option*> shown = all;
  if (extent == Extent::essential) {
    std::erase_if(shown, [&](const Option* option) { return !is_essential(*option, verb); });
  }
  std::string text =
      wrapped(fmt::format("usage: isochron {} {}", name_of(verb), about.arguments), width, 4) +
      '\n';
  text += wrapped(fmt::format("{} {} Defaults stand in [].", about.about, about_units), width);
  const std::size_t margin = std::min<std::size_t>(30, width / 3);
  std::string group;
  for (const Option* option : shown) {
    if (group != option->group) {
      group = option->group;
      text += fmt::format("\n{}:\n", group);
    }
    const std::string argument = option->argument == nullptr ? "" : option->argument;
    text += entry(names_of(*option) + (argument.empty() ? "" : " " + argument),
                  meaning_of(*option, verb), width, margin);
  }
  if (shown.size() == all.size()) return text;
  return text + '\n' +
         wrapped(
             fmt::format("isochron {} --help-all lists all {} options.", name_of(verb), all.size()),
             width);
}

std::string names_of(const Option& option) {
  const std::string key = option.key;
  return (key == "output" ? "-o, --" : key == "help" ? "-h, --" : "--") + key;
}

std::string meaning_of(const Option& option, Verb verb) {
  std::string meaning = option.help();
  if (option.argument == nullptr) return meaning;
  Configuration defaults;
  defaults.verb = verb;
  const std::string standard = option.setting.write(defaults);
  // A default that depends on other options is told in words.
  const bool in_words = meaning.find("(default: ") != std::string::npos;
  if (!standard.empty() && !in_words) meaning += fmt::format(" [{}]", standard);
  return meaning;
}

}  // namespace isochron::cli
