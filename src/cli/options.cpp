#include "cli/options.hpp"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <boost/program_options.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

namespace po = boost::program_options;

/// One row of the table from which parsing, help, configuration files and the stored configuration
/// are made.
struct Spec {
  const char* key;
  const char* argument;  // null: a flag
  const char* standard;  // the default, as text
  unsigned verbs;
  const char* group;
  const char* help;
  bool configuration = true;      // part of what makes a run reproducible
  const char* follows = nullptr;  // the option whose value it has when it is not set
};

constexpr unsigned runs = verb_train | verb_simulate;

constexpr Spec table[] = {
    {"trajectories", "N", "100", runs, "Problem", "initial states drawn from N(0, I); 1 .. 10^7"},
    {"initial-states", "FILE", "", runs, "Problem",
     "read them instead: text with one state per row, or HDF5 as FILE:/dataset"},
    {"dimension", "D", "1", runs, "Problem", "dimension of the position; 1 .. 64"},
    {"dynamics", "NAME", "newtonian", runs, "Problem",
     "newtonian (q'' = f(q)) or first-order (y' = f(y))"},
    {"period", "T", "2pi", runs, "Problem", "period, dimensionless, > 0; 6.28, 2pi, pi/2, .."},
    {"loss", "NAME", "periodic", runs, "Problem",
     "periodic: mean |X(T) - X(0)|^2; antiperiodic: mean |X(T/2) + X(0)|^2"},
    {"seed", "S", "0", runs, "Problem", "sets --data-seed and --weight-seed; 0 .. 2^64 - 1"},
    {"data-seed", "S", "0", runs, "Problem", "seed of the initial states"},
    {"weight-seed", "S", "0", runs, "Problem", "seed of the initial weights"},

    {"force", "NAME", "mlp", runs, "Force field",
     "mlp (simulate: untrained), or for simulate an analytic one: harmonic, duffing, pendulum, "
     "morse, poschl-teller, "
     "isotonic, hyperbolic-shear, log-shear, split-harmonic, power"},
    {"params", "a=1,b=2", "", runs, "Force field",
     "parameters of an analytic force: numbers by name"},
    {"model", "FILE", "", verb_simulate, "Force field",
     "the force of a results file, and its problem as far as no option changes it"},
    {"hidden", "W,W,..", "16,16", runs, "Force field",
     "widths of the hidden layers; 1 .. 4096 each"},
    {"activation", "NAME", "tanh", runs, "Force field", "tanh"},
    {"symmetry", "NAME", "none", runs, "Force field",
     "none, or odd (no biases: f(-q) = -f(q) exactly)"},

    {"method", "NAME", "adams", runs, "Integration", "adams or bdf (CVODES)"},
    {"rtol", "R", "1e-10", runs, "Integration",
     "relative tolerance of every trajectory; 1e-15 .. 1e-1, or auto: 1e-10, tightened to 1e-13 "
     "when training makes no more progress"},
    {"atol", "A", "", runs, "Integration",
     "absolute tolerance, dimensionless; 1e-15 .. 1e-1 (default: as --rtol)", true, "rtol"},
    {"times", "K", "201", verb_simulate, "Integration", "samples per trajectory; 2 .. 100000"},
    {"threads", "K", "", runs, "Integration",
     "threads; 1 .. 1024 (default: all cores); results do not depend on it", false},

    {"gradient", "NAME", "adjoint", verb_train, "Training", "adjoint (CVODES)"},
    {"interpolation", "NAME", "polynomial", verb_train, "Training",
     "of the forward solution in the adjoint: polynomial or hermite"},
    {"optimizer", "NAME", "lbfgs", verb_train, "Training",
     "lbfgs, or adam (full batch, the note's baseline)"},
    {"memory", "M", "100", verb_train, "Training", "pairs that L-BFGS keeps; 3 .. 1000"},
    {"learning-rate", "R", "0.01", verb_train, "Training", "Adam's step; 1e-12 .. 10"},
    {"iterations", "K", "unlimited", verb_train, "Training",
     "0 .. 10^9, or unlimited; with --resume: so many more"},
    {"max-time", "S", "60", verb_train, "Training", "wall time of this run in s; 0.001 .. 1e9"},
    {"loss-tolerance", "L", "0", verb_train, "Training", "stop at this loss; >= 0"},
    {"gradient-tolerance", "G", "0", verb_train, "Training", "stop at this max |dL/dtheta|; >= 0"},
    {"restarts", "K", "1", verb_train, "Training",
     "weight seeds tried, the best kept; 1 .. 1000; they share --max-time"},

    {"output", "FILE", "isochron.h5", runs, "Files",
     "results file; must not exist unless --overwrite or --resume", false},
    {"overwrite", nullptr, "", runs, "Files", "replace an existing output file", false},
    {"resume", "FILE", "", verb_train, "Files",
     "continue this file with its configuration, which options win over, into it or into --output",
     false},
    {"checkpoint-interval", "S", "5", verb_train, "Files", "s between checkpoints; 0.001 .. 1e6",
     false},
    {"config", "FILE", "", runs, "Files",
     "ini file: key = value, the keys of these options, which win", false},

    {"json", nullptr, "", verb_show, "Output", "the same for programs", false},
    {"output", "FOLDER", ".", verb_plot, "Output", "folder for the figures; is created", false},
    {"format", "LIST", "svg,png", verb_plot, "Output", "any of svg, png, pdf", false},

    {"quiet", nullptr, "", runs, "Output", "no progress on stderr", false},
    {"verbose", nullptr, "", runs, "Output", "also the configuration with its origins", false},
    {"help", nullptr, "", ~0U, "Output", "this text", false},
};

constexpr std::pair<Verb, const char*> verb_names[] = {
    {verb_train, "train"}, {verb_simulate, "simulate"}, {verb_show, "show"}, {verb_plot, "plot"}};

/// The first row of that name whose verbs share a bit with `verbs`.
const Spec* find(const std::string& key, unsigned verbs) {
  for (const Spec& spec : table) {
    if ((spec.verbs & verbs) != 0 && key == spec.key) return &spec;
  }
  return nullptr;
}

std::vector<std::string> keys(Verb verb) {
  std::vector<std::string> result;
  for (const Spec& spec : table) {
    if ((spec.verbs & verb) != 0) result.emplace_back(spec.key);
  }
  return result;
}

po::options_description description(Verb verb) {
  po::options_description options;
  for (const Spec& spec : table) {
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

/// `dashes`: what a key begins with where `word` was found.
[[noreturn]] void unknown(const std::string& what, const std::string& dashes,
                          const std::string& word, Verb verb) {
  const std::string key = word.substr(std::min(word.size(), dashes.size()));
  if (const Spec* elsewhere = find(key, ~0U)) {
    std::string verbs;
    for (const auto& [other, name] : verb_names) {
      if ((elsewhere->verbs & other) != 0)
        verbs += (verbs.empty() ? "" : " and ") + std::string(name);
    }
    throw InputError(what + " '" + word + "' is only for " + verbs);
  }
  std::vector<std::string> candidates;
  for (const std::string& candidate : keys(verb)) candidates.push_back(dashes + candidate);
  throw InputError(what + " '" + word + "' is unknown; the nearest one is '" +
                   nearest(word, candidates) + "'");
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// A whole text as a number; nothing when anything is left over.
template <class T>
std::optional<T> parse(const std::string& text) {
  T value{};
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

[[noreturn]] void reject(const std::string& key, const std::string& text,
                         const std::string& admissible) {
  throw InputError("--" + key + " " + (text.empty() ? "''" : text) + " is not admissible; give " +
                   admissible);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(trimmed(part));
  return parts;
}

std::string or_else(const std::string& alternative) {
  return alternative.empty() ? "" : ", or " + alternative;
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
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

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
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
  for (const Spec& spec : table) {
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
    const auto parsed =
        po::command_line_parser(arguments).options(options).style(style).allow_unregistered().run();
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
      if (!texts.emplace(option.string_key, text).second) {
        throw InputError("option --" + option.string_key + " is given twice");
      }
    }
  } catch (const po::error_with_option_name& error) {
    std::string key = error.get_option_name();
    key.erase(0, key.find_first_not_of('-'));
    const Spec* spec = find(key, verb_);
    if (spec == nullptr) throw InputError(error.what());
    throw InputError(spec->argument == nullptr ? "option --" + key + " takes no value"
                                               : "option --" + key + " needs a value: " +
                                                     spec->argument + ", " + spec->help);
  }
  return texts;
}

Options::Texts Options::read_config_file(const std::string& path) const {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path)) {
    throw InputError("the configuration file " + path + " cannot be read");
  }
  Texts texts;
  try {
    const auto parsed = po::parse_config_file(file, po::options_description(), true);
    for (const auto& option : parsed.options) {
      const std::string& key = option.string_key;
      if (key == "config" || key == "help") {
        throw InputError("in " + path + ", key '" + key + "' is only for the command line");
      }
      if (find(key, verb_) == nullptr) unknown("in " + path + ", key", "", key, verb_);
      const std::string text = option.value.empty() ? "" : trimmed(option.value.front());
      if (!texts.emplace(key, text).second) {
        throw InputError("in " + path + ", key '" + key + "' is given twice");
      }
    }
  } catch (const po::error& error) {
    throw InputError("the configuration file " + path + " is faulty: " + error.what());
  }
  return texts;
}

void Options::add_stored(const Texts& values, const std::string& group) {
  Texts layer;
  for (const auto& [key, text] : values) {
    const Spec* spec = find(key, verb_);
    if (spec != nullptr && (group.empty() || group == spec->group)) layer[key] = text;
  }
  apply(std::move(layer), Origin::stored_file);
}

void Options::apply(Texts layer, Origin origin) {
  if (const auto seed = layer.find("seed"); seed != layer.end()) {
    const std::string text = seed->second;
    layer.try_emplace("data-seed", text);
    layer.try_emplace("weight-seed", text);
  }
  for (const auto& [key, text] : layer) {
    Value& value = values_[key];
    if (value.origin <= origin) value = {text, origin};
  }
}

bool Options::given(const std::string& key) const { return origin(key) >= Origin::config_file; }

std::string Options::origin_in_words(const std::string& key) const {
  const char* followed = find(key, verb_)->follows;
  const bool follows = followed != nullptr && values_.at(key).text.empty();
  return follows ? std::string("as --") + followed : in_words(origin(key));
}

std::string Options::text(const std::string& key) const {
  const std::string& own = values_.at(key).text;
  const char* followed = find(key, verb_)->follows;
  return own.empty() && followed != nullptr ? text(followed) : own;
}

bool Options::flag(const std::string& key) const {
  const std::string& text = values_.at(key).text;
  if (text.empty() || text == "false" || text == "0" || text == "no") return false;
  if (text == "true" || text == "1" || text == "yes") return true;
  reject(key, text, "true or false");
}

std::int64_t Options::integer(const std::string& key, std::int64_t low, std::int64_t high,
                              const std::string& alternative) const {
  const std::string text = this->text(key);
  auto number = parse<std::int64_t>(text);
  if (!number) {
    // 1e6 is a whole number too.
    const auto real = parse<double>(text);
    if (real && std::abs(*real) < 1e15 && *real == std::floor(*real)) {
      number = static_cast<std::int64_t>(*real);
    }
  }
  if (!number || *number < low || *number > high) {
    reject(key, text,
           "a whole number from " + std::to_string(low) + " to " + std::to_string(high) +
               or_else(alternative));
  }
  return *number;
}

std::uint64_t Options::seed(const std::string& key) const {
  const std::string text = this->text(key);
  const auto number = parse<std::uint64_t>(text);
  if (!number) reject(key, text, "a whole number from 0 to 18446744073709551615");
  return *number;
}

double Options::number(const std::string& key, double low, double high,
                       const std::string& alternative) const {
  const std::string text = this->text(key);
  const auto number = parse<double>(text);
  if (!number || !std::isfinite(*number) || *number < low || *number > high) {
    const std::string range = std::isfinite(high)
                                  ? "a number from " + shown(low) + " to " + shown(high)
                                  : "a finite number >= " + shown(low);
    reject(key, text, range + or_else(alternative));
  }
  return *number;
}

double Options::time(const std::string& key) const {
  const std::string text = this->text(key);
  std::optional<double> time = parse<double>(text);
  if (const auto pi = text.find("pi"); pi != std::string::npos) {
    std::string factor = trimmed(text.substr(0, pi));
    if (!factor.empty() && factor.back() == '*')
      factor = trimmed(factor.substr(0, factor.size() - 1));
    const std::string rest = trimmed(text.substr(pi + 2));
    const auto numerator = pi == 0 ? 1.0 : parse<double>(factor);
    const auto denominator = rest.empty()          ? 1.0
                             : rest.front() == '/' ? parse<double>(trimmed(rest.substr(1)))
                                                   : std::nullopt;
    if (numerator && denominator) {
      time = *numerator * boost::math::constants::pi<double>() / *denominator;
    }
  }
  if (!time || !(*time > 0 && *time <= 1e6)) {
    reject(key, text, "a positive time such as 6.28, 2pi or pi/2, at most 1e6");
  }
  return *time;
}

std::vector<Index> Options::widths(const std::string& key) const {
  const std::string text = this->text(key);
  const std::string admissible = "widths from 1 to 4096, separated by commas, such as 16,16";
  std::vector<Index> result;
  for (const std::string& part : split(text + ',', ',')) {
    const auto width = parse<std::int64_t>(part);
    if (!width || *width < 1 || *width > 4096) reject(key, text, admissible);
    result.push_back(*width);
  }
  return result;
}

std::map<std::string, double> Options::parameters(const std::string& key) const {
  const std::string text = this->text(key);
  const std::string admissible = "name=number pairs of different names, separated by commas";
  std::map<std::string, double> result;
  for (const std::string& part : split(text, ',')) {
    const auto equals = part.find('=');
    const auto number = equals == std::string::npos
                            ? std::nullopt
                            : parse<double>(trimmed(part.substr(equals + 1)));
    if (!number || !result.emplace(trimmed(part.substr(0, equals)), *number).second) {
      reject(key, text, admissible);
    }
  }
  return result;
}

std::size_t Options::choice(const std::string& key, const std::vector<std::string>& names) const {
  const std::string text = this->text(key);
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) reject(key, text, (names.size() == 1 ? "" : "one of ") + listed(names));
  return static_cast<std::size_t>(found - names.begin());
}

std::vector<std::size_t> Options::choices(const std::string& key,
                                          const std::vector<std::string>& names) const {
  const std::string text = this->text(key);
  std::vector<std::size_t> result;
  for (const std::string& part : split(text + ',', ',')) {
    const auto found = std::find(names.begin(), names.end(), part);
    if (found == names.end()) reject(key, text, "any of " + listed(names));
    result.push_back(static_cast<std::size_t>(found - names.begin()));
  }
  return result;
}

std::vector<std::string> Options::configuration_keys() const {
  std::vector<std::string> result;
  for (const Spec& spec : table) {
    if ((spec.verbs & verb_) != 0 && spec.configuration) result.emplace_back(spec.key);
  }
  return result;
}

std::string Options::echo() const {
  std::ostringstream lines;
  for (const std::string& key : keys(verb_)) {
    if (key == "help") continue;
    const std::string text = this->text(key);
    lines << "  " << std::left << std::setw(20) << key << "= " << (text.empty() ? "-" : text)
          << "  (" << origin_in_words(key) << ")\n";
  }
  return lines.str();
}

namespace {

constexpr const char* program_help =
    R"(isochron learns force fields by training neural ODEs to high accuracy.

usage: isochron VERB [options]

  train      learn a force field, write a results file
  simulate   integrate initial states through a learned or analytic force
  show       a results file on one screen (--json: the same for programs)
  plot       figures from a results file

isochron VERB --help lists the options of a verb, isochron --version the versions.
All quantities are dimensionless, for unit mass; wall time is in s.

exit status: 0 done, 1 a check disagreed, 2 bad input, 3 numerical failure, 4 a write failed,
130 or 143 interrupted by SIGINT or SIGTERM (train: after a complete file was written)
)";

const char* usage(Verb verb) {
  switch (verb) {
    case verb_train:
      return "isochron train [options]\n\nLearns a force field and writes a results file.\n";
    case verb_simulate:
      return "isochron simulate (--model FILE | --force NAME) [options]\n\n"
             "Integrates initial states and writes data, orbits, energies and their drift.\n";
    case verb_show: return "isochron show FILE [--json]\n\nA results file on one screen.\n";
    case verb_plot: return "isochron plot FILE [options]\n\nDraws the figures of a results file.\n";
  }
  return "";
}

/// One option: its name on the left, the words on the right, wrapped at 100 columns.
std::string help_lines(const Spec& spec) {
  constexpr std::size_t indent = 30;
  constexpr std::size_t width = 70;
  const std::string key = spec.key;
  std::string left = key == "output" ? "  -o, --" : key == "help" ? "  -h, --" : "  --";
  left += key;
  std::string right = spec.help;
  if (spec.argument != nullptr) {
    left += std::string(" ") + spec.argument;
    if (*spec.standard != '\0') right += std::string(" [") + spec.standard + "]";
  }
  const std::string margin = '\n' + std::string(indent, ' ');
  std::string lines =
      left + (left.size() < indent ? std::string(indent - left.size(), ' ') : margin);
  while (right.size() > width) {
    const auto cut = right.rfind(' ', width);
    lines += right.substr(0, cut) + margin;
    right.erase(0, cut + 1);
  }
  return lines + right + '\n';
}

}  // namespace

std::string help(std::optional<Verb> verb) {
  if (!verb) return program_help;
  std::string text = std::string("usage: ") + usage(*verb) +
                     "All quantities are dimensionless, for unit mass; wall time is in s. Defaults "
                     "stand in [].\n";
  std::string group;
  for (const Spec& spec : table) {
    if ((spec.verbs & *verb) == 0) continue;
    if (group != spec.group) {
      group = spec.group;
      text += '\n' + group + ":\n";
    }
    text += help_lines(spec);
  }
  return text;
}

}  // namespace isochron::cli
