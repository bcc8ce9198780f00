// Random gradients of random problems by every method, each against the variational equations in
// long double (reference.hpp) or a closed form (models.hpp).
//
//   fuzz_gradients [--cases N] [--seed S] [--case K] [--only METHOD] [--threads T] [--list]
//
// An error is silent when a method returns a gradient whose slope in one of two random directions
// is off by more than 100 (rtol + response), in units of the terms |dL/dy(T)| |dy(T)/dd|; the
// response is how much that slope changes when the states are perturbed by rtol in every step.
// Not judged are: problems whose allowance exceeds 1/20, mostly chaotic ones; those whose reference
// is not known to a tenth of the allowance, or takes too long; derivatives so small that all of a
// parameter changes the states by less than their rounding errors; Hermite interpolation below rtol
// 1e-6, where it levels off; and methods that need more than 50,000 steps or 3 s.

#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "isochron/error.hpp"
#include "problem.hpp"

namespace isochron::fuzz {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double allowed_over_condition = 100;
constexpr double largest_allowance = 0.05;
constexpr double seconds_per_gradient = 3;
constexpr long most_steps = 50000;

struct Variant {
  std::string name;
  SensitivityOptions options;
};

std::vector<Variant> variants(const Problem& problem, Random& random) {
  std::vector<Variant> all;
  const auto add = [&](const char* name, GradientMethod gradient, Method method) {
    SensitivityOptions options;
    options.gradient = gradient;
    options.integrator.method = method;
    options.integrator.rtol = problem.rtol;
    options.integrator.atol = problem.atol;
    options.integrator.max_steps = most_steps;
    all.push_back({name, options});
    return &all.back().options;
  };
  const bool newtonian = problem.model.motion == Motion::newtonian;
  add("adjoint adams", GradientMethod::adjoint, Method::adams);
  add("adjoint adams checkpoints", GradientMethod::adjoint, Method::adams)->checkpoint_distance =
      static_cast<long>(log_uniform(random, 1, 300));
  if (problem.rtol >= 1e-6) {
    add("adjoint adams hermite", GradientMethod::adjoint, Method::adams)->interpolation =
        Interpolation::hermite;
  }
  add("adjoint bdf", GradientMethod::adjoint, Method::bdf);
  add("forward adams", GradientMethod::forward, Method::adams);
  add("forward adams simultaneous", GradientMethod::forward, Method::adams)->staggered = false;
  add("forward bdf", GradientMethod::forward, Method::bdf);
  if (newtonian) {
    add("discrete rkn8", GradientMethod::discrete, Method::rkn8);
    add("discrete rkn12", GradientMethod::discrete, Method::rkn12);
  }
  add("discrete rk8", GradientMethod::discrete, Method::rk8);
  add("discrete frozen", GradientMethod::discrete, eighth_order(problem.model.motion))
      ->freeze_steps = true;
  add("discrete rk4", GradientMethod::discrete, Method::rk4)->integrator.steps =
      static_cast<long>(log_uniform(random, 1, 300));
  if (problem.model.theta.size() <= 12) {
    add("difference adams", GradientMethod::difference, Method::adams);
  }
  return all;
}

enum class Outcome { compared, refused, excluded, failed };

struct Row {
  std::string method;
  std::string model;
  std::string start;
  Outcome outcome = Outcome::excluded;
  double error_over_allowed = 0;
  std::string remark;
};

/// A reference, and what it allows.
struct Judge {
  Slopes reference;
  Response response;
  double rtol = 0;
  std::string unusable;  // why not; empty: it is

  /// In units of the terms. Perturbations in more steps add up like the square root of their
  /// number, but for BDF, whose errors are of one sign on a wave, like their number.
  [[nodiscard]] double allowed(long steps, Method method) const {
    const Real ratio =
        static_cast<Real>(std::max(steps, response.times)) / static_cast<Real>(response.times);
    const Real more = method == Method::bdf ? ratio : std::sqrt(ratio);
    const auto condition = static_cast<double>(more * response.change / reference.terms);
    return allowed_over_condition * (rtol + condition);
  }
  [[nodiscard]] double least_allowed() const { return allowed(1, Method::adams); }
  void admit(const Response& measured, double tolerance) {
    response = measured;
    rtol = tolerance;
    if (!(least_allowed() <= largest_allowance)) unusable = "ill-conditioned";
  }
  void require_terms() const {
    if (!(reference.terms > 1e-290L && reference.terms < 1e290L)) throw NoReference("no terms");
    constexpr double rounding = std::numeric_limits<double>::epsilon();
    if (reference.terms < rounding * reference.states) throw NoReference("below rounding errors");
  }
};

Judge judge_of(const Problem& problem, std::uint64_t seed) {
  Judge judge;
  try {
    const Reference reference(problem);
    const Slopes fine = reference.slopes(1e-16L);
    judge.reference = problem.model.flow ? reference.exact() : fine;
    const Real terms = judge.reference.terms;
    judge.require_terms();
    const Real tolerance = std::min(1e-10L, 1e-3L * problem.rtol);
    judge.admit(reference.response(fine, problem.rtol, problem.atol, tolerance, 0, seed),
                problem.rtol);
    if (!judge.unusable.empty()) return judge;
    const Slopes other = problem.model.flow ? fine : reference.slopes(1e-14L);
    for (std::size_t k : {0, 1}) {
      const Real difference = std::abs(other.slope[k] - judge.reference.slope[k]) / terms;
      if (!(difference <= 0.1L * judge.least_allowed())) {
        judge.unusable = problem.model.flow ? "closed form and reference differ" : "reference";
      }
    }
  } catch (const NoReference& reason) {
    judge.unusable = reason.what();
  }
  return judge;
}

/// The derivative of what rk4 computes, whatever its error.
Judge judge_of_rk4(const Problem& problem, long steps, std::uint64_t seed) {
  constexpr double rounding = 1e-13;
  Judge judge;
  try {
    const Reference reference(problem);
    judge.reference = reference.slopes(0, steps);
    judge.require_terms();
    judge.admit(reference.response(judge.reference, rounding, 0, 0, steps, seed), rounding);
  } catch (const NoReference& reason) {
    judge.unusable = reason.what();
  }
  return judge;
}

void compare(const Problem& problem, Variant variant, const Judge& judge, Row& row) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(seconds_per_gradient);
  variant.options.integrator.stop_requested = [=] { return Clock::now() > deadline; };
  try {
    Sensitivity sensitivity(problem.dynamics(), variant.options);
    const StateLoss loss = problem.target.state_loss();
    if (variant.options.freeze_steps) {  // a grid from nearby
      const Vector nearby = problem.model.theta * (1 + 1e-3);
      static_cast<void>(sensitivity.gradient(nearby, problem.ensemble, loss));
    }
    const LossGradient result = sensitivity.gradient(problem.model.theta, problem.ensemble, loss);
    row.outcome = Outcome::compared;
    const auto terms = static_cast<double>(judge.reference.terms);
    const double allowed = judge.allowed(std::max(result.forward.steps, result.backward.steps),
                                         variant.options.integrator.method);
    if (allowed > largest_allowance) {
      row.outcome = Outcome::excluded;
      row.remark = "ill-conditioned";
      return;
    }
    char text[200] = "";
    for (Index k = 0; k < 2; ++k) {
      const double slope = result.gradient.dot(problem.directions.col(k));
      const double exact = static_cast<double>(judge.reference.slope[static_cast<std::size_t>(k)]);
      const double admitted = result.gradient_error * problem.directions.col(k).norm() / terms;
      const double error = std::abs(slope - exact) / terms;
      const double ratio = error / (allowed + admitted);
      if (ratio <= row.error_over_allowed) continue;
      row.error_over_allowed = ratio;
      std::snprintf(
          text, sizeof text,
          "slope %.10g, exact %.10g, terms %.3g, error %.2g, allowed %.2g, %ld + %ld steps", slope,
          exact, terms, error, allowed + admitted, result.forward.steps, result.backward.steps);
    }
    row.remark = text;
    if (!(row.error_over_allowed <= 1)) row.outcome = Outcome::failed;
  } catch (const Interrupted&) {
    row.outcome = Outcome::excluded;
    row.remark = "out of time";
  } catch (const NumericalError& error) {
    row.outcome = Outcome::refused;
    row.remark = error.what();
  } catch (const std::exception& error) {
    row.outcome = Outcome::failed;
    row.remark = error.what();
  }
}

std::vector<Row> run_case(std::uint64_t seed, const std::string& only) {
  const Problem problem = random_problem(seed);
  const Judge judge = judge_of(problem, seed);
  Random random(seed ^ 0x9e3779b97f4a7c15u);
  std::vector<Row> rows;
  for (const Variant& variant : variants(problem, random)) {
    if (variant.name.find(only) == std::string::npos) continue;
    Row row;
    row.method = variant.name;
    row.model = problem.model.name;
    row.start = problem.start;
    const IntegratorOptions& integrator = variant.options.integrator;
    const Judge own =
        integrator.method == Method::rk4 ? judge_of_rk4(problem, integrator.steps, seed) : judge;
    if (own.unusable.empty()) {
      compare(problem, variant, own, row);
    } else {
      row.remark = own.unusable;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

struct Tally {
  long cases = 0, compared = 0, refused = 0, excluded = 0, failed = 0;
  double worst = 0;

  void add(const Row& row) {
    ++cases;
    compared += row.outcome == Outcome::compared || row.outcome == Outcome::failed;
    refused += row.outcome == Outcome::refused;
    excluded += row.outcome == Outcome::excluded;
    failed += row.outcome == Outcome::failed;
    worst = std::max(worst, row.error_over_allowed);
  }
};

void print_table(const char* title, const std::vector<Row>& rows, std::string Row::*kind) {
  std::map<std::pair<std::string, std::string>, Tally> table;
  for (const Row& row : rows) {
    table[{row.method, row.*kind}].add(row);
    table[{row.method, "~ all"}].add(row);
  }
  std::printf("\n%-27s %-24s %7s %9s %8s %9s %15s %7s\n", "method", title, "cases", "compared",
              "refused", "excluded", "worst/allowed", "failed");
  for (const auto& [key, tally] : table) {
    std::printf("%-27s %-24s %7ld %9ld %8ld %9ld %15.2g %7ld\n", key.first.c_str(),
                key.second.c_str(), tally.cases, tally.compared, tally.refused, tally.excluded,
                tally.worst, tally.failed);
  }
}

void describe(std::uint64_t seed) {
  const Problem p = random_problem(seed);
  std::printf(
      "seed %llu: %s, %s, D = %ld, P = %ld, N = %ld, start %s, T = %g, rtol %.2g, atol %.2g, %s "
      "loss, scale %.2g\n",
      static_cast<unsigned long long>(seed), p.model.name.c_str(),
      p.model.motion == Motion::newtonian ? "newtonian" : "first order",
      static_cast<long>(p.model.field->dimension()), static_cast<long>(p.model.theta.size()),
      static_cast<long>(p.ensemble.size()), p.start.c_str(), p.ensemble.end_times[0], p.rtol,
      p.atol, p.target.is_linear ? "linear" : "quadratic", p.target.scale);
}

struct Arguments {
  long cases = 100;
  std::uint64_t seed = 1;
  long threads = 1;
  std::string only;  // methods whose names contain it
  bool single = false;
  bool list = false;
};

std::optional<Arguments> read(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--list") {
      arguments.list = true;
      continue;
    }
    if (i + 1 == argc) return std::nullopt;
    if (name == "--only") {
      arguments.only = argv[++i];
      continue;
    }
    const long value = std::strtol(argv[++i], nullptr, 10);
    if (name == "--cases") {
      arguments.cases = value;
    } else if (name == "--seed") {
      arguments.seed = static_cast<std::uint64_t>(value);
    } else if (name == "--threads") {
      arguments.threads = value;
    } else if (name == "--case") {
      arguments.seed = static_cast<std::uint64_t>(value);
      arguments.cases = 1;
      arguments.single = true;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

int run(const Arguments& arguments) {
  std::vector<std::vector<Row>> results(static_cast<std::size_t>(arguments.cases));
  std::atomic<std::size_t> next{0};
  std::mutex output;
  const auto work = [&] {
    for (std::size_t i = next++; i < results.size(); i = next++) {
      const std::uint64_t seed = arguments.seed + i;
      results[i] = run_case(seed, arguments.only);
      const std::lock_guard lock(output);
      bool described = false;
      for (const Row& row : results[i]) {
        const bool failed = row.outcome == Outcome::failed;
        if (!failed && !arguments.single && !arguments.list) continue;
        if (!described) describe(seed);
        described = true;
        const char* word = failed                             ? "SILENT ERROR"
                           : row.outcome == Outcome::compared ? "ok"
                           : row.outcome == Outcome::refused  ? "refused"
                                                              : "excluded";
        std::printf("  %-12s %-26s %8.2g  %s\n", word, row.method.c_str(), row.error_over_allowed,
                    row.remark.c_str());
      }
      std::fflush(stdout);
    }
  };
  std::vector<std::thread> threads;
  for (long t = 1; t < arguments.threads; ++t) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();

  std::vector<Row> rows;
  for (auto& result : results) rows.insert(rows.end(), result.begin(), result.end());
  if (!arguments.single) {
    print_table("force", rows, &Row::model);
    print_table("start", rows, &Row::start);
    std::map<std::string, long> reasons;
    for (const Row& row : rows) {
      if (row.outcome == Outcome::excluded) ++reasons[row.remark];
    }
    std::printf("\nexcluded because\n");
    for (const auto& [reason, count] : reasons) std::printf("%7ld %s\n", count, reason.c_str());
  }
  const long failures = std::count_if(
      rows.begin(), rows.end(), [](const Row& row) { return row.outcome == Outcome::failed; });
  std::printf("\n%ld cases from seed %llu, %zu gradients, %ld silent errors\n", arguments.cases,
              static_cast<unsigned long long>(arguments.seed), rows.size(), failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace isochron::fuzz

int main(int argc, char** argv) {
  const auto arguments = isochron::fuzz::read(argc, argv);
  if (!arguments) {
    std::fprintf(stderr,
                 "usage: fuzz_gradients [--cases N] [--seed S] [--case SEED] [--only METHOD] "
                 "[--threads T] [--list]\n");
    return 2;
  }
  return isochron::fuzz::run(*arguments);
}
