#pragma once

// Random force fields, each written once as a template: the library gets it in double precision
// (networks: its own Mlp), the reference in long double with derivatives by dual numbers.

#include <functional>
#include <string>
#include <unsupported/Eigen/MatrixFunctions>
#include <vector>

#include "dual.hpp"
#include "isochron/dynamics.hpp"
#include "isochron/mlp.hpp"
#include "isochron/random.hpp"

namespace isochron::fuzz {

/// A force, where its equilibrium lies, and the flow in closed form where there is one.
struct Model {
  std::string name;
  ForceFieldPtr field;
  Motion motion = Motion::newtonian;
  Vector theta;
  std::function<void(const Wide* q, const Wide* theta, Wide* f)> force;
  Vector equilibrium;  ///< empty: none is known
  bool local = false;  ///< the force varies over lengths of order one, however far away

  /// y(T) from y(0); empty: no closed form.
  std::function<std::vector<Wide>(const std::vector<Wide>& theta, const std::vector<Real>& y,
                                  Real t)>
      flow;
};

inline double log_uniform(Random& random, double low, double high) {
  return low * std::pow(high / low, random.uniform());
}

inline Index one_of(Random& random, Index count) {
  return static_cast<Index>(random.uniform() * static_cast<double>(count));
}

/// The library's view of a force written as a template, its derivatives by dual numbers.
template <class F>
ForceFieldPtr library_field(Index dimension, Index parameters, F f) {
  using Jet = Dual<double, 1>;
  const auto derivatives = [=](const Vector& q, const auto& theta, bool by_position) {
    std::vector<Jet> x(q.begin(), q.end()), p(theta.begin(), theta.end());
    std::vector<Jet> out(static_cast<std::size_t>(dimension));
    std::vector<Jet>& moved = by_position ? x : p;
    Eigen::MatrixXd result(dimension, static_cast<Index>(moved.size()));
    for (std::size_t j = 0; j < moved.size(); ++j) {
      moved[j].slope[0] = 1;
      f(x.data(), p.data(), out.data());
      moved[j].slope[0] = 0;
      for (Index i = 0; i < dimension; ++i) {
        result(i, static_cast<Index>(j)) = out[static_cast<std::size_t>(i)].slope[0];
      }
    }
    return result;
  };
  return make_force(
      dimension, parameters,
      [=](const Vector& q, const auto& theta) {
        Vector out(dimension);
        f(q.data(), theta.data(), out.data());
        return out;
      },
      [=](const Vector& q, const auto& theta) { return derivatives(q, theta, true); },
      [=](const Vector& q, const auto& theta) { return derivatives(q, theta, false); });
}

template <class F>
Model make_model(std::string name, Index dimension, Motion motion, Vector theta, F f) {
  Model model;
  model.name = std::move(name);
  model.field = library_field(dimension, theta.size(), f);
  model.motion = motion;
  model.theta = std::move(theta);
  model.force = f;
  return model;
}

inline Motion any_motion(Random& random) {
  return random.uniform() < 0.6 ? Motion::newtonian : Motion::first_order;
}

/// Networks of random depth, width and scale, with odd symmetry or a linear skip at times.
inline Model network(Random& random) {
  const Index dimension = 1 + one_of(random, 3);
  std::vector<Index> layers{dimension};
  for (Index hidden = 1 + one_of(random, 2); hidden > 0; --hidden) {
    layers.push_back(static_cast<Index>(log_uniform(random, 1, 13)));
  }
  layers.push_back(dimension);
  const Symmetry symmetry = random.uniform() < 0.5 ? Symmetry::odd : Symmetry::none;
  const Skip skip = random.uniform() < 0.3 ? Skip::linear : Skip::none;
  const auto mlp = std::make_shared<Mlp>(layers, symmetry, skip);
  Model model;
  model.name = "network";
  model.field = mlp;
  model.motion = any_motion(random);
  const double output_scale = random.uniform() < 0.1 ? 0 : log_uniform(random, 1e-4, 30);
  model.theta =
      mlp->initial_parameters(static_cast<std::uint64_t>(one_of(random, 1 << 20)), output_scale) *
      log_uniform(random, 0.3, 3);
  model.local = true;
  if (symmetry == Symmetry::none && random.uniform() < 0.5) {
    // The last bias puts an equilibrium anywhere.
    model.equilibrium.resize(dimension);
    for (double& x : model.equilibrium) x = random.normal();
    const Index after = skip == Skip::linear ? dimension * (dimension + 1) : 0;
    model.theta.segment(model.theta.size() - after - dimension, dimension) -=
        mlp->force(model.theta, Block(model.equilibrium)).col(0);
  }
  model.force = [=](const Wide* q, const Wide* p, Wide* f) {
    std::vector<Wide> a(q, q + dimension), next;
    for (std::size_t l = 1; l < layers.size(); ++l) {
      next.assign(static_cast<std::size_t>(layers[l]), Wide());
      for (Wide& z : next) {
        for (const Wide& x : a) z += *p++ * x;
      }
      if (symmetry == Symmetry::none) {
        for (Wide& z : next) z += *p++;
      }
      if (l + 1 < layers.size()) {
        for (Wide& z : next) z = tanh(z);
      }
      a.swap(next);
    }
    for (Index i = 0; skip == Skip::linear && i < dimension; ++i) {
      for (Index j = 0; j < dimension; ++j) a[static_cast<std::size_t>(i)] += *p++ * q[j];
    }
    for (Index i = 0; skip == Skip::linear && symmetry == Symmetry::none && i < dimension; ++i) {
      a[static_cast<std::size_t>(i)] += *p++;
    }
    std::copy(a.begin(), a.end(), f);
  };
  return model;
}

/// x'' = -k u (x - c): with u = 1, or with the stiffness in other units.
inline Model harmonic(Random& random) {
  const double unit = random.uniform() < 0.5 ? 1 : log_uniform(random, 1e-12, 1e12);
  const Vector theta{{log_uniform(random, 1e-2, 1e2) / unit, random.normal()}};
  Model model = make_model(
      unit == 1 ? "harmonic" : "harmonic in other units", 1, Motion::newtonian, theta,
      [unit](const auto* q, const auto* p, auto* f) { f[0] = -(p[0] * unit) * (q[0] - p[1]); });
  model.equilibrium = Vector::Constant(1, theta[1]);
  model.flow = [unit](const auto& p, const auto& y, Real t) {
    const Wide w = sqrt(p[0] * unit), c = cos(w * t), s = sin(w * t);
    const Wide x = Wide(y[0]) - p[1];
    return std::vector<Wide>{p[1] + x * c + y[1] * s / w, y[1] * c - w * x * s};
  };
  return model;
}

/// A constant force: f = a, or y' = a.
inline Model constant(Random& random) {
  const Vector theta = Vector::Constant(1, random.uniform() < 0.3 ? 0 : random.normal());
  const Motion motion = any_motion(random);
  Model model = make_model("constant", 1, motion, theta,
                           [](const auto* q, const auto* p, auto* f) { f[0] = p[0] + 0 * q[0]; });
  model.flow = [motion](const auto& p, const auto& y, Real t) {
    if (motion == Motion::first_order) return std::vector<Wide>{y[0] + p[0] * t};
    return std::vector<Wide>{y[0] + y[1] * t + p[0] * (t * t / 2), y[1] + p[0] * t};
  };
  return model;
}

/// Linear systems f = A (q - c) by the matrix exponential; its derivative by A is a block of
/// exp(t [G H; 0 G]).
inline Model linear(Random& random) {
  const Index d = 1 + one_of(random, 3);
  const Motion motion = any_motion(random);
  const double scale = log_uniform(random, 1e-2, 3);
  // Mostly bounded: oscillators, or a decay.
  Eigen::MatrixXd a = Eigen::MatrixXd::NullaryExpr(d, d, [&](Index) { return random.normal(); });
  a = (motion == Motion::newtonian
           ? Eigen::MatrixXd(-a * a.transpose())
           : Eigen::MatrixXd(a - a.transpose() - 0.2 * Eigen::MatrixXd::Identity(d, d))) *
      scale;
  Vector theta(d * d + d);
  theta << Vector(a.transpose().reshaped()),
      Vector::NullaryExpr(d, [&] { return random.normal(); });
  Model model = make_model("linear", d, motion, theta, [d](const auto* q, const auto* p, auto* f) {
    const auto* c = p + d * d;
    for (Index i = 0; i < d; ++i) {
      f[i] = p[i * d] * (q[0] - c[0]);
      for (Index j = 1; j < d; ++j) f[i] = f[i] + p[i * d + j] * (q[j] - c[j]);
    }
  });
  model.equilibrium = theta.tail(d);
  model.flow = [d, motion](const auto& p, const auto& y, Real t) {
    using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;
    const Index n = static_cast<Index>(y.size());
    const Index velocity = n - d;
    std::vector<Wide> out(y.size());
    for (std::size_t k = 0; k < 2; ++k) {
      Matrix start = Eigen::Map<const Matrix>(y.data(), n, 1);
      Matrix centre = Matrix::Zero(n, 1), moved = centre;
      for (Index i = 0; i < d; ++i) {
        centre(i) = p[static_cast<std::size_t>(d * d + i)].value;
        moved(i) = p[static_cast<std::size_t>(d * d + i)].slope[k];
      }
      start -= centre;
      Matrix g = Matrix::Zero(2 * n, 2 * n);
      for (Index half : {Index{0}, n}) {
        if (motion == Motion::newtonian) g.block(half, half + d, d, d).setIdentity();
        for (Index i = 0; i < d; ++i) {
          for (Index j = 0; j < d; ++j) {
            const Wide& entry = p[static_cast<std::size_t>(i * d + j)];
            g(half + velocity + i, half + j) = entry.value;
            if (half == 0) g(velocity + i, n + j) = entry.slope[k];
          }
        }
      }
      const Matrix flow = Matrix(t * g).exp();
      const Matrix value = centre + flow.topLeftCorner(n, n) * start;
      const Matrix slope =
          moved + flow.topRightCorner(n, n) * start - flow.topLeftCorner(n, n) * moved;
      for (Index i = 0; i < n; ++i) {
        out[static_cast<std::size_t>(i)].value = value(i);
        out[static_cast<std::size_t>(i)].slope[k] = slope(i);
      }
    }
    return out;
  };
  return model;
}

/// Logistic growth y' = r y (1 - y/K).
inline Model logistic(Random& random) {
  const Vector theta{{log_uniform(random, 0.03, 3), log_uniform(random, 0.1, 10)}};
  Model model = make_model(
      "logistic", 1, Motion::first_order, theta,
      [](const auto* y, const auto* p, auto* f) { f[0] = p[0] * y[0] * (1 - y[0] / p[1]); });
  model.equilibrium = Vector::Constant(1, theta[1]);
  model.flow = [](const auto& p, const auto& y, Real t) {
    return std::vector<Wide>{p[1] * y[0] / (y[0] + (p[1] - y[0]) * exp(-(p[0] * t)))};
  };
  return model;
}

/// A quadrature: y1' = a cos(b y2), y2' = 1.
inline Model quadrature(Random& random) {
  const Vector theta{{random.normal(), log_uniform(random, 0.1, 3)}};
  Model model = make_model("quadrature", 2, Motion::first_order, theta,
                           [](const auto* y, const auto* p, auto* f) {
                             f[0] = p[0] * cos(p[1] * y[1]);
                             f[1] = 1 + 0 * y[0];
                           });
  model.local = true;
  model.flow = [](const auto& p, const auto& y, Real t) {
    const Wide sum = sin(p[1] * (y[1] + t)) - sin(p[1] * y[1]);
    return std::vector<Wide>{y[0] + p[0] * sum / p[1], y[1] + t};
  };
  return model;
}

/// y1' = -K (y1 - y2), y2' = -mu y2, K large.
inline Model stiff(Random& random) {
  const Vector theta{{log_uniform(random, 10, 1e4), log_uniform(random, 0.1, 1)}};
  Model model =
      make_model("stiff", 2, Motion::first_order, theta, [](const auto* y, const auto* p, auto* f) {
        f[0] = -p[0] * (y[0] - y[1]);
        f[1] = -p[1] * y[1];
      });
  model.equilibrium = Vector::Zero(2);
  model.flow = [](const auto& p, const auto& y, Real t) {
    const Wide fast = exp(-(p[0] * t)), slow = exp(-(p[1] * t));
    const Wide ratio = p[0] / (p[0] - p[1]);
    return std::vector<Wide>{y[0] * fast + ratio * y[1] * (slow - fast), y[1] * slow};
  };
  return model;
}

inline Model lotka_volterra(Random& random) {
  const Vector theta{{log_uniform(random, 0.3, 3), log_uniform(random, 0.3, 3)}};
  Model model = make_model("lotka-volterra", 2, Motion::first_order, theta,
                           [](const auto* y, const auto* p, auto* f) {
                             f[0] = p[0] * y[0] - y[0] * y[1];
                             f[1] = y[0] * y[1] - p[1] * y[1];
                           });
  model.equilibrium = Vector{{theta[1], theta[0]}};
  return model;
}

/// Wells of one dimension whose two parameters and place are trained.
inline Model well(Random& random) {
  const Vector theta{{log_uniform(random, 0.3, 3), log_uniform(random, 0.3, 2), random.normal()}};
  const auto named = [&](const char* name, auto f, bool local) {
    const auto placed = [f](const auto* q, const auto* p, auto* out) {
      const auto x = q[0] - p[2];
      f(&x, p, out);
    };
    Model model = make_model(std::string("well ") + name, 1, Motion::newtonian, theta, placed);
    model.equilibrium = theta.tail(1);
    model.local = local;
    return model;
  };
  switch (one_of(random, 5)) {
    case 0:
      return named(
          "duffing",
          [](const auto* q, const auto* p, auto* f) {
            f[0] = -p[0] * q[0] - p[1] * q[0] * q[0] * q[0];
          },
          false);
    case 1:
      return named(
          "pendulum",
          [](const auto* q, const auto* p, auto* f) {
            using std::sin;
            f[0] = -p[0] * sin(p[1] * q[0]);
          },
          true);
    case 2:
      return named(
          "morse",
          [](const auto* q, const auto* p, auto* f) {
            using std::exp;
            const auto e = exp(-p[1] * q[0]);
            f[0] = -2 * p[0] * p[1] * e * (1 - e);
          },
          true);
    case 3:
      return named(
          "poschl-teller",
          [](const auto* q, const auto* p, auto* f) {
            using std::exp;
            using std::tanh;
            const auto t = tanh(p[1] * q[0]);
            f[0] = -2 * p[0] * p[1] * t * (1 - t * t);
          },
          true);
    default:
      return named(
          "toda",
          [](const auto* q, const auto* p, auto* f) {
            using std::exp;
            f[0] = -p[0] * (exp(p[1] * q[0]) - 1);
          },
          true);
  }
}

/// Motions in two and three dimensions, two of them chaotic at times.
inline Model several_dimensions(Random& random) {
  switch (one_of(random, 4)) {
    case 0: {
      Model model = make_model("several dimensions", 2, Motion::newtonian,
                               Vector{{log_uniform(random, 0.3, 3), log_uniform(random, 0.3, 3),
                                       log_uniform(random, 0.01, 1)}},
                               [](const auto* q, const auto* p, auto* f) {
                                 f[0] = -p[0] * q[0] - p[2] * q[0] * q[1] * q[1];
                                 f[1] = -p[1] * q[1] - p[2] * q[0] * q[0] * q[1];
                               });
      model.equilibrium = Vector::Zero(2);
      return model;
    }
    case 1: {  // a softened centre of gravity
      Model model = make_model("several dimensions", 3, Motion::newtonian,
                               Vector{{log_uniform(random, 0.3, 3), log_uniform(random, 0.1, 1)}},
                               [](const auto* q, const auto* p, auto* f) {
                                 using std::sqrt;
                                 const auto r2 =
                                     q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + p[1] * p[1];
                                 const auto a = -p[0] / (r2 * sqrt(r2));
                                 for (int i = 0; i < 3; ++i) f[i] = a * q[i];
                               });
      model.equilibrium = Vector::Zero(3);
      model.local = true;
      return model;
    }
    case 2: {  // van der Pol
      Model model = make_model("several dimensions", 2, Motion::first_order,
                               Vector::Constant(1, log_uniform(random, 0.1, 30)),
                               [](const auto* y, const auto* p, auto* f) {
                                 f[0] = y[1] + 0 * y[0];
                                 f[1] = p[0] * (1 - y[0] * y[0]) * y[1] - y[0];
                               });
      model.equilibrium = Vector::Zero(2);
      return model;
    }
    default: {  // Lorenz
      Model model = make_model("several dimensions", 3, Motion::first_order,
                               Vector{{10, log_uniform(random, 0.5, 28), 8.0 / 3}},
                               [](const auto* y, const auto* p, auto* f) {
                                 f[0] = p[0] * (y[1] - y[0]);
                                 f[1] = y[0] * (p[1] - y[2]) - y[1];
                                 f[2] = y[0] * y[1] - p[2] * y[2];
                               });
      model.equilibrium = Vector::Zero(3);
      return model;
    }
  }
}

inline Model random_model(Random& random) {
  const double u = random.uniform();
  if (u < 0.35) return network(random);
  if (u < 0.45) return harmonic(random);
  if (u < 0.50) return constant(random);
  if (u < 0.60) return linear(random);
  if (u < 0.65) return logistic(random);
  if (u < 0.70) return quadrature(random);
  if (u < 0.74) return stiff(random);
  if (u < 0.80) return lotka_volterra(random);
  if (u < 0.92) return well(random);
  return several_dimensions(random);
}

}  // namespace isochron::fuzz
