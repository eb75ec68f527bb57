// SPDX-License-Identifier: Apache-2.0
// Memory of the device: parameters, activations of one chunk, and the ways to the host and back.
#pragma once

#include "core/error.hpp"
#include "kernels/types.hpp"
#include "model/layout.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace alignsweep::model::device {

using Exec = Kokkos::DefaultExecutionSpace;
using Indices = kernels::Indices<Exec>;
template <class Scalar>
using Matrix = kernels::Matrix<Exec, Scalar>;
template <class Scalar>
using Vector = kernels::Vector<Exec, Scalar>;

template <class T>
Vector<T> uninitialised(Exec const& space, std::string const& label, std::size_t size) {
    return Vector<T>(Kokkos::view_alloc(space, Kokkos::WithoutInitializing, label), size);
}
// `size` elements of a flat buffer, from `offset` on.
template <class T>
Vector<T> part_of(Vector<T> const& flat, std::int64_t offset, std::int64_t size) {
    return Vector<T>(flat.data() + offset, size);
}

// A model's parameters, or their gradient, in one flat buffer, and its tensors as matrices and vectors. The layout
// outlives this.
template <class Scalar>
struct Parameters {
    struct Layer {
        Matrix<Scalar> qkv, attention_out, gate_up, down;
        Vector<Scalar> attention_norm, mlp_norm;
    };

    Layout const& layout;
    Vector<Scalar> values;

    [[nodiscard]] Matrix<Scalar> matrix(Place const& place) const {
        return Matrix<Scalar>(values.data() + place.offset, place.rows, place.columns);
    }
    [[nodiscard]] Vector<Scalar> vector(Place const& place) const {
        return part_of(values, place.offset, place.size());
    }
    [[nodiscard]] Layer layer(int index) const {
        Block const& block = layout.block(index);
        return {matrix(block.qkv),  matrix(block.attention_out),  matrix(block.gate_up),
                matrix(block.down), vector(block.attention_norm), vector(block.mlp_norm)};
    }
};

// Copies a buffer to the host and back, and waits for it; sizes must agree. Numbers are converted on the host.
template <class To, class From>
std::vector<To> to_host(Exec const& space, Vector<From> const& device) {
    std::vector<From> host(device.extent(0));
    Kokkos::View<From*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> const view(host.data(), host.size());
    Kokkos::deep_copy(space, view, device);
    space.fence("alignsweep::model: numbers go to the host");
    if constexpr (std::is_same_v<To, From>) { return host; }
    return std::vector<To>(host.begin(), host.end());
}
template <class From, class To>
void from_host(Exec const& space, std::vector<From> const& host, Vector<To> const& device) {
    if constexpr (std::is_same_v<From, To>) {
        core::check(host.size() == device.extent(0), "a buffer of ", host.size(), " elements for one of ",
                    device.extent(0));
        Kokkos::View<To const*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> const view(host.data(), host.size());
        Kokkos::deep_copy(space, device, view);
        space.fence("alignsweep::model: numbers have come from the host");
    } else {
        from_host(space, std::vector<To>(host.begin(), host.end()), device);
    }
}

// Memory that the device copies from and to without a detour, where the backend has such.
#ifdef KOKKOS_HAS_SHARED_HOST_PINNED_SPACE
using StagingSpace = Kokkos::SharedHostPinnedSpace;
#else
using StagingSpace = Kokkos::HostSpace;
#endif

// A buffer of the host through which numbers go to the device and come back, one copy at a time.
template <class T>
class Staging {
public:
    explicit Staging(Exec const& space) : space_(space) {}

    // Room for `size` numbers on the host, until the next call of any function here.
    T* host(std::size_t size) {
        if (pending_) { space_.fence("alignsweep::model: the last upload has left the host"); }
        pending_ = false;
        if (size > buffer_.extent(0)) {
            buffer_ = Buffer(Kokkos::view_alloc(Kokkos::WithoutInitializing, "alignsweep::model::staging"), size);
        }
        return buffer_.data();
    }
    // Sends the first numbers of `host` to a vector of that many. Returns at once: launches on the instance wait for
    // it.
    void upload(Vector<T> const& to) {
        Kokkos::deep_copy(space_, to, first(to.extent(0)));
        pending_ = true;
    }
    // Brings a vector to the host, and waits. The numbers stay until the next call of any function here.
    T const* download(Vector<T> const& from) {
        T const* const numbers = host(from.extent(0));
        Kokkos::deep_copy(space_, first(from.extent(0)), from);
        space_.fence("alignsweep::model: numbers go to the host");
        return numbers;
    }

private:
    using Buffer = Kokkos::View<T*, Kokkos::LayoutRight, StagingSpace>;
    [[nodiscard]] Buffer first(std::size_t size) const { return Buffer(buffer_.data(), size); }

    Exec space_;
    Buffer buffer_;
    bool pending_ = false;
};

// Activations: one allocation, handed out in order and taken back all at once. How much a pass needs is learnt by
// running it dry first.
template <class Scalar>
class Workspace {
public:
    explicit Workspace(Exec const& space) : space_(space) {}

    // Forgets everything handed out, and runs a pass twice. While `counting` it takes memory as ever, gets views
    // without any, and must launch nothing. Views from before are dead.
    template <class Pass>
    auto run(Pass const& pass) {
        used_ = most_ = 0;
        {
            Counting const while_it_runs(counting_);
            pass();
        }
        used_ = 0;
        if (most_ > static_cast<std::int64_t>(memory_.extent(0))) {
            memory_ = {};  // the old block goes before the new one comes
            memory_ = uninitialised<Scalar>(space_, "alignsweep::model::workspace", static_cast<std::size_t>(most_));
        }
        return pass();
    }
    [[nodiscard]] bool counting() const { return counting_; }

    Matrix<Scalar> matrix(std::int64_t rows, std::int64_t columns) {
        return Matrix<Scalar>(take(rows * columns), rows, columns);
    }
    Vector<Scalar> vector(std::int64_t size) { return Vector<Scalar>(take(size), size); }
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

    Exec space_;
    Vector<Scalar> memory_;
    std::int64_t used_ = 0, most_ = 0;
    bool counting_ = false;
};

}  // namespace alignsweep::model::device
