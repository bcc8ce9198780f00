#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "cli/figures/kinds.hpp"
#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

/// The force where it was held, and by how much it misses that.
Figure held_figure(const ShownRun& shown) {
  const ForceData& held = *shown.run.force_data;
  const Block at = held.position.transpose();
  const Vector learned = shown.field->force(shown.run.state.theta, at).transpose();
  Panel force;
  force.x_label = "position x";
  force.y_label = "force f";
  force.curves = {
      make_curve("learned", column(held.position), column(learned)),
      make_curve("held at", column(held.position), column(held.force), Curve::Style::dotted)};
  force.curves.back().hue = 6;
  Panel rest;
  rest.x_label = "position x";
  rest.y_label = "learned − held";
  rest.curves = {make_curve("", column(held.position), column(learned - held.force))};
  Figure figure{{force, rest}};
  figure.columns = 1;
  figure.panel_height = 220;
  return figure;
}

/// Of each trajectory the period that was asked for, and that of its orbit in the well.
struct Periods {
  std::vector<double> argument;
  std::vector<double> asked;
  std::vector<double> learned;  ///< NaN: no orbit of the well
};

Periods periods_of(const ShownRun& shown) {
  const Run& run = shown.run;
  const Vector argument = run.law_arguments();
  const Vector asked = shown.objective->whole_periods().end_times;
  const std::optional<Vector> energy = shown.energies(run.ensemble.initial_states);
  const auto well = energy ? shown.well(energy->maxCoeff() * (1 + 1e-9)) : std::nullopt;
  std::vector<Index> order(static_cast<std::size_t>(argument.size()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
  std::sort(order.begin(), order.end(),
            [&](Index a, Index b) { return argument[a] < argument[b]; });
  Periods periods;
  for (const Index i : order) {
    periods.argument.push_back(argument[i]);
    periods.asked.push_back(asked[i]);
    double period = gap;
    try {
      if (well) period = well->orbit((*energy)[i]).period;
    } catch (const Error&) {  // not in this well
    }
    periods.learned.push_back(period);
  }
  return periods;
}

Figure period_figure(const ShownRun& shown) {
  const Periods periods = periods_of(shown);
  const char* argument = shown.run.by_energy() ? "energy E" : "amplitude A";
  std::vector<double> deviation;
  for (std::size_t i = 0; i < periods.asked.size(); ++i) {
    deviation.push_back(std::abs(periods.learned[i] / periods.asked[i] - 1));
  }
  Panel both;
  both.x_label = argument;
  both.y_label = "period T";
  both.curves = {make_curve("learned", periods.argument, periods.learned),
                 make_curve("prescribed", periods.argument, periods.asked, Curve::Style::points)};
  Panel rest;
  rest.x_label = argument;
  rest.y_label = "|learned/prescribed − 1|";
  rest.log_y = true;
  rest.curves = {make_curve("", periods.argument, deviation, Curve::Style::points)};
  Figure figure{{both, rest}};
  figure.columns = 1;
  figure.panel_height = 220;
  say_below(figure, "Learned: the periods of the orbits in the learned well, by quadrature.");
  return figure;
}

}  // namespace

Figures asked_figures(const ShownRun& shown) {
  Figures all;
  const Run& run = shown.run;
  const bool is_held = run.force_data && shown.field && shown.field->dimension() == 1;
  if (is_held) all.emplace_back("held_force", held_figure(shown));
  const bool has_law =
      run.prescribes_periods() && shown.objective && run.law_arguments().size() > 0;
  if (has_law) all.emplace_back("prescribed_periods", period_figure(shown));
  return all;
}

}  // namespace isochron::cli
