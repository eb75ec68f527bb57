// SPDX-License-Identifier: Apache-2.0
#include "kernels/instructions.hpp"

#include "kernels/types.hpp"

namespace alignsweep::kernels {

std::string instruction_set() {
    if (!is_host<Kokkos::DefaultExecutionSpace>) { return "device"; }
#if defined(__AVX512F__)
    return "x86-64-v4";
#elif defined(__FMA__)
    return "x86-64-v3";
#elif defined(__x86_64__)
    return "x86-64";
#elif defined(__aarch64__)
    return "aarch64";
#else
    return "other";
#endif
}

}  // namespace alignsweep::kernels
