#include "cli/figures/common.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

#include "floating_point.hpp"

namespace isochron::cli {
namespace {

/// The decimal with its digits and its sign in other characters.
std::string spelled(long number, const char* const (&digits)[10], const char* minus) {
  std::string text;
  for (const char c : std::to_string(number)) text += c == '-' ? minus : digits[c - '0'];
  return text;
}

}  // namespace

Curve make_curve(const std::string& label, std::vector<double> x, std::vector<double> y,
                 Curve::Style style) {
  Curve curve;
  curve.label = label;
  curve.x = std::move(x);
  curve.y = std::move(y);
  curve.style = style;
  return curve;
}

Curve level(const std::string& label, double y, const Panel& panel, Curve::Style style) {
  double low = infinity;
  double high = -low;
  for (const Curve& curve : panel.curves) {
    const auto [first, last] = bounds(curve.x);
    low = std::min(low, first);
    high = std::max(high, last);
  }
  return make_curve(label, {low, high}, {y, y}, style);
}

void tick_whole_numbers(Panel& panel) {
  constexpr std::size_t most = 12;
  std::vector<double> all;
  for (const Curve& curve : panel.curves) all.insert(all.end(), curve.x.begin(), curve.x.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (all.size() > most) return;
  for (const double x : all) panel.x_ticks.push_back({x, fmt::format("{:.0f}", x)});
}

std::string subscript(long number) {
  return spelled(number, {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"}, "₋");
}

std::string superscript(long number) {
  return spelled(number, {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"}, "⁻");
}

std::string in_words(double number) {
  std::string text = fmt::format("{:.3g}", number);
  const std::size_t e = text.find('e');
  if (e == std::string::npos) return text;
  const std::string power = "10" + superscript(std::stol(text.substr(e + 1)));
  return text.substr(0, e) == "1" ? power : text.substr(0, e) + ' ' + power;
}

std::vector<Index> spread(Index count, Index wanted) {
  std::vector<Index> result;
  const Index n = std::min(count, wanted);
  for (Index i = 0; i < n; ++i) result.push_back(n == 1 ? count - 1 : i * (count - 1) / (n - 1));
  return result;
}

Curve staircase(const std::string& label, const std::vector<double>& edges,
                const std::vector<double>& y) {
  Curve curve = make_curve(label, {}, {});
  const auto corner = [&](double x, double height) {
    curve.x.push_back(x);
    curve.y.push_back(height);
  };
  corner(edges.front(), 0);
  for (std::size_t i = 0; i < y.size(); ++i) {
    corner(edges[i], y[i]);
    corner(edges[i + 1], y[i]);
  }
  corner(edges.back(), 0);
  return curve;
}

void say_below(Figure& figure, const std::string& sentence) {
  if (sentence.empty()) return;
  figure.caption += (figure.caption.empty() ? "" : " ") + sentence;
}

std::pair<double, double> bounds(const std::vector<double>& values) {
  double low = infinity;
  double high = -low;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  return {low, high};
}

}  // namespace isochron::cli
