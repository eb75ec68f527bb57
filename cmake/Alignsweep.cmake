# SPDX-License-Identifier: Apache-2.0
# Dependencies, and the two functions that describe every module and every test.
include(GNUInstallDirs)
find_package(Threads REQUIRED)
find_package(Kokkos 4.5 REQUIRED)
if(NOT ALIGNSWEEP_ENGINE_ONLY)
  find_package(HDF5 REQUIRED COMPONENTS C HL)
  find_package(MPI REQUIRED COMPONENTS CXX)
  find_package(Boost REQUIRED COMPONENTS program_options)
  find_package(ZLIB REQUIRED)
endif()
if(ALIGNSWEEP_HEADERS)
  add_library(alignsweep_headers INTERFACE)
  target_include_directories(alignsweep_headers SYSTEM INTERFACE ${ALIGNSWEEP_HEADERS})
  target_compile_definitions(alignsweep_headers INTERFACE FMT_HEADER_ONLY SPDLOG_FMT_EXTERNAL)
  add_library(fmt::fmt ALIAS alignsweep_headers)
  add_library(spdlog::spdlog ALIAS alignsweep_headers)
  add_library(nlohmann_json::nlohmann_json ALIAS alignsweep_headers)
  set(RANDOM123_INCLUDE ${ALIGNSWEEP_HEADERS})
  set(XXHASH_INCLUDE ${ALIGNSWEEP_HEADERS})
  file(WRITE ${PROJECT_BINARY_DIR}/xxhash.c
       "#define XXH_STATIC_LINKING_ONLY\n#define XXH_IMPLEMENTATION\n#include <xxhash.h>\n")
  add_library(alignsweep_xxhash STATIC ${PROJECT_BINARY_DIR}/xxhash.c)
  target_link_libraries(alignsweep_xxhash PUBLIC alignsweep_headers)
  set(XXHASH_LIBRARY alignsweep_xxhash)
else()
  find_package(nlohmann_json REQUIRED)
  find_package(fmt REQUIRED)
  find_package(spdlog REQUIRED)
  find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)
  find_path(XXHASH_INCLUDE xxhash.h REQUIRED)
  find_library(XXHASH_LIBRARY xxhash REQUIRED)
endif()

# OpenBLAS, if it is there, for arithmetic = fast. The pthread build by name: libopenblas0-serial gives wrong products
# when called from several threads.
if(ALIGNSWEEP_BLAS)
  find_path(CBLAS_INCLUDE cblas.h PATH_SUFFIXES x86_64-linux-gnu/openblas-pthread openblas-pthread openblas
            PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
  find_library(CBLAS_LIBRARY openblas PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread NO_DEFAULT_PATH)
  if(NOT CBLAS_LIBRARY AND NOT CMAKE_CROSSCOMPILING)
    find_path(CBLAS_INCLUDE cblas.h)
    find_library(CBLAS_LIBRARY openblas)
  endif()
endif()

add_library(alignsweep_options INTERFACE)
target_include_directories(alignsweep_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_include_directories(alignsweep_options SYSTEM INTERFACE ${RANDOM123_INCLUDE} ${XXHASH_INCLUDE})
# Products and sums are joined where the source says so and nowhere else, on hosts and devices.
target_compile_options(alignsweep_options INTERFACE -ffp-contract=off)
if(Kokkos_ENABLE_CUDA)
  target_compile_options(alignsweep_options INTERFACE -fmad=false)
else()
  target_compile_options(alignsweep_options INTERFACE -Wall -Wextra -Wno-unknown-pragmas)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # libstdc++ 12's own std::stable_sort calls what it has deprecated, and clang says so.
    target_compile_options(alignsweep_options INTERFACE -Wno-deprecated-declarations)
  endif()
  if(ALIGNSWEEP_WERROR)
    target_compile_options(alignsweep_options INTERFACE -Werror)
  endif()
endif()

# Levels of the processor's instruction set that kernels are compiled for, the best last, their compiler options, and the
# level of tests and benchmarks: the best that this machine has, unless it is given. Devices have one.
set(levels plain)
set(ALIGNSWEEP_KERNEL_OPTIONS "")
if(NOT Kokkos_ENABLE_CUDA AND NOT Kokkos_ENABLE_HIP)
  # GCC turns no comparison into SIMD code while floating-point operations are taken to trap.
  set(ALIGNSWEEP_KERNEL_OPTIONS -fno-trapping-math -fno-math-errno)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(levels plain v3 v4)
    set(ALIGNSWEEP_OPTIONS_v3 -march=x86-64-v3)
    set(ALIGNSWEEP_OPTIONS_v4 -march=x86-64-v4 -mprefer-vector-width=512)
  endif()
endif()
set(ALIGNSWEEP_LEVELS "${levels}" CACHE STRING "Levels of the instruction set to compile kernels for")
if(NOT ALIGNSWEEP_LEVEL)
  set(best plain)
  if(EXISTS /proc/cpuinfo AND "v3" IN_LIST ALIGNSWEEP_LEVELS)
    file(STRINGS /proc/cpuinfo flags LIMIT_COUNT 1 REGEX "^flags")
    set(flags "${flags} ")
    if(flags MATCHES " avx2 " AND flags MATCHES " fma " AND flags MATCHES " bmi2 ")
      set(best v3)
      # As the launcher looks (src/cli/launcher.cpp).
      if(flags MATCHES " avx512f " AND flags MATCHES " avx512cd " AND flags MATCHES " avx512bw " AND
         flags MATCHES " avx512dq " AND flags MATCHES " avx512vl ")
        set(best v4)
      endif()
    endif()
  endif()
  set(ALIGNSWEEP_LEVEL ${best})
endif()

# A finished build of this tree whose modules without Kokkos are taken as they are: a check for a device compiles only
# what sees the device.
set(ALIGNSWEEP_HOST_BUILD "" CACHE PATH "Build folder that host modules are taken from")

# alignsweep_module(NAME [KOKKOS] [LINKS target...]): a static library alignsweep_NAME of all of src/NAME/*.cpp. Without
# KOKKOS no unit of it includes Kokkos, and the host compiler compiles it in every build.
function(alignsweep_module name)
  cmake_parse_arguments(ARG "KOKKOS" "" "LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)
    return()
  endif()
  if(ALIGNSWEEP_HOST_BUILD AND NOT ARG_KOKKOS)
    add_library(alignsweep_${name} STATIC IMPORTED GLOBAL)
    set_target_properties(alignsweep_${name} PROPERTIES IMPORTED_LOCATION
                          ${ALIGNSWEEP_HOST_BUILD}/src/${name}/libalignsweep_${name}.a)
    target_link_libraries(alignsweep_${name} INTERFACE alignsweep_options ${ARG_LINKS})
    return()
  endif()
  add_library(alignsweep_${name} STATIC ${sources})
  target_link_libraries(alignsweep_${name} PUBLIC alignsweep_options ${ARG_LINKS})
  alignsweep_compile_as(alignsweep_${name} ${ARG_KOKKOS})
  if(ARG_KOKKOS)
    alignsweep_precompile(alignsweep_${name} <Kokkos_Core.hpp>)
  endif()
endfunction()

# Parses headers that are slow to read once for all targets that name the same ones, a fifth of their compile time; these
# must be compiled alike. Not where a compiler cache does better, nor for devices: their compile checks see that every
# unit includes what it needs.
function(alignsweep_precompile target)
  if(NOT ALIGNSWEEP_PRECOMPILE OR CMAKE_CXX_COMPILER_LAUNCHER OR Kokkos_ENABLE_CUDA OR Kokkos_ENABLE_HIP)
    return()
  endif()
  string(MD5 key "${ARGN} ${level}")  # level: of the kernels (src/kernels/CMakeLists.txt), which are compiled otherwise
  get_property(first GLOBAL PROPERTY alignsweep_precompiled_${key})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  else()
    target_precompile_headers(${target} PRIVATE ${ARGN} <filesystem> <functional> <map> <sstream> <vector>)
    set_property(GLOBAL PROPERTY alignsweep_precompiled_${key} ${target})
  endif()
endfunction()

function(alignsweep_compile_as target kokkos)
  if(kokkos)
    target_link_libraries(${target} PUBLIC Kokkos::kokkos)
    if(Kokkos_ENABLE_HIP)
      # Where Kokkos' -xhip goes, and only there: Random123 knows nvcc by itself, but not this compiler.
      target_compile_definitions(${target} PUBLIC "R123_CUDA_DEVICE=__host__ __device__" R123_USE_SSE=0)
    endif()
  elseif(Kokkos_ENABLE_CUDA OR Kokkos_ENABLE_HIP)
    set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER ${PROJECT_SOURCE_DIR}/cmake/host_compile.sh)
  endif()
endfunction()
