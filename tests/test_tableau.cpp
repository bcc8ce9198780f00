#include <doctest/doctest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "isochron/states.hpp"
#include "one_step/tableau.hpp"

namespace test_tableau {

using namespace isochron;
using one_step::Tableau;
using one_step::tableau;

namespace {

/// What f is along the solution in one term of its Taylor series, coefficient * t^degree, as a
/// method sees it at its stages (t in units of h). `size` bounds the terms that were added up.
struct Term {
  Vector at_stages;
  Vector size;
  double coefficient = 1;
  int degree = 0;
};

Term operator*(const Term& x, const Term& y) {
  return {x.at_stages.cwiseProduct(y.at_stages), x.size.cwiseProduct(y.size),
          x.coefficient * y.coefficient, x.degree + y.degree};
}

Vector as_vector(const std::vector<double>& x) {
  return Eigen::Map<const Vector>(x.data(), static_cast<Index>(x.size()));
}

Eigen::MatrixXd matrix(const Tableau& t) {
  const auto stages = static_cast<Index>(t.stages());
  Eigen::MatrixXd a = Eigen::MatrixXd::Zero(stages, stages);
  for (std::size_t i = 0; i < t.stages(); ++i) {
    for (std::size_t j = 0; j < t.a[i].size(); ++j) {
      a(static_cast<Index>(i), static_cast<Index>(j)) = t.a[i][j];
    }
  }
  return a;
}

/// All terms up to a degree: products of factors that stand for q's own terms. One factor for every
/// earlier term, integrated as often as the motion asks for (A in the method), and t for v(0): the
/// trees of the order conditions, each once.
class Terms {
 public:
  Terms(const Tableau& t, Motion motion, int degrees)
      : a_(matrix(t)), newtonian_(motion == Motion::newtonian) {
    const auto stages = static_cast<Index>(t.stages());
    if (newtonian_) factors_.push_back({as_vector(t.c), as_vector(t.c), 1, 1});
    const Term one{Vector::Ones(stages), Vector::Ones(stages), 1, 0};
    for (int degree = 0; degree <= degrees; ++degree) {
      const std::size_t first = all.size();
      extend(one, 0, degree);
      for (std::size_t i = first; i < all.size(); ++i) factors_.push_back(integral(all[i]));
    }
  }

  std::vector<Term> all;

 private:
  void extend(const Term& product, std::size_t first, int degree) {
    if (product.degree == degree) {
      all.push_back(product);
      return;
    }
    for (std::size_t i = first; i < factors_.size(); ++i) {
      if (product.degree + factors_[i].degree <= degree) extend(product * factors_[i], i, degree);
    }
  }

  [[nodiscard]] Term integral(const Term& g) const {
    const double once = g.degree + 1;
    const double divisor = newtonian_ ? once * (once + 1) : once;
    return {a_ * g.at_stages, a_.cwiseAbs() * g.size, g.coefficient / divisor,
            g.degree + (newtonian_ ? 2 : 1)};
  }

  Eigen::MatrixXd a_;
  bool newtonian_;
  std::vector<Term> factors_;
};

/// Largest |sum_i b_i g(c_i) - integral of g| over the conditions of order `order`, absolute, and
/// in units of the sizes that were added up. `twice`: g is integrated twice, as for a position.
struct Defect {
  double absolute = 0;
  double relative = 0;
  int conditions = 0;
};

Defect defect(const std::vector<Term>& terms, const Vector& b, int order, bool twice) {
  Defect worst;
  for (const Term& g : terms) {
    if (g.degree + (twice ? 2 : 1) != order) continue;
    const double once = g.degree + 1;
    const double exact = g.coefficient / (twice ? once * (once + 1) : once);
    const double difference = std::abs(b.dot(g.at_stages) - exact);
    worst.absolute = std::max(worst.absolute, difference);
    worst.relative = std::max(worst.relative, difference / (b.cwiseAbs().dot(g.size) + exact));
    ++worst.conditions;
  }
  return worst;
}

constexpr double roundoff = 16 * std::numeric_limits<double>::epsilon();

void check_order(const Tableau& t, Motion motion, const Vector& b, const Vector& b_velocity,
                 int order) {
  const Terms terms(t, motion, order);
  const bool newtonian = motion == Motion::newtonian;
  for (int k = 1; k <= order; ++k) {
    CAPTURE(k);
    const Defect position = defect(terms.all, b, k, newtonian);
    CHECK(position.relative <= roundoff);
    CHECK((position.conditions > 0 || (newtonian && k == 1)));
    if (newtonian) CHECK(defect(terms.all, b_velocity, k, false).relative <= roundoff);
  }
  // And no more than that.
  const Defect position = defect(terms.all, b, order + 1, newtonian);
  const Defect velocity = newtonian ? defect(terms.all, b_velocity, order + 1, false) : Defect{};
  CHECK(std::max(position.absolute, velocity.absolute) > 1e-10);
  CHECK(std::max(position.relative, velocity.relative) > 100 * roundoff);
}

struct Known {
  Method method;
  Motion motion;
  int order;
  int embedded_order;
};

const Known known[] = {
    {Method::rkn8, Motion::newtonian, 8, 6},  {Method::rkn12, Motion::newtonian, 12, 10},
    {Method::rk8, Motion::newtonian, 8, 7},   {Method::rk4, Motion::newtonian, 4, 0},
    {Method::rk8, Motion::first_order, 8, 7}, {Method::rk4, Motion::first_order, 4, 0},
};

}  // namespace

TEST_CASE("the order conditions are as many as there are trees") {
  // Rooted trees with 1 .. 8 vertices; those of Nystrom methods with orders 1 .. 8.
  const int rooted[] = {1, 1, 2, 4, 9, 20, 48, 115};
  const int nystrom[] = {1, 1, 2, 3, 6, 10, 20, 36};
  const Terms first_order(tableau(Method::rk8, Motion::first_order), Motion::first_order, 7);
  const Terms newtonian(tableau(Method::rkn8, Motion::newtonian), Motion::newtonian, 7);
  const Vector b = as_vector(tableau(Method::rk8, Motion::first_order).b);
  const Vector b_velocity = as_vector(tableau(Method::rkn8, Motion::newtonian).b_velocity);
  for (int order = 1; order <= 8; ++order) {
    CAPTURE(order);
    CHECK(defect(first_order.all, b, order, false).conditions == rooted[order - 1]);
    CHECK(defect(newtonian.all, b_velocity, order, false).conditions == nystrom[order - 1]);
  }
}

TEST_CASE("every order condition of every tableau, to the order it has and no further") {
  for (const Known& k : known) {
    CAPTURE(name(k.method));
    CAPTURE(static_cast<int>(k.motion));
    const Tableau t = tableau(k.method, k.motion);
    CHECK(t.order == k.order);
    CHECK(t.embedded_order == k.embedded_order);
    const Vector b = as_vector(t.b);
    const Vector b_velocity = as_vector(t.b_velocity);
    check_order(t, k.motion, b, b_velocity, t.order);
    if (t.embedded_order > 0) {
      const bool newtonian = k.motion == Motion::newtonian;
      check_order(t, k.motion, b - as_vector(t.e),
                  newtonian ? Vector(b_velocity - as_vector(t.e_velocity)) : b_velocity,
                  t.embedded_order);
    }
  }
}

TEST_CASE("stages know the time: rows add up to c, or to c^2/2") {
  for (const Known& k : known) {
    CAPTURE(name(k.method));
    const Tableau t = tableau(k.method, k.motion);
    const Eigen::MatrixXd a = matrix(t);
    const bool nystrom = k.method == Method::rkn8 || k.method == Method::rkn12;
    if (k.motion == Motion::newtonian && !nystrom) continue;
    const Eigen::ArrayXd c = as_vector(t.c).array();
    const Eigen::ArrayXd exact = k.motion == Motion::newtonian ? (c * c / 2).eval() : c;
    const Eigen::ArrayXd size = a.cwiseAbs().rowwise().sum().array() + 1;
    for (Index i = 1; i < c.size(); ++i) {
      CAPTURE(i);
      CHECK(std::abs(a.row(i).sum() - exact[i]) <= roundoff * size[i]);
    }
  }
}

TEST_CASE("the last stage of the Nystrom pairs is the next step's first") {
  for (const Method method : {Method::rkn8, Method::rkn12}) {
    const Tableau t = tableau(method, Motion::newtonian);
    if (!t.last_is_first) continue;  // rkn12 weighs its last stage
    CHECK(t.c.back() == 1);
    CHECK(t.b.back() == 0);
    CHECK(t.b_velocity.back() == 0);
    for (std::size_t j = 0; j + 1 < t.stages(); ++j) CHECK(t.a.back()[j] == t.b[j]);
  }
  CHECK(tableau(Method::rkn8, Motion::newtonian).last_is_first);
}

TEST_CASE("every error estimate sees the error of a quadrature") {
  // sum_i e_i c_i^p, p the order of the embedded method: where f depends on time alone, it is all
  // that there is to see.
  for (const Known& k : known) {
    if (k.embedded_order == 0) continue;
    CAPTURE(name(k.method));
    const Tableau t = tableau(k.method, k.motion);
    const Vector e = as_vector(k.motion == Motion::newtonian ? t.e_velocity : t.e);
    const Vector power = as_vector(t.c).array().pow(k.embedded_order);
    CHECK(std::abs(e.dot(power)) > 1e6 * roundoff * e.cwiseAbs().dot(power.cwiseAbs()));
  }
}

}  // namespace test_tableau
