#include "isochron/observed_data.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>
#include <utility>

#include "floating_point.hpp"
#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "sentence.hpp"

namespace isochron {

std::string component_name(Motion motion, Index dimension, Index component) {
  const bool velocity = motion == Motion::newtonian && component >= dimension;
  const char* letter = motion == Motion::first_order ? "y" : velocity ? "v" : "q";
  return dimension == 1 ? letter : fmt::format("{}{}", letter, component % dimension + 1);
}

// --------------------------------------------------------------------------------------- checking

namespace {

constexpr double missing = not_a_number;

bool is_standard_error(double error) {
  const double weight = 1 / (error * error);
  return error > 0 && weight > 0 && std::isfinite(weight);
}

/// NaN: unknown.
double standard_error(const ObservedTrajectory& trajectory, Index d, Index k) {
  return trajectory.error.size() == 0 ? missing : trajectory.error(d, k);
}

/// Checks one trajectory and says where what is wrong.
class TrajectoryCheck {
 public:
  TrajectoryCheck(const ObservedTrajectory& trajectory, Motion motion, Index dimension)
      : trajectory_(trajectory),
        motion_(motion),
        dimension_(dimension),
        name_("trajectory " + quoted(trajectory.name)) {}

  void run() const {
    check_shapes();
    check_times();
    check_distances();
    bool observes = false;
    for (Index k = 0; k < trajectory_.size(); ++k) {
      check_values(k);
      observes = observes || (k > 0 && trajectory_.observes(k));
    }
    require(observes, "{} has no observation after its first time; leave it out", name_);
  }

 private:
  void check_shapes() const {
    const Index times = trajectory_.size();
    const Index rows = motion_ == Motion::newtonian ? 2 * dimension_ : dimension_;
    const auto fits = [&](const States& states) {
      return states.rows() == rows && states.cols() == times;
    };
    require(times >= 2, "{} has {}; it needs at least two: where it starts, and a later one", name_,
            times == 1 ? "one time" : "no times");
    require(fits(trajectory_.value) && (trajectory_.error.size() == 0 || fits(trajectory_.error)),
            "{} needs values, and errors if there are any, of {} components at {} times", name_,
            rows, times);
    const auto places = static_cast<Index>(trajectory_.places.size());
    require(places == 0 || places == times, "{} has {} times at {} places", name_, times, places);
  }

  void check_times() const {
    const Vector& time = trajectory_.time;
    for (Index k = 0; k < time.size(); ++k) {
      if (std::isnan(time[k])) refuse(k, "the time is missing");
      if (std::isinf(time[k])) refuse(k, "the time is {}; times are finite", time[k]);
      if (k > 0 && !(time[k] > time[k - 1])) {
        refuse(k, "the time {} follows {}; the times of a trajectory must increase", time[k],
               time[k - 1]);
      }
    }
  }

  /// That times increase relative to the whole, too.
  void check_distances() const {
    const Index last = trajectory_.size() - 1;
    const Vector after = trajectory_.time.array() - trajectory_.time[0];
    require(std::isfinite(after[last]), "{} goes from time {} to {}, which is too long", name_,
            trajectory_.time[0], trajectory_.time[last]);
    for (Index k = 1; k <= last; ++k) {
      if (after[k] / after[last] > after[k - 1] / after[last]) continue;
      refuse(k, "the time {} is too close to {} to be told apart from it in a whole of {}",
             trajectory_.time[k], trajectory_.time[k - 1], after[last]);
    }
  }

  void check_values(Index k) const {
    for (Index d = 0; d < trajectory_.value.rows(); ++d) {
      const double value = trajectory_.value(d, k);
      if (std::isnan(value)) continue;
      if (std::isinf(value)) {
        refuse(k, "{} is {}; values are finite, or nan where missing", component(d), value);
      }
      const double error = standard_error(trajectory_, d, k);
      if (!std::isnan(error) && !is_standard_error(error)) {
        refuse(k,
               "the standard error of {} is {}; it is > 0, from 1e-150 to 1e150, or nan where "
               "unknown",
               component(d), error);
      }
    }
  }

  [[nodiscard]] std::string component(Index d) const {
    return component_name(motion_, dimension_, d);
  }

  template <class... Values>
  [[noreturn]] void refuse(Index k, fmt::format_string<const Values&...> words,
                           const Values&... values) const {
    const bool counted = trajectory_.places.empty();
    throw InputError(fmt::format("{}, {} {}{}: {}", name_, trajectory_.place,
                                 counted ? k : trajectory_.places[static_cast<std::size_t>(k)],
                                 trajectory_.place == "row" ? " (counted from 0)" : "",
                                 fmt::format(words, values...)));
  }

  const ObservedTrajectory& trajectory_;
  Motion motion_;
  Index dimension_;
  std::string name_;
};

}  // namespace

ObservedData::ObservedData(Motion motion, Index dimension,
                           std::vector<ObservedTrajectory> trajectories)
    : motion_(motion), dimension_(dimension), trajectories_(std::move(trajectories)) {
  require(dimension >= 1, "observed data have dimension {}; it is at least 1", dimension);
  require(!trajectories_.empty(), "observed data need at least one trajectory");
  for (const ObservedTrajectory& each : trajectories_)
    TrajectoryCheck(each, motion, dimension).run();
}

namespace {

/// How many values of each component there are from a time on such that holds(trajectory, d, k).
template <class Condition>
std::vector<Index> count_values(const ObservedData& data, Index from, const Condition& holds) {
  std::vector<Index> counts;
  for (Index d = 0; d < data.state_dimension(); ++d) {
    Index count = 0;
    for (const ObservedTrajectory& each : data.trajectories()) {
      for (Index k = from; k < each.size(); ++k) {
        if (!std::isnan(each.value(d, k)) && holds(each, d, k)) ++count;
      }
    }
    counts.push_back(count);
  }
  return counts;
}

}  // namespace

std::vector<Index> ObservedData::observed(Index from) const {
  return count_values(*this, from, [](const auto&...) { return true; });
}

std::vector<Index> ObservedData::without_error(Index from) const {
  return count_values(*this, from, [](const ObservedTrajectory& trajectory, Index d, Index k) {
    return std::isnan(standard_error(trajectory, d, k));
  });
}

// ------------------------------------------------------------------------------------ parts of it

namespace {

/// The trajectory at those of its times.
ObservedTrajectory at_times(const ObservedTrajectory& whole, const std::vector<Index>& times) {
  ObservedTrajectory part;
  part.name = whole.name;
  part.time = whole.time(times);
  part.value = whole.value(Eigen::all, times);
  if (whole.error.size() > 0) part.error = whole.error(Eigen::all, times);
  part.place = whole.place;
  for (const Index k : times) {
    part.places.push_back(whole.places.empty() ? k : whole.places[static_cast<std::size_t>(k)]);
  }
  return part;
}

std::vector<Index> range(Index first, Index last) {
  std::vector<Index> indices(static_cast<std::size_t>(last - first));
  std::iota(indices.begin(), indices.end(), first);
  return indices;
}

/// How many of `all` are held out: at least one, and one is left.
Index held_out_count(double fraction, Index all) {
  const auto nearest = std::llround(fraction * static_cast<double>(all));
  return std::clamp<Index>(nearest, 1, all - 1);
}

Holdout hold_out_times(const ObservedData& data, double fraction) {
  const ObservedTrajectory& whole = data.trajectories().front();
  std::vector<Index> later;
  for (Index k = 1; k < whole.size(); ++k) {
    if (whole.observes(k)) later.push_back(k);
  }
  const auto count = static_cast<Index>(later.size());
  require(count >= 2,
          "trajectory {} has one observation after its first time; to hold some out, it needs two",
          quoted(whole.name));
  const Index cut = later[static_cast<std::size_t>(count - held_out_count(fraction, count))];
  std::vector<Index> last = range(cut, whole.size());
  last.insert(last.begin(), 0);
  ObservedTrajectory held_out = at_times(whole, last);
  held_out.value.col(0).setConstant(missing);
  return {{data.motion(), data.dimension(), {at_times(whole, range(0, cut))}},
          {data.motion(), data.dimension(), {std::move(held_out)}},
          true};
}

/// Which of `all` are drawn, by the first steps of a shuffle (Fisher and Yates).
std::vector<bool> draw(Index count, Index all, std::uint64_t seed) {
  Random random(seed);
  std::vector<Index> order = range(0, all);
  std::vector<bool> drawn(order.size(), false);
  for (Index i = 0; i < count; ++i) {
    const auto other = i + static_cast<Index>(random.uniform() * static_cast<double>(all - i));
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(other)]);
    drawn[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = true;
  }
  return drawn;
}

}  // namespace

Holdout hold_out(const ObservedData& data, double fraction, std::uint64_t seed) {
  require(fraction > 0 && fraction < 1, "the fraction {:g} to hold out is not between 0 and 1",
          fraction);
  if (data.size() == 1) return hold_out_times(data, fraction);
  const auto drawn = draw(held_out_count(fraction, data.size()), data.size(), seed);
  std::vector<ObservedTrajectory> training;
  std::vector<ObservedTrajectory> held_out;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    (drawn[i] ? held_out : training).push_back(data.trajectories()[i]);
  }
  return {{data.motion(), data.dimension(), std::move(training)},
          {data.motion(), data.dimension(), std::move(held_out)},
          false};
}

// ------------------------------------------------------------------------------- what a fit takes

namespace {

/// The times of a trajectory after its first, and others in between.
struct Schedule {
  Vector time;                ///< [K] from 0
  std::vector<Index> column;  ///< at which of them the trajectory's own are
};

/// Points between increasing times, each in the middle of the longest gap.
std::vector<double> halvings(const Vector& time, Index count) {
  struct Gap {
    double length, left, right;
    bool operator<(const Gap& other) const {
      return std::pair(length, -left) < std::pair(other.length, -other.left);
    }
  };
  std::priority_queue<Gap> gaps;
  for (Index k = 1; k < time.size(); ++k) gaps.push({time[k] - time[k - 1], time[k - 1], time[k]});
  std::vector<double> middles;
  for (; count > 0; --count) {
    const Gap longest = gaps.top();
    const double middle = longest.left + longest.length / 2;
    gaps.pop();
    gaps.push({middle - longest.left, longest.left, middle});
    gaps.push({longest.right - middle, middle, longest.right});
    middles.push_back(middle);
  }
  return middles;
}

Schedule schedule(const ObservedTrajectory& trajectory, Index count) {
  const Vector own = trajectory.time.array() - trajectory.time[0];
  std::vector<double> all = halvings(own, count - own.size());
  all.insert(all.end(), own.begin(), own.end());
  std::sort(all.begin(), all.end());
  Schedule result;
  result.time = Eigen::Map<const Vector>(all.data(), count);
  for (Index k = 0; k < count; ++k) {
    if (result.time[k] == own[static_cast<Index>(result.column.size())]) result.column.push_back(k);
  }
  return result;
}

/// The weights of data, by their own errors or those of the noise.
class Weights {
 public:
  Weights(const ObservedData& data, ConstVectorRef noise) : data_(data), noise_(noise) {
    require(noise.size() == 0 || noise.size() == data.state_dimension(),
            "there are {} standard errors of the noise for {} components", noise.size(),
            data.state_dimension());
  }

  /// 1/sigma^2; 0 of a value that is missing.
  [[nodiscard]] double weight(const ObservedTrajectory& of, Index d, Index k) const {
    if (std::isnan(of.value(d, k))) return 0;
    const double own = standard_error(of, d, k);
    const double error = std::isnan(own) ? noise(d) : own;
    return 1 / (error * error);
  }

 private:
  [[nodiscard]] double noise(Index d) const {
    const double error = noise_.size() == 0 ? missing : noise_[d];
    if (is_standard_error(error)) return error;
    const std::string component = component_name(data_.motion(), data_.dimension(), d);
    require(!std::isnan(error),
            "values of {} have no standard errors; add a column {}_error, or give --noise",
            component, component);
    throw InputError(
        fmt::format("the noise of {} is {:g}; a standard error is > 0, from 1e-150 to 1e150",
                    component, error));
  }

  const ObservedData& data_;
  Vector noise_;
};

Index most_times(const ObservedData& data) {
  Index most = 0;
  for (const ObservedTrajectory& each : data.trajectories()) most = std::max(most, each.size());
  return most;
}

/// What the states at the first times are, beside being the initial states.
enum class Start { observed, given };

ObservedEnsemble arranged(const ObservedData& data, States initial_states, Start start,
                          const Weights& weights) {
  const Index count = most_times(data);
  Eigen::MatrixXd times(count, data.size());
  const States zeros = States::Zero(data.state_dimension(), data.size() * count);
  Observations observations{zeros, zeros};
  for (Index i = 0; i < data.size(); ++i) {
    const ObservedTrajectory& each = data.trajectories()[static_cast<std::size_t>(i)];
    const Schedule when = schedule(each, count);
    times.col(i) = when.time;
    for (Index k = start == Start::given ? 0 : 1; k < each.size(); ++k) {
      const Index column = i * count + when.column[static_cast<std::size_t>(k)];
      for (Index d = 0; d < data.state_dimension(); ++d) {
        observations.weight(d, column) = weights.weight(each, d, k);
        if (!std::isnan(each.value(d, k))) observations.value(d, column) = each.value(d, k);
      }
    }
  }
  return {Ensemble::observed_at(std::move(initial_states), times), std::move(observations)};
}

}  // namespace

ObservedEnsemble with_known_start(const ObservedData& data, ConstVectorRef noise) {
  States initial_states(data.state_dimension(), data.size());
  for (Index i = 0; i < data.size(); ++i) {
    const ObservedTrajectory& each = data.trajectories()[static_cast<std::size_t>(i)];
    for (Index d = 0; d < data.state_dimension(); ++d) {
      require(!std::isnan(each.value(d, 0)),
              "trajectory {} has no {} at its first time, {}, where its initial state must be "
              "complete; observe it there, or give --fit-initial-states",
              quoted(each.name), component_name(data.motion(), data.dimension(), d), each.time[0]);
    }
    initial_states.col(i) = each.value.col(0);
  }
  return arranged(data, std::move(initial_states), Start::observed, Weights(data, noise));
}

ObservedEnsemble with_start(const ObservedData& data, States initial_states, ConstVectorRef noise) {
  require(initial_states.rows() == data.state_dimension() && initial_states.cols() == data.size(),
          "{} x {} initial states do not fit {} trajectories of {} components",
          initial_states.rows(), initial_states.cols(), data.size(), data.state_dimension());
  require(initial_states.allFinite(), "an initial state is not finite");
  return arranged(data, std::move(initial_states), Start::given, Weights(data, noise));
}

namespace {

/// A quantity and its derivative at the beginning of a trajectory.
struct Beginning {
  double value = 0;
  double slope = 0;
};

/// The first few times with a value or a slope; with the first value, if that comes later.
std::vector<Index> first_observations(const Vector& values, const Vector& slopes) {
  constexpr std::size_t few = 7;
  std::vector<Index> times;
  bool has_value = false;
  for (Index k = 0; k < values.size(); ++k) {
    const bool is_value = !std::isnan(values[k]);
    const bool is_observed = is_value || !std::isnan(slopes[k]);
    if (times.size() < few ? is_observed : is_value && !has_value) {
      times.push_back(k);
      has_value = has_value || is_value;
    }
  }
  return times;
}

/// The parabola p(s) = c_0 + c_1 s + c_2 s^2 through values and slopes (NaN: not observed) at
/// increasing times from 0, by least squares over the first few times with any of them. Its origin
/// is 0, or not farther before the first than the last is after it: what lies beyond is unknown.
Beginning parabola(const Vector& time, const Vector& values, const Vector& slopes) {
  const std::vector<Index> used = first_observations(values, slopes);
  if (used.empty()) return {};
  const double first = time[used.front()];
  const double last = time[used.back()];
  const double origin = std::max(0.0, first - (last - first));
  const double unit = last > origin ? last - origin : 1;

  std::vector<Eigen::RowVector3d> rows;
  std::vector<double> observed;
  const auto add = [&](double value, const Eigen::RowVector3d& row) {
    if (std::isnan(value)) return;
    rows.push_back(row);
    observed.push_back(value);
  };
  const Vector s = (time.array() - origin) / unit;
  for (const Index k : used) add(values[k], {1, s[k], s[k] * s[k]});
  const bool has_value = !rows.empty();
  for (const Index k : used) add(slopes[k] * unit, {0, 1, 2 * s[k]});

  // As many coefficients as there are data; slopes do not determine the constant one, which is 0.
  const auto count = static_cast<Index>(rows.size());
  const Index terms = std::min<Index>(3, has_value ? count : count + 1);
  Eigen::MatrixXd matrix(count, terms);
  for (Index i = 0; i < count; ++i) matrix.row(i) = rows[static_cast<std::size_t>(i)].head(terms);
  const Vector c = matrix.completeOrthogonalDecomposition().solve(
      Eigen::Map<const Vector>(observed.data(), count));
  return {c[0], terms > 1 ? c[1] / unit : 0};
}

}  // namespace

States starting_states(const ObservedData& data) {
  States states(data.state_dimension(), data.size());
  for (Index i = 0; i < data.size(); ++i) {
    const ObservedTrajectory& each = data.trajectories()[static_cast<std::size_t>(i)];
    const Vector time = each.time.array() - each.time[0];
    const bool has_velocities = data.motion() == Motion::newtonian;
    for (Index d = 0; d < data.dimension(); ++d) {
      const Vector slopes = has_velocities ? Vector(each.value.row(data.dimension() + d))
                                           : Vector::Constant(time.size(), missing);
      const Beginning beginning = parabola(time, each.value.row(d), slopes);
      states(d, i) = beginning.value;
      if (has_velocities) states(data.dimension() + d, i) = beginning.slope;
    }
    states.col(i) = each.value.col(0).array().isNaN().select(states.col(i), each.value.col(0));
  }
  return states;
}

}  // namespace isochron
