#include "isochron/sensitivity.hpp"

#include "blocks.hpp"
#include "isochron/error.hpp"
#include "sundials/adjoint.hpp"

namespace isochron {

struct Sensitivity::Workers : SolverPool<sundials::AdjointSolver, SensitivityOptions> {
  using SolverPool::SolverPool;

  LossGradient evaluate(ConstVectorRef theta, const Ensemble& ensemble, const FinalLoss& loss,
                        bool with_gradient);
};

Sensitivity::Sensitivity(Dynamics dynamics, SensitivityOptions options) {
  options.integrator.validate();
  workers_ = std::make_unique<Workers>(std::move(dynamics), std::move(options));
}
Sensitivity::~Sensitivity() = default;
Sensitivity::Sensitivity(Sensitivity&&) noexcept = default;
Sensitivity& Sensitivity::operator=(Sensitivity&&) noexcept = default;

const Dynamics& Sensitivity::dynamics() const { return workers_->dynamics(); }
const SensitivityOptions& Sensitivity::options() const { return workers_->options(); }
void Sensitivity::limit_steps(long max_steps) {
  workers_->options().integrator.max_steps = max_steps;
}

LossGradient Sensitivity::gradient(ConstVectorRef theta, const Ensemble& ensemble,
                                   const FinalLoss& loss) {
  return workers_->evaluate(theta, ensemble, loss, true);
}

LossGradient Sensitivity::loss(ConstVectorRef theta, const Ensemble& ensemble,
                               const FinalLoss& loss) {
  return workers_->evaluate(theta, ensemble, loss, false);
}

LossGradient Sensitivity::Workers::evaluate(ConstVectorRef theta, const Ensemble& ensemble,
                                            const FinalLoss& loss, bool with_gradient) {
  check_problem(dynamics(), theta, ensemble);
  const IntegratorOptions& integrator = options().integrator;
  const Index size = integrator.block_size > 0 ? integrator.block_size
                                               : isochron::block_size(ensemble.size(), dynamics());
  const auto blocks = cut_into_blocks(ensemble.size(), size);

  struct Part {
    double loss = 0;
    Vector gradient;
    IntegrationCounts forward;
    IntegrationCounts backward;
  };
  std::vector<Part> parts(blocks.size());
  LossGradient result;
  result.final_states.resizeLike(ensemble.initial_states);
  States cotangents(ensemble.initial_states.rows(), ensemble.initial_states.cols());

  run(integrator, blocks,
      [&](sundials::AdjointSolver& solver, std::size_t i, const BlockRange& block) {
        auto final_states = result.final_states.middleCols(block.first, block.size);
        auto cotangent = cotangents.middleCols(block.first, block.size);
        Part& part = parts[i];
        solver.forward(theta.data(), ensemble.initial_states.middleCols(block.first, block.size),
                       ensemble.end_times.segment(block.first, block.size), final_states);
        part.forward = solver.forward_counts();
        part.loss = loss(block.first, final_states, cotangent);
        if (!with_gradient) return;
        part.gradient.resize(theta.size());
        solver.backward(cotangent, part.gradient, cotangent);
        part.backward = solver.backward_counts();
      });

  if (with_gradient) {
    result.gradient = Vector::Zero(theta.size());
    result.initial_cotangents = std::move(cotangents);
  }
  for (const Part& part : parts) {
    result.loss += part.loss;
    result.forward += part.forward;
    result.backward += part.backward;
    if (with_gradient) result.gradient += part.gradient;
  }
  return result;
}

}  // namespace isochron
