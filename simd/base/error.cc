#include "ranvier/simd/base/error.h"

namespace ranvier {

// The destructors are out of line so that each class has one typeinfo, which
// lets an exception cross a shared library boundary.
ShapeError::ShapeError(const std::string& message)
    : std::invalid_argument(message) {}
ShapeError::~ShapeError() = default;

IoError::IoError(const std::string& message) : std::runtime_error(message) {}
IoError::~IoError() = default;

DeviceError::DeviceError(const std::string& message)
    : std::runtime_error(message) {}
DeviceError::~DeviceError() = default;

CancelledError::CancelledError(const std::string& message)
    : std::runtime_error(message) {}
CancelledError::~CancelledError() = default;

}  // namespace ranvier
