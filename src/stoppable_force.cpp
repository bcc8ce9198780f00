#include "isochron/stoppable_force.hpp"
#include "field_message.hpp"

#include <algorithm>

#include "forwarding_linearisation.hpp"
#include "isochron/error.hpp"

namespace isochron {
namespace {

class StoppableAt final : public ForwardingLinearisation {
 public:
  StoppableAt(std::unique_ptr<Linearisation> at, const std::function<bool()>& stop_requested)
      : ForwardingLinearisation(std::move(at)), stop_requested_(stop_requested) {}

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    // Some points at a time: those of a wide network take long.
    constexpr Index at_once = 4 * block_padding;
    for (Index first = 0; first < q.cols(); first += at_once) {
      poll();
      const Index count = std::min(at_once, q.cols() - first);
      at_->force(theta, q.middleCols(first, count), f.middleCols(first, count));
    }
  }
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    poll();
    at_->linearise(theta, q, f);
  }

 private:
  void poll() const {
    if (stop_requested_()) throw Interrupted("the computation was stopped on request");
  }

  const std::function<bool()>& stop_requested_;
};

class StoppableForce final : public ComposedField {
 public:
  StoppableForce(ForceFieldPtr field, std::function<bool()> stop_requested)
      : field_(std::move(field)), stop_requested_(std::move(stop_requested)) {}

  [[nodiscard]] Index dimension() const override { return field_->dimension(); }
  [[nodiscard]] Index parameters() const override { return field_->parameters(); }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<StoppableAt>(field_->linearisation(points), stop_requested_);
  }
  /// Who reads it has ways of its own to be stopped.
  void write(FieldWriter& to) const override { to(field_); }

 private:
  ForceFieldPtr field_;
  std::function<bool()> stop_requested_;
};

}  // namespace

ForceFieldPtr stoppable_force(ForceFieldPtr field, std::function<bool()> stop_requested) {
  return std::make_shared<StoppableForce>(std::move(field), std::move(stop_requested));
}

}  // namespace isochron
