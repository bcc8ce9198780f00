#include "triangular_tree.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <random>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "threads.hpp"

namespace test_triangular_tree {

using namespace isochron;

namespace {

using Matrix = Eigen::MatrixXd;

constexpr Index columns = 6;
const std::function<bool()> never = [] { return false; };

/// Leaf number i: some have fewer rows than columns.
Matrix rows_of_leaf(Index i) {
  return normal_states(3 + 5 * (i % 4), columns, static_cast<std::uint64_t>(50 + i));
}

Matrix all_rows(Index leaves) {
  Matrix all(0, columns);
  for (Index i = 0; i < leaves; ++i) {
    const Matrix rows = rows_of_leaf(i);
    all.conservativeResize(all.rows() + rows.rows(), Eigen::NoChange);
    all.bottomRows(rows.rows()) = rows;
  }
  return all;
}

std::vector<Index> in_order(Index leaves) {
  std::vector<Index> order(static_cast<std::size_t>(leaves));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Matrix root_of(const std::vector<Index>& order, std::size_t threads) {
  TriangularTree tree(static_cast<Index>(order.size()), merging_triangles(never));
  std::atomic<std::size_t> next{0};
  run_on_threads(threads, [&](std::size_t) {
    for (std::size_t i = next++; i < order.size(); i = next++) {
      tree.add(order[i], triangle_of(rows_of_leaf(order[i]), never));
    }
  });
  return tree.root();
}

}  // namespace

TEST_CASE("a triangle has the products of the rows, also of few") {
  for (const Index rows : {0, 1, 5, 6, 40}) {
    CAPTURE(rows);
    const Matrix all = normal_states(rows, columns, 3);
    const Matrix triangle = triangle_of(all, never);
    CHECK(triangle.rows() == columns);
    CHECK(triangle.isUpperTriangular(0));
    CHECK((triangle.transpose() * triangle - all.transpose() * all).cwiseAbs().maxCoeff() <= 1e-13);
  }
}

TEST_CASE("the root of a tree is the triangle of all rows, for any number of leaves") {
  for (Index leaves = 1; leaves <= 17; ++leaves) {
    CAPTURE(leaves);
    const Matrix root = root_of(in_order(leaves), 1);
    const Matrix rows = all_rows(leaves);
    const Matrix products = rows.transpose() * rows;
    CHECK(root.isUpperTriangular(0));
    CHECK((root.transpose() * root - products).norm() <= 1e-14 * products.norm());
  }
}

TEST_CASE("the root is the same to the last bit for any order of leaves and number of threads") {
  for (const Index leaves : {2, 7, 11, 16}) {
    const Matrix root = root_of(in_order(leaves), 1);
    std::vector<Index> order = in_order(leaves);
    std::mt19937 random(1);
    for (int shuffle = 0; shuffle < 20; ++shuffle) {
      std::shuffle(order.begin(), order.end(), random);
      CHECK(root_of(order, 1) == root);
    }
    for (const std::size_t threads : {2, 7}) CHECK(root_of(order, threads) == root);
  }
}

TEST_CASE("a merge that takes long can be stopped") {
  const std::function<bool()> always = [] { return true; };
  TriangularTree tree(2, merging_triangles(always));
  const Matrix triangle = Matrix::Identity(700, 700);
  tree.add(0, triangle);
  CHECK_THROWS_AS(tree.add(1, triangle), Interrupted);
}

}  // namespace test_triangular_tree
