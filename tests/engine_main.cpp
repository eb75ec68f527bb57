// SPDX-License-Identifier: Apache-2.0
// main of the tests that run models.
#include "model/runtime.hpp"

#include <gtest/gtest.h>

int main(int argc, char** argv) {
    alignsweep::model::Runtime const runtime(argc, argv, 0);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
