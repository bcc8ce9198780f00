#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "cli/figures/kinds.hpp"

namespace isochron::cli {
namespace {

/// Which runs of a configuration a figure is about.
template <class Wanted>
auto of_configuration(std::size_t configuration, const Wanted& wanted) {
  return [=](const SweepRun& run) {
    return run.configuration == static_cast<long>(configuration) && wanted(run);
  };
}

bool isochronous(const SweepRun& run) { return run.isochronous(); }
bool any(const SweepRun&) { return true; }

/// Names the configurations that have no curve in the panel.
void name_left_out(Figure& figure, const SweepResults& sweep, const Panel& panel,
                   const std::string& why) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) {
    const bool is_there = std::any_of(panel.curves.begin(), panel.curves.end(),
                                      [&](const Curve& curve) { return curve.hue == i; });
    if (!is_there) names.push_back(sweep.configurations[i].name);
  }
  if (names.empty()) return;
  say_below(figure, fmt::format("Left out, {}: {}.", why, fmt::join(names, "; ")));
}

/// The share of values up to x, which jumps at each of them.
Curve cumulative(const std::string& label, const std::vector<double>& values) {
  Curve curve = make_curve(label, {}, {});
  const double count = static_cast<double>(values.size());
  for (std::size_t k = 0; k < values.size(); ++k) {
    for (const std::size_t below : {k, k + 1}) {
      curve.x.push_back(values[k]);
      curve.y.push_back(static_cast<double>(below) / count);
    }
  }
  return curve;
}

Panel centres_panel(const SweepResults& sweep) {
  Panel panel;
  panel.title = "isochronous wells";
  panel.x_label = "centre x₀";
  panel.y_label = "shear S at amplitude A = 2";
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) {
    Curve points = make_curve(sweep.configurations[i].name, {}, {}, Curve::Style::points);
    points.hue = i;
    for (const SweepRun& run : sweep.runs) {
      if (!of_configuration(i, isochronous)(run) || !std::isfinite(run.shear_at_2)) continue;
      points.x.push_back(run.x0);
      points.y.push_back(run.shear_at_2);
    }
    if (!points.x.empty()) panel.curves.push_back(std::move(points));
  }
  return panel;
}

Panel shear_panel(const SweepResults& sweep) {
  Panel panel;
  panel.title = "distribution of the shear";
  panel.x_label = "max |S|/A";
  panel.y_label = "share of the isochronous runs up to there";
  panel.log_x = true;
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) {
    Curve share = cumulative(
        sweep.configurations[i].name,
        sorted_values(sweep.runs, &SweepRun::shear_max, of_configuration(i, isochronous)));
    share.hue = i;
    // On a logarithmic axis there is no place for wells without shear.
    if (!share.x.empty() && share.x.back() > 0) panel.curves.push_back(std::move(share));
  }
  return panel;
}

Figures wells_figure(const SweepResults& sweep) {
  Figure figure;
  for (const Panel& panel : {centres_panel(sweep), shear_panel(sweep)}) {
    if (panel.curves.empty()) continue;
    figure.panels.push_back(panel);
    name_left_out(figure, sweep, panel,
                  figure.panels.size() == 1 ? "without an isochronous well that reaches A = 2"
                                            : "without an isochronous well that has a shear");
  }
  if (figure.panels.empty()) return {};
  return {{"wells", figure}};
}

// -------------------------------------------------------------------------------------- verdicts

/// A group of bars per configuration, in it a bar per verdict.
Figure verdict_figure(const SweepResults& sweep) {
  const std::vector<SweepCount> counts = count_verdicts(sweep.runs);
  std::vector<std::string> verdicts;
  const auto verdict_of = [](const SweepCount& count) {
    return count.n > 1 ? fmt::format("{}, n = {}", count.verdict, count.n) : count.verdict;
  };
  for (const SweepCount& count : counts) {
    const std::string verdict = verdict_of(count);
    if (std::find(verdicts.begin(), verdicts.end(), verdict) == verdicts.end()) {
      verdicts.push_back(verdict);
    }
  }
  constexpr double share = 0.8;  // of the distance between groups
  const double width = share / static_cast<double>(std::max<std::size_t>(verdicts.size(), 1));
  Panel panel;
  panel.x_label = "configuration";
  panel.y_label = "runs";
  for (std::size_t v = 0; v < verdicts.size(); ++v) {
    Curve bars = make_curve(verdicts[v], {}, {}, Curve::Style::bars);
    bars.width = width;
    for (const SweepCount& count : counts) {
      if (verdict_of(count) != verdicts[v]) continue;
      bars.x.push_back(static_cast<double>(count.configuration) + 1 - share / 2 +
                       width * (static_cast<double>(v) + 0.5));
      bars.y.push_back(static_cast<double>(count.runs));
    }
    panel.curves.push_back(std::move(bars));
  }
  Figure figure{{panel}};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) {
    figure.panels.front().x_ticks.push_back({static_cast<double>(i) + 1, std::to_string(i + 1)});
    names.push_back(fmt::format("{}: {}", i + 1, sweep.configurations[i].name));
  }
  figure.panels.front().x_range = {0.4, static_cast<double>(names.size()) + 0.6};
  say_below(figure, fmt::format("{}.", fmt::join(names, "; ")));
  return figure;
}

// ------------------------------------------------------------------------------------ histograms

/// Ends of bins that hold all values, even in log10 where values differ by more than tenfold.
struct Bins {
  std::vector<double> edges;
  bool log = false;
};

Bins bins_of(double low, double high) {
  constexpr int most = 20;
  Bins bins;
  bins.log = low > 0 && high > 10 * low;
  const auto scale = [&](double value) { return bins.log ? std::log10(value) : value; };
  const double margin = bins.log ? 0 : 0.05 * std::max(high - low, 1e-3 * std::abs(high) + 1e-12);
  const double first = bins.log ? std::floor(scale(low)) : low - margin;
  const double last = bins.log ? std::floor(scale(high)) + 1 : high + margin;
  const int decades = static_cast<int>(last - first);
  const int count = bins.log ? (decades <= most / 4 ? 4 * decades : decades) : most / 2;
  for (int k = 0; k <= count; ++k) {
    const double edge = first + (last - first) * k / count;
    bins.edges.push_back(bins.log ? std::pow(10, edge) : edge);
  }
  return bins;
}

/// How many runs of each configuration have which value.
Figures histogram_figure(const std::string& name, const SweepResults& sweep,
                         double SweepRun::*field, const std::string& x_label) {
  const auto all =
      sorted_values(sweep.runs, field, [=](const SweepRun& run) { return run.*field > 0; });
  if (all.empty()) return {};
  const Bins bins = bins_of(all.front(), all.back());
  Panel panel;
  panel.x_label = x_label;
  panel.y_label = "runs";
  panel.log_x = bins.log;
  for (std::size_t i = 0; i < sweep.configurations.size(); ++i) {
    std::vector<double> counts(bins.edges.size() - 1, 0);
    const auto values = sorted_values(sweep.runs, field, of_configuration(i, any));
    for (const double value : values) {
      if (!(value > 0)) continue;
      const auto bin = std::upper_bound(bins.edges.begin(), bins.edges.end(), value);
      const auto k =
          static_cast<std::size_t>(std::max<std::ptrdiff_t>(bin - bins.edges.begin() - 1, 0));
      counts[std::min(k, counts.size() - 1)] += 1;
    }
    if (*std::max_element(counts.begin(), counts.end()) == 0) continue;
    Curve stairs = staircase(sweep.configurations[i].name, bins.edges, counts);
    stairs.hue = i;
    panel.curves.push_back(std::move(stairs));
  }
  Figure figure{{panel}};
  name_left_out(figure, sweep, panel, "without such a number");
  return {{name, figure}};
}

}  // namespace

Figures sweep_figures(const SweepResults& sweep) {
  if (sweep.runs.empty()) return {};
  Figures all = wells_figure(sweep);
  all.emplace_back("verdicts", verdict_figure(sweep));
  for (Figures more :
       {histogram_figure("losses", sweep, &SweepRun::loss_verified, "loss, verified"),
        histogram_figure("wall_times", sweep, &SweepRun::wall_time, "wall time of training (s)")}) {
    std::move(more.begin(), more.end(), std::back_inserter(all));
  }
  for (auto& [name, figure] : all) {
    say_below(figure, "All quantities but wall times are dimensionless.");
  }
  return all;
}

}  // namespace isochron::cli
