#include "isochron/stoppable_force.hpp"

#include <doctest/doctest.h>

#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "isochron/random.hpp"

namespace test_stoppable_force {

using namespace isochron;

TEST_CASE("a stoppable force is the same force") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{2, 8, 2});
  const Vector theta = network->initial_parameters(3);
  const ForceFieldPtr field = stoppable_force(network, [] { return false; });
  CHECK(field->dimension() == 2);
  CHECK(field->parameters() == network->parameters());
  const Block q = normal_states(2, 101, 1);
  CHECK(field->force(theta, q) == network->force(theta, q));
  CHECK(check_force(*field, theta, q).passed());
}

TEST_CASE("it ends what computes with it") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 8, 1});
  const Vector theta = network->initial_parameters(3);
  int polls = 0;
  const ForceFieldPtr field = stoppable_force(network, [&] { return ++polls > 3; });
  CHECK_THROWS_AS(static_cast<void>(field->force(theta, Block::Zero(1, 1000))), Interrupted);
  CHECK(polls == 4);
}

}  // namespace test_stoppable_force
