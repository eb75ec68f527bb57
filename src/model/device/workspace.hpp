// SPDX-License-Identifier: Apache-2.0
// Memory for the activations of one chunk: one allocation, handed out in order and taken back all at once.
#pragma once

#include "kernels/types.hpp"

#include <algorithm>
#include <cstdint>

namespace alignsweep::model::device {

template <class ExecSpace, class Scalar>
class Workspace {
public:
    // Forgets everything handed out and makes room for `elements`. Views from before are dead.
    void reset(std::int64_t elements) {
        used_ = 0;
        if (elements > static_cast<std::int64_t>(memory_.extent(0))) {
            memory_ = {};  // the old block goes before the new one comes
            memory_ = kernels::Vector<ExecSpace, Scalar>(
                Kokkos::view_alloc(Kokkos::WithoutInitializing, "alignsweep::model::workspace"), elements);
        }
    }
    kernels::Matrix<ExecSpace, Scalar> matrix(std::int64_t rows, std::int64_t columns) {
        return kernels::Matrix<ExecSpace, Scalar>(take(rows * columns), rows, columns);
    }
    kernels::Vector<ExecSpace, Scalar> vector(std::int64_t size) {
        return kernels::Vector<ExecSpace, Scalar>(take(size), size);
    }
    // What is used now; `release(mark)` takes back what was handed out since.
    [[nodiscard]] std::int64_t mark() const { return used_; }
    void release(std::int64_t mark) { used_ = mark; }

    // Elements that a request of this size occupies.
    [[nodiscard]] static std::int64_t rounded(std::int64_t size) { return (size + 15) / 16 * 16; }

private:
    Scalar* take(std::int64_t size) {
        std::int64_t const offset = used_;
        used_ += rounded(size);
        if (used_ > static_cast<std::int64_t>(memory_.extent(0))) { Kokkos::abort("workspace: too small"); }
        return memory_.data() + offset;
    }

    kernels::Vector<ExecSpace, Scalar> memory_;
    std::int64_t used_ = 0;
};

}  // namespace alignsweep::model::device
