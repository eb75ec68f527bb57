# SPDX-License-Identifier: Apache-2.0
# Dependencies, and the two functions that describe every module and every test.
include(GNUInstallDirs)
find_package(Threads REQUIRED)
find_package(Kokkos 4.5 REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C HL)
find_package(MPI REQUIRED COMPONENTS CXX)
find_package(Boost REQUIRED COMPONENTS program_options)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)
find_path(XXHASH_INCLUDE xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)

# The pthread build by name: libopenblas0-serial gives wrong products when called from several threads.
find_path(CBLAS_INCLUDE cblas.h PATH_SUFFIXES x86_64-linux-gnu/openblas-pthread openblas-pthread openblas
          PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
find_library(CBLAS_LIBRARY openblas PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread NO_DEFAULT_PATH)
if(NOT CBLAS_LIBRARY)
  find_path(CBLAS_INCLUDE cblas.h)
  find_library(CBLAS_LIBRARY openblas)
endif()

add_library(alignsweep_options INTERFACE)
target_include_directories(alignsweep_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_include_directories(alignsweep_options SYSTEM INTERFACE ${RANDOM123_INCLUDE} ${XXHASH_INCLUDE})
if(NOT Kokkos_ENABLE_CUDA)
  target_compile_options(alignsweep_options INTERFACE -Wall -Wextra -Wno-unknown-pragmas)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # libstdc++ 12's own std::stable_sort calls what it has deprecated, and clang says so.
    target_compile_options(alignsweep_options INTERFACE -Wno-deprecated-declarations)
  endif()
  if(ALIGNSWEEP_WERROR)
    target_compile_options(alignsweep_options INTERFACE -Werror)
  endif()
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
  string(MD5 key "${ARGN}")
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
