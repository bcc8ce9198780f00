#include "cli/stored_configuration.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "cli/option_table.hpp"
#include "cli/run.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& file, const std::string& why) {
  throw InputError("the configuration in " + shown(file) + ' ' + why);
}

/// Follows the parser, which gives up at the first thing that no configuration has.
class Watch {
 public:
  explicit Watch(const std::string& file) : file_(file) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    if (event == Event::array_start) refuse(file_, "holds a list, but options are single values");
    if (event == Event::object_start) {
      const bool is_whole_or_member = depth < 2;
      if (!is_whole_or_member) refuse(file_, "is nested deeper than that of a run");
      names_.emplace_back();
    } else if (event == Event::object_end) {
      names_.pop_back();
    } else if (event == Event::key) {
      const auto& name = value.get_ref<const std::string&>();
      if (!names_.back().insert(name).second) refuse(file_, "names " + quoted(name) + " twice");
      constexpr std::size_t most = 1000;
      if (names_.back().size() > most) refuse(file_, "has more values than that of a run");
    }
    return true;
  }

 private:
  const std::string& file_;
  std::vector<std::set<std::string>> names_;  // of the objects that are open
};

/// A value as it is stored: numbers as numbers, so that programs need not parse them.
Json typed(const std::string& text) {
  if (text.empty()) return nullptr;
  const auto value = Json::parse(text, nullptr, false);
  const bool round_trips = value.is_number() && value.dump() == text;
  return round_trips ? value : Json(text);
}

/// The inverse.
std::string untyped(const Json& value, const std::string& key, const std::string& file) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number()) refuse(file, "has no text or number for the option " + quoted(key));
  return value.dump();
}

/// Where the value of an option came from, in words.
std::string origin_of(const Json& configuration, const std::string& key, const std::string& file) {
  const auto origins = configuration.find("origin");
  if (origins != configuration.end() && origins->is_object()) {
    const auto origin = origins->find(key);
    if (origin != origins->end() && origin->is_string()) return origin->get<std::string>();
  }
  refuse(file, "does not say where the option " + quoted(key) + " came from");
}

/// That the run's network and motion are those which its configuration describes.
void check_network(const Options& described, const Results& stored, const std::string& file) {
  const auto network = read_network(described);
  const ModelRecord& model = *stored.model;
  if (network->layers() == model.layers && network->symmetry() == model.symmetry &&
      network->skip() == model.skip && read_problem(described).motion == stored.motion)
    return;
  refuse(file, "describes another network or dynamics than the file holds");
}

/// That the run has the trajectories which its configuration asks for.
void check_trajectories(const Options& described, const Results& stored, const std::string& file) {
  const Index wanted = described.integer("trajectories", 1, 10000000);
  const Index orbits_per_period = stored.energies.size() > 0 ? 2 : 1;
  if (stored.initial_states.cols() == orbits_per_period * wanted &&
      stored.end_times.size() == stored.initial_states.cols())
    return;
  throw InputError("data/initial_states and data/end_times in " + shown(file) +
                   " are not those of " + std::to_string(wanted) +
                   " trajectories, as its configuration says");
}

}  // namespace

std::string configuration_json(const std::string& verb, const Options& options) {
  Json config;
  config["verb"] = verb;
  for (const std::string& key : options.configuration_keys()) {
    config["options"][key] = typed(options.text(key));
    config["origin"][key] = options.origin_in_words(key);
  }
  return config.dump(2, ' ', false, Json::error_handler_t::replace);
}

Json parsed_configuration(const std::string& text, const std::string& file) {
  if (text.empty()) return nullptr;
  constexpr std::size_t largest = std::size_t{1} << 20;
  if (text.size() > largest) refuse(file, "is larger than 1 MiB");
  Json json = Json::parse(text, Watch(file), false);
  if (!json.is_object()) refuse(file, "is not a JSON object");
  return json;
}

Options::Stored stored_configuration(const std::string& text, const std::string& file) {
  const Json json = parsed_configuration(text, file);
  const auto options = json.find("options");
  if (options == json.end() || !options->is_object()) {
    throw InputError(shown(file) + " holds no configuration of a run");
  }
  Options::Stored result;
  result.file = file;
  for (const auto& [key, value] : options->items()) {
    if (find_option(key, ~0U) == nullptr) {
      refuse(file,
             "has the option " + quoted(key) + ", which this version of isochron does not know");
    }
    const std::string origin = origin_of(json, key, file);
    const bool follows = origin.rfind("as --", 0) == 0;
    if (value.is_null()) continue;
    const std::string value_text = untyped(value, key, file);
    if (!follows) (origin == "default" ? result.defaults : result.asked_for)[key] = value_text;
  }
  return result;
}

Options::Stored stored_options(const Results& stored, const std::string& file) {
  Options::Stored result = stored_configuration(stored.config, file);
  Options described(verb_train, {});
  described.add_stored(result);
  check_network(described, stored, file);
  check_trajectories(described, stored, file);
  return result;
}

}  // namespace isochron::cli
