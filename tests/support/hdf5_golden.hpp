// SPDX-License-Identifier: Apache-2.0
// Reads the goldens under tests/golden. No HDF5 header here: units with kernels include this one.
#pragma once

#include "support/allclose.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace alignsweep::test {

// One open file; every failure is an exception that names the file and the path in it.
class GoldenFile {
public:
    // `name`: of a file in tests/golden.
    explicit GoldenFile(std::string const& name);
    ~GoldenFile();
    GoldenFile(GoldenFile const&) = delete;
    GoldenFile& operator=(GoldenFile const&) = delete;

    [[nodiscard]] Array read(std::string const& dataset) const;
    [[nodiscard]] std::vector<std::int32_t> read_ints(std::string const& dataset) const;
    [[nodiscard]] double attribute(std::string const& group, std::string const& name) const;
    [[nodiscard]] int int_attribute(std::string const& group, std::string const& name) const;

private:
    std::string file_;
    std::int64_t id_;
};

}  // namespace alignsweep::test
