#include <doctest/doctest.h>
#include <stdlib.h>  // setenv
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/figure.hpp"
#include "temporary_folder.hpp"

namespace test_figure {

using namespace isochron;
namespace fs = std::filesystem;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Another PATH while it lives.
class SearchPath {
 public:
  explicit SearchPath(const std::string& path) : old_(getenv("PATH")) {
    setenv("PATH", path.c_str(), 1);
  }
  SearchPath(const SearchPath&) = delete;
  SearchPath& operator=(const SearchPath&) = delete;
  ~SearchPath() { setenv("PATH", old_.c_str(), 1); }

 private:
  std::string old_;
};

/// Files cannot grow beyond `bytes` while it lives: writing more fails without a signal.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  void (*old_handler_)(int);
  rlimit old_{};
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++times;
  }
  return times;
}

Curve line(const std::vector<double>& x, const std::vector<double>& y) {
  Curve curve;
  curve.x = x;
  curve.y = y;
  return curve;
}

/// A panel that uses everything.
Panel rich_panel() {
  Panel panel;
  panel.title = "title";
  panel.x_label = "position x (1)";
  panel.y_label = "velocity v (1)";
  panel.color_label = "energy E (1)";
  panel.equal_axes = true;
  panel.shaded_x = {{-0.5, 0.5}};
  panel.shaded_label = "visited";
  for (const auto style :
       {Curve::Style::line, Curve::Style::dashed, Curve::Style::points, Curve::Style::marked}) {
    Curve curve = line({-1, 0, 1, 2}, {1, 0, 1, 4});
    curve.label = "curve " + std::to_string(panel.curves.size());
    curve.style = style;
    panel.curves.push_back(curve);
  }
  panel.curves[2].color = {0, 1, 2, 3};
  return panel;
}

/// A band around a line, and points with errors in the colour of both.
Panel band_panel() {
  Panel panel;
  Curve band = line({0, 1, 2, 3}, {-1, 0, -1, -2});
  band.style = Curve::Style::band;
  band.upper = {1, 2, 3, 4};
  band.label = "band";
  Curve points = line({0, 1, 2, 3}, {0, 1, 1, 1});
  points.style = Curve::Style::points;
  points.error = {0.1, 0.2, 6, 0.1};
  points.label = "points";
  points.hue = 0;
  panel.curves = {band, points};
  return panel;
}

/// The SVG that is drawn.
std::string svg(const Figure& figure) {
  const TemporaryFolder folder;
  draw(figure, folder / "figure.svg", FigureFormat::svg);
  const std::string text = contents(folder / "figure.svg");
  CHECK(text.find("<svg") != std::string::npos);
  CHECK(text.find("</svg>") != std::string::npos);
  CHECK(folder.files().size() == 1);
  return text;
}

std::string svg(const Panel& panel) { return svg(Figure{{panel}}); }

std::string svg(const Curve& curve) {
  Panel panel;
  panel.curves = {curve};
  return svg(panel);
}

/// A label of an axis, as the SVG has it.
struct Tick {
  double x;  ///< of its middle or end, in pixels
  std::string label;

  /// At least: a digit has 7.6 pixels, a raised one 6.
  [[nodiscard]] double width() const {
    return 6.0 * static_cast<double>(std::count_if(label.begin(), label.end(), [](char c) {
             return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
           }));
  }
};

/// Of a panel without other text: those of the axis x are anchored at their "middle", those of the
/// axis y at their "end".
std::vector<Tick> ticks(const std::string& svg, const std::string& anchor) {
  const std::regex text("translate\\(([0-9.]+),[0-9.]+\\)\"[^>]*text-anchor=\"" + anchor +
                        "\">\\s*<text>(.*)</text>");
  std::vector<Tick> result;
  for (std::sregex_iterator found(svg.begin(), svg.end(), text), end; found != end; ++found) {
    result.push_back(
        {std::stod((*found)[1]), std::regex_replace((*found)[2].str(), std::regex("<[^>]*>"), "")});
  }
  return result;
}

/// At least two, all different.
void check_ticks(const std::vector<Tick>& ticks) {
  std::set<std::string> labels;
  for (const Tick& tick : ticks) labels.insert(tick.label);
  CHECK(labels.size() >= 2);
  CHECK(labels.size() == ticks.size());
}

/// What is thrown when drawing into a fresh folder, which must stay as it was.
template <class Exception>
std::string message(const std::function<void(const TemporaryFolder&)>& call) {
  const TemporaryFolder folder;
  try {
    call(folder);
  } catch (const Exception& error) {
    CHECK(folder.files().size() == 0);
    return error.what();
  }
  return "nothing thrown";
}

std::string input_error(const Panel& panel) {
  return message<InputError>([&](const TemporaryFolder& folder) {
    draw({{panel}}, folder / "figure.svg", FigureFormat::svg);
  });
}

/// The error when `script` takes the place of gnuplot.
std::string output_error(const std::string& script) {
  const TemporaryFolder programs;
  std::ofstream(programs / "gnuplot") << "#!/bin/sh\n" << script << '\n';
  fs::permissions(programs / "gnuplot", fs::perms::owner_all);
  const SearchPath path(programs.path().string() + ":" + getenv("PATH"));
  return message<OutputError>([](const TemporaryFolder& folder) {
    draw({{rich_panel()}}, folder / "figure.svg", FigureFormat::svg);
  });
}

unsigned big_endian(const std::string& bytes, std::size_t at) {
  unsigned value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    value = 256 * value + static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

}  // namespace

TEST_CASE("figure: PNG, PDF and SVG files") {
  const TemporaryFolder folder;
  const Figure one{{rich_panel()}};
  const Figure two{{rich_panel(), rich_panel()}};
  draw(one, folder / "one.png", FigureFormat::png);
  draw(two, folder / "two.png", FigureFormat::png);
  draw(two, folder / "two.pdf", FigureFormat::pdf);
  draw(two, folder / "two.svg", FigureFormat::svg);
  CHECK(folder.files().size() == 4);

  const std::string narrow = contents(folder / "one.png");
  const std::string wide = contents(folder / "two.png");
  for (const std::string& png : {narrow, wide}) {
    CHECK(png.starts_with("\x89PNG\r\n\x1a\n"));
    CHECK(png.find("IEND") != std::string::npos);
    CHECK(big_endian(png, 16) > 700);  // width
    CHECK(big_endian(png, 20) > 700);  // height
  }
  CHECK(big_endian(wide, 16) > 1.9 * big_endian(narrow, 16));
  CHECK(big_endian(wide, 20) == big_endian(narrow, 20));

  CHECK(contents(folder / "two.pdf").starts_with("%PDF-"));
  CHECK(contents(folder / "two.pdf").find("%%EOF") != std::string::npos);
  CHECK(count(contents(folder / "two.svg"), "velocity v (1)") == 2);
}

TEST_CASE("figure: an existing file is replaced") {
  const TemporaryFolder folder;
  std::ofstream(folder / "figure.svg") << "old";
  std::ofstream(folder / "figure.svg.tmp") << "a user's";
  std::ofstream(folder / ".figure.svg.isochron-abc123") << "a leftover";
  draw({{rich_panel()}}, folder / "figure.svg", FigureFormat::svg);
  CHECK(contents(folder / "figure.svg").find("</svg>") != std::string::npos);
  CHECK(folder.files() == std::set<std::string>{"figure.svg", "figure.svg.tmp"});
}

TEST_CASE("figure: every label is there") {
  const std::string text = svg(rich_panel());
  for (const char* label : {"title", "position x (1)", "velocity v (1)", "energy E (1)", "visited",
                            "curve 0", "curve 1", "curve 2", "curve 3"}) {
    CAPTURE(label);
    CHECK(count(text, std::string("<text>") + label + "</text>") == 1);
  }
}

TEST_CASE("figure: the key shows every curve, however many there are") {
  for (const std::size_t curves : {1, 5, 60}) {
    for (const std::size_t length : {1, 9, 20, 70}) {
      for (const bool coloured : {false, true}) {
        CAPTURE(curves);
        CAPTURE(length);
        CAPTURE(coloured);
        Panel panel = rich_panel();
        panel.curves.assign(curves, line({0, 1}, {0, 1}));
        panel.shaded_label = std::string(length, 'w');
        for (Curve& curve : panel.curves) curve.label = panel.shaded_label;
        if (coloured) panel.curves[0].color = {0, 1};
        CHECK(count(svg(panel), "<text>" + panel.shaded_label + "</text>") == curves + 1);
      }
    }
  }
}

TEST_CASE("figure: the key ends above what is below it") {
  for (const std::size_t curves : {2, 5, 9}) {
    for (const std::size_t length : {2, 14, 22, 60}) {
      for (const bool coloured : {false, true}) {
        CAPTURE(curves);
        CAPTURE(length);
        CAPTURE(coloured);
        Panel upper;
        upper.y_label = "a label";
        upper.curves.assign(curves, line({0, 1}, {0, 1}));
        for (Curve& curve : upper.curves) curve.label = std::string(length, 'e');
        if (coloured) upper.curves[0].color = {0, 1};
        Panel lower;
        lower.title = "lower";
        const std::string text = svg(Figure{{upper, lower}, "", 1});
        const auto places = [&](const std::string& label) {
          const std::regex words("translate\\([0-9.]+,([0-9.]+)\\)\"[^>]*>\\s*<text>" + label +
                                 "</text>");
          std::vector<double> y;
          for (std::sregex_iterator found(text.begin(), text.end(), words), end; found != end;
               ++found) {
            y.push_back(std::stod((*found)[1]));
          }
          return y;
        };
        const std::vector<double> keys = places(upper.curves[0].label);
        REQUIRE(keys.size() == curves);
        REQUIRE(places("lower").size() == 1);
        CHECK(*std::max_element(keys.begin(), keys.end()) + 10 < places("lower").front());
      }
    }
  }
}

TEST_CASE("figure: labels are text, whatever they contain") {
  const TemporaryFolder folder;
  const std::string touch = "touch " + (folder / "x").string();
  struct Sample {
    std::string label;
    std::string in_svg;
  };
  const std::vector<Sample> samples = {
      {"\"; system(\"" + touch + "\") #", "\"; system(\"" + touch + "\") #"},
      {"'; system('" + touch + "'); '", "'; system('" + touch + "'); '"},
      {"\\'; system('" + touch + "') #", "\\'; system('" + touch + "') #"},
      {"`" + touch + "`", "`" + touch + "`"},
      {"$(" + touch + ")", "$(" + touch + ")"},
      {"a\n! " + touch, "a ! " + touch},
      {"a\r\nEND\nsystem('" + touch + "')", "a  END system('" + touch + "')"},
      {std::string("a\0b", 3), "a b"},
      {"'", "'"},
      {"''", "''"},
      {"\\", "\\"},
      {"tab\there \\n \\t \\101", "tab here \\n \\t \\101"},
      {"100 % of %s %d %n %g", "100 % of %s %d %n %g"},
      {"{^_", "{^_"},
      {"{/Symbol a}_{b}^{c} &{d} ~e{f} @g", "{/Symbol a}_{b}^{c} &amp;{d} ~e{f} @g"},
      {"a < b & c &lt;", "a &lt; b &amp; c &amp;lt;"},
      {"# @x $x \\U+00B5", "# @x $x \\U+00B5"},
      {"ẋ = −∂U/∂x, Ω ≥ ½ 振動 🎵", "ẋ = −∂U/∂x, Ω ≥ ½ 振動 🎵"},
      {"\xff\xc3(\xc0\xaf\xed\xa0\x80", "\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"},
  };
  Figure all;
  for (const Sample& sample : samples) {
    CAPTURE(sample.label);
    Panel panel = rich_panel();
    panel.title = panel.x_label = panel.y_label = panel.color_label = sample.label;
    panel.shaded_label = panel.curves[0].label = sample.label;
    CHECK(count(svg(panel), ">" + sample.in_svg + "</text>") == 6);
    all.panels.push_back(panel);
  }
  draw(all, folder / "figure.png", FigureFormat::png);
  CHECK(folder.files().size() == 1);
}

TEST_CASE("figure: long labels do not widen it") {
  Panel panel = rich_panel();
  const TemporaryFolder folder;
  draw({{panel}}, folder / "short.png", FigureFormat::png);
  panel.title = panel.x_label = panel.y_label = panel.color_label = std::string(5000, 'W');
  panel.shaded_label = panel.curves[0].label = panel.title;
  draw({{panel}}, folder / "long.png", FigureFormat::png);
  CHECK(big_endian(contents(folder / "long.png"), 16) ==
        big_endian(contents(folder / "short.png"), 16));
}

TEST_CASE("figure: a point that cannot be drawn breaks the line") {
  // Moves of the pen to the start of a line. Ticks and axes are the same in all three.
  const auto starts = [](const std::vector<double>& y) {
    Panel panel;
    panel.curves = {line({1, 2, 3, 4, 5}, y)};
    panel.log_y = true;
    return count(svg(panel), "M");
  };
  const std::size_t whole = starts({1, 2, 3, 4, 100});
  CHECK(starts({1, 2, not_a_number, 4, 100}) == whole + 1);
  CHECK(starts({1, 2, infinity, 4, 100}) == whole + 1);
  CHECK(starts({1, 2, 0, 4, 100}) == whole + 1);
  CHECK(starts({1, 2, -3, 4, 100}) == whole + 1);
}

TEST_CASE("figure: data without shape") {
  const double huge = std::numeric_limits<double>::max();
  const double tiny = std::numeric_limits<double>::denorm_min();
  const std::vector<std::vector<double>> samples = {
      {},
      {not_a_number, not_a_number},
      {infinity, -infinity},
      {7},
      {0, 0, 0},
      {-3, -3},
      {1, std::nextafter(1, 2)},
      {1, 1 + 1e-13},
      {-1, 0, 1},
      {-2, -1},
      {0, tiny, 1e-295},
      {1e-285, 1e-250},
      {1e-250, 2e-250},
      {huge, 1, -huge},
      {-1e299, 1e299},
      {1e-299, 1e299},
  };
  for (const auto& values : samples) {
    CAPTURE(values.size());
    if (!values.empty()) CAPTURE(values.back());
    Panel panel = rich_panel();
    panel.shaded_x.clear();
    panel.curves = {line(values, values), line(values, values)};
    panel.curves[0].color = values;
    panel.curves[0].label = "label";
    Figure figure;
    for (const auto style : {Curve::Style::line, Curve::Style::points}) {
      panel.curves[0].style = style;
      for (const bool log : {false, true}) {
        panel.log_x = panel.log_y = log;
        figure.panels.push_back(panel);
      }
    }
    CHECK(count(svg(figure), "<text>label</text>") == 4);
  }
}

TEST_CASE("figure: a panel without curves, many curves, many points") {
  CHECK_NOTHROW((void)svg(Panel()));
  Panel panel;
  panel.curves.assign(500, line({0, 1}, {0, 1}));
  for (Curve& curve : panel.curves) curve.color = {1, 1};
  CHECK_NOTHROW((void)svg(panel));
  std::vector<double> loss;
  for (int i = 0; i < 20000; ++i) loss.push_back(std::exp(-1e-3 * i));
  CHECK_NOTHROW((void)svg(line(loss, loss)));
}

TEST_CASE("figure: every axis has different tick labels, and room for them") {
  const std::vector<std::pair<double, double>> ranges = {
      {0.9, 1.1},    {2, 8},      {1.01, 99}, {0.0101, 0.99},  {6e-5, 3e-4},    {0.005, 0.033},
      {2e-3, 2e-2},  {1e5, 9e5},  {0, 1e5},   {-2e-3, 9e-5},   {-0.15, 0.25},   {-1e-5, 9e-5},
      {1e-6, 1},     {1e-24, 10}, {1e-9, 10}, {1e-300, 1e300}, {-1e300, 1e300}, {1e6, 1.2e6},
      {1, 1 + 1e-6}, {0, 1e-280}, {1, 1e7},   {1e-12, 2e-12},  {999, 1000000},
  };
  for (const auto& range : ranges) {
    CAPTURE(range.first);
    CAPTURE(range.second);
    for (const bool log : {false, true}) {
      if (log && range.first <= 0) continue;
      CAPTURE(log);
      Panel panel;
      panel.x_range = panel.y_range = range;
      panel.log_x = panel.log_y = log;
      for (const double width : {250., 330.}) {
        CAPTURE(width);
        const std::string text = svg(Figure{{panel}, "", 1, width, 269});
        check_ticks(ticks(text, "end"));
        const std::vector<Tick> x = ticks(text, "middle");
        check_ticks(x);
        for (std::size_t i = 1; i < x.size(); ++i) {
          CAPTURE(x[i].label);
          CHECK(x[i].x - x[i - 1].x > (x[i].width() + x[i - 1].width()) / 2);
        }
      }
    }
  }
}

TEST_CASE("figure: given ranges are kept") {
  Panel panel = rich_panel();
  panel.equal_axes = false;
  panel.x_range = {-40, 40};
  panel.y_range = {100, 200};
  panel.color_range = {-7000, 7000};
  const std::string text = svg(panel);
  for (const char* label : {"−40", "40", "100", "200", "−6000", "6000"}) {
    CAPTURE(std::string(label));
    CHECK(text.find(std::string(">") + label + "<") != std::string::npos);
  }
}

TEST_CASE("figure: every point is drawn that can be") {
  Curve points = line({1, 2, 3, 4, 5, 6}, {1, not_a_number, 0.5, 0, -1, 2});
  points.style = Curve::Style::points;
  const auto markers = [&](bool log) {
    Panel panel;
    panel.curves = {points};
    panel.log_y = log;
    return count(svg(panel), "<use xlink:href='#gpPt6' transform");
  };
  CHECK(markers(false) == 5);
  CHECK(markers(true) == 3);
}

TEST_CASE("figure: bands, errors and bars have room, and the colours they are given") {
  const std::string text = svg(band_panel());
  CHECK(count(text, "<text>band</text>") == 1);
  CHECK(count(text, "<text>points</text>") == 1);
  // The error of the third point reaches from -5 to 7.
  const auto labels = ticks(text, "end");
  const auto has = [&](const std::string& label) {
    return std::any_of(labels.begin(), labels.end(),
                       [&](const Tick& tick) { return tick.label == label; });
  };
  CHECK(has("6"));
  CHECK(has("\u22124"));
  const std::string first = "rgb(  0, 114, 178)";
  const std::string second = "rgb(213,  94,   0)";
  CHECK(count(text, first) > 0);
  CHECK(count(text, second) == 0);
  Panel other = band_panel();
  other.curves[1].hue.reset();
  CHECK(count(svg(other), second) > 0);
  // A band that has a gap is two areas.
  Panel broken = band_panel();
  broken.curves[0].upper = {1, 1, not_a_number, 1};
  CHECK_NOTHROW((void)svg(broken));
  Curve bars = line({0.5, 1.5, 2.5}, {0.2, 0.4, 0.1});
  bars.style = Curve::Style::bars;
  CHECK(ticks(svg(bars), "end").front().label == "0");
}

TEST_CASE("figure: bars of a width, errors on either side and arrows have room") {
  const auto range = [](const Curve& curve, const std::string& axis) {
    Panel panel;
    panel.curves = {curve};
    const std::string script = gnuplot_script({{panel}}, FigureFormat::svg);
    const std::regex words("set " + axis + "range \\[([^:]*):([^\\]]*)\\]");
    std::smatch found;
    REQUIRE(std::regex_search(script, found, words));
    return std::pair(std::stod(found[1]), std::stod(found[2]));
  };
  Curve bars = line({1, 2}, {3, 4});
  bars.style = Curve::Style::bars;
  bars.width = 0.5;
  CHECK(range(bars, "x").first == doctest::Approx(0.75 - 0.03 * 1.5));
  CHECK(range(bars, "x").second == doctest::Approx(2.25 + 0.03 * 1.5));
  CHECK(range(bars, "y").first == doctest::Approx(0 - 0.03 * 4));
  Curve marked = line({1, 2}, {3, 4});
  marked.style = Curve::Style::marked;
  marked.error = {1, 1};
  marked.error_above = {1, 6};
  CHECK(range(marked, "y").first == doctest::Approx(2 - 0.03 * 8));
  CHECK(range(marked, "y").second == doctest::Approx(10 + 0.03 * 8));
  Curve arrows = line({0, 1}, {0, 1});
  arrows.style = Curve::Style::arrows;
  arrows.dx = {-1, 0};
  arrows.dy = {0, 2};
  CHECK(range(arrows, "x").first == doctest::Approx(-1 - 0.03 * 2));
  CHECK(range(arrows, "y").second == doctest::Approx(3 + 0.03 * 3));
  arrows.dy.pop_back();
  Panel panel;
  panel.curves = {arrows};
  CHECK(input_error(panel) ==
        "the curve '' of a figure has 2 values of x and arrows of 2 and 1 components");
}

TEST_CASE("figure: panels in rows, a caption of whole words below them") {
  const Figure figure{std::vector<Panel>(3, rich_panel()),
                      "All of the words of this caption, which is longer than a line, are there."};
  const TemporaryFolder folder;
  draw(figure, folder / "figure.svg", FigureFormat::svg);
  draw(figure, folder / "figure.png", FigureFormat::png);
  const std::string png = contents(folder / "figure.png");
  CHECK(big_endian(png, 16) == 2 * 330 * 3);
  CHECK(big_endian(png, 20) > 2 * 269 * 3);
  Figure tall = figure;
  tall.columns = 1;
  draw(tall, folder / "tall.png", FigureFormat::png);
  CHECK(big_endian(contents(folder / "tall.png"), 16) == 330 * 3);
  const std::string text = contents(folder / "figure.svg");
  CHECK(count(text, "velocity v (1)") == 3);
  CHECK(count(text, "All of the words") == 1);
  CHECK(count(text, "are there.") == 1);
  CHECK(message<InputError>([&](const TemporaryFolder& other) {
          Figure narrow = figure;
          narrow.panel_width = 20;
          draw(narrow, other / "figure.svg", FigureFormat::svg);
        }).starts_with("a figure cannot have 2 panels of 20 x 269 points in a row"));
}

TEST_CASE("figure: places on an axis that are given are its ticks") {
  Panel panel;
  panel.curves = {line({1, 2, 4}, {1, 2, 3})};
  panel.x_ticks = {{1, "one"}, {4, "four"}};
  const std::vector<Tick> x = ticks(svg(panel), "middle");
  REQUIRE(x.size() == 2);
  CHECK(x[0].label == "one");
  CHECK(x[1].label == "four");
}

TEST_CASE("figure: labels stand beside the ticks, whatever these need") {
  // The label of the axis y ends left of the widest tick.
  const std::vector<std::pair<double, double>> ranges = {
      {0, 1},        {-1.5e-5, 8e-5}, {0.00018, 0.0002},
      {-123456, 10}, {1e-300, 1e300}, {3e-5, 3.0001e-5}};
  for (const auto& range : ranges) {
    for (const double width : {170., 330.}) {
      CAPTURE(range.second);
      CAPTURE(width);
      Panel panel;
      panel.y_range = range;
      panel.log_y = range.second == 1e300;
      const TemporaryFolder folder;
      draw({{panel}, "", 1, width, 200}, folder / "figure.svg", FigureFormat::svg);
      for (const Tick& tick : ticks(contents(folder / "figure.svg"), "end")) {
        CAPTURE(tick.label);
        // Of a figure with a label of the axis y, 16 points and more are left for it.
        CHECK(tick.x - tick.width() > 0);
      }
    }
  }
}

TEST_CASE("figure: a shaded range may be empty or out of sight") {
  Panel panel = rich_panel();
  panel.shaded_x = {{0.3, 0.3}};
  CHECK_NOTHROW((void)svg(panel));
  panel.x_range = {1, 2};
  CHECK_NOTHROW((void)svg(panel));
}

TEST_CASE("figure: unsound input is refused in one sentence") {
  Panel panel = rich_panel();
  panel.curves[1].y.pop_back();
  CHECK(input_error(panel) ==
        "the curve 'curve 1' of a figure has 4 values of x, 3 of y and 0 of colour");
  panel = rich_panel();
  panel.curves[2].color.pop_back();
  CHECK(input_error(panel) ==
        "the curve 'curve 2' of a figure has 4 values of x, 4 of y and 3 of colour");
  panel = band_panel();
  panel.curves[0].upper.pop_back();
  CHECK(input_error(panel) ==
        "the curve 'band' of a figure has 4 values of x, 3 upper ends of a band and 0 errors of "
        "points");
  panel = band_panel();
  panel.curves[1].color = {1, 2, 3, 4};
  CHECK(input_error(panel) ==
        "the curve 'points' of a figure has colours beside a band or errors; it can have one of "
        "them");
  panel = band_panel();
  panel.curves[1].error.pop_back();
  CHECK(input_error(panel) ==
        "the curve 'points' of a figure has 4 values of x, 0 upper ends of a band and 3 errors of "
        "points");
  panel = rich_panel();
  panel.x_range = {1, 1};
  CHECK(input_error(panel) ==
        "a figure cannot show the x range [1, 1]: its ends must increase and be at most 1e300 in "
        "size");
  panel = rich_panel();
  panel.y_range = {0, 1};
  panel.log_y = true;
  CHECK(input_error(panel) ==
        "a figure cannot show the y range [0, 1]: its ends must increase and lie between 1e-300 "
        "and 1e300");
  panel = rich_panel();
  panel.color_range = {0, infinity};
  CHECK(input_error(panel).starts_with("a figure cannot show the colour range [0, inf]"));
  panel = rich_panel();
  panel.shaded_x = {{2, 1}};
  CHECK(input_error(panel).starts_with("a figure cannot show the shaded range [2, 1]"));
  CHECK(message<InputError>([](const TemporaryFolder& folder) {
          draw({}, folder / "figure.svg", FigureFormat::svg);
        }) == "a figure needs a panel");
}

TEST_CASE("figure: the target must be a file in an existing folder") {
  const Figure figure{{rich_panel()}};
  const std::string missing = message<InputError>([&](const TemporaryFolder& folder) {
    draw(figure, folder / "no/figure.svg", FigureFormat::svg);
  });
  CHECK(missing.starts_with("the folder '"));
  CHECK(missing.ends_with("/no' of a figure does not exist"));

  const std::string folder = message<InputError>(
      [&](const TemporaryFolder& path) { draw(figure, path.path(), FigureFormat::svg); });
  CHECK(folder.ends_with("it is a folder"));
  CHECK(message<InputError>([&](const TemporaryFolder& path) {
          draw(figure, path / "", FigureFormat::svg);
        }).ends_with("it is a folder"));
  CHECK_THROWS_AS(draw(figure, "", FigureFormat::svg), InputError);
}

TEST_CASE("figure: a target that cannot be written") {
  const TemporaryFolder folder;
  std::ofstream(folder / "figure.svg") << "old";
  fs::permissions(folder / "figure.svg", fs::perms::owner_read);
  CHECK_THROWS_WITH_AS(draw({{rich_panel()}}, folder / "figure.svg", FigureFormat::svg),
                       doctest::Contains("Permission denied"), OutputError);
  CHECK(contents(folder / "figure.svg") == "old");
  CHECK(folder.files().size() == 1);
}

TEST_CASE("figure: gnuplot is not installed") {
  const TemporaryFolder empty;
  for (const std::string& programs : {std::string(), empty.path().string()}) {
    CAPTURE(programs);
    const SearchPath path(programs);
    CHECK(input_error(rich_panel()) ==
          "gnuplot is not installed: figures need it (Debian package gnuplot-nox)");
  }
}

TEST_CASE("figure: gnuplot fails") {
  CHECK(output_error("printf '\\n\\ngnuplot> plot\\n        ^\\n\"/dev/stdin\" line 3: no "
                     "memory\\n' >&2; exit 1") == "gnuplot could not draw: line 3: no memory");
  CHECK(output_error("printf '\\nsome library complains\\nand complains\\n' >&2; exit 3") ==
        "gnuplot could not draw: some library complains");
  CHECK(output_error("exit 0") == "gnuplot could not draw: it gave no reason");
  CHECK(output_error("kill -9 $$") == "gnuplot was ended by signal 9: Killed");
}

TEST_CASE("figure: under a limit on the size of files it fails whole, and says so") {
  const auto error = [](rlim_t bytes) {
    const FileSizeLimit limit(bytes);
    return message<OutputError>([](const TemporaryFolder& folder) {
      draw({{rich_panel()}}, folder / "figure.svg", FigureFormat::svg);
    });
  };
  const std::string drawing = svg(rich_panel());
  CHECK(error(100).starts_with("cannot pass "));
  CHECK(error(100).ends_with(" bytes of commands and data to gnuplot: File too large"));
  CHECK(error(drawing.size() - 1) == "gnuplot was ended by signal 25: File size limit exceeded");
}

TEST_CASE("figure: the user's environment does not show") {
  const Panel panel = rich_panel();
  const std::string expected = svg(panel);
  const TemporaryFolder home;
  std::ofstream(home / ".gnuplot") << "set terminal dumb\nset title 'mine'\nset grid lw 9\n";
  const std::string old_home = getenv("HOME") != nullptr ? getenv("HOME") : "";
  setenv("HOME", home.path().c_str(), 1);
  setenv("GNUTERM", "nonsense", 1);
  setenv("LC_ALL", "C", 1);
  CHECK(svg(panel) == expected);
  setenv("HOME", old_home.c_str(), 1);
  unsetenv("GNUTERM");
  unsetenv("LC_ALL");
}

}  // namespace test_figure
