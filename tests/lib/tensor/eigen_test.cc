#include "ranvier/tensor/eigen.h"

#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/tensor/tensor.h"

namespace ranvier {
namespace {

using RowMatrix =
    Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <typename E>
concept HasMatView = requires(E&& e) {
  AsMatView(std::forward<E>(e));
};
template <typename E>
concept HasVecView = requires(E&& e) {
  AsVecView(std::forward<E>(e));
};

// What is still to be computed, and what is about to go away, gives no view.
using Sum = decltype(std::declval<Eigen::MatrixXf&>() +
                     std::declval<Eigen::MatrixXf&>());
static_assert(HasMatView<Eigen::MatrixXf&>);
static_assert(!HasMatView<Eigen::MatrixXf>);
static_assert(!HasMatView<Sum&>);
static_assert(HasMatView<Eigen::Ref<const Eigen::MatrixXf>&>);
static_assert(!HasMatView<Eigen::Ref<const Eigen::MatrixXf>>);
static_assert(HasMatView<Eigen::Ref<Eigen::MatrixXf>>);
static_assert(HasMatView<Eigen::Map<Eigen::MatrixXf>>);
static_assert(!HasMatView<std::vector<float>&>);
static_assert(HasVecView<Eigen::VectorXf&>);
static_assert(!HasVecView<Eigen::MatrixXf&>);

// What may be written, by type.
template <typename E>
using ViewOf = decltype(AsMatView(std::declval<E>()));
static_assert(std::is_same_v<ViewOf<Eigen::MatrixXf&>, MatView<float>>);
static_assert(
    std::is_same_v<ViewOf<const Eigen::MatrixXf&>, MatView<const float>>);
static_assert(std::is_same_v<ViewOf<Eigen::Ref<const Eigen::MatrixXd>&>,
                             MatView<const double>>);
static_assert(
    std::is_same_v<ViewOf<Eigen::Map<const RowMatrix>>, MatView<const float>>);
static_assert(std::is_same_v<ViewOf<Eigen::Array33i&>, MatView<int>>);

template <class Matrix>
Matrix Counted(Eigen::Index rows, Eigen::Index cols) {
  Matrix m(rows, cols);
  for (Eigen::Index row = 0; row < rows; ++row) {
    for (Eigen::Index col = 0; col < cols; ++col) {
      m(row, col) = static_cast<float>(100 * row + col);
    }
  }
  return m;
}

// Element for element at the same address.
template <class E, typename T>
void ExpectSame(E&& e, MatView<T> view) {
  ASSERT_EQ(view.rows(), static_cast<size_t>(e.rows()));
  ASSERT_EQ(view.cols(), static_cast<size_t>(e.cols()));
  for (size_t row = 0; row < view.rows(); ++row) {
    for (size_t col = 0; col < view.cols(); ++col) {
      EXPECT_EQ(&view(row, col), &e.coeffRef(static_cast<Eigen::Index>(row),
                                             static_cast<Eigen::Index>(col)))
          << row << ", " << col;
    }
  }
}

template <class Matrix>
void ExpectEveryPart(Matrix m) {
  ExpectSame(m, AsMatView(m));
  ExpectSame(m.block(1, 2, 3, 2), AsMatView(m.block(1, 2, 3, 2)));
  ExpectSame(m.row(1), AsMatView(m.row(1)));
  ExpectSame(m.col(2), AsMatView(m.col(2)));
  ExpectSame(m.transpose(), AsMatView(m.transpose()));
  ExpectSame(m.topRows(2).transpose(), AsMatView(m.topRows(2).transpose()));
  ExpectSame(m.array(), AsMatView(m.array()));
  EXPECT_EQ(AsVecView(m.row(1))[3], 103);
  EXPECT_EQ(AsVecView(m.col(3))[2], 203);
  EXPECT_EQ(AsVecView(m.diagonal())[2], 202);
  EXPECT_EQ(AsVecView(m.diagonal()).size(), 4u);
  Eigen::Ref<Matrix> ref(m);
  ExpectSame(ref, AsMatView(ref));
  AsMatView(m.block(1, 1, 2, 2))(1, 1) = -1;
  EXPECT_EQ(m(2, 2), -1);
}

TEST(Eigen, ColumnMajorIn) { ExpectEveryPart(Counted<Eigen::MatrixXf>(4, 5)); }

TEST(Eigen, RowMajorIn) { ExpectEveryPart(Counted<RowMatrix>(4, 5)); }

TEST(Eigen, MapsWithStridesIn) {
  std::vector<float> data(100);
  using Strides = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  Eigen::Map<RowMatrix, 0, Strides> rows(data.data(), 3, 4, Strides(20, 3));
  ExpectSame(rows, AsMatView(rows));
  EXPECT_EQ(AsMatView(rows).row_stride(), 20u);
  EXPECT_EQ(AsMatView(rows).col_stride(), 3u);
  Eigen::Map<Eigen::MatrixXf, 0, Strides> cols(data.data(), 3, 4,
                                               Strides(20, 3));
  ExpectSame(cols, AsMatView(cols));
  Eigen::Map<Eigen::VectorXf, 0, Eigen::InnerStride<>> v(
      data.data(), 7, Eigen::InnerStride<>(5));
  EXPECT_EQ(&AsVecView(v)[6], &v[6]);
}

TEST(Eigen, EmptyIn) {
  Eigen::MatrixXf none, rows(0, 3), cols(3, 0);
  EXPECT_TRUE(AsMatView(none).empty());
  EXPECT_EQ(AsMatView(rows).cols(), 3u);
  EXPECT_EQ(AsMatView(cols).rows(), 3u);
  Eigen::VectorXf v;
  EXPECT_TRUE(AsVecView(v).empty());
}

TEST(Eigen, RowsOut) {
  Tensor<float> t({2, 3, 4});
  for (size_t i = 0; i < 24; ++i) t.data()[i] = static_cast<float>(i);
  ExpectSame(AsEigen(t.Mat()), t.Mat());
  ExpectSame(AsEigen(t.Mat(1)), t.Mat(1));
  const MatView<float> block = t.Mat().Block(1, 1, 3, 2);
  ExpectSame(AsEigen(block), block);
  AsEigen(block) *= 2;
  EXPECT_EQ(t(0, 1, 1), 10);
  EXPECT_EQ(t(0, 1, 0), 4);  // beside the block
  // As Eigen's own products take it.
  const Tensor<float>& read = t;
  const Eigen::MatrixXf product =
      AsEigen(read.Mat(0)) * AsEigen(read.Mat(1)).transpose();
  float sum = 0;
  for (size_t k = 0; k < 4; ++k) sum += read(0, 2, k) * read(1, 1, k);
  EXPECT_EQ(product(2, 1), sum);  // whole numbers
  using Element = decltype(AsEigen(read.Mat()).data());
  static_assert(std::is_same_v<Element, const float*>);
}

TEST(Eigen, VectorsOut) {
  Tensor<double> t({3, 4});
  t.Fill(2);
  AsEigen(t.Vec(1)).setLinSpaced(1, 4);
  EXPECT_EQ(t(1, 3), 4);
  EXPECT_EQ(AsEigen(std::as_const(t).Vec()).sum(), 26);
  EXPECT_EQ(AsEigenStrided(t.Mat().Col(2)).sum(), 7);
  AsEigenStrided(t.Mat().Col(2)).setZero();
  EXPECT_EQ(t(1, 2), 0);
  EXPECT_EQ(t(1, 1), 2);
  EXPECT_EQ(AsEigen(VecView<double>()).size(), 0);
}

TEST(Eigen, AnyStridesOut) {
  Tensor<float> t({3, 4});
  ExpectSame(AsEigenStrided(t.Mat()), t.Mat());
  ExpectSame(AsEigenStrided(t.Mat().Transposed()), t.Mat().Transposed());
  EXPECT_THROW(AsEigen(t.Mat().Transposed()), std::invalid_argument);
  EXPECT_THROW(AsEigen(t.Mat().Col(1)), std::invalid_argument);
  EXPECT_EQ(AsEigen(t.Mat().Block(0, 2, 3, 1).Transposed().Transposed()).rows(),
            3);
  EXPECT_EQ(AsEigen(MatView<float>()).size(), 0);
}

TEST(Eigen, ThereAndBack) {
  Eigen::MatrixXf m = Counted<Eigen::MatrixXf>(4, 5);
  ExpectSame(AsEigenStrided(AsMatView(m)), AsMatView(m));
  // The rows of the transpose of a column-major matrix are neighbours.
  ExpectSame(AsEigen(AsMatView(m).Transposed()).transpose(), AsMatView(m));
}

}  // namespace
}  // namespace ranvier
