#include "elimination.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "isochron/random.hpp"
#include "oracles.hpp"

namespace test_elimination {

using namespace isochron;

namespace {

using Matrix = Eigen::MatrixXd;

/// A grouped Jacobian of random numbers, and the same as one matrix.
struct Problem {
  std::vector<Index> data;  // residuals of each group without its gap
  Index chain_length;
  Index s;
  double damping;

  static constexpr Index shared = 3, others = 2;

  [[nodiscard]] Index groups() const { return static_cast<Index>(data.size()); }
  [[nodiscard]] bool has_gap(Index group) const { return group % chain_length + 1 < chain_length; }

  [[nodiscard]] GroupedJacobian jacobian() const {
    GroupedJacobian j;
    Index rows = 0;
    for (Index g = 0; g < groups(); ++g) {
      j.group_sizes.push_back(data[static_cast<std::size_t>(g)] + (has_gap(g) ? s : 0));
      rows += j.group_sizes.back();
    }
    j.shared = normal_states(rows + others, shared, 1);
    j.own = normal_states(rows, s, 2);
    j.chain_length = chain_length;
    j.links = normal_states((groups() - groups() / chain_length) * s, s, 3);
    return j;
  }

  /// By own parameters; below the rows of others those of the damping.
  [[nodiscard]] Matrix whole(const GroupedJacobian& j) const {
    const Index rows = j.shared.rows(), parameters = groups() * s;
    Matrix all = Matrix::Zero(rows + parameters, parameters);
    Index row = 0, link = 0;
    for (Index g = 0; g < groups(); ++g) {
      const Index size = j.group_sizes[static_cast<std::size_t>(g)];
      all.block(row, g * s, size, s) = j.own.middleRows(row, size);
      row += size;
      if (!has_gap(g)) continue;
      all.block(row - s, (g + 1) * s, s, s) = j.links.middleRows(link, s);
      link += s;
    }
    for (Index first = 0; first < parameters; first += chain_length * s) {
      const auto chain = all.middleCols(first, chain_length * s);
      const double largest = chain.topRows(rows).colwise().squaredNorm().maxCoeff();
      all.block(rows + first, first, chain.cols(), chain.cols())
          .diagonal()
          .setConstant(std::sqrt(damping * largest));
    }
    return all;
  }
};

std::vector<Problem> problems() {
  return {
      {{5, 3, 7}, 1, 2, 0},
      {{4, 4, 4}, 3, 2, 0.1},
      {{5, 6, 3, 4, 2, 9}, 3, 2, 0},
      {{7, 1, 0, 2, 5, 0, 9, 4}, 4, 3, 0},  // windows with fewer data than unknowns, or none
      {{0, 0, 0, 1, 0, 0}, 6, 2, 0.05},     // less data than unknowns in all
      {{4, 1, 0, 1}, 4, 1, 0},
      {{12, 10, 11, 10, 12, 10, 9, 3, 2, 8}, 10, 4, 1e-3},
  };
}

double difference(const Matrix& a, const Matrix& b) { return (a - b).norm() / b.norm(); }

constexpr double rounding = 1e-12;

}  // namespace

TEST_CASE("products with linked groups are those of the whole matrix") {
  for (const Problem& problem : problems()) {
    const GroupedJacobian j = problem.jacobian();
    const Index rows = j.shared.rows();
    Matrix all(rows, Problem::shared + problem.groups() * problem.s);
    all << j.shared, problem.whole(j).topRows(rows);
    const Vector delta = normal_states(all.cols(), 1, 5), r = normal_states(rows, 1, 6);
    CHECK(difference(product(j, delta), all * delta) <= rounding);
    CHECK(difference(transposed_product(j, r), all.transpose() * r) <= rounding);
  }
}

TEST_CASE(
    "what own parameters leave, and the best of them, are those of one least-squares problem") {
  for (const Problem& problem : problems()) {
    CAPTURE(problem.data.size());
    CAPTURE(problem.s);
    const GroupedJacobian j = problem.jacobian();
    const Index rows = j.shared.rows();
    const Matrix whole = problem.whole(j);
    const auto solved = [&](const Matrix& right) -> Matrix {
      Matrix all = Matrix::Zero(whole.rows(), right.cols());
      all.topRows(rows) = right;
      return oracle::least_squares_solution(whole, all);
    };
    const Elimination elimination(j, problem.damping);

    // Whatever the rotation: what is left has the products of what the projection leaves.
    Matrix right(rows, Problem::shared + 2);
    right << j.shared, normal_states(rows, 2, 7);
    const Matrix left = elimination.rest(right);
    Matrix projected = Matrix::Zero(whole.rows(), right.cols());
    projected.topRows(rows) = right;
    projected -= whole * solved(right);
    CHECK(left.rows() == rows);
    CHECK(difference(left.transpose() * left, projected.transpose() * projected) <= rounding);
    CHECK(left.bottomRows(Problem::others) == right.bottomRows(Problem::others));
    const Vector one = right.col(3);
    CHECK(difference(elimination.rest(one), left.col(3)) <= rounding);

    const Vector delta = normal_states(Problem::shared, 1, 8);
    const Matrix best = -solved(Vector(one + j.shared * delta));
    CHECK(difference(elimination.own(one, delta), best) <= rounding);
  }
}

TEST_CASE("the factor of a chain is that of its normal matrix") {
  for (const Problem& problem : problems()) {
    const GroupedJacobian j = problem.jacobian();
    const Matrix whole = problem.whole(j);
    const Matrix normal = whole.transpose() * whole;
    const Matrix by_shared = -oracle::least_squares_solution(
        normal, whole.topRows(j.shared.rows()).transpose() * j.shared);
    const auto groups = Elimination(j, problem.damping).groups();
    const Index size = problem.chain_length * problem.s;
    CHECK(static_cast<Index>(groups.size()) * size == normal.cols());
    Index first = 0;
    for (const auto& group : groups) {
      CHECK(group.factor.isUpperTriangular(0));
      CHECK(difference(group.factor.transpose() * group.factor,
                       normal.block(first, first, size, size)) <= rounding);
      // The normal equations square the condition.
      CHECK(difference(group.by_shared, by_shared.middleRows(first, size)) <= 1e3 * rounding);
      first += size;
    }
  }
}

}  // namespace test_elimination
