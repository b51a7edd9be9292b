# Installs the library with its headers, CMake package and pkg-config file, and
# the command.

include(CMakePackageConfigHelpers)

install(TARGETS ranvier EXPORT ranvierTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
if(TARGET ranvier_command)
  install(TARGETS ranvier_command
          RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

# The headers that are part of the face, in the layout that they are included
# by: those that mark something RANVIER_API, the plain types of simd/base, and
# the adapter to Eigen, which nobody needs who does not include it. tests/tree
# holds them to including nothing else.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
  "${PROJECT_SOURCE_DIR}/lib/*.h" "${PROJECT_SOURCE_DIR}/simd/*.h"
  "${PROJECT_SOURCE_DIR}/parallel/*.h" "${PROJECT_SOURCE_DIR}/gpu/*.h")
foreach(header ${headers})
  file(STRINGS "${PROJECT_SOURCE_DIR}/${header}" face REGEX "RANVIER_API")
  if(header MATCHES "^lib/cli/" OR NOT
     (face OR header MATCHES "^(simd/base/|lib/tensor/eigen\\.h$)"))
    continue()
  endif()
  string(REGEX REPLACE "^lib/" "" place "${header}")
  cmake_path(GET place PARENT_PATH folder)
  install(FILES "${PROJECT_SOURCE_DIR}/${header}"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/ranvier/${folder}")
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
        DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# find_package(ranvier CONFIG). A static library cannot carry its dependencies,
# so only that case has to find them again.
get_target_property(ranvier_type ranvier TYPE)
if(ranvier_type STREQUAL "STATIC_LIBRARY")
  set(RANVIER_STATIC ON)
else()
  set(RANVIER_STATIC OFF)
endif()
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/ranvier")
install(EXPORT ranvierTargets NAMESPACE ranvier:: DESTINATION "${package}")
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/ranvierConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/ranvierConfig.cmake"
  INSTALL_DESTINATION "${package}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/ranvierConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)  # before 1.0 a minor version may break
install(FILES "${PROJECT_BINARY_DIR}/ranvierConfig.cmake"
              "${PROJECT_BINARY_DIR}/ranvierConfigVersion.cmake"
        DESTINATION "${package}")

# pkg-config. The prefix is relative to the file, so that the installed tree can
# be moved. A static library alone needs the others in every link, so they
# stand in Requires; next to a shared one only `--static` asks for them.
set(requires "tbb zlib libcrypto")
set(libs "-lranvier -pthread")
if(NOT RANVIER_HIGHWAY_BUNDLED)
  string(APPEND requires " libhwy")
endif()
if(RANVIER_STATIC)
  set(RANVIER_PC_REQUIRES "Requires: ${requires}")
  set(RANVIER_PC_LIBS "${libs}")
  if(RANVIER_CUDA_ENABLED)
    get_target_property(cudart CUDA::cudart_static IMPORTED_LOCATION)
    cmake_path(GET cudart PARENT_PATH cudart)
    string(APPEND RANVIER_PC_LIBS " -L${cudart} -lcudart_static -ldl -lrt")
  endif()
else()
  set(RANVIER_PC_REQUIRES "Requires.private: ${requires}")
  set(RANVIER_PC_LIBS "-lranvier")
endif()
set(pkgconfig "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(RANVIER_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
    BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}/${pkgconfig}" OUTPUT_VARIABLE up)
  set(RANVIER_PC_PREFIX "\${pcfiledir}/${up}")
endif()
# An absolute folder stays as it is; any other stands below the prefix.
foreach(which LIBDIR INCLUDEDIR)
  set(RANVIER_PC_${which} "${CMAKE_INSTALL_${which}}")
  cmake_path(ABSOLUTE_PATH RANVIER_PC_${which} BASE_DIRECTORY "\${prefix}")
endforeach()
configure_file("${PROJECT_SOURCE_DIR}/cmake/ranvier.pc.in"
               "${PROJECT_BINARY_DIR}/ranvier.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/ranvier.pc" DESTINATION "${pkgconfig}")
