#include "isochron/analytic_force.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <memory>
#include <utility>

#include "isochron/composite_field.hpp"
#include "isochron/well.hpp"
#include "named_parameters.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

constexpr const char* linear_name = "linear";
constexpr const char* lotka_volterra_name = "lotka-volterra";
constexpr Index most_dimensions = 9;  // a component has one digit in the names a11, a12, ..

ForceFieldPtr linear_field(Index d) {
  const auto matrix = [d](const auto& theta) {
    return Eigen::MatrixXd(Eigen::Map<const RowMatrix>(theta.data(), d, d));
  };
  return make_force(
      d, d * d, [=](const Vector& q, const auto& theta) { return Vector(matrix(theta) * q); },
      [=](const Vector&, const auto& theta) { return matrix(theta); },
      [d](const Vector& q, const auto&) {
        Eigen::MatrixXd slopes = Eigen::MatrixXd::Zero(d, d * d);
        for (Index i = 0; i < d; ++i) slopes.row(i).segment(i * d, d) = q.transpose();
        return slopes;
      });
}

std::vector<NamedParameter> linear_parameters(Index d) {
  std::vector<NamedParameter> parameters;
  for (Index i = 1; i <= d; ++i) {
    for (Index j = 1; j <= d; ++j) {
      parameters.push_back({fmt::format("a{}{}", i, j), i == j ? -1.0 : 0.0});
    }
  }
  return parameters;
}

/// theta = (alpha, beta, gamma, delta).
ForceFieldPtr lotka_volterra_field() {
  return make_force(
      2, 4,
      [](const Vector& y, const auto& k) {
        const double meetings = y[0] * y[1];
        return Vector{{k[0] * y[0] - k[1] * meetings, k[3] * meetings - k[2] * y[1]}};
      },
      [](const Vector& y, const auto& k) {
        return Eigen::MatrixXd{{k[0] - k[1] * y[1], -k[1] * y[0]},
                               {k[3] * y[1], k[3] * y[0] - k[2]}};
      },
      [](const Vector& y, const auto&) {
        const double meetings = y[0] * y[1];
        return Eigen::MatrixXd{{y[0], -meetings, 0, 0}, {0, 0, -y[1], meetings}};
      });
}

void require_dimension(const std::string& name, Index dimension) {
  if (const auto only = analytic_dimension(name)) {
    require(dimension == *only, "the force {} has {}, not {}", name,
            *only == 1 ? "one dimension" : fmt::format("{} dimensions", *only), dimension);
  }
  require(dimension >= 1 && dimension <= most_dimensions,
          "the force {} has at most {} dimensions, not {}", name, most_dimensions, dimension);
}

/// The dimension in which the formula of a term has as many parameters.
Index dimension_of(const AnalyticTerm& term) {
  if (const auto only = analytic_dimension(term.name)) return *only;
  const auto count = static_cast<Index>(term.parameters.size());
  Index d = 1;
  while (d < most_dimensions && d * d < count) ++d;
  return d;
}

std::vector<Index> fitted_indices(const AnalyticTerm& term) {
  std::vector<Index> indices;
  for (std::size_t p = 0; p < term.parameters.size(); ++p) {
    if (term.parameters[p].is_fitted) indices.push_back(static_cast<Index>(p));
  }
  return indices;
}

/// That the parameters are those of the formula, within their ranges.
void require_formula(const AnalyticTerm& term, Index dimension) {
  std::vector<NamedParameter> expected = analytic_parameters(term.name, dimension);
  require(term.parameters.size() == expected.size(), "the force {} has {} parameters, not {}",
          term.name, expected.size(), term.parameters.size());
  for (std::size_t p = 0; p < expected.size(); ++p) {
    const auto& [name, value, is_fitted, scale] = term.parameters[p];
    require(name == expected[p].name, "the force {} has the parameters {}, not '{}'", term.name,
            listed(expected), name);
    set_parameter("the force " + term.name, expected, name, value);
  }
}

bool is_well(const std::string& name) {
  const std::vector<std::string> names = well_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

ForceFieldPtr field_of(const AnalyticTerm& term) {
  const Index dimension = dimension_of(term);
  require_formula(term, dimension);
  if (fitted_indices(term).empty() && is_well(term.name)) {
    std::map<std::string, double> values;
    for (const AnalyticParameter& held : term.parameters) values.emplace(held.name, held.value);
    return make_well(term.name, values).force_field();
  }
  Vector values(static_cast<Index>(term.parameters.size()));
  std::vector<ParameterScale> scales;
  for (Index p = 0; p < values.size(); ++p) {
    const AnalyticParameter& parameter = term.parameters[static_cast<std::size_t>(p)];
    values[p] = parameter.value;
    if (parameter.is_fitted) scales.push_back(parameter.scale);
  }
  const ForceFieldPtr all = analytic_field(term.name, dimension);
  return with_scales(with_fixed(all, std::move(values), fitted_indices(term)), std::move(scales));
}

std::optional<AnalyticTerm> term_of(const ForceField& field) {
  const auto* known = dynamic_cast<const AnalyticForce*>(&field);
  return known != nullptr ? std::optional(known->term()) : std::nullopt;
}

std::optional<Architecture> architecture_of(const ForceField& field) {
  const auto* network = dynamic_cast<const Mlp*>(&field);
  return network != nullptr ? std::optional(network->architecture()) : std::nullopt;
}

}  // namespace

std::vector<std::string> analytic_names() {
  std::vector<std::string> names = well_names();
  names.emplace_back(linear_name);
  names.emplace_back(lotka_volterra_name);
  return names;
}

std::optional<Index> analytic_dimension(const std::string& name) {
  if (name == linear_name) return std::nullopt;
  if (name == lotka_volterra_name) return 2;
  static_cast<void>(well_parameters(name));  // or throws
  return 1;
}

std::vector<NamedParameter> analytic_parameters(const std::string& name, Index dimension) {
  require_dimension(name, dimension);
  if (name == linear_name) return linear_parameters(dimension);
  if (name == lotka_volterra_name) return {{"alpha", 1}, {"beta", 1}, {"gamma", 1}, {"delta", 1}};
  return well_parameters(name);
}

ForceFieldPtr analytic_field(const std::string& name, Index dimension) {
  require_dimension(name, dimension);
  if (name == linear_name) return linear_field(dimension);
  if (name == lotka_volterra_name) return lotka_volterra_field();
  return parametrised_well(name);
}

AnalyticTerm analytic_term(const std::string& name, Index dimension,
                           const std::map<std::string, double>& values) {
  std::vector<NamedParameter> parameters = analytic_parameters(name, dimension);
  for (const auto& [key, value] : values)
    set_parameter("the force " + name, parameters, key, value);
  AnalyticTerm term{name, {}};
  for (const NamedParameter& parameter : parameters) {
    term.parameters.push_back({parameter.name, parameter.value, false, {}});
  }
  return term;
}

AnalyticForce::AnalyticForce(AnalyticTerm term) : term_(std::move(term)), field_(field_of(term_)) {
  static_cast<void>(start());  // or throws
}

Vector AnalyticForce::start() const {
  Vector theta(parameters());
  Index next = 0;
  for (const AnalyticParameter& parameter : term_.parameters) {
    if (parameter.is_fitted) theta[next++] = parameter.scale.theta(parameter.value);
  }
  return theta;
}

Vector AnalyticForce::values(ConstVectorRef theta) const {
  Vector values(static_cast<Index>(term_.parameters.size()));
  Index next = 0;
  for (Index p = 0; p < values.size(); ++p) {
    const AnalyticParameter& parameter = term_.parameters[static_cast<std::size_t>(p)];
    values[p] = parameter.is_fitted ? parameter.scale.value(theta[next++]) : parameter.value;
  }
  return values;
}

Vector AnalyticForce::slopes(ConstVectorRef theta) const {
  Vector slopes(static_cast<Index>(term_.parameters.size()));
  Index next = 0;
  for (Index p = 0; p < slopes.size(); ++p) {
    const AnalyticParameter& parameter = term_.parameters[static_cast<std::size_t>(p)];
    slopes[p] = parameter.is_fitted ? parameter.scale.slope(theta[next++]) : 0;
  }
  return slopes;
}

ForceStructure structure_of(const ForceField& field) {
  const std::vector<ForceFieldPtr> parts = parts_of(field);
  if (parts.empty()) return {term_of(field), architecture_of(field)};
  if (parts.size() != 2) return {};
  ForceStructure sum{term_of(*parts[0]), architecture_of(*parts[1])};
  return sum.known && sum.network ? sum : ForceStructure();
}

ForceFieldPtr make_field(const ForceStructure& structure) {
  ForceFieldPtr known;
  ForceFieldPtr network;
  if (structure.known) known = std::make_shared<AnalyticForce>(*structure.known);
  if (structure.network) network = std::make_shared<Mlp>(*structure.network);
  if (known && network) return sum_of({known, network});
  return known ? known : network;
}

Vector starting_parameters(const ForceField& field, std::uint64_t seed, double output_scale) {
  if (const auto* network = dynamic_cast<const Mlp*>(&field)) {
    return network->initial_parameters(seed, output_scale);
  }
  if (const auto* known = dynamic_cast<const AnalyticForce*>(&field)) return known->start();
  const std::vector<ForceFieldPtr> parts = parts_of(field);
  require(field.parameters() == 0 || !parts.empty(),
          "only networks and analytic forces have parameters to start from");
  Vector theta(field.parameters());
  Index first = 0;
  for (const ForceFieldPtr& part : parts) {
    theta.segment(first, part->parameters()) = starting_parameters(*part, seed, output_scale);
    first += part->parameters();
  }
  return theta;
}

}  // namespace isochron
