# SPDX-License-Identifier: Apache-2.0
# Run at every build: writes OUTPUT only if version or commit changed, so an unchanged tree rebuilds nothing.
execute_process(COMMAND git -C "${SOURCE}" describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE ALIGNSWEEP_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT ALIGNSWEEP_COMMIT)
  set(ALIGNSWEEP_COMMIT unknown)
endif()
configure_file("${SOURCE}/cmake/version.cpp.in" "${OUTPUT}" @ONLY)
