#pragma once

// A random problem, the gradient of its loss in two random directions, and what rounding at the
// tolerance does to it.

#include <cstdio>

#include "isochron/sensitivity.hpp"
#include "reference.hpp"

namespace isochron::fuzz {

/// The loss sum_i scale/n |y_i(T) - z_i|^2, or scale sum_i z_i . y_i(T) where `is_linear`.
struct Target {
  bool is_linear = false;
  double scale = 1;
  States z;

  [[nodiscard]] double weight() const {
    return is_linear ? scale : 2 * scale / static_cast<double>(z.cols());
  }
  /// dL/dy(T) = weight * residual.
  template <class T>
  T residual(const T& y, Index row, Index trajectory) const {
    return is_linear ? T(z(row, trajectory)) : y - T(z(row, trajectory));
  }

  [[nodiscard]] StateLoss state_loss() const {
    return [this](Index first, ConstStatesRef y, StatesRef cotangents) {
      double loss = 0;
      for (Index b = 0; b < y.cols(); ++b) {
        for (Index row = 0; row < y.rows(); ++row) {
          const double r = residual(y(row, b), row, first + b);
          cotangents(row, b) = weight() * r;
          loss += weight() * (is_linear ? r * y(row, b) : r * r / 2);
        }
      }
      return loss;
    };
  }
};

struct Problem {
  Model model;
  Ensemble ensemble;
  Target target;
  Eigen::MatrixXd directions;  ///< P x 2
  double rtol = 1e-8;
  double atol = 1e-8;
  std::string start;

  [[nodiscard]] Dynamics dynamics() const { return Dynamics(model.field, model.motion); }
};

/// q, v of each trajectory.
inline States random_states(Random& random, const Model& model, Index trajectories,
                            std::string& start) {
  const Index d = model.field->dimension();
  const bool newtonian = model.motion == Motion::newtonian;
  States y(newtonian ? 2 * d : d, trajectories);
  for (double& x : y.reshaped()) x = random.normal();
  const double u = random.uniform();
  const auto from_equilibrium = [&](double size) {
    y *= size;
    if (model.equilibrium.size() > 0) y.topRows(d).colwise() += model.equilibrium;
  };
  if (u < 0.2 && model.equilibrium.size() > 0) {
    start = "equilibrium";
    from_equilibrium(0);
  } else if (u < 0.35) {
    start = "at rest";
    if (newtonian) y.bottomRows(d).setZero();
  } else if (u < 0.65) {
    start = "ordinary";
  } else if (u < 0.8) {
    start = "far";
    y.topRows(d) *= log_uniform(random, 5, 50);
    if (newtonian) y.bottomRows(d) = -y.topRows(d).array().sign() * y.bottomRows(d).array().abs();
  } else if (u < 0.9) {
    start = "tiny";
    from_equilibrium(log_uniform(random, 1e-12, 1e-3));
  } else {
    start = "huge";
    y *= log_uniform(random, 1e2, 1e6);
  }
  return y;
}

inline Problem random_problem(std::uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < 20; ++i) random.uniform();
  Problem problem;
  problem.model = random_model(random);
  const Model& model = problem.model;
  const Index n = random.uniform() < 0.1 ? 9 + one_of(random, 9) : 1 + one_of(random, 3);
  problem.ensemble.initial_states = random_states(random, model, n, problem.start);
  const bool equal_times = random.uniform() < 0.7;
  const double time = log_uniform(random, 1e-3, 1e3) * (random.uniform() < 0.25 ? -1 : 1);
  problem.ensemble.end_times = Vector::Constant(n, time);
  if (!equal_times) {
    for (double& t : problem.ensemble.end_times) t *= log_uniform(random, 0.3, 1);
  }
  problem.rtol = problem.atol = std::pow(10, -4 - 9 * random.uniform());
  if (random.uniform() < 0.2) {
    problem.atol = std::clamp(problem.rtol * log_uniform(random, 1e-3, 10), 1e-15, 1e-2);
  }

  Target& target = problem.target;
  const double u = random.uniform();
  target.z = problem.ensemble.initial_states;
  if (u < 0.4 || problem.start == "equilibrium") {
    for (double& z : target.z.reshaped()) z = random.normal();
    target.is_linear = u < 0.3 || u >= 0.7;
  } else if (u < 0.6) {
    target.z *= -1;
  }
  if (random.uniform() < 0.3) target.scale = log_uniform(random, 1e-30, 1e30);

  problem.directions.resize(model.theta.size(), 2);
  for (Index p = 0; p < model.theta.size(); ++p) {
    // Parameters of a network are alike, others have their own units.
    const double unit = model.name == "network" || model.theta[p] == 0 ? 1 : model.theta[p];
    for (Index k = 0; k < 2; ++k) problem.directions(p, k) = unit * random.normal();
  }
  return problem;
}

/// dL/dtheta . d for both directions d, and the size of what is summed: the larger |dL/dy| |dy/dd|.
struct Slopes {
  std::array<Real, 2> slope{};
  Real terms = 0;
  Real states = 0;  ///< |dL/dy| |y(T)|
  long steps = 0;   ///< most that the reference took for a trajectory
};

/// How much the slopes change when states are perturbed `times` times.
struct Response {
  Real change = 0;
  long times = 1;
};

class Reference {
 public:
  explicit Reference(const Problem& problem) : problem_(problem), theta_(theta(problem)) {}

  /// The gradient by the variational equations; by rk4 with `steps` steps where that is not 0.
  [[nodiscard]] Slopes slopes(Real tolerance, long rk4_steps = 0) const {
    return slopes(tolerance, rk4_steps, [](Point&) {});
  }

  /// The gradient in closed form.
  [[nodiscard]] Slopes exact() const {
    return reduce([&](Index i) {
      const Point y = start(i);
      std::vector<Real> values(y.size());
      std::transform(y.begin(), y.end(), values.begin(), [](const Wide& w) { return w.value; });
      return problem_.model.flow(theta_, values, end_time(i));
    });
  }

  /// The largest change of a slope when the states and their derivatives are perturbed by up to
  /// rtol before each step of the reference, at random.
  [[nodiscard]] Response response(const Slopes& unperturbed, double rtol, double atol,
                                  Real tolerance, long rk4_steps, std::uint64_t seed) const {
    Random random(seed);
    Response largest;
    for (int trial = 0; trial < 3; ++trial) {
      const auto kick = [&](Point& y) {
        if (trial == 2) {
          settle(y, rtol, atol);
          return;
        }
        const Sizes sizes(y, static_cast<std::size_t>(problem_.model.field->dimension()));
        for (Wide& w : y) {
          w.value += kick_size(random) * (rtol * std::abs(w.value) + atol);
          for (std::size_t k : {0, 1}) w.slope[k] += kick_size(random) * rtol * sizes.size[2 + k];
        }
      };
      const Slopes perturbed = slopes(tolerance, rk4_steps, kick);
      for (std::size_t k : {0, 1}) {
        largest.change =
            std::max(largest.change, std::abs(perturbed.slope[k] - unperturbed.slope[k]));
      }
      largest.times = std::max(largest.times, perturbed.steps);
    }
    return largest;
  }

 private:
  static Point theta(const Problem& problem) {
    Point theta(problem.model.theta.begin(), problem.model.theta.end());
    for (std::size_t p = 0; p < theta.size(); ++p) {
      for (std::size_t k : {0, 1}) {
        theta[p].slope[k] = problem.directions(static_cast<Index>(p), static_cast<Index>(k));
      }
    }
    return theta;
  }
  /// To rest in the equilibrium, when it is no farther than the tolerance.
  void settle(Point& y, double rtol, double atol) const {
    const Vector& equilibrium = problem_.model.equilibrium;
    if (equilibrium.size() == 0) return;
    const auto rest = [&](std::size_t i) {
      return i < static_cast<std::size_t>(equilibrium.size()) ? equilibrium[static_cast<Index>(i)]
                                                              : 0.0;
    };
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (std::abs(y[i].value - rest(i)) > rtol * std::abs(y[i].value) + atol) return;
    }
    for (std::size_t i = 0; i < y.size(); ++i) y[i].value = rest(i);
  }
  /// 1/2 to 1 of either sign: perturbations of equal sizes would cancel.
  static Real kick_size(Random& random) {
    const double u = 2 * random.uniform() - 1;
    return std::copysign((1 + std::abs(u)) / 2, u);
  }

  [[nodiscard]] Point start(Index i) const {
    const auto column = problem_.ensemble.initial_states.col(i);
    return {column.begin(), column.end()};
  }
  [[nodiscard]] Real end_time(Index i) const { return problem_.ensemble.end_times[i]; }

  template <class Kick>
  [[nodiscard]] Slopes slopes(Real tolerance, long rk4_steps, Kick kick) const {
    const Motions motions(problem_.model, theta_);
    long steps = 0;
    Slopes result = reduce([&](Index i) {
      Point y = start(i);
      if (rk4_steps > 0) return motions.solve_rk4(y, end_time(i), rk4_steps, kick);
      y = motions.solve(y, end_time(i), tolerance, kick);
      steps = std::max(steps, motions.steps());
      return y;
    });
    result.steps = steps;
    return result;
  }

  template <class FinalPoint>
  [[nodiscard]] Slopes reduce(FinalPoint final_point) const {
    const Target& target = problem_.target;
    Slopes result;
    Real residuals = 0, states = 0;
    std::array<Real, 2> derivatives{};
    for (Index i = 0; i < problem_.ensemble.size(); ++i) {
      const Point y = final_point(i);
      for (std::size_t row = 0; row < y.size(); ++row) {
        const Real r =
            target.weight() * target.residual<Real>(y[row].value, static_cast<Index>(row), i);
        residuals += r * r;
        states += y[row].value * y[row].value;
        for (std::size_t k : {0, 1}) {
          result.slope[k] += r * y[row].slope[k];
          derivatives[k] += y[row].slope[k] * y[row].slope[k];
        }
      }
    }
    result.terms = std::sqrt(residuals * std::max(derivatives[0], derivatives[1]));
    result.states = std::sqrt(residuals * states);
    return result;
  }

  const Problem& problem_;
  Point theta_;
};

}  // namespace isochron::fuzz
