#include "ranvier/spiking/connectome.h"

#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

// 0 -> 1 (+3), 0 -> 2 (-1), 2 -> 0 (+1), 2 -> 2 (-200); 1 and 3 send nothing.
ConnectomeParts Small() {
  ConnectomeParts parts;
  parts.row_ptr = {0, 2, 2, 4, 4};
  parts.col = {1, 2, 0, 2};
  parts.weight = std::vector<int16_t>{3, -1, 1, -200};
  return parts;
}

TEST(Connectome, DefaultHasNoNeurons) {
  const Connectome connectome;
  EXPECT_EQ(connectome.neurons(), 0u);
  EXPECT_EQ(connectome.edges(), 0u);
  EXPECT_EQ(connectome.FindId(0), -1);
  EXPECT_EQ(ComputeStats(connectome).out.max, 0u);
}

TEST(Connectome, TakesPartsAndSharesThemWithCopies) {
  Connectome copy;
  const uint32_t* col = nullptr;
  {
    ConnectomeParts parts = Small();
    parts.name = "small";
    parts.delay_ms = 1.5;
    parts.synthetic = true;
    const Connectome connectome(std::move(parts));
    col = connectome.col().data();
    copy = connectome;
  }
  EXPECT_EQ(copy.col().data(), col);
  EXPECT_EQ(copy.neurons(), 4u);
  EXPECT_EQ(copy.edges(), 4u);
  EXPECT_EQ(copy.name(), "small");
  EXPECT_EQ(copy.delay_ms(), 1.5);
  EXPECT_TRUE(copy.synthetic());
  EXPECT_TRUE(copy.has_counts());
  EXPECT_EQ(copy.WeightOf(3), -200.0);
}

TEST(Connectome, RealWeightsAreNotCounts) {
  ConnectomeParts parts = Small();
  parts.weight = std::vector<float>{0.5f, 1, 1, 1};
  const Connectome connectome(std::move(parts));
  EXPECT_FALSE(connectome.has_counts());
  EXPECT_EQ(connectome.WeightOf(0), 0.5);
}

TEST(Connectome, IdsAreIndicesWhereThereAreNone) {
  const Connectome connectome(Small());
  EXPECT_FALSE(connectome.has_ids());
  EXPECT_EQ(connectome.IdOf(3), 3);
  EXPECT_EQ(connectome.FindId(3), 3);
  EXPECT_EQ(connectome.FindId(4), -1);
  EXPECT_EQ(connectome.FindId(-1), -1);
}

TEST(Connectome, FindsIdsInAnyOrder) {
  // Above 2^53, where doubles skip every other integer.
  const int64_t base = 720575940600000001;
  for (const auto& ids :
       {std::vector<int64_t>{base, base + 1, base + 2, base + 3},
        std::vector<int64_t>{base + 3, base, base + 2, base + 1}}) {
    ConnectomeParts parts = Small();
    parts.id = ids;
    const Connectome connectome(std::move(parts));
    for (size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(connectome.FindId(ids[i]), static_cast<int64_t>(i));
      EXPECT_EQ(connectome.IdOf(i), ids[i]);
    }
    EXPECT_EQ(connectome.FindId(base - 1), -1);
    EXPECT_EQ(connectome.FindId(base + 4), -1);
    EXPECT_EQ(connectome.FindId(0), -1);
  }
}

TEST(Connectome, FindIdIsSafeFromManyThreads) {
  ConnectomeParts parts;
  const size_t n = 20000;
  parts.row_ptr.assign(n + 1, 0);
  for (size_t i = 0; i < n; ++i) {
    parts.id.push_back(static_cast<int64_t>((i * 7919) % n));
  }
  // A view builds its index at the first question, here asked by all at once.
  Connectome::Arrays arrays;
  arrays.row_ptr = parts.row_ptr;
  arrays.id = parts.id;
  const Connectome connectome(arrays, nullptr);
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < n; ++i) {
        if (connectome.FindId(parts.id[i]) != static_cast<int64_t>(i)) {
          ++wrong[t];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(Connectome, RefusesSizesThatDoNotFit) {
  const auto refused = [](const std::function<void(ConnectomeParts&)>& spoil) {
    ConnectomeParts parts = Small();
    spoil(parts);
    EXPECT_THROW(Connectome{std::move(parts)}, ShapeError);
  };
  refused([](auto& p) { p.weight = std::vector<int16_t>{1, 2, 3}; });
  refused([](auto& p) { p.id = {1, 2, 3}; });
  refused([](auto& p) { p.row_ptr.clear(); });
  refused([](auto& p) { p.row_ptr[0] = 1; });
  refused([](auto& p) { p.row_ptr.back() = 5; });
  refused([](auto& p) { p.col.push_back(3); });
}

TEST(Connectome, RefusesBrokenPromises) {
  const auto refused = [](const std::function<void(ConnectomeParts&)>& spoil,
                          const std::string& what) {
    ConnectomeParts parts = Small();
    spoil(parts);
    try {
      const Connectome connectome(std::move(parts));
      ADD_FAILURE() << "accepted: " << what;
    } catch (const ShapeError& error) {
      ADD_FAILURE() << "ShapeError: " << error.what();
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos)
          << error.what();
    }
  };
  refused([](auto& p) { p.row_ptr = {0, 3, 2, 4, 4}; }, "never decrease");
  refused([](auto& p) { p.row_ptr = {0, 9, 9, 4, 4}; }, "never decrease");
  refused([](auto& p) { p.col[1] = 4; }, "there are 4 neurons");
  refused([](auto& p) { p.col[1] = 1; }, "not ascending");
  refused([](auto& p) { p.col[2] = 3; }, "not ascending");
  refused([](auto& p) { p.id = {5, 6, 7, 5}; }, "id 5");
  refused([](auto& p) { p.id = {5, 5, 7, 8}; }, "id 5");
  refused([](auto& p) { p.delay_ms = -1; }, "delay_ms");
  refused([](auto& p) { p.delay_ms = std::numeric_limits<double>::infinity(); },
          "delay_ms");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  refused(
      [&](auto& p) {
        p.weight = std::vector<float>{1, 1, nan, 1};
      },
      "weight of edge 2");
}

TEST(ComputeStats, CountsDegreesSignsAndWeights) {
  const ConnectomeStats stats = ComputeStats(Connectome(Small()));
  EXPECT_EQ(stats.neurons, 4u);
  EXPECT_EQ(stats.edges, 4u);
  EXPECT_EQ(stats.negative_edges, 2u);
  EXPECT_EQ(stats.self_edges, 1u);
  EXPECT_EQ(stats.sum_abs_weight, 205.0);
  EXPECT_EQ(stats.mean_abs_weight, 51.25);
  EXPECT_EQ(stats.max_abs_weight, 200.0);
  EXPECT_EQ(stats.share_of_weight_one, 0.5);
  EXPECT_EQ(stats.out.mean, 1.0);
  EXPECT_EQ(stats.out.p50, 2u);  // sorted 0 0 2 2, index 2
  EXPECT_EQ(stats.out.max, 2u);
  EXPECT_EQ(stats.out.zero, 2u);
  EXPECT_EQ(stats.in.p50, 1u);  // sorted 0 1 1 2
  EXPECT_EQ(stats.in.p90, 2u);
  EXPECT_EQ(stats.in.zero, 1u);
}

}  // namespace
}  // namespace ranvier
