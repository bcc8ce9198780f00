#include <doctest/doctest.h>

#include <cmath>

#include "isochron/error.hpp"
#include "isochron/force_table.hpp"
#include "isochron/potential_well.hpp"
#include "isochron/well.hpp"

namespace test_force_table {

using namespace isochron;

namespace {

const Vector none(0);

ForceFieldPtr table_of(const Well& well, double reach, Index count) {
  const Vector x = Vector::LinSpaced(count, -reach, reach);
  return tabulated_force(x, x.unaryExpr([&](double at) { return well.force(at); }));
}

}  // namespace

TEST_CASE("a tabulated force passes through its values, and its slope is that of the interpolant") {
  const Well well = make_well("morse");
  const auto field = table_of(well, 2, 41);
  for (const double x : {-2.0, -1.0, 0.5, 2.0}) {
    CHECK(std::abs(field->force(none, x) - well.force(x)) <= 1e-14);
  }
  CHECK(std::isnan(field->force(none, 2.001)));
  const Block inside = Vector::LinSpaced(7, -1.83, 1.77).transpose();
  const ForceCheck check = check_force(*field, none, inside);
  CHECK_MESSAGE(check.passed(), check.summary());
}

TEST_CASE("the error of a tabulated force falls with the fourth power of the spacing") {
  const Well well = make_well("pendulum");
  const auto error = [&](Index count) {
    const auto field = table_of(well, 2, count);
    double worst = 0;
    for (const double x : Vector::LinSpaced(777, -1.9, 1.9)) {
      worst = std::max(worst, std::abs(field->force(none, x) - well.force(x)));
    }
    return worst;
  };
  const double order = std::log2(error(41) / error(81));
  CHECK(order > 3.5);
  CHECK(error(81) < 1e-6);
}

TEST_CASE("a tabulated force is finite as close to its positions as one likes") {
  const auto field = table_of(make_well("duffing"), 1, 21);
  const auto slopes = field->linearisation(1);
  for (const double distance : {0.0, 5e-324, 1e-310, 1e-300, 1e-200, 1e-100, 1e-20}) {
    for (const double x : {distance, -distance}) {
      CAPTURE(x);
      CHECK(std::abs(field->force(none, x)) <= 1e-15);
      Block value(1, 1);
      slopes->linearise(none, Block::Constant(1, 1, x), value);
      slopes->jacobians(value);
      CHECK(std::abs(value(0, 0) + 1) <= 1e-3);
    }
  }
}

TEST_CASE("the well of a tabulated force") {
  const Well well = make_well("pendulum");
  const auto field = table_of(well, 2, 201);
  const PotentialWell found(*field, none, 0, {-2, 2}, 3);
  CHECK(std::abs(found.energy_limit() - well.potential(2)) <= 1e-7);  // where the table ends
  CHECK(std::abs(found.orbit(1).period / well.period(1) - 1) <= 1e-7);
}

TEST_CASE("what is no table of a force is refused") {
  const auto make = [](std::initializer_list<double> x, std::initializer_list<double> f) {
    static_cast<void>(
        tabulated_force(Eigen::Map<const Vector>(x.begin(), static_cast<Index>(x.size())),
                        Eigen::Map<const Vector>(f.begin(), static_cast<Index>(f.size()))));
  };
  CHECK_THROWS_AS(make({0, 1, 2}, {0, 1, 2}), InputError);
  CHECK_THROWS_AS(make({0, 1, 2, 3}, {0, 1, 2}), InputError);
  CHECK_THROWS_WITH_AS(make({0, 1, 1, 3}, {0, 1, 2, 3}), doctest::Contains("must increase"),
                       InputError);
  CHECK_THROWS_AS(make({0, 1, 2, std::nan("")}, {0, 1, 2, 3}), InputError);
}

}  // namespace test_force_table
