#include "isochron/bands.hpp"

#include <algorithm>

#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "isochron/well_gradient.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

/// Numbers of the derivatives that are held at a time.
constexpr Index most_numbers = 2000000;

/// How many items of so many numbers each are worked on at a time.
Index chunk(Index numbers, Index items) {
  return std::clamp<Index>(most_numbers / std::max<Index>(numbers, 1), 1, items);
}

/// Trajectories first, .. of an ensemble.
Ensemble part(const Ensemble& all, Index first, Index count) {
  Ensemble some(States(all.initial_states.middleCols(first, count)),
                Vector(all.end_times.segment(first, count)));
  some.earlier_times = all.earlier_times.middleCols(first, count);
  return some;
}

SensitivityOptions derivatives(const Dynamics& dynamics, const IntegratorOptions& integrator,
                               Starts starts) {
  SensitivityOptions options;
  options.integrator = integrator;
  options.initial_states = starts == Starts::fitted;
  if (integrator.method == Method::bdf) {
    options.gradient = GradientMethod::forward;
  } else {
    options.gradient = GradientMethod::discrete;
    options.integrator.method = eighth_order(dynamics.motion());
  }
  return options;
}

/// Of one trajectory: its rows of the derivatives.
Vector state_errors(const Posterior& posterior, const Eigen::MatrixXd& by_theta) {
  return posterior.standard_errors(by_theta.transpose());
}

/// The same with its fitted initial state y(0) = m(theta) + R^-1 z.
Vector state_errors(const Posterior& posterior, const Eigen::MatrixXd& by_theta,
                    const Eigen::MatrixXd& by_start, const Posterior::Start& start) {
  const Vector of_theta = state_errors(posterior, by_theta + by_start * start.by_theta);
  Eigen::MatrixXd rest = by_start.transpose();
  start.factor.transpose().triangularView<Eigen::Lower>().solveInPlace(rest);
  return (of_theta.cwiseAbs2() + rest.colwise().squaredNorm().transpose()).cwiseSqrt();
}

}  // namespace

Block force_errors(const ForceField& field, ConstVectorRef theta, const Posterior& posterior,
                   ConstBlockRef q) {
  field.require_parameters(theta);
  const Index d = field.dimension();
  const Index p = field.parameters();
  const Index points = chunk(d * p, q.cols());
  const auto at = field.linearisation(points);
  Block errors(d, q.cols());
  for (Index first = 0; first < q.cols(); first += points) {
    const Index count = std::min(points, q.cols() - first);
    Block force(d, count);
    Block slopes(d * p, count);
    at->linearise(theta, Block(q.middleCols(first, count)), force);
    at->parameter_jacobians(slopes);
    for (Index i = 0; i < d; ++i) {
      errors.row(i).segment(first, count) =
          posterior.standard_errors(slopes.middleRows(i * p, p)).transpose();
    }
  }
  return errors;
}

Vector potential_errors(const ForceField& field, ConstVectorRef theta, const Posterior& posterior,
                        double zero, ConstVectorRef positions) {
  return posterior.standard_errors(potential_gradients(field, theta, zero, positions));
}

PeriodCurve period_curve(const ForceField& field, ConstVectorRef theta, const Posterior& posterior,
                         double bottom, ConstVectorRef energies) {
  require(energies.size() > 0, "a period curve needs at least one energy");
  const double highest = energies.maxCoeff() * (1 + 1e-9);
  const PotentialWell well(field, theta, bottom, {-infinity, infinity}, highest);
  std::vector<double> closed, periods, errors;
  for (const double energy : energies) {
    if (energy >= well.energy_limit()) continue;
    try {
      const Vector gradient = period_gradient(well, field, theta, energy);
      periods.push_back(well.orbit(energy).period);
      errors.push_back(posterior.standard_error(gradient));
      closed.push_back(energy);
    } catch (const NumericalError&) {
      // Next to the brim the period changes beyond all bounds.
    }
  }
  const auto vector = [](const std::vector<double>& values) -> Vector {
    return Eigen::Map<const Vector>(values.data(), static_cast<Index>(values.size()));
  };
  return {vector(closed), vector(periods), vector(errors)};
}

PredictedStates predicted_states(const Dynamics& dynamics, ConstVectorRef theta,
                                 const Posterior& posterior, const Ensemble& ensemble,
                                 Starts starts, const IntegratorOptions& integrator) {
  const Index n = ensemble.size();
  require(starts == Starts::exact || static_cast<Index>(posterior.starts.size()) >= n,
          "{} initial states were fitted, fewer than the {} trajectories to predict",
          posterior.starts.size(), n);
  const Index k = ensemble.observations();
  const Index s = dynamics.state_dimension();
  const Index most = chunk(k * s * dynamics.parameters(), n);
  Sensitivity sensitivity(dynamics, derivatives(dynamics, integrator, starts));
  PredictedStates predicted{States(s, n * k), States(s, n * k)};
  for (Index first = 0; first < n; first += most) {
    const Index count = std::min(most, n - first);
    const StateJacobian at = sensitivity.jacobian(theta, part(ensemble, first, count));
    predicted.states.middleCols(first * k, count * k) = at.states;
    for (Index i = 0; i < count; ++i) {
      const Eigen::MatrixXd by_theta = at.jacobian.middleRows(i * k * s, k * s);
      auto errors = predicted.errors.middleCols((first + i) * k, k).reshaped();
      if (starts == Starts::exact) {
        errors = state_errors(posterior, by_theta);
      } else {
        errors = state_errors(posterior, by_theta, at.by_start.middleRows(i * k * s, k * s),
                              posterior.starts[static_cast<std::size_t>(first + i)]);
      }
    }
  }
  return predicted;
}

}  // namespace isochron
