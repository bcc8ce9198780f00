#include "cli/configuration.hpp"

#include <fmt/core.h>
#include <set>

#include "cli/option_table.hpp"
#include "cli/print.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

InputError rejection(const std::string& key, const std::string& text, const std::string& file,
                     const std::string& wanted) {
  const bool plain = !text.empty() && text.find_first_of(" \t") == std::string::npos;
  return InputError(
      fmt::format("--{} {}{} is not admissible; give {}", key, plain ? shown(text) : quoted(text),
                  file.empty() ? "" : fmt::format(", stored in {},", shown(file)), wanted));
}

/// The option that a value which is not set follows; null when it follows none.
const char* followed(const Configuration& configuration, const Option& option) {
  return option.setting.write(configuration).empty() ? option.follows : nullptr;
}

std::string name_of(Origin origin) {
  switch (origin) {
    case Origin::default_value: return "default";
    case Origin::stored_file: return "stored file";
    case Origin::config_file: return "file";
    case Origin::command_line: return "command line";
  }
  return "";
}

}  // namespace

const char* extension(FigureFormat format) {
  switch (format) {
    case FigureFormat::svg: return "svg";
    case FigureFormat::png: return "png";
    case FigureFormat::pdf: return "pdf";
  }
  return "";
}

Source Configuration::source(const std::string& key) const {
  static_cast<void>(option_named(key, ~0U));
  const auto found = sources.find(key);
  return found == sources.end() ? Source() : found->second;
}

Configuration layered(Configuration configuration, const Layer& layer) {
  std::map<std::string, std::string> texts = layer.texts;
  std::set<std::string> followers;
  if (const auto seed = texts.find("seed"); seed != texts.end()) {
    const std::string text = seed->second;
    for (const char* key : {"data-seed", "weight-seed"}) {
      if (texts.try_emplace(key, text).second) followers.insert(key);
    }
  }
  for (const auto& [key, text] : texts) {
    const Option* option = find_option(key, configuration.verb);
    if (option == nullptr || configuration.origin(key) > layer.origin) continue;
    const bool follows_seed = followers.count(key) != 0;
    if (!option->setting.read(configuration, text)) {
      throw rejection(follows_seed ? "seed" : key, text, layer.file, option->setting.wanted);
    }
    configuration.sources[key] = {layer.origin, follows_seed, layer.file};
  }
  return configuration;
}

InputError not_admissible(const Configuration& configuration, const std::string& key,
                          const std::string& wanted) {
  const Source source = configuration.source(key);
  return rejection(source.follows_seed ? "seed" : key, text_of(configuration, key), source.file,
                   wanted);
}

std::string text_of(const Configuration& configuration, const std::string& key) {
  const Option& option = option_named(key, configuration.verb);
  const char* other = followed(configuration, option);
  return other != nullptr ? text_of(configuration, other) : option.setting.write(configuration);
}

std::string as_typed(const Configuration& configuration, const std::string& key) {
  return fmt::format("--{} {}", key, text_of(configuration, key));
}

std::string origin_in_words(const Configuration& configuration, const std::string& key) {
  const char* other = followed(configuration, option_named(key, configuration.verb));
  return other != nullptr ? std::string("as --") + other : name_of(configuration.origin(key));
}

std::vector<std::string> reproducing_keys(const Configuration& configuration) {
  std::vector<std::string> keys;
  for (const Option* option : options_of(configuration.verb)) {
    if (option->reproduces) keys.emplace_back(option->key);
  }
  return keys;
}

std::vector<std::string> given_keys(const Configuration& configuration) {
  std::vector<std::string> keys = reproducing_keys(configuration);
  std::erase_if(keys, [&](const std::string& key) { return !configuration.given(key); });
  return keys;
}

void echo(const Configuration& configuration) {
  if (!configuration.verbose) return;
  say("configuration:\n");
  for (const Option* option : options_of(configuration.verb)) {
    const std::string key = option->key;
    if (key.starts_with("help")) continue;
    const std::string text = shown(text_of(configuration, key));
    say("  {:<20}= {}  ({})\n", key, text.empty() ? "-" : text,
        origin_in_words(configuration, key));
  }
}

}  // namespace isochron::cli
