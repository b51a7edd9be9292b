#include "ranvier/spiking/twin_shape.h"

#include <algorithm>

namespace ranvier::twin {
namespace {

// A point of a quantile function: a share p of all values lies below value.
struct Quantile {
  double p = 0;
  double value = 0;
};

// Out-degrees of excitatory and inhibitory neurons. Inhibitory neurons are a
// quarter of all but make 40 % of the connections.
constexpr Quantile kExcitatoryOut[] = {
    {0, 6},         {0.01, 8},      {0.05, 17},     {0.1, 25},
    {0.2, 37},      {0.35, 53},     {0.5, 69},      {0.65, 89},
    {0.8, 121},     {0.9, 163},     {0.95, 212},    {0.98, 285},
    {0.99, 370},    {0.995, 480},   {0.998, 700},   {0.999, 930},
    {0.9995, 1240}, {0.9998, 1600}, {0.9999, 2080}, {0.99995, 2980},
    {1, 3300}};
constexpr Quantile kInhibitoryOut[] = {
    {0, 10},        {0.01, 18},     {0.05, 31},     {0.1, 43},
    {0.2, 65},      {0.35, 90},     {0.5, 119},     {0.65, 155},
    {0.8, 221},     {0.9, 331},     {0.95, 463},    {0.98, 671},
    {0.99, 919},    {0.995, 1230},  {0.998, 1920},  {0.999, 2760},
    {0.9995, 3620}, {0.9998, 4760}, {0.9999, 6200}, {0.99995, 9000},
    {1, 9700}};
constexpr Quantile kAttraction[] = {
    {0, 4},          {0.01, 7},      {0.05, 14},     {0.1, 22},
    {0.2, 38},       {0.35, 59},     {0.5, 79},      {0.65, 104},
    {0.8, 145},      {0.9, 214},     {0.95, 308},    {0.98, 465},
    {0.99, 615},     {0.995, 800},   {0.998, 1150},  {0.999, 1540},
    {0.9995, 2050},  {0.9998, 3100}, {0.9999, 4200}, {0.99995, 6500},
    {0.99999, 8500}, {1, 9500}};

double AtRank(std::span<const Quantile> quantiles, uint32_t u) {
  const double p = (u + 0.5) / 4294967296.0;
  size_t k = 1;
  while (k + 1 < quantiles.size() && quantiles[k].p <= p) ++k;
  const Quantile& a = quantiles[k - 1];
  const Quantile& b = quantiles[k];
  return a.value + (b.value - a.value) * (p - a.p) / (b.p - a.p);
}

// "none" is what has no consensus, "other" the sum of the smallest.
constexpr Neuropil kNeuropils[] = {
    {"ME", 66800}, {"LO", 14550},  {"LA", 7400},    {"LOP", 3350},
    {"GNG", 5380}, {"none", 4450}, {"MB_CA", 4660}, {"AVLP", 3740},
    {"AL", 3290},  {"SMP", 3180},  {"SLP", 2690},   {"LH", 2690},
    {"PLP", 1880}, {"FB", 1720},   {"IPS", 1610},   {"SPS", 1290},
    {"SAD", 1050}, {"PVLP", 900},  {"LAL", 870},    {"ICL", 780},
    {"AOTU", 730}, {"CRE", 710},   {"PRW", 620},    {"WED", 560},
    {"AMMC", 510}, {"NO", 450},    {"SCL", 440},    {"VES", 420},
    {"SIP", 370},  {"EB", 370},    {"FLA", 330},    {"other", 840}};

// Share of connections whose count is at least k. Fitted to what is known of
// v783: half are 1, 17.4 % at least 5, the mean is 3.59, the tail about
// log-normal.
struct CountTail {
  uint32_t k;
  double share;
};
constexpr CountTail kLocalTail[] = {
    {1, 1},          {2, 0.553},      {3, 0.361},       {4, 0.263},
    {5, 0.204},      {6, 0.166},      {8, 0.117},       {11, 0.0778},
    {16, 0.046},     {24, 0.0245},    {36, 0.0122},     {54, 0.00575},
    {80, 0.00261},   {128, 0.000935}, {200, 0.000325},  {320, 9.77e-05},
    {500, 2.87e-05}, {800, 7.21e-06}, {1300, 1.57e-06}, {2000, 3.72e-07},
    {3000, 9e-08}};
constexpr CountTail kDistantTail[] = {
    {1, 1},          {2, 0.447},      {3, 0.266},      {4, 0.185},
    {5, 0.137},      {6, 0.108},      {8, 0.0733},     {11, 0.046},
    {16, 0.0255},    {24, 0.0127},    {36, 0.00593},   {54, 0.00261},
    {80, 0.00111},   {128, 0.000369}, {200, 0.000119}, {320, 3.31e-05},
    {500, 9.02e-06}, {800, 2.1e-06},  {1300, 4.2e-07}, {2000, 9.3e-08},
    {3000, 2.1e-08}};

// One over the share is linear between the given points: a tail that falls by
// a power, without a power function.
double ShareAtLeast(std::span<const CountTail> tail, uint32_t count) {
  size_t k = 1;
  while (k + 1 < tail.size() && tail[k].k <= count) ++k;
  const CountTail& a = tail[k - 1];
  const CountTail& b = tail[k];
  const double along = double(count - a.k) / double(b.k - a.k);
  return 1 / (1 / a.share + (1 / b.share - 1 / a.share) * along);
}

WeightedIndex Counts(std::span<const CountTail> tail) {
  constexpr double kScale = 2147483648.0;  // 2^31
  std::vector<uint32_t> weights(kMaxCount);
  for (uint32_t count = 1; count <= kMaxCount; ++count) {
    const double share =
        ShareAtLeast(tail, count) -
        (count == kMaxCount ? 0 : ShareAtLeast(tail, count + 1));
    weights[count - 1] =
        std::max(uint32_t{1}, static_cast<uint32_t>(share * kScale));
  }
  return WeightedIndex(weights);
}

}  // namespace

double ExcitatoryOutDegree(uint32_t u) { return AtRank(kExcitatoryOut, u); }
double InhibitoryOutDegree(uint32_t u) { return AtRank(kInhibitoryOut, u); }
double InAttraction(uint32_t u) { return AtRank(kAttraction, u); }

std::span<const Neuropil> Neuropils() { return kNeuropils; }

WeightedIndex::WeightedIndex(std::span<const uint32_t> weights)
    : cumulative_(weights.size() + 1) {
  uint32_t sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    cumulative_[i + 1] = sum;
  }
  size_t entries = 4096;  // about one per index, and never few
  while (entries < weights.size()) entries *= 2;
  while ((sum >> shift_) >= entries) ++shift_;
  guide_.resize((sum >> shift_) + 1);
  uint32_t index = 0;
  for (size_t g = 0; g < guide_.size(); ++g) {
    const uint64_t r = uint64_t{g} << shift_;
    while (index + 1 < weights.size() && cumulative_[index + 1] <= r) ++index;
    guide_[g] = index;
  }
}

WeightedIndex LocalCounts() { return Counts(kLocalTail); }
WeightedIndex DistantCounts() { return Counts(kDistantTail); }

}  // namespace ranvier::twin
