#include "cli/force_option.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "named_parameters.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

constexpr std::string_view network_name = "mlp";
constexpr std::string_view network_beside = "+mlp";

Names<std::string> analytic_forces() {
  Names<std::string> names;
  for (const std::string& name : analytic_names()) names.emplace_back(name, name);
  return names;
}

/// None of these options has a meaning without an analytic force.
void refuse_parameters(const Configuration& configuration) {
  const auto refuse = [](bool is_set, const char* key) {
    require(!is_set,
            "--{} is for an analytic --force, alone or with a network as in harmonic+mlp; "
            "a network has no named parameters",
            key);
  };
  refuse(!configuration.parameters.empty(), "params");
  refuse(!configuration.fitted.empty(), "fit");
  refuse(!configuration.bounds.empty(), "bounds");
  refuse(!configuration.logarithmic.empty(), "log");
}

/// The parameter that the option `key` names. Throws InputError when there is none.
AnalyticParameter& named_by(const char* key, const std::string& name, AnalyticTerm& term,
                            const std::vector<NamedParameter>& formula) {
  const auto found = std::find_if(term.parameters.begin(), term.parameters.end(),
                                  [&](const AnalyticParameter& p) { return p.name == name; });
  require(found != term.parameters.end(), "--{} {}: the force {} has no such parameter: {}{}", key,
          shown(name), term.name, formula.empty() ? "" : "admissible are ", listed(formula));
  return *found;
}

/// The fitted parameter that says on which scale it is.
AnalyticParameter& scaled_by(const char* key, const std::string& name, AnalyticTerm& term,
                             const std::vector<NamedParameter>& formula) {
  AnalyticParameter& parameter = named_by(key, name, term, formula);
  require(parameter.is_fitted, "--{} {} is for a parameter that is fitted; give --fit {}, too", key,
          name, name);
  return parameter;
}

/// A bound that is absent is that of the parameter's own range, if this has one.
void complete(ParameterScale& scale, const NamedParameter& range) {
  if (!scale.bounds) return;
  auto& [left, right] = *scale.bounds;
  const bool is_above_by_scale = scale.logarithmic && range.low <= 0;
  if (std::isinf(left) && !is_above_by_scale) left = range.low;
  if (std::isinf(right)) right = range.high;
}

/// That a fit can start where the parameter stands.
void check_start(const AnalyticParameter& parameter, const NamedParameter& range) {
  const auto& [name, value, is_fitted, scale] = parameter;
  require(!scale.logarithmic || value > 0,
          "--log {0} needs a start {0} > 0, not {0} = {1:g}; give --params {0}=VALUE", name, value);
  if (!scale.bounds) return;
  const auto [low, high] = *scale.bounds;
  const std::string bounds = fmt::format("--bounds {}={}", name, range_in_words(low, high));
  const bool is_above = low >= range.low || (scale.logarithmic && std::isinf(low));
  require(is_above && high <= range.high, "{} leaves the range of the parameter: it needs {}",
          bounds, admissible_range(range));
  require(!scale.logarithmic || low > 0 || std::isinf(low),
          "{0} and --log {1} need a lower bound > 0", bounds, name);
  require(value > low && value < high,
          "{0} does not hold the start {1} = {2:g}; give --params {1}=VALUE with a value between",
          bounds, name, value);
}

AnalyticTerm term_asked_for(const Configuration& configuration, const std::string& name) {
  require(name != "lotka-volterra" || configuration.motion == Motion::first_order,
          "--force {} is a field of first-order dynamics; give --dynamics first-order", name);
  const std::vector<NamedParameter> formula = analytic_parameters(name, configuration.dimension);
  AnalyticTerm term = analytic_term(name, configuration.dimension, configuration.parameters);
  for (const std::string& fitted : configuration.fitted) {
    named_by("fit", fitted, term, formula).is_fitted = true;
  }
  for (const std::string& logarithmic : configuration.logarithmic) {
    scaled_by("log", logarithmic, term, formula).scale.logarithmic = true;
  }
  for (const auto& [bounded, bounds] : configuration.bounds) {
    scaled_by("bounds", bounded, term, formula).scale.bounds = {bounds.first, bounds.second};
  }
  for (std::size_t p = 0; p < formula.size(); ++p) complete(term.parameters[p].scale, formula[p]);
  for (std::size_t p = 0; p < formula.size(); ++p) check_start(term.parameters[p], formula[p]);
  return term;
}

/// Options of the network have no meaning without one.
void refuse_network_options(const Configuration& configuration) {
  for (const char* key : {"hidden", "activation", "symmetry", "skip", "output-scale"}) {
    require(!configuration.given(key), "{} is for a network; give --force {}+mlp",
            as_typed(configuration, key), configuration.force);
  }
}

}  // namespace

Codec<std::string> force_name() {
  Names<std::string> names = analytic_forces();
  const Codec<std::string> analytic = one_of(names);
  names.insert(names.begin(), {std::string(network_name), std::string(network_name)});
  const Codec<std::string> alone = one_of(names);
  return {[=](const std::string& text) -> std::optional<std::string> {
            if (!text.ends_with(network_beside)) return alone.parse(text);
            const std::string name = text.substr(0, text.size() - network_beside.size());
            return analytic.parse(name) ? std::optional(text) : std::nullopt;
          },
          [](const std::string& force) { return force; },
          alone.wanted + "; or an analytic one and a network, as harmonic+mlp", "", alone.choices};
}

std::optional<std::string> analytic_part(const std::string& force) {
  if (force == network_name) return std::nullopt;
  return force.substr(0, force.size() - (has_network(force) ? network_beside.size() : 0));
}

bool has_network(const std::string& force) {
  return force == network_name || force.ends_with(network_beside);
}

std::string force_name_of(const ForceStructure& structure) {
  if (!structure.known) return std::string(network_name);
  return structure.known->name + (structure.network ? std::string(network_beside) : "");
}

Configuration with_dimension_of_force(Configuration configuration) {
  const auto name = analytic_part(configuration.force);
  const auto only = name ? analytic_dimension(*name) : std::nullopt;
  if (!only) return configuration;
  require(configuration.dimension == *only || configuration.is_default("dimension"),
          "the force {} has {}; leave out {}", *name,
          *only == 1 ? "one dimension" : fmt::format("{} dimensions", *only),
          as_typed(configuration, "dimension"));
  configuration.dimension = *only;
  return configuration;
}

ForceStructure force_asked_for(const Configuration& configuration) {
  ForceStructure asked;
  if (const auto name = analytic_part(configuration.force)) {
    asked.known = term_asked_for(configuration, *name);
  } else {
    refuse_parameters(configuration);
  }
  if (has_network(configuration.force)) asked.network = network_of(configuration)->architecture();
  return asked;
}

ForceFieldPtr trainable_field(const Configuration& configuration) {
  const ForceStructure asked = force_asked_for(configuration);
  ForceFieldPtr field = make_field(asked);
  if (field->parameters() == 0) {
    const auto formula = analytic_parameters(configuration.force, configuration.dimension);
    throw InputError(fmt::format(
        "--force {0} has no parameters to train; give {1}{0}+mlp, or mlp; to imitate it: --hold "
        "{0} --hold-range A,B; to run it: isochron simulate",
        configuration.force, formula.empty() ? "" : fmt::format("--fit {}, ", listed(formula))));
  }
  if (!asked.network) refuse_network_options(configuration);
  return field;
}

void require_network_alone(const Configuration& configuration) {
  require(configuration.force == network_name, "--force {} is not for {}; give mlp",
          configuration.force, name_of(configuration.verb));
  refuse_parameters(configuration);
}

std::shared_ptr<const Mlp> network_of(const Configuration& configuration) {
  std::vector<Index> layers = configuration.hidden;
  layers.insert(layers.begin(), configuration.dimension);
  layers.push_back(configuration.dimension);
  require(configuration.symmetry == Symmetry::none || is_odd(configuration.activation),
          "{} is not an odd function, which {} needs; give --activation tanh or sin",
          as_typed(configuration, "activation"), as_typed(configuration, "symmetry"));
  return std::make_shared<Mlp>(layers, configuration.symmetry, configuration.skip,
                               configuration.activation);
}

Vector initial_parameters(const Configuration& configuration, const ForceField& field) {
  return starting_parameters(field, configuration.weight_seed, configuration.output_scale);
}

std::string widths(const std::vector<Index>& layers) {
  return fmt::format("{}", fmt::join(layers, "-"));
}

}  // namespace isochron::cli
