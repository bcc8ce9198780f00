#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "isochron/states.hpp"

namespace isochron {

/// Records of one linearisation, `stride` numbers from one to the next: record_size() where they
/// lie side by side, more (a multiple of block_padding) where each is part of a larger record.
struct StridedRecords {
  double* first = nullptr;
  Index count = 0;
  Index stride = 0;

  [[nodiscard]] double* operator[](Index k) const { return first + k * stride; }
};

/// A force field seen from a block of B positions q (D x B): room for one linearisation.
///
/// `linearise` evaluates the field once and keeps what the products need (a network's
/// activations); everything below it reads that. Positions, forces and cotangents are D x B;
/// `theta` is copied by nobody and must stay alive and unchanged while products are taken.
/// No call allocates. One object serves one thread, and must not outlive its field.
///
/// A linearisation can be put into a record of the caller's and taken up again later, so that a
/// backward pass over many of them evaluates no force twice.
class Linearisation {
 public:
  virtual ~Linearisation() = default;

  /// f = f(q; theta), nothing kept. D x B.
  virtual void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) = 0;

  /// f = f(q; theta), and keeps the linearisation at q. D x B.
  virtual void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) = 0;

  /// out_b = J(q_b)^T w_b, J = df/dq. D x B.
  virtual void transposed_product(ConstBlockRef w, BlockRef out) = 0;

  /// gradient += sum_b (df/dtheta at q_b)^T w_b. Length P.
  virtual void add_parameter_product(ConstBlockRef w, VectorRef gradient) = 0;

  /// out_b = J(q_b) u_b. D x B.
  virtual void product(ConstBlockRef u, BlockRef out) = 0;

  /// out_b = (df/dtheta at q_b) direction, for a direction of length P. D x B.
  virtual void parameter_product(ConstVectorRef direction, BlockRef out);

  /// All Jacobians: out(i*D + j, b) = df_i/dq_j at q_b. D^2 x B.
  virtual void jacobians(BlockRef out) = 0;

  /// All derivatives by parameters: out(d*P + p, b) = df_d/dtheta_p at q_b. (D P) x B.
  virtual void parameter_jacobians(BlockRef out) = 0;

  /// Numbers in a record, a multiple of block_padding.
  [[nodiscard]] virtual Index record_size() const = 0;

  /// From now on `linearise` writes to `record` (aligned to 64 bytes) and products read it; null
  /// means the object's own. A record serves only the theta and the B it was written with.
  virtual void use_record(double* record) = 0;

  /// gradient += sum_k sum_b (df/dtheta at q_b of record k)^T w_k,b, w_k in rows k*D .. + D - 1 of
  /// w (count D x B). Leaves an unspecified record in use.
  virtual void add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                                      VectorRef gradient);

  /// rows(b*R + r, p) += sum_k w_kr,b . df/dtheta_p at q_b of record k, for R cotangents of each:
  /// rows (k*R + r)*D .. + D - 1 of w (count R D x B). Leaves an unspecified record in use.
  virtual void add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                                  RowMatrixRef rows);

 private:
  Block workspace_;
};

class ForceField;

/// A linearisation for a field of one's own, from its value and two products. All else follows from
/// these: a record keeps the positions alone, and the field is evaluated there again when the
/// record is taken up. What has a faster way of its own can be overridden.
class BasicLinearisation : public Linearisation {
 public:
  /// Room for blocks of up to `points` positions.
  BasicLinearisation(const ForceField& field, Index points);

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override;
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) final;
  void transposed_product(ConstBlockRef w, BlockRef out) final;
  void add_parameter_product(ConstBlockRef w, VectorRef gradient) final;
  void product(ConstBlockRef u, BlockRef out) override;
  void jacobians(BlockRef out) override;
  void parameter_jacobians(BlockRef out) override;
  [[nodiscard]] Index record_size() const final { return own_positions_.size(); }
  void use_record(double* record) final;

 protected:
  /// f = f(q; theta), and keeps what the next two need. D x B.
  virtual void evaluate(ConstVectorRef theta, ConstBlockRef q, BlockRef f) = 0;
  /// At the positions last evaluated: out_b = J(q_b)^T w_b. D x B.
  virtual void apply_transposed(ConstBlockRef w, BlockRef out) = 0;
  /// At the positions last evaluated: gradient += sum_b (df/dtheta at q_b)^T w_b. Length P.
  virtual void add_parameter_gradient(ConstBlockRef w, VectorRef gradient) = 0;

 private:
  void evaluate_record(Index points);

  Index dimension_;
  Index parameters_;
  Vector own_positions_;
  double* positions_;
  const double* theta_ = nullptr;
  bool is_evaluated_ = false;  // at these positions, and nowhere else since
};

/// A force per unit mass f(q; theta): R^D -> R^D with P parameters. The structure is the object,
/// the parameters are data: every evaluation takes theta. Immutable, so threads may share it.
class ForceField {
 public:
  virtual ~ForceField() = default;

  [[nodiscard]] virtual Index dimension() const = 0;   ///< D
  [[nodiscard]] virtual Index parameters() const = 0;  ///< P

  /// Room to evaluate the field on blocks of up to `points` positions.
  [[nodiscard]] virtual std::unique_ptr<Linearisation> linearisation(Index points) const = 0;

  /// f at the columns of q (D x B); a convenience that allocates.
  [[nodiscard]] Block force(ConstVectorRef theta, ConstBlockRef q) const;

  /// f at one position, D = 1.
  [[nodiscard]] double force(ConstVectorRef theta, double q) const;

  /// Throws InputError where theta has another length than P: linearisations do not look.
  void require_parameters(ConstVectorRef theta) const;
};

using ForceFieldPtr = std::shared_ptr<const ForceField>;

/// What check_force found: largest deviations, each relative to the largest magnitude compared.
struct ForceCheck {
  double value = 0;     ///< a block against its points one by one, force against linearise
  double jacobian = 0;  ///< jacobians() against central differences in q
  double product = 0;   ///< J u against the differenced Jacobian
  double transposed_product = 0;   ///< J^T w against the differenced Jacobian
  double parameter_product = 0;    ///< sum_b (df/dtheta)^T w_b against central differences in theta
  double parameter_direction = 0;  ///< (df/dtheta) u against central differences in theta
  double parameter_jacobian = 0;   ///< parameter_jacobians() against central differences in theta
  double tolerance = 0;            ///< what differences can resolve

  [[nodiscard]] double worst() const;
  [[nodiscard]] bool passed() const { return worst() <= tolerance; }
  [[nodiscard]] std::string summary() const;
};

/// Compares every analytic derivative of `field` with central differences of its force at the
/// columns of q (D x B). A derivative wrong by a factor 1 + 1e-4 fails. Throws InputError when the
/// shapes do not fit.
[[nodiscard]] ForceCheck check_force(const ForceField& field, ConstVectorRef theta,
                                     ConstBlockRef q);

/// A force field from plain callables of one position and theta, one per derivative:
///
///   D = 1   f(double q, theta) -> double,  df_dq(q, theta) -> double,
///           df_dtheta(q, theta) -> anything indexable of length P (Eigen::Vector2d, std::array).
///
/// Write theta as `const auto&`. check_force compares the three with each other.
template <class F, class DfDq, class DfDtheta>
[[nodiscard]] ForceFieldPtr make_force(Index parameters, F f, DfDq df_dq, DfDtheta df_dtheta);

/// The same in D dimensions: f -> Vector (D), df_dq -> D x D matrix, df_dtheta -> D x P matrix, all
/// of (const Vector& q, theta).
template <class F, class DfDq, class DfDtheta>
[[nodiscard]] ForceFieldPtr make_force(Index dimension, Index parameters, F f, DfDq df_dq,
                                       DfDtheta df_dtheta);

namespace detail {

using Parameters = Eigen::Ref<const Vector>;

/// One dimension: callables of a double, inlined into the loop over the block.
template <class F, class DfDq, class DfDtheta>
struct ScalarForce final : ForceField {
  ScalarForce(Index parameter_count, F value, DfDq slope, DfDtheta parameter_slope)
      : count(parameter_count),
        f(std::move(value)),
        df_dq(std::move(slope)),
        df_dtheta(std::move(parameter_slope)) {}

  struct At final : Linearisation {
    At(const ScalarForce& field, Index points)
        : owner(field), own_positions(1, padded(points)), positions(own_positions.data()) {}

    void force(ConstVectorRef at_theta, ConstBlockRef q, BlockRef out) override {
      for (Index b = 0; b < q.cols(); ++b) out(0, b) = owner.f(q(0, b), at_theta);
    }
    void linearise(ConstVectorRef at_theta, ConstBlockRef q, BlockRef out) override {
      theta = at_theta.data();
      for (Index b = 0; b < q.cols(); ++b) positions[b] = q(0, b);
      force(at_theta, q, out);
    }
    void transposed_product(ConstBlockRef w, BlockRef out) override {
      const auto k = parameters();
      for (Index b = 0; b < w.cols(); ++b) out(0, b) = owner.df_dq(positions[b], k) * w(0, b);
    }
    void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
      const auto k = parameters();
      for (Index b = 0; b < w.cols(); ++b) {
        const auto d = owner.df_dtheta(positions[b], k);
        for (Index p = 0; p < owner.count; ++p) gradient[p] += d[p] * w(0, b);
      }
    }
    void product(ConstBlockRef u, BlockRef out) override { transposed_product(u, out); }
    void jacobians(BlockRef out) override {
      const auto k = parameters();
      for (Index b = 0; b < out.cols(); ++b) out(0, b) = owner.df_dq(positions[b], k);
    }
    void parameter_jacobians(BlockRef out) override {
      const auto k = parameters();
      for (Index b = 0; b < out.cols(); ++b) {
        const auto d = owner.df_dtheta(positions[b], k);
        for (Index p = 0; p < owner.count; ++p) out(p, b) = d[p];
      }
    }
    [[nodiscard]] Index record_size() const override { return own_positions.cols(); }
    void use_record(double* record) override {
      positions = record != nullptr ? record : own_positions.data();
    }

    [[nodiscard]] Parameters parameters() const {
      return Eigen::Map<const Vector>(theta, owner.count);
    }

    const ScalarForce& owner;
    Block own_positions;
    double* positions;
    const double* theta = nullptr;
  };

  [[nodiscard]] Index dimension() const override { return 1; }
  [[nodiscard]] Index parameters() const override { return count; }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<At>(*this, points);
  }

  Index count;
  F f;
  DfDq df_dq;
  DfDtheta df_dtheta;
};

/// D dimensions: callables of a Vector, stored behind std::function.
struct VectorForce final : ForceField {
  std::function<Vector(const Vector&, const Parameters&)> f;
  std::function<Eigen::MatrixXd(const Vector&, const Parameters&)> df_dq;
  std::function<Eigen::MatrixXd(const Vector&, const Parameters&)> df_dtheta;
  Index size = 1;
  Index count = 0;

  [[nodiscard]] Index dimension() const override { return size; }
  [[nodiscard]] Index parameters() const override { return count; }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override;
};

}  // namespace detail

template <class F, class DfDq, class DfDtheta>
ForceFieldPtr make_force(Index parameters, F f, DfDq df_dq, DfDtheta df_dtheta) {
  return std::make_shared<detail::ScalarForce<F, DfDq, DfDtheta>>(
      parameters, std::move(f), std::move(df_dq), std::move(df_dtheta));
}

template <class F, class DfDq, class DfDtheta>
ForceFieldPtr make_force(Index dimension, Index parameters, F f, DfDq df_dq, DfDtheta df_dtheta) {
  auto field = std::make_shared<detail::VectorForce>();
  field->f = std::move(f);
  field->df_dq = std::move(df_dq);
  field->df_dtheta = std::move(df_dtheta);
  field->size = dimension;
  field->count = parameters;
  return field;
}

}  // namespace isochron
