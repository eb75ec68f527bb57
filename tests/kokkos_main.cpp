// SPDX-License-Identifier: Apache-2.0
// main of the tests that launch kernels.
#include <gtest/gtest.h>

#include <Kokkos_Core.hpp>

int main(int argc, char** argv) {
    Kokkos::ScopeGuard const kokkos(argc, argv);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
