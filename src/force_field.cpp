#include "isochron/force_field.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "sentence.hpp"

namespace isochron {

Block ForceField::force(ConstVectorRef theta, ConstBlockRef q) const {
  require_parameters(theta);
  Block f(q.rows(), q.cols());
  linearisation(q.cols())->force(theta, q, f);
  return f;
}

double ForceField::force(ConstVectorRef theta, double q) const {
  return force(theta, Block::Constant(1, 1, q))(0, 0);
}

void ForceField::require_parameters(ConstVectorRef theta) const {
  require(theta.size() == parameters(), "theta has {} parameters, the force field needs {}",
          theta.size(), parameters());
}

void Linearisation::parameter_product(ConstVectorRef direction, BlockRef out) {
  const Index parameters = direction.size();
  workspace_.resize(out.rows() * parameters, out.cols());
  parameter_jacobians(workspace_);
  for (Index d = 0; d < out.rows(); ++d) {
    out.row(d) = direction.transpose() * workspace_.middleRows(d * parameters, parameters);
  }
}

void Linearisation::add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                                           VectorRef gradient) {
  const Index dimension = w.rows() / records.count;
  for (Index k = 0; k < records.count; ++k) {
    use_record(records[k]);
    add_parameter_product(w.middleRows(k * dimension, dimension), gradient);
  }
}

void Linearisation::add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                                       RowMatrixRef rows) {
  const Index points = w.cols();
  const Index cotangents = rows.rows() / points;
  const Index dimension = w.rows() / (records.count * cotangents);
  const Index parameters = rows.cols();
  workspace_.resize(dimension * parameters, points);
  for (Index k = 0; k < records.count; ++k) {
    use_record(records[k]);
    parameter_jacobians(workspace_);
    for (Index r = 0; r < cotangents; ++r) {
      for (Index d = 0; d < dimension; ++d) {
        const auto weights = w.row((k * cotangents + r) * dimension + d);
        for (Index p = 0; p < parameters; ++p) {
          const auto slopes = workspace_.row(d * parameters + p);
          for (Index b = 0; b < points; ++b) rows(b * cotangents + r, p) += weights[b] * slopes[b];
        }
      }
    }
  }
}

BasicLinearisation::BasicLinearisation(const ForceField& field, Index points)
    : dimension_(field.dimension()),
      parameters_(field.parameters()),
      own_positions_(dimension_ * padded(points)),
      positions_(own_positions_.data()) {}

void BasicLinearisation::force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) {
  is_evaluated_ = false;
  evaluate(theta, q, f);
}

void BasicLinearisation::linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) {
  theta_ = theta.data();
  Eigen::Map<Block>(positions_, q.rows(), q.cols()) = q;
  evaluate(theta, q, f);
  is_evaluated_ = true;
}

void BasicLinearisation::use_record(double* record) {
  double* positions = record != nullptr ? record : own_positions_.data();
  is_evaluated_ = is_evaluated_ && positions == positions_;
  positions_ = positions;
}

void BasicLinearisation::evaluate_record(Index points) {
  if (is_evaluated_) return;
  Block f(dimension_, points);
  evaluate(Eigen::Map<const Vector>(theta_, parameters_),
           Eigen::Map<const Block>(positions_, dimension_, points), f);
  is_evaluated_ = true;
}

void BasicLinearisation::transposed_product(ConstBlockRef w, BlockRef out) {
  evaluate_record(w.cols());
  apply_transposed(w, out);
}

void BasicLinearisation::add_parameter_product(ConstBlockRef w, VectorRef gradient) {
  evaluate_record(w.cols());
  add_parameter_gradient(w, gradient);
}

void BasicLinearisation::jacobians(BlockRef out) {
  for (Index i = 0; i < dimension_; ++i) {
    Block unit = Block::Zero(dimension_, out.cols());
    unit.row(i).setOnes();
    transposed_product(unit, out.middleRows(i * dimension_, dimension_));
  }
}

void BasicLinearisation::product(ConstBlockRef u, BlockRef out) {
  Block rows(dimension_ * dimension_, u.cols());
  jacobians(rows);
  for (Index i = 0; i < dimension_; ++i) {
    out.row(i) = rows.middleRows(i * dimension_, dimension_).cwiseProduct(u).colwise().sum();
  }
}

void BasicLinearisation::parameter_jacobians(BlockRef out) {
  Vector gradient(parameters_);
  Block unit = Block::Zero(dimension_, out.cols());
  for (Index b = 0; b < out.cols(); ++b) {
    for (Index d = 0; d < dimension_; ++d) {
      gradient.setZero();
      unit(d, b) = 1;
      add_parameter_product(unit, gradient);
      unit(d, b) = 0;
      out.col(b).segment(d * parameters_, parameters_) = gradient;
    }
  }
}

namespace detail {
namespace {

class VectorForceAt final : public Linearisation {
 public:
  VectorForceAt(const VectorForce& owner, Index points)
      : owner_(owner),
        own_positions_(owner.dimension() * padded(points)),
        positions_(own_positions_.data()) {}

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    for (Index b = 0; b < q.cols(); ++b) f.col(b) = owner_.f(q.col(b), theta);
  }
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    theta_ = theta.data();
    Eigen::Map<Eigen::MatrixXd>(positions_, q.rows(), q.cols()) = q;
    force(theta, q, f);
  }
  void transposed_product(ConstBlockRef w, BlockRef out) override {
    for (Index b = 0; b < w.cols(); ++b) out.col(b) = jacobian(b).transpose() * w.col(b);
  }
  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    for (Index b = 0; b < w.cols(); ++b) {
      gradient += owner_.df_dtheta(position(b), parameters()).transpose() * w.col(b);
    }
  }
  void product(ConstBlockRef u, BlockRef out) override {
    for (Index b = 0; b < u.cols(); ++b) out.col(b) = jacobian(b) * u.col(b);
  }
  void jacobians(BlockRef out) override {
    for (Index b = 0; b < out.cols(); ++b) {
      out.col(b) = jacobian(b).transpose().reshaped();  // row by row
    }
  }
  void parameter_jacobians(BlockRef out) override {
    for (Index b = 0; b < out.cols(); ++b) {
      out.col(b) = owner_.df_dtheta(position(b), parameters()).transpose().reshaped();
    }
  }
  [[nodiscard]] Index record_size() const override { return own_positions_.size(); }
  void use_record(double* record) override {
    positions_ = record != nullptr ? record : own_positions_.data();
  }

 private:
  [[nodiscard]] Parameters parameters() const {
    return Eigen::Map<const Vector>(theta_, owner_.parameters());
  }
  [[nodiscard]] Eigen::Map<const Vector> position(Index b) const {
    return {positions_ + b * owner_.dimension(), owner_.dimension()};
  }
  [[nodiscard]] Eigen::MatrixXd jacobian(Index b) const {
    return owner_.df_dq(position(b), parameters());
  }

  const VectorForce& owner_;
  Vector own_positions_;
  double* positions_;  // one after the other
  const double* theta_ = nullptr;
};

}  // namespace

std::unique_ptr<Linearisation> VectorForce::linearisation(Index points) const {
  return std::make_unique<VectorForceAt>(*this, points);
}

}  // namespace detail

namespace {

double deviation(const Eigen::MatrixXd& a, const Eigen::MatrixXd& reference) {
  if (!a.allFinite() || !reference.allFinite()) return INFINITY;
  const double size = reference.size() == 0 ? 0 : reference.cwiseAbs().maxCoeff();
  const double difference = reference.size() == 0 ? 0 : (a - reference).cwiseAbs().maxCoeff();
  return difference == 0 ? 0 : difference / std::max(size, 1e-8);
}

/// Fourth-order central difference of g at x in one coordinate: error O(h^4) and O(eps/h).
template <class G>
Block central_difference(const G& g, double x) {
  const double h = 1e-3 * std::max(1.0, std::abs(x));
  return (8 * (g(x + h) - g(x - h)) - (g(x + 2 * h) - g(x - 2 * h))) / (12 * h);
}

/// df/dq by differences, as jacobians() lays it out.
Block differenced_jacobians(const ForceField& field, ConstVectorRef theta, ConstBlockRef q) {
  const Index d = field.dimension();
  Block jacobians(d * d, q.cols());
  for (Index j = 0; j < d; ++j) {
    for (Index b = 0; b < q.cols(); ++b) {
      Block moved = q.col(b);
      const Block column = central_difference(
          [&](double x) {
            moved(j, 0) = x;
            return field.force(theta, moved);
          },
          q(j, b));
      for (Index i = 0; i < d; ++i) jacobians(i * d + j, b) = column(i, 0);
    }
  }
  return jacobians;
}

/// df/dtheta by differences, as parameter_jacobians() lays it out.
Block differenced_parameter_jacobians(const ForceField& field, ConstVectorRef theta,
                                      ConstBlockRef q) {
  const Index d = field.dimension();
  const Index count = field.parameters();
  Block jacobians(d * count, q.cols());
  Vector moved = theta;
  for (Index p = 0; p < count; ++p) {
    const Block slope = central_difference(
        [&](double x) {
          moved[p] = x;
          return field.force(moved, q);
        },
        theta[p]);
    moved[p] = theta[p];
    for (Index i = 0; i < d; ++i) jacobians.row(i * count + p) = slope.row(i);
  }
  return jacobians;
}

/// Cotangents and directions for the check: fixed, of order one, without symmetry.
Block probe(Index rows, Index columns) {
  Block w(rows, columns);
  for (Index i = 0; i < w.size(); ++i) {
    w.data()[i] = std::cos(1.7 * static_cast<double>(i) + 0.3);
  }
  return w;
}

}  // namespace

ForceCheck check_force(const ForceField& field, ConstVectorRef theta, ConstBlockRef q) {
  const Index d = field.dimension();
  const Index points = q.cols();
  require(q.rows() == d && theta.size() == field.parameters() && points > 0,
          "check_force needs positions of {} rows and {} parameters, it got {} x {} positions and "
          "{} parameters",
          d, field.parameters(), q.rows(), points, theta.size());
  const auto at = field.linearisation(points);
  Block f(d, points);
  Block again(d, points);
  at->force(theta, q, f);
  at->linearise(theta, q, again);

  ForceCheck check;
  check.tolerance = 1e-7;
  check.value = deviation(again, f);
  for (Index b = 0; b < points; ++b) {
    const Block alone = field.force(theta, q.col(b));
    check.value = std::max(check.value, deviation(alone, f.col(b)));
  }

  const Block differenced = differenced_jacobians(field, theta, q);
  Block jacobians(d * d, points);
  at->jacobians(jacobians);
  check.jacobian = deviation(jacobians, differenced);

  const Block w = probe(d, points);
  Block out(d, points);
  Block expected = Block::Zero(d, points);
  Block expected_transposed = Block::Zero(d, points);
  for (Index b = 0; b < points; ++b) {
    for (Index i = 0; i < d; ++i) {
      for (Index j = 0; j < d; ++j) {
        expected(i, b) += differenced(i * d + j, b) * w(j, b);
        expected_transposed(j, b) += differenced(i * d + j, b) * w(i, b);
      }
    }
  }
  at->product(w, out);
  check.product = deviation(out, expected);
  at->transposed_product(w, out);
  check.transposed_product = deviation(out, expected_transposed);

  const Index count = field.parameters();
  const Block slopes = differenced_parameter_jacobians(field, theta, q);
  Block parameter_jacobians(d * count, points);
  at->parameter_jacobians(parameter_jacobians);
  check.parameter_jacobian = deviation(parameter_jacobians, slopes);

  Vector gradient = Vector::Ones(count);  // it must be added to, not overwritten
  at->add_parameter_product(w, gradient);
  gradient.array() -= 1;
  Vector expected_gradient = Vector::Zero(count);
  for (Index i = 0; i < d; ++i) {
    expected_gradient += slopes.middleRows(i * count, count) * w.row(i).transpose();
  }
  check.parameter_product = deviation(gradient, expected_gradient);

  const Vector direction = probe(count, 1);
  at->parameter_product(direction, out);
  for (Index i = 0; i < d; ++i) {
    expected.row(i) = direction.transpose() * slopes.middleRows(i * count, count);
  }
  check.parameter_direction = deviation(out, expected);
  return check;
}

double ForceCheck::worst() const {
  return std::max({value, jacobian, product, transposed_product, parameter_product,
                   parameter_direction, parameter_jacobian});
}

std::string ForceCheck::summary() const {
  return fmt::format(
      "value {:.1e}, jacobian {:.1e}, J u {:.1e}, J^T w {:.1e}, parameter product {:.1e}, "
      "direction {:.1e}, jacobian {:.1e} (allowed {:.1e}): {}",
      value, jacobian, product, transposed_product, parameter_product, parameter_direction,
      parameter_jacobian, tolerance, passed() ? "agree" : "DISAGREE");
}

}  // namespace isochron
