# Decides whether gpu/*.cu is compiled: sets RANVIER_CUDA_ENABLED and enables
# the language. RANVIER_CUDA is AUTO (where nvcc works), ON (or an error), OFF.

# In CMAKE_CUDA_ARCHITECTURES form: machine code for each generation that this
# nvcc knows, and PTX of the newest for the ones to come.
function(ranvier_cuda_architectures out)
  execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --list-gpu-arch
                  OUTPUT_VARIABLE known ERROR_QUIET)
  set(list "")
  foreach(arch 75 80 86 89 90 100 120)
    if(known MATCHES "compute_${arch}[^0-9a-z]")
      list(APPEND list "${arch}-real")
    endif()
  endforeach()
  if(NOT list)  # a compiler that cannot list them: its own default
    set(${out} "" PARENT_SCOPE)
    return()
  endif()
  list(POP_BACK list newest)
  string(REPLACE "-real" "" newest "${newest}")
  list(APPEND list "${newest}")
  set(${out} "${list}" PARENT_SCOPE)
endfunction()

string(TOUPPER "${RANVIER_CUDA}" ranvier_cuda)
set(RANVIER_CUDA_ENABLED OFF)
if(ranvier_cuda STREQUAL "AUTO" OR ranvier_cuda STREQUAL "ON")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      ranvier_cuda_architectures(CMAKE_CUDA_ARCHITECTURES)
      if(NOT CMAKE_CUDA_ARCHITECTURES)
        unset(CMAKE_CUDA_ARCHITECTURES)
      endif()
    endif()
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    set(RANVIER_CUDA_ENABLED ON)
    message(STATUS "CUDA: nvcc ${CMAKE_CUDA_COMPILER_VERSION} for "
                   "${CMAKE_CUDA_ARCHITECTURES}")
  elseif(ranvier_cuda STREQUAL "ON")
    message(FATAL_ERROR
      "RANVIER_CUDA is ON, but no working CUDA compiler was found. Put nvcc in "
      "PATH or set CUDACXX to it, or configure with -DRANVIER_CUDA=AUTO.")
  else()
    message(STATUS "CUDA: no nvcc found, building for the CPU alone")
  endif()
elseif(NOT ranvier_cuda STREQUAL "OFF")
  message(FATAL_ERROR
    "RANVIER_CUDA is '${RANVIER_CUDA}'; it must be AUTO, ON or OFF.")
endif()
