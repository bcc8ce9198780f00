// The left half of a well is given. Which right half makes it isochronous?
//
//   x'' = f(x; theta),  L = mean_i |X_i(T) - X_i(0)|^2 + w mean_k (f(x_k) - f*(x_k))^2,  T = 2 pi,
//
// x_k left of 0, w = 0.01, 100 states from N(0, I), f a network 1-16-16-1. Theory knows the answer:
// the width at each U is 2 sqrt(2 U). As a control the network sees the left half alone.
//
// Expect: max |f - f*| right of 0, up to the highest energy visited, below 1e-5 for the hyperbolic
// shear, 1e-4 for the isotonic well and for Morse's left half (whose completion is not Morse); the
// width R right to 1e-6, of Morse's half to 1e-5; and without the orbits f wrong by more than 0.1.
// Five seeds of three wells take 5 minutes; --quick stops one of each at a loss of 1e-9.
// usage: example_05_half_a_potential [--quick] [FIGURE.png]
#include <cmath>
#include <cstdio>
#include <numbers>
#include <string>

#include "isochron/certificate.hpp"
#include "isochron/completion.hpp"
#include "isochron/figure.hpp"
#include "isochron/random.hpp"
#include "isochron/training.hpp"
#include "isochron/well.hpp"
using namespace isochron;

constexpr double period = 2 * std::numbers::pi;

struct Half {
  Well well;
  double edge;          // as far left as the orbits of seeds 0 to 4 come
  double worst, width;  // |f - f*| and |R - 1| allowed
};

Vector values(const ForceField& field, const Vector& theta, const Vector& x) {
  return field.force(theta, Block(x.transpose())).row(0).transpose();
}

Curve curve(const char* label, const Vector& x, const Vector& f, Curve::Style style) {
  return {label, {x.begin(), x.end()}, {f.begin(), f.end()}, {}, style};
}

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string(argv[1]) == "--quick";
  const char* figure_file = argc > 1 + quick ? argv[1 + quick] : nullptr;
  const double a = 1 / std::sqrt(20.0);  // of Morse: omega = a sqrt(2 D) = 1
  const Half halves[] = {{make_well("hyperbolic-shear"), -3.4, 1e-5, 1e-6},
                         {make_well("isotonic", {{"a", 5}}), -3.15, 1e-4, 1e-6},
                         {make_well("morse", {{"D", 10}, {"a", a}}), -3.4, 1e-4, 1e-5}};
  const Mlp network({1, 16, 16, 1});
  const Dynamics dynamics(std::make_shared<Mlp>(network));
  bool good = true;
  Figure figure;
  figure.columns = 3;
  for (const Half& half : halves) {
    const ForceFieldPtr exact = half.well.force_field();
    const Vector held = Vector::LinSpaced(200, half.edge, 0);  // throws without a completion:
    static_cast<void>(isochronous_completion(*exact, Vector(), 0, held.head(199), period));
    for (std::uint64_t seed = 0; seed < (quick ? 1 : 5); ++seed) {
      const States states = normal_states(2, 100, seed);
      const auto learn = [&](Loss loss, double loss_tolerance) {
        const Objective objective = Objective(dynamics, loss, states, period)
                                        .with(ForceData{held, values(*exact, {}, held), 0.01});
        TrainingOptions options;
        options.optimizer.loss_tolerance = loss_tolerance;
        options.max_time = quick ? 60 : 20;  // s
        return train(objective, network.initial_parameters(seed), options).state.theta;
      };
      const Vector found = learn(Loss::periodic, quick ? 1e-9 : 0);
      const Vector alone = learn(Loss::none, 1e-9);
      const Certificate visited = certify(network, found, states, {.period = period, .loss = {}});
      const double edge = *visited.center + visited.curve.back().left;
      const Vector left = Vector::LinSpaced(400, edge, edge / 400);
      const RightHalf right = isochronous_completion(*exact, Vector(), 0, left, period);
      const Vector& x = right.position;
      const Vector f = values(network, found, x), f_alone = values(network, alone, x);
      const double worst = (f - right.force).cwiseAbs().maxCoeff();
      const double worst_alone = (f_alone - right.force).cwiseAbs().maxCoeff();
      const double width = visited.width_deviation_max;
      std::printf(
          "%-16s seed %lu, E <= %5.2f, x <= %.2f: |f - f*| %.1e, |R - 1| %.1e; "
          "without the orbits |f - f*| %.1e\n",
          half.well.name().c_str(), seed, visited.highest_energy, x[0], worst, width, worst_alone);
      good = good && worst <= (quick ? 1e-2 : half.worst) && width <= (quick ? 1e-3 : half.width) &&
             worst_alone > 0.1;
      if (seed > 0) continue;
      Panel& panel = figure.panels.emplace_back();
      panel.title = half.well.name();
      panel.x_label = "position x";
      panel.y_label = "force f";
      panel.curves = {curve("left half, given", held, values(*exact, {}, held), Curve::Style::line),
                      curve("its completion", x, right.force, Curve::Style::line),
                      curve("found", x, f, Curve::Style::dashed),
                      curve("without the orbits", x, f_alone, Curve::Style::dashed)};
    }
  }
  if (figure_file != nullptr) draw(figure, figure_file, FigureFormat::png);
  return good ? 0 : 1;
}
