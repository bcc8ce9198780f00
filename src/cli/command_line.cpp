#include "cli/command_line.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <boost/program_options.hpp>

#include "cli/ini_file.hpp"
#include "cli/option_table.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

namespace po = boost::program_options;

po::options_description description(Verb verb) {
  po::options_description options;
  for (const Option* option : options_of(verb)) {
    const std::string key = option->key;
    const std::string name = key == "output" ? "output,o" : key == "help" ? "help,h" : key;
    if (option->argument == nullptr) {
      options.add_options()(name.c_str(), po::bool_switch());
    } else {
      options.add_options()(name.c_str(), po::value<std::string>());
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
  const bool is_option =
      tokens.size() == 2 && (text.starts_with("--") || text == "-o" || text == "-h");
  require(!is_option, "option --{} needs a value, and {} is an option", key, shown(text));
  require(!text.starts_with('='), "--{} {} has an '=' too many; leave it out", key, shown(text));
}

/// `dashes`: what a key begins with where `word` was found.
InputError unknown_word(const std::string& what, const std::string& dashes,
                        const std::string& found, Verb verb) {
  const std::string word = shown(found);
  const std::string key = word.substr(std::min(word.size(), dashes.size()));
  if (const Option* elsewhere = find_option(key, ~0U)) {
    std::vector<std::string> verbs;
    for (const auto& [other, name] : verb_names) {
      if ((elsewhere->verbs & other) != 0) verbs.emplace_back(name);
    }
    return InputError(fmt::format("{} '{}' is only for {}", what, word, fmt::join(verbs, ", ")));
  }
  std::vector<std::string> candidates;
  for (const Option* option : options_of(verb)) candidates.push_back(dashes + option->key);
  return InputError(fmt::format("{} '{}' is unknown; the nearest one is '{}'", what, word,
                                nearest(word, candidates)));
}

/// The option that a file beside the options stands for; null where it stands for none.
const char* option_of_file(Verb verb) {
  if (verb == verb_simulate) return "model";
  if (verb == verb_abel) return "period-law";
  const bool at_model = verb == verb_check_gradient || verb == verb_benchmark;
  return at_model ? "at" : nullptr;
}

/// Takes a file that has been named without its option for the value of that.
void take_file(Verb verb, Layer& layer, std::vector<std::string>& files) {
  const char* key = option_of_file(verb);
  if (key == nullptr || files.empty()) return;
  require(files.size() == 1, "{} takes one file, not {}", name_of(verb), files.size());
  const auto [named, is_new] = layer.texts.emplace(key, files.front());
  require(is_new, "{} and --{} {} say the same in two ways; give one of them", shown(files.front()),
          key, shown(named->second));
  files.clear();
}

/// Its layer, and what stands beside the options.
Layer parsed(Verb verb, const std::vector<std::string>& arguments,
             std::vector<std::string>& files) {
  const po::options_description options = description(verb);
  constexpr int style =
      po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  Layer layer;
  try {
    po::command_line_parser parser(arguments);
    parser.options(options).style(style).allow_unregistered();
    // Boost keeps no tokens of what this parser has taken, which an unknown option is named by.
    if (find_option("output", verb) != nullptr) parser.extra_parser(output_after_equals);
    const auto parsed = parser.run();
    for (const auto& option : parsed.options) {
      if (option.position_key >= 0) {
        files.insert(files.end(), option.value.begin(), option.value.end());
        continue;
      }
      if (option.unregistered) {
        const std::string& token = option.original_tokens.front();
        throw unknown_word("option", "--", token.substr(0, token.find('=')), verb);
      }
      const std::string text = option.value.empty() ? "true" : option.value.front();
      check_value(option.string_key, option.original_tokens, text);
      require(layer.texts.emplace(option.string_key, text).second, "option --{} is given twice",
              shown(option.string_key));
    }
  } catch (const po::error_with_option_name& error) {
    std::string key = error.get_option_name();
    key.erase(0, key.find_first_not_of('-'));
    const Option* option = find_option(key, verb);
    if (option == nullptr) throw InputError(error.what());
    require(option->argument != nullptr, "option --{} takes no value", key);
    throw InputError(
        fmt::format("option --{} needs a value: {}, {}", key, option->argument, option->help()));
  }
  return layer;
}

Layer config_layer(Verb verb, const std::string& path) {
  Layer layer;
  layer.origin = Origin::config_file;
  for (const IniEntry& entry : read_ini(path, "grid")) {
    const std::string& key = entry.key;
    require(key != "config" && !key.starts_with("help"),
            "{}, key '{}' is only for the command line", entry.where, key);
    if (find_option(key, verb) == nullptr) throw unknown_word(entry.where + ", key", "", key, verb);
    require(!entry.value.starts_with('='), "{}, key '{}' has an '=' too many; leave it out",
            entry.where, key);
    require(layer.texts.emplace(key, entry.value).second, "{}, key '{}' is given twice",
            entry.where, key);
  }
  return layer;
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

InputError unknown_option(const std::string& key, Verb verb) {
  return unknown_word("option", "--", "--" + key, verb);
}

Configuration read_configuration(Verb verb, const std::vector<std::string>& arguments) {
  Configuration configuration;
  configuration.verb = verb;
  Layer layer = parsed(verb, arguments, configuration.files);
  take_file(verb, layer, configuration.files);
  configuration.help = layer.texts.count("help") != 0;
  configuration.help_all = layer.texts.count("help-all") != 0;
  if (configuration.help || configuration.help_all) return configuration;
  configuration = layered(std::move(configuration), layer);
  if (configuration.config.empty()) return configuration;
  const Layer below = config_layer(verb, configuration.config);
  return layered(std::move(configuration), below);
}

}  // namespace isochron::cli
