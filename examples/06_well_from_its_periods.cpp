// The periods T of a well are given. Which well is it? From 100 periods, x'' = f(x; theta) with
//   L = mean_i |X_i(T_i/2) + X_i(0)|^2,  f odd,   or with the left half f* given, too, and
//   L = mean_i |X_i(T_i) - X_i(0)|^2 + mean_k (f(x_k) - f*(x_k))^2,  x_k in the left half.
// Expect after 6 minutes: from 3 of 5 seeds or more |f - f*| < 1e-6 up to the highest orbit; with
// relative noise s on T, which ends training, < 10 s max |f|. usage: .. [--quick] [FIGURE.png]
#include <cmath>
#include <cstdio>
#include <string>

#include "isochron/abel.hpp"
#include "isochron/figure.hpp"
#include "isochron/period_law.hpp"
#include "isochron/training.hpp"
using namespace isochron;

struct Question {
  Well law;
  PeriodBy by;
  double highest;
  Well answer;
  bool odd;  // otherwise the left half is held
  bool inverted() const { return odd && by == PeriodBy::energy; }
};

Vector learn(const Question& q, const PeriodLaw& law, const Vector& x, const Vector& f,
             std::uint64_t seed, const TrainingOptions& options) {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1},
                                             q.odd ? Symmetry::odd : Symmetry::none);
  Objective objective(Dynamics(network), law.orbits(),
                      q.odd ? Loss::prescribed_half_period : Loss::prescribed_period);
  const Index left = q.odd ? 0 : (x.array() <= 0).count();
  if (left > 0) objective = objective.with(ForceData{x.head(left), f.head(left), 1});
  const auto run = train(objective, network->initial_parameters(seed), options);
  return network->force(run.state.theta, Block(x.transpose())).row(0).transpose();
}

/// The error of Abel's inversion as far as the periods tell.
Vector inversion_error(const PeriodLaw& law, const Vector& x, const Vector& f) {
  const AbelInversion abel(law.argument, law.period);
  return x.binaryExpr(f, [&](double at, double exact) {
    return std::abs(at) <= abel.extent().right ? abel.force(at) - exact : 0;
  });
}

/// Asks five seeds (or one), with noise s on the periods; true when enough of them find the well.
bool ask(const Question& q, double s, bool quick, TrainingOptions options, Figure& figure) {
  const PeriodLaw law = period_law(q.law, q.by, law_arguments(q.by, 0, q.highest, 100));
  const double top = q.by == PeriodBy::energy ? q.highest : q.answer.potential(q.highest);
  const auto [low, high] = q.answer.turning_points(top);
  const Vector x = Vector::LinSpaced(401, low, high);
  const Vector f = x.unaryExpr([&](double at) { return q.answer.force(at); });
  // At x = 0 v^2 = 2 E: after half a period that is wrong by s T/2 an orbit misses by v s T/2.
  const double miss = s * s / 2 * (law.argument.array() * law.period.array().square()).mean();
  options.optimizer.loss_tolerance = s > 0 ? 1.3 * miss : quick ? 1e-9 : 0;
  std::printf("%s by %s, noise %g%s:", q.law.name().c_str(), name(q.by), s, q.odd ? ", odd" : "");
  int found = 0;
  for (std::uint64_t seed = 0; seed < (quick ? 1 : 5); ++seed) {
    const PeriodLaw noisy = with_noise(law, s, seed);
    const Vector error = learn(q, noisy, x, f, seed, options) - f;
    const Vector abel = q.inverted() ? inversion_error(noisy, x, f) : Vector();
    std::printf(" %.1e", error.cwiseAbs().maxCoeff());
    if (q.inverted()) std::printf(" (Abel %.1e)", abel.cwiseAbs().maxCoeff());
    found += error.cwiseAbs().maxCoeff() < (s > 0 ? 10 * s * f.maxCoeff() : quick ? 1e-2 : 1e-6);
    if (seed > 0 || s < 1e-2) continue;
    Panel& panel = figure.panels.emplace_back();
    panel.title = q.answer.name() + ", noise 1e-2";
    panel.x_label = "position x";
    panel.y_label = "error of the force, f - f*";
    panel.curves = {{"network", {x.begin(), x.end()}, {error.begin(), error.end()}, {}, {}},
                    {"Abel's inversion", {x.begin(), x.end()}, {abel.begin(), abel.end()}, {}, {}}};
  }
  std::printf("\n");
  return found >= (quick ? 1 : 3);
}

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string(argv[1]) == "--quick";
  const Well morse = make_well("morse", {{"D", 10}, {"a", std::sqrt(0.05)}});
  const Well poschl_teller = make_well("poschl-teller", {{"U0", 10}, {"a", std::sqrt(0.05)}});
  const Well pendulum = make_well("pendulum"), duffing = make_well("duffing", {{"beta", 1}});
  TrainingOptions options;
  options.max_time = quick ? 60 : 10;  // s
  bool good = true;
  Figure figure;
  for (const Question& q : {Question{morse, PeriodBy::energy, 6, morse, false},
                            {morse, PeriodBy::energy, 6, poschl_teller, true},
                            {pendulum, PeriodBy::amplitude, 3, pendulum, true},
                            {pendulum, PeriodBy::energy, 1.9, pendulum, true},
                            {duffing, PeriodBy::amplitude, 2, duffing, true},
                            {duffing, PeriodBy::energy, 6, duffing, true}}) {
    if (quick && q.law.name() == "duffing") break;
    for (const double s : {0.0, 1e-3, 1e-2}) {
      if (s == 0 || q.inverted()) good = ask(q, s, quick, options, figure) && good;
    }
  }
  if (argc > 1 + quick) draw(figure, argv[1 + quick], FigureFormat::png);
  return good ? 0 : 1;
}
