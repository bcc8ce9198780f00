#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/mlp.hpp"
#include "parameter_rows.hpp"

namespace test_mlp {

using namespace isochron;

namespace {

using Layers = std::vector<Index>;

const std::vector<Layers> networks = {
    {1, 1},         {1, 3, 1},      {1, 16, 1}, {1, 16, 16, 1},     {2, 5, 7, 2},
    {3, 16, 16, 3}, {1, 64, 64, 1}, {5, 5},     {1, 16, 16, 16, 1}, {2, 16, 9, 4, 2}};
constexpr Activation activations[] = {Activation::tanh, Activation::softplus, Activation::sin,
                                      Activation::gelu};
const std::vector<Index> block_sizes = {1, 3, 7, 8, 9, 33};

/// sigma(z) and sigma'(z), by their definitions.
std::pair<double, double> sigma(Activation activation, double z) {
  switch (activation) {
    case Activation::tanh: return {std::tanh(z), 1 / std::pow(std::cosh(z), 2)};
    case Activation::softplus: return {std::log(1 + std::exp(z)), 1 / (1 + std::exp(-z))};
    case Activation::sin: return {std::sin(z), std::cos(z)};
    case Activation::gelu: break;
  }
  const double below = (1 + std::erf(z / std::sqrt(2))) / 2;
  return {z * below, below + z * std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1.0))};
}

/// The network at one point, read off its definition layer by layer: f, and for a cotangent w the
/// products J^T w and (df/dtheta)^T w by the chain rule.
struct Plain {
  Vector value;
  Vector input_gradient;
  Vector gradient;

  Plain(const Mlp& mlp, const Vector& theta, const Vector& q, const Vector& w)
      : gradient(Vector::Zero(theta.size())) {
    input_gradient = from_layer(1, 0, mlp, theta, q, w);
    if (mlp.skip() == Skip::linear) add_linear(mlp, theta, q, w);
  }

 private:
  /// From the inputs a of layer l, whose parameters begin at theta[first], to the end and back:
  /// returns the derivative of w . f with respect to a.
  Vector from_layer(std::size_t l, Index first, const Mlp& mlp, const Vector& theta,
                    const Vector& a, const Vector& w) {
    const Index inputs = mlp.layers()[l - 1];
    const Index outputs = mlp.layers()[l];
    const Index biases = first + outputs * inputs;
    const auto weight = [&](Index o, Index i) { return first + o * inputs + i; };
    Vector z(outputs);
    for (Index o = 0; o < outputs; ++o) {
      z[o] = mlp.bias() ? theta[biases + o] : 0;
      for (Index i = 0; i < inputs; ++i) z[o] += theta[weight(o, i)] * a[i];
    }
    Vector delta = w;
    if (l + 1 == mlp.layers().size()) {
      value = z;
    } else {
      Vector slopes(outputs);
      for (Index o = 0; o < outputs; ++o) std::tie(z[o], slopes[o]) = sigma(mlp.activation(), z[o]);
      delta = from_layer(l + 1, biases + (mlp.bias() ? outputs : 0), mlp, theta, z, w);
      for (Index o = 0; o < outputs; ++o) delta[o] *= slopes[o];
    }
    Vector below = Vector::Zero(inputs);
    for (Index o = 0; o < outputs; ++o) {
      if (mlp.bias()) gradient[biases + o] = delta[o];
      for (Index i = 0; i < inputs; ++i) {
        gradient[weight(o, i)] = delta[o] * a[i];
        below[i] += theta[weight(o, i)] * delta[o];
      }
    }
    return below;
  }

  /// A q + b, whose parameters end theta.
  void add_linear(const Mlp& mlp, const Vector& theta, const Vector& q, const Vector& w) {
    const Index d = mlp.dimension();
    const Index biases = theta.size() - (mlp.bias() ? d : 0);
    for (Index o = 0; o < d; ++o) {
      if (mlp.bias()) value[o] += theta[biases + o];
      if (mlp.bias()) gradient[biases + o] = w[o];
      for (Index i = 0; i < d; ++i) {
        const Index place = biases - d * d + o * d + i;
        value[o] += theta[place] * q[i];
        input_gradient[i] += theta[place] * w[o];
        gradient[place] = w[o] * q[i];
      }
    }
  }
};

/// Reproducible numbers of order one without structure.
Block scattered(Index rows, Index columns, double phase) {
  Block block(rows, columns);
  for (Index i = 0; i < block.size(); ++i) {
    block.data()[i] = 2.5 * std::sin(phase + 1.3 * static_cast<double>(i * i % 1009));
  }
  return block;
}

/// |a - b| relative to the larger of |b| and 1, in the largest entry.
double distance(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return (a - b).cwiseAbs().maxCoeff() / std::max(1.0, b.cwiseAbs().maxCoeff());
}

std::string text(const Layers& layers) {
  std::string widths;
  for (const Index width : layers) widths += (widths.empty() ? "" : ",") + std::to_string(width);
  return widths;
}

/// Every network above by every activation, with and without biases and a linear skip.
std::vector<Architecture> all_architectures() {
  std::vector<Architecture> all;
  for (const Layers& layers : networks) {
    for (const Activation activation : activations) {
      for (const Skip skip : {Skip::none, Skip::linear}) {
        all.push_back({layers, Symmetry::none, skip, activation});
        if (is_odd(activation)) all.push_back({layers, Symmetry::odd, skip, activation});
      }
    }
  }
  return all;
}

/// Calls check(mlp, theta) for all of them.
template <class Check>
void for_all_networks(const Check& check) {
  for (const Architecture& architecture : all_architectures()) {
    const Mlp mlp(architecture);
    CAPTURE(text(mlp.layers()));
    CAPTURE(name(mlp.activation()));
    CAPTURE(mlp.bias());
    CAPTURE(name(mlp.skip()));
    check(mlp, mlp.initial_parameters(5));
  }
}

}  // namespace

TEST_CASE("mlp: parameter counts") {
  CHECK(Mlp({1, 16, 1}).parameters() == 49);
  CHECK(Mlp({1, 16, 16, 1}).parameters() == 321);
  CHECK(Mlp({1, 1}).parameters() == 2);
  CHECK(Mlp({2, 5, 7, 2}).parameters() == (2 + 1) * 5 + (5 + 1) * 7 + (7 + 1) * 2);
  CHECK(Mlp({1, 16, 1}, Symmetry::odd).parameters() == 32);
  CHECK(Mlp({2, 5, 7, 2}, Symmetry::odd).parameters() == 2 * 5 + 5 * 7 + 7 * 2);
  CHECK(Mlp({1, 16, 16, 1}, Symmetry::none, Skip::linear).parameters() == 321 + 2);
  CHECK(Mlp({1, 16, 1}, Symmetry::odd, Skip::linear).parameters() == 32 + 1);
  CHECK(Mlp({2, 5, 7, 2}, Symmetry::none, Skip::linear).parameters() ==
        Mlp({2, 5, 7, 2}).parameters() + 4 + 2);
  CHECK(Mlp({3, 16, 3}).dimension() == 3);
}

TEST_CASE("mlp: output scale 0 leaves the linear skip alone") {
  const Mlp mlp({2, 5, 7, 2}, Symmetry::none, Skip::linear);
  const Vector theta = mlp.initial_parameters(3, 0);
  const Vector whole = mlp.initial_parameters(3);
  CHECK(theta.head(15 + 42) == whole.head(15 + 42));
  CHECK(theta.segment(15 + 42, 16).isZero(0));
  CHECK(theta.tail(6) == whole.tail(6));
  Block f(2, 3);
  const Block q = scattered(2, 3, 1);
  mlp.linearisation(3)->force(theta, q, f);
  const Block exact = (Eigen::Map<const Eigen::Matrix<double, 2, 2, Eigen::RowMajor>>(
                           theta.data() + theta.size() - 6) *
                       q)
                          .colwise() +
                      theta.tail(2);
  CHECK(distance(f, exact) <= 1e-15);
}

TEST_CASE("mlp: widths that make no force field are refused") {
  for (const Layers& layers :
       {Layers{}, Layers{1}, Layers{1, 16, 2}, Layers{1, 0, 1}, Layers{0, 0}, Layers{1, -3, 1}}) {
    CAPTURE(text(layers));
    CHECK_THROWS_AS(Mlp{layers}, InputError);
  }
}

TEST_CASE("mlp: odd forces of activations that are not odd are refused") {
  for (const Activation activation : {Activation::softplus, Activation::gelu}) {
    CHECK_THROWS_AS(Mlp({1, 4, 1}, Symmetry::odd, Skip::none, activation), InputError);
  }
}

TEST_CASE("mlp: f, J u, J^T w, (df/dtheta) u and (df/dtheta)^T w are those of the definition") {
  for_all_networks([](const Mlp& mlp, const Vector& theta) {
    const Index d = mlp.dimension();
    for (const Index points : block_sizes) {
      CAPTURE(points);
      const Block q = scattered(d, points, 0.1);
      const Block w = scattered(d, points, 0.7);
      const auto at = mlp.linearisation(points);
      Block f(d, points), again(d, points), forward(d, points), backward(d, points);
      Block by_parameters(d, points);
      const Vector direction = scattered(theta.size(), 1, 0.5);
      Block jacobians(d * d, points);
      at->force(theta, q, f);
      at->linearise(theta, q, again);
      at->product(w, forward);
      at->transposed_product(w, backward);
      at->parameter_product(direction, by_parameters);
      at->jacobians(jacobians);
      const Vector start = scattered(theta.size(), 1, 0.3);
      Vector gradient = start;  // products are added
      at->add_parameter_product(w, gradient);

      Vector expected = start;
      for (Index b = 0; b < points; ++b) {
        const Plain plain(mlp, theta, q.col(b), w.col(b));
        CHECK(distance(f.col(b), plain.value) < 1e-14);
        CHECK(distance(backward.col(b), plain.input_gradient) < 1e-14);
        expected += plain.gradient;
        Vector along = Vector::Zero(d), along_parameters = Vector::Zero(d);
        for (Index i = 0; i < d; ++i) {
          const Plain output(mlp, theta, q.col(b), Vector::Unit(d, i));
          CHECK(distance(jacobians.col(b).segment(i * d, d), output.input_gradient) < 1e-14);
          along[i] = output.input_gradient.dot(w.col(b));
          along_parameters[i] = output.gradient.dot(direction);
        }
        CHECK(distance(forward.col(b), along) < 1e-14);
        CHECK(distance(by_parameters.col(b), along_parameters) < 1e-13);
      }
      CHECK((again - f).norm() == 0);
      // A sum of B terms of order one.
      CHECK(distance(gradient, expected) < 1e-15 * static_cast<double>(10 + points));
    }
  });
}

TEST_CASE("mlp: check_force" * doctest::test_suite("long")) {
  for_all_networks([](const Mlp& mlp, const Vector& theta) {
    for (const Index points : {1, 9}) {
      if (points > 1 && theta.size() > 400) continue;
      const ForceCheck check = check_force(mlp, theta, scattered(mlp.dimension(), points, 0.4));
      CAPTURE(check.summary());
      CHECK(check.passed());
    }
  });
}

TEST_CASE("mlp: parameter Jacobians, records and rows are those of the products, point by point" *
          doctest::test_suite("long")) {
  for_all_networks([](const Mlp& mlp, const Vector& theta) {
    if (theta.size() < 400) property::check_parameter_rows(mlp, theta);
  });
}

TEST_CASE("mlp: sums over many records are those point by point, however records lie in memory") {
  for (const Layers& layers : {Layers{1, 5, 1}, Layers{2, 5, 2}}) {
    CAPTURE(text(layers));
    const Mlp mlp(layers);
    for (const Index spare : {0, 8}) {
      for (const Index gap : {Index{0}, block_padding}) {
        property::check_records(mlp, mlp.initial_parameters(5), {12, spare, gap, 70}, 2);
      }
    }
  }
}

TEST_CASE("mlp: products belong to the last linearisation, however often they are asked for") {
  for (const Layers& layers : {Layers{1, 16, 1}, Layers{2, 5, 7, 2}}) {
    CAPTURE(text(layers));
    const Mlp mlp(layers);
    const Index d = mlp.dimension();
    const auto reused = mlp.linearisation(20);
    for (const Index points : {9, 20, 3}) {
      CAPTURE(points);
      const Vector theta = mlp.initial_parameters(static_cast<std::uint64_t>(points));
      const Block q = scattered(d, points, static_cast<double>(points));
      const Block w = scattered(d, points, 0.7);
      const auto fresh = mlp.linearisation(points);
      Block out(d, points), expected(d, points);
      reused->linearise(theta, q, out);
      fresh->linearise(theta, q, expected);
      Vector gradient = Vector::Zero(theta.size());
      Vector expected_gradient = gradient;
      fresh->add_parameter_product(w, expected_gradient);
      fresh->transposed_product(w, expected);
      for (int repetition = 0; repetition < 2; ++repetition) {
        reused->transposed_product(w, out);
        CHECK(out == expected);
        gradient.setZero();
        reused->add_parameter_product(w, gradient);
        CHECK(gradient == expected_gradient);
        reused->force(theta, w, out);  // an evaluation elsewhere keeps nothing
      }
    }
  }
}

TEST_CASE("mlp: a point's results do not depend on its place in the block") {
  const Mlp mlp({2, 16, 16, 2});
  const Vector theta = mlp.initial_parameters(1);
  const Block q = scattered(2, 20, 0.2);
  const Block f = mlp.force(theta, q);
  for (Index b = 0; b < q.cols(); ++b) {
    CHECK((mlp.force(theta, q.rightCols(q.cols() - b)).col(0) - f.col(b)).norm() == 0);
  }
}

TEST_CASE("mlp: a block inside a larger one; nothing beyond it is read or written") {
  const double sentinel = 77;
  const Mlp mlp({2, 5, 16, 2});
  const Vector theta = mlp.initial_parameters(3);
  const auto at = mlp.linearisation(32);  // room to spare
  for (const Index points : {1, 7, 8, 13}) {
    CAPTURE(points);
    Block q = Block::Constant(2, 32, std::nan(""));
    q.middleCols(3, points) = scattered(2, points, 0.2);
    const auto inside = [&](auto& block) { return block.middleCols(3, points); };
    Block out[5];
    for (Block& block : out) block = Block::Constant(4, 32, sentinel);

    at->force(theta, inside(q), inside(out[0]).topRows(2));
    at->linearise(theta, inside(q), inside(out[1]).topRows(2));
    at->product(inside(q), inside(out[2]).topRows(2));
    at->transposed_product(inside(q), inside(out[3]).topRows(2));
    at->jacobians(inside(out[4]));
    Vector gradient = Vector::Zero(theta.size());
    at->add_parameter_product(inside(q), gradient);

    CHECK((inside(out[0]).topRows(2) - mlp.force(theta, Block(inside(q)))).norm() == 0);
    CHECK(gradient.allFinite());
    for (Block& block : out) {
      CHECK(inside(block).allFinite());
      CHECK((block.leftCols(3).array() == sentinel).all());
      CHECK((block.rightCols(32 - 3 - points).array() == sentinel).all());
    }
  }
}

TEST_CASE("mlp: without biases the force is odd to the last bit") {
  for (const Architecture& architecture : all_architectures()) {
    if (architecture.symmetry != Symmetry::odd) continue;
    const Mlp mlp(architecture);
    CAPTURE(text(mlp.layers()));
    CAPTURE(name(mlp.activation()));
    CHECK_FALSE(mlp.bias());
    const Vector theta = 3 * mlp.initial_parameters(8);
    const Block q = scattered(mlp.dimension(), 100, 0.6);
    CHECK(mlp.force(theta, -q) == -mlp.force(theta, q));
    CHECK(mlp.force(theta, Block::Zero(mlp.dimension(), 1)).norm() == 0);
  }
  const Mlp biased({1, 16, 1});
  const Vector theta = biased.initial_parameters(8);
  CHECK(biased.force(theta, -1.0) != -biased.force(theta, 1.0));
}

TEST_CASE("mlp: initial parameters are drawn in the order of theta, uniform in +-1/sqrt(fan-in)") {
  for_all_networks([](const Mlp& mlp, const Vector&) {
    const std::uint64_t seed = 20;
    const Vector theta = mlp.initial_parameters(seed);
    CHECK(theta == mlp.initial_parameters(seed));
    CHECK(theta != mlp.initial_parameters(seed + 1));
    std::mt19937_64 engine(seed);
    Index next = 0;
    Layers widths = mlp.layers();
    // The linear skip is one more layer from a position to a force.
    if (mlp.skip() == Skip::linear) widths.push_back(mlp.dimension());
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
      const Index fan_in = widths[l];
      const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
      for (Index i = 0; i < (fan_in + (mlp.bias() ? 1 : 0)) * widths[l + 1]; ++i, ++next) {
        const double uniform = std::ldexp(static_cast<double>(engine() >> 11), -53);
        CHECK(theta[next] == doctest::Approx(bound * (2 * uniform - 1)).epsilon(1e-15));
        CHECK(std::abs(theta[next]) <= bound);
      }
    }
    CHECK(next == mlp.parameters());
  });
}

}  // namespace test_mlp
