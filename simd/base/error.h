#pragma once

#include <stdexcept>
#include <string>

#include "ranvier/simd/base/export.h"

namespace ranvier {

// The caller is wrong: sizes or shapes do not fit together. Thrown before any
// work is done; the message holds both shapes.
class RANVIER_API ShapeError : public std::invalid_argument {
 public:
  explicit ShapeError(const std::string& message);
  ~ShapeError() override;
};

// The world is wrong: a file cannot be read, written or believed. The message
// holds the path, the place in the file, what was found and what to try.
class RANVIER_API IoError : public std::runtime_error {
 public:
  explicit IoError(const std::string& message);
  ~IoError() override;
};

// The world is wrong: a device call failed. The message names the call.
class RANVIER_API DeviceError : public std::runtime_error {
 public:
  explicit DeviceError(const std::string& message);
  ~DeviceError() override;
};

// The work was stopped through Context::Cancel; results so far are valid.
class RANVIER_API CancelledError : public std::runtime_error {
 public:
  explicit CancelledError(const std::string& message);
  ~CancelledError() override;
};

}  // namespace ranvier
