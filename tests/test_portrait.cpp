#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "isochron/mlp.hpp"
#include "isochron/portrait.hpp"
#include "isochron/random.hpp"
#include "isochron/well.hpp"
#include "oracles.hpp"
#include "upright.hpp"

namespace test_portrait {

using namespace isochron;
using oracle::two_pi;

namespace {

const Vector none;  // theta of a field without parameters

ForceFieldPtr field(const char* well) { return make_well(well).force_field(); }

/// f = -k (x - centre), no parameters.
ForceFieldPtr shifted(double k, double centre) {
  return make_force(
      0, [=](double x, const auto&) { return -k * (x - centre); },
      [=](double, const auto&) { return -k; },
      [](double, const auto&) { return std::array<double, 0>{}; });
}

}  // namespace

TEST_CASE("the harmonic fit finds n and the largest deviation on [-2, 2]") {
  for (const double period : {two_pi, 3.0}) {
    for (const int n : {1, 2, 3, 7}) {
      const double stiffness = std::pow(two_pi * n / period, 2);
      const HarmonicFit exact = fit_harmonic(*shifted(stiffness, 0), none, period);
      CHECK(exact.n == n);
      CHECK(exact.stiffness == doctest::Approx(stiffness));
      CHECK(exact.deviation <= 1e-13 * stiffness);
      // -k (x - c) is off by k c everywhere.
      const HarmonicFit off = fit_harmonic(*shifted(stiffness, 0.01), none, period);
      CHECK(off.n == n);
      CHECK(off.deviation == doctest::Approx(0.01 * stiffness));
    }
  }
}

TEST_CASE("a portrait per degree of freedom, an orbit after the other, coloured by energy") {
  const Well well = make_well("duffing");
  const Dynamics dynamics(well.force_field());
  const Ensemble ensemble(normal_states(2, 9, 1), two_pi);
  const std::vector<PhasePortrait> portraits = phase_portraits(dynamics, none, ensemble, {}, 6, 31);
  REQUIRE(portraits.size() == 1);
  const PhasePortrait& p = portraits.front();
  CHECK(p.samples == 31);
  REQUIRE(p.orbits() == 6);
  REQUIRE(p.v.size() == p.x.size());
  REQUIRE(p.color.size() == p.x.size());
  for (Index i = 0; i < p.orbits(); ++i) {
    const Index from = i * 9 / 6;  // drawn evenly
    const double x0 = ensemble.initial_states(0, from), v0 = ensemble.initial_states(1, from);
    const double energy = v0 * v0 / 2 + well.potential(x0);
    const auto first = static_cast<std::size_t>(i * p.samples);
    CHECK(p.x[first] == x0);
    CHECK(p.v[first] == v0);
    for (std::size_t k = first; k < first + 31; ++k) {
      CHECK(p.color[k] == doctest::Approx(energy).epsilon(1e-12));
      // On the curve of its energy, up to the solver's error.
      CHECK(p.v[k] * p.v[k] / 2 + well.potential(p.x[k]) == doctest::Approx(energy).epsilon(1e-7));
    }
  }
}

TEST_CASE("portraits in two dimensions and of first-order motion") {
  // Which orbit comes first is left open.
  const auto start_of = [](const PhasePortrait& p, double x) {
    const auto found = std::find(p.x.begin(), p.x.end(), x);
    REQUIRE(found != p.x.end());
    const auto at = static_cast<std::size_t>(found - p.x.begin());
    CHECK(at % static_cast<std::size_t>(p.samples) == 0);
    return at;
  };
  const auto mlp = std::make_shared<Mlp>(std::vector<Index>{2, 4, 2});
  const Vector theta = mlp->initial_parameters(1);
  const Ensemble plane(normal_states(4, 5, 2), 1.0);
  const auto both = phase_portraits(Dynamics(mlp), theta, plane, {}, 100, 11);
  REQUIRE(both.size() == 2);
  for (Index k = 0; k < 2; ++k) {
    const PhasePortrait& p = both[static_cast<std::size_t>(k)];
    CHECK(p.orbits() == 5);
    const std::size_t first = start_of(p, plane.initial_states(k, 0));
    CHECK(p.v[first] == plane.initial_states(2 + k, 0));
    CHECK(p.color[first] == doctest::Approx(plane.initial_states.col(0).norm()));
    CHECK(p.color_name == "initial_distance");
  }

  const Dynamics first_order(mlp, Motion::first_order);
  const Ensemble flow(normal_states(2, 5, 3), 1.0);
  const auto single = phase_portraits(first_order, theta, flow, {}, 100, 11);
  REQUIRE(single.size() == 1);
  CHECK(single.front().v[start_of(single.front(), flow.initial_states(0, 0))] ==
        flow.initial_states(1, 0));

  const auto line = std::make_shared<Mlp>(std::vector<Index>{1, 4, 1});
  CHECK(phase_portraits(Dynamics(line, Motion::first_order), line->initial_parameters(1),
                        Ensemble(normal_states(1, 3, 4), 1.0), {})
            .empty());
}

TEST_CASE("orbits of isochronous wells close together after one period, others do not") {
  const auto gap = [](const char* well) {
    const OrbitFan fan = orbit_fan(Dynamics(field(well)), none, two_pi, 1.5, {}, 7, 101);
    CHECK(fan.x.rows() == 7);
    CHECK(fan.x.cols() == 101);
    CHECK(fan.v.rows() == 7);
    CHECK(fan.v.cols() == 101);
    CHECK(fan.time.size() == 101);
    CHECK(fan.time[100] == doctest::Approx(two_pi));
    for (Index m = 0; m < 7; ++m) {
      CHECK(fan.x(m, 0) == doctest::Approx(1.5 * double(m + 1) / 7));
      CHECK(fan.v(m, 0) == 0);
    }
    return (fan.x.col(100) - fan.x.col(0)).norm() + (fan.v.col(100) - fan.v.col(0)).norm();
  };
  for (const char* well : {"harmonic", "isotonic", "hyperbolic-shear", "log-shear"}) {
    CAPTURE(well);
    CHECK(gap(well) <= 1e-6);  // some hundred steps of 1e-10 each
  }
  for (const char* well : {"duffing", "pendulum"}) CHECK(gap(well) > 0.1);
}

TEST_CASE("the fan starts at the equilibrium, wherever it is") {
  const OrbitFan fan = orbit_fan(Dynamics(shifted(1, -0.5)), none, two_pi, 1.5, {}, 4, 11);
  for (Index m = 0; m < 4; ++m) CHECK(fan.x(m, 0) == doctest::Approx(0.5 * double(m + 1) - 0.5));
}

TEST_CASE("curves of force and potential cover [-2, 2] and what is visited") {
  const Well well = make_well("duffing");
  const ForceFieldPtr force = well.force_field();
  const PositionCurve f = force_curve(*force, none, two_pi, -3, 1);
  const PositionCurve u = potential_curve(*force, none, two_pi, -3, 1);
  for (const PositionCurve* curve : {&f, &u}) {
    CHECK(curve->position[0] == -3);
    CHECK(curve->position[curve->position.size() - 1] == 2);
    CHECK(curve->visited_min == -3);
    CHECK(curve->visited_max == 1);
    CHECK(curve->value.size() == curve->position.size());
    CHECK(curve->harmonic.size() == curve->position.size());
  }
  const HarmonicFit fit = fit_harmonic(*force, none, two_pi);
  for (Index i = 0; i < f.position.size(); ++i) {
    const double x = f.position[i];
    CHECK(f.value[i] == doctest::Approx(well.force(x)));
    CHECK(f.harmonic[i] == doctest::Approx(-fit.stiffness * x));
    CHECK(std::abs(u.value[i] - well.potential(x)) <= 1e-12 * (1 + well.potential(x)));
    CHECK(u.harmonic[i] == doctest::Approx(fit.stiffness * x * x / 2));
  }
  const PositionCurve narrow = force_curve(*force, none, two_pi, -3, 1, Interval{-4, 5});
  CHECK(narrow.position[0] == -4);
  CHECK(narrow.position[800] == 5);
  CHECK(narrow.visited_min == -3);
  // Zero at the equilibrium.
  const PositionCurve moved = potential_curve(*shifted(1, 0.5), none, two_pi, -1, 1);
  for (Index i = 0; i < moved.position.size(); ++i) {
    const double y = moved.position[i] - 0.5;
    CHECK(std::abs(moved.value[i] - y * y / 2) <= 1e-12);
  }
}

TEST_CASE("energies along an orbit drift by the solver's error only") {
  const Well well = make_well("pendulum");
  const ForceFieldPtr force = well.force_field();
  const double end_time = 30;
  const Ensemble ensemble(States(0.5 * normal_states(2, 8, 5)), end_time);
  IntegratorOptions options;
  const SampledTrajectories sampled =
      Integrator(Dynamics(force), options).sample(none, ensemble, Vector::LinSpaced(61, 0, 1));
  const EnergyRecord record = energy_record(*force, none, sampled.trajectories, end_time);
  REQUIRE(record.energy.rows() == 8);
  REQUIRE(record.energy.cols() == 61);
  CHECK(record.time[60] == end_time);
  for (Index i = 0; i < 8; ++i) {
    const double x = ensemble.initial_states(0, i), v = ensemble.initial_states(1, i);
    CHECK(record.energy(i, 0) == doctest::Approx(v * v / 2 + well.potential(x)).epsilon(1e-12));
  }
  // |dE| <= |(U', v)| |dy|, and |(U', v)| <= |y|.
  const double speed = ensemble.initial_states.colwise().norm().maxCoeff();
  CHECK(record.drift[0] == 0);
  CHECK(record.drift.maxCoeff() <=
        oracle::permitted_error(options, sampled.counts.steps, ensemble.initial_states, speed));

  // A solution of the wrong force does not conserve this energy.
  const Trajectories wrong = Integrator(Dynamics(field("duffing")), options)
                                 .sample(none, ensemble, Vector::LinSpaced(61, 0, 1))
                                 .trajectories;
  CHECK(energy_record(*force, none, wrong, end_time).drift.maxCoeff() > 1e-3);
}

TEST_CASE("winding numbers: whole oscillations of closed orbits, fractions of others, 0 of rest") {
  constexpr double omega = 1.5;
  const Dynamics dynamics(make_well("harmonic", {{"omega", omega}}).force_field());
  const Vector periods = Eigen::Vector4d(1, 2.5, 3, 0.25) * (two_pi / omega);
  const auto portrait =
      phase_portraits(dynamics, none, Ensemble(normal_states(2, 4, 3), periods), {}).front();
  const Vector turns = winding_numbers(portrait, 0);
  REQUIRE(turns.size() == 4);
  // Whole and half oscillations end on a ray through the centre.
  CHECK((turns.head(3) - Eigen::Vector3d(1, 2.5, 3)).cwiseAbs().maxCoeff() <= 1e-9);
  CHECK(turns[3] > 0.1);
  CHECK(turns[3] < 0.4);
  CHECK(winding_numbers(portrait, 10).head(1).cwiseAbs().maxCoeff() <= 1e-9);
  const Dynamics free(make_force(
      0, [](double, const auto&) { return 0.0; }, [](double, const auto&) { return 0.0; },
      [](double, const auto&) { return std::array<double, 0>{}; }));
  const Ensemble at_rest(States((States(2, 1) << 2, 0).finished()), 1.0);
  CHECK(winding_numbers(phase_portraits(free, none, at_rest, {}).front(), 0)[0] == 0);
}

TEST_CASE("the last point of a scatter plot lies neither left of nor below the first") {
  const auto ends = [](const std::vector<Stroke>& strokes) {
    const std::vector<std::size_t> order = upright_order(strokes);
    CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == strokes.size());
    const Stroke& first = strokes[order.front()];
    const Stroke& last = strokes[order.back()];
    return std::pair(last.last_x - first.first_x, last.last_y - first.first_y);
  };
  Random random(3);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<Stroke> strokes(30);
    for (auto& [x, y, last_x, last_y] : strokes) {
      for (double* value : {&x, &y, &last_x, &last_y}) *value = random.uniform();
    }
    const auto [x, y] = ends(strokes);
    CHECK(x >= 0);
    CHECK(y >= 0);
  }
  const auto [x, y] =
      ends({{1, 1, 1, 1}, {2, -0.5, 2, -0.5}, {0, 0, 0, 0}});  // from the last to the first
  CHECK(x == 1);
  CHECK(y == 1);
  CHECK(upright_order({{1, 0, 1, 0}, {0, 1, 0, 1}}) ==
        std::vector<std::size_t>{0, 1});  // there is none
  CHECK(upright_order({}).empty());
}

}  // namespace test_portrait
