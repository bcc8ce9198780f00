#include "isochron/mlp.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "isochron/error.hpp"
#include "isochron/random.hpp"
#include "lanes.hpp"

namespace isochron {
namespace {

/// Where one layer's numbers lie in theta and in the activations of a group of eight points.
struct Layer {
  Index inputs = 0;
  Index outputs = 0;
  Index weights = 0;     // offset in theta; the biases follow the weights
  Index biases = 0;      // offset in theta, or -1
  Index activation = 0;  // offset of the inputs in a group's activations
};

/// Eight neighbouring points of one component, from column b on.
Lanes load_points(ConstBlockRef block, Index row, Index b) {
  return load(block.data() + row * block.outerStride() + b, block.cols() - b);
}
void store_points(BlockRef block, Index row, Index b, Lanes values) {
  store(block.data() + row * block.outerStride() + b, values, block.cols() - b);
}

/// out_o = bias_o + sum_i W(o, i) in_i for eight points.
void dense(const Layer& layer, const double* theta, const Lanes* in, Lanes* out) {
  constexpr Index tile = 4;  // independent sums in flight hide the latency of multiply-add
  const Index inputs = layer.inputs;
  const double* weights = theta + layer.weights;
  const auto start = [&](Index o) {
    return layer.biases < 0 ? Lanes{} : broadcast(theta[layer.biases + o]);
  };
  Index o = 0;
  for (; o + tile <= layer.outputs; o += tile) {
    Lanes sums[tile];
    for (Index k = 0; k < tile; ++k) sums[k] = start(o + k);
    const double* row = weights + o * inputs;
    for (Index i = 0; i < inputs; ++i) {
      for (Index k = 0; k < tile; ++k) sums[k] += row[k * inputs + i] * in[i];
    }
    for (Index k = 0; k < tile; ++k) out[o + k] = sums[k];
  }
  for (; o < layer.outputs; ++o) {
    Lanes sum = start(o);
    for (Index i = 0; i < inputs; ++i) sum += weights[o * inputs + i] * in[i];
    out[o] = sum;
  }
}

/// out_i = sum_o W(o, i) delta_o for eight points.
void transposed_dense(const Layer& layer, const double* theta, const Lanes* delta, Lanes* out) {
  constexpr Index tile = 4;
  const Index outputs = layer.outputs;
  const double* weights = theta + layer.weights;
  Index i = 0;
  for (; i + tile <= layer.inputs; i += tile) {
    Lanes sums[tile] = {};
    for (Index o = 0; o < outputs; ++o) {
      const double* row = weights + o * layer.inputs + i;
      for (Index k = 0; k < tile; ++k) sums[k] += row[k] * delta[o];
    }
    for (Index k = 0; k < tile; ++k) out[i + k] = sums[k];
  }
  for (; i < layer.inputs; ++i) {
    Lanes sum{};
    for (Index o = 0; o < outputs; ++o) sum += weights[o * layer.inputs + i] * delta[o];
    out[i] = sum;
  }
}

/// sums(o, i) = sum over the groups of delta_o a_i, for an R x C tile of weights: registers hold
/// the tile while the groups stream by. The lanes are still to be added up.
template <int R, int C>
void outer_tile(const Lanes* delta, const Lanes* a, Index stride, Index groups, Lanes* sums,
                Index row_stride) {
  Lanes tile[R * C] = {};
  for (Index g = 0; g < groups; ++g) {
    for (int r = 0; r < R; ++r) {
      for (int c = 0; c < C; ++c) tile[r * C + c] += delta[g * stride + r] * a[g * stride + c];
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sums[r * row_stride + c] = tile[r * C + c];
  }
}

template <int R>
void outer_rows(const Lanes* delta, const Lanes* a, Index stride, Index groups, Lanes* sums,
                Index inputs) {
  Index i = 0;
  for (; i + 4 <= inputs; i += 4) {
    outer_tile<R, 4>(delta, a + i, stride, groups, sums + i, inputs);
  }
  for (; i < inputs; ++i) {
    outer_tile<R, 1>(delta, a + i, stride, groups, sums + i, inputs);
  }
}

using AlignedLanes = std::vector<Lanes, Eigen::aligned_allocator<Lanes>>;

/// The kernel: eight points side by side in the lanes, groups of eight one after the other.
/// A group's activations (q, a_1, .., a_{L-1}) are contiguous, and so are its deltas
/// (dL/da before tanh, one for each neuron and output).
class MlpLinearisation final : public Linearisation {
 public:
  MlpLinearisation(const Mlp& mlp, Index points) : dimension_(mlp.dimension()) {
    Index parameter = 0;
    for (std::size_t l = 0; l + 1 < mlp.layers().size(); ++l) {
      Layer layer;
      layer.inputs = mlp.layers()[l];
      layer.outputs = mlp.layers()[l + 1];
      layer.weights = parameter;
      parameter += layer.inputs * layer.outputs;
      layer.biases = mlp.bias() ? parameter : -1;
      if (mlp.bias()) parameter += layer.outputs;
      layer.activation = stride_;
      stride_ += layer.inputs;
      layers_.push_back(layer);
    }
    stride_ += dimension_;  // deltas have one more row of outputs than activations
    const Index groups = padded(points) / lane_count;
    activations_.resize(static_cast<std::size_t>(groups * stride_));
    deltas_.resize(activations_.size());
    if (dimension_ == 1) {
      unit_deltas_.resize(activations_.size());
      slopes_.resize(static_cast<std::size_t>(groups));
    }
    scratch_.resize(static_cast<std::size_t>(2 * stride_));
    sums_.resize(static_cast<std::size_t>(padded(parameter)));
  }

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    for (Index b = 0; b < q.cols(); b += lane_count) {
      forward(theta.data(), q, b, scratch_.data(), f);
    }
  }

  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    theta_ = theta.data();
    points_ = q.cols();
    slopes_known_ = false;
    Lanes* a = activations_.data();
    for (Index b = 0; b < points_; b += lane_count, a += stride_) {
      forward(theta_, q, b, a, f);
    }
  }

  void transposed_product(ConstBlockRef w, BlockRef out) override {
    if (dimension_ == 1) {
      scalar_slopes();
      for (Index b = 0; b < w.cols(); b += lane_count) {
        store_points(out, 0, b,
                     slopes_[static_cast<std::size_t>(b / lane_count)] * load_points(w, 0, b));
      }
      return;
    }
    const Lanes* a = activations_.data();
    for (Index b = 0; b < w.cols(); b += lane_count, a += stride_) {
      Lanes* delta = scratch_.data();
      load_cotangent(w, b, delta);
      backward(a, delta);
      store_input_gradient(delta, out, 0, b);
    }
  }

  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    Lanes* delta = deltas_.data();
    Index groups = 0;
    if (dimension_ == 1) scalar_slopes();
    for (Index b = 0; b < w.cols(); b += lane_count, delta += stride_, ++groups) {
      if (dimension_ == 1) {
        const Lanes weight = load_points(w, 0, b);
        const Lanes* unit = unit_deltas_.data() + groups * stride_;
        for (Index i = 0; i + 1 < stride_; ++i) delta[i] = unit[i] * weight;
      } else {
        load_cotangent(w, b, delta);
        backward(activations_.data() + groups * stride_, delta);
      }
    }
    for (const Layer& layer : layers_) sum_layer(layer, groups);
    const Index count = gradient.size();
    for (Index p = 0; p < count; p += lane_count) {
      const Lanes totals = lane_sums(sums_.data() + p);
      store(gradient.data() + p, load(gradient.data() + p, count - p) + totals, count - p);
    }
  }

  void product(ConstBlockRef u, BlockRef out) override {
    const Lanes* a = activations_.data();
    for (Index b = 0; b < u.cols(); b += lane_count, a += stride_) {
      Lanes* tangent = scratch_.data();
      for (Index d = 0; d < dimension_; ++d) tangent[d] = load_points(u, d, b);
      for (std::size_t l = 0; l < layers_.size(); ++l) {
        Layer linear = layers_[l];
        linear.biases = -1;
        Lanes* next = tangent + linear.inputs;
        dense(linear, theta_, tangent, next);
        if (l + 1 < layers_.size()) {
          const Lanes* activation = a + layers_[l + 1].activation;
          for (Index o = 0; o < linear.outputs; ++o) next[o] *= slope(activation[o]);
        }
        tangent = next;
      }
      for (Index d = 0; d < dimension_; ++d) store_points(out, d, b, tangent[d]);
    }
  }

  void jacobians(BlockRef out) override {
    for (Index row = 0; row < dimension_; ++row) {
      const Lanes* a = activations_.data();
      for (Index b = 0; b < out.cols(); b += lane_count, a += stride_) {
        Lanes* delta = scratch_.data();
        seed_output(row, delta);
        backward(a, delta);
        store_input_gradient(delta, out, row * dimension_, b);
      }
    }
  }

 private:
  static Lanes slope(Lanes activation) { return 1.0 - activation * activation; }

  // Deltas are those of the outputs of each layer, hidden layers first.
  [[nodiscard]] Index delta_offset(const Layer& layer) const {
    return layer.activation + layer.inputs - layers_.front().inputs;
  }

  void forward(const double* theta, ConstBlockRef q, Index b, Lanes* a, BlockRef f) const {
    for (Index d = 0; d < dimension_; ++d) a[d] = load_points(q, d, b);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Layer& layer = layers_[l];
      const Lanes* in = a + layer.activation;
      Lanes* out = a + layer.activation + layer.inputs;
      dense(layer, theta, in, out);
      if (l + 1 < layers_.size()) tanh_in_place(out, layer.outputs);
    }
    const Lanes* out = a + layers_.back().activation + layers_.back().inputs;
    for (Index d = 0; d < dimension_; ++d) store_points(f, d, b, out[d]);
  }

  void seed_output(Index row, Lanes* delta) const {
    Lanes* last = delta + delta_offset(layers_.back());
    for (Index d = 0; d < dimension_; ++d) last[d] = broadcast(d == row ? 1.0 : 0.0);
  }

  // With one output, J^T w = J w and the deltas are those of w = 1 times w: one backward pass per
  // linearisation serves every cotangent.
  void scalar_slopes() {
    if (slopes_known_) return;
    Lanes* delta = unit_deltas_.data();
    const Lanes* a = activations_.data();
    for (Index g = 0; g * lane_count < points_; ++g, delta += stride_, a += stride_) {
      seed_output(0, delta);
      backward(a, delta);
      transposed_dense(layers_.front(), theta_, delta, &slopes_[static_cast<std::size_t>(g)]);
    }
    slopes_known_ = true;
  }

  // From the deltas of the first layer to the rows first_row, .. of out.
  void store_input_gradient(const Lanes* delta, BlockRef out, Index first_row, Index b) {
    Lanes* result = scratch_.data() + stride_;
    transposed_dense(layers_.front(), theta_, delta, result);
    for (Index d = 0; d < dimension_; ++d) store_points(out, first_row + d, b, result[d]);
  }

  void load_cotangent(ConstBlockRef w, Index b, Lanes* delta) const {
    Lanes* last = delta + delta_offset(layers_.back());
    for (Index d = 0; d < dimension_; ++d) last[d] = load_points(w, d, b);
  }

  // From the deltas of the outputs to those of every hidden layer.
  void backward(const Lanes* a, Lanes* delta) const {
    for (std::size_t l = layers_.size() - 1; l > 0; --l) {
      Lanes* below = delta + delta_offset(layers_[l - 1]);
      transposed_dense(layers_[l], theta_, delta + delta_offset(layers_[l]), below);
      const Lanes* activation = a + layers_[l].activation;
      for (Index i = 0; i < layers_[l].inputs; ++i) below[i] *= slope(activation[i]);
    }
  }

  // Sums over the groups for all parameters of a layer, in the order of theta.
  void sum_layer(const Layer& layer, Index groups) {
    const Lanes* a = activations_.data() + layer.activation;
    const Lanes* delta = deltas_.data() + delta_offset(layer);
    Lanes* weights = sums_.data() + layer.weights;
    Index o = 0;
    for (; o + 4 <= layer.outputs; o += 4) {
      outer_rows<4>(delta + o, a, stride_, groups, weights + o * layer.inputs, layer.inputs);
    }
    for (; o < layer.outputs; ++o) {
      outer_rows<1>(delta + o, a, stride_, groups, weights + o * layer.inputs, layer.inputs);
    }
    if (layer.biases < 0) return;
    for (o = 0; o < layer.outputs; ++o) {
      Lanes sum{};
      for (Index g = 0; g < groups; ++g) sum += delta[g * stride_ + o];
      sums_[static_cast<std::size_t>(layer.biases + o)] = sum;
    }
  }

  Index dimension_;
  Index stride_ = 0;  // Lanes per group
  std::vector<Layer> layers_;
  const double* theta_ = nullptr;
  Index points_ = 0;  // of the last linearisation
  AlignedLanes activations_;
  AlignedLanes deltas_;
  AlignedLanes scratch_;
  AlignedLanes sums_;  // one per parameter, padded
  // One dimension only: df/dq at each point, and the deltas that gave it.
  bool slopes_known_ = false;
  AlignedLanes slopes_;
  AlignedLanes unit_deltas_;
};

}  // namespace

Mlp::Mlp(std::vector<Index> layers, Symmetry symmetry)
    : layers_(std::move(layers)), symmetry_(symmetry) {
  const bool sound = layers_.size() >= 2 && layers_.front() == layers_.back() &&
                     std::all_of(layers_.begin(), layers_.end(), [](Index w) { return w > 0; });
  if (!sound) {
    throw InputError(
        "a network needs at least an input and an output layer of the same width, and every width "
        "at least 1");
  }
}

Index Mlp::parameters() const {
  Index count = 0;
  for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
    count += (layers_[l] + (bias() ? 1 : 0)) * layers_[l + 1];
  }
  return count;
}

std::unique_ptr<Linearisation> Mlp::linearisation(Index points) const {
  return std::make_unique<MlpLinearisation>(*this, points);
}

Vector Mlp::initial_parameters(std::uint64_t seed) const {
  Random random(seed);
  Vector theta(parameters());
  Index next = 0;
  for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
    const double bound = 1 / std::sqrt(static_cast<double>(layers_[l]));
    const Index count = (layers_[l] + (bias() ? 1 : 0)) * layers_[l + 1];
    for (Index i = 0; i < count; ++i) theta[next++] = bound * (2 * random.uniform() - 1);
  }
  return theta;
}

}  // namespace isochron
