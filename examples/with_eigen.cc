// Ranvier inside a program that is written with Eigen: its matrices go in and
// out as they lie in memory, and a tensor is one of Eigen's matrices.

#include <cstdio>

#include <Eigen/Core>

#include "ranvier/ops/gemm.h"
#include "ranvier/parallel/context.h"
#include "ranvier/tensor/eigen.h"
#include "ranvier/tensor/tensor.h"

int main() {  // NOLINT(bugprone-exception-escape): it ends the example
  using RowMatrixXf =
      Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  ranvier::Context ctx;

  // Eigen's default is column-major, many networks are row-major: both go.
  const Eigen::MatrixXf a = Eigen::MatrixXf::Random(60, 40);
  const RowMatrixXf b = RowMatrixXf::Random(40, 50);
  Eigen::MatrixXf c(60, 50);
  ranvier::Gemm(ctx, ranvier::AsMatView(a), ranvier::AsMatView(b),
                ranvier::AsMatView(c));
  const float whole = (c - a * b).cwiseAbs().maxCoeff();

  // A block of one, transposed, times a block of another, into a block.
  Eigen::MatrixXf d = Eigen::MatrixXf::Zero(60, 50);
  ranvier::Gemm(ctx, ranvier::AsMatView(a.block(2, 3, 20, 10).transpose()),
                ranvier::AsMatView(b.topLeftCorner(20, 30)),
                ranvier::AsMatView(d.block(5, 5, 10, 30)));
  const Eigen::MatrixXf expected =
      a.block(2, 3, 20, 10).transpose() * b.topLeftCorner(20, 30);
  const float part = (d.block(5, 5, 10, 30) - expected).cwiseAbs().maxCoeff();

  // The other way round: Eigen works on the memory of a tensor.
  ranvier::Tensor<float> batch({3, 8, 16});
  ranvier::AsEigen(batch.Mat(1)).setConstant(2);
  const float sum = ranvier::AsEigen(batch.Mat()).sum();

  std::printf("differences to Eigen: %.1e, %.1e; sum of the batch: %g\n",
              static_cast<double>(whole), static_cast<double>(part),
              static_cast<double>(sum));
  // Both round: twice 2 (K + 2) 2^-24 times a sum of K terms of at most 1.
  const float bound = 2 * 2 * 42 * 0x1.0p-24F * 40;
  return whole <= bound && part <= bound && sum == 2 * 8 * 16 ? 0 : 1;
}
