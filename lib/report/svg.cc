#include "ranvier/report/svg.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ranvier/report/format.h"
namespace ranvier::report {
namespace {

// Length of the valid UTF-8 sequence at the front of `text`, 0 if invalid.
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  if (first == 0xE0 && second < 0xA0) return 0;  // overlong
  if (first == 0xED && second > 0x9F) return 0;  // surrogate
  if (first == 0xF0 && second < 0x90) return 0;  // overlong
  if (first == 0xF4 && second > 0x8F) return 0;  // above U+10FFFF
  return length;
}

std::string Pixels(double value) {
  std::string text;
  AppendCoordinate(text, value);
  return text;
}

// Decimals that tell neighbouring ticks apart.
std::string TickLabel(double value, double step) {
  if (std::fabs(value) >= 10000) return Compact(value);
  const int decimals =
      std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 9);
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text;
}

}  // namespace

std::string Escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text.substr(i));
    const char c = text[i];
    if (length == 0 ||
        (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t')) {
      out += "\xEF\xBF\xBD";
      ++i;
      continue;
    }
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += text.substr(i, length);
    }
    i += length;
  }
  return out;
}

std::vector<double> Ticks(double low, double high, int count) {
  if (!(high > low)) return {low};
  const double raw = (high - low) / std::max(count, 1);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  const double slack = step * 1e-9;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + slack; ++i) {
    ticks.push_back(i * step + 0.0);  // no minus zero
  }
  return ticks;
}

void AppendCoordinate(std::string& out, double value) {
  const long tenths = std::lround(value * 10);
  const long size = std::labs(tenths);
  if (tenths < 0) out += '-';
  out += std::to_string(size / 10);
  if (size % 10 != 0) {
    out += '.';
    out += static_cast<char>('0' + size % 10);
  }
}

Chart::Chart(double width, double height, std::string_view label)
    : width_(width), height_(height), label_(label) {}

void Chart::SetX(double low, double high, std::string_view title) {
  x_ = {low, high > low ? high : low + 1, left(), right()};
  const std::vector<double> ticks = Ticks(x_.low, x_.high, 9);
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
  for (const double tick : ticks) {
    const std::string at = Pixels(x_(tick));
    frame_ += "<path class=\"axis\" d=\"M" + at + " " + Pixels(bottom()) +
              "v4\"/><text class=\"tick mid\" x=\"" + at + "\" y=\"" +
              Pixels(bottom() + 17) + "\">" + TickLabel(tick, step) + "</text>";
  }
  frame_ += "<path class=\"axis\" d=\"M" + Pixels(left()) + " " +
            Pixels(bottom()) + "H" + Pixels(right()) +
            "\"/><text class=\"title mid\" x=\"" +
            Pixels((left() + right()) / 2) + "\" y=\"" + Pixels(height_ - 7) +
            "\">" + Escape(title) + "</text>";
}

void Chart::SetY(double low, double high, std::string_view title, bool grid) {
  y_ = {low, high != low ? high : low + 1, bottom(), top()};
  const int count = std::max(2, static_cast<int>((bottom() - top()) / 38));
  const std::vector<double> ticks =
      Ticks(std::min(y_.low, y_.high), std::max(y_.low, y_.high), count);
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
  for (const double tick : ticks) {
    const double at = y_(tick);
    frame_ += grid ? "<path class=\"grid\" d=\"M" + Pixels(left()) + " " +
                         Pixels(at) + "H" + Pixels(right()) + "\"/>"
                   : "<path class=\"axis\" d=\"M" + Pixels(left()) + " " +
                         Pixels(at) + "h-4\"/>";
    frame_ += "<text class=\"tick end\" x=\"" + Pixels(left() - 8) + "\" y=\"" +
              Pixels(at + 4) + "\">" + TickLabel(tick, step) + "</text>";
  }
  const std::string middle = Pixels((top() + bottom()) / 2);
  frame_ += "<text class=\"title mid\" transform=\"translate(13 " + middle +
            ") rotate(-90)\">" + Escape(title) + "</text>";
}

void Chart::Path(std::string_view d, std::string_view css,
                 double stroke_width) {
  if (d.empty()) return;
  body_ += "<path class=\"";
  body_ += css;
  if (stroke_width > 0) {
    body_ += "\" stroke-width=\"" + Pixels(stroke_width);
  }
  body_ += "\" d=\"";
  body_ += d;
  body_ += "\"/>";
}

void Chart::Rect(double x, double y, double width, double height,
                 std::string_view css, std::string_view title) {
  body_ += "<rect class=\"";
  body_ += css;
  body_ += "\" x=\"" + Pixels(x) + "\" y=\"" + Pixels(y) + "\" width=\"" +
           Pixels(width) + "\" height=\"" + Pixels(height) + "\"";
  body_ +=
      title.empty() ? "/>" : "><title>" + Escape(title) + "</title></rect>";
}

void Chart::Text(double x, double y, std::string_view text,
                 std::string_view css) {
  body_ += "<text class=\"";
  body_ += css;
  body_ += "\" x=\"" + Pixels(x) + "\" y=\"" + Pixels(y) + "\">" +
           Escape(text) + "</text>";
}

std::string Chart::Finish() && {
  return "<svg viewBox=\"0 0 " + Pixels(width_) + " " + Pixels(height_) +
         "\" role=\"img\" aria-label=\"" + Escape(label_) + "\">" + frame_ +
         body_ + "</svg>\n";
}

}  // namespace ranvier::report
