#pragma once

namespace ranvier::bench {

enum class Element { kF32, kBf16, kU8S8, kS8S8 };

}  // namespace ranvier::bench
