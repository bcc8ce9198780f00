// A loss of one's own: orbits that take a given time from rest to rest, wherever they turn.
//
//   x'' = -k sin x,   released at rest at x = A_i;   r_i = v_i(T) / A_i,   L(k) = sum_i r_i^2
//
// asks that every pendulum is at rest again after T: half an oscillation. The pendulum's period
// depends on the amplitude, so one k does this for one amplitude alone; of several it finds the
// best compromise. For a single A, k = (2 K(sin(A/2))/T)^2 with the complete elliptic integral K.
//
// Expect: k to 8 digits from its closed form, the loss verified below 1e-16; and that a wrong
// derivative of the loss is refused.

#include <cmath>
#include <cstdio>

#include "isochron/error.hpp"
#include "isochron/training.hpp"

int main() {
  using namespace isochron;
  const double amplitude = 2, time = 3;
  const ForceFieldPtr pendulum = make_force(
      1, [](double x, const auto& k) { return -k[0] * std::sin(x); },
      [](double x, const auto& k) { return -k[0] * std::cos(x); },
      [](double x, const auto&) { return Eigen::Matrix<double, 1, 1>(-std::sin(x)); });
  const Ensemble released(States{{amplitude}, {0}}, time);

  // One residual of each trajectory, from its state (x, v) at T, and dr/dx, dr/dv.
  const auto at_rest = [&](double slope) {
    return TrajectoryResiduals{
        1, [=](Index, ConstStatesRef y, VectorRef r, Eigen::Ref<Eigen::MatrixXd> by_state) {
          r[0] = y(1, 0) / amplitude;
          by_state << 0, slope / amplitude;
        }};
  };
  const Objective objective(Dynamics(pendulum), released, at_rest(1));
  const TrainingResult result = train(objective, Vector::Ones(1));
  const double k = result.state.theta[0];
  const double exact = std::pow(2 * std::comp_ellint_1(std::sin(amplitude / 2)) / time, 2);
  const VerifiedLoss verified = verify_loss(objective, result);
  std::printf("%s: k = %.12f, exactly %.12f; loss verified %.1e\n", describe(result.reason).c_str(),
              k, exact, verified.loss);

  try {
    static_cast<void>(
        train(Objective(Dynamics(pendulum), released, at_rest(0.99)), Vector::Ones(1)));
  } catch (const InputError& error) {
    std::printf("with a wrong derivative: %s\n", error.what());
    return std::abs(k / exact - 1) < 1e-8 && verified.loss < 1e-16 ? 0 : 1;
  }
  return 1;
}
