#include "cli/stored_configuration.hpp"

#include <fmt/core.h>
#include <set>
#include <vector>

#include "cli/json.hpp"
#include "cli/option_table.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

template <class... Values>
[[noreturn]] void refuse(const std::string& file, fmt::format_string<const Values&...> why,
                         const Values&... values) {
  throw InputError(
      fmt::format("the configuration in {} {}", shown(file), fmt::format(why, values...)));
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
      if (!names_.back().insert(name).second) refuse(file_, "names {} twice", quoted(name));
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

std::string written(const Json& configuration) {
  return configuration.dump(2, ' ', false, Json::error_handler_t::replace);
}

/// The inverse of typed().
std::string untyped(const Json& value, const std::string& key, const std::string& file) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number()) refuse(file, "has no text or number for the option {}", quoted(key));
  return value.dump();
}

/// Where the value of an option came from, in words.
std::string origin_of(const Json& configuration, const std::string& key, const std::string& file) {
  const auto origins = configuration.find("origin");
  if (origins != configuration.end() && origins->is_object()) {
    const auto origin = origins->find(key);
    if (origin != origins->end() && origin->is_string()) return origin->get<std::string>();
  }
  refuse(file, "does not say where the option {} came from", quoted(key));
}

/// Whether two verbs mean different options by one name, as train and simulate by --noise.
bool differs(const std::string& key, const Json& configuration, Verb verb) {
  const auto stored = configuration.find("verb");
  if (stored == configuration.end() || !stored->is_string()) return false;
  const Option* here = find_option(key, verb);
  for (const auto& [other, name] : verb_names) {
    if (stored->get<std::string>() != name) continue;
    const Option* there = find_option(key, other);
    return here != nullptr && there != nullptr && here != there;
  }
  return false;
}

/// The stored values of the options that are `wanted`, where no others are given.
template <class Wanted>
Configuration with_stored_if(Configuration configuration, const Configuration& stored,
                             const Wanted& wanted) {
  for (const Option* option : options_of(configuration.verb)) {
    const std::string key = option->key;
    const bool is_stored = option->reproduces && find_option(key, stored.verb) != nullptr;
    if (!is_stored || !wanted(*option) || configuration.given(key)) continue;
    option->setting.take(configuration, stored);
    configuration.sources[key] = stored.source(key);
  }
  return configuration;
}

}  // namespace

std::string configuration_json(const Configuration& configuration) {
  Json config;
  config["verb"] = name_of(configuration.verb);
  for (const std::string& key : reproducing_keys(configuration)) {
    config["options"][key] = typed(text_of(configuration, key));
    config["origin"][key] = origin_in_words(configuration, key);
  }
  return written(config);
}

std::string with_default(Verb verb, const std::string& key, const std::string& text,
                         const std::string& file) {
  Json config = parsed_configuration(text, file);
  Configuration defaults;
  defaults.verb = verb;
  config["options"][key] = typed(text_of(defaults, key));
  config["origin"][key] = origin_in_words(defaults, key);
  return written(config);
}

Json parsed_configuration(const std::string& text, const std::string& file) {
  if (text.empty()) return nullptr;
  constexpr std::size_t largest = std::size_t{1} << 20;
  if (text.size() > largest) refuse(file, "is larger than 1 MiB");
  Json json = Json::parse(text, Watch(file), false);
  if (!json.is_object()) refuse(file, "is not a JSON object");
  return json;
}

Json stored_object(const Json& configuration, const std::string& name) {
  if (!configuration.is_object()) return Json::object();
  const auto found = configuration.find(name);
  return found != configuration.end() && found->is_object() ? *found : Json::object();
}

std::string stored_text(const Json& object, const std::string& key, const std::string& otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

Configuration stored_configuration(Verb verb, const std::string& text, const std::string& file) {
  const Json json = parsed_configuration(text, file);
  const auto options = json.find("options");
  require(options != json.end() && options->is_object(), "{} holds no configuration of a run",
          shown(file));
  Layer defaults{Origin::default_value, {}, file};
  Layer asked_for{Origin::stored_file, {}, file};
  for (const auto& [key, value] : options->items()) {
    if (find_option(key, ~0U) == nullptr) {
      refuse(file, "has the option {}, which this version of isochron does not know", quoted(key));
    }
    const std::string origin = origin_of(json, key, file);
    const bool follows = origin.starts_with("as --");
    if (value.is_null() || differs(key, json, verb)) continue;
    const std::string value_text = untyped(value, key, file);
    if (!follows) (origin == "default" ? defaults : asked_for).texts[key] = value_text;
  }
  Configuration configuration;
  configuration.verb = verb;
  return layered(layered(std::move(configuration), defaults), asked_for);
}

Configuration with_stored(Configuration configuration, const Configuration& stored) {
  return with_stored_if(std::move(configuration), stored, [](const Option&) { return true; });
}

Configuration with_stored_problem(Configuration configuration, const Configuration& stored) {
  return with_stored_if(std::move(configuration), stored, [](const Option& option) {
    const std::string group = option.group;
    return group == "Problem" || group == "Force field";
  });
}

}  // namespace isochron::cli
