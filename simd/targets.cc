#include "ranvier/simd/targets.h"

#include <cstdint>
#include <cstdlib>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ranvier/simd/targets.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ranvier/simd/dispatch-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ranvier::simd {
namespace HWY_NAMESPACE {

int64_t ThisTarget() { return HWY_TARGET; }

}  // namespace HWY_NAMESPACE
}  // namespace ranvier::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ranvier::simd {
namespace {

HWY_EXPORT(ThisTarget);

// Bits from best to worst: Highway gives the better target the lower bit.
std::vector<int64_t> Bits(int64_t mask) {
  std::vector<int64_t> bits;
  for (; mask != 0; mask &= mask - 1) bits.push_back(mask & -mask);
  return bits;
}

std::vector<std::string> Names(int64_t mask) {
  std::vector<std::string> names;
  for (const int64_t bit : Bits(mask)) names.push_back(hwy::TargetName(bit));
  return names;
}

int64_t DetectTargets() {
  // SupportedTargets also sets the choice that the process shares; without this
  // a target that someone took away with DisableTargets would come back.
  hwy::ChosenTarget& shared = hwy::GetChosenTarget();
  const bool was_set = shared.IsInitialized();
  const int64_t supported = hwy::SupportedTargets();
  if (was_set) {
    shared.Update(supported);
  } else {
    shared.DeInit();
  }
  // Highway may have been compiled for other targets than we are.
  const int64_t mask = supported & HWY_TARGETS;
  return mask == 0 ? HWY_STATIC_TARGET : mask;
}

int64_t SupportedMask() {
  static const int64_t mask = DetectTargets();
  return mask;
}

int64_t BitOf(std::string_view name) {
  if (name.empty() || name == "best") return Bits(SupportedMask()).front();
  for (const int64_t bit : Bits(SupportedMask())) {
    if (name == hwy::TargetName(bit)) return bit;
  }
  return 0;
}

struct Choice {
  Choice() {
    const char* wanted = std::getenv("RANVIER_TARGET");
    int64_t bit = BitOf(wanted == nullptr ? "" : wanted);
    if (bit == 0) {
      error = "RANVIER_TARGET is \"" + std::string(wanted) +
              "\", which this processor or this binary does not have; "
              "possible are";
      for (const std::string& name : Names(SupportedMask()))
        error += " " + name;
      bit = BitOf("");
    }
    target.Update(bit);
  }
  hwy::ChosenTarget target;
  std::string error;
};

Choice& TheChoice() {
  static Choice choice;
  return choice;
}

}  // namespace

namespace internal {

hwy::ChosenTarget& ChosenTarget() { return TheChoice().target; }

}  // namespace internal

std::vector<std::string> CompiledTargets() { return Names(HWY_TARGETS); }

std::vector<std::string> SupportedTargets() { return Names(SupportedMask()); }

// The kernel's answer, not the choice: what runs is what counts.
std::string CurrentTarget() { return RunningTarget(); }

bool ForceTarget(std::string_view name) {
  const int64_t bit = BitOf(name);
  if (bit == 0) return false;
  internal::ChosenTarget().Update(bit);
  return true;
}

std::string TargetEnvironmentError() { return TheChoice().error; }

std::string RunningTarget() {
  return hwy::TargetName(RANVIER_DISPATCH(ThisTarget)());
}

}  // namespace ranvier::simd
#endif  // HWY_ONCE
