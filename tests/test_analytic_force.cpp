#include "isochron/analytic_force.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "isochron/composite_field.hpp"
#include "isochron/error.hpp"
#include "isochron/integrator.hpp"
#include "isochron/well.hpp"
#include "oracles.hpp"
#include "parameter_rows.hpp"

namespace test_analytic_force {

using namespace isochron;
using oracle::mentions;
using oracle::message_of;
using property::scattered_numbers;

namespace {

/// A formula and parameters of it, inside of their ranges by more than differences reach.
struct Sample {
  std::string name;
  Index dimension;
  Vector theta;
};

Vector defaults(const std::string& name, Index dimension) {
  const std::vector<NamedParameter> parameters = analytic_parameters(name, dimension);
  Vector values(static_cast<Index>(parameters.size()));
  for (Index p = 0; p < values.size(); ++p) {
    values[p] = parameters[static_cast<std::size_t>(p)].value;
  }
  return values;
}

std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (const std::string& name : analytic_names()) {
    const Index dimension = analytic_dimension(name).value_or(3);
    all.push_back({name, dimension, defaults(name, dimension)});
  }
  const auto add = [&](const char* name, std::initializer_list<double> values) {
    Vector theta(static_cast<Index>(values.size()));
    std::copy(values.begin(), values.end(), theta.data());
    all.push_back({name, analytic_dimension(name).value_or(2), theta});
  };
  add("harmonic", {2.3});
  add("isotonic", {1.7, 2.5});
  add("parabolic-shear", {0.8, -0.2});
  add("parabolic-shear", {0.8, 0});
  add("hyperbolic-shear", {1.4, -0.7, 0.6});
  add("hyperbolic-shear", {1.4, 0, 0.6});
  add("log-shear", {1.2, 0.3});
  add("split-harmonic", {2, 0.6});
  add("duffing", {1.3, -0.2});
  add("pendulum", {1.8});
  add("morse", {0.9, 1.1});
  add("poschl-teller", {1.6, 0.7});
  add("tan2", {0.5, 0.6});
  add("power", {0.7, 2.6});
  add("linear", {0.3, -1.2, 0.8, 0.1});
  add("lotka-volterra", {1.3, 0.9, 1.8, 0.8});
  return all;
}

AnalyticTerm fitted(AnalyticTerm term, const std::vector<std::string>& names) {
  for (AnalyticParameter& parameter : term.parameters) {
    parameter.is_fitted = std::find(names.begin(), names.end(), parameter.name) != names.end();
  }
  return term;
}

}  // namespace

TEST_CASE("analytic forces have all derivatives, by positions and by parameters") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.name);
    const ForceFieldPtr field = analytic_field(sample.name, sample.dimension);
    REQUIRE(field->parameters() == sample.theta.size());
    for (const Index points : {1, 9}) {
      const ForceCheck check =
          check_force(*field, sample.theta, 0.7 * scattered_numbers(sample.dimension, points, 0.4));
      CAPTURE(check.summary());
      CHECK(check.passed());
    }
    if (field->parameters() > 0) property::check_parameter_rows(*field, sample.theta);
  }
}

TEST_CASE("a well with its parameters as theta is the well") {
  const Block q = 0.7 * scattered_numbers(1, 9, 0.4);
  const std::vector<std::string> wells = well_names();
  for (const Sample& sample : samples()) {
    if (std::find(wells.begin(), wells.end(), sample.name) == wells.end()) continue;
    CAPTURE(sample.name);
    std::map<std::string, double> values;
    const std::vector<NamedParameter> parameters = well_parameters(sample.name);
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      values.emplace(parameters[p].name, sample.theta[static_cast<Index>(p)]);
    }
    CHECK(parametrised_well(sample.name)->force(sample.theta, q) ==
          make_well(sample.name, values).force_field()->force(Vector(), q));
  }
}

TEST_CASE("outside of domains and ranges there is no force, and one comes back inside") {
  const ForceFieldPtr field = parametrised_well("isotonic");
  const auto at = field->linearisation(1);
  Block f(1, 1);
  const auto force = [&](double omega, double a, double x) {
    at->force(Eigen::Vector2d(omega, a), Block::Constant(1, 1, x), f);
    return f(0, 0);
  };
  CHECK(std::isnan(force(1, 2, -2)));
  CHECK(std::isfinite(force(1, 2.1, -2)));
  CHECK(std::isnan(force(0, 2, 1)));
  CHECK(std::isnan(force(1, -2, 1)));
  CHECK(force(1, 2, 1) == make_well("isotonic", {{"a", 2}}).force(1));
}

TEST_CASE("products are those of the last linearisation, whatever force was asked for since") {
  const ForceFieldPtr field = parametrised_well("pendulum");
  const auto at = field->linearisation(1);
  Block f(1, 1), slope(1, 1);
  const Block x = Block::Constant(1, 1, 0.4);
  at->linearise(Vector::Constant(1, 2.0), x, f);
  at->force(Vector::Constant(1, 3.0), Block::Constant(1, 1, 1.1), f);
  at->jacobians(slope);
  CHECK(slope(0, 0) == -4 * std::cos(0.4));
}

TEST_CASE("Lotka and Volterra's orbits keep their first integral") {
  // H = delta u - gamma log u + beta v - alpha log v.
  const Vector k = Eigen::Vector4d(1.3, 0.9, 1.8, 0.8);
  const auto integral = [&](const Vector& y) {
    return k[3] * y[0] - k[2] * std::log(y[0]) + k[1] * y[1] - k[0] * std::log(y[1]);
  };
  const Dynamics dynamics(analytic_field("lotka-volterra", 2), Motion::first_order);
  IntegratorOptions tight;
  tight.method = Method::rk8;
  tight.rtol = tight.atol = 1e-12;
  States start(2, 2);
  start << 0.44249296, 1, 4.6280594, 2;
  const States end =
      Integrator(dynamics, tight).integrate(k, Ensemble(start, Vector::Constant(2, 5.0))).states;
  for (Index i = 0; i < 2; ++i) {
    CHECK(std::abs(integral(end.col(i)) - integral(start.col(i))) <= 1e-9);
    CHECK((end.col(i) - start.col(i)).norm() > 0.1);
  }
}

TEST_CASE("a term holds some parameters, and fits others on their scales") {
  AnalyticTerm term = fitted(analytic_term("lotka-volterra", 2, {{"beta", 0.9}, {"gamma", 1.8}}),
                             {"alpha", "gamma", "delta"});
  term.parameters[2].scale.logarithmic = true;
  term.parameters[3].scale.bounds = Interval{0.5, 2};
  const AnalyticForce force(term);
  CHECK(force.parameters() == 3);
  CHECK((force.values(force.start()) - Eigen::Vector4d(1, 0.9, 1.8, 1)).norm() <= 1e-15);
  const Vector theta = Eigen::Vector3d(0.3, -0.6, 1.1);
  const Vector values = force.values(theta);
  CHECK(values[0] == 0.3);
  CHECK(values[1] == 0.9);
  CHECK(values[2] == std::exp(-0.6));
  const Block q = scattered_numbers(2, 9, 0.3);
  CHECK((force.force(theta, q) - analytic_field("lotka-volterra", 2)->force(values, q)).norm() <=
        1e-14);
  CHECK(check_force(force, theta, q).passed());
  CHECK(force.slopes(theta)[1] == 0);
  CHECK(force.slopes(theta)[2] == values[2]);
  for (Index p = 0, next = 0; p < 4; ++p) {
    if (!term.parameters[static_cast<std::size_t>(p)].is_fitted) continue;
    const Vector step = 1e-6 * Vector::Unit(3, next++);
    const double difference = (force.values(theta + step) - force.values(theta - step))[p] / 2e-6;
    CHECK(force.slopes(theta)[p] == doctest::Approx(difference).epsilon(1e-8));
  }
}

TEST_CASE("structures are seen in fields, and fields are made of them") {
  const AnalyticTerm spring = fitted(analytic_term("harmonic", 1, {{"omega", 2}}), {"omega"});
  const Architecture network{{1, 4, 1}, Symmetry::odd, Skip::none};
  for (const ForceStructure& structure :
       {ForceStructure{spring, std::nullopt}, ForceStructure{std::nullopt, network},
        ForceStructure{spring, network}}) {
    const ForceFieldPtr field = make_field(structure);
    CHECK(structure_of(*field) == structure);
    const Vector theta = starting_parameters(*field, 3, 0.5);
    CHECK(theta.size() == field->parameters());
    if (structure.known) CHECK(theta[0] == 2);
    if (structure.network) {
      CHECK(theta.tail(8) == Mlp(network).initial_parameters(3, 0.5));
    }
  }
  CHECK(make_field({}) == nullptr);
  const ForceFieldPtr own = sum_of({oracle::harmonic(), std::make_shared<Mlp>(network)});
  CHECK(structure_of(*own) == ForceStructure());
  CHECK(mentions(message_of<InputError>([&] { static_cast<void>(starting_parameters(*own, 0)); }),
                 "only networks and analytic forces"));
}

TEST_CASE("terms that no formula has are refused") {
  const auto message = [](const AnalyticTerm& term) {
    return message_of<InputError>([&] { AnalyticForce force(term); });
  };
  const AnalyticTerm spring = analytic_term("harmonic", 1);
  CHECK(message(spring).empty());
  AnalyticTerm other = spring;
  other.name = "spring";
  CHECK(mentions(message(other), "no well 'spring'"));
  other = spring;
  other.parameters[0].name = "k";
  CHECK(mentions(message(other), "has the parameters omega, not 'k'"));
  other = spring;
  other.parameters[0].value = -1;
  CHECK(mentions(message(other), "omega > 0"));
  other = spring;
  other.parameters.push_back({"beta", 1, false, {}});
  CHECK(mentions(message(other), "has 1 parameters, not 2"));
  other = fitted(spring, {"omega"});
  other.parameters[0].scale.bounds = Interval{2, 3};
  CHECK(mentions(message(other), "outside of the bounds"));
  const auto of = [](const char* name, Index dimension) {
    return message_of<InputError>([=] { static_cast<void>(analytic_term(name, dimension)); });
  };
  CHECK(mentions(of("harmonic", 2), "has one dimension, not 2"));
  CHECK(mentions(of("lotka-volterra", 1), "has 2 dimensions, not 1"));
  CHECK(mentions(of("linear", 10), "at most 9 dimensions"));
  CHECK(mentions(message_of<InputError>([] {
                   static_cast<void>(analytic_term("morse", 1, {{"d", 1}}));
                 }),
                 "the force morse has no parameter 'd': admissible are D, a"));
}

}  // namespace test_analytic_force
