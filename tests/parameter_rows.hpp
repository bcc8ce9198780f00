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

/// Room for `count` records of `size` numbers, `gap` apart.
class Records {
 public:
  Records(Index size, Index count, Index gap)
      : memory_(static_cast<std::size_t>((size + gap) * count) + 8, untouched_) {
    void* first = memory_.data();
    std::size_t room = memory_.size() * sizeof(double);
    const std::size_t bytes = static_cast<std::size_t>((size + gap) * count) * sizeof(double);
    all_ = {static_cast<double*>(std::align(64, bytes, first, room)), count, size + gap};
  }
  [[nodiscard]] double* at(Index k) const { return all_[k]; }
  [[nodiscard]] const StridedRecords& all() const { return all_; }
  [[nodiscard]] bool are_gaps_untouched(Index size) const {
    for (Index k = 0; k < all_.count; ++k) {
      if (!std::all_of(at(k) + size, at(k) + all_.stride, [](double x) { return x == untouched_; }))
        return false;
    }
    return true;
  }

 private:
  static constexpr double untouched_ = 77;
  std::vector<double> memory_;
  StridedRecords all_;
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

/// How far sums over records are from those point by point.
struct SumDeviation {
  double products = 0;
  double rows = 0;
};

/// Of the sums that `at` takes over records of it, linearisations of `field` at the columns of q_k,
/// for `cotangents` cotangents. Nothing is written beside the rows.
inline SumDeviation deviation_of_sums(Linearisation& at, const StridedRecords& records,
                                      const ForceField& field, const Vector& theta,
                                      const std::vector<Block>& q, Index cotangents) {
  const Index d = field.dimension(), points = q.front().cols();
  const auto exact = [&](Index k, Index b, const Vector& w) {
    return point_product(field, theta, q[static_cast<std::size_t>(k)].col(b), w);
  };
  SumDeviation found;
  const Block weights = scattered_numbers(records.count * cotangents * d, points + 6, 2.2);
  const auto w = weights.middleCols(3, points);
  RowMatrix all = scattered_numbers(points * cotangents + 4, theta.size() + 2, 3.1);
  const RowMatrix before = all;
  const auto rows_of = [&](RowMatrix& matrix) {
    return matrix.block(2, 1, points * cotangents, theta.size());
  };
  at.add_parameter_rows(records, w, rows_of(all));
  RowMatrix expected = before;
  for (Index b = 0; b < points; ++b) {
    for (Index r = 0; r < cotangents; ++r) {
      for (Index k = 0; k < records.count; ++k) {
        rows_of(expected).row(b * cotangents + r) +=
            exact(k, b, w.col(b).segment((k * cotangents + r) * d, d)).transpose();
      }
    }
  }
  found.rows = deviation(all, expected);
  rows_of(all) = rows_of(expected);
  CHECK(all == expected);

  const Vector start = scattered_numbers(theta.size() + 2, 1, 4.7);
  Vector sum = start, expected_sum = start;
  at.add_parameter_products(records, w.topRows(records.count * d), sum.segment(1, theta.size()));
  for (Index k = 0; k < records.count; ++k) {
    for (Index b = 0; b < points; ++b) {
      expected_sum.segment(1, theta.size()) += exact(k, b, w.col(b).segment(k * d, d));
    }
  }
  found.products = deviation(sum, expected_sum);
  CHECK(sum[0] == start[0]);
  CHECK(sum[theta.size() + 1] == start[theta.size() + 1]);
  return found;
}

/// Records of `points` points in a linearisation with room for `spare` more, `gap` numbers apart.
struct Layout {
  Index points;
  Index spare;
  Index gap;
  Index count = 3;
};

/// Products of a linearisation that was put away and taken up again are those of a fresh one, and
/// sums over records are those point by point.
inline void check_records(const ForceField& field, const Vector& theta, const Layout& layout,
                          Index cotangents) {
  const Index d = field.dimension(), points = layout.points;
  const auto at = field.linearisation(points + layout.spare);
  REQUIRE(at->record_size() % block_padding == 0);
  const Records records(at->record_size(), layout.count, layout.gap);
  std::vector<Block> q;
  Block f(d, points), out(d, points), expected(d, points);
  for (Index k = 0; k < layout.count; ++k) {
    q.push_back(scattered_numbers(d, points, 0.4 + static_cast<double>(k)));
    at->use_record(records.at(k));
    at->linearise(theta, q.back(), f);
  }
  const Block elsewhere = scattered_numbers(d, points, 9.1);
  at->use_record(nullptr);
  at->linearise(theta, elsewhere, f);

  const Block u = scattered_numbers(d, points, 5.3);
  const auto as_fresh = [&](const Block& positions) {
    const auto fresh = field.linearisation(points + layout.spare);
    fresh->linearise(theta, positions, f);
    Vector product = Vector::Zero(theta.size()), expected_product = product;
    fresh->add_parameter_product(u, expected_product);
    at->add_parameter_product(u, product);
    fresh->transposed_product(u, expected);
    at->transposed_product(u, out);
    return product == expected_product && out == expected;
  };
  for (Index k = layout.count - 1; k >= 0; --k) {
    at->use_record(records.at(k));
    CHECK(as_fresh(q[static_cast<std::size_t>(k)]));
  }

  const SumDeviation sums = deviation_of_sums(*at, records.all(), field, theta, q, cotangents);
  CHECK(sums.rows <= 1e-14);
  CHECK(sums.products <= 1e-14);
  CHECK(records.are_gaps_untouched(at->record_size()));

  at->use_record(nullptr);  // the object's own is still there
  CHECK(as_fresh(elsewhere));
}

inline void check_parameter_rows(const ForceField& field, const Vector& theta) {
  for (const Index points : {1, 3, 8, 9, 20}) {
    CAPTURE(points);
    check_parameter_jacobians(field, theta, points);
    for (const Index cotangents : {Index{1}, 2 * field.dimension()}) {
      CAPTURE(cotangents);
      check_records(field, theta, {points, 0, 0}, cotangents);
      check_records(field, theta, {points, 0, 3 * block_padding}, cotangents);
      check_records(field, theta, {points, 3, 0}, cotangents);
    }
  }
}

}  // namespace isochron::property
