#include "cli/fit_figures.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "isochron/observed_data.hpp"

namespace isochron::cli {
namespace {

/// Between minus and plus this many standard errors lie 90% of a normal distribution.
constexpr double band_width = 1.6448536269514722;
constexpr const char* band_label = "90% band";

/// More trajectories in one panel, or more panels, cannot be told apart.
constexpr Index most_trajectories = 3;
constexpr Index most_components = 4;

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

std::vector<double> row(const States& states, Index d, Index first, Index count) {
  const Eigen::VectorXd values = states.row(d).segment(first, count).transpose();
  return {values.begin(), values.end()};
}

/// "position q (1)", of several "position q_2 (1)".
std::string component_label(Motion motion, Index dimension, Index component) {
  const std::string name = component_name(motion, dimension, component);
  const char* what = motion == Motion::first_order ? "component"
                     : component < dimension       ? "position"
                                                   : "velocity";
  return fmt::format("{} {} (1)", what, name);
}

/// One panel for each component, over time.
class Panels {
 public:
  Panels(Motion motion, Index components)
      : dimension_(components / (motion == Motion::newtonian ? 2 : 1)),
        components_(std::min(components, most_components)),
        panels_(static_cast<std::size_t>(components_)) {
    for (Index d = 0; d < components_; ++d) {
      panel(d).x_label = "time t (1)";
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

  [[nodiscard]] Figure figure() && { return {std::move(panels_)}; }

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

Figure fit_figure(const Run& run, const ObservationTable& table) {
  const FittedPaths& paths = *run.fitted;
  Panels panels(run.motion, paths.states.rows());
  const Index count = std::min(most_trajectories, paths.time.cols());
  for (Index i = 0; i < count; ++i) {
    panels.add_path(i, paths.time.col(i), paths.states, paths.errors, i == 0 ? "fit" : "");
  }
  for (Index i = 0; i < count; ++i) panels.add_data(i, i, table);
  return std::move(panels).figure();
}

Figure held_out_figure(const Run& run) {
  const ObservationTable& table = *run.held_out;
  Panels panels(run.motion, run.ensemble.initial_states.rows());
  const long count = 1 + *std::max_element(table.trajectory.begin(), table.trajectory.end());
  for (long i = 0; i < std::min<long>(count, most_trajectories); ++i) {
    panels.add_predictions(i, i, table);
    panels.add_data(i, i, table);
  }
  return std::move(panels).figure();
}

Figure prediction_figure(const Run& run) {
  const auto& [time, states, errors] = *run.trajectories;
  Panels panels(run.motion, states.rows());
  const Index count = std::min(most_trajectories, states.cols() / time.size());
  for (Index i = 0; i < count; ++i) {
    panels.add_path(i, time, states, errors, fmt::format("trajectory {}", i));
  }
  return std::move(panels).figure();
}

Panel residual_panel(const Run& run, const ObservationTable& table) {
  const Index components = run.ensemble.initial_states.rows();
  const Index dimension = components / (run.motion == Motion::newtonian ? 2 : 1);
  const bool is_lognormal = run.observations.error_model == ErrorModel::lognormal;
  Panel panel;
  panel.title =
      is_lognormal ? "log(fit/data)/standard error of logs" : "(fit - data)/standard error";
  panel.x_label = "time t (1)";
  panel.y_label = is_lognormal ? "log residual (1)" : "residual (1)";
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
  Curve bars{"residuals", {}, {}, {}, Curve::Style::bars};
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
  Curve normal{"normal distribution", {}, {}, {}, Curve::Style::line};
  constexpr Index points = 401;
  for (const double x : Vector::LinSpaced(points, -reach, reach)) {
    normal.x.push_back(x);
    normal.y.push_back(std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi));
  }
  Panel panel;
  panel.title = "distribution";
  panel.x_label = x_label;
  panel.y_label = "density (1)";
  panel.curves = {bars, normal};
  return panel;
}

Figure period_figure(const PeriodCurve& periods) {
  const auto column = [](const Vector& v) { return std::vector<double>(v.begin(), v.end()); };
  Panel panel;
  panel.title = "period";
  panel.x_label = "energy E (1)";
  panel.y_label = "period T(E) (1)";
  panel.curves = curve_with_band("learned", column(periods.energy), column(periods.period),
                                 column(periods.error));
  return {{panel}};
}

}  // namespace

std::vector<Curve> curve_with_band(const std::string& label, const std::vector<double>& x,
                                   const std::vector<double>& y,
                                   const std::vector<double>& errors) {
  Curve line{label, x, y, {}, Curve::Style::line};
  Curve area = band(x, y, errors);
  area.label = band_label;
  line.hue = area.hue = 0;
  return {line, area};
}

std::vector<std::pair<std::string, Figure>> fit_figures(const Run& run) {
  std::vector<std::pair<std::string, Figure>> all;
  const bool is_fit = run.loss == Loss::observations && run.residuals.size() > 0 &&
                      run.residuals.size() == run.observations.value.size();
  if (is_fit) {
    const ObservationTable table =
        observation_table(run.ensemble, run.observations, run.final_states);
    if (run.fitted) all.emplace_back("fit", fit_figure(run, table));
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
