#include <iostream>
#include <isochron/random.hpp>
#include <isochron/training.hpp>

int main() {
  using namespace isochron;
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1});
  const Objective objective(Loss::antiperiodic, normal_states(2, 100, 0), 6.283185307179586);
  const TrainingOptions options{.optimizer = {.loss_tolerance = 1e-9}};
  const auto [state, reason] =
      train(Dynamics(network), objective, network->initial_parameters(0), options);
  std::cout << describe(reason) << ": loss " << state.loss
            << ", f(1) = " << network->force(state.theta, 1.0) << '\n';
}
