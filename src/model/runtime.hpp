// SPDX-License-Identifier: Apache-2.0
// Starting and ending the backend, and its names.
#pragma once

#include "core/arithmetic.hpp"

#include <string>

namespace alignsweep::model {

// Throws ConfigError where --threads, a KOKKOS_* or OMP_* variable or a --kokkos-* flag asks for what there is not.
void check_runtime(int argc, char const* const* argv, int threads);

// Checks the same, then starts Kokkos, and ends it; threads = 0 leaves the choice to Kokkos and the environment.
class Runtime {
public:
    Runtime(int& argc, char** argv, int threads);
    ~Runtime();
    Runtime(Runtime const&) = delete;
    Runtime& operator=(Runtime const&) = delete;
};

// Of transformers that are made from now on: portable until told otherwise. Throws ConfigError where this build has no
// vendor's products.
void use_arithmetic(core::Arithmetic arithmetic);
[[nodiscard]] core::Arithmetic arithmetic();

// "openmp", "cuda", ...
[[nodiscard]] std::string backend_name();
// Of training: "float32".
[[nodiscard]] std::string scalar_name();
// Whose matrix products: "portable"; in fast arithmetic "cblas" or "cublas", and the library's own word on what it is
// (version, kernels).
[[nodiscard]] std::string blas_name();
[[nodiscard]] std::string kokkos_version();
// What the kernels were compiled for: "x86-64", "x86-64-v3", "x86-64-v4", "aarch64", ...
[[nodiscard]] std::string instruction_set();
// Threads that a launch may use.
[[nodiscard]] int concurrency();

}  // namespace alignsweep::model
