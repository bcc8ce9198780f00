#include "cli/stored_configuration.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "cli/option_table.hpp"
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

}  // namespace

std::string configuration_json(const Configuration& configuration) {
  Json config;
  config["verb"] = name_of(configuration.verb);
  for (const std::string& key : reproducing_keys(configuration)) {
    config["options"][key] = typed(text_of(configuration, key));
    config["origin"][key] = origin_in_words(configuration, key);
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

StoredConfiguration::StoredConfiguration(const std::string& text, const std::string& file) {
  const Json json = parsed_configuration(text, file);
  const auto options = json.find("options");
  if (options == json.end() || !options->is_object()) {
    throw InputError(shown(file) + " holds no configuration of a run");
  }
  for (const auto& [key, value] : options->items()) {
    if (find_option(key, ~0U) == nullptr) {
      refuse(file,
             "has the option " + quoted(key) + ", which this version of isochron does not know");
    }
    const std::string origin = origin_of(json, key, file);
    const bool follows = origin.starts_with("as --");
    if (value.is_null()) continue;
    const std::string value_text = untyped(value, key, file);
    if (!follows) (origin == "default" ? defaults : asked_for).texts[key] = value_text;
  }
  defaults.file = asked_for.file = file;
}

bool StoredConfiguration::asks_for(const std::string& key) const {
  return asked_for.texts.count(key) != 0;
}

Configuration with_stored(Configuration configuration, const StoredConfiguration& stored) {
  return layered(layered(std::move(configuration), stored.defaults), stored.asked_for);
}

Configuration with_stored_force(Configuration configuration, const StoredConfiguration& stored) {
  StoredConfiguration force = stored;
  for (Layer* layer : {&force.defaults, &force.asked_for}) {
    std::erase_if(layer->texts, [&](const auto& entry) {
      const Option* option = find_option(entry.first, configuration.verb);
      if (option == nullptr) return true;
      const std::string group = option->group;
      return group != "Problem" && group != "Force field";
    });
  }
  return with_stored(std::move(configuration), force);
}

Configuration as_stored(Verb verb, const StoredConfiguration& stored) {
  Configuration configuration;
  configuration.verb = verb;
  return with_stored(std::move(configuration), stored);
}

}  // namespace isochron::cli
