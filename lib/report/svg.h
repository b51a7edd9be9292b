#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ranvier::report {

// Text that is safe between tags and inside quoted attributes. Control
// characters and invalid UTF-8, which a file may bring, become U+FFFD.
std::string Escape(std::string_view text);

// Round tick positions inside [low, high], about `count` of them, at
// multiples of 1, 2 or 5 times a power of ten. `high` may equal `low`.
std::vector<double> Ticks(double low, double high, int count);

// One linear axis: values [low, high] onto pixels [from, to].
struct Axis {
  double low = 0, high = 1;
  double from = 0, to = 1;

  double operator()(double value) const {
    return from + (value - low) / (high - low) * (to - from);
  }
};

// The frame that all charts share: an SVG with room for tick labels, one axis
// below and one to the left. Marks are added to `body` in pixels.
class Chart {
 public:
  // `label` is read aloud instead of the picture.
  Chart(double width, double height, std::string_view label);

  void SetX(double low, double high, std::string_view title);
  // low > high turns the axis upside down.
  void SetY(double low, double high, std::string_view title, bool grid = true);

  const Axis& x() const { return x_; }
  const Axis& y() const { return y_; }
  double left() const { return kLeft; }
  double right() const { return width_ - kRight; }
  double top() const { return kTop; }
  double bottom() const { return height_ - kBottom; }

  // `d` is path data; `css` the class names of the style sheet, which also
  // sets the stroke width where none is given.
  void Path(std::string_view d, std::string_view css, double stroke_width = 0);
  void Rect(double x, double y, double width, double height,
            std::string_view css, std::string_view title = {});
  void Text(double x, double y, std::string_view text, std::string_view css);

  std::string Finish() &&;

 private:
  static constexpr double kLeft = 62, kRight = 14, kTop = 12, kBottom = 44;

  double width_, height_;
  std::string label_;
  Axis x_, y_;
  std::string frame_;  // grid and ticks, drawn below the marks
  std::string body_;
};

// A pixel coordinate in as few characters as a tenth of a pixel needs.
void AppendCoordinate(std::string& out, double value);

}  // namespace ranvier::report
