# Run at build time: cmake -DSOURCE=dir -DOUTPUT=file -P commit.cmake
# Writes the commit of the source tree as a header, and only when it changed,
# so that nothing is rebuilt for it otherwise.

cmake_minimum_required(VERSION 3.25)
set(commit "unknown")
find_program(GIT git)
if(GIT)
  # Of this tree itself, never of a repository that merely contains it.
  execute_process(COMMAND "${GIT}" rev-parse --show-cdup
    WORKING_DIRECTORY "${SOURCE}" RESULT_VARIABLE failed
    OUTPUT_VARIABLE up OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed AND up STREQUAL "")
    execute_process(
      COMMAND "${GIT}" --no-optional-locks describe --always --dirty
              --abbrev=12 --exclude=*
      WORKING_DIRECTORY "${SOURCE}" RESULT_VARIABLE failed
      OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT failed)
      set(commit "${described}")
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT
  "#pragma once\n\n#define RANVIER_COMMIT \"@commit@\"\n" @ONLY)
