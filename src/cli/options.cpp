#include "cli/options.hpp"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <boost/program_options.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
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
  bool configuration = true;  // part of what makes a run reproducible
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
    {"data-seed", "S", "", runs, "Problem", "seed of the initial states (default: --seed)"},
    {"weight-seed", "S", "", runs, "Problem", "seed of the initial weights (default: --seed)"},

    {"force", "NAME", "mlp", runs, "Force field",
     "mlp, or for simulate an analytic one: harmonic, duffing, pendulum, morse, poschl-teller, "
     "isotonic, hyperbolic-shear, log-shear, split-harmonic, power"},
    {"params", "a=1,b=2", "", runs, "Force field", "parameters of an analytic force"},
    {"model", "FILE", "", verb_simulate, "Force field", "the force of a results file"},
    {"hidden", "W,W,..", "16,16", runs, "Force field", "widths of the hidden layers; 1 .. 4096 each"},
    {"activation", "NAME", "tanh", runs, "Force field", "tanh"},
    {"symmetry", "NAME", "none", runs, "Force field",
     "none, or odd (no biases: f(-q) = -f(q) exactly)"},

    {"method", "NAME", "adams", runs, "Integration", "adams or bdf (CVODES)"},
    {"rtol", "R", "1e-10", runs, "Integration",
     "relative tolerance of every trajectory; 1e-15 .. 1e-1, or auto: 1e-10, tightened to 1e-13 when "
     "training makes no more progress"},
    {"atol", "A", "", runs, "Integration",
     "absolute tolerance, dimensionless; 1e-15 .. 1e-1 (default: as --rtol)"},
    {"times", "K", "201", verb_simulate, "Integration", "samples per trajectory; 2 .. 100000"},
    {"threads", "K", "", runs, "Integration",
     "threads; 1 .. 1024 (default: all cores); results do not depend on it", false},

    {"gradient", "NAME", "adjoint", verb_train, "Training", "adjoint (CVODES)"},
    {"interpolation", "NAME", "polynomial", verb_train, "Training",
     "of the forward solution in the adjoint: polynomial or hermite"},
    {"optimizer", "NAME", "lbfgs", verb_train, "Training",
     "lbfgs, or adam (full batch, the note's baseline)"},
    {"memory", "M", "100", verb_train, "Training", "pairs that L-BFGS keeps; 3 .. 1000"},
    {"learning-rate", "R", "0.01", verb_train, "Training", "Adam's step; > 0 .. 10"},
    {"iterations", "K", "unlimited", verb_train, "Training",
     "0 .. 10^9, or unlimited; with --resume: so many more"},
    {"max-time", "S", "60", verb_train, "Training", "wall time in s; > 0 .. 10^9"},
    {"loss-tolerance", "L", "0", verb_train, "Training", "stop at this loss; >= 0"},
    {"gradient-tolerance", "G", "0", verb_train, "Training", "stop at this max |dL/dtheta|; >= 0"},
    {"restarts", "K", "1", verb_train, "Training",
     "weight seeds tried, the best kept; 1 .. 1000; they share --max-time"},

    {"output", "FILE", "isochron.h5", runs, "Files", "results file; must not exist", false},
    {"overwrite", nullptr, "", runs, "Files", "replace an existing output file", false},
    {"resume", "FILE", "", verb_train, "Files",
     "continue this file with its configuration, into it or into --output", false},
    {"checkpoint-interval", "S", "5", verb_train, "Files", "s between checkpoints; > 0 .. 10^6",
     false},
    {"config", "FILE", "", runs, "Files", "ini file, key = value, the keys of these options", false},

    {"json", nullptr, "", verb_show, "Output", "the same for programs", false},
    {"output", "FOLDER", ".", verb_plot, "Output", "folder for the figures; is created", false},
    {"format", "LIST", "svg,png", verb_plot, "Output", "any of svg, png, pdf", false},

    {"quiet", nullptr, "", runs, "Output", "no progress on stderr", false},
    {"verbose", nullptr, "", runs, "Output", "also the configuration with its origins", false},
    {"help", nullptr, "", ~0U, "Output", "this text", false},
};

const Spec* find(const std::string& key, Verb verb) {
  for (const Spec& spec : table) {
    if ((spec.verbs & verb) != 0 && key == spec.key) return &spec;
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
    const std::string name =
        key == "output" ? "output,o" : key == "help" ? "help,h" : key;
    if (spec.argument == nullptr) {
      options.add_options()(name.c_str(), po::bool_switch(), spec.help);
    } else {
      options.add_options()(name.c_str(), po::value<std::string>(), spec.help);
    }
  }
  return options;
}

[[noreturn]] void unknown(const std::string& what, const std::string& word, Verb verb) {
  throw InputError(what + " '" + word + "' is unknown; the nearest one is '" +
                   nearest(word, keys(verb)) + "'");
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

}  // namespace

std::string describe(Origin origin) {
  switch (origin) {
    case Origin::default_value: return "default";
    case Origin::resumed_file: return "resumed file";
    case Origin::config_file: return "file";
    case Origin::command_line: return "command line";
  }
  return "";
}

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
  return *std::min_element(
      candidates.begin(), candidates.end(),
      [&](const auto& a, const auto& b) { return edits(a) < edits(b); });
}

Options::Options(Verb verb, const std::vector<std::string>& arguments) : verb_(verb) {
  for (const Spec& spec : table) {
    if ((spec.verbs & verb) != 0) values_[spec.key] = {spec.standard, Origin::default_value};
  }
  const po::options_description options = description(verb);
  try {
    const int style = po::command_line_style::default_style &
                      ~po::command_line_style::allow_guessing;
    const auto parsed =
        po::command_line_parser(arguments).options(options).style(style).allow_unregistered().run();
    for (const auto& option : parsed.options) {
      if (option.position_key >= 0) {
        positional_.insert(positional_.end(), option.value.begin(), option.value.end());
        continue;
      }
      if (option.unregistered) unknown("option", option.original_tokens.front(), verb);
      if (values_[option.string_key].origin == Origin::command_line) {
        throw InputError("option --" + option.string_key + " is given twice");
      }
      values_[option.string_key] = {option.value.empty() ? "true" : option.value.front(),
                                    Origin::command_line};
    }
  } catch (const po::error& error) {
    throw InputError(error.what());
  }
  if (values_.count("config") != 0 && given("config")) read_config_file(text("config"));
}

void Options::read_config_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw InputError("the configuration file " + path + " cannot be read");
  po::options_description any;
  try {
    const auto parsed = po::parse_config_file(file, any, true);
    for (const auto& option : parsed.options) {
      const Spec* spec = find(option.string_key, verb_);
      if (spec == nullptr || option.string_key == "config" || option.string_key == "help") {
        unknown("in " + path + ", key", option.string_key, verb_);
      }
      Value& value = values_[option.string_key];
      if (value.origin == Origin::command_line) continue;
      if (value.origin == Origin::config_file) {
        throw InputError("in " + path + ", key " + option.string_key + " is given twice");
      }
      value = {trimmed(option.value.empty() ? "" : option.value.front()), Origin::config_file};
    }
  } catch (const po::error& error) {
    throw InputError("the configuration file " + path + " is faulty: " + error.what());
  }
}

void Options::add_resumed(const std::map<std::string, std::string>& values) {
  for (const auto& [key, text] : values) {
    const auto found = values_.find(key);
    if (found != values_.end() && found->second.origin == Origin::default_value) {
      found->second = {text, Origin::resumed_file};
    }
  }
}

const Options::Value& Options::value(const std::string& key) const { return values_.at(key); }

bool Options::given(const std::string& key) const {
  return value(key).origin >= Origin::config_file;
}

Origin Options::origin(const std::string& key) const { return value(key).origin; }

std::string Options::text(const std::string& key) const { return value(key).text; }

bool Options::flag(const std::string& key) const {
  const std::string& text = value(key).text;
  if (text.empty() || text == "false" || text == "0" || text == "no") return false;
  if (text == "true" || text == "1" || text == "yes") return true;
  reject(key, text, "true or false");
}

std::int64_t Options::integer(const std::string& key, std::int64_t low, std::int64_t high) const {
  const std::string& text = value(key).text;
  auto number = parse<std::int64_t>(text);
  if (!number) {
    // 1e6 is a whole number too.
    const auto real = parse<double>(text);
    if (real && std::abs(*real) < 1e15 && *real == std::floor(*real)) {
      number = static_cast<std::int64_t>(*real);
    }
  }
  if (!number || *number < low || *number > high) {
    reject(key, text, "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return *number;
}

std::uint64_t Options::seed(const std::string& key) const {
  const std::string& text = value(key).text;
  if (text.empty()) return seed("seed");
  const auto number = parse<std::uint64_t>(text);
  if (!number) reject(key, text, "a whole number from 0 to 18446744073709551615");
  return *number;
}

double Options::number(const std::string& key, double low, double high) const {
  const std::string& text = value(key).text;
  const auto number = parse<double>(text);
  if (!number || !(*number >= low && *number <= high)) {
    reject(key, text, "a number from " + shown(low) + " to " + shown(high));
  }
  return *number;
}

double Options::time(const std::string& key) const {
  const std::string& text = value(key).text;
  const std::string admissible = "a positive time such as 6.28, 2pi or pi/2, at most 1e6";
  double result = 1;
  const auto pi = text.find("pi");
  if (pi == std::string::npos) {
    const auto number = parse<double>(text);
    if (!number) reject(key, text, admissible);
    result = *number;
  } else {
    std::string before = trimmed(text.substr(0, pi));
    if (!before.empty() && before.back() == '*') before = trimmed(before.substr(0, before.size() - 1));
    const std::string after = trimmed(text.substr(pi + 2));
    const auto factor = before.empty() ? std::optional<double>(1) : parse<double>(before);
    const bool divided = !after.empty() && after.front() == '/';
    const auto divisor = after.empty()   ? std::optional<double>(1)
                         : divided       ? parse<double>(trimmed(after.substr(1)))
                                         : std::nullopt;
    if (!factor || !divisor) reject(key, text, admissible);
    result = *factor * boost::math::constants::pi<double>() / *divisor;
  }
  if (!(result > 0 && result <= 1e6)) reject(key, text, admissible);
  return result;
}

std::vector<Index> Options::widths(const std::string& key) const {
  const std::string& text = value(key).text;
  const std::string admissible = "widths from 1 to 4096, separated by commas, such as 16,16";
  std::vector<Index> result;
  for (const std::string& part : split(text, ',')) {
    const auto width = parse<std::int64_t>(part);
    if (!width || *width < 1 || *width > 4096) reject(key, text, admissible);
    result.push_back(*width);
  }
  if (result.empty() || text.back() == ',') reject(key, text, admissible);
  return result;
}

std::map<std::string, double> Options::parameters(const std::string& key) const {
  const std::string& text = value(key).text;
  std::map<std::string, double> result;
  for (const std::string& part : split(text, ',')) {
    const auto equals = part.find('=');
    const auto number =
        equals == std::string::npos ? std::nullopt : parse<double>(trimmed(part.substr(equals + 1)));
    if (!number) reject(key, text, "name=number pairs, separated by commas");
    result[trimmed(part.substr(0, equals))] = *number;
  }
  return result;
}

std::size_t Options::choice(const std::string& key, const std::vector<std::string>& names) const {
  const std::string& text = value(key).text;
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) {
    std::string list;
    for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
    reject(key, text, (names.size() == 1 ? "" : "one of ") + list);
  }
  return static_cast<std::size_t>(found - names.begin());
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
    const Value& v = value(key);
    lines << "  " << key << std::string(key.size() < 20 ? 20 - key.size() : 1, ' ') << "= "
          << (v.text.empty() ? "-" : v.text) << "  (" << describe(v.origin) << ")\n";
  }
  return lines.str();
}

std::string help(std::optional<Verb> verb) {
  if (!verb) {
    return "isochron learns force fields by training neural ODEs to high accuracy.\n"
           "\n"
           "usage: isochron VERB [options]\n"
           "\n"
           "  train      learn a force field, write a results file\n"
           "  simulate   integrate initial states through a learned or analytic force\n"
           "  show       a results file on one screen (--json: the same for programs)\n"
           "  plot       figures from a results file\n"
           "\n"
           "isochron VERB --help lists the options of a verb, isochron --version the versions.\n"
           "All quantities are dimensionless, for unit mass; wall time is in s.\n"
           "\n"
           "exit status: 0 done, 1 a check disagreed, 2 bad input, 3 numerical failure, 4 a write\n"
           "failed, 130 or 143 interrupted after a complete file was written\n";
  }
  const std::map<Verb, std::string> usage = {
      {verb_train, "isochron train [options]\n\nLearns a force field and writes a results file.\n"},
      {verb_simulate,
       "isochron simulate (--model FILE | --force NAME) [options]\n\nIntegrates initial states and "
       "writes data, orbits, energies and their drift.\n"},
      {verb_show, "isochron show FILE [--json]\n\nA results file on one screen.\n"},
      {verb_plot, "isochron plot FILE [options]\n\nDraws the figures of a results file.\n"},
  };
  std::ostringstream out;
  out << "usage: " << usage.at(*verb) << "All quantities are dimensionless, for unit mass; wall time is in s.\n";
  std::string group;
  for (const Spec& spec : table) {
    if ((spec.verbs & *verb) == 0) continue;
    if (group != spec.group) {
      group = spec.group;
      out << '\n' << group << ":\n";
    }
    std::string left = std::string(spec.key) == "output" ? "  -o, --output"
                       : std::string(spec.key) == "help" ? "  -h, --help"
                                                         : std::string("  --") + spec.key;
    if (spec.argument != nullptr) left += std::string(" ") + spec.argument;
    std::string right = spec.help;
    if (spec.argument != nullptr && *spec.standard != '\0') {
      right += std::string(" [") + spec.standard + "]";
    }
    // Wrapped at 100 columns, continuation lines indented.
    constexpr std::size_t indent = 30;
    constexpr std::size_t width = 70;
    out << left << (left.size() < indent ? std::string(indent - left.size(), ' ')
                                         : "\n" + std::string(indent, ' '));
    while (right.size() > width) {
      const auto cut = right.rfind(' ', width);
      out << right.substr(0, cut) << '\n' << std::string(indent, ' ');
      right = right.substr(cut + 1);
    }
    out << right << '\n';
  }
  return out.str();
}

}  // namespace isochron::cli
