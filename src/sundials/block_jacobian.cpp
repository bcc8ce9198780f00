#include "sundials/block_jacobian.hpp"

#include <Eigen/LU>

#include "sundials/vector.hpp"

namespace isochron::sundials {
namespace {

/// shift I + scale J.
struct BlockJacobian {
  const BlockDynamics* dynamics = nullptr;
  System system = System::state;
  Block field;  // D^2 x stride
  double scale = 1;
  double shift = 0;

  [[nodiscard]] Index dimension() const { return dynamics->dynamics().dimension(); }
  [[nodiscard]] Index stride() const { return field.cols(); }
  [[nodiscard]] bool newtonian() const {
    return dynamics->dynamics().motion() == Motion::newtonian;
  }
  /// The factor of A (and of I in the off-diagonal block) for each trajectory: +-scale T.
  [[nodiscard]] Eigen::ArrayXd factor() const {
    const double sign = system == System::state ? 1 : -1;
    return sign * scale * Eigen::Map<const Eigen::ArrayXd>(dynamics->end_times(), stride());
  }
};

BlockJacobian& content(SUNMatrix matrix) { return *static_cast<BlockJacobian*>(matrix->content); }

/// out += A x, or A^T x for the adjoint, at all trajectories.
template <class Out>
void add_field_product(const BlockJacobian& jacobian, ConstBlockRef x, Out&& out) {
  const Index d = jacobian.dimension();
  for (Index i = 0; i < d; ++i) {
    for (Index j = 0; j < d; ++j) {
      const Index entry = jacobian.system == System::state ? i * d + j : j * d + i;
      out.row(i).array() += jacobian.field.row(entry).array() * x.row(j).array();
    }
  }
}

/// Inverses of shift^2 I - c^2 A (Newtonian) or shift I + c A (first order), transposed for the
/// adjoint: D^2 x stride, laid out as the Jacobians.
struct Factors {
  Block inverse;
};

void factorise(const BlockJacobian& jacobian, Factors& factors) {
  const Index d = jacobian.dimension();
  const Eigen::ArrayXd c = jacobian.factor();
  const double diagonal = jacobian.newtonian() ? jacobian.shift * jacobian.shift : jacobian.shift;
  const Eigen::ArrayXd weight = jacobian.newtonian() ? Eigen::ArrayXd(-c * c) : c;
  if (d == 1) {
    factors.inverse =
        (diagonal + weight * jacobian.field.row(0).transpose().array()).inverse().transpose();
    return;
  }
  factors.inverse.resize(d * d, jacobian.stride());
  Eigen::MatrixXd block(d, d);
  for (Index b = 0; b < jacobian.stride(); ++b) {
    // The stored A is row by row, so this column-major view of it is A^T.
    block = weight[b] * jacobian.field.col(b).reshaped(d, d);
    block.diagonal().array() += diagonal;
    if (jacobian.system == System::state) block.transposeInPlace();
    factors.inverse.col(b) = block.partialPivLu().inverse().transpose().reshaped();
  }
}

template <class Out>
void apply_inverse(const Factors& factors, ConstBlockRef x, Out&& out) {
  const Index d = x.rows();
  for (Index i = 0; i < d; ++i) {
    out.row(i) = factors.inverse.row(i * d).cwiseProduct(x.row(0));
    for (Index j = 1; j < d; ++j) {
      out.row(i) += factors.inverse.row(i * d + j).cwiseProduct(x.row(j));
    }
  }
}

/// [s I, c I; c A, s I] (x_q, x_v) = (b_q, b_v), or its adjoint twin with the halves exchanged:
/// eliminate the half that the identity couples.
void solve_newtonian(const BlockJacobian& jacobian, const Factors& factors, ConstBlockRef b,
                     BlockRef x) {
  const Index d = jacobian.dimension();
  const auto c = jacobian.factor().transpose().eval();
  const bool forward = jacobian.system == System::state;
  const auto b_near = forward ? b.topRows(d) : b.bottomRows(d);
  const auto b_far = forward ? b.bottomRows(d) : b.topRows(d);
  auto x_near = forward ? x.topRows(d) : x.bottomRows(d);
  auto x_far = forward ? x.bottomRows(d) : x.topRows(d);

  const Block reduced = jacobian.shift * b_near - Block((b_far.array().rowwise() * c).matrix());
  apply_inverse(factors, reduced, x_near);
  Block coupled = Block::Zero(d, jacobian.stride());
  add_field_product(jacobian, x_near, coupled);
  x_far = (b_far.array() - coupled.array().rowwise() * c) / jacobian.shift;
}

// SUNMatrix operations.

// No exception, not even of memory that runs out, crosses the C frames of SUNDIALS.
template <class F>
int guarded(F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    note_exhaustion();
    return SUNLS_MEM_FAIL;
  }
}

void destroy(SUNMatrix matrix) {
  delete static_cast<BlockJacobian*>(matrix->content);
  matrix->content = nullptr;
  SUNMatFreeEmpty(matrix);
}

int set_zero(SUNMatrix matrix) {
  content(matrix).scale = 0;
  content(matrix).shift = 0;
  return 0;
}

int copy(SUNMatrix from, SUNMatrix to) {
  return guarded([&] {
    content(to) = content(from);
    return 0;
  });
}

SUNMatrix clone(SUNMatrix matrix);

int scale_add_identity(sunrealtype c, SUNMatrix matrix) {
  content(matrix).scale *= c;
  content(matrix).shift = c * content(matrix).shift + 1;
  return 0;
}

SUNMatrix allocate(const BlockJacobian& jacobian, SUNContext context) {
  SUNMatrix matrix = check_handle(SUNMatNewEmpty(context));
  matrix->ops->getid = [](SUNMatrix) { return SUNMATRIX_CUSTOM; };
  matrix->ops->clone = clone;
  matrix->ops->destroy = destroy;
  matrix->ops->zero = set_zero;
  matrix->ops->copy = copy;
  matrix->ops->scaleaddi = scale_add_identity;
  matrix->content = new BlockJacobian(jacobian);
  return matrix;
}

SUNMatrix clone(SUNMatrix matrix) {
  try {
    return allocate(content(matrix), matrix->sunctx);
  } catch (...) {
    note_exhaustion();
    return nullptr;
  }
}

// SUNLinearSolver operations.

Factors& content(SUNLinearSolver solver) { return *static_cast<Factors*>(solver->content); }

int setup(SUNLinearSolver solver, SUNMatrix matrix) {
  return guarded([&] {
    factorise(content(matrix), content(solver));
    return content(solver).inverse.allFinite() ? 0 : SUNLS_LUFACT_FAIL;
  });
}

int solve(SUNLinearSolver solver, SUNMatrix matrix, N_Vector x, N_Vector b, sunrealtype) {
  return guarded([&] {
    const BlockJacobian& jacobian = content(matrix);
    if (jacobian.newtonian()) {
      solve_newtonian(jacobian, content(solver), as_block(b), as_block(x));
    } else {
      apply_inverse(content(solver), as_block(b), as_block(x));
    }
    return 0;
  });
}

}  // namespace

Matrix make_block_matrix(const BlockDynamics& dynamics, Index stride, System system,
                         SUNContext context) {
  BlockJacobian jacobian;
  jacobian.dynamics = &dynamics;
  jacobian.system = system;
  const Index d = dynamics.dynamics().dimension();
  jacobian.field = Block::Zero(d * d, stride);
  return Matrix(allocate(jacobian, context));
}

BlockRef field_jacobians(SUNMatrix matrix) {
  content(matrix).scale = 1;
  content(matrix).shift = 0;
  return content(matrix).field;
}

LinearSolver make_block_solver(SUNContext context) {
  SUNLinearSolver solver = check_handle(SUNLinSolNewEmpty(context));
  solver->ops->gettype = [](SUNLinearSolver) { return SUNLINEARSOLVER_DIRECT; };
  solver->ops->initialize = [](SUNLinearSolver) { return 0; };
  solver->ops->setup = setup;
  solver->ops->solve = solve;
  solver->ops->free = [](SUNLinearSolver s) {
    delete static_cast<Factors*>(s->content);
    s->content = nullptr;
    SUNLinSolFreeEmpty(s);
    return 0;
  };
  solver->content = new Factors;
  return LinearSolver(solver);
}

}  // namespace isochron::sundials
