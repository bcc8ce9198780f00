#include <iostream>
#include <isochron/random.hpp>
#include <isochron/training.hpp>

int main() {
  using namespace isochron;
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 16, 16, 1});
  const Objective objective(Dynamics(network), Loss::antiperiodic, normal_states(2, 100, 0),
                            6.283185307179586);
  const TrainingResult result =
      train(objective, network->initial_parameters(0), {.optimizer = {.loss_tolerance = 1e-16}});
  std::cout << describe(result.reason) << ": loss " << result.state.loss
            << ", f(1) + 1 = " << network->force(result.state.theta, 1.0) + 1 << '\n';
}
