// Options as typed: the first line is the verb, each other one an argument; what follows a line ---
// is a configuration file.

#include <fmt/core.h>

#include <vector>

#include "cli/command_line.hpp"
#include "cli/option_table.hpp"
#include "cli/stored_configuration.hpp"
#include "target.hpp"

using namespace isochron;
using namespace isochron::cli;

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

Verb verb_of(const std::string& word) {
  for (const auto& [verb, name] : verb_names) {
    if (word == name) return verb;
  }
  return verb_train;
}

/// What a results file says of the options is what they were. (JSON holds no other text than
/// UTF-8.)
void check_stored(const Configuration& configuration) {
  if (reproducing_keys(configuration).empty()) return;
  const std::string text = configuration_json(configuration);
  if (text.find("\xef\xbf\xbd") != std::string::npos) return;
  std::string other = "what is stored can be read";
  fuzz::taken([&] {
    const Configuration stored = stored_configuration(configuration.verb, text, "x.h5");
    other.clear();
    for (const std::string& key : reproducing_keys(configuration)) {
      if (cli::text_of(stored, key) != cli::text_of(configuration, key)) other = key;
    }
  });
  fuzz::expect(other.empty(), other.c_str());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const std::size_t mark = text.find("\n---\n");
  std::vector<std::string> arguments = lines_of(text.substr(0, mark));
  const Verb verb = verb_of(arguments.front());
  arguments.erase(arguments.begin());
  if (mark != std::string_view::npos) {
    arguments.emplace_back("--config");
    arguments.push_back(fuzz::folder().file("run.ini", text.substr(mark + 5)));
  }
  Configuration configuration;
  if (fuzz::taken([&] { configuration = read_configuration(verb, arguments); }) &&
      !configuration.help)
    check_stored(configuration);
  return 0;
}
