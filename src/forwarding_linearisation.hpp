#pragma once

#include <memory>
#include <utility>

#include "isochron/force_field.hpp"

namespace isochron {

/// The linearisation of a field that is seen through another one: everything is asked of that of
/// the field itself, but for what is overridden.
class ForwardingLinearisation : public Linearisation {
 public:
  explicit ForwardingLinearisation(std::unique_ptr<Linearisation> at) : at_(std::move(at)) {}

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    at_->force(theta, q, f);
  }
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    at_->linearise(theta, q, f);
  }
  void transposed_product(ConstBlockRef w, BlockRef out) override {
    at_->transposed_product(w, out);
  }
  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    at_->add_parameter_product(w, gradient);
  }
  void product(ConstBlockRef u, BlockRef out) override { at_->product(u, out); }
  void parameter_product(ConstVectorRef direction, BlockRef out) override {
    at_->parameter_product(direction, out);
  }
  void jacobians(BlockRef out) override { at_->jacobians(out); }
  void parameter_jacobians(BlockRef out) override { at_->parameter_jacobians(out); }
  [[nodiscard]] Index record_size() const override { return at_->record_size(); }
  void use_record(double* record) override { at_->use_record(record); }
  void add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                              VectorRef gradient) override {
    at_->add_parameter_products(records, w, gradient);
  }
  void add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                          RowMatrixRef rows) override {
    at_->add_parameter_rows(records, w, rows);
  }

 protected:
  std::unique_ptr<Linearisation> at_;
};

}  // namespace isochron
