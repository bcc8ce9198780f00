#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cli/figures/fit_band.hpp"
#include "cli/figures/kinds.hpp"
#include "isochron/error.hpp"
#include "isochron/observed_data.hpp"

namespace isochron::cli {
namespace {

/// Between minus and plus this many standard errors lie 90% of a normal distribution.
constexpr double band_width = 1.6448536269514722;

/// More trajectories in one panel, or more panels, cannot be told apart.
constexpr Index most_trajectories = 3;
constexpr Index most_components = 4;

std::vector<double> row(const States& states, Index d, Index first, Index count) {
  const Eigen::VectorXd values = states.row(d).segment(first, count).transpose();
  return {values.begin(), values.end()};
}

/// "position q", of several "position q₂".
std::string component_label(Motion motion, Index dimension, Index component) {
  std::string name = component_name(motion, dimension, component).substr(0, 1);
  if (dimension > 1) name += subscript(static_cast<long>(component % dimension) + 1);
  const char* what = motion == Motion::first_order ? "component"
                     : component < dimension       ? "position"
                                                   : "velocity";
  return fmt::format("{} {}", what, name);
}

constexpr const char* error_bars = "Bars: one standard error.";

/// "The first 3 of 16 trajectories."; empty where all are drawn.
std::string drawn_of(Index drawn, Index all) {
  return drawn < all ? fmt::format("The first {} of {} trajectories.", drawn, all) : std::string();
}

/// One panel for each component, over time.
class Panels {
 public:
  Panels(Motion motion, Index components)
      : dimension_(components / (motion == Motion::newtonian ? 2 : 1)),
        components_(std::min(components, most_components)),
        panels_(static_cast<std::size_t>(components_)) {
    for (Index d = 0; d < components_; ++d) {
      panel(d).x_label = "time t";
      panel(d).y_label = component_label(motion, dimension_, d);
    }
  }

  /// Trajectory i of these, on `time`: bands below all else.
  void add_path(Index i, const Vector& time, const States& states, const States& errors,
                const std::string& label, Curve::Style style = Curve::Style::line) {
    const Index count = time.size();
    const std::vector<double> t(time.begin(), time.end());
    for (Index d = 0; d < components_; ++d) {
      const std::vector<double> y = row(states, d, i * count, count);
      if (errors.size() > 0) {
        Curve area = band(t, y, row(errors, d, i * count, count));
        if (i == 0) area.label = band_label;
        add(d, i, std::move(area));
      }
      add(d, i, {label, t, y, {}, style});
    }
  }

  /// Data of trajectory `number` as the i-th that is drawn.
  void add_data(Index i, long number, const ObservationTable& table) {
    for (Index d = 0; d < components_; ++d) {
      Curve points;
      points.label = fmt::format("data of trajectory {}", number);
      points.style = Curve::Style::points;
      for (std::size_t k = 0; k < table.size(); ++k) {
        if (table.trajectory[k] != number || table.component[k] != d) continue;
        points.x.push_back(table.time[k]);
        points.y.push_back(table.value[k]);
        points.error.push_back(table.error[k]);
      }
      if (!points.x.empty()) add(d, i, std::move(points));
    }
  }

  /// The same of its predictions, where data are.
  void add_predictions(Index i, long number, const ObservationTable& table) {
    for (Index d = 0; d < components_; ++d) {
      Curve line;
      if (i == 0) line.label = "prediction";
      for (std::size_t k = 0; k < table.size(); ++k) {
        if (table.trajectory[k] != number || table.component[k] != d) continue;
        line.x.push_back(table.time[k]);
        line.y.push_back(table.prediction[k]);
      }
      if (!line.x.empty()) add(d, i, std::move(line));
    }
  }

  /// Without the panels of components that nothing is known of.
  [[nodiscard]] Figure figure() && {
    std::erase_if(panels_, [](const Panel& panel) { return panel.curves.empty(); });
    return {std::move(panels_)};
  }

 private:
  Panel& panel(Index d) { return panels_[static_cast<std::size_t>(d)]; }

  void add(Index d, Index i, Curve curve) {
    curve.hue = static_cast<std::size_t>(i);
    panel(d).curves.push_back(std::move(curve));
  }

  Index dimension_;
  Index components_;
  std::vector<Panel> panels_;
};

/// The first fitted trajectories of a run that was not finished, without their errors.
FittedPaths paths_without_errors(const ShownRun& shown) {
  constexpr Index samples = 201;
  const Ensemble& all = shown.run.ensemble;
  const Index n = std::min(most_trajectories, all.size());
  FittedPaths paths;
  paths.time = Vector::LinSpaced(samples, 0, 1) * all.end_times.head(n).transpose();
  const Dynamics dynamics(shown.field, shown.run.motion);
  paths.states = Integrator(dynamics, {})
                     .integrate(shown.run.state.theta,
                                Ensemble::observed_at(all.initial_states.leftCols(n), paths.time))
                     .states;
  return paths;
}

std::optional<FittedPaths> fitted_paths(const ShownRun& shown) {
  if (shown.run.fitted || !shown.field) return shown.run.fitted;
  try {
    return paths_without_errors(shown);
  } catch (const NumericalError&) {
    return std::nullopt;
  }
}

Figure fit_figure(const Run& run, const FittedPaths& paths, const ObservationTable& table) {
  Panels panels(run.motion, paths.states.rows());
  const Index count = std::min(most_trajectories, paths.time.cols());
  for (Index i = 0; i < count; ++i) {
    panels.add_path(i, paths.time.col(i), paths.states, paths.errors, i == 0 ? "fit" : "");
  }
  for (Index i = 0; i < count; ++i) panels.add_data(i, i, table);
  Figure figure = std::move(panels).figure();
  say_below(figure, drawn_of(count, run.ensemble.size()));
  say_below(figure, error_bars);
  return figure;
}

Figure held_out_figure(const Run& run) {
  const ObservationTable& table = *run.held_out;
  Panels panels(run.motion, run.ensemble.initial_states.rows());
  const long count = 1 + *std::max_element(table.trajectory.begin(), table.trajectory.end());
  const long drawn = std::min<long>(count, most_trajectories);
  for (long i = 0; i < drawn; ++i) {
    panels.add_predictions(i, i, table);
    panels.add_data(i, i, table);
  }
  Figure figure = std::move(panels).figure();
  say_below(figure, drawn_of(drawn, count));
  say_below(figure, "Not fitted, but for unknown initial states. Lines join predictions.");
  say_below(figure, error_bars);
  return figure;
}

Figure prediction_figure(const Run& run) {
  const auto& [time, states, errors] = *run.trajectories;
  Panels panels(run.motion, states.rows());
  const Index count = std::min(most_trajectories, states.cols() / time.size());
  for (Index i = 0; i < count; ++i) {
    panels.add_path(i, time, states, errors, fmt::format("trajectory {}", i));
  }
  Figure figure = std::move(panels).figure();
  say_below(figure, drawn_of(count, states.cols() / time.size()));
  return figure;
}

Panel residual_panel(const Run& run, const ObservationTable& table) {
  const Index components = run.ensemble.initial_states.rows();
  const Index dimension = components / (run.motion == Motion::newtonian ? 2 : 1);
  const bool is_lognormal = run.observations.error_model == ErrorModel::lognormal;
  Panel panel;
  panel.title =
      is_lognormal ? "log(fit/data)/standard error of logs" : "(fit - data)/standard error";
  panel.x_label = "time t";
  panel.y_label = is_lognormal ? "log residual" : "residual";
  for (Index d = 0; d < components; ++d) {
    Curve points;
    points.label = component_name(run.motion, dimension, d);
    points.style = Curve::Style::points;
    points.hue = static_cast<std::size_t>(d);
    for (std::size_t k = 0; k < table.size(); ++k) {
      if (table.component[k] != d) continue;
      points.x.push_back(table.time[k]);
      points.y.push_back(table.residual[k]);
    }
    if (!points.x.empty()) panel.curves.push_back(std::move(points));
  }
  return panel;
}

/// The share of residuals in each bin, over its width, and what it is expected to be.
Panel histogram_panel(const std::vector<double>& residuals, const std::string& x_label) {
  constexpr double least_reach = 4;
  constexpr double bins_per_side = 10;
  constexpr double least_width = 0.5;
  double reach = least_reach;
  for (const double r : residuals) {
    if (std::isfinite(r)) reach = std::max(reach, std::abs(r));
  }
  const double width = std::max(least_width, reach / bins_per_side);
  const auto side = static_cast<long>(std::ceil(reach / width));
  Curve bars = make_curve("residuals", {}, {}, Curve::Style::bars);
  for (long k = -side; k < side; ++k) {
    bars.x.push_back(width * (static_cast<double>(k) + 0.5));
    bars.y.push_back(0);
  }
  const double share = 1 / (width * static_cast<double>(residuals.size()));
  for (const double r : residuals) {
    if (!std::isfinite(r)) continue;
    const auto bin = static_cast<long>(std::floor(r / width)) + side;
    bars.y[static_cast<std::size_t>(std::clamp(bin, 0L, 2 * side - 1))] += share;
  }
  Curve normal = make_curve("normal distribution", {}, {});
  constexpr Index points = 401;
  for (const double x : Vector::LinSpaced(points, -reach, reach)) {
    normal.x.push_back(x);
    normal.y.push_back(std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi));
  }
  Panel panel;
  panel.title = "distribution";
  panel.x_label = x_label;
  panel.y_label = "density";
  panel.curves = {bars, normal};
  return panel;
}

Figure period_figure(const PeriodCurve& periods) {
  Panel panel;
  panel.x_label = "energy E";
  panel.y_label = "period T(E)";
  panel.curves = curve_with_band("learned", column(periods.energy), column(periods.period),
                                 column(periods.error));
  return {{panel}};
}

}  // namespace

Curve band(const std::vector<double>& x, const std::vector<double>& y,
           const std::vector<double>& errors) {
  Curve curve;
  curve.style = Curve::Style::band;
  curve.x = x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    curve.y.push_back(y[i] - band_width * errors[i]);
    curve.upper.push_back(y[i] + band_width * errors[i]);
  }
  return curve;
}

std::vector<Curve> curve_with_band(const std::string& label, const std::vector<double>& x,
                                   const std::vector<double>& y,
                                   const std::vector<double>& errors) {
  Curve line = make_curve(label, x, y);
  Curve area = band(x, y, errors);
  area.label = band_label;
  line.hue = area.hue = 0;
  return {line, area};
}

Figures fit_figures(const ShownRun& shown) {
  const Run& run = shown.run;
  Figures all;
  const bool is_fit = run.loss == Loss::observations && run.residuals.size() > 0 &&
                      run.residuals.size() == run.observations.value.size();
  if (is_fit) {
    const ObservationTable table =
        observation_table(run.ensemble, run.observations, run.final_states);
    if (const auto paths = fitted_paths(shown)) {
      all.emplace_back("fit", fit_figure(run, *paths, table));
    }
    const Panel over_time = residual_panel(run, table);
    const Panel distribution = histogram_panel(table.residual, over_time.y_label);
    all.emplace_back("residuals", Figure{{over_time, distribution}});
  }
  const bool has_curve = run.periods && run.periods->energy.size() > 1;
  if (has_curve) all.emplace_back("periods", period_figure(*run.periods));
  if (run.held_out) all.emplace_back("held_out", held_out_figure(run));
  if (run.trajectories && run.trajectories->errors.size() > 0) {
    all.emplace_back("prediction", prediction_figure(run));
  }
  return all;
}

}  // namespace isochron::cli
