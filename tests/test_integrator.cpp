#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/integrator.hpp"
#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "isochron/return_time.hpp"
#include "isochron/well.hpp"
#include "oracles.hpp"

namespace test_integrator {

using namespace isochron;
using oracle::column_distances;
using oracle::mentions;
using oracle::message_of;
using oracle::permitted_error;
using oracle::two_pi;

namespace {

constexpr Method multistep[] = {Method::adams, Method::bdf};
constexpr Method methods[] = {Method::adams, Method::bdf, Method::rkn8, Method::rkn12, Method::rk8};
const Vector none;  // theta of a field without parameters

IntegratorOptions with(Method method, double tolerance = 1e-9) {
  IntegratorOptions options;
  options.method = method;
  options.rtol = options.atol = tolerance;
  return options;
}

bool suits(Method method, Motion motion) {
  return motion == Motion::newtonian || (method != Method::rkn8 && method != Method::rkn12);
}

Vector one(double k) { return Vector::Constant(1, k); }

struct Network {
  explicit Network(std::vector<Index> layers = {1, 16, 1}, Motion motion = Motion::newtonian)
      : mlp(std::make_shared<Mlp>(std::move(layers))),
        dynamics(mlp, motion),
        theta(mlp->initial_parameters(4)) {}
  std::shared_ptr<Mlp> mlp;
  Dynamics dynamics;
  Vector theta;
};

ObservedStates solve(const Dynamics& dynamics, const Vector& theta, const Ensemble& ensemble,
                     const IntegratorOptions& options) {
  return Integrator(dynamics, options).integrate(theta, ensemble);
}

/// The time that a NumericalError names.
double time_in(const std::string& text) {
  const std::size_t at = text.find("t = ");
  return at == std::string::npos ? std::nan("") : std::stod(text.substr(at + 4));
}

/// A force with an opinion about positions beyond `wall`; free motion before it.
template <class Beyond>
Dynamics free_until(double wall, Beyond beyond) {
  return Dynamics(make_force(
      0, [=](double x, const auto&) { return x > wall ? beyond() : 0.0; },
      [](double, const auto&) { return 0.0; },
      [](double, const auto&) { return std::array<double, 0>{}; }));
}

}  // namespace

// --- exact solutions ----------------------------------------------------------------------------

TEST_CASE("harmonic oscillators end where the rotation takes them, each at its own time") {
  const double k = 1.7;
  const Index n = 11;
  const Ensemble ensemble(normal_states(2, n, 1), oracle::unequal_times(n));
  for (const Method method : methods) {
    const IntegratorOptions options = with(method);
    const ObservedStates end = solve(Dynamics(oracle::harmonic()), one(k), ensemble, options);
    States exact(2, n);
    for (Index i = 0; i < n; ++i) {
      exact.col(i) =
          oracle::harmonic_flow(k, ensemble.end_times[i]) * ensemble.initial_states.col(i);
    }
    // An ellipse of axes 1 and sqrt(k): errors grow by at most k^(1/2).
    const double permitted =
        permitted_error(options, end.counts.steps, ensemble.initial_states, std::sqrt(k));
    CHECK(column_distances(end.states, exact).maxCoeff() <= permitted);
  }
}

TEST_CASE("linear systems follow the matrix exponential, in both motions and dimensions") {
  const Eigen::MatrixXd a1 = Eigen::MatrixXd::Constant(1, 1, -0.8);
  const Eigen::MatrixXd a2{{-0.4, 1.1}, {-1.3, -0.2}};
  const Index n = 9;
  for (const Method method : methods) {
    for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
      if (!suits(method, motion)) continue;
      for (const Eigen::MatrixXd& a : {a1, a2}) {
        const Dynamics dynamics(oracle::linear(a.rows()), motion);
        const Ensemble ensemble(normal_states(dynamics.state_dimension(), n, 2),
                                oracle::unequal_times(n));
        const IntegratorOptions options = with(method);
        const ObservedStates end = solve(dynamics, oracle::row_by_row(a), ensemble, options);
        for (Index i = 0; i < n; ++i) {
          const double t = ensemble.end_times[i];
          const Eigen::MatrixXd flow = oracle::linear_flow(a, motion, t);
          const double growth =
              (std::abs(t) * oracle::generator(a, motion).cwiseAbs().rowwise().sum().maxCoeff());
          const double error = (end.states.col(i) - flow * ensemble.initial_states.col(i)).norm();
          CHECK(error <= permitted_error(options, end.counts.steps, ensemble.initial_states,
                                         std::exp(growth)));
        }
      }
    }
  }
}

TEST_CASE("a Duffing orbit closes after the period that elliptic integrals give") {
  const Well well = make_well("duffing", {{"beta", 0.7}});
  const std::vector<double> amplitudes = {0.1, 1, 3};
  States start(2, 3);
  Vector periods(3);
  for (Index i = 0; i < 3; ++i) {
    const double a = amplitudes[static_cast<std::size_t>(i)];
    start.col(i) << a, 0;
    periods[i] = well.period(well.potential(a));
  }
  for (const Method method : methods) {
    const IntegratorOptions options = with(method);
    const ObservedStates end =
        solve(Dynamics(oracle::duffing()), one(0.7), Ensemble(start, periods), options);
    // The largest force slope, 1 + 3 beta A^2 = 20, sets the scale of v against x; the period's
    // dependence on the energy stretches errors by up to T A dOmega/dA < 20 more.
    CHECK(column_distances(end.states, start).maxCoeff() <=
          permitted_error(options, end.counts.steps, start, 20));
  }
}

TEST_CASE("the error follows rtol") {
  const Ensemble ensemble(normal_states(2, 16, 3), two_pi);
  for (const Method method : methods) {
    std::vector<double> rtol, error;
    for (double tolerance = 1e-4; tolerance > 1e-10; tolerance /= 10) {
      const States end =
          solve(Dynamics(oracle::harmonic()), one(1), ensemble, with(method, tolerance)).states;
      rtol.push_back(tolerance);
      error.push_back(column_distances(end, ensemble.initial_states).maxCoeff());
    }
    const double slope = oracle::log_log_slope(rtol, error);
    CAPTURE(name(method));
    CHECK(slope >= 0.7);
    CHECK(slope <= (is_multistep(method) ? 1.3 : 1.5));  // order/(embedded order + 1) > 1
  }
}

TEST_CASE("free motion and constant forces, forward and backward, are exact to roundoff") {
  const Dynamics dynamics(make_force(
      1, [](double, const auto& g) { return g[0]; }, [](double, const auto&) { return 0.0; },
      [](double, const auto&) { return std::array{1.0}; }));
  const Index n = 9;
  const Ensemble ensemble(normal_states(2, n, 13), oracle::unequal_times(n));
  for (const Method method : {Method::rkn8, Method::rkn12, Method::rk8, Method::rk4}) {
    CAPTURE(name(method));
    for (const double g : {0.0, -1.3}) {
      IntegratorOptions options = with(method);
      options.block_size = n;
      const ObservedStates end = solve(dynamics, one(g), ensemble, options);
      CHECK(end.counts.steps <= (method == Method::rk4 ? with(method).steps : 2));
      for (Index i = 0; i < n; ++i) {
        const double t = ensemble.end_times[i];
        const Vector start = ensemble.initial_states.col(i);
        const Vector exact{{start[0] + t * start[1] + g * t * t / 2, start[1] + g * t}};
        CHECK((end.states.col(i) - exact).norm() <= 1e-13 * (1 + exact.norm()));
      }
    }
  }
}

TEST_CASE("one-step methods of a network agree with the multistep ones") {
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    const Network net({2, 8, 8, 2}, motion);
    const Index n = 11;
    const Ensemble ensemble(normal_states(net.dynamics.state_dimension(), n, 14),
                            oracle::unequal_times(n));
    const Vector tau{{0, 0.2, 0.2, 0.71, 1}};
    const auto sample = [&](const IntegratorOptions& options) {
      return Integrator(net.dynamics, options).sample(net.theta, ensemble, tau);
    };
    const SampledTrajectories exact = sample(with(Method::adams, 1e-13));
    for (const Method method : {Method::rkn8, Method::rkn12, Method::rk8, Method::rk4}) {
      if (!suits(method, motion)) continue;
      CAPTURE(name(method));
      for (const double tolerance : {1e-6, 1e-9}) {
        IntegratorOptions options = with(method, tolerance);
        // rk4: (T/steps)^4 with T up to 2.7, per section of tau.
        if (method == Method::rk4)
          options.steps = static_cast<long>(3 * std::pow(tolerance, -0.25));
        const SampledTrajectories sampled = sample(options);
        for (std::size_t k = 0; k < exact.trajectories.states.size(); ++k) {
          CHECK(column_distances(sampled.trajectories.states[k], exact.trajectories.states[k])
                    .maxCoeff() <= permitted_error(options, sampled.counts.steps,
                                                   ensemble.initial_states, std::exp(2.7)));
        }
      }
    }
  }
}

TEST_CASE("energy is conserved to the accuracy of the solution") {
  const Vector k{{1, 1.7, 0.4}};
  const Ensemble ensemble(normal_states(4, 12, 5), 20.0);
  for (const Method method : methods) {
    const IntegratorOptions options = with(method);
    const ObservedStates end = solve(Dynamics(oracle::coupled()), k, ensemble, options);
    for (Index i = 0; i < ensemble.size(); ++i) {
      const double before = oracle::coupled_energy(k, ensemble.initial_states.col(i));
      const double after = oracle::coupled_energy(k, end.states.col(i));
      // |dE| <= |grad E| |dy| step by step, |grad E| <= max(k) |y| + ... of order 10 here.
      CHECK(std::abs(after - before) <=
            permitted_error(options, end.counts.steps, ensemble.initial_states, 10));
    }
  }
}

TEST_CASE("forward and back again is the identity") {
  const Network net({2, 8, 2});
  const IntegratorOptions options = with(Method::adams);
  const Ensemble there(normal_states(4, 10, 6), 3.0);
  const ObservedStates end = solve(net.dynamics, net.theta, there, options);
  const ObservedStates back = solve(net.dynamics, net.theta, Ensemble(end.states, -3.0), options);
  CHECK(column_distances(back.states, there.initial_states).maxCoeff() <=
        permitted_error(options, end.counts.steps + back.counts.steps, end.states, std::exp(3.0)));
}

TEST_CASE("a stiff field: bdf takes far fewer steps than adams" * doctest::test_suite("long")) {
  const double fast = 1e6, slow = 1, t = 0.1;
  const Vector theta{{fast, slow}};
  const Dynamics dynamics(oracle::stiff(), Motion::first_order);
  const Ensemble ensemble(States::Ones(2, 1), t);
  ObservedStates end[2];
  for (const Method method : multistep) {
    const IntegratorOptions options = with(method, 1e-6);
    ObservedStates& at = end[method == Method::bdf];
    at = solve(dynamics, theta, ensemble, options);
    const Vector exact = oracle::stiff_solution(fast, slow, t, 1);
    CHECK((at.states.col(0) - exact).norm() <=
          permitted_error(options, std::min(at.counts.steps, 1000L), ensemble.initial_states));
  }
  CHECK(end[0].counts.steps >= 20 * end[1].counts.steps);
  CHECK(end[1].counts.jacobians > 0);
}

// --- statistics ---------------------------------------------------------------------------------

TEST_CASE("counts are returned, plausible, and summed over blocks") {
  const Network net;
  const Ensemble ensemble(normal_states(2, 24, 7), two_pi);
  for (const Method method : methods) {
    IntegratorOptions options = with(method);
    options.block_size = 8;
    const IntegrationCounts all = solve(net.dynamics, net.theta, ensemble, options).counts;
    CHECK(all.steps > 0);
    CHECK(all.right_hand_sides >= all.steps);
    // An iteration of a multistep method or two; 17 stages, some for steps that were rejected.
    CHECK(all.right_hand_sides <= (is_multistep(method) ? 5 : 21) * all.steps);
    CHECK((all.jacobians > 0) == (method == Method::bdf));
    CHECK(all.jacobians <= all.steps);
    CHECK(all.error_test_failures <= all.steps / 5);
    CHECK(all.convergence_failures <= all.steps / 5);

    IntegrationCounts sum;
    for (Index first = 0; first < 24; first += 8) {
      const Ensemble part(States(ensemble.initial_states.middleCols(first, 8)), two_pi);
      sum += solve(net.dynamics, net.theta, part, options).counts;
    }
    CHECK(all.steps == sum.steps);
    CHECK(all.right_hand_sides == sum.right_hand_sides);
    CHECK(all.jacobians == sum.jacobians);
    CHECK(all.error_test_failures == sum.error_test_failures);
    CHECK(all.convergence_failures == sum.convergence_failures);
  }
}

// --- the promise of the block norm --------------------------------------------------------------

TEST_CASE("one demanding orbit keeps its tolerance among 99 quiet ones" *
          doctest::test_suite("long")) {
  const Index n = 100, demanding = 37;
  States start = 0.3 * normal_states(2, n, 8);
  start.col(demanding) << 10, 0;
  const Ensemble ensemble(start, two_pi);
  const Dynamics dynamics(oracle::duffing());
  const auto run = [&](double tolerance, Index block) {
    IntegratorOptions options = with(Method::adams, tolerance);
    options.block_size = block;
    return solve(dynamics, one(1), ensemble, options).states;
  };
  const States reference = run(1e-13, 1);
  for (const double rtol : {1e-8, 1e-10}) {
    const Vector together = column_distances(run(rtol, 0), reference);
    const Vector alone = column_distances(run(rtol, 1), reference);
    for (Index i = 0; i < n; ++i) {
      CAPTURE(i);
      CHECK(together[i] <= 3 * std::max(alone[i], 10 * rtol));
    }
  }
}

TEST_CASE("the automatic block size is even, padded, and a function of N, D and P only") {
  const Network d1, d2({2, 8, 2});
  for (const Index n : {1, 7, 100, 128, 129, 1000, 10000}) {
    for (const Dynamics& dynamics : {d1.dynamics, d2.dynamics}) {
      const Index size = block_size(n, dynamics);
      CHECK(size % block_padding == 0);
      CHECK(size <= 128);
      const Index blocks = (n + size - 1) / size;
      CHECK(blocks * size - n < blocks * block_padding);  // even: padding only
    }
  }
}

// --- determinism --------------------------------------------------------------------------------

TEST_CASE("results are bit-identical for 1, 2 and 7 threads") {
  const Index n = 131;  // 17 blocks of 8, the last of 3
  for (const Method method : methods) {
    const Network net;
    const Ensemble ensemble(normal_states(2, n, 9), oracle::unequal_times(n));
    IntegratorOptions options = with(method);
    options.block_size = 8;
    const ObservedStates single = solve(net.dynamics, net.theta, ensemble, options);
    for (const int threads : {2, 7}) {
      options.threads = threads;
      const ObservedStates several = solve(net.dynamics, net.theta, ensemble, options);
      CHECK(several.states == single.states);
      CHECK(several.counts.steps == single.counts.steps);
      CHECK(several.counts.right_hand_sides == single.counts.right_hand_sides);
    }
  }
}

TEST_CASE("an integrator used again, for other shapes and after failures, is as good as new") {
  const Index n = 20;
  const Dynamics dynamics(oracle::explosion());
  const Ensemble gentle(States(0.3 * normal_states(2, n, 10)), 1.5);
  States wild = gentle.initial_states;
  wild.col(13) = oracle::explosion_start(0.5);
  for (const Method method : methods) {
    for (const int threads : {1, 2}) {
      IntegratorOptions options = with(method);
      options.block_size = 8;
      options.threads = threads;
      options.max_steps = 5000;  // near the explosion steps shrink for ever
      const States fresh = solve(dynamics, one(1), gentle, options).states;
      Integrator integrator(dynamics, options);
      CHECK(integrator.integrate(one(1), gentle).states == fresh);
      CHECK(integrator.integrate(one(1), gentle).states == fresh);
      CHECK_THROWS_AS((void)integrator.integrate(one(1), Ensemble(wild, 1.5)), NumericalError);
      CHECK(integrator.integrate(one(1), gentle).states == fresh);
      const Ensemble few(States(gentle.initial_states.leftCols(3)), -1.0);
      CHECK(integrator.integrate(one(1), few).states ==
            solve(dynamics, one(1), few, options).states);
      CHECK(integrator.integrate(one(1), gentle).states == fresh);
      Integrator moved = std::move(integrator);
      CHECK(moved.integrate(one(1), gentle).states == fresh);
    }
  }
}

// --- sampling -----------------------------------------------------------------------------------

TEST_CASE("samples follow the exact solution") {
  const double k = 2.3;
  const Index n = 10;
  const Ensemble ensemble(normal_states(2, n, 11), oracle::unequal_times(n));
  const Dynamics dynamics(oracle::harmonic());
  const Vector tau = Vector::LinSpaced(41, 0, 1);
  for (const Method method : methods) {
    const IntegratorOptions options = with(method);
    Integrator integrator(dynamics, options);
    const SampledTrajectories sampled = integrator.sample(one(k), ensemble, tau);
    const Trajectories& orbits = sampled.trajectories;
    REQUIRE(orbits.states.size() == 41);
    CHECK(orbits.tau == tau);
    CHECK(orbits.states.front() == ensemble.initial_states);
    const double permitted =
        permitted_error(options, sampled.counts.steps, ensemble.initial_states, std::sqrt(k));
    for (std::size_t s = 0; s < orbits.states.size(); ++s) {
      for (Index i = 0; i < n; ++i) {
        const double t = tau[static_cast<Index>(s)] * ensemble.end_times[i];
        const Vector exact = oracle::harmonic_flow(k, t) * ensemble.initial_states.col(i);
        CHECK((orbits.states[s].col(i) - exact).norm() <= permitted);
      }
    }
  }
}

TEST_CASE("sampling tells how far it is, up to the end, and the samples are the same") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 4, 1});
  const Dynamics dynamics(network);
  const Vector theta = network->initial_parameters(0);
  const Ensemble ensemble(normal_states(2, 300, 0), 1);
  const Vector tau = Vector::LinSpaced(7, 0, 1);
  for (const Method method : {Method::adams, Method::rkn8}) {
    CAPTURE(name(method));
    IntegratorOptions options;
    options.method = method;
    const SampledTrajectories silent = Integrator(dynamics, options).sample(theta, ensemble, tau);
    std::vector<double> parts;
    options.progress = [&](double part) { parts.push_back(part); };
    const SampledTrajectories told = Integrator(dynamics, options).sample(theta, ensemble, tau);
    CHECK(told.trajectories.states.back() == silent.trajectories.states.back());
    REQUIRE(parts.size() >= 14);
    CHECK(std::is_sorted(parts.begin(), parts.end()));
    CHECK(parts.front() > 0);
    CHECK(parts.back() == 1);
  }
}

TEST_CASE("the same fraction may be sampled twice") {
  const Ensemble ensemble(normal_states(2, 3, 12), 2.0);
  const Vector tau{{0, 0, 0.5, 0.5, 1, 1}};
  const auto states = Integrator(Dynamics(oracle::harmonic()), with(Method::adams))
                          .sample(one(1), ensemble, tau)
                          .trajectories.states;
  for (const std::size_t s : {0u, 2u, 4u}) CHECK(states[s] == states[s + 1]);
}

// --- what can go wrong --------------------------------------------------------------------------

TEST_CASE("an unsound option is named with its range, by the constructor") {
  const Dynamics dynamics(oracle::harmonic());
  const auto complaint = [&](auto&& change) {
    IntegratorOptions options;
    change(options);
    return message_of<InputError>([&] { Integrator integrator(dynamics, options); });
  };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {0.0, -1e-6, 1e-16, 0.2, nan}) {
    const std::string about_rtol = complaint([&](IntegratorOptions& o) { o.rtol = bad; });
    CHECK(mentions(about_rtol, "rtol"));
    CHECK(mentions(about_rtol, "1e-15 .. 1e-1"));
    CHECK(mentions(complaint([&](IntegratorOptions& o) { o.atol = bad; }), "atol"));
  }
  CHECK(mentions(complaint([](IntegratorOptions& o) { o.max_steps = 0; }), "max_steps"));
  CHECK(mentions(complaint([](IntegratorOptions& o) { o.block_size = -1; }), "block_size"));
  CHECK(mentions(complaint([](IntegratorOptions& o) { o.threads = -1; }), "threads"));
}

TEST_CASE("a problem that does not fit is refused in one sentence") {
  Integrator integrator(Dynamics(oracle::harmonic()), {});
  const States y = normal_states(2, 5, 13);
  const auto complaint = [&](const Vector& theta, const Ensemble& ensemble) {
    return message_of<InputError>(
        [&] { static_cast<void>(integrator.integrate(theta, ensemble)); });
  };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  CHECK(mentions(complaint(Vector::Ones(2), {y, 1.0}), "2 parameters"));
  CHECK(mentions(complaint(one(1), {normal_states(3, 5, 13), 1.0}), "3 components"));
  CHECK(mentions(complaint(one(1), {States(2, 0), 1.0}), "at least one"));
  CHECK(mentions(complaint(one(1), {y, Vector(Vector::Ones(4))}), "4 end times"));
  for (const double bad : {nan, inf}) {
    States broken = y;
    broken(1, 3) = bad;
    CHECK(mentions(complaint(one(1), {broken, 1.0}), "initial state"));
    CHECK(mentions(complaint(one(1), {y, bad}), "end time"));
  }
  CHECK(mentions(complaint(one(1), {y, 0.0}), "end time"));

  const auto at_tau = [&](std::vector<double> tau) {
    const Vector times = Eigen::Map<Vector>(tau.data(), static_cast<Index>(tau.size()));
    return message_of<InputError>([&] {
      static_cast<void>(integrator.sample(one(1), {y, 1.0}, times));
    });
  };
  CHECK(mentions(at_tau({}), "sample times"));
  CHECK(mentions(at_tau({0.5, 0.2}), "sample times"));
  CHECK(mentions(at_tau({-0.1, 1}), "sample times"));
  CHECK(mentions(at_tau({0, 1.1}), "sample times"));
  CHECK(mentions(at_tau({nan}), "sample times"));
}

TEST_CASE("parameters that are not finite are a numerical failure, as a trial point's are") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(solve(Dynamics(oracle::harmonic()), one(nan), {States::Ones(2, 1), 1.0}, {}),
                  NumericalError);
}

TEST_CASE("a solution that explodes is reported with its time, method and tolerance") {
  const double blow_up = 0.7;
  const Ensemble ensemble(oracle::explosion_start(blow_up), 1.0);
  for (const Method method : methods) {
    IntegratorOptions options = with(method, 1e-8);
    options.max_steps = 20000;
    const std::string text = message_of<NumericalError>([&] {
      static_cast<void>(solve(Dynamics(oracle::explosion()), one(1), ensemble, options));
    });
    CAPTURE(text);
    CHECK(mentions(text, name(method)));
    CHECK(mentions(text, "rtol 1.0e-08"));
    CHECK(time_in(text) == doctest::Approx(blow_up).epsilon(0.01));
  }
}

TEST_CASE("a force that is not finite ends the integration where it happens") {
  const Ensemble moving(States{{0.0}, {1.0}}, 1.0);
  for (const Method method : methods) {
    for (const double value :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      for (const double wall : {0.5, -1.0}) {  // on the way, and from the start
        IntegratorOptions options = with(method, 1e-8);
        options.max_steps = 2000;
        const std::string text = message_of<NumericalError>([&] {
          static_cast<void>(solve(free_until(wall, [=] { return value; }), none, moving, options));
        });
        CAPTURE(text);
        CHECK(time_in(text) == doctest::Approx(std::max(wall, 0.0)));
        CHECK(mentions(text, name(method)));
        CHECK(mentions(text, "rtol 1.0e-08"));
        if (wall < 0) CHECK(mentions(text, "the force is not finite"));
      }
    }
  }
}

TEST_CASE("a force that fails for good ends the integration, by every method") {
  // Shorter and shorter steps help with a region to be avoided, not with this.
  const auto left = std::make_shared<std::atomic<long>>(0);
  const auto mortal = make_force(
      0,
      [left](double x, const auto&) {
        return --*left > 0 ? -x : std::numeric_limits<double>::quiet_NaN();
      },
      [](double, const auto&) { return -1.0; },
      [](double, const auto&) { return std::array<double, 0>{}; });
  for (const Motion motion : {Motion::newtonian, Motion::first_order}) {
    const Dynamics dynamics(mortal, motion);
    const Ensemble ensemble(States::Ones(dynamics.state_dimension(), 1), 2);
    for (const Method method : {Method::adams, Method::bdf, Method::rk8}) {
      *left = 60;  // of some hundred evaluations
      IntegratorOptions options;
      options.method = method;
      options.rtol = options.atol = 1e-12;
      CHECK_THROWS_WITH_AS(
          static_cast<void>(Integrator(dynamics, options).integrate(Vector(0), ensemble)),
          doctest::Contains("the force is not finite"), NumericalError);
      CHECK(*left > -10000);
    }
  }
}

TEST_CASE("too many steps is a numerical failure that says how many") {
  for (const Method method : methods) {
    IntegratorOptions options = with(method);
    options.max_steps = 10;
    const std::string text = message_of<NumericalError>([&] {
      static_cast<void>(
          solve(Dynamics(oracle::harmonic()), one(1), {States::Ones(2, 1), 100.0}, options));
    });
    CHECK(mentions(text, "more than 10 steps"));
  }
}

TEST_CASE("samples and their number do not change how many steps are too many" *
          doctest::test_suite("long")) {
  const Dynamics dynamics(oracle::harmonic());
  const Ensemble ensemble(States::Ones(2, 1), 200.0);
  for (const Method method : methods) {
    CAPTURE(name(method));
    IntegratorOptions options = with(method);
    const long needed = solve(dynamics, one(1), ensemble, options).counts.steps;
    for (const Index samples : {1, 2, 50, 2000}) {
      const Vector tau = Vector::LinSpaced(samples, 1.0 / static_cast<double>(samples), 1);
      const auto sample = [&] {
        return Integrator(dynamics, options).sample(one(1), ensemble, tau).counts.steps;
      };
      options.max_steps = 1000000;
      const long steps = sample();
      options.max_steps = steps;
      CHECK(sample() == steps);
      options.max_steps = std::min(needed, steps) - 1;
      CHECK(mentions(message_of<NumericalError>([&] { (void)sample(); }),
                     "more than " + std::to_string(options.max_steps) + " steps"));
    }
  }
}

TEST_CASE("a return time keeps to the number of steps, over both halves of the orbit") {
  const auto spring = make_well("harmonic", {});
  const Dynamics dynamics(spring.force_field());
  IntegratorOptions options = with(Method::adams);
  const auto period = [&] { return return_time(dynamics, none, 1, 3 * two_pi, options); };
  CHECK(std::abs(period() / two_pi - 1) < 1e-7);
  long enough = 1;
  const auto suffices = [&](long steps) {
    options.max_steps = steps;
    try {
      return period() > 0;
    } catch (const NumericalError&) {
      return false;
    }
  };
  while (!suffices(enough)) enough += 1;
  const long half =
      solve(dynamics, none, {States{{1}, {0}}, two_pi / 2}, with(Method::adams)).counts.steps;
  CHECK(enough > half + half / 4);
}

// --- the longest step ---------------------------------------------------------------------------

TEST_CASE("a well that lies ahead is not stepped over") {
  // Through U = -U0/cosh^2(a x) with E = v^2/2 far outside: sinh(a x) follows a hyperbola, so that
  // the time gained is known in closed form.
  const double v = 1;
  for (const double a : {1.0, 2.0, 5.0}) {
    for (const double start : {-10.0, -20.0, -50.0}) {
      CAPTURE(a);
      CAPTURE(start);
      const double u0 = 1;
      const Well well = make_well("poschl-teller", {{"U0", u0}, {"a", a}});
      const double t = 2 * -start / v;
      // cosh^2(a x) x'^2 = v^2 cosh^2(a x) + 2 u0: with s = sinh(a x),
      // s' = a sqrt(v^2 s^2 + v^2 + 2 u0), so asinh(s/b) = asinh(s0/b) + a v t, b^2 = 1 + 2 u0/v^2.
      const double b = std::sqrt(1 + 2 * u0 / (v * v));
      // For large |s|: asinh(s/b) = -a|x| - log(2)... exactly by logarithms: no overflow.
      const auto log_sinh = [](double z) { return z + std::log1p(-std::exp(-2 * z)); };  // + log 2
      const double before = -(log_sinh(a * -start) - std::log(b));
      const double after = before + a * v * t;
      const double end = (after + std::log(b)) / a;
      for (const Method method : methods) {
        CAPTURE(std::string(name(method)));
        const States y{{start}, {v}};
        const States last =
            solve(Dynamics(well.force_field()), none, {y, t}, with(method, 1e-10)).states;
        CHECK(std::abs(last(0, 0) - end) < 1e-7 * (10 + end));
      }
    }
  }
}

TEST_CASE(
    "the longest step is that of the options, in time, whatever end times trajectories have") {
  const Dynamics free(make_force(
      0, [](double, const auto&) { return 0.0; }, [](double, const auto&) { return 0.0; },
      [](double, const auto&) { return std::array<double, 0>{}; }));
  const States y = States::Ones(2, 3);
  for (const Method method :
       {Method::adams, Method::bdf, Method::rkn8, Method::rkn12, Method::rk8, Method::rk4}) {
    CAPTURE(name(method));
    IntegratorOptions options = with(method);
    options.steps = 3;
    options.max_step = 0.25;
    const auto steps = [&](const Vector& end_times) {
      return solve(free, none, Ensemble(y, end_times), options).counts.steps;
    };
    CHECK(steps(Vector{{1.0, 10.0, 3.0}}) >= 40);
    CHECK(steps(Vector{{1.0, 10.0, 3.0}}) <= 80);
    CHECK(steps(Vector{{-1.0, -20.0, 3.0}}) >= 80);
    options.max_step = 1e6;
    CHECK(steps(Vector{{1.0, 10.0, 3.0}}) <= 40);
  }
  for (const Method method : multistep) {
    const IntegratorOptions options = with(method);
    for (const double time : {1e-3, 6.0, 100.0, 1e5}) {
      CAPTURE(time);
      const long steps = solve(free, none, {y, time}, options).counts.steps;
      CHECK(steps >= static_cast<long>(time / longest_step(time)));
      CHECK(longest_step(time) == doctest::Approx(longest_step(-time)));
    }
  }
  CHECK(longest_step(6) == doctest::Approx(0.5));
  CHECK(longest_step(100) == doctest::Approx(1));
  CHECK(longest_step(1000) == doctest::Approx(5));
}

TEST_CASE("what a force throws passes through unchanged, from any thread") {
  struct Mine : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  const Dynamics dynamics = free_until(0.5, []() -> double { throw Mine("beyond the wall"); });
  States states = States::Zero(2, 20);
  states(1, 17) = 1;
  for (const Method method : methods) {
    for (const int threads : {1, 3}) {
      IntegratorOptions options = with(method);
      options.block_size = 8;
      options.threads = threads;
      CHECK(message_of<Mine>([&] {
              static_cast<void>(solve(dynamics, none, {states, 1.0}, options));
            }) == "beyond the wall");
    }
  }
}

TEST_CASE("a request to stop is heard at once") {
  for (const Method method : methods) {
    IntegratorOptions options = with(method);
    long polls = 0;
    options.stop_requested = [&] { return ++polls > 10; };
    const Ensemble endless(States::Ones(2, 1), 1e6);
    CHECK_THROWS_AS(solve(Dynamics(oracle::harmonic()), one(1), endless, options), Interrupted);
    CHECK(polls == 11);
  }
}

}  // namespace test_integrator
