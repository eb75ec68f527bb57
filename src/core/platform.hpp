// SPDX-License-Identifier: Apache-2.0
// Marks functions that run on host and device alike, without including Kokkos.
#pragma once

#if defined(__CUDACC__) || defined(__HIPCC__)
#define ALIGNSWEEP_FUNCTION __host__ __device__ inline
#else
#define ALIGNSWEEP_FUNCTION inline
#endif
