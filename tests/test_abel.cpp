#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "isochron/abel.hpp"
#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "isochron/potential_well.hpp"
#include "isochron/random.hpp"
#include "isochron/well.hpp"

namespace test_abel {

using namespace isochron;

namespace {

using std::numbers::pi;

/// Chebyshev points in (0, highest).
Vector chebyshev_energies(double highest, Index samples) {
  Vector energies(samples);
  for (Index i = 0; i < samples; ++i) {
    const double angle = pi * (static_cast<double>(i) + 0.5) / static_cast<double>(samples);
    energies[i] = highest * (1 - std::cos(angle)) / 2;
  }
  return energies;
}

/// Even steps up to `highest`.
Vector even_energies(double highest, Index samples) {
  return Vector::LinSpaced(samples, highest / static_cast<double>(samples), highest);
}

template <class Period>
Vector periods_at(const Vector& energies, const Period& period) {
  Vector periods(energies.size());
  for (Index i = 0; i < energies.size(); ++i) periods[i] = period(energies[i]);
  return periods;
}

Vector periods_of(const Well& well, const Vector& energies) {
  return periods_at(energies, [&](double energy) { return well.period(energy); });
}

AbelInversion inversion_of(const Well& well, double highest, Index samples) {
  const Vector energies = chebyshev_energies(highest, samples);
  return AbelInversion(energies, periods_of(well, energies));
}

AbelInversion noisy_inversion(const Well& well, double highest, Index samples, double noise,
                              std::uint64_t seed) {
  const Vector energies = even_energies(highest, samples);
  Random random(seed);
  const Vector periods = periods_of(well, energies);
  return AbelInversion(energies,
                       periods.unaryExpr([&](double t) { return t + noise * random.normal(); }));
}

/// Positions over the extent, both ends among them.
Vector positions(const AbelInversion& inversion) {
  const auto [left, right] = inversion.extent();
  return Vector::LinSpaced(101, left, right);
}

template <class Force>
double force_error(const AbelInversion& inversion, const Force& force) {
  double error = 0;
  for (const double x : positions(inversion)) {
    error = std::max(error, std::abs(inversion.force(x) - force(x)));
  }
  return error;
}

double force_error(const AbelInversion& inversion, const Well& well) {
  return force_error(inversion, [&](double x) { return well.force(x); });
}

}  // namespace

TEST_CASE("symmetric wells from their periods") {
  struct Case {
    Well well;
    double highest;
  };
  const std::vector<Case> cases = {
      {make_well("harmonic"), 3},
      {make_well("harmonic", {{"omega", 3.5}}), 3},
      {make_well("pendulum"), 1.5},
      {make_well("duffing", {{"beta", 1}}), 1},
      {make_well("duffing", {{"beta", -0.1}}), 1.5},
      {make_well("poschl-teller", {{"U0", 0.7}, {"a", 1.3}}), 0.4},
      {make_well("tan2", {{"U0", 0.7}, {"a", 1.3}}), 0.5},
  };
  constexpr double precision = 1e-11;
  for (const Case& c : cases) {
    const auto& [well, highest] = c;
    CAPTURE(c.well.name());
    const AbelInversion inversion = inversion_of(well, highest, 40);
    const double top = inversion.highest_energy();
    CHECK(inversion.noise() <= precision);
    for (const double part : {0.0, 1e-8, 0.01, 0.3, 0.7, 1.0}) {
      const double energy = part * top;
      if (energy == 0) {
        CHECK(inversion.width(0) == 0);
        continue;
      }
      const auto [left, right] = well.turning_points(energy);
      CHECK(std::abs(inversion.width(energy) / (right - left) - 1) <= precision);
      CHECK(std::abs(inversion.period(energy) / well.period(energy) - 1) <= precision);
      const double x = std::min(right, inversion.extent().right);
      CHECK(std::abs(inversion.potential(x) / energy - 1) <= 2 * precision);
      CHECK(inversion.potential(-x) == inversion.potential(x));
      CHECK(inversion.force(-x) == -inversion.force(x));
    }
    CHECK(inversion.force(0) == 0);
    CHECK(std::abs(inversion.extent().right / well.turning_points(top).right - 1) <= precision);
    const double error = force_error(inversion, well);
    CAPTURE(error);
    CHECK(error <= 1e-10);
    const double step = 1e-4 * top;
    const double middle = top / 2;
    const double slope = (well.period(middle + step) - well.period(middle - step)) / (2 * step);
    CHECK(std::abs(inversion.period_slope(middle) - slope) <= 1e-6);
  }
}

TEST_CASE("a period that is a polynomial, by hand") {
  // T = 2 pi (1 + a E): width = 2 sqrt(2 U) (1 + 2 a U/3), since int_0^1 (1 - c^2) dc = 2/3.
  for (const double a : {-0.2, 0.0, 0.5}) {
    const Vector energies = even_energies(2, 12);
    const AbelInversion inversion(
        energies, periods_at(energies, [&](double energy) { return 2 * pi * (1 + a * energy); }));
    CHECK(inversion.degree() == (a == 0 ? 0 : 1));
    for (const double u : {0.1, 1.0, 2.0}) {
      const double width = 2 * std::sqrt(2 * u) * (1 + 2 * a * u / 3);
      CHECK(std::abs(inversion.width(u) / width - 1) <= 1e-14);
      // x = width/2, dx/dU = (1 + 2 a U)/sqrt(2 U).
      const double force = -std::sqrt(2 * u) / (1 + 2 * a * u);
      const double x = std::min(width / 2, inversion.extent().right);
      CHECK(std::abs(inversion.force(x) / force - 1) <= 1e-13);
    }
  }
}

TEST_CASE("asymmetric wells: the width, and the right branch from the left one") {
  for (const char* name : {"morse", "cubic", "toda", "double-well", "isotonic", "log-shear"}) {
    CAPTURE(name);
    const Well well = make_well(name);
    const double highest = std::min(0.6 * well.energy_limit(), 2.0);
    const AbelInversion inversion = inversion_of(well, highest, 40);
    for (const double part : {0.001, 0.2, 0.9}) {
      const auto [left, right] = well.turning_points(part * highest);
      CHECK(std::abs(left + inversion.width(part * highest) - right) <= 1e-11 * (right - left));
    }
  }
}

TEST_CASE("Morse and Poschl-Teller have the same periods, and so the same symmetric well") {
  const Well morse = make_well("morse", {{"D", 0.7}, {"a", 1.3}});
  const Well symmetric = make_well("poschl-teller", {{"U0", 0.7}, {"a", 1.3}});
  for (const Well* well : {&morse, &symmetric}) {
    CHECK(force_error(inversion_of(*well, 0.4, 40), symmetric) <= 1e-10);
  }
  CHECK(force_error(inversion_of(morse, 0.4, 40), morse) > 0.1);  // the shear is not in the periods
}

TEST_CASE("the error falls geometrically with the number of samples") {
  // T of the pendulum is singular at E = 2: by 3.0 for each degree on [0, 1.5].
  const Well pendulum = make_well("pendulum");
  double before = std::numeric_limits<double>::infinity();
  for (const Index samples : {6, 10, 14, 18, 22}) {
    CAPTURE(samples);
    const double error = force_error(inversion_of(pendulum, 1.5, samples), pendulum);
    CHECK(error <= before / 20);
    before = error;
  }
  CHECK(before <= 1e-8);
}

TEST_CASE("noise: no overfit, and errors as large as they are said to be") {
  const Well pendulum = make_well("pendulum");
  constexpr double highest = 1.5;
  constexpr std::uint64_t seeds = 30;
  const auto rms = [](const Eigen::ArrayXXd& values) { return std::sqrt(values.square().mean()); };
  for (const double noise : {1e-3, 1e-2}) {
    CAPTURE(noise);
    double before = 0;
    for (const Index samples : {60, 960}) {
      CAPTURE(samples);
      // One column for each seed. Scores: errors over their uncertainties.
      Eigen::ArrayXXd errors(100, seeds);
      Eigen::ArrayXXd force_scores(100, seeds);
      Eigen::ArrayXXd width_scores(1, seeds);
      Eigen::ArrayXXd period_scores(1, seeds);
      double degrees = 0;
      for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        const auto column = static_cast<Index>(seed);
        const AbelInversion inversion = noisy_inversion(pendulum, highest, samples, noise, seed);
        degrees += static_cast<double>(inversion.degree()) / seeds;
        CHECK(std::abs(inversion.noise() / noise - 1) <=
              4 / std::sqrt(2.0 * static_cast<double>(samples)));
        const double reach = inversion.extent().right;
        for (Index i = 0; i < errors.rows(); ++i) {
          const double x = reach * static_cast<double>(i + 1) / static_cast<double>(errors.rows());
          errors(i, column) = inversion.force(x) - pendulum.force(x);
          force_scores(i, column) = errors(i, column) / inversion.force_uncertainty(x);
        }
        width_scores(0, column) =
            (inversion.width(highest) - 2 * pendulum.turning_points(highest).right) /
            inversion.width_uncertainty(highest);
        period_scores(0, column) = (inversion.period(highest / 2) - pendulum.period(highest / 2)) /
                                   inversion.period_uncertainty(highest / 2);
      }
      CHECK(degrees <= 9);  // where the next coefficients drown in the noise: 4 to 7
      for (const Eigen::ArrayXXd* scores : {&force_scores, &width_scores, &period_scores}) {
        CHECK(rms(*scores) > 0.6);
        CHECK(rms(*scores) < 1.6);
        CHECK(scores->abs().maxCoeff() < 6);
      }
      const double error = rms(errors);
      if (before > 0) {
        CHECK(before / error > 3);  // sqrt(960/60) = 4
        CHECK(before / error < 5.3);
      }
      before = error;
    }
  }
}

TEST_CASE("uncertainties are the differences by the periods, in quadrature") {
  const Well duffing = make_well("duffing", {{"beta", 1}});
  const Vector energies = even_energies(1.3, 20);
  Vector periods = periods_of(duffing, energies);
  for (Index i = 0; i < periods.size(); ++i) periods[i] += i % 3 == 0 ? 1e-3 : -1e-3;
  const AbelInversion inversion(energies, periods);
  REQUIRE(inversion.degree() >= 3);
  const auto spread = [&](const auto& quantity) {
    constexpr double step = 1e-6;
    double square = 0;
    for (Index i = 0; i < periods.size(); ++i) {
      Vector above = periods;
      Vector below = periods;
      above[i] += step;
      below[i] -= step;
      const double difference =
          quantity(AbelInversion(energies, above)) - quantity(AbelInversion(energies, below));
      square += std::pow(difference / (2 * step), 2);
    }
    return std::sqrt(square) * inversion.noise();
  };
  const auto agree = [](double found, double expected) {
    CHECK(std::abs(found / expected - 1) <= 1e-6);
  };
  const double reach = 0.99 * inversion.extent().right;
  for (const double part : {0.05, 0.5, 1.0}) {
    const double energy = part * 1.3;
    const double x = part * reach;
    agree(inversion.period_uncertainty(energy),
          spread([=](const auto& other) { return other.period(energy); }));
    agree(inversion.width_uncertainty(energy),
          spread([=](const auto& other) { return other.width(energy); }));
    agree(inversion.force_uncertainty(x),
          spread([=](const auto& other) { return other.force(x); }));
  }
}

TEST_CASE("a constant period with noise mostly stays constant") {
  int constant = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    if (noisy_inversion(make_well("harmonic"), 2, 60, 1e-2, seed).degree() == 0) ++constant;
  }
  CAPTURE(constant);
  CHECK(constant >= 80);
}

TEST_CASE("with few samples the noise is not found small by chance") {
  const Well pendulum = make_well("pendulum");
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const AbelInversion inversion = noisy_inversion(pendulum, 1.5, 10, 1e-2, seed);
    CHECK(inversion.noise() > 1e-3);
  }
}

TEST_CASE("wrong periods are seen") {
  const Well pendulum = make_well("pendulum");
  const Vector energies = chebyshev_energies(1.5, 40);
  const Vector periods = periods_of(pendulum, energies);
  Vector one_wrong = periods;
  one_wrong[17] += 1e-3;
  CHECK(AbelInversion(energies, one_wrong).noise() > 1e-4);
  // A little curvature of T, or a period that is not the minimal one: another well.
  const Vector curved = periods.array() + 1e-6 * energies.array().square();
  CHECK(force_error(AbelInversion(energies, curved), pendulum) > 1e-7);
  CHECK(force_error(AbelInversion(energies, 2 * periods), pendulum) > 0.1);
  // A period that is not smooth at E = 0, T ~ E^(1/6): no polynomial, and the noise says so.
  const Well power = make_well("power", {{"n", 1.5}});
  CHECK(AbelInversion(energies, periods_of(power, energies)).noise() > 1e-3);
}

TEST_CASE("the periods of a network lead back to its force") {
  // Odd, so the well is symmetric; the outer weights have the sign that drives back to 0.
  const Mlp field({1, 16, 16, 1}, Symmetry::odd);
  Vector theta = field.initial_parameters(3);
  theta.tail(16) *= 20;
  const auto force = [&](double x) { return field.force(theta, Block::Constant(1, 1, x))(0, 0); };
  if (force(0.1) > 0) theta.tail(16) *= -1;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const PotentialWell well(field, theta, 0, {-infinity, infinity}, 2);
  const Vector energies = chebyshev_energies(0.9 * std::min(2.0, well.energy_limit()), 50);
  const AbelInversion inversion(
      energies, periods_at(energies, [&](double energy) { return well.orbit(energy).period; }));
  CHECK(force_error(inversion, force) <= 1e-9);
  for (const double energy : energies) {
    CHECK(std::abs(inversion.width(energy) / well.orbit(energy).width() - 1) <= 1e-10);
  }
}

TEST_CASE("periods that no well has") {
  // T = 2 pi (1 - a E): dwidth/dU = (1 - 2 a U) sqrt(2/U) < 0 from U = 1/(2 a) on.
  const Vector energies = even_energies(2, 30);
  const auto falling = [&](double a) {
    return AbelInversion(energies,
                         periods_at(energies, [&](double e) { return 2 * pi * (1 - a * e); }));
  };
  CHECK_THROWS_WITH_AS(static_cast<void>(falling(0.4)),
                       doctest::Contains("fall so fast between E = 1.25 and 2 that the width"),
                       InputError);
  CHECK_THROWS_AS(static_cast<void>(falling(0.251)), InputError);
  CHECK(falling(0.249).degree() == 1);
  // Those of U = x^4/4 fall like E^(-1/4): a well has them, but no polynomial.
  const Vector dense = chebyshev_energies(1.5, 40);
  CHECK_THROWS_WITH_AS(AbelInversion(dense, periods_of(make_well("power"), dense)),
                       doctest::Contains("must be smooth in E down to E = 0"), InputError);
}

TEST_CASE("what cannot be inverted is refused in one sentence") {
  const Vector energies = even_energies(2, 8);
  const Vector periods = Vector::Constant(8, 2 * pi);
  const auto refused = [](const Vector& e, const Vector& t, const char* why) {
    CHECK_THROWS_WITH_AS(AbelInversion(e, t), doctest::Contains(why), InputError);
  };
  const auto with = [](Vector values, Index i, double value) {
    values[i] = value;
    return values;
  };
  refused(energies.head(3), periods.head(3), "3 samples of the period are too few: at least 4");
  refused(energies, periods.head(7), "7 periods do not fit 8 energies");
  refused(with(energies, 2, 0), periods, "energy 0 of sample 3 is not admissible");
  refused(with(energies, 2, -1), periods, "energy -1 of sample 3");
  refused(energies, with(periods, 7, -0.5), "period -0.5 of sample 8");
  refused(energies, with(periods, 0, std::nan("")), "period nan of sample 1");
  refused(with(energies, 0, std::numeric_limits<double>::infinity()), periods, "energy inf");
  refused(with(energies, 2, energies[5]), periods, "energy 1.5 occurs twice");

  const AbelInversion inversion(energies, periods);
  CHECK(inversion.degree() == 0);
  CHECK_THROWS_WITH_AS(static_cast<void>(inversion.width(2.1)),
                       doctest::Contains("of the energy 2.1: admissible is 0 <= E <= 2"),
                       InputError);
  CHECK_THROWS_AS(static_cast<void>(inversion.period(-0.1)), InputError);
  CHECK_THROWS_AS(static_cast<void>(inversion.width_uncertainty(std::nan(""))), InputError);
  CHECK_THROWS_WITH_AS(static_cast<void>(inversion.force(2.5)),
                       doctest::Contains("x = 2.5: admissible is |x| <= 2"), InputError);
  CHECK_THROWS_AS(static_cast<void>(inversion.potential(std::nan(""))), InputError);
}

}  // namespace test_abel
