#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <limits>

#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "isochron/well.hpp"
#include "one_step/discrete.hpp"

namespace test_one_step {

using namespace isochron;
using namespace isochron::one_step;

namespace {

IntegratorOptions options_of(Method method, double rtol = 1e-8) {
  IntegratorOptions options;
  options.method = method;
  options.rtol = options.atol = rtol;
  return options;
}

/// Error of `count` equal steps of the pendulum against many of rkn12.
double pendulum_error(Method method, int count) {
  const Well pendulum = make_well("pendulum", {});
  const Dynamics dynamics(pendulum.force_field());
  States start(2, 1);
  start << 1.2, 0.3;
  const Vector times = Vector::Constant(1, 3.0);
  const Vector none(0);
  const auto solve = [&](const IntegratorOptions& options, int steps) {
    OneStepSolver solver(dynamics, options, block_padding);
    solver.start(none.data(), start, times);
    static_cast<void>(
        solver.follow(std::vector<double>(static_cast<std::size_t>(steps), 1.0 / steps)));
    States result(2, 1);
    solver.read(result);
    return result;
  };
  const States exact = solve(options_of(Method::rkn12), 40);
  return (solve(options_of(method), count) - exact).norm();
}

/// Error of y' = -y^2 (y0 = 1: y = 1/(1 + t)) by `count` equal steps to t = 2.
double riccati_error(Method method, int count) {
  const auto field = make_force(
      0, [](double y, const auto&) { return -y * y; }, [](double y, const auto&) { return -2 * y; },
      [](double, const auto&) { return std::array<double, 0>{}; });
  const Dynamics dynamics(field, Motion::first_order);
  const IntegratorOptions options = options_of(method);
  OneStepSolver solver(dynamics, options, block_padding);
  const Vector none(0);
  solver.start(none.data(), States::Constant(1, 1, 1.0), Vector::Constant(1, 2.0));
  static_cast<void>(
      solver.follow(std::vector<double>(static_cast<std::size_t>(count), 1.0 / count)));
  States result(1, 1);
  solver.read(result);
  return std::abs(result(0, 0) - 1.0 / 3);
}

template <class Error>
double order(const Error& error, Method method, int coarse) {
  return std::log2(error(method, coarse) / error(method, 2 * coarse));
}

// ------------------------------------------------ the discrete solution once more, in any
// arithmetic

template <class T>
using Numbers = std::vector<T>;

/// A tanh network of D inputs at one point, from theta as Mlp orders it.
template <class T>
Numbers<T> network_force(const Mlp& mlp, const Numbers<T>& theta, Numbers<T> a) {
  std::size_t at = 0;
  for (std::size_t l = 0; l + 1 < mlp.layers().size(); ++l) {
    const auto inputs = static_cast<std::size_t>(mlp.layers()[l]);
    const auto outputs = static_cast<std::size_t>(mlp.layers()[l + 1]);
    Numbers<T> z(outputs, T(0));
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) z[o] += theta[at + o * inputs + i] * a[i];
    }
    at += inputs * outputs;
    if (mlp.bias()) {
      for (std::size_t o = 0; o < outputs; ++o) z[o] += theta[at + o];
      at += outputs;
    }
    if (l + 2 < mlp.layers().size()) {
      for (T& x : z) x = std::tanh(x);
    }
    a = z;
  }
  return a;
}

/// The tableau's steps for one trajectory: final q, v (v empty for first-order motion).
template <class T>
std::pair<Numbers<T>, Numbers<T>> discrete_solution(const Mlp& mlp, const Numbers<T>& theta,
                                                    const Tableau& t, Numbers<T> q, Numbers<T> v,
                                                    const std::vector<double>& steps, double end) {
  const std::size_t d = q.size();
  const bool newtonian = !v.empty();
  for (const double fraction : steps) {
    const double h = fraction * end;
    std::vector<Numbers<T>> forces;
    const auto position = [&](double c, const std::vector<double>& coefficients) {
      Numbers<T> x = q;
      for (std::size_t k = 0; k < d; ++k) {
        T total(0);
        for (std::size_t j = 0; j < forces.size() && j < coefficients.size(); ++j) {
          total += coefficients[j] * forces[j][k];
        }
        x[k] += newtonian ? h * (c * v[k] + h * total) : h * total;
      }
      return x;
    };
    for (std::size_t i = 0; i < t.stages(); ++i) {
      forces.push_back(network_force(mlp, theta, position(t.c[i], t.a[i])));
    }
    const Numbers<T> next = position(1, t.b);
    for (std::size_t k = 0; newtonian && k < d; ++k) {
      for (std::size_t i = 0; i < t.stages(); ++i) v[k] += h * t.b_velocity[i] * forces[i][k];
    }
    q = next;
  }
  return {q, v};
}

struct Case {
  Motion motion;
  Method method;
  std::vector<Index> layers;
  Symmetry symmetry = Symmetry::none;
};

const std::vector<Case> cases = {
    {Motion::newtonian, Method::rkn8, {1, 5, 4, 1}},
    {Motion::newtonian, Method::rkn12, {1, 6, 1}, Symmetry::odd},
    {Motion::newtonian, Method::rk8, {2, 5, 2}},
    {Motion::newtonian, Method::rk4, {1, 5, 1}},
    {Motion::newtonian, Method::rkn8, {3, 4, 3}},
    {Motion::first_order, Method::rk8, {2, 5, 2}},
    {Motion::first_order, Method::rk4, {1, 5, 1}},
};

}  // namespace

TEST_CASE("one-step methods converge at their order") {
  const struct {
    Method method;
    int steps;
  } newtonian[] = {{Method::rk4, 32}, {Method::rk8, 6}, {Method::rkn8, 6}, {Method::rkn12, 3}};
  for (const auto& c : newtonian) {
    const auto& [method, steps] = c;
    CAPTURE(name(c.method));
    const double expected = tableau(method, Motion::newtonian).order;
    CHECK(order(pendulum_error, method, steps) > expected - 0.7);
    CHECK(order(pendulum_error, method, steps) < expected + 2.5);
  }
  CHECK(order(riccati_error, Method::rk4, 32) == doctest::Approx(4).epsilon(0.15));
  CHECK(order(riccati_error, Method::rk8, 6) > 7.3);
}

TEST_CASE("error control: the error follows rtol") {
  const Well duffing = make_well("duffing", {});
  const States start = normal_states(2, 20, 1);
  const Ensemble ensemble(start, 6.0);
  const Dynamics dynamics(duffing.force_field());
  const auto solve = [&](Method method, double rtol) {
    return Integrator(dynamics, options_of(method, rtol)).integrate(Vector(0), ensemble);
  };
  const States exact = solve(Method::adams, 1e-14).states;
  for (const Method method : {Method::rkn8, Method::rkn12, Method::rk8}) {
    CAPTURE(name(method));
    double last = 1;
    for (const double rtol : {1e-4, 1e-6, 1e-8, 1e-10}) {
      CAPTURE(rtol);
      const ObservedStates final_states = solve(method, rtol);
      // In units of rtol |y| + atol, atol = rtol.
      const double error =
          ((final_states.states - exact).array() / (1 + exact.array().abs())).abs().maxCoeff();
      CHECK(error < 20 * rtol);
      CHECK(error < last);
      last = error;
      CHECK(final_states.counts.steps > 0);
    }
  }
  // rk4 takes the steps that it is told to.
  IntegratorOptions options = options_of(Method::rk4);
  options.steps = 37;
  options.block_size = 8;
  CHECK(Integrator(dynamics, options).integrate(Vector(0), ensemble).counts.steps == 3 * 37);
}

TEST_CASE("error control sees a component that only adds up another") {
  // y1' = 1.5 cos(3 y2), y2' = 1 from 0: y1 = sin(3 t)/2.
  const auto field = make_force(
      2, 0,
      [](const Vector& y, const auto&) {
        return Vector{{1.5 * std::cos(3 * y[1]), 1.0}};
      },
      [](const Vector& y, const auto&) {
        return Eigen::MatrixXd{{0, -4.5 * std::sin(3 * y[1])}, {0, 0}};
      },
      [](const Vector&, const auto&) { return Eigen::MatrixXd(2, 0); });
  for (const double rtol : {1e-4, 1e-7, 1e-10}) {
    CAPTURE(rtol);
    for (const double end : {0.3, 10.0, -40.0}) {
      const States y =
          Integrator(Dynamics(field, Motion::first_order), options_of(Method::rk8, rtol))
              .integrate(Vector(0), Ensemble(States::Zero(2, 1), end))
              .states;
      CHECK(std::abs(y(0, 0) - std::sin(3 * end) / 2) <= 20 * rtol * (1 + std::abs(end)));
    }
  }
}

TEST_CASE("samples and end times of their own") {
  const Well pendulum = make_well("pendulum", {});
  const Dynamics dynamics(pendulum.force_field());
  Ensemble ensemble(normal_states(2, 5, 2), 1.0);
  ensemble.end_times << 1, -2, 3, 0.5, 6;
  const Vector tau = Vector::LinSpaced(7, 0, 1);
  const auto sample = [&](Method method, double rtol) {
    return Integrator(dynamics, options_of(method, rtol)).sample(Vector(0), ensemble, tau);
  };
  const auto exact = sample(Method::adams, 1e-13);
  const auto sampled = sample(Method::rkn8, 1e-10);
  for (std::size_t k = 0; k < 7; ++k) {
    CHECK((sampled.trajectories.states[k] - exact.trajectories.states[k]).cwiseAbs().maxCoeff() <
          1e-9);
  }
}

TEST_CASE("failures say time, method and tolerance") {
  const auto blows_up = make_force(
      0, [](double q, const auto&) { return q < 1 ? 1.0 : std::nan(""); },
      [](double, const auto&) { return 0.0; },
      [](double, const auto&) { return std::array<double, 0>{}; });
  const Ensemble ensemble(States::Zero(2, 3), 5.0);
  const Dynamics dynamics(blows_up);
  CHECK_THROWS_WITH_AS(
      static_cast<void>(
          Integrator(dynamics, options_of(Method::rkn8)).integrate(Vector(0), ensemble)),
      doctest::Contains("method rkn8, rtol 1.0e-08"), NumericalError);
  CHECK_THROWS_WITH_AS(
      static_cast<void>(
          Integrator(dynamics, options_of(Method::rk4)).integrate(Vector(0), ensemble)),
      doctest::Contains("the force is not finite"), NumericalError);

  const Dynamics pendulum(make_well("pendulum", {}).force_field());
  const Ensemble orbits(normal_states(2, 3, 0), 50.0);
  IntegratorOptions options = options_of(Method::rkn12);
  options.max_steps = 3;
  CHECK_THROWS_WITH_AS(
      static_cast<void>(Integrator(pendulum, options).integrate(Vector(0), orbits)),
      doctest::Contains("more than 3 steps"), NumericalError);
  options = options_of(Method::rkn8);
  options.stop_requested = [] { return true; };
  CHECK_THROWS_AS(static_cast<void>(Integrator(pendulum, options).integrate(Vector(0), orbits)),
                  Interrupted);
}

TEST_CASE("the discrete gradient is that of the discrete loss, to roundoff") {
  for (const Case& c : cases) {
    CAPTURE(name(c.method));
    const auto mlp = std::make_shared<Mlp>(c.layers, c.symmetry);
    const Dynamics dynamics(mlp, c.motion);
    const Index states = dynamics.state_dimension();
    const Index count = 3;
    const Vector theta = mlp->initial_parameters(5);
    const States start = normal_states(states, count, 6);
    const Vector ends = Eigen::Vector3d(1.5, 2.0, 1.1);
    const States cotangents = normal_states(states, count, 7);
    IntegratorOptions options = options_of(c.method, 1e-5);
    options.steps = 9;
    StepGrids grids(1);
    DiscreteSensitivity sensitivity(dynamics, options, block_padding, &grids);
    States final_states(states, count);
    sensitivity.forward(0, theta.data(), start, ends, States(0, ends.size()), final_states, true);
    Vector gradient(theta.size());
    States initial(states, count);
    sensitivity.gradient(cotangents, gradient, initial);
    RowMatrix jacobian(states * count, theta.size());
    RowMatrix by_start(states * count, states);
    sensitivity.jacobian(jacobian, by_start);

    // The complex step: Im L(theta + i h e_p)/h, exact to roundoff for tiny h.
    using Complex = std::complex<double>;
    constexpr double h = 1e-100;
    const Tableau t = tableau(c.method, c.motion);
    const Index d = dynamics.dimension();
    const auto derivative = [&](Index trajectory, const Numbers<Complex>& at,
                                const Eigen::VectorXcd& from) {
      Numbers<Complex> q(from.data(), from.data() + d);
      Numbers<Complex> v(from.data() + d, from.data() + states);
      const auto [end_q, end_v] = discrete_solution<Complex>(
          *mlp, at, t, q, v, grids.last[0].segments.front().steps, ends[trajectory]);
      Vector result(states);
      for (Index k = 0; k < d; ++k) result[k] = end_q[static_cast<std::size_t>(k)].imag() / h;
      for (Index k = d; k < states; ++k)
        result[k] = end_v[static_cast<std::size_t>(k - d)].imag() / h;
      return result;
    };
    Vector expected = Vector::Zero(theta.size());
    Eigen::MatrixXd expected_jacobian(jacobian.rows(), jacobian.cols());
    for (Index p = 0; p < theta.size(); ++p) {
      Numbers<Complex> moved(theta.begin(), theta.end());
      moved[static_cast<std::size_t>(p)] += Complex(0, h);
      for (Index i = 0; i < count; ++i) {
        const Vector column = derivative(i, moved, start.col(i).cast<Complex>());
        expected_jacobian.block(i * states, p, states, 1) = column;
        expected[p] += column.dot(cotangents.col(i));
      }
    }
    CHECK((gradient - expected).norm() < 1e-13 * expected.norm());
    CHECK((jacobian - expected_jacobian).norm() < 1e-13 * expected_jacobian.norm());

    // And dL/dy(0), by moving the initial state.
    const Numbers<Complex> fixed(theta.begin(), theta.end());
    for (Index k = 0; k < states; ++k) {
      Eigen::VectorXcd moved = start.col(1).cast<Complex>();
      moved[k] += Complex(0, h);
      const double slope = derivative(1, fixed, moved).dot(cotangents.col(1));
      CHECK(initial(k, 1) == doctest::Approx(slope).epsilon(1e-12));
    }
  }
}

TEST_CASE("a grid is kept while its errors allow, and renewed when they do not") {
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{1, 8, 1});
  const Dynamics dynamics(mlp);
  const IntegratorOptions options = options_of(Method::rkn8, 1e-7);
  StepGrids grids(1);
  DiscreteSensitivity sensitivity(dynamics, options, block_padding, &grids);
  const States start = normal_states(2, 4, 1);
  const Vector ends = Vector::Constant(4, 6.0);
  States final_states(2, 4);
  Vector theta = mlp->initial_parameters(1);
  const auto run = [&] {
    sensitivity.forward(0, theta.data(), start, ends, States(0, ends.size()), final_states, true);
    grids.keep();
  };
  const auto steps = [&] { return grids.kept[0].segments.front().steps; };
  run();
  const std::vector<double> first = steps();
  theta *= 1.001;
  run();
  CHECK(steps() == first);
  theta *= 6;
  run();
  CHECK(steps().size() > first.size());
  double whole = 0;
  for (const double h : steps()) whole += h;
  CHECK(whole == doctest::Approx(1).epsilon(1e-13));
}

}  // namespace test_one_step
