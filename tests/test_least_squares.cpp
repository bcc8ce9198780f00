#include <doctest/doctest.h>

#include <Eigen/QR>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/least_squares.hpp"
#include "isochron/random.hpp"
#include "nist.hpp"
#include "stoppable_algebra.hpp"

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

Matrix orthonormal(Index rows, Index columns, std::uint64_t seed) {
  const Matrix random = normal_states(rows, columns, seed);
  return Eigen::HouseholderQR<Matrix>(random).householderQ() * Matrix::Identity(rows, columns);
}

/// J (x - 1) with 200 residuals, 300 parameters and singular values 1 .. 1e-12: most directions lie
/// below the damping for long, so a sketch finds the others.
Residuals decaying() {
  Vector sizes(200);
  for (Index k = 0; k < sizes.size(); ++k) {
    sizes[k] = std::pow(10, -12 * static_cast<double>(k) / static_cast<double>(sizes.size() - 1));
  }
  const Matrix j =
      orthonormal(200, 200, 4) * sizes.asDiagonal() * orthonormal(300, 200, 5).transpose();
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
  const Vector exact = all.colPivHouseholderQr().solve(problem.right);
  for (const double ridge : {0.0, 0.3}) {
    OptimizerOptions options;
    options.max_iterations = 60;
    if (ridge > 0) options.ridge = Vector::Constant(4, ridge);
    const Minimum minimum =
        minimize_least_squares(problem.residuals(), Vector::Zero(10), options, silent);
    Matrix normal = all.transpose() * all;
    normal.topLeftCorner(4, 4).diagonal().array() += ridge;
    const Vector expected =
        ridge == 0 ? exact : normal.llt().solve(all.transpose() * problem.right);
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
  const Vector exact = groups.colPivHouseholderQr().solve(problem.right);
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
