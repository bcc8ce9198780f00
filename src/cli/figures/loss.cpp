#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "cli/figures/kinds.hpp"

namespace isochron::cli {
namespace {

constexpr std::size_t loss_hue = 0;
constexpr std::size_t gradient_hue = 1;

const char* name_of_optimizer(long kind) {
  switch (static_cast<OptimizerKind>(kind)) {
    case OptimizerKind::lbfgs: return "L-BFGS";
    case OptimizerKind::least_squares: return "least squares";
    case OptimizerKind::adam: return "Adam";
    default: return "another optimizer";
  }
}

/// The loss in the colours of the optimizers that found it, each from where the last one ended.
std::vector<Curve> loss_curves(const History& history, const std::vector<double>& x) {
  if (history.optimizer.size() != history.size()) {
    Curve loss = make_curve("loss", x, history.loss, Curve::Style::marked);
    loss.hue = loss_hue;
    return {loss};
  }
  constexpr std::size_t hues[] = {loss_hue, 2, 4, 3};  // none of them the gradient's
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < history.size(); ++i) {
    const bool is_new = i == 0 || history.optimizer[i] != history.optimizer[i - 1];
    if (is_new) {
      const char* name = name_of_optimizer(history.optimizer[i]);
      const std::string label = std::string("loss, ") + name;
      const bool is_named = std::any_of(curves.begin(), curves.end(),
                                        [&](const Curve& other) { return other.label == label; });
      curves.push_back(make_curve(is_named ? "" : label, {}, {}, Curve::Style::marked));
      curves.back().hue = hues[static_cast<std::size_t>(history.optimizer[i]) % std::size(hues)];
      if (i > 0) {
        curves.back().x.push_back(x[i - 1]);
        curves.back().y.push_back(history.loss[i - 1]);
      }
    }
    curves.back().x.push_back(x[i]);
    curves.back().y.push_back(history.loss[i]);
  }
  return curves;
}

/// A floor far below all that was minimised, as that of noisy data, would only flatten the curves.
bool is_floor_near(const Run& run) {
  constexpr double near = 1e-6;
  return run.verification.floor >= near * run.verification.loss;
}

Panel loss_panel(const Run& run, const std::string& x_label, const std::vector<double>& x) {
  constexpr std::size_t few = 60;  // iterations whose markers can be told apart
  const History& history = run.state.history;
  Panel panel;
  panel.x_label = x_label;
  panel.y_label = "loss, gradient norm";
  panel.log_y = true;
  panel.curves = {make_curve("gradient norm", x, history.gradient_norm, Curve::Style::marked)};
  panel.curves.front().hue = gradient_hue;
  for (Curve& curve : loss_curves(history, x)) panel.curves.push_back(std::move(curve));
  if (history.size() > few) {
    for (Curve& curve : panel.curves) curve.style = Curve::Style::line;
  }
  const auto add_level = [&](const std::string& label, double y, std::size_t hue,
                             Curve::Style style) {
    if (!(y > 0) || !std::isfinite(y)) return;
    Curve line = level(label, y, panel, style);
    if (!(line.x.front() < line.x.back())) line.style = Curve::Style::points;
    line.hue = hue;
    panel.curves.push_back(std::move(line));
  };
  add_level("verified loss", run.verification.loss, 6, Curve::Style::dashed);
  if (is_floor_near(run)) {
    add_level("integration floor", run.verification.floor, 5, Curve::Style::dotted);
  }
  return panel;
}

}  // namespace

Figures loss_figures(const ShownRun& shown) {
  const Run& run = shown.run;
  if (!shown.is_trained()) return {};
  std::vector<double> iterations;
  for (const long i : run.state.history.iteration) iterations.push_back(static_cast<double>(i));
  Figure figure{{loss_panel(run, "iteration", iterations),
                 loss_panel(run, "wall time (s)", run.state.history.wall_time)}};
  tick_whole_numbers(figure.panels.front());
  figure.columns = 1;
  figure.panel_height = 220;
  if (iterations.size() == 1) {
    say_below(figure, "No iteration was made: the loss is that of the initial weights.");
  }
  if (run.is_verified()) {
    say_below(figure, "Verified: recomputed by another method at a tighter tolerance.");
    if (run.verification.floor > 0) {
      say_below(figure,
                fmt::format("Floor{}: the loss below which errors of the integration are "
                            "fitted.",
                            is_floor_near(run) ? std::string()
                                               : fmt::format(", {:.1e}", run.verification.floor)));
    }
  }
  if (run.loss == Loss::observations) {
    say_below(figure, "The loss rises where longer times or another ridge are taken on.");
  }
  return {{"loss", figure}};
}

}  // namespace isochron::cli
