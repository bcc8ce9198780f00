#pragma once

// What a linearisation says of its derivatives by the parameters and of its records, checked for
// any field against add_parameter_product at one point at a time.

#include <doctest/doctest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "isochron/force_field.hpp"

namespace isochron::property {

/// Reproducible numbers of order one without structure.
inline Block scattered_numbers(Index rows, Index columns, double phase) {
  Block block(rows, columns);
  for (Index i = 0; i < block.size(); ++i) {
    block.data()[i] = 1.8 * std::sin(phase + 1.3 * static_cast<double>(i * i % 1009));
  }
  return block;
}

/// Room for `count` records of `size` numbers.
class Records {
 public:
  Records(Index size, Index count)
      : size_(size), memory_(static_cast<std::size_t>(size * count) + 8) {
    void* first = memory_.data();
    std::size_t room = memory_.size() * sizeof(double);
    first_ = static_cast<double*>(
        std::align(64, static_cast<std::size_t>(size * count) * sizeof(double), first, room));
  }
  [[nodiscard]] double* at(Index k) { return first_ + k * size_; }

 private:
  Index size_;
  std::vector<double> memory_;
  double* first_ = nullptr;
};

/// (df/dtheta at q)^T w.
inline Vector point_product(const ForceField& field, const Vector& theta, const Vector& q,
                            const Vector& w) {
  const auto at = field.linearisation(1);
  Block f(q.size(), 1);
  at->linearise(theta, Block(q), f);
  Vector product = Vector::Zero(theta.size());
  at->add_parameter_product(Block(w), product);
  return product;
}

/// Largest deviation, in units of the largest entry or 1.
inline double deviation(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return (a - b).cwiseAbs().maxCoeff() / std::max(1.0, b.cwiseAbs().maxCoeff());
}

/// Row d P + p of parameter_jacobians is df_d/dtheta_p; nothing else is written.
inline void check_parameter_jacobians(const ForceField& field, const Vector& theta, Index points) {
  const Index d = field.dimension(), count = theta.size();
  const Block q = scattered_numbers(d, points, 0.2);
  const double sentinel = 77;
  const auto at = field.linearisation(points + 5);
  Block f(d, points);
  at->linearise(theta, q, f);
  Block wide = Block::Constant(d * count, points + 4, sentinel);
  at->parameter_jacobians(wide.middleCols(2, points));
  CHECK((wide.leftCols(2).array() == sentinel).all());
  CHECK((wide.rightCols(2).array() == sentinel).all());
  for (Index b = 0; b < points; ++b) {
    for (Index i = 0; i < d; ++i) {
      const Vector expected = point_product(field, theta, q.col(b), Vector::Unit(d, i));
      CHECK(deviation(wide.col(2 + b).segment(i * count, count), expected) <= 1e-14);
    }
  }
}

/// Products of a linearisation that was put away and taken up again are those of a fresh one, and
/// rows for `cotangents` cotangents are sums over the records, point by point.
inline void check_records(const ForceField& field, const Vector& theta, Index points,
                          Index cotangents) {
  const Index d = field.dimension(), count = 3;
  const auto at = field.linearisation(points + 3);
  REQUIRE(at->record_size() % block_padding == 0);
  Records records(at->record_size(), count);
  std::vector<Block> q;
  Block f(d, points), out(d, points), expected(d, points);
  for (Index k = 0; k < count; ++k) {
    q.push_back(scattered_numbers(d, points, 0.4 + static_cast<double>(k)));
    at->use_record(records.at(k));
    at->linearise(theta, q.back(), f);
  }
  const Block elsewhere = scattered_numbers(d, points, 9.1);
  at->use_record(nullptr);
  at->linearise(theta, elsewhere, f);

  const Block u = scattered_numbers(d, points, 5.3);
  const auto as_fresh = [&](const Block& positions) {
    const auto fresh = field.linearisation(points + 3);
    fresh->linearise(theta, positions, f);
    Vector product = Vector::Zero(theta.size()), expected_product = product;
    fresh->add_parameter_product(u, expected_product);
    at->add_parameter_product(u, product);
    fresh->transposed_product(u, expected);
    at->transposed_product(u, out);
    return product == expected_product && out == expected;
  };
  for (Index k = count - 1; k >= 0; --k) {
    at->use_record(records.at(k));
    CHECK(as_fresh(q[static_cast<std::size_t>(k)]));
  }

  const Block weights = scattered_numbers(count * cotangents * d, points + 6, 2.2);
  const auto w = weights.middleCols(3, points);
  Eigen::MatrixXd all = scattered_numbers(points * cotangents + 4, theta.size() + 2, 3.1);
  const Eigen::MatrixXd before = all;
  at->add_parameter_rows(records.at(0), count, w,
                         all.block(2, 1, points * cotangents, theta.size()));
  Eigen::MatrixXd exact = before;
  for (Index b = 0; b < points; ++b) {
    for (Index r = 0; r < cotangents; ++r) {
      for (Index k = 0; k < count; ++k) {
        exact.row(2 + b * cotangents + r).segment(1, theta.size()) +=
            point_product(field, theta, q[static_cast<std::size_t>(k)].col(b),
                          w.col(b).segment((k * cotangents + r) * d, d))
                .transpose();
      }
    }
  }
  CHECK(deviation(all, exact) <= 1e-14);
  all.block(2, 1, points * cotangents, theta.size()) =
      before.block(2, 1, points * cotangents, theta.size());
  CHECK(all == before);  // nothing beside the rows

  at->use_record(nullptr);  // the object's own is still there
  CHECK(as_fresh(elsewhere));
}

inline void check_parameter_rows(const ForceField& field, const Vector& theta) {
  for (const Index points : {1, 3, 8, 9, 20}) {
    CAPTURE(points);
    check_parameter_jacobians(field, theta, points);
    for (const Index cotangents : {Index{1}, 2 * field.dimension()}) {
      CAPTURE(cotangents);
      check_records(field, theta, points, cotangents);
    }
  }
}

}  // namespace isochron::property
