#include "cli/options.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <iomanip>
#include <set>
#include <sstream>

#include "cli/ini_file.hpp"
#include "cli/option_table.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

namespace po = boost::program_options;

constexpr std::pair<Verb, const char*> verb_names[] = {{verb_train, "train"},
                                                       {verb_simulate, "simulate"},
                                                       {verb_check_gradient, "check-gradient"},
                                                       {verb_benchmark, "benchmark"},
                                                       {verb_analyze, "analyze"},
                                                       {verb_sweep, "sweep"},
                                                       {verb_show, "show"},
                                                       {verb_plot, "plot"}};

po::options_description description(Verb verb) {
  po::options_description options;
  for (const Spec& spec : option_table()) {
    if ((spec.verbs & verb) == 0) continue;
    const std::string key = spec.key;
    const std::string name = key == "output" ? "output,o" : key == "help" ? "help,h" : key;
    if (spec.argument == nullptr) {
      options.add_options()(name.c_str(), po::bool_switch(), spec.help);
    } else {
      options.add_options()(name.c_str(), po::value<std::string>(), spec.help);
    }
  }
  return options;
}

/// -o=FILE, which would otherwise be a file of the name =FILE.
std::pair<std::string, std::string> output_after_equals(const std::string& token) {
  if (token.rfind("-o=", 0) != 0) return {};
  return {"output", token.substr(3)};
}

/// What Boost takes for a value although it was meant as something else: the next option, where the
/// value was forgotten, and a second equals sign. (A file of such a name is ./--quiet or ./=f.)
void check_value(const std::string& key, const std::vector<std::string>& tokens,
                 const std::string& text) {
  if (tokens.size() == 2 && (text.rfind("--", 0) == 0 || text == "-o" || text == "-h")) {
    throw InputError("option --" + key + " needs a value, and " + shown(text) + " is an option");
  }
  if (text.rfind('=', 0) == 0) {
    throw InputError("--" + key + ' ' + shown(text) + " has an '=' too many; leave it out");
  }
}

/// `dashes`: what a key begins with where `word` was found.
[[noreturn]] void unknown(const std::string& what, const std::string& dashes,
                          const std::string& found, Verb verb) {
  const std::string word = shown(found);
  const std::string key = word.substr(std::min(word.size(), dashes.size()));
  if (const Spec* elsewhere = find_option(key, ~0U)) {
    std::string verbs;
    for (const auto& [other, name] : verb_names) {
      if ((elsewhere->verbs & other) != 0)
        verbs += (verbs.empty() ? "" : " and ") + std::string(name);
    }
    throw InputError(what + " '" + word + "' is only for " + verbs);
  }
  std::vector<std::string> candidates;
  for (const std::string& candidate : option_keys(verb)) candidates.push_back(dashes + candidate);
  throw InputError(what + " '" + word + "' is unknown; the nearest one is '" +
                   nearest(word, candidates) + "'");
}

std::string in_words(Origin origin) {
  switch (origin) {
    case Origin::default_value: return "default";
    case Origin::stored_file: return "stored file";
    case Origin::config_file: return "file";
    case Origin::command_line: return "command line";
  }
  return "";
}

}  // namespace

std::string nearest(const std::string& found, const std::vector<std::string>& candidates) {
  const std::string word = found.substr(0, longest_shown);
  const auto edits = [&](const std::string& other) {
    std::vector<std::size_t> row(other.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t substituted = diagonal + (word[i - 1] == other[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    return row.back();
  };
  return *std::min_element(candidates.begin(), candidates.end(),
                           [&](const auto& a, const auto& b) { return edits(a) < edits(b); });
}

Options::Options(Verb verb, const std::vector<std::string>& arguments) : verb_(verb) {
  Texts defaults;
  for (const Spec& spec : option_table()) {
    if ((spec.verbs & verb) != 0) defaults[spec.key] = spec.standard;
  }
  apply(std::move(defaults), Origin::default_value);
  apply(read_command_line(arguments), Origin::command_line);
  const auto config = values_.find("config");
  if (config != values_.end() && !config->second.text.empty()) {
    apply(read_config_file(config->second.text), Origin::config_file);
  }
}

Options::Texts Options::read_command_line(const std::vector<std::string>& arguments) {
  const po::options_description options = description(verb_);
  constexpr int style =
      po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  Texts texts;
  try {
    const auto parsed = po::command_line_parser(arguments)
                            .options(options)
                            .style(style)
                            .extra_parser(output_after_equals)
                            .allow_unregistered()
                            .run();
    for (const auto& option : parsed.options) {
      if (option.position_key >= 0) {
        positional_.insert(positional_.end(), option.value.begin(), option.value.end());
        continue;
      }
      if (option.unregistered) {
        const std::string& token = option.original_tokens.front();
        unknown("option", "--", token.substr(0, token.find('=')), verb_);
      }
      const std::string text = option.value.empty() ? "true" : option.value.front();
      check_value(option.string_key, option.original_tokens, text);
      if (!texts.emplace(option.string_key, text).second) {
        throw InputError("option --" + shown(option.string_key) + " is given twice");
      }
    }
  } catch (const po::error_with_option_name& error) {
    std::string key = error.get_option_name();
    key.erase(0, key.find_first_not_of('-'));
    const Spec* spec = find_option(key, verb_);
    if (spec == nullptr) throw InputError(error.what());
    throw InputError(spec->argument == nullptr ? "option --" + key + " takes no value"
                                               : "option --" + key + " needs a value: " +
                                                     spec->argument + ", " + spec->help);
  }
  return texts;
}

Options::Texts Options::read_config_file(const std::string& path) const {
  Texts texts;
  for (const IniEntry& entry : read_ini(path, "grid")) {
    const std::string& key = entry.key;
    if (key == "config" || key == "help") {
      throw InputError(entry.where + ", key '" + key + "' is only for the command line");
    }
    if (find_option(key, verb_) == nullptr) unknown(entry.where + ", key", "", key, verb_);
    if (entry.value.rfind('=', 0) == 0) {
      throw InputError(entry.where + ", key '" + key + "' has an '=' too many; leave it out");
    }
    if (!texts.emplace(key, entry.value).second) {
      throw InputError(entry.where + ", key '" + key + "' is given twice");
    }
  }
  return texts;
}

void Options::add_stored(const Stored& stored, const std::string& group) {
  const auto taken = [&](const Texts& values) {
    Texts layer;
    for (const auto& [key, text] : values) {
      const Spec* spec = find_option(key, verb_);
      if (spec != nullptr && (group.empty() || group == spec->group)) layer[key] = text;
    }
    return layer;
  };
  apply(taken(stored.defaults), Origin::default_value, stored.file);
  apply(taken(stored.asked_for), Origin::stored_file, stored.file);
}

void Options::apply(Texts layer, Origin origin, const std::string& file) {
  std::set<std::string> following;
  if (const auto seed = layer.find("seed"); seed != layer.end()) {
    const std::string text = seed->second;
    for (const char* key : {"data-seed", "weight-seed"}) {
      if (layer.try_emplace(key, text).second) following.insert(key);
    }
  }
  for (const auto& [key, text] : layer) {
    Value& value = values_[key];
    if (value.origin <= origin) value = {text, origin, following.count(key) != 0, file};
  }
}

bool Options::given(const std::string& key) const { return origin(key) >= Origin::config_file; }

std::string Options::origin_in_words(const std::string& key) const {
  const char* followed = find_option(key, verb_)->follows;
  const bool follows = followed != nullptr && values_.at(key).text.empty();
  return follows ? std::string("as --") + followed : in_words(origin(key));
}

std::string Options::text(const std::string& key) const {
  const std::string& own = values_.at(key).text;
  const char* followed = find_option(key, verb_)->follows;
  return own.empty() && followed != nullptr ? text(followed) : own;
}

std::vector<std::string> Options::configuration_keys() const {
  std::vector<std::string> result;
  for (const Spec& spec : option_table()) {
    if ((spec.verbs & verb_) != 0 && spec.configuration) result.emplace_back(spec.key);
  }
  return result;
}

std::string Options::echo() const {
  std::ostringstream lines;
  for (const std::string& key : option_keys(verb_)) {
    if (key == "help") continue;
    const std::string text = shown(this->text(key));
    lines << "  " << std::left << std::setw(20) << key << "= " << (text.empty() ? "-" : text)
          << "  (" << origin_in_words(key) << ")\n";
  }
  return lines.str();
}

}  // namespace isochron::cli
