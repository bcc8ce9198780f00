#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "isochron/analytic_force.hpp"
#include "isochron/bands.hpp"
#include "isochron/certificate.hpp"
#include "isochron/observation_fit.hpp"
#include "isochron/portrait.hpp"

namespace isochron {

/// The loss of a trained force by other means than its training's. NaN: absent.
struct Verification {
  double loss = std::numeric_limits<double>::quiet_NaN();   ///< verify_loss
  double error = std::numeric_limits<double>::quiet_NaN();  ///< of it
  double of_trajectories =
      std::numeric_limits<double>::quiet_NaN();                    ///< of the first objective alone
  double floor = std::numeric_limits<double>::quiet_NaN();         ///< integration_floor
  double force_misfit = std::numeric_limits<double>::quiet_NaN();  ///< ForceData::misfit
  std::vector<double> of_others = {};                              ///< VerifiedLoss::of_others
};

/// A part of a sum of objectives beside the first one (Objective::others).
struct OtherObjective {
  double weight = 1;
  Loss loss = Loss::periodic;
  double period = 0;  ///< Objective::period
  Ensemble ensemble;
  Observations observations;
};

/// How a trained force compares with a linear one, and its orbits with one oscillation. D = 1,
/// Newtonian; NaN: absent.
struct Character {
  std::optional<long> harmonic_n;                                        ///< HarmonicFit
  double harmonic_deviation = std::numeric_limits<double>::quiet_NaN();  ///< the same
  /// max |f - (A x + b)| on [-2, 2] of a network with a linear skip A x + b.
  double nonlinear_size = std::numeric_limits<double>::quiet_NaN();
  double nonlinear_size_before = std::numeric_limits<double>::quiet_NaN();  ///< of theta_initial
  /// Of an orbit in its prescribed period.
  double fewest_oscillations = std::numeric_limits<double>::quiet_NaN();
  double most_oscillations = std::numeric_limits<double>::quiet_NaN();
};

/// What a simulation found. NaN: absent.
struct Simulation {
  double mean_square_residual = std::numeric_limits<double>::quiet_NaN();
  double energy_drift = std::numeric_limits<double>::quiet_NaN();  ///< max |E(t) - E(0)|
  double explained_drift = std::numeric_limits<double>::quiet_NaN();
  std::string warning;  ///< of a drift that the tolerance does not explain
};

/// How a well was found from its periods or from its left half. NaN: absent.
struct Inversion {
  std::optional<long> degree;                               ///< of the polynomial T(E)
  double noise = std::numeric_limits<double>::quiet_NaN();  ///< standard deviation from it
  /// max |T(E)/T - 1|, T(E) of the well by quadrature and T what it should be.
  double period_error = std::numeric_limits<double>::quiet_NaN();
};

/// Trajectories at K common times.
struct SampledStates {
  Vector time;         ///< [K]
  States states;       ///< state_dimension x (N K), trajectory i at the k-th time in column i K + k
  States errors = {};  ///< standard errors of predictions, of the same shape; or empty
};

/// Some fitted trajectories, each at S even times from its start to its end.
struct FittedPaths {
  Eigen::MatrixXd time;  ///< S x n
  States states;  ///< state_dimension x (n S), trajectory i at its k-th time in column i S + k
  States errors;  ///< standard errors, of the same shape; or empty
};

/// Values that were observed and what a fit says of them, a row each.
struct ObservationTable {
  std::vector<long> trajectory;    ///< from 0
  std::vector<long> component;     ///< a row of `States`
  std::vector<double> time;        ///< from the start of the trajectory
  std::vector<double> value;       ///< that was observed
  std::vector<double> error;       ///< its standard error; of a lognormal one to first order
  std::vector<double> prediction;  ///< the fit's
  std::vector<double> residual;    ///< (prediction - value)/error; of lognormal errors
                                   ///< log(prediction/value) over that of the logarithm

  [[nodiscard]] std::size_t size() const { return time.size(); }
};

/// Of observations, and the states of the fit at their times. Rows by trajectory, time, component.
[[nodiscard]] ObservationTable observation_table(const Ensemble& ensemble,
                                                 const Observations& observations,
                                                 ConstStatesRef predictions);

/// How well a force fits observed states (fit_observations). NaN: absent.
struct FitQuality {
  double chi_squared = std::numeric_limits<double>::quiet_NaN();          ///< per datum
  double chi_squared_holdout = std::numeric_limits<double>::quiet_NaN();  ///< of data kept aside
  double degrees_of_freedom = std::numeric_limits<double>::quiet_NaN();
  double effective_parameters = std::numeric_limits<double>::quiet_NaN();
  double ridge = std::numeric_limits<double>::quiet_NaN();
  double log_evidence = std::numeric_limits<double>::quiet_NaN();
  /// Mean product of successive residuals of a component, over their mean square: 0 +- 1/sqrt(data)
  /// where the model is right.
  double autocorrelation = std::numeric_limits<double>::quiet_NaN();
};

/// One of several weight seeds.
struct Restart {
  std::uint64_t weight_seed = 0;
  double loss = std::numeric_limits<double>::quiet_NaN();  ///< when it was set aside
};

/// What is known of a force that was learned or found by theory, or of orbits that were simulated.
struct Findings {
  std::string integrated_by;  ///< the method, and its tolerance, that the last loss was computed by
  States final_states;        ///< at the observation times, as verified
  States residuals;           ///< Objective::deviations of them
  Verification verification;
  ValidationLoss validation;
  Character character;
  Simulation simulation;
  Inversion inversion;
  FitQuality fit;
  States initial_state_errors;               ///< standard errors of fitted initial states
  std::optional<Posterior> posterior;        ///< of a fit to observations, unless it is too large
  std::optional<PeriodCurve> periods;        ///< with their standard errors, of such a fit
  std::optional<FittedPaths> fitted;         ///< its first trajectories
  std::optional<ObservationTable> held_out;  ///< data kept aside, predicted
  Vector parameter_errors;  ///< those of the known term's parameters, NaN where they are held
  std::optional<Certificate> certificate;
  std::vector<PhasePortrait> phase_portrait_before;  ///< one per degree of freedom
  std::vector<PhasePortrait> phase_portrait;         ///< the same
  std::optional<OrbitFan> orbits;
  std::optional<PositionCurve> force;
  std::optional<PositionCurve> potential;
  std::optional<EnergyRecord> energy;
  std::optional<SampledStates> trajectories;  ///< of a simulation
  std::map<std::string, std::string> absent;  ///< why parts are, by their names in the file
};

/// A run: what was asked, what was learned, and what is known of it. A results file holds it, and
/// every screen shows it. What is absent (NaN, nothing, no entries, an empty text) is not written,
/// and reads back as absent.
struct Run : Findings {
  std::string entry = "run";  ///< name of the NXentry in the file
  std::string title;
  std::string start_time;                          ///< ISO 8601
  std::map<std::string, std::string> environment;  ///< versions, compiler, processor, ...
  std::string config;  ///< all options of the program `isochron` as its JSON, or empty

  // What was asked.
  Motion motion = Motion::newtonian;
  std::optional<Loss> loss;  ///< absent in files of version 0.1.0
  double period = 0;         ///< Objective::period
  Ensemble ensemble;
  Observations observations;
  bool fits_initial_states = false;
  bool estimates_noise = false;  ///< FitOptions::estimate_noise
  std::optional<ForceData> force_data;
  std::vector<OtherObjective> others;
  std::optional<std::uint64_t> data_seed;  ///< of initial states that normal_states drew
  std::optional<TrainingOptions> options;  ///< without their callables
  double verdict_tolerance = 1e-4;         ///< of the certificate

  // What was learned.
  /// The force: a known term, a network, or their sum. Neither: another field, which the file does
  /// not hold.
  std::optional<AnalyticTerm> known;
  std::optional<Architecture> network;
  TrainingState state;
  std::string stop_reason;  ///< "running", "interrupted", or a StopReason in words
  std::vector<Restart> restarts;
  std::optional<std::uint64_t> weight_seed;                         ///< that was kept of them
  double restarts_time = std::numeric_limits<double>::quiet_NaN();  ///< s, of them all

  /// Whether each trajectory has its own prescribed period.
  [[nodiscard]] bool prescribes_periods() const {
    return loss && isochron::prescribes_periods(*loss);
  }
  /// Whether such trajectories start at x = 0, and have their periods by their energies.
  [[nodiscard]] bool by_energy() const;
  /// The energies, or the amplitudes of trajectories that are released at rest [N]; empty for
  /// other ones.
  [[nodiscard]] Vector law_arguments() const;
  /// The field of the known term and the network; null where there is neither.
  [[nodiscard]] ForceFieldPtr field() const;
  /// The parameters of the known term as they are now [K]; empty without one.
  [[nodiscard]] Vector known_values() const;
  /// Whether it has been verified: checkpoints and interrupted runs have not.
  [[nodiscard]] bool is_verified() const;
};

/// A run of an objective, that is begun now on this machine. The objective's field is recorded as
/// structure_of has it.
[[nodiscard]] Run new_run(const Objective& objective,
                          const std::optional<TrainingOptions>& options = std::nullopt);

/// Takes up how far a training has come: what a checkpoint holds. All findings are of another force
/// from then on, and are gone.
void record(Run& run, const TrainingState& state, const std::string& stop_reason);

/// How long the end of a run may take.
struct FinishOptions {
  /// s; what there is no time for is absent.
  double max_time = std::numeric_limits<double>::infinity();
  std::function<bool()> stop_requested;  ///< polled often; true: Interrupted
};

/// Ends a run with its result: verification, validation on 10^4 unseen states (where the data seed
/// says that its own were drawn, and orbits have one period), portraits, potential and certificate.
/// What fails is absent, with the reason. Throws Interrupted, with the run as it was, when it is
/// asked to stop.
void finish(Run& run, const Objective& objective, const TrainingResult& result,
            const FinishOptions& options = {});

/// The same with a fit to observations, how good it is, and its first trajectories. Standard errors
/// of f, U, T(E) and of these need its posterior, which is kept up to 4 10^6 numbers.
void finish(Run& run, const ObservationFit& fit, const FinishOptions& options = {});

/// Parts that finish left out because the time for them was over.
[[nodiscard]] std::vector<std::string> left_out(const Run& run);

/// Phase portraits over whole periods, f, U and orbits of a force, as far as its dimension has
/// them; what cannot be computed is absent. Throws Interrupted.
void add_portraits(Run& run, const Dynamics& dynamics, ConstVectorRef theta,
                   const Objective& objective, const IntegratorOptions& integrator);

/// The range of the positions that were observed, of Newtonian motion in one dimension; nothing
/// where there are none.
[[nodiscard]] std::optional<Interval> observed_positions(const Observations& observations);

/// The certificate of a force for what the objective asks; `loss`: verified, of the trajectories.
/// Nothing for dynamics other than x'' = f(x) in one dimension.
[[nodiscard]] std::optional<Certificate> certify(const Objective& objective, ConstVectorRef theta,
                                                 std::optional<double> loss, double tolerance,
                                                 const std::function<bool()>& stop_requested = {});
inline constexpr const char* no_certificate =
    "wells are analysed for newtonian dynamics with one dimension";

/// What a loss over `period` asks of its force, as far as that is one period: T, and by how much
/// trajectories miss it. Nothing where each orbit has its own period.
[[nodiscard]] CertificateOptions certificate_options(Loss loss, double period,
                                                     std::optional<double> missed_by);

/// The objective of a stored run, with which train(objective, run.state, *run.options) goes on.
/// `field`: the run's, where the file does not hold it. Throws InputError when it is missing or
/// does not fit, and when the loss is the user's own or not known.
[[nodiscard]] Objective objective_of(const Run& run, ForceFieldPtr field = nullptr);
/// The same for a run with a loss of the user's.
[[nodiscard]] Objective objective_of(const Run& run, TrajectoryLoss loss,
                                     ForceFieldPtr field = nullptr);
[[nodiscard]] Objective objective_of(const Run& run, TrajectoryResiduals residuals,
                                     ForceFieldPtr field = nullptr);

}  // namespace isochron
