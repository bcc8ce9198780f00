#include "cli/manual.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <iterator>
#include <string_view>

#include "build_info.hpp"
#include "cli/help.hpp"
#include "cli/option_table.hpp"
#include "cli/verb_text.hpp"

namespace isochron::cli {
namespace {

// ------------------------------------------------------------------------------- manual pages

/// A text as roff shows it: with the characters that are there, at the beginning of a line, too.
std::string in_roff(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '\\': result += "\\e"; break;
      case '-': result += "\\-"; break;
      case '\'': result += "\\(aq"; break;
      case '"': result += "\\(dq"; break;
      case '^': result += "\\(ha"; break;
      case '~': result += "\\(ti"; break;
      case '`': result += "\\(ga"; break;
      default: result += c;
    }
  }
  return result.starts_with('.') ? "\\&" + result : result;
}

std::string head(const std::string& name, const std::string& title) {
  std::string capitals = name;
  for (char& c : capitals) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return fmt::format(".TH {} 1 \"\" \"isochron {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n",
                     in_roff(capitals), build_info::version, in_roff(name), in_roff(title));
}

std::string paged(Verb verb) { return "isochron-" + name_of(verb); }

std::string option_entry(const Option& option, Verb verb) {
  const std::string argument =
      option.argument == nullptr ? "" : fmt::format(" \\fI{}\\fR", in_roff(option.argument));
  return fmt::format(".TP\n\\fB{}\\fR{}\n{}\n", in_roff(names_of(option)), argument,
                     in_roff(meaning_of(option, verb)));
}

std::string exit_status() { return fmt::format(".SH EXIT STATUS\n{}.\n", in_roff(exit_statuses)); }

// --------------------------------------------------------------------------------- completion

/// The words for which a shell has nothing but themselves, separated by blanks.
std::string listed(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

/// Whether the value of an option may be the name of a file.
bool takes_file(const Option& option) {
  constexpr std::string_view arguments[] = {"FILE", "FOLDER", "LAW", "FORCE"};
  return std::find(std::begin(arguments), std::end(arguments), option.argument) !=
         std::end(arguments);
}

/// What completes the value of an option.
std::string reply(const Option& option) {
  const std::vector<std::string>& choices = option.setting.choices;
  std::vector<std::string> commands;
  if (!choices.empty()) commands.push_back(fmt::format("_isochron_words '{}'", listed(choices)));
  if (takes_file(option)) commands.emplace_back("_isochron_files");
  if (commands.empty()) commands.emplace_back(":");
  return fmt::format("{} ;;", fmt::join(commands, "; "));
}

/// The values of one option, for the verbs that share its row of the table.
std::string value_case(const Option& option) {
  std::vector<std::string> patterns;
  for (const auto& [verb, name] : verb_names) {
    if ((option.verbs & verb) == 0) continue;
    patterns.push_back(fmt::format("{}:--{}", name, option.key));
    if (option.key == std::string("output")) patterns.push_back(fmt::format("{}:-o", name));
  }
  return fmt::format("    {})\n      {}\n", fmt::join(patterns, " | "), reply(option));
}

}  // namespace

std::string manual_page() {
  std::string page = head("isochron", "learn force fields by training neural ODEs");
  page +=
      ".SH SYNOPSIS\n.B isochron\n.I VERB\n[options]\n.br\n.B isochron help\n[\\fIVERB\\fR]\n"
      ".br\n.B isochron \\-\\-version\n";
  page += fmt::format(
      ".SH DESCRIPTION\n{}\n.PP\n{}\n.PP\n{}\n.SH VERBS\n",
      in_roff(
          "isochron learns force fields by training neural ODEs to high accuracy, analyses them "
          "by quadrature and draws them. What a run was asked and what it found is in its "
          "results file (HDF5, with NeXus conventions)."),
      in_roff(about_ranks), in_roff(about_units));
  for (const auto& [verb, name] : verb_names) {
    page +=
        fmt::format(".TP\n.BR {} (1)\n{}\n", in_roff(paged(verb)), in_roff(text_of(verb).title));
  }
  return page + exit_status();
}

std::string manual_page(Verb verb) {
  const VerbText& about = text_of(verb);
  std::string page = head(paged(verb), about.title);
  page += fmt::format(".SH SYNOPSIS\n.B isochron {}\n{}\n", in_roff(name_of(verb)),
                      in_roff(about.arguments));
  page += fmt::format(".SH DESCRIPTION\n{}\n.PP\n{} Defaults stand in [].\n.SH OPTIONS\n",
                      in_roff(about.about), in_roff(about_units));
  std::string group;
  for (const Option* option : options_of(verb)) {
    if (group != option->group) {
      group = option->group;
      page += fmt::format(".SS {}\n", in_roff(group));
    }
    page += option_entry(*option, verb);
  }
  return page + exit_status() + ".SH SEE ALSO\n.BR isochron (1)\n";
}

std::string bash_completion() {
  std::vector<std::string> verbs;
  std::string options;
  std::string values;
  for (const auto& [verb, name] : verb_names) {
    verbs.emplace_back(name);
    std::vector<std::string> keys;
    for (const Option* option : options_of(verb)) keys.push_back(std::string("--") + option->key);
    options += fmt::format("      {}) _isochron_words '{}' ;;\n", name, listed(keys));
  }
  for (const Option& option : option_table()) {
    if (option.argument != nullptr) values += value_case(option);
  }
  return fmt::format(R"(# bash completion for isochron, made from its table of options

_isochron_words() {{
  local word
  for word in $1; do
    [[ $word != "$cur"* ]] || COMPREPLY+=("$word")
  done
}}

_isochron_files() {{
  local file
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do
    COMPREPLY+=("$file")
  done < <(compgen -f -- "$cur")
}}

_isochron() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} verb=${{COMP_WORDS[1]}}
  COMPREPLY=()
  if ((COMP_CWORD == 1)) || [[ $COMP_CWORD -eq 2 && $verb == help ]]; then
    _isochron_words '{0}'
    ((COMP_CWORD > 1)) || _isochron_words 'help --help --version'
    return
  fi
  # --option=value is three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  case $verb:$prev in
{2}    *)
      if [[ $cur != -* ]]; then
        _isochron_files
        return
      fi
      case $verb in
{1}      esac
      ;;
  esac
}}

complete -F _isochron isochron
)",
                     listed(verbs), options, values);
}

}  // namespace isochron::cli
