#pragma once

// Fields with one wrong result, for checks of checks.

#include <memory>
#include <utility>

#include "isochron/force_field.hpp"

namespace isochron::property {

/// The results of a linearisation that can be spoiled one by one.
enum class Result {
  force,
  linearise,
  product,
  transposed_product,
  parameter_product,
  parameter_direction,
  jacobians,
  parameter_jacobians,
  parameter_products,
  parameter_rows
};

/// `field` with one result multiplied by `factor`.
class SpoiledField final : public ForceField {
 public:
  SpoiledField(ForceFieldPtr field, Result result, double factor)
      : field_(std::move(field)), result_(result), factor_(factor) {}

  [[nodiscard]] Index dimension() const override { return field_->dimension(); }
  [[nodiscard]] Index parameters() const override { return field_->parameters(); }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    auto at = std::make_unique<At>();
    at->inner = field_->linearisation(points);
    at->result = result_;
    at->factor = factor_;
    return at;
  }

 private:
  struct At final : Linearisation {
    void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
      inner->force(theta, q, f);
      f *= factor_of(Result::force);
    }
    void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
      inner->linearise(theta, q, f);
      f *= factor_of(Result::linearise);
    }
    void transposed_product(ConstBlockRef w, BlockRef out) override {
      inner->transposed_product(w, out);
      out *= factor_of(Result::transposed_product);
    }
    void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
      Vector added = Vector::Zero(gradient.size());
      inner->add_parameter_product(w, added);
      gradient += factor_of(Result::parameter_product) * added;
    }
    void parameter_product(ConstVectorRef direction, BlockRef out) override {
      inner->parameter_product(direction, out);
      out *= factor_of(Result::parameter_direction);
    }
    void product(ConstBlockRef u, BlockRef out) override {
      inner->product(u, out);
      out *= factor_of(Result::product);
    }
    void jacobians(BlockRef out) override {
      inner->jacobians(out);
      out *= factor_of(Result::jacobians);
    }
    void parameter_jacobians(BlockRef out) override {
      inner->parameter_jacobians(out);
      out *= factor_of(Result::parameter_jacobians);
    }
    [[nodiscard]] Index record_size() const override { return inner->record_size(); }
    void use_record(double* record) override { inner->use_record(record); }
    void add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                                VectorRef gradient) override {
      Vector added = Vector::Zero(gradient.size());
      inner->add_parameter_products(records, w, added);
      gradient += factor_of(Result::parameter_products) * added;
    }
    void add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                            RowMatrixRef rows) override {
      RowMatrix added = RowMatrix::Zero(rows.rows(), rows.cols());
      inner->add_parameter_rows(records, w, added);
      rows += factor_of(Result::parameter_rows) * added;
    }
    [[nodiscard]] double factor_of(Result asked) const { return asked == result ? factor : 1; }

    std::unique_ptr<Linearisation> inner;
    Result result = Result::force;
    double factor = 1;
  };

  ForceFieldPtr field_;
  Result result_;
  double factor_;
};

}  // namespace isochron::property
