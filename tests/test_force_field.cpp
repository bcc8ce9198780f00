#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "isochron/completion.hpp"
#include "isochron/error.hpp"
#include "isochron/force_data.hpp"
#include "isochron/force_field.hpp"
#include "isochron/potential_well.hpp"
#include "isochron/return_time.hpp"
#include "isochron/well_gradient.hpp"
#include "parameter_rows.hpp"
#include "spoiled_field.hpp"

namespace test_force_field {

using namespace isochron;
using property::Result;
using property::SpoiledField;

namespace {

// The Duffing force f = -k q - beta q^3, theta = (k, beta).
double duffing(double q, const auto& theta) { return -theta[0] * q - theta[1] * q * q * q; }
double duffing_dq(double q, const auto& theta) { return -theta[0] - 3 * theta[1] * q * q; }
std::array<double, 2> duffing_dtheta(double q, const auto&) { return {-q, -q * q * q}; }

/// The Duffing field with its derivatives multiplied by 1 + an error.
ForceFieldPtr duffing_field(double dq_error = 0, double dk_error = 0, double dbeta_error = 0) {
  return make_force(
      2, [](double q, const auto& theta) { return duffing(q, theta); },
      [=](double q, const auto& theta) { return (1 + dq_error) * duffing_dq(q, theta); },
      [=](double q, const auto& theta) {
        auto d = duffing_dtheta(q, theta);
        d[0] *= 1 + dk_error;
        d[1] *= 1 + dbeta_error;
        return d;
      });
}

// A force in the plane without potential, so that its Jacobian is not symmetric:
// f = (-a x + b y^2, -c y + a b x y), theta = (a, b, c).
Vector planar(const Vector& q, const auto& theta) {
  const double a = theta[0], b = theta[1], c = theta[2];
  return Eigen::Vector2d(-a * q[0] + b * q[1] * q[1], -c * q[1] + a * b * q[0] * q[1]);
}
Eigen::MatrixXd planar_dq(const Vector& q, const auto& theta) {
  const double a = theta[0], b = theta[1], c = theta[2];
  return Eigen::Matrix2d{{-a, 2 * b * q[1]}, {a * b * q[1], -c + a * b * q[0]}};
}
Eigen::MatrixXd planar_dtheta(const Vector& q, const auto& theta) {
  const double a = theta[0], b = theta[1];
  const double x = q[0], y = q[1];
  return Eigen::Matrix<double, 2, 3>{{-x, y * y, 0}, {b * x * y, a * x * y, -y}};
}

/// The planar field; `spoil` may change its two derivatives.
ForceFieldPtr planar_field(
    const std::function<void(Eigen::MatrixXd& dq, Eigen::MatrixXd& dtheta)>& spoil = {}) {
  const auto spoiled = [=](const Vector& q, const auto& theta) {
    std::pair derivatives(planar_dq(q, theta), planar_dtheta(q, theta));
    if (spoil) spoil(derivatives.first, derivatives.second);
    return derivatives;
  };
  return make_force(
      2, 3, [](const Vector& q, const auto& theta) { return planar(q, theta); },
      [=](const Vector& q, const auto& theta) { return spoiled(q, theta).first; },
      [=](const Vector& q, const auto& theta) { return spoiled(q, theta).second; });
}

const Vector duffing_theta = Eigen::Vector2d(1.3, 0.4);
const Vector planar_theta = Eigen::Vector3d(1.3, 0.4, 0.7);

Block line(Index points) { return Eigen::RowVectorXd::LinSpaced(points, -1.9, 2.3).eval(); }

Block plane(Index points) {
  Block q(2, points);
  for (Index b = 0; b < points; ++b) {
    const auto angle = static_cast<double>(b);
    q.col(b) << 1.5 * std::cos(1.1 * angle + 0.2), 1.2 * std::sin(0.7 * angle + 0.5);
  }
  return q;
}

bool passes(const ForceFieldPtr& field, const Vector& theta, const Block& q) {
  const ForceCheck check = check_force(*field, theta, q);
  CHECK(check.passed() == (check.summary().find("DISAGREE") == std::string::npos));
  return check.passed();
}

}  // namespace

TEST_CASE("make_force, D = 1: values and products are those of the callables") {
  const ForceFieldPtr field = duffing_field();
  CHECK(field->dimension() == 1);
  CHECK(field->parameters() == 2);
  const Block q = line(9);
  const Block w = (2 * q.array() + 0.5).matrix();
  const auto at = field->linearisation(9);
  Block f(1, 9), by_linearise(1, 9), forward(1, 9), backward(1, 9), jacobians(1, 9);
  at->force(duffing_theta, q, f);
  at->linearise(duffing_theta, q, by_linearise);
  at->product(w, forward);
  at->transposed_product(w, backward);
  at->jacobians(jacobians);
  Vector gradient = Eigen::Vector2d(10, 20);  // products are added
  Vector expected = gradient;
  at->add_parameter_product(w, gradient);
  for (Index b = 0; b < 9; ++b) {
    CHECK(f(0, b) == doctest::Approx(duffing(q(0, b), duffing_theta)).epsilon(1e-14));
    CHECK(by_linearise(0, b) == f(0, b));
    CHECK(jacobians(0, b) == doctest::Approx(duffing_dq(q(0, b), duffing_theta)).epsilon(1e-14));
    CHECK(forward(0, b) == jacobians(0, b) * w(0, b));
    CHECK(backward(0, b) == forward(0, b));
    CHECK(field->force(duffing_theta, q(0, b)) == f(0, b));
    const auto d = duffing_dtheta(q(0, b), duffing_theta);
    expected += w(0, b) * Eigen::Vector2d(d[0], d[1]);
  }
  CHECK((field->force(duffing_theta, q) - f).norm() == 0);
  CHECK((gradient - expected).norm() < 1e-13 * expected.norm());
}

TEST_CASE("make_force, D = 2: values and products are those of the callables") {
  const ForceFieldPtr field = planar_field();
  CHECK(field->dimension() == 2);
  CHECK(field->parameters() == 3);
  const Block q = plane(5);
  const Block w = plane(6).rightCols(5);
  const auto at = field->linearisation(5);
  Block f(2, 5), forward(2, 5), backward(2, 5), jacobians(4, 5);
  at->linearise(planar_theta, q, f);
  at->product(w, forward);
  at->transposed_product(w, backward);
  at->jacobians(jacobians);
  Vector gradient = Eigen::Vector3d(10, 20, 30);
  Vector expected = gradient;
  at->add_parameter_product(w, gradient);
  CHECK((field->force(planar_theta, q) - f).norm() == 0);
  for (Index b = 0; b < 5; ++b) {
    const Vector point = q.col(b);
    const Vector weight = w.col(b);
    const Eigen::MatrixXd jacobian = planar_dq(point, planar_theta);
    CHECK((f.col(b) - planar(point, planar_theta)).norm() < 1e-14);
    CHECK((forward.col(b) - jacobian * weight).norm() < 1e-14);
    CHECK((backward.col(b) - jacobian.transpose() * weight).norm() < 1e-14);
    for (Index i = 0; i < 2; ++i) {
      CHECK((jacobians.col(b).segment(2 * i, 2) - jacobian.row(i).transpose()).norm() < 1e-14);
    }
    expected += planar_dtheta(point, planar_theta).transpose() * weight;
  }
  CHECK((gradient - expected).norm() < 1e-13 * expected.norm());
}

TEST_CASE("make_force: a linearisation has room for fewer points than it was made for") {
  const ForceFieldPtr field = planar_field();
  const auto at = field->linearisation(64);
  Block f(2, 3);
  at->linearise(planar_theta, plane(3), f);
  CHECK((f - field->force(planar_theta, plane(3))).norm() == 0);
}

TEST_CASE("make_force: parameter Jacobians, records and rows are those of the products") {
  property::check_parameter_rows(*duffing_field(), duffing_theta);
  property::check_parameter_rows(*planar_field(), planar_theta);
}

TEST_CASE("check_force passes sound fields") {
  for (const Index points : {1, 2, 9, 30}) {
    CHECK(passes(duffing_field(), duffing_theta, line(points)));
    CHECK(passes(planar_field(), planar_theta, plane(points)));
  }
  const auto by_eigen = make_force(
      2, [](double q, const auto& theta) { return duffing(q, theta); },
      [](double q, const auto& theta) { return duffing_dq(q, theta); },
      [](double q, const auto&) { return Eigen::Vector2d(-q, -q * q * q); });
  CHECK(passes(by_eigen, duffing_theta, line(9)));
  const auto without_parameters = make_force(
      0, [](double q, const auto&) { return -std::sin(q); },
      [](double q, const auto&) { return -std::cos(q); },
      [](double, const auto&) { return std::array<double, 0>{}; });
  CHECK(passes(without_parameters, Vector(0), line(9)));
}

TEST_CASE("check_force fails every wrong derivative, D = 1") {
  for (const double error : {1e-4, -1e-4, -2.0, -1.0}) {  // -2: wrong sign, -1: left out
    CAPTURE(error);
    CHECK_FALSE(passes(duffing_field(error), duffing_theta, line(9)));
    CHECK_FALSE(passes(duffing_field(0, error), duffing_theta, line(9)));
    CHECK_FALSE(passes(duffing_field(0, 0, error), duffing_theta, line(9)));
  }
}

TEST_CASE("check_force fails every wrong entry of the derivatives, D = 2") {
  for (const double factor : {1 + 1e-4, -1.0, 0.0}) {
    CAPTURE(factor);
    for (Index i = 0; i < 2; ++i) {
      CAPTURE(i);
      for (Index j = 0; j < 2; ++j) {
        const auto spoil_dq = [=](Eigen::MatrixXd& dq, Eigen::MatrixXd&) { dq(i, j) *= factor; };
        CHECK_FALSE(passes(planar_field(spoil_dq), planar_theta, plane(9)));
      }
      for (Index p = 0; p < 3; ++p) {
        if (planar_dtheta(plane(1), planar_theta)(i, p) == 0) continue;
        const auto spoil_dtheta = [=](Eigen::MatrixXd&, Eigen::MatrixXd& dtheta) {
          dtheta(i, p) *= factor;
        };
        CHECK_FALSE(passes(planar_field(spoil_dtheta), planar_theta, plane(9)));
      }
    }
  }
  const auto transpose = [](Eigen::MatrixXd& dq, Eigen::MatrixXd&) { dq = dq.transpose().eval(); };
  CHECK_FALSE(passes(planar_field(transpose), planar_theta, plane(9)));
}

TEST_CASE("check_force fails, and names, every wrong result of a linearisation") {
  const auto check_one = [](Result result, double ForceCheck::*wrong) {
    for (const double factor : {1 + 1e-4, -1.0, 0.0}) {
      CAPTURE(factor);
      const SpoiledField field(planar_field(), result, factor);
      const ForceCheck check = check_force(field, planar_theta, plane(9));
      CHECK_FALSE(check.passed());
      CHECK(check.worst() == check.*wrong);
      CHECK(check.*wrong > check.tolerance);
    }
  };
  check_one(Result::linearise, &ForceCheck::value);
  check_one(Result::product, &ForceCheck::product);
  check_one(Result::transposed_product, &ForceCheck::transposed_product);
  check_one(Result::parameter_product, &ForceCheck::parameter_product);
  check_one(Result::parameter_direction, &ForceCheck::parameter_direction);
  check_one(Result::jacobians, &ForceCheck::jacobian);
  check_one(Result::parameter_jacobians, &ForceCheck::parameter_jacobian);
  const SpoiledField field(planar_field(), Result::force, 1 + 1e-4);
  CHECK_FALSE(check_force(field, planar_theta, plane(9)).passed());
}

TEST_CASE("check_force fails what is not a number") {
  const auto root = make_force(
      0, [](double q, const auto&) { return -std::sqrt(q); },
      [](double q, const auto&) { return -0.5 / std::sqrt(q); },
      [](double, const auto&) { return std::array<double, 0>{}; });
  CHECK(passes(root, Vector(0), Block::Constant(1, 1, 2.0)));
  CHECK_FALSE(passes(root, Vector(0), line(9)));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Result result :
       {Result::force, Result::linearise, Result::product, Result::transposed_product,
        Result::parameter_product, Result::parameter_direction, Result::jacobians,
        Result::parameter_jacobians}) {
    const auto field = std::make_shared<SpoiledField>(planar_field(), result, nan);
    CHECK_FALSE(passes(field, planar_theta, plane(9)));
  }
}

TEST_CASE("check_force refuses shapes that do not fit") {
  const ForceFieldPtr field = planar_field();
  CHECK_THROWS_AS((void)check_force(*field, planar_theta, line(4)), InputError);
  CHECK_THROWS_AS((void)check_force(*field, planar_theta, Block(2, 0)), InputError);
  CHECK_THROWS_AS((void)check_force(*field, duffing_theta, plane(4)), InputError);
  CHECK_THROWS_AS((void)check_force(*field, Vector(0), plane(4)), InputError);
  CHECK_THROWS_WITH_AS((void)check_force(*field, duffing_theta, plane(4)),
                       doctest::Contains("2 rows and 3 parameters"), InputError);
}

// --- fields of one's own ----------------------------------------------------------------------

namespace {

/// f_d = a_d tanh(q_d + c q_{d-1}) from its value and two products, which remember the positions.
class Coupled final : public ForceField {
 public:
  explicit Coupled(Index dimension) : dimension_(dimension) {}

  class At final : public BasicLinearisation {
   public:
    At(const Coupled& field, Index points) : BasicLinearisation(field, points) {}

   private:
    void evaluate(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
      theta_ = theta;
      tanh_ = q;
      const Index d = q.rows();
      for (Index i = 0; i < d; ++i) tanh_.row(i) += theta[d] * q.row((i + d - 1) % d);
      q_ = q;
      tanh_ = tanh_.array().tanh();
      f = theta.head(d).asDiagonal() * tanh_;
    }
    void apply_transposed(ConstBlockRef w, BlockRef out) override {
      const Index d = w.rows();
      const Block s = slopes(w);
      for (Index i = 0; i < d; ++i) out.row(i) = s.row(i) + theta_[d] * s.row((i + 1) % d);
    }
    void add_parameter_gradient(ConstBlockRef w, VectorRef gradient) override {
      const Index d = w.rows();
      const Block s = slopes(w);
      gradient.head(d) += tanh_.cwiseProduct(w).rowwise().sum();
      for (Index i = 0; i < d; ++i) gradient[d] += s.row(i).dot(q_.row((i + d - 1) % d));
    }
    [[nodiscard]] Block slopes(ConstBlockRef w) const {
      const Index d = w.rows();
      return theta_.head(d).asDiagonal() * ((1 - tanh_.array().square()) * w.array()).matrix();
    }
    Vector theta_;
    Block q_, tanh_;
  };

  [[nodiscard]] Index dimension() const override { return dimension_; }
  [[nodiscard]] Index parameters() const override { return dimension_ + 1; }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<At>(*this, points);
  }

 private:
  Index dimension_;
};

}  // namespace

TEST_CASE("a field of one's own from three functions has all derivatives") {
  for (const Index d : {1, 2, 3}) {
    const Coupled field(d);
    const Vector theta = Vector::LinSpaced(d + 1, 0.4, 1.1);
    CHECK(check_force(field, theta, Block(Block::Random(d, 5))).passed());
  }
}

TEST_CASE("its records are evaluated again where they were taken") {
  const Coupled field(2);
  const Vector theta = Eigen::Vector3d(0.4, 0.9, 1.1);
  const auto at = field.linearisation(4);
  const Block first = Block::Random(2, 4), second = Block::Random(2, 4), w = Block::Random(2, 4);
  Block f(2, 4), expected(2, 4), out(2, 4);
  std::vector<double> records(static_cast<std::size_t>(2 * at->record_size()));
  at->use_record(records.data());
  at->linearise(theta, first, f);
  at->transposed_product(w, expected);
  at->use_record(records.data() + at->record_size());
  at->linearise(theta, second, f);
  at->use_record(records.data());
  at->transposed_product(w, out);
  CHECK(out == expected);
  at->force(theta, second, f);  // leaves the record as it is
  at->transposed_product(w, out);
  CHECK(out == expected);
}

TEST_CASE("a theta of another length is refused by all that reads a field at positions") {
  const auto field = std::make_shared<Coupled>(1);
  const Dynamics dynamics(field);
  const ForceData data{Vector::LinSpaced(3, -1, 1), Vector::Zero(3), 1};
  const Vector left = Vector::LinSpaced(3, -1, -0.1);
  for (const Index length : {0, 1, 3}) {
    const Vector theta = Vector::Ones(length);
    Vector gradient = Vector::Zero(2);
    CHECK_THROWS_AS(static_cast<void>(field->force(theta, 0.5)), InputError);
    CHECK_THROWS_AS(static_cast<void>(data.jacobian(*field, theta)), InputError);
    CHECK_THROWS_AS(data.add_penalty(*field, theta, gradient), InputError);
    CHECK_THROWS_AS(static_cast<void>(data.misfit(*field, theta)), InputError);
    CHECK_THROWS_AS(PotentialWell(*field, theta, 0, {-1, 1}, 0.1), InputError);
    CHECK_THROWS_AS(static_cast<void>(nearest_bottom(*field, theta, -1, 1)), InputError);
    CHECK_THROWS_AS(static_cast<void>(potentials(*field, theta, 0, data.position)), InputError);
    CHECK_THROWS_AS(static_cast<void>(potential_gradients(*field, theta, 0, data.position)),
                    InputError);
    CHECK_THROWS_AS(static_cast<void>(isochronous_completion(*field, theta, 0, left, 6)),
                    InputError);
    CHECK_THROWS_AS(static_cast<void>(return_time(dynamics, theta, 0.1, 10, {})), InputError);
  }
}

}  // namespace test_force_field
