#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/least_squares.hpp"
#include "isochron/random.hpp"
#include "linear_residuals.hpp"
#include "nist.hpp"
#include "oracles.hpp"
#include "stoppable_algebra.hpp"
#include "threads.hpp"

namespace test_least_squares {

using namespace isochron;

namespace {

using Matrix = Eigen::MatrixXd;

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
const IterationCallback silent;

/// Every iterate that the observer saw.
struct Log {
  std::vector<Iterate> iterates;

  IterationCallback observer() {
    return [this](const Iterate& iterate) {
      iterates.push_back(iterate);
      return std::optional<StopReason>();
    };
  }
};

OptimizerOptions until_loss(double loss, bool scale_parameters = false) {
  OptimizerOptions options;
  options.loss_tolerance = loss;
  options.max_iterations = 500;
  options.scale_parameters = scale_parameters;
  return options;
}

/// Rosenbrock 1960: ||r||^2 = (1 - x)^2 + 100 (y - x^2)^2, a curved valley.
bool rosenbrock(ConstVectorRef theta, Vector& r, Matrix* jacobian) {
  const double x = theta[0], y = theta[1];
  r = Vector{{1 - x, 10 * (y - x * x)}};
  if (jacobian) *jacobian = Matrix{{-1, 0}, {-20 * x, 10}};
  return true;
}

Vector rosenbrock_start() { return Vector{{-1.2, 1}}; }

/// log(x): 0 at 1. From x > e, Newton's steps lead below 0.
bool logarithm(ConstVectorRef x, Vector& r, Matrix* jacobian) {
  r = Vector{{std::log(x[0])}};
  if (jacobian) *jacobian = Matrix{{1 / x[0]}};
  return true;
}

/// x^2 + level: its Jacobian is 0 at the minimum.
Residuals parabola(double level) {
  return [level](ConstVectorRef x, Vector& r, Matrix* jacobian) {
    r = Vector{{x[0] * x[0] + level}};
    if (jacobian) *jacobian = Matrix{{2 * x[0]}};
    return true;
  };
}

/// a exp(-(b + c) t) against 2 exp(-0.7 t): b and c count as a sum, d does not.
bool redundant(ConstVectorRef theta, Vector& r, Matrix* jacobian) {
  constexpr Index rows = 12;
  r.resize(rows);
  if (jacobian) *jacobian = Matrix::Zero(rows, 4);
  for (Index i = 0; i < rows; ++i) {
    const double t = 0.25 * static_cast<double>(i);
    const double decay = std::exp(-(theta[1] + theta[2]) * t);
    r[i] = theta[0] * decay - 2 * std::exp(-0.7 * t);
    if (!jacobian) continue;
    (*jacobian)(i, 0) = decay;
    (*jacobian)(i, 1) = (*jacobian)(i, 2) = -theta[0] * t * decay;
  }
  return true;
}

Vector redundant_start() { return Vector{{1, 0.1, 0.2, 5}}; }

/// A x + 0.1 sin(B x) - y with 5 residuals and 40 parameters.
Residuals underdetermined() {
  const Matrix a = normal_states(5, 40, 1), b = normal_states(5, 40, 2);
  const Vector y = normal_states(5, 1, 3).col(0);
  return [=](ConstVectorRef x, Vector& r, Matrix* jacobian) {
    const Vector angles = b * x;
    r = a * x - y + Vector(0.1 * angles.array().sin());
    if (jacobian) *jacobian = a + 0.1 * angles.array().cos().matrix().asDiagonal() * b;
    return true;
  };
}

/// J (x - 1) with 200 residuals, 300 parameters and singular values 1 .. 1e-12: most directions lie
/// below the damping for long, so a sketch finds the others.
Residuals decaying() {
  Vector sizes(200);
  for (Index k = 0; k < sizes.size(); ++k) {
    sizes[k] = std::pow(10, -12 * static_cast<double>(k) / static_cast<double>(sizes.size() - 1));
  }
  const Matrix j = oracle::orthonormal(200, 200, 4) * sizes.asDiagonal() *
                   oracle::orthonormal(300, 200, 5).transpose();
  return [j](ConstVectorRef x, Vector& r, Matrix* jacobian) {
    r = j * (x - Vector::Ones(x.size()));
    if (jacobian) *jacobian = j;
    return true;
  };
}

}  // namespace

TEST_CASE("linear algebra that takes long is the same in parts, and can be stopped") {
  const std::function<bool()> never = [] { return false; };
  const Matrix tall = normal_states(30000, 150, 1);  // QR takes 1.35e9 operations
  const StoppableQr qr(tall, never);
  const Matrix q = qr.thin_q(150, never);
  const Matrix r = qr.matrixQR().topRows(150).triangularView<Eigen::Upper>();
  CHECK((q.transpose() * q - Matrix::Identity(150, 150)).cwiseAbs().maxCoeff() <= 1e-13);
  CHECK((q * r - tall).cwiseAbs().maxCoeff() <= 1e-11);
  const Matrix wide = tall.topRows(150) * 0.01;
  CHECK((multiply(tall, wide, never) - tall * wide).cwiseAbs().maxCoeff() <= 1e-12);
  CHECK((multiply_transposed(tall, tall, never) - tall.transpose() * tall).cwiseAbs().maxCoeff() <=
        1e-9);

  int polls = 0;
  const std::function<bool()> soon = [&] { return ++polls > 2; };
  CHECK_THROWS_AS(StoppableQr(tall, soon), Interrupted);
  CHECK(polls == 3);
  OptimizerOptions options;
  options.stop_requested = [] { return true; };
  const auto start = rosenbrock_start();
  const Minimum stopped = minimize_least_squares(rosenbrock, start, options, silent);
  CHECK(stopped.reason == StopReason::interrupted);
  CHECK(stopped.best.theta == start);
}

TEST_CASE("nist: the certified values have the certified residual sum of squares") {
  const std::vector<nist::Problem> problems = nist::all_problems();
  CHECK(problems.size() == 27);
  for (const nist::Problem& problem : problems) {
    CAPTURE(problem.name);
    Vector r;
    REQUIRE(nist::residuals(problem)(nist::vector(problem.certified), r, nullptr));
    // Lanczos1 has a sum of 1e-25, which 11 digits of the parameters do not give.
    const double error = problem.name == "Lanczos1" ? 1e-20 : 1e-9 * problem.certified_loss;
    CHECK(std::abs(r.squaredNorm() - problem.certified_loss) <= error);
  }
}

// A stop without progress claims a minimum too: rounding, or errors of the residuals, hide the
// rest. NIST's second starts are said to be easier; the first ones lead over plateaus and
// singularities.
TEST_CASE("nist: whoever claims a minimum has it to six digits, and all are found") {
  OptimizerOptions options;
  options.scale_parameters = true;
  options.max_iterations = 5000;
  int found[2] = {0, 0};
  for (const nist::Problem& problem : nist::all_problems()) {
    for (const int start : {0, 1}) {
      const Minimum minimum = minimize_least_squares(
          nist::residuals(problem), nist::vector(problem.starts[start]), options, silent);
      const double digits = nist::digits(problem, minimum.best.theta);
      const std::string reason = describe(minimum.reason);
      CAPTURE(problem.name);
      CAPTURE(start);
      CAPTURE(minimum.best.iteration);
      CAPTURE(minimum.best.loss / problem.certified_loss);
      CAPTURE(reason);
      if (minimum.reason != StopReason::max_iterations) CHECK(digits >= 6);
      if (digits >= 6) ++found[start];
    }
  }
  CHECK(found[0] == 27);
  CHECK(found[1] == 27);
}

TEST_CASE("least squares follow Rosenbrock's valley to the last digit") {
  for (const bool scale : {false, true}) {
    const Minimum minimum =
        minimize_least_squares(rosenbrock, rosenbrock_start(), until_loss(1e-28, scale), silent);
    CHECK(minimum.reason == StopReason::loss_tolerance);
    CHECK(minimum.best.loss < 1e-28);
    CHECK((minimum.best.theta - Vector::Ones(2)).norm() < 1e-13);
    CHECK(minimum.best.iteration < 40);
  }
}

TEST_CASE("least squares: iterates are numbered from the start, descend, and describe themselves") {
  Log log;
  const Minimum minimum =
      minimize_least_squares(rosenbrock, rosenbrock_start(), until_loss(1e-28), log.observer());
  REQUIRE(log.iterates.size() > 5);
  CHECK(log.iterates.front().theta == rosenbrock_start());
  CHECK(log.iterates.front().step == 0);
  CHECK(log.iterates.back().theta == minimum.best.theta);
  for (std::size_t i = 0; i < log.iterates.size(); ++i) {
    const Iterate& at = log.iterates[i];
    CHECK(at.iteration == static_cast<long>(i));
    Vector r;
    Matrix jacobian;
    rosenbrock(at.theta, r, &jacobian);
    const Vector gradient = 2 * jacobian.transpose() * r;
    CHECK(at.loss == doctest::Approx(r.squaredNorm()));
    CHECK(at.gradient_norm == doctest::Approx(gradient.norm()));
    CHECK(at.gradient_max_norm == doctest::Approx(gradient.cwiseAbs().maxCoeff()));
    if (i == 0) continue;
    CHECK(at.step == doctest::Approx((at.theta - log.iterates[i - 1].theta).norm()));
    CHECK(at.loss < log.iterates[i - 1].loss);
  }
}

TEST_CASE("least squares: parameters without an effect of their own do no harm") {
  for (const bool scale : {false, true}) {
    const Minimum minimum =
        minimize_least_squares(redundant, redundant_start(), until_loss(1e-28, scale), silent);
    CHECK(minimum.reason == StopReason::loss_tolerance);
    CHECK(minimum.best.theta[0] == doctest::Approx(2).epsilon(1e-12));
    CHECK(minimum.best.theta[1] + minimum.best.theta[2] == doctest::Approx(0.7).epsilon(1e-12));
    CHECK(minimum.best.theta[3] == 5);
    CHECK(minimum.best.iteration < 20);
  }
}

TEST_CASE("least squares: a wrong column of the Jacobian shows as slow convergence") {
  const auto iterations = [](double factor) {
    const Residuals planted = [factor](ConstVectorRef theta, Vector& r, Matrix* jacobian) {
      redundant(theta, r, jacobian);
      if (jacobian) jacobian->col(0) *= factor;
      return true;
    };
    return minimize_least_squares(planted, redundant_start(), until_loss(1e-28), silent)
        .best.iteration;
  };
  CHECK(iterations(1.5) > 2 * iterations(1));
}

TEST_CASE("least squares: more parameters than residuals") {
  for (const bool scale : {false, true}) {
    const Minimum minimum = minimize_least_squares(underdetermined(), Vector::Zero(40),
                                                   until_loss(1e-28, scale), silent);
    CHECK(minimum.reason == StopReason::loss_tolerance);
    CHECK(minimum.best.iteration < 15);
    CHECK(minimum.best.theta.norm() < 2);  // of all solutions one of the smallest
  }
}

TEST_CASE("least squares: singular values over twelve decades") {
  const Residuals wide = decaying();
  const Vector start = Vector::Zero(300);
  Vector r;
  wide(start, r, nullptr);
  OptimizerOptions options = until_loss(1e-20 * r.squaredNorm());
  options.max_iterations = 60;
  CHECK(minimize_least_squares(wide, start, options, silent).reason == StopReason::loss_tolerance);

  options.max_iterations = 8;  // the sketch is the same in every run
  const Minimum one = minimize_least_squares(wide, start, options, silent);
  const Minimum other = minimize_least_squares(wide, start, options, silent);
  CHECK(one.best.loss == other.best.loss);
  CHECK(one.best.theta == other.best.theta);
}

TEST_CASE("least squares: scaled parameters may have any units") {
  // Powers of two are exact: the same steps are taken to the last bit.
  const Vector units{{0x1p30, 0x1p-20}};
  const Residuals in_units = [&](ConstVectorRef theta, Vector& r, Matrix* jacobian) {
    rosenbrock(theta.cwiseQuotient(units), r, jacobian);
    if (jacobian) *jacobian = *jacobian * units.cwiseInverse().asDiagonal();
    return true;
  };
  const OptimizerOptions options = until_loss(1e-28, true);
  const Minimum plain = minimize_least_squares(rosenbrock, rosenbrock_start(), options, silent);
  const Vector start = units.cwiseProduct(rosenbrock_start());
  const Minimum minimum = minimize_least_squares(in_units, start, options, silent);
  CHECK(minimum.reason == StopReason::loss_tolerance);
  CHECK(minimum.best.iteration == plain.best.iteration);
  CHECK(minimum.best.theta == units.cwiseProduct(plain.best.theta));
}

TEST_CASE("least squares: a start at the minimum is recognised") {
  for (const bool scale : {false, true}) {
    for (const double tolerance : {0.0, 1e-10}) {
      const OptimizerOptions options = until_loss(tolerance, scale);
      const auto check = [&](const Residuals& residuals, const Vector& start, StopReason reason) {
        const Minimum minimum = minimize_least_squares(residuals, start, options, silent);
        CHECK(minimum.reason == reason);
        CHECK(minimum.best.iteration == 0);
        CHECK(minimum.best.theta == start);
      };
      const StopReason zero = tolerance > 0 ? StopReason::loss_tolerance : StopReason::stationary;
      check(rosenbrock, Vector::Ones(2), zero);
      check(parabola(0), Vector::Zero(1), zero);
      check(parabola(1), Vector::Zero(1), StopReason::stationary);
    }
  }
}

TEST_CASE("least squares: trials behind a wall are rejected") {
  enum class Wall { refuses, undefined_residuals, refuses_jacobian, undefined_jacobian };
  for (const Wall wall : {Wall::refuses, Wall::undefined_residuals, Wall::refuses_jacobian,
                          Wall::undefined_jacobian}) {
    for (const bool scale : {false, true}) {
      // The wall runs along the valley: steps that follow it too far end behind the wall.
      long trials_behind = 0, jacobians_behind = 0;
      const Residuals walled = [&](ConstVectorRef theta, Vector& r, Matrix* jacobian) {
        rosenbrock(theta, r, jacobian);
        if (theta[1] >= theta[0] * theta[0] - 0.05) return true;
        ++trials_behind;
        jacobians_behind += jacobian != nullptr;
        if (wall == Wall::undefined_residuals) r[0] = undefined;
        if (wall == Wall::undefined_jacobian && jacobian) (*jacobian)(0, 0) = undefined;
        return wall != Wall::refuses && (wall != Wall::refuses_jacobian || !jacobian);
      };
      const Vector start{{-1.2, 2}};
      const Minimum minimum =
          minimize_least_squares(walled, start, until_loss(1e-28, scale), silent);
      CHECK(minimum.reason == StopReason::loss_tolerance);
      CHECK((minimum.best.theta - Vector::Ones(2)).norm() < 1e-13);
      CHECK(trials_behind > 0);
      const bool by_jacobian = wall == Wall::refuses_jacobian || wall == Wall::undefined_jacobian;
      CHECK((jacobians_behind > 0) == by_jacobian);
    }
  }
}

TEST_CASE("least squares: a minimum behind a wall ends in front of it, without progress") {
  const Residuals walled = [](ConstVectorRef x, Vector& r, Matrix* jacobian) {
    return x[0] >= 2 && logarithm(x, r, jacobian);
  };
  const Minimum minimum = minimize_least_squares(walled, Vector{{5}}, until_loss(1e-28), silent);
  CHECK(minimum.reason == StopReason::no_progress);
  CHECK(minimum.best.theta[0] == doctest::Approx(2).epsilon(1e-6));
}

TEST_CASE("least squares: a start where the residuals cannot be had is a numerical failure") {
  const auto from = [](const Residuals& residuals) {
    return minimize_least_squares(residuals, Vector{{1}}, until_loss(0), silent);
  };
  CHECK_THROWS_AS(from([](ConstVectorRef x, Vector& r, Matrix* jacobian) {
                    logarithm(x, r, jacobian);
                    return false;
                  }),
                  NumericalError);
  CHECK_THROWS_AS(from([](ConstVectorRef x, Vector& r, Matrix* jacobian) {
                    logarithm(x, r, jacobian);
                    r[0] = undefined;
                    return true;
                  }),
                  NumericalError);
  CHECK_THROWS_AS(from([](ConstVectorRef x, Vector& r, Matrix* jacobian) {
                    logarithm(x, r, jacobian);
                    if (jacobian) (*jacobian)(0, 0) = undefined;
                    return true;
                  }),
                  NumericalError);
}

TEST_CASE("least squares: every reason to stop") {
  OptimizerOptions options = until_loss(1e-6);
  const auto run = [&](const IterationCallback& observe) {
    return minimize_least_squares(rosenbrock, rosenbrock_start(), options, observe);
  };
  Minimum at = run(silent);
  CHECK(at.reason == StopReason::loss_tolerance);
  CHECK(at.best.loss <= 1e-6);

  options.loss_tolerance = 0;
  options.gradient_tolerance = 1e-4;
  at = run(silent);
  CHECK(at.reason == StopReason::gradient_tolerance);
  CHECK(at.best.gradient_max_norm <= 1e-4);

  options.gradient_tolerance = 0;
  for (const long limit : {0L, 1L, 4L}) {
    options.max_iterations = limit;
    Log log;
    at = run(log.observer());
    CHECK(at.reason == StopReason::max_iterations);
    CHECK(log.iterates.size() == static_cast<std::size_t>(limit) + 1);
  }

  options.max_iterations = -1;
  for (const StopReason reason : {StopReason::wall_time, StopReason::interrupted}) {
    at = run([reason](const Iterate& iterate) {
      return iterate.iteration < 3 ? std::nullopt : std::optional<StopReason>(reason);
    });
    CHECK(at.reason == reason);
    CHECK(at.best.iteration == 3);
  }
}

// --- groups and ridge ----------------------------------------------------------------------------

namespace {

/// Linear residuals A x + B_g y_g - b of three groups of different sizes and two more of x alone.
struct Grouped {
  std::vector<Index> sizes = {5, 3, 7};
  Index others = 2, shared = 4, own = 2;
  Matrix a = normal_states(17, 4, 31);
  Matrix b = normal_states(15, 2, 32);
  Vector right = normal_states(17, 1, 33);

  [[nodiscard]] GroupedResiduals residuals() const {
    return [*this](ConstVectorRef x, Vector& r, GroupedJacobian* j) {
      r = whole() * x - right;
      if (j != nullptr) *j = {a, b, sizes};
      return true;
    };
  }
  /// The same as one matrix.
  [[nodiscard]] Matrix whole() const {
    Matrix all = Matrix::Zero(17, 10);
    all.leftCols(4) = a;
    Index row = 0;
    for (std::size_t g = 0; g < sizes.size(); ++g) {
      all.block(row, 4 + 2 * static_cast<Index>(g), sizes[g], 2) = b.middleRows(row, sizes[g]);
      row += sizes[g];
    }
    return all;
  }
};

}  // namespace

TEST_CASE("parameters of groups are found with the shared ones: linear problems in a few steps") {
  const Grouped problem;
  const Matrix all = problem.whole();
  const Vector exact = oracle::least_squares_solution(all, problem.right);
  for (const double ridge : {0.0, 0.3}) {
    OptimizerOptions options;
    options.max_iterations = 60;
    if (ridge > 0) options.ridge = Vector::Constant(4, ridge);
    const Minimum minimum =
        minimize_least_squares(problem.residuals(), Vector::Zero(10), options, silent);
    Matrix normal = all.transpose() * all;
    normal.topLeftCorner(4, 4).diagonal().array() += ridge;
    const Vector expected =
        ridge == 0
            ? exact
            : Vector(oracle::least_squares_solution(normal, all.transpose() * problem.right));
    CHECK((minimum.best.theta - expected).norm() <= 1e-7 * expected.norm());
    const double loss =
        (all * expected - problem.right).squaredNorm() + ridge * expected.head(4).squaredNorm();
    CHECK(minimum.best.loss == doctest::Approx(loss).epsilon(1e-12));
  }
}

TEST_CASE("a ridge weighs each parameter, and those of weight 0 are free") {
  OptimizerOptions options;
  options.ridge = Vector{{0, 1e6}};
  const Residuals line = [](ConstVectorRef x, Vector& r, Matrix* j) {
    r = Vector{{x[0] + x[1] - 3, 2 * x[0] - x[1] - 1}};
    if (j != nullptr) *j = Matrix{{1, 1}, {2, -1}};
    return true;
  };
  const Minimum minimum = minimize_least_squares(line, Vector::Ones(2), options, silent);
  CHECK(std::abs(minimum.best.theta[1]) <= 1e-5);
  CHECK(minimum.best.theta[0] == doctest::Approx(1).epsilon(1e-5));  // of (x - 3)^2 + (2x - 1)^2
}

TEST_CASE("least squares without shared parameters are those of each group") {
  Grouped problem;
  const Matrix groups = problem.whole().rightCols(6);
  problem.a.resize(17, 0);
  const GroupedResiduals residuals = [&](ConstVectorRef x, Vector& r, GroupedJacobian* j) {
    r = groups * x - problem.right;
    if (j != nullptr) *j = {problem.a, problem.b, problem.sizes};
    return true;
  };
  const Minimum minimum = minimize_least_squares(residuals, Vector::Zero(6), {}, silent);
  const Vector exact = oracle::least_squares_solution(groups, problem.right);
  CHECK((minimum.best.theta - exact).norm() <= 1e-6 * exact.norm());
}

TEST_CASE("little progress ends least squares where it is asked for") {
  OptimizerOptions options;
  const Grouped problem;
  const Vector start = Vector::Zero(10);
  const Minimum whole = minimize_least_squares(problem.residuals(), start, options, silent);
  options.progress_tolerance = 0.5;
  const Minimum part = minimize_least_squares(problem.residuals(), start, options, silent);
  CHECK(part.reason == StopReason::little_progress);
  CHECK(part.best.iteration >= 3);
  CHECK(whole.reason != StopReason::little_progress);
  CHECK(part.best.loss <= 1.6 * whole.best.loss);
}

// --- the Jacobian in leaves ----------------------------------------------------------------------

namespace {

/// Nonlinear residuals of groups of 5 to 9, each with two parameters of its own that also multiply
/// the first shared one, and of the shared ones alone:
///
///   a_i x + 0.3 sin(b_i x) + c_i y_g + 0.2 x_0 y_g0 - z_i.
struct ManyRows {
  Index groups = 40, parameters = 7, others = 11;
  std::vector<Index> sizes = group_sizes();
  Index grouped_rows = std::accumulate(sizes.begin(), sizes.end(), Index{0});
  Index rows = grouped_rows + others;
  Matrix a = normal_states(rows, parameters, 61), b = normal_states(rows, parameters, 62);
  Matrix c = normal_states(grouped_rows, 2, 63);
  Vector z = normal_states(rows, 1, 64);
  bool with_groups = true;

  [[nodiscard]] std::vector<Index> group_sizes() const {
    std::vector<Index> all;
    for (Index g = 0; g < groups; ++g) all.push_back(5 + g % 5);
    return all;
  }
  [[nodiscard]] Vector start() const {
    return normal_states(parameters + (with_groups ? 2 * groups : 0), 1, 65);
  }

  bool operator()(ConstVectorRef at, Vector& r, GroupedJacobian* j) const {
    const Vector x = at.head(parameters);
    const Vector angles = b * x;
    r = a * x + Vector(0.3 * angles.array().sin()) - z;
    if (j != nullptr) {
      j->shared = a + 0.3 * angles.array().cos().matrix().asDiagonal() * b;
      j->own = with_groups ? c : Matrix();
      j->group_sizes = with_groups ? sizes : std::vector<Index>();
    }
    if (!with_groups) return true;
    Index row = 0;
    for (std::size_t g = 0; g < sizes.size(); ++g) {
      const Vector y = at.segment(parameters + 2 * static_cast<Index>(g), 2);
      r.segment(row, sizes[g]) += c.middleRows(row, sizes[g]) * y;
      r.segment(row, sizes[g]).array() += 0.2 * x[0] * y[0];
      if (j != nullptr) {
        j->shared.col(0).segment(row, sizes[g]).array() += 0.2 * y[0];
        j->own.col(0).segment(row, sizes[g]).array() += 0.2 * x[0];
      }
      row += sizes[g];
    }
    return true;
  }
};

/// A problem cut into leaves of five groups and one of the other residuals, from the last to the
/// first or by several threads.
struct Leaves {
  const ManyRows& problem;
  std::size_t threads = 1;
  bool backwards = false;
  Index dropped = -1;  // a leaf that is not visited in full
  mutable long visits = 0;

  static constexpr std::size_t groups_of_leaf = 5;

  [[nodiscard]] JacobianLeaf leaf(Index number, const Vector& r, const GroupedJacobian& j) const {
    JacobianLeaf one;
    one.number = number;
    one.first_group = number * static_cast<Index>(groups_of_leaf);
    const auto first = problem.sizes.begin() + one.first_group;
    one.first_row = std::accumulate(problem.sizes.begin(), first, Index{0});
    const bool is_last = one.first_group == problem.groups;
    const std::vector<Index> sizes(first, is_last ? first : first + groups_of_leaf);
    const Index rows =
        is_last ? problem.others : std::accumulate(sizes.begin(), sizes.end(), Index{0});
    one.residuals = r.segment(one.first_row, rows);
    one.jacobian.shared = j.shared.middleRows(one.first_row, rows);
    if (number == dropped) one.jacobian.shared.setZero();
    if (!problem.with_groups) return one;
    one.jacobian.group_sizes = sizes;
    one.jacobian.own = is_last ? Matrix(0, 2) : Matrix(j.own.middleRows(one.first_row, rows));
    return one;
  }

  [[nodiscard]] ResidualsInLeaves residuals() const {
    const Index count = problem.groups / static_cast<Index>(groups_of_leaf) + 1;
    return {count, problem.parameters, problem.with_groups,
            [this](ConstVectorRef x, Vector& r) { return problem(x, r, nullptr); },
            [this, count](ConstVectorRef x, Vector* residuals, const LeafVisitor& visit) {
              ++visits;
              Vector r;
              GroupedJacobian j;
              problem(x, r, &j);
              std::atomic<Index> next{0};
              run_on_threads(threads, [&](std::size_t) {
                for (Index i = next++; i < count; i = next++) {
                  visit(leaf(backwards ? count - 1 - i : i, r, j));
                }
              });
              if (residuals != nullptr) *residuals = r;
              return true;
            }};
  }
};

/// The largest relative difference of the losses and steps of two minimisations, up to where the
/// loss no longer falls.
double difference(const Log& one, const Log& other) {
  double largest = 0;
  const std::size_t count = std::min(one.iterates.size(), other.iterates.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Iterate &a = one.iterates[i], &b = other.iterates[i];
    largest = std::max(
        {largest, std::abs(a.loss - b.loss) / b.loss, (a.theta - b.theta).norm() / b.theta.norm(),
         std::abs(a.gradient_norm - b.gradient_norm) / other.iterates[0].gradient_norm});
  }
  return largest;
}

}  // namespace

TEST_CASE("a Jacobian in leaves takes the steps of the whole one, iteration by iteration") {
  for (const bool with_groups : {false, true}) {
    for (const double ridge : {0.0, 0.5}) {
      for (const bool scale : {false, true}) {
        CAPTURE(with_groups);
        CAPTURE(ridge);
        CAPTURE(scale);
        ManyRows problem;
        problem.with_groups = with_groups;
        OptimizerOptions options;
        options.max_iterations = 25;
        options.scale_parameters = scale;
        if (ridge > 0) options.ridge = Vector::Constant(problem.parameters, ridge);
        Log whole, in_leaves, without_one;
        const GroupedResiduals held = problem;
        const Minimum expected =
            minimize_least_squares(held, problem.start(), options, whole.observer());
        const Leaves leaves{problem};
        const Minimum minimum = minimize_least_squares(leaves.residuals(), problem.start(), options,
                                                       in_leaves.observer());
        CHECK(whole.iterates.size() >= 5);
        CHECK(in_leaves.iterates.size() + 2 >= whole.iterates.size());
        CHECK(difference(in_leaves, whole) <= 1e-10);
        CHECK(minimum.best.loss == doctest::Approx(expected.best.loss).epsilon(1e-13));
        const Leaves wrong{problem, 1, false, 3};
        static_cast<void>(minimize_least_squares(wrong.residuals(), problem.start(), options,
                                                 without_one.observer()));
        CHECK(difference(without_one, whole) > 1e-6);
      }
    }
  }
}

TEST_CASE("a Jacobian in leaves has the products, right-hand sides and predictions of a held one") {
  const std::function<bool()> never = [] { return false; };
  for (const bool with_groups : {false, true}) {
    CAPTURE(with_groups);
    ManyRows problem;
    problem.with_groups = with_groups;
    const GroupedResiduals residuals = problem;
    const Leaves leaves{problem};
    const ResidualsInLeaves cut = leaves.residuals();
    const auto held = with_held_jacobian(residuals);
    const auto in_leaves = with_jacobian_in_leaves(cut, never);
    const Vector at = problem.start();
    REQUIRE(held->move(at));
    REQUIRE(in_leaves->move(at));
    const auto close = [](const Matrix& one, const Matrix& other) {
      return (one - other).norm() <= 1e-12 * other.norm();
    };
    const Vector scale = Vector::LinSpaced(problem.parameters, 1, 2);
    CHECK(in_leaves->parameters() == held->parameters());
    CHECK(in_leaves->is_grouped() == held->is_grouped());
    CHECK(in_leaves->values() == held->values());
    CHECK(close(in_leaves->gradient(), held->gradient()));
    CHECK(close(in_leaves->column_norms(), held->column_norms()));
    CHECK(in_leaves->largest_column(scale) == doctest::Approx(held->largest_column(scale)));
    for (const double damping : {1.0, 1e-3, 1e-9}) {
      CAPTURE(damping);
      const Matrix rows = held->eliminate(damping);
      const Matrix triangle = in_leaves->eliminate(damping);
      CHECK(close(triangle.transpose() * triangle, rows.transpose() * rows));
      CHECK(close(triangle.transpose() * in_leaves->rest(), rows.transpose() * held->rest()));
      const AffineResiduals b{normal_states(problem.rows, 1, 66), normal_states(at.size(), 1, 67)};
      CHECK(close(in_leaves->rest(b).gradient, rows.transpose() * held->rest(b).rows));
      const Vector shared = -0.1 * scale;
      Vector step = shared;
      if (with_groups) {
        CHECK(close(in_leaves->own(b, shared), held->own(b, shared)));
        const AffineResiduals r{held->values(), {}};
        step.conservativeResize(at.size());
        step.tail(at.size() - shared.size()) = held->own(r, shared);
        CHECK(close(in_leaves->own(r, shared), step.tail(at.size() - shared.size())));
      }
      CHECK(in_leaves->predicted(step) == doctest::Approx(held->predicted(step)).epsilon(1e-12));
    }
  }
}

TEST_CASE("a Jacobian in leaves: the same bits for any order of the leaves and number of threads") {
  for (const bool with_groups : {false, true}) {
    ManyRows problem;
    problem.with_groups = with_groups;
    OptimizerOptions options;
    options.max_iterations = 4;
    const auto run = [&](const Leaves& leaves) {
      return minimize_least_squares(leaves.residuals(), problem.start(), options, silent).best;
    };
    const Iterate first = run({problem});
    for (const Leaves& leaves :
         {Leaves{problem, 2}, Leaves{problem, 7}, Leaves{problem, 1, true}}) {
      const Iterate other = run(leaves);
      CHECK(other.loss == first.loss);
      CHECK(other.theta == first.theta);
      CHECK(other.gradient_norm == first.gradient_norm);
    }
  }
}

TEST_CASE("a Jacobian in leaves that cannot be had again, or is stopped") {
  const ManyRows problem;
  const Leaves leaves{problem};
  ResidualsInLeaves residuals = leaves.residuals();
  residuals.visit = [visit = residuals.visit](ConstVectorRef x, Vector* r, const LeafVisitor& v) {
    return r != nullptr && visit(x, r, v);
  };
  OptimizerOptions options;
  CHECK_THROWS_AS(
      static_cast<void>(minimize_least_squares(residuals, problem.start(), options, silent)),
      NumericalError);
  options.stop_requested = [] { return true; };
  const Minimum stopped = minimize_least_squares(residuals, problem.start(), options, silent);
  CHECK(stopped.reason == StopReason::interrupted);
}

TEST_CASE("Cholesky's factor is the same in panels, and says where there is none") {
  const std::function<bool()> never = [] { return false; };
  const Matrix tall = normal_states(900, 600, 7);
  const Matrix normal = squared(tall, never);
  CHECK((Matrix(normal.triangularView<Eigen::Lower>()) -
         Matrix((tall.transpose() * tall).triangularView<Eigen::Lower>()))
            .cwiseAbs()
            .maxCoeff() <= 1e-10);
  const StoppableCholesky factor(normal, never);
  CHECK(factor.succeeded());
  const Vector x = normal_states(600, 1, 8);
  const Vector right = tall.transpose() * (tall * x);
  CHECK((factor.solve(right) - x).norm() <= 1e-9 * x.norm());
  Matrix indefinite = normal;
  indefinite(400, 400) = -1;
  CHECK_FALSE(StoppableCholesky(indefinite, never).succeeded());
  int polls = 0;
  const std::function<bool()> soon = [&] { return ++polls > 1; };
  CHECK_THROWS_AS(StoppableCholesky(normal, soon), Interrupted);
}

}  // namespace test_least_squares
