#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/optimizer.hpp"
#include "isochron/random.hpp"

namespace test_optimizer {

using namespace isochron;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
const IterationCallback silent = [](const Iterate&) { return std::optional<StopReason>(); };
using Minimise = Minimum (*)(const Differentiable&, ConstVectorRef, const OptimizerOptions&,
                             const IterationCallback&);
constexpr Minimise optimizers[] = {minimize_lbfgs, minimize_adam};

/// sum_i i (x_i - 1)^2/2, condition number P.
double quadratic(ConstVectorRef x, VectorRef gradient) {
  double value = 0;
  for (Index i = 0; i < x.size(); ++i) {
    const double stiffness = static_cast<double>(i + 1);
    gradient[i] = stiffness * (x[i] - 1);
    value += gradient[i] * (x[i] - 1) / 2;
  }
  return value;
}

/// Rosenbrock 1960: a curved valley, minimum 0 at (1, 1).
double rosenbrock(ConstVectorRef x, VectorRef gradient) {
  const double a = 1 - x[0], b = x[1] - x[0] * x[0];
  gradient[0] = -2 * a - 400 * x[0] * b;
  gradient[1] = 200 * b;
  return a * a + 100 * b * b;
}

Vector rosenbrock_start() { return Vector{{-1.2, 1}}; }

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

OptimizerOptions until_loss(double loss) {
  OptimizerOptions options;
  options.loss_tolerance = loss;
  options.max_iterations = 2000;
  return options;
}

}  // namespace

TEST_CASE("memory that runs out ends a minimisation") {
  const Differentiable greedy = [](ConstVectorRef, VectorRef) -> double { throw std::bad_alloc(); };
  for (const Minimise minimize : optimizers) {
    OptimizerOptions options;
    CHECK_THROWS_AS(static_cast<void>(minimize(greedy, Vector::Zero(3), options, silent)),
                    std::bad_alloc);
  }
#ifndef ISOCHRON_SANITIZE
  // L-BFGS itself takes 2 memory P numbers: more than any address space has.
  OptimizerOptions options;
  options.memory = 1000000000;
  CHECK_THROWS_AS(
      static_cast<void>(minimize_lbfgs(quadratic, Vector::Zero(1000000), options, silent)),
      std::bad_alloc);
#endif
}

TEST_CASE("l-bfgs minimises a quadratic and Rosenbrock's valley to the last digits") {
  Log log;
  const Minimum valley =
      minimize_lbfgs(rosenbrock, rosenbrock_start(), until_loss(1e-24), log.observer());
  CHECK(valley.reason == StopReason::loss_tolerance);
  CHECK(valley.best.loss <= 1e-24);
  // f >= 0.4 |x - 1|^2/2 near the minimum (smallest eigenvalue of the Hessian).
  CHECK((valley.best.theta - Vector::Ones(2)).norm() <= std::sqrt(2 * 1e-24 / 0.39));
  CHECK(log.iterates.size() < 100);

  const Minimum bowl =
      minimize_lbfgs(quadratic, Vector::Zero(30), until_loss(1e-24), log.observer());
  CHECK(bowl.reason == StopReason::loss_tolerance);
  CHECK((bowl.best.theta - Vector::Ones(30)).norm() <= 1e-11);
}

TEST_CASE("iterates are numbered from the start, descend, and describe themselves") {
  for (const Minimise minimize : optimizers) {
    Log log;
    OptimizerOptions options = until_loss(0);
    options.max_iterations = 25;
    const Minimum minimum = minimize(rosenbrock, rosenbrock_start(), options, log.observer());
    REQUIRE(log.iterates.size() == 26);
    CHECK(log.iterates.front().theta == rosenbrock_start());
    CHECK(log.iterates.front().step == 0);
    for (std::size_t i = 0; i < log.iterates.size(); ++i) {
      const Iterate& at = log.iterates[i];
      CHECK(at.iteration == static_cast<long>(i));
      Vector gradient(2);
      CHECK(at.loss == rosenbrock(at.theta, gradient));
      CHECK(at.gradient_norm == doctest::Approx(gradient.norm()));
      CHECK(at.gradient_max_norm == doctest::Approx(gradient.cwiseAbs().maxCoeff()));
      if (i == 0) continue;
      const Iterate& before = log.iterates[i - 1];
      CHECK(at.step == doctest::Approx((at.theta - before.theta).norm()));
      if (minimize == minimize_lbfgs) CHECK(at.loss < before.loss);
    }
    for (const Iterate& at : log.iterates) CHECK(minimum.best.loss <= at.loss);
  }
}

TEST_CASE("a function that cannot be evaluated beyond a wall is minimised in front of it") {
  // The wall at x_0 = 1.05 lies just behind the minimum: full steps jump over it.
  for (const double beyond : {inf, undefined}) {
    for (const bool gradient_too : {false, true}) {
      long failures = 0;
      const Differentiable walled = [&](ConstVectorRef x, VectorRef gradient) {
        if (x[0] > 1.05) {
          ++failures;
          if (gradient_too) gradient.setConstant(undefined);
          return beyond;
        }
        return rosenbrock(x, gradient);
      };
      for (const double start : {-1.2, -3.0, -10.0}) {
        const Minimum minimum =
            minimize_lbfgs(walled, Vector{{start, 40}}, until_loss(1e-20), silent);
        CHECK(minimum.reason == StopReason::loss_tolerance);
        CHECK(minimum.best.theta.allFinite());
      }
      CHECK(failures > 0);
    }
  }
}

TEST_CASE("a value without a finite gradient is no point to go to") {
  const Differentiable walled = [&](ConstVectorRef x, VectorRef gradient) {
    const double value = quadratic(x, gradient);
    if (x[0] > 1.02) gradient.setConstant(undefined);
    return value;
  };
  const Minimum minimum =
      minimize_lbfgs(walled, Vector::Constant(5, -4), until_loss(1e-20), silent);
  CHECK(minimum.reason == StopReason::loss_tolerance);
}

TEST_CASE("a minimum behind the wall ends in front of the wall, without progress") {
  const Differentiable walled = [](ConstVectorRef x, VectorRef gradient) {
    if (x[0] > 0.5) return inf;
    return quadratic(x, gradient);
  };
  OptimizerOptions options;
  const Minimum minimum = minimize_lbfgs(walled, Vector::Zero(1), options, silent);
  CHECK(minimum.reason == StopReason::no_progress);
  CHECK(minimum.best.theta[0] <= 0.5);
  CHECK(minimum.best.loss < 0.5);
}

TEST_CASE("every reason to stop") {
  for (const Minimise minimize : optimizers) {
    OptimizerOptions options;
    options.learning_rate = 0.1;
    options.max_iterations = 5000;
    const auto run = [&](const IterationCallback& observe) {
      return minimize(quadratic, Vector::Zero(3), options, observe);
    };

    options.loss_tolerance = 1e-6;
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
      CHECK(at.best.iteration <= 3);
    }
  }
}

TEST_CASE("l-bfgs without limits ends where rounding ends it") {
  OptimizerOptions options;
  const Minimum minimum = minimize_lbfgs(
      [](ConstVectorRef x, VectorRef gradient) { return 1 + rosenbrock(x, gradient); },
      rosenbrock_start(), options, silent);
  CHECK(minimum.reason == StopReason::no_progress);
  CHECK(minimum.best.loss - 1 <= 1e-14);
}

TEST_CASE("a tolerance of 0 is off, also for functions below zero") {
  const Differentiable sunk = [](ConstVectorRef x, VectorRef gradient) {
    return quadratic(x, gradient) - 100;
  };
  for (const Minimise minimize : optimizers) {
    OptimizerOptions options;
    options.max_iterations = 3;
    const Minimum minimum = minimize(sunk, Vector::Zero(3), options, silent);
    CHECK(minimum.reason == StopReason::max_iterations);
    CHECK(minimum.best.loss < -97);  // the start
  }
}

TEST_CASE("adam takes first steps of its learning rate in every component, downhill") {
  OptimizerOptions options = until_loss(0);
  options.learning_rate = 0.02;
  options.max_iterations = 60;
  Log log;
  const Vector start = Vector{{-1, 4, 0.5}};
  const Minimum minimum = minimize_adam(quadratic, start, options, log.observer());
  const Vector first = log.iterates[1].theta - start;
  // Bias correction makes the first step g/(|g| + 1e-8).
  CHECK(first[0] == doctest::Approx(0.02));
  CHECK(first[1] == doctest::Approx(-0.02));
  CHECK(first[2] == doctest::Approx(0.02));
  CHECK(minimum.best.loss < 0.8 * log.iterates.front().loss);
}

TEST_CASE("adam halves a step that leads where the function cannot be evaluated") {
  // x^2/2 + x, minimum at -1, behind a wall at -0.25: first steps of 0.2 would pass it.
  const auto walled = [](ConstVectorRef x, VectorRef gradient) {
    gradient = x.array() + 1;
    return x[0] < -0.25 ? std::numeric_limits<double>::quiet_NaN() : x[0] * x[0] / 2 + x[0];
  };
  OptimizerOptions options;
  options.learning_rate = 0.2;
  options.max_iterations = 5;
  const Minimum minimum = minimize_adam(walled, Vector::Zero(1), options, {});
  CHECK(minimum.reason == StopReason::max_iterations);
  CHECK(minimum.best.theta[0] < -0.2);
  CHECK(minimum.best.theta[0] >= -0.25);
}

TEST_CASE("a start where the function cannot be evaluated is a numerical failure") {
  for (const Minimise minimize : optimizers) {
    OptimizerOptions options;
    for (const double value : {inf, undefined}) {
      const Differentiable hopeless = [value](ConstVectorRef, VectorRef gradient) {
        gradient.setZero();
        return value;
      };
      CHECK_THROWS_AS(minimize(hopeless, Vector::Ones(2), options, silent), NumericalError);
    }
  }
}

TEST_CASE("what the function or the observer throws passes through") {
  for (const Minimise minimize : optimizers) {
    OptimizerOptions options = until_loss(0);
    int calls = 0;
    const Differentiable failing = [&](ConstVectorRef x, VectorRef gradient) {
      if (++calls > 3) throw std::logic_error("enough");
      return quadratic(x, gradient);
    };
    CHECK_THROWS_AS(minimize(failing, Vector::Zero(2), options, silent), std::logic_error);
    CHECK_THROWS_AS(minimize(quadratic, Vector::Zero(2), options,
                             [](const Iterate&) -> std::optional<StopReason> {
                               throw std::logic_error("enough");
                             }),
                    std::logic_error);
  }
}

TEST_CASE("reasons have words, each its own") {
  std::set<std::string> words;
  for (const StopReason reason :
       {StopReason::gradient_tolerance, StopReason::loss_tolerance, StopReason::no_progress,
        StopReason::max_iterations, StopReason::wall_time, StopReason::interrupted}) {
    words.insert(describe(reason));
  }
  CHECK(words.size() == 6);
  CHECK(describe(StopReason::loss_tolerance) == "loss tolerance reached");
}

}  // namespace test_optimizer
