#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

#include "ranvier/ops/view_check.h"
#include "ranvier/simd/base/error.h"
#include "ranvier/simd/base/view.h"

// What the functions on vectors and element by element ask of their arguments.
// `op` is the name of the function, for the message.
namespace ranvier::internal {

inline void RequireSameSize(const char* op, size_t x, size_t y) {
  if (x == y) return;
  throw ShapeError(std::string(op) + ": x has " + std::to_string(x) +
                   " elements and y has " + std::to_string(y) +
                   "; they must have as many");
}

template <class A, class B>
void RequireSameShape(const char* op, const char* a_name, const A& a,
                      const char* b_name, const B& b) {
  if (a.rows() == b.rows() && a.cols() == b.cols()) return;
  throw ShapeError(std::string(op) + ": " + a_name + " is " +
                   Shape(a.rows(), a.cols()) + " and " + b_name + " is " +
                   Shape(b.rows(), b.cols()) + "; they must be the same");
}

// A vector with one element for each of `n` rows or columns of x.
template <class T>
void RequireLength(const char* op, const char* name, const VecView<T>& v,
                   size_t n, const char* of_what, const ConstAnyMatView& x) {
  if (v.size() == n) return;
  throw ShapeError(std::string(op) + ": " + name + " has " +
                   std::to_string(v.size()) + " elements and x is " + Shape(x) +
                   "; it must have one for each " + of_what);
}

// What is written must have a place for each element.
template <class T>
void RequireOwnPlaces(const char* op, const char* name, const VecView<T>& y) {
  if (y.size() <= 1 || y.stride() != 0) return;
  throw std::invalid_argument(
      std::string(op) + ": " + name + " is written but has stride 0, so that " +
      std::to_string(y.size()) + " elements share one place");
}
template <class View>
void RequireOwnPlaces(const char* op, const char* name, const View& y) {
  if (y.empty() || ((y.rows() == 1 || y.row_stride() != 0) &&
                    (y.cols() == 1 || y.col_stride() != 0))) {
    return;
  }
  throw std::invalid_argument(
      std::string(op) + ": " + name + " is written but has stride 0: row " +
      std::to_string(y.row_stride()) + ", column " +
      std::to_string(y.col_stride()) + ", shape " + Shape(y.rows(), y.cols()));
}

}  // namespace ranvier::internal
