#include "isochron/observation_fit.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "clock.hpp"
#include "data_scaling.hpp"
#include "elimination.hpp"
#include "floating_point.hpp"
#include "isochron/analytic_force.hpp"
#include "isochron/composite_field.hpp"
#include "isochron/error.hpp"
#include "multiple_shooting.hpp"
#include "sentence.hpp"
#include "stoppable_algebra.hpp"

namespace isochron {
namespace {

/// By how much three steps must lower the sum of chi^2, in a phase that others follow and in the
/// last one. Along a flat valley there are many more steps, which noise does not tell apart.
constexpr double loose_progress = 1;
constexpr double last_progress = 0.1;

/// Ridge and noise have converged when they change by no more than this part.
constexpr double judgement_tolerance = 0.02;
constexpr int most_judgements = 30;
constexpr double first_ridge = 1;

/// A network of which data determine no more than this many parameters is not needed beside its
/// linear skip: the ridge has put it out, and would fall with it.
constexpr double fewest_parameters = 0.05;

/// Parts of the whole time to which the fit goes one after the other.
constexpr double horizon_parts[] = {0.2, 0.4, 0.67, 1};

/// Where there are many times, windows of about ten observations lead to the minimum from every
/// seed that was tried (docs/observations.md). Many more than a hundred have more initial states
/// than networks have parameters.
constexpr Index many_times = 50;
constexpr Index observations_of_window = 10;
constexpr Index most_windows = 100;

/// Weights of the gaps between windows, one after the other.
constexpr double stiffening = 100;
constexpr double most_stiffness = 1e4;

/// The loss at which windows have done their part, over that of states at 0.
constexpr double loss_of_windows = 1e-4;

/// 1 for parameters that the ridge penalises, 0 for others: in sums, too, it penalises the layers
/// of networks.
Vector penalised(const ForceField& field) {
  Vector which = Vector::Zero(field.parameters());
  if (const auto* network = dynamic_cast<const Mlp*>(&field)) {
    Architecture layers = network->architecture();
    layers.skip = Skip::none;
    which.head(Mlp(layers).parameters()).setOnes();
  }
  Index first = 0;
  for (const ForceFieldPtr& part : parts_of(field)) {
    which.segment(first, part->parameters()) = penalised(*part);
    first += part->parameters();
  }
  return which;
}

/// The Jacobian of the residuals in standard errors, and these, where a training stands.
struct Linearised {
  Vector residuals;
  GroupedJacobian jacobian;
};

Linearised linearised(const Objective& objective, const TrainingState& state,
                      const IntegratorOptions& integrator) {
  SensitivityOptions derivatives;
  derivatives.integrator = integrator;
  derivatives.gradient =
      is_multistep(integrator.method) ? GradientMethod::forward : GradientMethod::discrete;
  Vector unknowns(objective.unknowns());
  unknowns.head(state.theta.size()) = state.theta;
  if (objective.fits_initial_states()) {
    unknowns.tail(state.initial_states.size()) = state.initial_states.reshaped();
  }
  Linearised at;
  ObjectiveFunction(objective, derivatives).residuals(unknowns, at.residuals, &at.jacobian);
  const double root = std::sqrt(static_cast<double>(objective.residual_count()));
  at.residuals *= root;
  at.jacobian.shared *= root;
  at.jacobian.own *= root;
  return at;
}

/// What data and ridge say of a fit.
struct Judgement {
  Vector residuals;          // of the data, in standard errors
  double asked_besides = 0;  // sum of the squares of all others
  Posterior posterior;
  double log_determinant = 0;  // of the inverse covariance of theta and initial states
  double size = 0;             // |theta|^2 of penalised parameters
  double effective_parameters = 0;
  double degrees_of_freedom = 0;
};

Judgement judged(const Objective& objective, const TrainingState& state,
                 const IntegratorOptions& integrator, const Vector& ridge,
                 const Vector& penalised) {
  Linearised at = linearised(objective, state, integrator);
  const GroupedJacobian& j = at.jacobian;
  const Elimination elimination(j, 0);
  const Index parameters = j.shared.cols();
  Eigen::MatrixXd rows(j.shared.rows() + parameters, parameters);
  rows.topRows(j.shared.rows()) = elimination.rest(j.shared);
  rows.bottomRows(parameters) = ridge.cwiseSqrt().asDiagonal();
  const StoppableQr qr(std::move(rows), integrator.stop_requested);

  Judgement found;
  Eigen::MatrixXd& factor = found.posterior.factor;
  factor = qr.matrixQR().topRows(parameters).triangularView<Eigen::Upper>();
  const Eigen::MatrixXd inverse = factor.triangularView<Eigen::Upper>().solve(
      Eigen::MatrixXd::Identity(parameters, parameters));
  const Vector variances = inverse.rowwise().squaredNorm();
  found.log_determinant = 2 * factor.diagonal().cwiseAbs().array().log().sum();
  found.effective_parameters = penalised.sum() - ridge.dot(variances);
  found.size = penalised.dot(state.theta.cwiseAbs2());
  const double free = static_cast<double>(objective.unknowns()) - penalised.sum();
  const Index data = objective.residual_count();
  const Index besides = at.residuals.size() - data;
  const double determined_besides = (j.shared.bottomRows(besides) * inverse).squaredNorm();
  found.degrees_of_freedom =
      static_cast<double>(data) - found.effective_parameters - free + determined_besides;
  found.asked_besides = at.residuals.tail(besides).squaredNorm();

  std::vector<Elimination::Group> groups = elimination.groups();
  const Index s = j.own.cols();
  found.posterior.initial_state_errors.resize(s, static_cast<Index>(groups.size()));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Eigen::MatrixXd own =
        groups[i].factor.triangularView<Eigen::Upper>().solve(Eigen::MatrixXd::Identity(s, s));
    const Eigen::MatrixXd by_theta = groups[i].by_shared * inverse;
    found.posterior.initial_state_errors.col(static_cast<Index>(i)) =
        (own.rowwise().squaredNorm() + by_theta.rowwise().squaredNorm()).cwiseSqrt();
    found.log_determinant += 2 * groups[i].factor.diagonal().cwiseAbs().array().log().sum();
    found.posterior.starts.push_back({std::move(groups[i].factor), std::move(groups[i].by_shared)});
  }
  found.residuals = at.residuals.head(data);
  return found;
}

/// The objective with the weights of each component multiplied.
Objective reweighted(const Objective& objective, const Vector& factor) {
  Observations observations = objective.observations();
  if (observations.weight.size() == 0) {
    observations.weight = States::Ones(observations.value.rows(), observations.value.cols());
  }
  observations.weight = factor.asDiagonal() * observations.weight;
  return objective.with(std::move(observations));
}

/// With the force data that another objective has.
Objective with_force_data(const Objective& objective, const Objective& of) {
  return of.force_data() ? objective.with(*of.force_data()) : objective;
}

/// Of each component; 0 of one that is not observed.
Vector largest_weights(const Objective& objective) {
  return objective.observations().weight.rowwise().maxCoeff();
}

/// What the square of a residual from N(0, 1) is in the mean, none counted beyond `limit`.
double clipped_square(double limit) {
  if (limit == infinity) return 1;
  const double density = std::exp(-limit * limit / 2) / std::sqrt(2 * std::numbers::pi);
  const double beyond = std::erfc(limit / std::numbers::sqrt2);  // of both tails
  return 1 - beyond - 2 * limit * density + limit * limit * beyond;
}

/// chi^2 per degree of freedom of each component, 1 of one that is not observed. Of robust fits
/// residuals are clipped, so that outliers do not count as noise (Huber's proposal 2).
Vector excess(const Objective& objective, const Judgement& at) {
  const States& weight = objective.observations().weight;
  const bool is_robust = objective.observations().robust == Robust::huber;
  double limit = infinity;
  if (is_robust) limit = huber_threshold;
  Vector squares = Vector::Zero(weight.rows());
  Vector counts = Vector::Zero(weight.rows());
  Index residual = 0;
  for (Index i = 0; i < weight.size(); ++i) {
    if (weight.reshaped()[i] == 0) continue;
    squares[i % weight.rows()] += std::pow(std::clamp(at.residuals[residual++], -limit, limit), 2);
    counts[i % weight.rows()] += 1;
  }
  const double share = std::max(1.0, at.degrees_of_freedom) / counts.sum() * clipped_square(limit);
  return (squares.array() > 0.0).select(squares.array() / (share * counts.array()), 1.0);
}

/// A fit in the units of the data's size and rate.
class Fit {
 public:
  Fit(const Objective& objective, TrainingState from, const FitOptions& options)
      : options_(options),
        penalised_(penalised(objective.dynamics().field())),
        objective_(objective),
        ridge_(penalised_.isZero(0) ? 0 : options.ridge.value_or(first_ridge)),
        is_new_(from.history.size() == 0),
        start_(Clock::now()) {
    training_.state = std::move(from);
  }

  void run() {
    if (windows() > 1) shoot_from_windows();
    if (is_over()) return;
    const Index all = objective_.ensemble().observations();
    // Closed orbits have minima of their own: they count from where the data lead.
    const bool leads_to_others = is_new_ && !objective_.others().empty();
    for (const Index count : counts()) {
      Objective data = objective_.first_observations(count);
      if (leads_to_others) data = data.without_others();
      train_on(data, loose_progress);
      if (is_over()) return;
      if (count < all || leads_to_others) take_judgement(data);
    }
    if (leads_to_others) train_on(objective_, loose_progress);
    if (is_over()) return;
    for (int k = 0; k < most_judgements && !has_reached_tolerance() && judges(); ++k) {
      const bool has_settled = take_judgement(objective_);
      if (is_over()) return;
      train_on(objective_, has_settled ? last_progress : loose_progress);
      if (is_over() || has_settled) return;
    }
  }

  [[nodiscard]] TrainingResult& training() { return training_; }
  [[nodiscard]] const Objective& objective() const { return objective_; }
  [[nodiscard]] double ridge() const { return ridge_; }
  /// log of the evidence, in the units of the fit: all but the noise's own norm.
  [[nodiscard]] double log_evidence(const Judgement& at) const {
    const double count = penalised_.sum();
    const double free = static_cast<double>(objective_.unknowns()) - count;
    const double of_ridge = ridge_ > 0 ? count * std::log(ridge_) - ridge_ * at.size : 0;
    return 0.5 * (of_ridge - at.residuals.squaredNorm() - at.asked_besides - at.log_determinant +
                  free * std::log(2 * std::numbers::pi));
  }
  /// Nothing when it is ended by its caller or by time: then the fit is over.
  [[nodiscard]] std::optional<Judgement> judgement(const Objective& objective) {
    IntegratorOptions integrator = training_.integrator;
    integrator.stop_requested = [this] { return is_out_of_time(); };
    try {
      return judged(objective, training_.state, integrator, ridge_ * penalised_, penalised_);
    } catch (const Interrupted&) {
      training_.reason = asked_to_stop() ? StopReason::interrupted : StopReason::wall_time;
      return std::nullopt;
    }
  }

 private:
  [[nodiscard]] Index windows() const {
    if (!is_new_) return 1;
    if (options_.windows) return *options_.windows;
    if (!options_.horizons.empty() || objective_.dynamics().parameters() == 0) return 1;
    const Ensemble& ensemble = objective_.ensemble();
    const Index times = ensemble.observations() - (ensemble.observes_start() ? 1 : 0);
    if (times < many_times) return 1;
    return std::min((times - 1) / observations_of_window + 1, most_windows);
  }

  /// Stiffens the joints until trajectories shot from their beginnings pass the data, too.
  void shoot_from_windows() {
    for (double stiffness = 1;; stiffness *= stiffening) {
      const Objective parts =
          with_force_data(in_windows(objective_, windows(), stiffness), objective_);
      const auto whole = [&](TrainingState state) {
        const States& starts = state.initial_states;
        state.initial_states =
            objective_.fits_initial_states() ? first_states(parts, starts) : States();
        return state;
      };
      train_on(parts, loose_progress, whole);
      TrainingState shot = whole(training_.state);
      if (is_over() || stiffness >= most_stiffness || joins(shot)) {
        training_.state = std::move(shot);
        return;
      }
    }
  }

  /// Whether trajectories shot whole miss the data hardly more than in windows, or by little.
  [[nodiscard]] bool joins(const TrainingState& shot) const {
    constexpr double hardly_more = 2;
    constexpr double little = 1e-2;
    const Objective at = objective_at(objective_, shot);
    IntegratorOptions integrator = training_.integrator;
    integrator.stop_requested = [this] { return is_out_of_time(); };
    try {
      const States states =
          Integrator(at.dynamics(), integrator).integrate(shot.theta, at.ensemble()).states;
      return at.trajectory_loss(states) <=
             std::max(hardly_more * training_.state.loss, little * objective_.scale());
    } catch (const NumericalError&) {
      return false;
    } catch (const Interrupted&) {
      return true;  // which the next phase sees
    }
  }

  /// How many observations lie within each horizon.
  [[nodiscard]] std::vector<Index> counts() const {
    const Ensemble& ensemble = objective_.ensemble();
    const Index all = ensemble.observations();
    if (!is_new_ || (windows() > 1 && options_.horizons.empty())) return {all};
    constexpr double rounding = 1e-12;
    const double whole = ensemble.end_times.maxCoeff();
    std::vector<double> horizons = options_.horizons;
    if (horizons.empty()) {
      for (const double part : horizon_parts) horizons.push_back(part * whole);
    }
    horizons.push_back(whole);
    std::vector<Index> counts;
    for (const double horizon : horizons) {
      Index count = horizon >= whole ? all : ensemble.observes_start() ? 2 : 1;
      for (Index i = 0; i < ensemble.size() && count < all; ++i) {
        const double end = horizon + rounding * whole;
        count = std::max<Index>(count, (ensemble.earlier_times.col(i).array() <= end).count());
      }
      if (counts.empty() || count > counts.back()) counts.push_back(count);
    }
    return counts;
  }

  [[nodiscard]] bool asked_to_stop() const {
    const auto& stop = options_.training.stop_requested;
    return stop && stop();
  }

  [[nodiscard]] bool is_out_of_time() const {
    return asked_to_stop() || seconds_since(start_) > options_.training.max_time;
  }

  /// Whether there is no time or no iteration left for another phase.
  [[nodiscard]] bool is_over() const {
    const StopReason reason = training_.reason;
    return reason == StopReason::interrupted || reason == StopReason::wall_time ||
           reason == StopReason::max_iterations;
  }
  [[nodiscard]] bool has_reached_tolerance() const {
    return training_.reason == StopReason::loss_tolerance;
  }

  [[nodiscard]] bool chooses_ridge() const { return !options_.ridge && ridge_ > 0; }
  [[nodiscard]] bool judges() const { return chooses_ridge() || options_.estimate_noise; }

  using ToWhole = std::function<TrainingState(TrainingState)>;

  /// `whole`: what is reported of the state of windows.
  void train_on(const Objective& objective, double progress, const ToWhole& whole = {}) {
    TrainingOptions training = options_.training;
    training.kind = OptimizerKind::least_squares;
    training.max_time -= seconds_since(start_);
    long& most_iterations = training.optimizer.max_iterations;
    if (most_iterations >= 0) most_iterations -= iterations_done_;
    const auto data = static_cast<double>(objective.residual_count());
    if (ridge_ > 0) training.optimizer.ridge = ridge_ / data * penalised_;
    if (judges() || whole) training.optimizer.progress_tolerance = progress / data;
    if (whole) {
      double& enough = training.optimizer.loss_tolerance;
      enough = std::max(enough, loss_of_windows * objective_.scale());
    }
    if (whole && training.progress) {
      training.progress = [&](const TrainingState& state) {
        options_.training.progress(whole(state));
      };
    }
    const auto last_iteration = [this] {  // 0 where time was over before the first evaluation
      const std::vector<long>& iterations = training_.state.history.iteration;
      return iterations.empty() ? 0 : iterations.back();
    };
    const long before = last_iteration();
    training_ = train(objective, std::move(training_.state), training);
    iterations_done_ += last_iteration() - before;
  }

  /// Chooses the ridge and the noise by what the fit says; whether they stay as they were.
  bool take_judgement(const Objective& objective) {
    if (!judges()) return true;
    const std::optional<Judgement> at = judgement(objective);
    if (!at) return true;
    bool has_settled = true;
    if (chooses_ridge() && at->effective_parameters > fewest_parameters) {
      const double before = ridge_;
      ridge_ = at->effective_parameters / at->size;
      has_settled = std::abs(ridge_ - before) <= judgement_tolerance * before;
    }
    if (options_.estimate_noise) {
      const Vector factor = excess(objective, *at).cwiseInverse();
      objective_ = reweighted(objective_, factor);
      has_settled = has_settled && (factor.array() - 1).abs().maxCoeff() <= judgement_tolerance;
    }
    return has_settled;
  }

  const FitOptions& options_;
  Vector penalised_;
  Objective objective_;
  double ridge_;
  bool is_new_;
  TrainingResult training_;
  long iterations_done_ = 0;
  Clock::time_point start_;
};

/// Sum of log(sigma sqrt(2 pi)) over all data.
double log_norm(const Objective& objective) {
  const States& weight = objective.observations().weight;
  double sum = 0;
  for (const double w : weight.reshaped()) {
    if (w > 0) sum += 0.5 * std::log(2 * std::numbers::pi / w);
  }
  return sum;
}

/// Options for the units of the fit, which report in those of the data.
FitOptions in_units_of_fit(FitOptions options, const DataScaling& scaling) {
  for (double& horizon : options.horizons) horizon /= scaling.time();
  TrainingOptions& training = options.training;
  training.sensitivity.integrator.max_step /= scaling.time();
  if (training.jacobian) training.jacobian->integrator.max_step /= scaling.time();
  if (training.progress) {
    training.progress = [report = training.progress, &scaling](const TrainingState& state) {
      report(scaling.state(state));
    };
  }
  return options;
}

/// Tolerances and steps for the units of the data.
IntegratorOptions in_units_of_data(IntegratorOptions integrator, const DataScaling& scaling) {
  constexpr double tightest = 1e-15;
  constexpr double loosest = 1e-1;
  const double unit = scaling.inverse_units().cwiseInverse().minCoeff();
  integrator.atol = std::clamp(unit * integrator.atol, tightest, loosest);
  integrator.max_step *= scaling.time();
  return integrator;
}

/// The weights of observations as they are, of all of them.
Objective with_weights(const Objective& objective) {
  return reweighted(objective, Vector::Ones(objective.observations().value.rows()));
}

}  // namespace

double Posterior::standard_error(ConstVectorRef gradient) const {
  return factor.transpose().triangularView<Eigen::Lower>().solve(gradient).norm();
}

Vector Posterior::standard_errors(Eigen::MatrixXd gradients) const {
  factor.transpose().triangularView<Eigen::Lower>().solveInPlace(gradients);
  return gradients.colwise().norm();
}

ObservationFit fit_observations(const Objective& objective, TrainingState from,
                                const FitOptions& options) {
  require(objective.loss() == Loss::observations,
          "a fit to observations needs them, not the loss {}", name(objective.loss()));
  objective.dynamics().field().require_parameters(from.theta);
  require(options.windows.value_or(1) >= 1, "{} windows are asked for, there must be at least one",
          options.windows.value_or(1));
  const DataScaling scaling(objective);
  const FitOptions scaled = in_units_of_fit(options, scaling);
  const Objective in_units = scaling.scaled(with_weights(objective));
  Fit fit(in_units, scaling.scaled_state(std::move(from)), scaled);
  fit.run();

  const std::optional<Judgement> at = fit.judgement(fit.objective());
  ObservationFit found{std::move(fit.training()), with_weights(objective)};
  if (options.estimate_noise) {
    const Eigen::ArrayXd weight = largest_weights(fit.objective());
    const Eigen::ArrayXd before = largest_weights(in_units);
    found.objective = reweighted(objective, (before > 0.0).select(weight / before, 1.0));
    found.noise = largest_weights(found.objective).array().rsqrt();
  }
  found.ridge = fit.ridge();
  if (at) {
    found.chi_squared =
        at->residuals.squaredNorm() / expected_square(objective.observations().robust);
    found.effective_parameters = at->effective_parameters;
    found.degrees_of_freedom = at->degrees_of_freedom;
    found.log_evidence = fit.log_evidence(*at) - log_norm(found.objective);
    const Eigen::MatrixXd& factor = at->posterior.factor;
    if (factor.size() > 0 && factor.diagonal().cwiseAbs().minCoeff() > 0) {
      found.posterior = scaling.posterior(at->posterior);
    }
  } else {
    constexpr double unknown = not_a_number;
    found.chi_squared = found.effective_parameters = found.degrees_of_freedom = unknown;
  }
  found.training.state = scaling.state(std::move(found.training.state));
  found.training.integrator = in_units_of_data(found.training.integrator, scaling);
  return found;
}

ObservationFit fit_observations(const Objective& objective, ConstVectorRef theta_0,
                                const FitOptions& options) {
  TrainingState start;
  start.theta_initial = start.theta = theta_0;
  return fit_observations(objective, std::move(start), options);
}

OtherData predict(const Objective& other, const ObservationFit& fit,
                  const TrainingOptions& training) {
  const Vector& theta = fit.training.state.theta;
  Objective objective = other;
  if (fit.noise.size() > 0) {
    const Eigen::ArrayXd weight = largest_weights(objective);
    const Eigen::ArrayXd estimated = fit.noise.array().square().inverse();
    objective = reweighted(objective, (weight > 0.0).select(estimated / weight, 1.0));
  }
  if (objective.fits_initial_states()) {
    const Dynamics& dynamics = objective.dynamics();
    const Dynamics known(with_fixed(dynamics.shared_field(), theta, {}), dynamics.motion());
    const Objective of_states =
        Objective(known, objective.ensemble(), objective.observations()).fitting_initial_states();
    FitOptions options;
    options.training = training;
    objective =
        objective_at(objective, fit_observations(of_states, Vector(), options).training.state);
  }
  States states = Integrator(objective.dynamics(), fit.training.integrator)
                      .integrate(theta, objective.ensemble())
                      .states;
  const double mean =
      objective.trajectory_loss(states) / expected_square(objective.observations().robust);
  return {std::move(objective), std::move(states), mean};
}

Vector initial_parameters(const Objective& objective, std::uint64_t seed, double output_scale) {
  return DataScaling(objective).theta(
      starting_parameters(objective.dynamics().field(), seed, output_scale));
}

}  // namespace isochron
