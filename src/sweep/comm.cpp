// SPDX-License-Identifier: Apache-2.0
#include "sweep/comm.hpp"

#include <mpi.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace alignsweep::sweep {

namespace {

void wait(MPI_Request& request) {
    int done = 0;
    while (done == 0) {
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (done == 0) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }
    }
}

}  // namespace

Comm::Comm(int& argc, char**& argv) {
    // MPI looks at the machine through hwloc, which prints what it does not find (a container without /sys).
    setenv("HWLOC_HIDE_ERRORS", "2", 0);
    int provided = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    MPI_Comm node = MPI_COMM_NULL;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &node_size_);
    MPI_Comm_free(&node);
}

Comm::~Comm() { MPI_Finalize(); }

std::int64_t Comm::broadcast(std::int64_t value) const {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibcast(&value, 1, MPI_INT64_T, 0, MPI_COMM_WORLD, &request);
    wait(request);
    return value;
}

std::int64_t Comm::max(std::int64_t value) const {
    std::int64_t largest = 0;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallreduce(&value, &largest, 1, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD, &request);
    wait(request);
    return largest;
}

void Comm::abort(int code) const {
    MPI_Abort(MPI_COMM_WORLD, code);
    std::exit(code);
}

std::string Comm::library() {
    std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
    int length = 0;
    MPI_Get_library_version(text.data(), &length);
    std::string const all(text.data(), static_cast<std::size_t>(length));
    return all.substr(0, all.find_first_of(",\n"));
}

}  // namespace alignsweep::sweep
