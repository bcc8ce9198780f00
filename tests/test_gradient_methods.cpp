// One body over all ways to the derivatives of final states.

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "isochron/objective.hpp"
#include "isochron/sensitivity.hpp"
#include "oracles.hpp"

using namespace isochron;
using oracle::two_pi;

namespace {

constexpr double rtol = 1e-9;

struct Way {
  std::string name;
  SensitivityOptions options;
  bool newtonian_only = false;
  double accuracy = 1e3 * rtol;  // relative, of a gradient over a time of a few
};

Way way(const std::string& name, GradientMethod gradient, Method method) {
  Way w;
  w.name = name;
  w.options.gradient = gradient;
  w.options.integrator.method = method;
  w.options.integrator.rtol = w.options.integrator.atol = rtol;
  w.newtonian_only = method == Method::rkn8 || method == Method::rkn12;
  return w;
}

std::vector<Way> ways() {
  std::vector<Way> result = {
      way("adjoint, adams", GradientMethod::adjoint, Method::adams),
      way("adjoint, bdf", GradientMethod::adjoint, Method::bdf),
      way("forward, adams", GradientMethod::forward, Method::adams),
      way("forward, bdf", GradientMethod::forward, Method::bdf),
      way("forward, simultaneous", GradientMethod::forward, Method::adams),
      way("forward, bdf, simultaneous", GradientMethod::forward, Method::bdf),
      way("forward, without error control", GradientMethod::forward, Method::adams),
      way("discrete, rkn8", GradientMethod::discrete, Method::rkn8),
      way("discrete, rkn12", GradientMethod::discrete, Method::rkn12),
      way("discrete, rk8", GradientMethod::discrete, Method::rk8),
      way("discrete, rk4", GradientMethod::discrete, Method::rk4),
      way("difference", GradientMethod::difference, Method::adams),
  };
  result[4].options.staggered = result[5].options.staggered = false;
  result[6].options.sensitivity_error_control = false;
  result[6].accuracy = 1e4 * rtol;
  result[10].options.integrator.steps = 1000;
  result[11].accuracy = 1e-4;
  return result;
}

bool gives_jacobians(const Way& w) { return w.options.gradient != GradientMethod::adjoint; }

/// sum_i w_i . y_i(T).
FinalLoss weighted_sum(const States& weights) {
  return [&weights](Index first, ConstStatesRef y, StatesRef cotangents) {
    cotangents = weights.middleCols(first, y.cols());
    return y.cwiseProduct(cotangents).sum();
  };
}

double distance(const Eigen::MatrixXd& a, const Eigen::MatrixXd& reference) {
  return (a - reference).norm() / reference.norm();
}

struct Setting {
  std::string name;
  Motion motion;
  std::vector<Index> layers;
  Symmetry symmetry = Symmetry::none;
};

const std::vector<Setting> settings = {
    {"newtonian, D = 1", Motion::newtonian, {1, 6, 5, 1}},
    {"newtonian, D = 1, odd", Motion::newtonian, {1, 7, 1}, Symmetry::odd},
    {"newtonian, D = 2", Motion::newtonian, {2, 5, 2}},
    {"first-order, D = 1", Motion::first_order, {1, 6, 1}},
    {"first-order, D = 2", Motion::first_order, {2, 6, 2}},
};

template <class Check>
void over_all(const Check& check) {
  for (const Setting& setting : settings) {
    CAPTURE(setting.name);
    const auto mlp = std::make_shared<Mlp>(setting.layers, setting.symmetry);
    const Dynamics dynamics(mlp, setting.motion);
    const Vector theta = mlp->initial_parameters(3);
    for (const Way& w : ways()) {
      if (w.newtonian_only && setting.motion == Motion::first_order) continue;
      CAPTURE(w.name);
      check(dynamics, theta, w);
    }
  }
}

}  // namespace

TEST_CASE("every way: the harmonic oscillator's slope in its stiffness, each to its own time") {
  // x = x0 cos wt + v0/w sin wt with w^2 = k.
  const double k = 1.7, w = std::sqrt(k);
  const States y = normal_states(2, 11, 1);
  Ensemble ensemble(y, 1.0);
  for (Index i = 0; i < 11; ++i) ensemble.end_times[i] = 0.4 * static_cast<double>(i) - 1.3;
  const States weights = normal_states(2, 11, 2);
  double expected = 0;
  for (Index i = 0; i < 11; ++i) {
    const double t = ensemble.end_times[i], c = std::cos(w * t), s = std::sin(w * t);
    const double dx = -y(0, i) * t * s + y(1, i) * (t * c / w - s / (w * w));
    const double dv = -y(0, i) * (s + w * t * c) - y(1, i) * t * s;
    expected += (weights(0, i) * dx + weights(1, i) * dv) / (2 * w);
  }
  for (const Way& way : ways()) {
    CAPTURE(way.name);
    Sensitivity at(Dynamics(oracle::harmonic()), way.options);
    const LossGradient result =
        at.gradient(Vector::Constant(1, k), ensemble, weighted_sum(weights));
    CHECK(std::abs(result.gradient[0] - expected) < way.accuracy * std::abs(expected));
  }
}

TEST_CASE("every way: y' = -a y") {
  const auto decay = make_force(
      1, [](double y, const auto& a) { return -a[0] * y; },
      [](double, const auto& a) { return -a[0]; },
      [](double y, const auto&) { return std::array{-y}; });
  const Dynamics dynamics(decay, Motion::first_order);
  const States y = normal_states(1, 9, 4);
  const Ensemble ensemble(y, 1.5);
  const double a = 0.8;
  const States ones = States::Ones(1, 9);
  const double expected = -1.5 * std::exp(-1.5 * a) * y.sum();
  for (const Way& way : ways()) {
    if (way.newtonian_only) continue;
    CAPTURE(way.name);
    Sensitivity at(dynamics, way.options);
    const LossGradient result = at.gradient(Vector::Constant(1, a), ensemble, weighted_sum(ones));
    CHECK(result.gradient[0] == doctest::Approx(expected).epsilon(way.accuracy));
  }
}

TEST_CASE("every way: networks against the discrete method of another order at 1e-13") {
  over_all([](const Dynamics& dynamics, const Vector& theta, const Way& w) {
    const Index states = dynamics.state_dimension();
    Ensemble ensemble(normal_states(states, 10, 5), 2.0);
    ensemble.end_times[3] = -0.7;
    ensemble.end_times[9] = 3.1;
    const States weights = normal_states(states, 10, 6);
    SensitivityOptions tight;
    tight.gradient = GradientMethod::discrete;
    tight.integrator.method =
        w.options.integrator.method != Method::rk8 || dynamics.motion() == Motion::first_order
            ? Method::rk8
            : Method::rkn12;
    tight.integrator.rtol = tight.integrator.atol = 1e-13;
    const LossGradient exact =
        Sensitivity(dynamics, tight).gradient(theta, ensemble, weighted_sum(weights));
    SensitivityOptions options = w.options;
    options.integrator.block_size = 4;
    Sensitivity at(dynamics, options);
    const LossGradient result = at.gradient(theta, ensemble, weighted_sum(weights));
    CHECK(distance(result.gradient, exact.gradient) < w.accuracy);
    CHECK(result.loss == doctest::Approx(exact.loss).epsilon(w.accuracy));
    if (result.initial_cotangents.size() > 0) {
      CHECK(distance(result.initial_cotangents, exact.initial_cotangents) < w.accuracy);
    }
    if (w.options.gradient == GradientMethod::difference) {
      CHECK(result.gradient_error > 0);
      CHECK((result.gradient - exact.gradient).norm() <= result.gradient_error);
    }
    if (!gives_jacobians(w)) return;
    const FinalJacobian final = at.jacobian(theta, ensemble);
    const Vector by_jacobian = final.jacobian.transpose() * weights.reshaped();
    CHECK(distance(by_jacobian, exact.gradient) < w.accuracy);
    CHECK(distance(final.final_states, exact.final_states) < w.accuracy);
  });
}

TEST_CASE("every way: a zero cotangent gives a zero gradient, and one trajectory is enough") {
  over_all([](const Dynamics& dynamics, const Vector& theta, const Way& w) {
    const Ensemble ensemble(normal_states(dynamics.state_dimension(), 1, 5), 2.0);
    const States zero = States::Zero(dynamics.state_dimension(), 1);
    Sensitivity at(dynamics, w.options);
    CHECK(at.gradient(theta, ensemble, weighted_sum(zero)).gradient.norm() == 0);
    const States one = States::Ones(dynamics.state_dimension(), 1);
    CHECK(at.gradient(theta, ensemble, weighted_sum(one)).gradient.norm() > 0);
  });
}

TEST_CASE("every way: the same to the last bit for 1, 2 and 7 threads") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 6, 1});
  const Dynamics dynamics(mlp);
  const Vector theta = mlp->initial_parameters(0);
  const Objective objective(Loss::periodic, normal_states(2, 133, 0), 3.0);
  for (const Way& w : ways()) {
    if (w.options.gradient == GradientMethod::difference) continue;
    CAPTURE(w.name);
    SensitivityOptions options = w.options;
    options.integrator.block_size = 8;  // 17 blocks, the last of 5
    options.freeze_steps = true;
    std::vector<Vector> gradients;
    for (const int threads : {1, 2, 7}) {
      options.integrator.threads = threads;
      Sensitivity at(dynamics, options);
      for (int again = 0; again < 2; ++again) {
        gradients.push_back(
            at.gradient(theta, objective.ensemble(), objective.final_loss()).gradient);
      }
    }
    for (const Vector& g : gradients) CHECK(g == gradients.front());
  }
}

TEST_CASE("every way: a field without parameters") {
  const auto spring = make_force(
      0, [](double q, const auto&) { return -q; }, [](double, const auto&) { return -1.0; },
      [](double, const auto&) { return std::array<double, 0>{}; });
  const Ensemble ensemble(normal_states(2, 3, 0), two_pi);
  const States ones = States::Ones(2, 3);
  for (const Way& w : ways()) {
    CAPTURE(w.name);
    Sensitivity at(Dynamics(spring), w.options);
    CHECK(at.gradient(Vector(0), ensemble, weighted_sum(ones)).gradient.size() == 0);
    if (gives_jacobians(w)) CHECK(at.jacobian(Vector(0), ensemble).jacobian.cols() == 0);
  }
}

TEST_CASE("staggered sensitivities outside the error test leave the states as they are") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1});
  const Dynamics dynamics(mlp);
  const Vector theta = mlp->initial_parameters(0);
  const Objective objective(Loss::periodic, normal_states(2, 100, 0), two_pi);
  SensitivityOptions options;
  options.gradient = GradientMethod::forward;
  options.sensitivity_error_control = false;
  const LossGradient forward =
      Sensitivity(dynamics, options).gradient(theta, objective.ensemble(), objective.final_loss());
  const FinalStates plain =
      Integrator(dynamics, options.integrator).integrate(theta, objective.ensemble());
  CHECK(forward.final_states == plain.states);
  CHECK(forward.forward.steps == plain.counts.steps);
  // On the same discrete trajectory the two methods of CVODES agree.
  options.gradient = GradientMethod::adjoint;
  const LossGradient adjoint =
      Sensitivity(dynamics, options).gradient(theta, objective.ensemble(), objective.final_loss());
  CHECK(adjoint.final_states == plain.states);
  CHECK(distance(adjoint.gradient, forward.gradient) < 1e-7);
}

TEST_CASE("with frozen steps the loss is smooth far below its error") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 8, 8, 1});
  const Dynamics dynamics(mlp);
  const Vector theta = mlp->initial_parameters(2);
  const Vector direction = mlp->initial_parameters(3).normalized();
  const Objective objective(Loss::periodic, normal_states(2, 20, 0), two_pi);
  SensitivityOptions options;
  options.gradient = GradientMethod::discrete;
  options.integrator.method = Method::rkn8;
  options.integrator.rtol = options.integrator.atol = 1e-5;
  options.freeze_steps = true;
  Sensitivity at(dynamics, options);
  const auto loss = objective.final_loss();
  const auto line = [&](double s) {
    return at.gradient(theta + s * direction, objective.ensemble(), loss);
  };
  const LossGradient middle = line(0);
  const double slope = middle.gradient.dot(direction);
  // A central difference with a step of 1e-4 resolves what roundoff in the loss allows.
  const double h = 1e-4;
  const double difference =
      (8 * (line(h).loss - line(-h).loss) - (line(2 * h).loss - line(-2 * h).loss)) / (12 * h);
  CHECK(difference == doctest::Approx(slope).epsilon(1e-10));
}

TEST_CASE("what cannot be done is refused") {
  const Dynamics newtonian(oracle::harmonic());
  const Dynamics first_order(oracle::harmonic(), Motion::first_order);
  const auto refuses = [](const Dynamics& dynamics, GradientMethod gradient, Method method) {
    SensitivityOptions options;
    options.gradient = gradient;
    options.integrator.method = method;
    CHECK_THROWS_AS(Sensitivity(dynamics, options), InputError);
  };
  refuses(newtonian, GradientMethod::discrete, Method::adams);
  refuses(newtonian, GradientMethod::discrete, Method::bdf);
  refuses(newtonian, GradientMethod::adjoint, Method::rkn8);
  refuses(newtonian, GradientMethod::forward, Method::rk4);
  refuses(first_order, GradientMethod::discrete, Method::rkn12);
  refuses(first_order, GradientMethod::difference, Method::rkn8);
  SensitivityOptions options;
  options.backward_rtol = 2;
  CHECK_THROWS_AS(Sensitivity(newtonian, options), InputError);
  options.backward_rtol = 0;
  options.integrator.steps = 0;
  CHECK_THROWS_AS(Sensitivity(newtonian, options), InputError);
  Sensitivity adjoint(newtonian, SensitivityOptions());
  CHECK_THROWS_WITH_AS(
      static_cast<void>(adjoint.jacobian(Vector::Ones(1), Ensemble(States::Ones(2, 1), 1.0))),
      doctest::Contains("adjoint gives no Jacobian"), InputError);
}

TEST_CASE("separate tolerances of the backward problem and of its quadrature") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 8, 1});
  const Dynamics dynamics(mlp);
  const Vector theta = mlp->initial_parameters(0);
  const Objective objective(Loss::periodic, normal_states(2, 20, 0), two_pi);
  const auto run = [&](double backward, double quadrature) {
    SensitivityOptions options;
    options.integrator.rtol = options.integrator.atol = 1e-11;
    options.backward_rtol = backward;
    options.quadrature_rtol = quadrature;
    return Sensitivity(dynamics, options)
        .gradient(theta, objective.ensemble(), objective.final_loss());
  };
  const LossGradient tight = run(0, 0);
  const LossGradient loose = run(1e-5, 0);
  CHECK(loose.backward.steps < tight.backward.steps);
  CHECK(distance(loose.gradient, tight.gradient) > 1e-8);
  CHECK(distance(run(1e-5, 1e-11).gradient, tight.gradient) <
        distance(loose.gradient, tight.gradient));
}
