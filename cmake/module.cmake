# The three helper functions of the tree, and the library they build:
#   ranvier_module(NAME sources...)          sources of one room
#   ranvier_test(NAME sources... [LIBS..] [LABELS..])  one GoogleTest program
#   ranvier_bench(NAME sources...)           one Google Benchmark program
#
# Labels: "parallel" is also run under TSan, "slow" is left out under emulation,
# "slow-asan" is left out under ASan.

# lib/ is the face, so its folders are included without it; simd, parallel and
# gpu keep their names. The same layout is installed.
set(RANVIER_INCLUDE_DIR "${PROJECT_BINARY_DIR}/include")
function(ranvier_link_headers)
  file(MAKE_DIRECTORY "${RANVIER_INCLUDE_DIR}/ranvier")
  file(GLOB rooms LIST_DIRECTORIES true "${PROJECT_SOURCE_DIR}/lib/*")
  foreach(room simd parallel gpu)
    list(APPEND rooms "${PROJECT_SOURCE_DIR}/${room}")
  endforeach()
  foreach(room ${rooms})
    get_filename_component(name "${room}" NAME)
    file(CREATE_LINK "${room}" "${RANVIER_INCLUDE_DIR}/ranvier/${name}" SYMBOLIC)
  endforeach()
endfunction()

add_library(ranvier_warnings INTERFACE)
target_compile_options(ranvier_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wnon-virtual-dtor
    -Wconversion -Wno-sign-conversion -Wno-psabi
    # g++ 12 warns of std::string + const char* (GCC PR105651).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>>)

# Compiles and links with the sanitizers of RANVIER_SANITIZE. A product and its
# sum are never contracted behind our back: the same bits on every target.
# CMake 3.25 does not know nvcc's C++20, so CUDA gets its flag by hand.
add_library(ranvier_flags INTERFACE)
target_compile_options(ranvier_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>
  $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20 -fmad=false>)
if(RANVIER_SANITIZE)
  target_compile_options(ranvier_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${RANVIER_SANITIZE}
      -fno-omit-frame-pointer -fno-sanitize-recover=undefined
      # Checks put into std::regex and std::function mislead g++ 12.
      $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>>)
  target_link_options(ranvier_flags INTERFACE -fsanitize=${RANVIER_SANITIZE})
endif()

# ranvier_objects holds every object file once. ranvier, static or shared, is
# made from it; tests and the command link the objects, so that they can reach
# what hidden visibility keeps from embedders.
function(ranvier_library)
  ranvier_link_headers()
  add_library(ranvier_objects OBJECT)
  set_target_properties(ranvier_objects PROPERTIES
    POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden
    CUDA_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    CXX_EXTENSIONS OFF)
  target_include_directories(ranvier_objects PUBLIC
    "$<BUILD_INTERFACE:${RANVIER_INCLUDE_DIR}>")
  target_link_libraries(ranvier_objects
    PRIVATE $<BUILD_INTERFACE:ranvier_warnings>
    PUBLIC $<BUILD_INTERFACE:ranvier_flags> hwy::hwy TBB::tbb ZLIB::ZLIB
           OpenSSL::Crypto nlohmann_json::nlohmann_json Threads::Threads)
  target_compile_features(ranvier_objects PUBLIC cxx_std_20)

  add_library(ranvier $<TARGET_OBJECTS:ranvier_objects>)
  add_library(ranvier::ranvier ALIAS ranvier)
  target_compile_features(ranvier PUBLIC cxx_std_20)
  target_include_directories(ranvier PUBLIC
    "$<BUILD_INTERFACE:${RANVIER_INCLUDE_DIR}>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  set_target_properties(ranvier PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(ranvier
    PRIVATE TBB::tbb ZLIB::ZLIB OpenSSL::Crypto Threads::Threads)
  if(RANVIER_HIGHWAY_BUNDLED)  # one library to link: Highway's objects go in
    target_sources(ranvier PRIVATE $<TARGET_OBJECTS:hwy>)
  else()
    target_link_libraries(ranvier PRIVATE hwy::hwy)
  endif()
  if(RANVIER_CUDA_ENABLED)
    target_link_libraries(ranvier PRIVATE CUDA::cudart_static)
    target_link_libraries(ranvier_objects PUBLIC CUDA::cudart_static)
  endif()
  if(RANVIER_SANITIZE)
    target_link_options(ranvier PUBLIC -fsanitize=${RANVIER_SANITIZE})
  endif()
  # Inline functions of std and oneTBB are visible whatever we ask of the
  # compiler; the linker keeps them inside.
  get_target_property(type ranvier TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    set(script "${PROJECT_SOURCE_DIR}/cmake/exports.map")
    target_link_options(ranvier PRIVATE "LINKER:--version-script=${script}")
    set_target_properties(ranvier PROPERTIES LINK_DEPENDS "${script}")
  endif()
endfunction()

function(ranvier_module name)
  foreach(source ${ARGN})
    target_sources(ranvier_objects PRIVATE
      "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
  endforeach()
endfunction()

# All test programs without the benchmarks, and those with the label parallel.
if(RANVIER_BUILD_TESTS)
  add_custom_target(ranvier_tests)
  add_custom_target(ranvier_tests_parallel)
endif()

# ranvier_test(simd_base_view_test view_test.cc LIBS hwy::hwy LABELS slow)
function(ranvier_test name)
  cmake_parse_arguments(arg "" "" "LIBS;LABELS" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_compile_definitions(${name} PRIVATE
    RANVIER_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ranvier_objects ranvier_warnings
                        ${arg_LIBS} GTest::gtest GTest::gtest_main)
  add_dependencies(ranvier_tests ${name})
  if("parallel" IN_LIST arg_LABELS)
    add_dependencies(ranvier_tests_parallel ${name})
  endif()
  set(properties TIMEOUT 900)
  if(arg_LABELS)
    list(APPEND properties LABELS "${arg_LABELS}")
  endif()
  gtest_discover_tests(${name}
    TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    PROPERTIES ${properties})
endfunction()

function(ranvier_bench name)
  add_executable(${name} ${ARGN})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ranvier_objects ranvier_warnings
                        ranvier_bench_util benchmark::benchmark)
endfunction()
