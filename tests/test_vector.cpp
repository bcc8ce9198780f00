#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <new>
#include <vector>

#include "isochron/random.hpp"
#include "sundials/vector.hpp"

namespace test_vector {

using namespace isochron;
using namespace isochron::sundials;

// The operations that CVODES calls, against plain loops over the same numbers.

namespace {

/// Sums of n products of numbers of order one.
constexpr double rounding = 1e-13;

const std::vector<VectorShape> shapes = {{1, 8, 8},
                                         {1, 3, 8},
                                         {1, 321, 328},
                                         {2, 8, 8},
                                         {2, 5, 8},
                                         {2, 100, 104},
                                         {4, 17, 24},
                                         {2, 128, 128},
                                         {6, 50, 56, Norm::largest_trajectory},
                                         {2, 24, 24, Norm::largest_trajectory}};

/// Vectors of one shape, cloned from one another as CVODES does, with random numbers that are never
/// near 0, padding included.
struct Bench {
  explicit Bench(const VectorShape& s) : shape(s), first(make_vector(s, context.get())) {}

  VectorHandle random() {
    VectorHandle v(N_VClone(first.get()));
    for (double& x : as_block(v.get()).reshaped()) {
      x = (numbers.uniform() < 0.5 ? -1 : 1) * (0.5 + numbers.uniform());
    }
    return v;
  }

  Context context = make_context();
  VectorShape shape;
  VectorHandle first;
  Random numbers{1};
};

Block copy(const VectorHandle& v) { return as_block(v.get()); }

bool close(const VectorHandle& v, const Block& expected) {
  return (copy(v) - expected).cwiseAbs().maxCoeff() <= rounding;
}

}  // namespace

// Sanitizers' allocators do not let memory run out.
#ifndef ISOCHRON_SANITIZE
TEST_CASE("a clone that cannot be made is the spare vector, and the exhaustion is raised later") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  constexpr Index numbers = 8 << 20;  // 64 MB
  const Context context = make_context();
  VectorHandle first = make_vector({1, numbers, numbers}, context.get());
  VectorHandle good(N_VClone(first.get()));
  CHECK_NOTHROW(raise_exhaustion());
  rlimit tight = before;
  tight.rlim_cur = 1 << 20;  // less than there is already
  REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
  N_Vector stand_in = N_VClone(first.get());
  N_Vector another = N_VClone(good.get());
  REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
  REQUIRE(stand_in != nullptr);
  CHECK(stand_in == another);
  N_VConst(1, stand_in);
  N_VScale(2, stand_in, another);
  CHECK(as_block(first.get())(0, 0) == 0);
  CHECK_THROWS_AS(raise_exhaustion(), std::bad_alloc);
  CHECK_NOTHROW(raise_exhaustion());
  // The spare one outlives its relatives while it is lent.
  N_VDestroy(stand_in);
  first.reset();
  good.reset();
  N_VConst(3, another);
  N_VDestroy(another);
}
#endif

TEST_CASE("a new vector is zero, aligned, of the shape asked for, and a clone is like it") {
  for (const VectorShape& shape : shapes) {
    Bench bench(shape);
    const VectorHandle clone(N_VClone(bench.first.get()));
    CHECK(copy(bench.first).isZero(0));
    CHECK(N_VGetLength(bench.first.get()) == shape.rows * shape.columns);
    CHECK(N_VGetVectorID(bench.first.get()) == SUNDIALS_NVEC_CUSTOM);
    for (const N_Vector v : {bench.first.get(), clone.get()}) {
      CHECK(as_block(v).rows() == shape.rows);
      CHECK(as_block(v).cols() == shape.stride);
      CHECK(N_VGetArrayPointer(v) == as_block(v).data());
      CHECK(reinterpret_cast<std::uintptr_t>(N_VGetArrayPointer(v)) % 64 == 0);
    }
    CHECK(as_block(clone.get()).data() != as_block(bench.first.get()).data());
    as_block(clone.get())(shape.rows - 1, shape.columns - 1) = 7;
    CHECK(copy(bench.first).isZero(0));
    if (shape.rows == 1) {
      CHECK(as_row(clone.get()).size() == shape.columns);
      CHECK(as_row(clone.get())[shape.columns - 1] == 7);
    }
  }
}

TEST_CASE("elementwise operations, also in place") {
  for (const VectorShape& shape : shapes) {
    Bench bench(shape);
    const VectorHandle x = bench.random(), y = bench.random(), z = bench.random();
    const Block a = copy(x), b = copy(y);

    for (const double c : {1.0, -1.0, 0.3}) {
      for (const double d : {1.0, -1.0, -2.5, 0.0}) {
        N_VLinearSum(c, x.get(), d, y.get(), z.get());
        CHECK(close(z, c * a + d * b));
      }
      N_VScale(c, x.get(), z.get());
      CHECK(close(z, c * a));
      N_VAddConst(x.get(), c, z.get());
      CHECK(close(z, (a.array() + c).matrix()));
      N_VConst(c, z.get());
      CHECK(close(z, Block::Constant(a.rows(), a.cols(), c)));
    }
    N_VProd(x.get(), y.get(), z.get());
    CHECK(close(z, a.cwiseProduct(b)));
    N_VDiv(x.get(), y.get(), z.get());
    CHECK(close(z, a.cwiseQuotient(b)));
    N_VAbs(x.get(), z.get());
    CHECK(close(z, a.cwiseAbs()));
    N_VInv(x.get(), z.get());
    CHECK(close(z, a.cwiseInverse()));

    N_VLinearSum(2, x.get(), 3, y.get(), x.get());
    CHECK(close(x, 2 * a + 3 * b));
    N_VScale(-1, y.get(), y.get());
    CHECK(close(y, -b));
    N_VProd(y.get(), y.get(), y.get());
    CHECK(close(y, b.cwiseAbs2()));
  }
}

TEST_CASE("reductions") {
  for (const VectorShape& shape : shapes) {
    Bench bench(shape);
    const VectorHandle x = bench.random(), y = bench.random();
    // Zero padding, as CVODES leaves it in vectors of cotangents and parameters.
    for (const auto& v : {x.get(), y.get()}) {
      as_block(v).rightCols(shape.stride - shape.columns).setZero();
    }
    const Block a = copy(x), b = copy(y);
    CHECK(std::abs(N_VDotProd(x.get(), y.get()) - a.cwiseProduct(b).sum()) <=
          rounding * static_cast<double>(a.size()));
    CHECK(N_VMaxNorm(x.get()) == a.cwiseAbs().maxCoeff());
    CHECK(N_VMin(x.get()) == a.minCoeff());
    as_block(x.get())(shape.rows - 1, shape.columns - 1) = -9;
    CHECK(N_VMaxNorm(x.get()) == 9);
    CHECK(N_VMin(x.get()) == -9);
  }
}

TEST_CASE("the minimum of positive numbers is positive, as CVODES asks of its weights") {
  for (const VectorShape& shape : shapes) {
    Bench bench(shape);
    const VectorHandle x = bench.random();
    N_VAbs(x.get(), x.get());
    CHECK(N_VMin(x.get()) == copy(x).minCoeff());
    CHECK(N_VMin(x.get()) > 0);
  }
}

TEST_CASE("both weighted norms") {
  for (VectorShape shape : shapes) {
    for (const Norm norm : {Norm::root_mean_square, Norm::largest_trajectory}) {
      shape.norm = norm;
      Bench bench(shape);
      const VectorHandle x = bench.random(), w = bench.random();
      as_block(x.get()).rightCols(shape.stride - shape.columns).setZero();
      const Block weighted = copy(x).cwiseProduct(copy(w)).leftCols(shape.columns);
      const double per_trajectory =
          weighted.colwise().norm().maxCoeff() / std::sqrt(static_cast<double>(shape.rows));
      const double mean = weighted.norm() / std::sqrt(static_cast<double>(weighted.size()));
      const double expected = norm == Norm::root_mean_square ? mean : per_trajectory;
      CHECK(N_VWrmsNorm(x.get(), w.get()) == doctest::Approx(expected).epsilon(rounding));

      // A clone keeps the norm of its original.
      const VectorHandle clone(N_VClone(x.get()));
      N_VScale(2, x.get(), clone.get());
      CHECK(N_VWrmsNorm(clone.get(), w.get()) == doctest::Approx(2 * expected).epsilon(rounding));
    }
  }
}

TEST_CASE("one column alone decides the norm per trajectory, wherever it is") {
  for (const Index columns : {1, 8, 13, 100}) {
    Bench bench({2, columns, padded(columns), Norm::largest_trajectory});
    const VectorHandle x(N_VClone(bench.first.get())), w(N_VClone(bench.first.get()));
    N_VConst(1, w.get());
    for (Index b = 0; b < columns; ++b) {
      N_VConst(0, x.get());
      as_block(x.get()).col(b) << 3, -4;
      CHECK(N_VWrmsNorm(x.get(), w.get()) == doctest::Approx(5 / std::sqrt(2)));
    }
  }
}

TEST_CASE("fused combinations of any number of vectors, overwriting the first or not") {
  for (const VectorShape& shape : shapes) {
    Bench bench(shape);
    for (int count = 1; count <= 13; ++count) {
      std::vector<VectorHandle> owners;
      std::vector<N_Vector> x;
      std::vector<double> c;
      Block sum = Block::Zero(shape.rows, shape.stride);
      for (int k = 0; k < count; ++k) {
        owners.push_back(bench.random());
        x.push_back(owners.back().get());
        c.push_back(bench.numbers.normal());
        sum += c.back() * copy(owners.back());
      }
      const VectorHandle z = bench.random();
      CHECK(N_VLinearCombination(count, c.data(), x.data(), z.get()) == 0);
      CHECK(close(z, sum));
      const Block others = sum - c[0] * copy(owners[0]);
      for (const double leading : {c[0], 1.0}) {
        const VectorHandle kept(N_VClone(z.get()));
        N_VScale(1, x[0], kept.get());
        std::vector<N_Vector> in_place = x;
        std::vector<double> factors = c;
        in_place[0] = kept.get();
        factors[0] = leading;
        CHECK(N_VLinearCombination(count, factors.data(), in_place.data(), kept.get()) == 0);
        CHECK(close(kept, others + leading * copy(owners[0])));
      }
    }
  }
}

TEST_CASE("vector arrays: scaled sums and scalings, also in place") {
  const int count = 5;
  for (const VectorShape& shape : shapes) {
    Bench bench(shape);
    const VectorHandle x = bench.random();
    std::vector<VectorHandle> owners;
    std::vector<N_Vector> y, z;
    std::vector<Block> before;
    std::vector<double> c;
    for (int k = 0; k < count; ++k) {
      owners.push_back(bench.random());
      y.push_back(owners.back().get());
      before.push_back(copy(owners.back()));
      c.push_back(bench.numbers.normal());
    }
    for (int k = 0; k < count; ++k) {
      owners.push_back(bench.random());
      z.push_back(owners.back().get());
    }
    const auto at = [&](N_Vector v) { return Block(as_block(v)); };
    const Block a = copy(x);
    CHECK(N_VScaleAddMulti(count, c.data(), x.get(), y.data(), z.data()) == 0);
    for (std::size_t k = 0; k < c.size(); ++k) {
      CHECK((at(z[k]) - (c[k] * a + before[k])).cwiseAbs().maxCoeff() <= rounding);
    }
    CHECK(N_VScaleVectorArray(count, c.data(), y.data(), y.data()) == 0);
    for (std::size_t k = 0; k < c.size(); ++k) {
      CHECK((at(y[k]) - c[k] * before[k]).cwiseAbs().maxCoeff() <= rounding);
    }
    CHECK(N_VScaleAddMulti(count, c.data(), x.get(), z.data(), z.data()) == 0);
    for (std::size_t k = 0; k < c.size(); ++k) {
      CHECK((at(z[k]) - (2 * c[k] * a + before[k])).cwiseAbs().maxCoeff() <= 2 * rounding);
    }
  }
}

TEST_CASE("predictions of every order, exactly as one addition after the other") {
  // Levels of `count` vectors: CVODES' histories of the state (1) and of sensitivities (more).
  for (const VectorShape& shape : shapes) {
    for (const int count : {1, 3}) {
      for (int order = 1; order <= 13; ++order) {
        CAPTURE(order);
        Bench bench(shape);
        std::vector<VectorHandle> owners;
        std::vector<std::vector<N_Vector>> z(static_cast<std::size_t>(order) + 1);
        std::vector<std::vector<Block>> expected(z.size());
        for (std::size_t j = 0; j < z.size(); ++j) {
          for (int i = 0; i < count; ++i) {
            owners.push_back(bench.random());
            z[j].push_back(owners.back().get());
            expected[j].push_back(copy(owners.back()));
          }
        }
        const auto add = [&](std::size_t to, std::size_t from, double sign) {
          if (count == 1) {
            N_VLinearSum(1, z[to][0], sign, z[from][0], z[to][0]);
          } else {
            N_VLinearSumVectorArray(count, 1, z[to].data(), sign, z[from].data(), z[to].data());
          }
          for (std::size_t i = 0; i < z[to].size(); ++i) {
            expected[to][i] += sign * expected[from][i];
          }
        };
        const auto q = static_cast<std::size_t>(order);
        const auto predict = [&](double sign, std::size_t last) {
          for (std::size_t k = 1; k <= last; ++k) {
            for (std::size_t j = q; j >= k; --j) add(j - 1, j, sign);
          }
        };
        const auto all_equal = [&] {
          for (std::size_t j = 0; j < z.size(); ++j) {
            for (std::size_t i = 0; i < z[j].size(); ++i) {
              if (!(as_block(z[j][i]) == expected[j][i])) return false;
            }
          }
          return true;
        };
        predict(1, q);
        CHECK(all_equal());
        predict(1, q);  // and back, before anyone looks
        predict(-1, q);
        CHECK(all_equal());
        predict(1, q / 2);  // not all of it
        CHECK(all_equal());
        predict(1, q - 1);  // as many additions, the last another one
        add(0, q, 1);
        CHECK(all_equal());
        predict(1, q);
        add(0, q, -1);  // something else in the same breath
        add(0, 0, 1);
        CHECK(all_equal());
        predict(1, q);
        N_VLinearSum(1, z[0].back(), 1, z[q].back(), z[0].back());
        expected[0].back() += expected[q].back();
        CHECK(all_equal());
        predict(1, q);
        N_VScale(2, z[q][0], z[q][0]);  // of what it was before
        expected[q][0] *= 2;
        CHECK(all_equal());
        predict(-1, q);
        owners.front().reset();
        owners.clear();
      }
    }
  }
}

TEST_CASE("an addition sees the other vector as it was, relative or not") {
  Bench bench({2, 13, 16});
  const VectorHandle z = bench.random(), relative = bench.random();
  const VectorHandle stranger = make_vector(bench.shape, bench.context.get());
  N_VConst(3, stranger.get());
  for (const N_Vector y : {relative.get(), stranger.get()}) {
    const Block sum = copy(z) + as_block(y);
    N_VLinearSum(1, z.get(), 1, y, z.get());
    N_VConst(5, y);
    CHECK(copy(z) == sum);
  }
}

TEST_CASE("additions that only look like a prediction") {
  Bench bench({2, 13, 16});
  const VectorHandle a = bench.random(), b = bench.random();
  const Block before_a = copy(a), before_b = copy(b);
  N_VLinearSum(1, a.get(), 1, b.get(), a.get());
  N_VLinearSum(1, b.get(), 1, a.get(), b.get());
  N_VLinearSum(1, a.get(), 1, b.get(), a.get());
  CHECK(close(a, 2 * before_a + 3 * before_b));
  CHECK(close(b, before_a + 2 * before_b));
}

TEST_CASE("norms see additions that were put off") {
  for (const Norm norm : {Norm::root_mean_square, Norm::largest_trajectory}) {
    Bench bench({2, 16, 16, norm});
    const VectorHandle x(N_VClone(bench.first.get())), y(N_VClone(bench.first.get()));
    const VectorHandle weights = make_vector(bench.shape, bench.context.get());
    for (const N_Vector v : {x.get(), y.get(), weights.get()}) N_VConst(1, v);
    N_VLinearSum(1, x.get(), 1, y.get(), x.get());
    CHECK(N_VWrmsNorm(x.get(), weights.get()) == doctest::Approx(2).epsilon(rounding));
  }
}

TEST_CASE("storage of destroyed clones is used again, and never shared by two that live") {
  Bench bench({2, 8, 8});
  std::vector<VectorHandle> alive;
  for (int round = 0; round < 50; ++round) {
    alive.push_back(bench.random());
    as_block(alive.back().get()).setConstant(round);
    if (round % 3 == 2) alive.erase(alive.begin());
  }
  for (std::size_t i = 1; i < alive.size(); ++i) {
    CHECK(copy(alive[i])(0, 0) == copy(alive[i - 1])(0, 0) + 1);
    CHECK((copy(alive[i]).array() == copy(alive[i])(0, 0)).all());
  }
  // Clones outlive their original.
  bench.first.reset();
  CHECK(N_VMaxNorm(alive.back().get()) == 49);
}

}  // namespace test_vector
