#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace isochron {

/// A part of a scatter plot, such as an orbit, by its first and its last point.
struct Stroke {
  double first_x;
  double first_y;
  double last_x;
  double last_y;
};

/// An order of the strokes in which the last point of all lies neither left of nor below the first,
/// if one is found: viewers (H5Web) turn an axis round whose last value is below its first. Two
/// strokes change places with the first and the last, no others.
inline std::vector<std::size_t> upright_order(const std::vector<Stroke>& strokes) {
  std::vector<std::size_t> order(strokes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto rises = [&](std::size_t from, std::size_t to) {
    return strokes[from].first_x <= strokes[to].last_x &&
           strokes[from].first_y <= strokes[to].last_y;
  };
  if (strokes.size() < 2 || rises(order.front(), order.back())) return order;
  constexpr std::size_t most = 200;  // the outermost ones suffice
  const std::size_t tried = std::min(most, strokes.size());
  std::vector<std::size_t> firsts = order;
  std::partial_sort(firsts.begin(), firsts.begin() + static_cast<std::ptrdiff_t>(tried),
                    firsts.end(), [&](std::size_t a, std::size_t b) {
                      return strokes[a].first_x + strokes[a].first_y <
                             strokes[b].first_x + strokes[b].first_y;
                    });
  std::vector<std::size_t> lasts = order;
  std::partial_sort(lasts.begin(), lasts.begin() + static_cast<std::ptrdiff_t>(tried), lasts.end(),
                    [&](std::size_t a, std::size_t b) {
                      return strokes[a].last_x + strokes[a].last_y >
                             strokes[b].last_x + strokes[b].last_y;
                    });
  for (std::size_t i = 0; i < tried; ++i) {
    for (std::size_t j = 0; j < tried; ++j) {
      if (firsts[i] == lasts[j] || !rises(firsts[i], lasts[j])) continue;
      std::swap(order.front(), *std::find(order.begin(), order.end(), firsts[i]));
      std::swap(order.back(), *std::find(order.begin(), order.end(), lasts[j]));
      return order;
    }
  }
  return order;
}

}  // namespace isochron
