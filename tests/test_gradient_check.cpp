#include "isochron/gradient_check.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <numbers>
#include <optional>
#include <sstream>

#include "isochron/mlp.hpp"
#include "isochron/random.hpp"
#include "isochron/training.hpp"
#include "unlimited.hpp"

namespace test_gradient_check {

using namespace isochron;

namespace {

constexpr double period = 2 * std::numbers::pi;

SensitivityOptions at_tolerance(double rtol) {
  SensitivityOptions options;
  options.integrator.rtol = options.integrator.atol = rtol;
  return options;
}

/// f = -a q - b q^3 with derivatives multiplied by factors.
ForceFieldPtr duffing(double by_position = 1, double by_parameter = 1) {
  return make_force(
      2, [](double q, const auto& k) { return -k[0] * q - k[1] * q * q * q; },
      [=](double q, const auto& k) { return by_position * (-k[0] - 3 * k[1] * q * q); },
      [=](double q, const auto&) {
        return Eigen::Vector2d(-by_parameter * q, -by_parameter * q * q * q);
      });
}

const Vector duffing_theta = Eigen::Vector2d(0.9, 0.2);

GradientCheck check_duffing(double by_position, double by_parameter) {
  const Objective objective(Dynamics(duffing(by_position, by_parameter)), Loss::periodic,
                            normal_states(2, 12, 3), period);
  return check_gradients(objective, duffing_theta, at_tolerance(1e-9), false);
}

bool only_differences_disagree(const GradientCheck& check) {
  for (const CheckedGradient& gradient : check.gradients) {
    if (gradient.agrees() == (gradient.method == GradientMethod::difference)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("gradient check: all methods agree on a force with correct derivatives") {
  const GradientCheck check = check_duffing(1, 1);
  CHECK(check.passed());
  CHECK(check.gradients.size() == 6);
  CHECK(check.reference_disagreement < 1e-11);
  for (const CheckedGradient& gradient : check.gradients) {
    CAPTURE(gradient.variant);
    CHECK(gradient.failure.empty());
    CHECK(gradient.seconds > 0);
    CHECK(gradient.relative_error < 1e-4);
  }
}

TEST_CASE("gradient check: every piece of the work is told of, in order") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 2, 1});
  const Objective objective(Dynamics(network), Loss::periodic, normal_states(2, 2, 0), period);
  for (const Method method : {Method::adams, Method::rkn12}) {
    CAPTURE(name(method));
    std::vector<int> numbers;
    std::vector<int> totals;
    SensitivityOptions options = at_tolerance(1e-8);
    options.integrator.method = method;
    if (method == Method::rkn12) options.gradient = GradientMethod::discrete;
    static_cast<void>(check_gradients(objective, network->initial_parameters(0), options, false,
                                      [&](const std::string&, int number, int of) {
                                        numbers.push_back(number);
                                        totals.push_back(of);
                                      }));
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      CHECK(numbers[k] == static_cast<int>(k) + 1);
      CHECK(totals[k] == static_cast<int>(numbers.size()));
    }
    CHECK(numbers.size() == (method == Method::rkn12 ? 10 : 9));
  }
}

TEST_CASE("gradient check: a derivative wrong by a factor 1 + 1e-4 is seen") {
  CHECK(only_differences_disagree(check_duffing(1, 1 + 1e-4)));
  CHECK_FALSE(check_duffing(1 + 1e-4, 1).passed());
}

TEST_CASE("gradient check: the methods of a network agree over all tolerances") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 8, 8, 1});
  const Objective objective(Dynamics(network), Loss::periodic, normal_states(2, 12, 0), period);
  const Vector theta = network->initial_parameters(0);
#ifdef ISOCHRON_SANITIZE
  const auto tolerances = {1e-5};  // sanitizers are slow
#else
  const auto tolerances = {1e-5, 1e-8, 1e-11};
#endif
  for (const double rtol : tolerances) {
    CAPTURE(rtol);
    const GradientCheck check = check_gradients(objective, theta, at_tolerance(rtol), false);
    for (const CheckedGradient& gradient : check.gradients) {
      CAPTURE(gradient.variant);
      CAPTURE(gradient.error_of_terms);
      CHECK(gradient.agrees());
    }
  }
}

TEST_CASE("gradient check: where the residuals are small, their errors count") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{1, 8, 8, 1});
  const Objective objective(Dynamics(network), Loss::antiperiodic, normal_states(2, 12, 0), period);
  TrainingOptions training = unlimited_training();
  training.kind = OptimizerKind::lbfgs;
  training.sensitivity.gradient = GradientMethod::discrete;
  training.sensitivity.integrator.method = Method::rkn8;
  training.sensitivity.integrator.rtol = training.sensitivity.integrator.atol = 1e-8;
  training.sensitivity.freeze_steps = true;
  training.optimizer.loss_tolerance = 9e-10;
  const TrainingResult trained = train(objective, network->initial_parameters(0), training);
  REQUIRE(trained.state.loss < 1e-9);
  const GradientCheck check =
      check_gradients(objective, trained.state.theta, at_tolerance(1e-8), true);
  for (const CheckedGradient& gradient : check.gradients) {
    CAPTURE(gradient.variant);
    CAPTURE(gradient.error_of_terms);
    CHECK(gradient.agrees());
  }
}

TEST_CASE("gradient check: first-order motion, and a method that was asked for") {
  const auto network = std::make_shared<Mlp>(std::vector<Index>{2, 8, 2});
  const Objective objective(Dynamics(network, Motion::first_order), Loss::periodic,
                            normal_states(2, 9, 1), 2.0);
  SensitivityOptions options = at_tolerance(1e-8);
  options.integrator.method = Method::rk4;
  options.integrator.steps = 400;
  const Vector theta = network->initial_parameters(1);
  CHECK(check_gradients(objective, theta, options, false).passed());
  options.integrator.steps = 3;
  const GradientCheck coarse = check_gradients(objective, theta, options, false);
  CHECK_FALSE(coarse.passed());
  for (const CheckedGradient& gradient : coarse.gradients) {
    CHECK(gradient.agrees() == (gradient.variant != "rk4, 3 steps"));
  }
}

// --- random problems ----------------------------------------------------------------------------

namespace {

/// A network with derivatives by positions or by parameters that are multiplied by a factor.
class WrongDerivative final : public ForceField {
 public:
  WrongDerivative(ForceFieldPtr field, double by_position, double by_parameter)
      : field_(std::move(field)), by_position_(by_position), by_parameter_(by_parameter) {}
  [[nodiscard]] Index dimension() const override { return field_->dimension(); }
  [[nodiscard]] Index parameters() const override { return field_->parameters(); }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<At>(*this, points);
  }

 private:
  struct At final : Linearisation {
    At(const WrongDerivative& field, Index points)
        : owner(field), right(field.field_->linearisation(points)) {}
    void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
      right->force(theta, q, f);
    }
    void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
      right->linearise(theta, q, f);
    }
    void transposed_product(ConstBlockRef w, BlockRef out) override {
      right->transposed_product(w, out);
      out *= owner.by_position_;
    }
    void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
      right->add_parameter_product(Block(owner.by_parameter_ * w), gradient);
    }
    void product(ConstBlockRef u, BlockRef out) override {
      right->product(u, out);
      out *= owner.by_position_;
    }
    void jacobians(BlockRef out) override {
      right->jacobians(out);
      out *= owner.by_position_;
    }
    void parameter_jacobians(BlockRef out) override {
      right->parameter_jacobians(out);
      out *= owner.by_parameter_;
    }
    [[nodiscard]] Index record_size() const override { return right->record_size(); }
    void use_record(double* record) override { right->use_record(record); }

    const WrongDerivative& owner;
    std::unique_ptr<Linearisation> right;
  };

  ForceFieldPtr field_;
  double by_position_;
  double by_parameter_;
};

/// A network of any size and scale, its states, its time and the tolerance.
struct RandomProblem {
  explicit RandomProblem(unsigned seed, double loosest) : random(seed) {
    motion = pick(0, 3) == 0 ? Motion::first_order : Motion::newtonian;
    const Index d = pick(1, 3);
    const Index depth = pick(1, 2);
    std::vector<Index> layers(static_cast<std::size_t>(depth), pick(2, 8));
    layers.insert(layers.begin(), d);
    layers.push_back(d);
    const auto network = std::make_shared<Mlp>(layers);
    field = network;
    theta = between(0.3, 2) * network->initial_parameters(seed);
    const Index rows = motion == Motion::newtonian ? 2 * d : d;
    const Loss loss = pick(0, 1) == 0 ? Loss::periodic : Loss::antiperiodic;
    const double size = between(0.1, 3);
    const States states = size * normal_states(rows, pick(1, 6), seed);
    objective.emplace(Dynamics(field, motion), loss, states, between(0.3, 30));
    options = at_tolerance(between(1e-12, loosest));
    if (pick(0, 3) == 0) options.integrator.method = Method::bdf;
  }

  [[nodiscard]] Index pick(Index low, Index high) {
    return low + static_cast<Index>(random.uniform() * static_cast<double>(high - low + 1));
  }
  /// Evenly in the logarithm.
  [[nodiscard]] double between(double low, double high) {
    return low * std::pow(high / low, random.uniform());
  }
  [[nodiscard]] GradientCheck check(const ForceFieldPtr& of) const {
    return check_gradients(objective->with(of), theta, options, false);
  }
  [[nodiscard]] Vector gradient(const ForceFieldPtr& of) const {
    SensitivityOptions discrete;
    discrete.gradient = GradientMethod::discrete;
    discrete.integrator.method = highest_order(motion);
    discrete.integrator.rtol = discrete.integrator.atol = 1e-14;
    return ObjectiveFunction(objective->with(of), discrete).trajectory_gradient(theta).gradient;
  }

  Random random;
  Motion motion = Motion::newtonian;
  ForceFieldPtr field;
  Vector theta;
  std::optional<Objective> objective;
  SensitivityOptions options;
};

/// How many of each kind; more by the environment.
unsigned random_problems() {
  const char* asked = std::getenv("ISOCHRON_RANDOM_PROBLEMS");
#ifdef ISOCHRON_SANITIZE
  return asked != nullptr ? static_cast<unsigned>(std::atoi(asked)) : 2;
#else
  return asked != nullptr ? static_cast<unsigned>(std::atoi(asked)) : 8;
#endif
}

std::string table(const GradientCheck& check) {
  std::ostringstream text;
  text << "condition " << check.condition << ", references " << check.reference_disagreement << ' '
       << check.doubt << '\n';
  for (const CheckedGradient& row : check.gradients) {
    text << name(row.method) << ' ' << row.variant << ": " << row.error_of_terms << " of "
         << row.allowed << ' ' << row.failure << '\n';
  }
  return text.str();
}

}  // namespace

TEST_CASE("gradient check: no false alarm at random problems") {
  for (unsigned seed = 0; seed < random_problems(); ++seed) {
    CAPTURE(seed);
    const RandomProblem problem(seed, 1e-5);
    CAPTURE(problem.options.integrator.rtol);
    CAPTURE(problem.objective->period());
    const GradientCheck check = problem.check(problem.field);
    CAPTURE(table(check));
    CHECK(check.passed());
  }
}

TEST_CASE("gradient check: an error of 1e-4 of the terms is seen at random problems") {
  for (unsigned seed = 1000; seed < 1000 + random_problems(); ++seed) {
    CAPTURE(seed);
    const RandomProblem problem(seed, 1e-8);
    CAPTURE(problem.options.integrator.rtol);
    CAPTURE(problem.objective->period());
    const bool by_position = seed % 2 == 0;
    const auto planted = [&](double size) {
      return std::make_shared<WrongDerivative>(problem.field, by_position ? 1 + size : 1,
                                               by_position ? 1 : 1 + size);
    };
    const double probe = 1e-6;
    const Vector right = problem.gradient(problem.field);
    const double response = (problem.gradient(planted(probe)) - right).norm() / probe;
    const double terms = problem.check(problem.field).terms;
    const GradientCheck check = problem.check(planted(1e-4 * terms / response));
    CAPTURE(table(check));
    CHECK_FALSE(check.passed());
    CHECK(check.gradients.back().method == GradientMethod::difference);
    CHECK_FALSE(check.gradients.back().agrees());
  }
}

}  // namespace test_gradient_check
