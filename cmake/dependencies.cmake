# The libraries that ranvier stands on. Everything comes from the system's
# packages but Highway, whose packaged versions are too old on Debian 12 and
# Ubuntu 24.04: there it is built from source.

set(RANVIER_HIGHWAY_VERSION 1.2.0)
set(RANVIER_HIGHWAY_SHA256
    7e0be78b8318e8bdbf6fa545d2ecb4c90f947df03f7aadc42c1967f019e63343)
set(RANVIER_HIGHWAY_SOURCE "" CACHE PATH
    "Source tree of Highway ${RANVIER_HIGHWAY_VERSION} or newer to build")

# Adds the target hwy from a source tree, without its tests and without contrib
# (whose sort alone takes ten minutes to compile; ours is header-only anyway).
macro(ranvier_highway_settings)
  set(HWY_ENABLE_CONTRIB OFF)
  set(HWY_ENABLE_TESTS OFF)
  set(HWY_ENABLE_EXAMPLES OFF)
  set(HWY_ENABLE_INSTALL OFF)
  set(BUILD_SHARED_LIBS OFF)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  set(BUILD_TESTING OFF)
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # option() and set(CACHE) leave the
  set(CMAKE_POLICY_DEFAULT_CMP0126 NEW)  # values above alone
endmacro()

function(ranvier_find_highway)
  set(local "${CMAKE_CURRENT_SOURCE_DIR}/.cache/highway-${RANVIER_HIGHWAY_VERSION}")
  if(NOT RANVIER_HIGHWAY_SOURCE)
    find_package(hwy 1.2 CONFIG QUIET)
    if(hwy_FOUND)
      message(STATUS "Highway: system package ${hwy_VERSION}")
      set(RANVIER_HIGHWAY_BUNDLED OFF PARENT_SCOPE)
      return()
    endif()
    if(EXISTS "${local}/CMakeLists.txt")  # put there by ./dev
      set(RANVIER_HIGHWAY_SOURCE "${local}")
    endif()
  endif()
  ranvier_highway_settings()
  if(RANVIER_HIGHWAY_SOURCE)
    message(STATUS "Highway: source in ${RANVIER_HIGHWAY_SOURCE}")
    add_subdirectory("${RANVIER_HIGHWAY_SOURCE}" "${CMAKE_BINARY_DIR}/highway"
                     EXCLUDE_FROM_ALL SYSTEM)
  else()
    message(STATUS "Highway: fetching release ${RANVIER_HIGHWAY_VERSION}")
    include(FetchContent)
    FetchContent_Declare(highway
      URL "https://github.com/google/highway/archive/refs/tags/${RANVIER_HIGHWAY_VERSION}.tar.gz"
      URL_HASH "SHA256=${RANVIER_HIGHWAY_SHA256}"
      SYSTEM)
    FetchContent_MakeAvailable(highway)
  endif()
  if(NOT TARGET hwy::hwy)
    add_library(hwy::hwy ALIAS hwy)
  endif()
  set(RANVIER_HIGHWAY_BUNDLED ON PARENT_SCOPE)
endfunction()

ranvier_find_highway()
find_package(TBB 2021 CONFIG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
if(RANVIER_BUILD_COMMAND)
  find_package(CLI11 2.1 CONFIG REQUIRED)
endif()
find_package(nlohmann_json 3.9 CONFIG REQUIRED)
find_package(Threads REQUIRED)
