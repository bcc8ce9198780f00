#include "cli/grid.hpp"

#include <fmt/format.h>
#include <map>
#include <sstream>

#include "cli/codec.hpp"
#include "cli/command_line.hpp"
#include "cli/option_table.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

using Texts = std::map<std::string, std::string>;

InputError bad_grid(const std::string& word, const std::string& why) {
  return InputError(fmt::format(
      "in --grid, {} {}; give key=value|value .. of train's options, separated by blanks for all "
      "combinations, by ; for one list after the other",
      quoted(word), why));
}

/// What a word of the grid varies; the seeds are the sweep's own.
std::string varied_key(const std::string& word) {
  std::string key = word.substr(0, word.find('='));
  if (key.size() == word.size()) throw bad_grid(word, "has no value");
  const Option* option = find_option(key, verb_train);
  if (option == nullptr) throw unknown_option(key, verb_train);
  if (key.ends_with("seed")) {
    throw InputError(fmt::format(
        "in --grid, {} cannot vary: a sweep counts seeds up from --seed; give --seed S --runs K",
        quoted(word)));
  }
  if (!option->reproduces) throw bad_grid(word, "cannot vary");
  return key;
}

/// All combinations of one list: "loss=periodic|antiperiodic symmetry=odd".
std::vector<Texts> combinations(const std::string& list) {
  std::vector<Texts> all = {{}};
  std::istringstream words(list);
  for (std::string word; words >> word;) {
    const std::string key = varied_key(word);
    const std::vector<std::string> values = split(word.substr(key.size() + 1), '|');
    if (values.empty()) throw bad_grid(word, "has no value");
    std::vector<Texts> crossed;
    for (const Texts& base : all) {
      for (const std::string& value : values) {
        crossed.push_back(base);
        if (!crossed.back().emplace(key, value).second) throw bad_grid(word, "is given twice");
      }
    }
    all = std::move(crossed);
  }
  return all;
}

std::string described(const Texts& texts) {
  std::vector<std::string> words;
  for (const auto& [key, text] : texts) words.push_back(key + '=' + text);
  return words.empty() ? "as given" : fmt::format("{}", fmt::join(words, " "));
}

/// What the sweep gives to each of its runs. Whatever was asked for, also in the file of a sweep
/// that goes on, is asked of each run.
Configuration common(const Configuration& sweep) {
  Configuration run = sweep;
  run.verb = verb_train;
  run.threads = 1;
  for (auto& [key, source] : run.sources) {
    if (source.origin != Origin::default_value) source.origin = Origin::command_line;
  }
  return run;
}

}  // namespace

std::vector<Variant> variants(const Configuration& sweep) try {
  const Configuration base = common(sweep);
  if (sweep.grid.empty()) return {{described({}), base}};
  std::vector<Variant> result;
  for (const std::string& list : split(sweep.grid, ';')) {
    for (const Texts& texts : combinations(list)) {
      result.push_back({described(texts), layered(base, {Origin::command_line, texts, ""})});
    }
  }
  return result;
} catch (const InputError& error) {
  const std::string file = sweep.source("grid").file;
  if (file.empty()) throw;
  throw InputError(
      fmt::format("the grid of the sweep in {} is not admissible: {}", shown(file), error.what()));
}

Configuration with_seed(Configuration configuration, std::uint64_t seed) {
  configuration.seed = configuration.data_seed = configuration.weight_seed = seed;
  for (const char* key : {"seed", "data-seed", "weight-seed"}) {
    configuration.sources[key] = {Origin::command_line, false, ""};
  }
  return configuration;
}

}  // namespace isochron::cli
