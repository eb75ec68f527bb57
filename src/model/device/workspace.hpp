// SPDX-License-Identifier: Apache-2.0
// Memory for the activations of one chunk: one allocation, handed out in order and taken back all at once. How much a
// pass needs is learnt by running it dry first.
#pragma once

#include "kernels/types.hpp"

#include <algorithm>
#include <cstdint>

namespace alignsweep::model::device {

template <class ExecSpace, class Scalar>
class Workspace {
public:
    explicit Workspace(ExecSpace const& space) : space_(space) {}

    // Forgets everything handed out and makes room for what `pass` takes, which is called while `counting`: it takes
    // memory as ever, gets views without any, and must launch nothing. Views from before are dead.
    template <class Pass>
    void make_room(Pass const& pass) {
        used_ = most_ = 0;
        {
            Counting const while_it_runs(counting_);
            pass();
        }
        used_ = 0;
        if (most_ > static_cast<std::int64_t>(memory_.extent(0))) {
            memory_ = {};  // the old block goes before the new one comes
            memory_ = kernels::Vector<ExecSpace, Scalar>(
                Kokkos::view_alloc(space_, Kokkos::WithoutInitializing, "alignsweep::model::workspace"), most_);
        }
    }
    [[nodiscard]] bool counting() const { return counting_; }

    kernels::Matrix<ExecSpace, Scalar> matrix(std::int64_t rows, std::int64_t columns) {
        return kernels::Matrix<ExecSpace, Scalar>(take(rows * columns), rows, columns);
    }
    kernels::Vector<ExecSpace, Scalar> vector(std::int64_t size) {
        return kernels::Vector<ExecSpace, Scalar>(take(size), size);
    }
    // What is used now; `release(mark)` takes back what was handed out since.
    [[nodiscard]] std::int64_t mark() const { return used_; }
    void release(std::int64_t mark) { used_ = mark; }

    // Elements that a request of this size occupies: whole cache lines.
    [[nodiscard]] static std::int64_t rounded(std::int64_t size) { return (size + 15) / 16 * 16; }

private:
    // A pass that throws ends the counting, too.
    struct Counting {
        bool& flag;
        explicit Counting(bool& flag_in) : flag(flag_in) { flag = true; }
        ~Counting() { flag = false; }
    };

    Scalar* take(std::int64_t size) {
        std::int64_t const offset = used_;
        used_ += rounded(size);
        most_ = std::max(most_, used_);
        if (counting_) { return nullptr; }
        if (used_ > static_cast<std::int64_t>(memory_.extent(0))) { Kokkos::abort("workspace: too small"); }
        return memory_.data() + offset;
    }

    ExecSpace space_;
    kernels::Vector<ExecSpace, Scalar> memory_;
    std::int64_t used_ = 0, most_ = 0;
    bool counting_ = false;
};

}  // namespace alignsweep::model::device
