#include "isochron/composite_field.hpp"

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "isochron/sensitivity.hpp"
#include "isochron/stoppable_force.hpp"
#include "memory.hpp"
#include "oracles.hpp"
#include "parameter_rows.hpp"
#include "spoiled_field.hpp"

namespace test_composite_field {

using namespace isochron;
using oracle::message_of;
using oracle::permitted_error;
using oracle::relative_error;
using property::Result;
using property::scattered_numbers;
using property::SpoiledField;

namespace {

const ScalarMap cube = {[](double u) { return u * u * u; }, [](double u) { return 3 * u * u; }};

std::shared_ptr<const Mlp> network(Index d, Index width = 5) {
  return std::make_shared<Mlp>(std::vector<Index>{d, width, d});
}

/// x'' = -beta x^3, theta = (beta).
ForceFieldPtr cubic() {
  return make_force(
      1, [](double x, const auto& beta) { return -beta[0] * x * x * x; },
      [](double x, const auto& beta) { return -3 * beta[0] * x * x; },
      [](double x, const auto&) { return std::array{-x * x * x}; });
}

/// x'' = -k x - beta x^3, theta = (k, beta).
ForceFieldPtr harmonic_and_cubic() {
  return make_force(
      2, [](double x, const auto& k) { return -k[0] * x - k[1] * x * x * x; },
      [](double x, const auto& k) { return -k[0] - 3 * k[1] * x * x; },
      [](double x, const auto&) {
        return std::array{-x, -x * x * x};
      });
}

/// A force without parameters: f = -q.
ForceFieldPtr unit_spring(Index d) {
  return make_force(
      d, 0, [](const Vector& q, const auto&) { return Vector(-q); },
      [d](const Vector&, const auto&) { return Eigen::MatrixXd(-Eigen::MatrixXd::Identity(d, d)); },
      [d](const Vector&, const auto&) { return Eigen::MatrixXd(d, 0); });
}

/// u_1' = a u_1, u_2' = -b u_2, theta = (a, b): Lotka and Volterra's without their interaction.
ForceFieldPtr growth_and_decay() {
  return make_force(
      2, 2,
      [](const Vector& u, const auto& k) {
        return Vector{{k[0] * u[0], -k[1] * u[1]}};
      },
      [](const Vector&, const auto& k) {
        return Eigen::MatrixXd{{k[0], 0}, {0, -k[1]}};
      },
      [](const Vector& u, const auto&) {
        return Eigen::MatrixXd{{u[0], 0}, {0, -u[1]}};
      });
}

/// (-c u_1 u_2, d u_1 u_2), theta = (c, d).
ForceFieldPtr interaction() {
  return make_force(
      2, 2,
      [](const Vector& u, const auto& k) {
        return Vector{{-k[0] * u[0] * u[1], k[1] * u[0] * u[1]}};
      },
      [](const Vector& u, const auto& k) {
        return Eigen::MatrixXd{{-k[0] * u[1], -k[0] * u[0]}, {k[1] * u[1], k[1] * u[0]}};
      },
      [](const Vector& u, const auto&) {
        return Eigen::MatrixXd{{-u[0] * u[1], 0}, {0, u[0] * u[1]}};
      });
}

/// Numbers of order one, as many as a field has parameters.
Vector parameters_for(const ForceField& field) {
  return 0.6 * scattered_numbers(field.parameters(), 1, 0.8);
}

Vector joined(const Vector& a, const Vector& b) {
  Vector both(a.size() + b.size());
  both << a, b;
  return both;
}

struct Composite {
  std::string name;
  std::function<ForceFieldPtr(const ForceFieldPtr&)> of;
};

/// Every kind of composite, of a field of dimension d.
std::vector<Composite> composites(Index d) {
  return {{"sum of one", [](const ForceFieldPtr& f) { return sum_of({f}); }},
          {"first of a sum",
           [=](const ForceFieldPtr& f) {
             return sum_of({f, oracle::linear(d)});
           }},
          {"in the middle of a sum",
           [=](const ForceFieldPtr& f) {
             return sum_of({network(d, 3), unit_spring(d), f, oracle::linear(d)});
           }},
          {"with fixed parameters",
           [](const ForceFieldPtr& f) {
             std::vector<Index> every_other;
             for (Index p = 0; p < f->parameters(); p += 2) every_other.push_back(p);
             return with_fixed(f, parameters_for(*f), every_other);
           }},
          {"with scales",
           [](const ForceFieldPtr& f) {
             std::vector<ParameterScale> scales(static_cast<std::size_t>(f->parameters()));
             for (std::size_t p = 0; p < scales.size(); p += 2) {
               scales[p].logarithmic = p % 4 == 0;
               if (p % 3 == 0) scales[p].bounds = Interval{0.2, 3};
             }
             return with_scales(f, scales);
           }},
          {"in units",
           [=](const ForceFieldPtr& f) {
             return in_units(f, Vector::LinSpaced(d, 0.5, 1.5), Vector::LinSpaced(d, -0.3, 0.2),
                             1.7);
           }},
          {"of features", [](const ForceFieldPtr& f) { return of_features(f, cube); }},
          {"on components",
           [=](const ForceFieldPtr& f) {
             std::vector<Index> components;  // D, .., 2, 0
             for (Index i = d; i > 1; --i) components.push_back(i);
             components.push_back(0);
             return on_components(f, components, d + 1);
           }},
          {"nested", [=](const ForceFieldPtr& f) {
             const ForceFieldPtr sum = sum_of({of_features(f, cube), oracle::linear(d)});
             std::vector<Index> all_but_last;
             for (Index p = 0; p + 1 < sum->parameters(); ++p) all_but_last.push_back(p);
             return sum_of({network(d), with_fixed(sum, parameters_for(*sum), all_but_last)});
           }}};
}

template <class Check>
void for_all_parts(const Check& check) {
  for (const Index d : {1, 2, 3}) {
    CAPTURE(d);
    for (const ForceFieldPtr& part : {oracle::linear(d), ForceFieldPtr(network(d))}) {
      CAPTURE(part->parameters());
      for (const Composite& composite : composites(d)) {
        CAPTURE(composite.name);
        check(composite, part);
      }
    }
  }
}

/// Whether every derivative of `field` is right: by differences, and sums over records by products
/// of `right`.
bool is_right(const ForceField& field, const ForceField& right) {
  const Index d = field.dimension(), points = 5;
  const Vector theta = parameters_for(field);
  const std::vector<Block> q = {scattered_numbers(d, points, 0.3),
                                scattered_numbers(d, points, 1.3)};
  const auto at = field.linearisation(points);
  const property::Records records(at->record_size(), 2, block_padding);
  Block f(d, points);
  for (Index k = 0; k < 2; ++k) {
    at->use_record(records.at(k));
    at->linearise(theta, q[static_cast<std::size_t>(k)], f);
  }
  const property::SumDeviation sums =
      property::deviation_of_sums(*at, records.all(), right, theta, q, 2);
  return check_force(field, theta, q.front()).passed() &&
         std::max(sums.products, sums.rows) <= 1e-13;
}

/// The largest difference of any result of two fields, in units of the largest entry or 1.
double difference_of(const ForceField& a, const ForceField& b, const Vector& theta,
                     const Block& q) {
  const Index d = q.rows(), points = q.cols(), count = theta.size();
  const Block w = scattered_numbers(d, points, 0.6);
  const Vector direction = scattered_numbers(count, 1, 0.9);
  const auto results = [&](const ForceField& field) {
    const auto at = field.linearisation(points);
    std::vector<Block> all(7, Block(d, points));
    at->force(theta, q, all[0]);
    at->linearise(theta, q, all[1]);
    at->product(w, all[2]);
    at->transposed_product(w, all[3]);
    at->parameter_product(direction, all[4]);
    all[5].resize(d * d, points);
    at->jacobians(all[5]);
    all[6].resize(d * count, points);
    at->parameter_jacobians(all[6]);
    Vector gradient = Vector::Zero(count);
    at->add_parameter_product(w, gradient);
    all.emplace_back(gradient);
    return all;
  };
  const auto of_a = results(a), of_b = results(b);
  double largest = 0;
  for (std::size_t k = 0; k < of_a.size(); ++k) {
    largest = std::max(largest, property::deviation(of_a[k], of_b[k]));
  }
  return largest;
}

SensitivityOptions by(GradientMethod gradient, const Dynamics& dynamics, double rtol) {
  SensitivityOptions options;
  options.gradient = gradient;
  if (gradient == GradientMethod::discrete) {
    options.integrator.method = highest_order(dynamics.motion());
  }
  options.integrator.rtol = options.integrator.atol = rtol;
  return options;
}

/// sum_i ||y_i(T)||^4/4.
double quartic(Index, ConstStatesRef y, StatesRef cotangents) {
  const Eigen::RowVectorXd square = y.colwise().squaredNorm();
  cotangents = y.array().rowwise() * square.array();
  return square.squaredNorm() / 4;
}

/// All methods find the same gradient.
void check_methods(const Dynamics& dynamics, const Vector& theta, const Ensemble& ensemble) {
  const auto gradient = [&](const SensitivityOptions& options) {
    return Sensitivity(dynamics, options).gradient(theta, ensemble, quartic);
  };
  const Vector reference = gradient(by(GradientMethod::discrete, dynamics, 1e-13)).gradient;
  for (const GradientMethod method :
       {GradientMethod::adjoint, GradientMethod::forward, GradientMethod::difference}) {
    CAPTURE(std::string(name(method)));
    // Differences lose some digits of a loss of this accuracy.
    const double permitted = method == GradientMethod::difference ? 1e-7 : 1e-9;
    const Vector found = gradient(by(method, dynamics, 1e-12)).gradient;
    CHECK(relative_error(found, reference) <= permitted);
  }
  SensitivityOptions bdf = by(GradientMethod::adjoint, dynamics, 1e-9);
  bdf.integrator.method = Method::bdf;
  CHECK(relative_error(gradient(bdf).gradient, reference) <= 1e-5);
  for (const Index block : {3, 20}) {  // records of one group of points and of several
    SensitivityOptions blocks = by(GradientMethod::discrete, dynamics, 1e-12);
    blocks.integrator.block_size = block;
    CHECK(relative_error(gradient(blocks).gradient, reference) <= 1e-10);
    const StateJacobian jacobian = Sensitivity(dynamics, blocks).jacobian(theta, ensemble);
    States cotangents(jacobian.states.rows(), jacobian.states.cols());
    quartic(0, jacobian.states, cotangents);
    const Vector by_rows = jacobian.jacobian.transpose() * cotangents.reshaped();
    CHECK(relative_error(by_rows, reference) <= 1e-10);
  }
}

}  // namespace

// --- derivatives --------------------------------------------------------------------------------

TEST_CASE("composites have all derivatives, and records of their own") {
  for_all_parts([](const Composite& composite, const ForceFieldPtr& part) {
    const ForceFieldPtr field = composite.of(part);
    const Vector theta = parameters_for(*field);
    for (const Index points : {1, 9}) {
      const ForceCheck check =
          check_force(*field, theta, scattered_numbers(field->dimension(), points, 0.4));
      CAPTURE(check.summary());
      CHECK(check.passed());
    }
    property::check_parameter_rows(*field, theta);
  });
}

TEST_CASE("each result of a composite is made of its part's: an error there is seen") {
  for_all_parts([](const Composite& composite, const ForceFieldPtr& part) {
    const ForceFieldPtr right = composite.of(part);
    CHECK(is_right(*right, *right));
    for (const Result result :
         {Result::force, Result::linearise, Result::product, Result::transposed_product,
          Result::parameter_product, Result::parameter_direction, Result::jacobians,
          Result::parameter_jacobians, Result::parameter_products, Result::parameter_rows}) {
      CAPTURE(static_cast<int>(result));
      const auto spoiled = std::make_shared<SpoiledField>(part, result, 1 + 1e-3);
      CHECK_FALSE(is_right(*composite.of(spoiled), *right));
    }
  });
}

TEST_CASE("a wrong slope of the features is seen") {
  const ScalarMap wrong = {cube.value, [](double u) { return (1 + 1e-4) * cube.slope(u); }};
  const ForceFieldPtr field = of_features(network(2), wrong);
  CHECK_FALSE(check_force(*field, parameters_for(*field), scattered_numbers(2, 5, 0.4)).passed());
}

TEST_CASE("the sum of a harmonic and a cubic force is the force with both terms") {
  const ForceFieldPtr sum = sum_of({oracle::harmonic(), cubic()});
  CHECK(sum->dimension() == 1);
  CHECK(sum->parameters() == 2);
  const Vector theta = Eigen::Vector2d(1.3, 0.4);
  const Block q = scattered_numbers(1, 9, 0.2);
  CHECK(difference_of(*sum, *harmonic_and_cubic(), theta, q) <= 1e-15);
}

TEST_CASE("a linear force of cubes is the one that is written out") {
  const Index d = 3;
  const auto matrix = [](const auto& theta) {
    return Eigen::MatrixXd(Eigen::Map<const Block>(theta.data(), d, d));
  };
  const auto cubes = [](const Vector& q) { return Vector(q.array().cube()); };
  const ForceFieldPtr written = make_force(
      d, d * d,
      [=](const Vector& q, const auto& theta) { return Vector(matrix(theta) * cubes(q)); },
      [=](const Vector& q, const auto& theta) {
        return Eigen::MatrixXd(matrix(theta) * (3 * q.array().square()).matrix().asDiagonal());
      },
      [=](const Vector& q, const auto&) {
        Eigen::MatrixXd slope = Eigen::MatrixXd::Zero(d, d * d);
        for (Index i = 0; i < d; ++i) slope.row(i).segment(i * d, d) = cubes(q).transpose();
        return slope;
      });
  const ForceFieldPtr composed = of_features(oracle::linear(d), cube);
  CHECK(difference_of(*composed, *written, parameters_for(*written), scattered_numbers(d, 9, 1)) <=
        1e-14);
}

TEST_CASE("on all components in another order a linear force has its matrix permuted") {
  const Eigen::MatrixXd a = scattered_numbers(3, 3, 0.2);
  const std::vector<Index> components = {2, 0, 1};
  Eigen::MatrixXd permuted(3, 3);
  for (Index i = 0; i < 3; ++i) {
    for (Index j = 0; j < 3; ++j) {
      permuted(components[static_cast<std::size_t>(i)], components[static_cast<std::size_t>(j)]) =
          a(i, j);
    }
  }
  const Block q = scattered_numbers(3, 7, 0.5);
  const ForceFieldPtr field = on_components(oracle::linear(3), components, 3);
  CHECK(property::deviation(field->force(oracle::row_by_row(a), q), permuted * q) <= 1e-15);
}

TEST_CASE("with fixed parameters a field is the same, and its derivatives are the free ones'") {
  const auto whole = network(2);
  const Vector values = parameters_for(*whole);
  const std::vector<Index> free = {1, 2, 7, 20};
  const ForceFieldPtr held = with_fixed(whole, values, free);
  CHECK(held->dimension() == 2);
  CHECK(held->parameters() == 4);
  const Vector theta = Eigen::Vector4d(0.4, -0.7, 0.2, 1.1);
  Vector all = values;
  all(free) = theta;
  const Block q = scattered_numbers(2, 9, 0.3), w = scattered_numbers(2, 9, 0.9);
  CHECK(held->force(theta, q) == whole->force(all, q));

  const auto at = held->linearisation(9), of_all = whole->linearisation(9);
  Block f(2, 9), out(2, 9), expected(2, 9);
  Vector gradient = Vector::Zero(4), expected_gradient = Vector::Zero(values.size());
  at->linearise(theta, q, f);
  of_all->linearise(all, q, f);
  at->force(Vector(2 * theta), w, f);  // elsewhere, and with other parameters: keeps nothing
  at->transposed_product(w, out);
  of_all->transposed_product(w, expected);
  CHECK(out == expected);
  at->add_parameter_product(w, gradient);
  of_all->add_parameter_product(w, expected_gradient);
  CHECK(gradient == expected_gradient(free));
}

TEST_CASE("with all parameters fixed none is left") {
  const auto whole = network(2);
  const Vector values = parameters_for(*whole);
  const ForceFieldPtr held = with_fixed(whole, values);
  CHECK(held->parameters() == 0);
  CHECK(held->force(Vector(0), Block::Ones(2, 3)) == whole->force(values, Block::Ones(2, 3)));
  CHECK(check_force(*held, Vector(0), scattered_numbers(2, 5, 0.4)).passed());
  const ForceFieldPtr sum = sum_of({held, network(2, 3)});
  CHECK(sum->parameters() == network(2, 3)->parameters());
  property::check_parameter_rows(*sum, parameters_for(*sum));
}

TEST_CASE("a sum of one network is that network to the last bit") {
  for (const Index d : {1, 2}) {
    const auto alone = network(d, 16);
    const ForceFieldPtr sum = sum_of({alone});
    const Vector theta = alone->initial_parameters(3);
    const Ensemble ensemble(normal_states(2 * d, 11, 4), 2);
    for (const GradientMethod method : {GradientMethod::adjoint, GradientMethod::discrete}) {
      const auto gradient = [&](const ForceFieldPtr& field) {
        const Dynamics dynamics(field);
        return Sensitivity(dynamics, by(method, dynamics, 1e-9))
            .gradient(theta, ensemble, quartic)
            .gradient;
      };
      CHECK(gradient(sum) == gradient(alone));
    }
  }
}

TEST_CASE("a composite ends what computes with it when a part is asked to") {
  int polls = 0;
  const ForceFieldPtr sum =
      sum_of({oracle::linear(2), stoppable_force(network(2), [&] { return ++polls > 3; })});
  CHECK_THROWS_AS(static_cast<void>(sum->force(parameters_for(*sum), Block::Zero(2, 1000))),
                  Interrupted);
}

// --- motion -------------------------------------------------------------------------------------

TEST_CASE("two springs side by side are one, and so are their derivatives") {
  const double k1 = 0.8, k2 = 0.5, k = k1 + k2, time = 3;
  const Dynamics dynamics(sum_of({oracle::harmonic(), oracle::harmonic()}));
  const States start = normal_states(2, 5, 1), weights = normal_states(2, 5, 2);
  const auto loss = [&](Index first, ConstStatesRef y, StatesRef cotangents) {
    cotangents = weights.middleCols(first, y.cols());
    return y.cwiseProduct(cotangents).sum();
  };
  const States exact = oracle::harmonic_flow(k, time) * start;
  const double slope = (oracle::harmonic_flow_slope(k, time) * start).cwiseProduct(weights).sum();
  for (const GradientMethod method : {GradientMethod::adjoint, GradientMethod::forward,
                                      GradientMethod::discrete, GradientMethod::difference}) {
    CAPTURE(std::string(name(method)));
    const SensitivityOptions options = by(method, dynamics, 1e-11);
    const LossGradient found = Sensitivity(dynamics, options)
                                   .gradient(Eigen::Vector2d(k1, k2), Ensemble(start, time), loss);
    CHECK((found.states - exact).cwiseAbs().maxCoeff() <=
          permitted_error(options.integrator, found.forward.steps, exact));
    for (const double component : found.gradient) {
      CHECK(std::abs(component - slope) <= 1e-8 * (1 + std::abs(slope)));
    }
  }
}

TEST_CASE("springs on components of their own do not know of each other") {
  const double k1 = 0.8, k2 = 2.1, time = 4;
  const Dynamics dynamics(sum_of(
      {on_components(oracle::harmonic(), {1}, 2), on_components(oracle::harmonic(), {0}, 2)}));
  const States start = normal_states(4, 6, 3);
  IntegratorOptions options;
  options.rtol = options.atol = 1e-11;
  const ObservedStates found =
      Integrator(dynamics, options).integrate(Eigen::Vector2d(k1, k2), Ensemble(start, time));
  const auto component = [](const States& y, Index i) {
    return States{Eigen::MatrixXd{{1, 0}, {0, 0}} * y.row(i).replicate(2, 1) +
                  Eigen::MatrixXd{{0, 0}, {0, 1}} * y.row(2 + i).replicate(2, 1)};
  };
  const double permitted = permitted_error(options, found.counts.steps, start);
  for (const Index i : {0, 1}) {
    const States exact = oracle::harmonic_flow(i == 1 ? k1 : k2, time) * component(start, i);
    CHECK((component(found.states, i) - exact).cwiseAbs().maxCoeff() <= permitted);
  }
}

TEST_CASE("friction beside x' = v: the damped oscillator") {
  const double friction = -0.3, time = 5;
  const Eigen::MatrixXd a{{0, 1}, {-1, 0}}, damped{{0, 1}, {-1, friction}};
  const ForceFieldPtr known = with_fixed(oracle::linear(2), oracle::row_by_row(a));
  const Dynamics dynamics(sum_of({known, on_components(oracle::linear(1), {1}, 2)}),
                          Motion::first_order);
  const States start = normal_states(2, 5, 7);
  IntegratorOptions options;
  options.rtol = options.atol = 1e-11;
  const ObservedStates found =
      Integrator(dynamics, options).integrate(Vector{{friction}}, Ensemble(start, time));
  const States exact = oracle::linear_flow(damped, Motion::first_order, time) * start;
  CHECK((found.states - exact).cwiseAbs().maxCoeff() <=
        permitted_error(options, found.counts.steps, start));
}

TEST_CASE("a linear field of cubes without friction keeps u_1^4 + u_2^4") {
  const Dynamics dynamics(of_features(oracle::linear(2), cube), Motion::first_order);
  IntegratorOptions options;
  options.rtol = options.atol = 1e-12;
  const States start{{2, 0.5, -1}, {0, 1.1, 1.3}};
  const ObservedStates found =
      Integrator(dynamics, options).integrate(Eigen::Vector4d(0, 2, -2, 0), Ensemble(start, 3));
  const auto conserved = [](const States& u) {
    return Eigen::RowVectorXd(u.array().square().square().colwise().sum());
  };
  const double permitted =
      4 * 8 * permitted_error(options, found.counts.steps, start);  // 4 u^3 times that of u
  CHECK((conserved(found.states) - conserved(start)).cwiseAbs().maxCoeff() <= permitted);
  CHECK((found.states - start).norm() > 1);
}

TEST_CASE("growth and decay with interactions conserve Lotka and Volterra's invariant") {
  const Dynamics dynamics(sum_of({growth_and_decay(), interaction()}), Motion::first_order);
  const double a = 1.3, b = 1.8, c = 0.9, d = 0.8;
  IntegratorOptions options;
  options.rtol = options.atol = 1e-12;
  const States start{{0.44249296, 1.5}, {4.6280594, 0.8}};
  const ObservedStates found =
      Integrator(dynamics, options).integrate(Eigen::Vector4d(a, b, c, d), Ensemble(start, 3));
  const auto invariant = [&](const Vector& u) {
    return d * u[0] - b * std::log(u[0]) + c * u[1] - a * std::log(u[1]);
  };
  for (Index i = 0; i < start.cols(); ++i) {
    CHECK(invariant(found.states.col(i)) == doctest::Approx(invariant(start.col(i))).epsilon(1e-9));
  }
}

TEST_CASE("growth and decay with unknown interactions: all methods find the same gradient" *
          doctest::test_suite("long")) {
  const auto unknown = std::make_shared<Mlp>(std::vector<Index>{2, 8, 2});
  const States start = States::Ones(2, 5) + 0.3 * normal_states(2, 5, 5);
  const Ensemble ensemble(start, 1.5);
  SUBCASE("with fitted rates") {
    const Dynamics dynamics(sum_of({growth_and_decay(), unknown}), Motion::first_order);
    CHECK(dynamics.parameters() == 2 + unknown->parameters());
    check_methods(dynamics, joined(Eigen::Vector2d(1.3, 1.8), unknown->initial_parameters(2)),
                  ensemble);
  }
  SUBCASE("with one rate known") {
    const ForceFieldPtr known = with_fixed(growth_and_decay(), Eigen::Vector2d(1.3, 0), {1});
    const Dynamics dynamics(sum_of({unknown, known}), Motion::first_order);
    check_methods(dynamics, joined(unknown->initial_parameters(2), Vector{{1.8}}), ensemble);
  }
  SUBCASE("without interactions the motion is the known one") {
    const ForceFieldPtr known = with_fixed(growth_and_decay(), Eigen::Vector2d(1.3, 1.8));
    const Dynamics dynamics(sum_of({known, unknown}), Motion::first_order);
    IntegratorOptions options;
    const ObservedStates found =
        Integrator(dynamics, options).integrate(unknown->initial_parameters(2, 0), ensemble);
    const States exact =
        Eigen::Vector2d(std::exp(1.3 * 1.5), std::exp(-1.8 * 1.5)).asDiagonal() * start;
    CHECK((found.states - exact).cwiseAbs().maxCoeff() <=
          permitted_error(options, found.counts.steps, exact, std::exp(1.3 * 1.5)));
  }
}

TEST_CASE("coupled oscillators with an unknown force: all methods find the same gradient") {
  const auto unknown = std::make_shared<Mlp>(std::vector<Index>{2, 16, 16, 2});
  const Dynamics dynamics(sum_of({oracle::coupled(), unknown}));
  check_methods(dynamics, joined(Eigen::Vector3d(1, 1.4, 0.3), unknown->initial_parameters(6)),
                Ensemble(normal_states(4, 5, 8), 2));
}

TEST_CASE("a spiral by a network of cubes: all methods find the same gradient") {
  const auto of_cubes = std::make_shared<Mlp>(std::vector<Index>{2, 50, 2});
  const Dynamics dynamics(of_features(of_cubes, cube), Motion::first_order);
  check_methods(dynamics, of_cubes->initial_parameters(1), Ensemble(normal_states(2, 5, 9), 1.5));
}

// --- estimates and errors -----------------------------------------------------------------------

TEST_CASE("the memory of a composite is estimated by its records") {
  const auto alone = std::make_shared<Mlp>(std::vector<Index>{1, 64, 64, 1});
  const auto need = [](const ForceFieldPtr& field) {
    const Dynamics dynamics(field);
    MemoryNeed memory;
    add_derivative_memory(memory, dynamics, Ensemble(States::Ones(2, 8), 10),
                          by(GradientMethod::discrete, dynamics, 1e-10), false);
    return memory.total();
  };
  CHECK(need(sum_of({alone, oracle::harmonic()})) == doctest::Approx(need(alone)).epsilon(0.05));
  CHECK(need(sum_of({alone, alone})) == doctest::Approx(2 * need(alone)).epsilon(0.05));
}

TEST_CASE("parts that make no sum are refused") {
  const ForceFieldPtr none;
  const auto of = [](const std::vector<ForceFieldPtr>& parts) {
    return message_of<InputError>([&] { static_cast<void>(sum_of(parts)); });
  };
  CHECK(of({}) == "sum_of got no force field; give at least one");
  CHECK(of({network(2), none}) == "part 2 of sum_of is a null pointer; give a force field");
  CHECK(of({none}) == "part 1 of sum_of is a null pointer; give a force field");
  CHECK(of({network(2), network(2), network(1)}) ==
        "part 3 of sum_of has dimension 1 and part 1 has dimension 2; they must be equal");
}

TEST_CASE("parameters that cannot be fixed are refused") {
  const auto of = [](const ForceFieldPtr& field, const Vector& values,
                     const std::vector<Index>& free) {
    return message_of<InputError>([&] { static_cast<void>(with_fixed(field, values, free)); });
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const ForceFieldPtr field = harmonic_and_cubic();
  const Vector values = Eigen::Vector2d(1, 2);
  CHECK(of(nullptr, values, {}) == "with_fixed got a null pointer; give a force field");
  CHECK(of(field, Vector::Ones(3), {}) ==
        "with_fixed got 3 values for a force field with 2 parameters; give one for each");
  for (const std::vector<Index>& free :
       std::vector<std::vector<Index>>{{2}, {1, 0}, {-1}, {1, 1}}) {
    CAPTURE(free.back());
    CHECK(of(field, values, free) ==
          "with_fixed got " + std::to_string(free.back()) +
              " among the indices of free parameters; give increasing ones from 0 on, all below 2");
  }
  CHECK(of(field, Eigen::Vector2d(1, nan), {0}) ==
        "with_fixed got nan as the value of parameter 1; give a finite number");
  CHECK(of(field, Eigen::Vector2d(1, nan), {1}).empty());  // a free one's is not used
}

TEST_CASE("features and components that do not fit are refused") {
  const auto features = [](const ForceFieldPtr& field, const ScalarMap& phi) {
    return message_of<InputError>([&] { static_cast<void>(of_features(field, phi)); });
  };
  CHECK(features(nullptr, cube) == "of_features got a null pointer; give a force field");
  const std::string empty =
      "of_features got an empty function; give the value and the slope of the feature map";
  CHECK(features(network(2), {cube.value, {}}) == empty);
  CHECK(features(network(2), {{}, cube.slope}) == empty);

  const auto components = [](const ForceFieldPtr& field, const std::vector<Index>& which,
                             Index dimension) {
    return message_of<InputError>(
        [&] { static_cast<void>(on_components(field, which, dimension)); });
  };
  CHECK(components(nullptr, {0}, 2) == "on_components got a null pointer; give a force field");
  CHECK(components(network(2), {0}, 2) ==
        "on_components got 1 components for a force field of dimension 2; give one for each "
        "dimension");
  CHECK(components(network(2), {0, 3}, 3) ==
        "on_components got component 3 of a space of dimension 3; give indices from 0 to 2");
  CHECK(components(network(2), {-1, 1}, 3) ==
        "on_components got component -1 of a space of dimension 3; give indices from 0 to 2");
  CHECK(components(network(2), {1, 1}, 3) ==
        "on_components got component 1 twice; give different ones");
}

TEST_CASE("the parts of a sum are those it was made of") {
  const std::vector<ForceFieldPtr> parts = {oracle::harmonic(), cubic(), network(1)};
  CHECK(parts_of(*sum_of(parts)) == parts);
  CHECK(parts_of(*network(1)).empty());
}

TEST_CASE("in other units the same orbit is seen") {
  // q = c + L q', t = s t'.
  constexpr double length = 30, rate = 4, centre = 7;
  const Vector theta = Eigen::Vector2d(1.3, 0.004);
  const ForceFieldPtr field = harmonic_and_cubic();
  const ForceFieldPtr seen =
      in_units(field, Vector::Constant(1, length), Vector::Constant(1, centre), rate * rate);
  IntegratorOptions tight;
  tight.method = Method::rkn12;
  tight.rtol = tight.atol = 1e-13;
  States start(2, 1);
  start << 25, -3;
  States in_others(2, 1);
  in_others << (25 - centre) / length, -3 * rate / length;
  const auto end = [&](const ForceFieldPtr& of, const States& from, double time) {
    return Integrator(Dynamics(of), tight)
        .integrate(theta, Ensemble(from, Vector::Constant(1, time)))
        .states;
  };
  const States there = end(field, start, 3);
  const States here = end(seen, in_others, 3 / rate);
  CHECK(centre + length * here(0, 0) == doctest::Approx(there(0, 0)).epsilon(1e-10));
  CHECK(length / rate * here(1, 0) == doctest::Approx(there(1, 0)).epsilon(1e-10));
}

TEST_CASE("scales and units that fit no field are refused") {
  const ForceFieldPtr field = harmonic_and_cubic();
  const auto scales = [&](std::vector<ParameterScale> some) {
    return message_of<InputError>([&] { static_cast<void>(with_scales(field, some)); });
  };
  CHECK(scales(std::vector<ParameterScale>(1)).starts_with("with_scales got 1 scales for a force"));
  CHECK(scales({{false, Interval{2, 1}}, {}}).starts_with("the bounds 2:1 hold no number"));
  const auto units = [&](const Vector& unit, const Vector& centre, double factor) {
    return message_of<InputError>(
        [&] { static_cast<void>(in_units(field, unit, centre, factor)); });
  };
  const Vector one = Vector::Ones(1);
  CHECK(units(Vector::Ones(2), one, 1).starts_with("in_units got 2 units"));
  CHECK(units(-one, one, 1).ends_with("give finite numbers > 0"));
  CHECK(units(one, one, INFINITY).ends_with("give finite numbers"));
}

}  // namespace test_composite_field
