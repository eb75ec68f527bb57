// SPDX-License-Identifier: Apache-2.0
// The few collective operations that a sweep needs. Ranks sleep while they wait: MPI itself would keep their cores
// busy.
#pragma once

#include <cstdint>
#include <string>

namespace alignsweep::sweep {

// MPI for the life of the object; a single process without a launcher is one rank.
class Comm {
public:
    Comm(int& argc, char**& argv);
    ~Comm();
    Comm(Comm const&) = delete;
    Comm& operator=(Comm const&) = delete;

    [[nodiscard]] int rank() const { return rank_; }
    [[nodiscard]] int size() const { return size_; }
    // Ranks on this rank's node.
    [[nodiscard]] int node_size() const { return node_size_; }
    // Rank 0's value, on every rank.
    [[nodiscard]] std::int64_t broadcast(std::int64_t value) const;
    // The largest value of all ranks.
    [[nodiscard]] std::int64_t max(std::int64_t value) const;
    // The MPI library and its version, in its own words.
    [[nodiscard]] static std::string library();
    // Ends every rank at once, for an error that only this rank saw.
    [[noreturn]] void abort(int code) const;

private:
    int rank_ = 0, size_ = 1, node_size_ = 1;
};

}  // namespace alignsweep::sweep
