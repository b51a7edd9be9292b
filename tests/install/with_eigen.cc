// A tensor seen by Eigen and a matrix of Eigen's seen by ranvier, from the
// installed headers.

#include <cstdio>

#include <Eigen/Core>

#include "ranvier/tensor/eigen.h"
#include "ranvier/tensor/tensor.h"

int main() {
  ranvier::Tensor<float> tensor({2, 3});
  ranvier::AsEigen(tensor.Mat()).setConstant(2);
  Eigen::MatrixXf matrix = ranvier::AsEigen(tensor.Mat());
  ranvier::AsMatView(matrix)(1, 2) = 5;
  std::printf("%g %g\n", tensor(1, 2), matrix(1, 2));
  return tensor(1, 2) == 2 && matrix(1, 2) == 5 ? 0 : 1;
}
