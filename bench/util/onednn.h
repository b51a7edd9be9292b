#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <functional>
#include <string>
#include <unordered_map>
#include <utility>

namespace ranvier::bench {

inline const dnnl::engine& Engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

using Arguments = std::unordered_map<int, dnnl::memory>;

// What runs it and waits.
inline std::function<void()> Execute(const dnnl::primitive& primitive,
                                     Arguments arguments) {
  return [primitive, arguments = std::move(arguments),
          stream = dnnl::stream(Engine())]() mutable {
    primitive.execute(stream, arguments);
    stream.wait();
  };
}

inline std::string Version() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
         std::to_string(v->patch);
}

}  // namespace ranvier::bench
