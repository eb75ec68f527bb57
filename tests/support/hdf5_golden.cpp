// SPDX-License-Identifier: Apache-2.0
#include "support/hdf5_golden.hpp"

#include <hdf5.h>

#include <stdexcept>

namespace alignsweep::test {

GoldenFile::GoldenFile(std::string const& name)
    : file_(ALIGNSWEEP_TESTS_DIR "/golden/" + name), id_(H5Fopen(file_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)) {
    if (id_ < 0) { throw std::runtime_error(file_ + ": can't be opened"); }
}

GoldenFile::~GoldenFile() { H5Fclose(id_); }

Array GoldenFile::read(std::string const& dataset) const {
    hid_t const id = H5Dopen2(id_, dataset.c_str(), H5P_DEFAULT);
    if (id < 0) { throw std::runtime_error(file_ + ": no dataset " + dataset); }
    hid_t const space = H5Dget_space(id);
    std::vector<hsize_t> extents(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
    H5Sget_simple_extent_dims(space, extents.data(), nullptr);
    Array array{{extents.begin(), extents.end()}, {}};
    array.values.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    herr_t const status = H5Dread(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data());
    H5Sclose(space);
    H5Dclose(id);
    if (status < 0) { throw std::runtime_error(file_ + ": " + dataset + " can't be read"); }
    return array;
}

std::vector<std::int32_t> GoldenFile::read_ints(std::string const& dataset) const {
    std::vector<double> const values = read(dataset).values;
    return {values.begin(), values.end()};
}

double GoldenFile::attribute(std::string const& group, std::string const& name) const {
    hid_t const id = H5Aopen_by_name(id_, group.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    if (id < 0) { throw std::runtime_error(file_ + ": no attribute " + name + " of " + group); }
    double value = 0.0;
    herr_t const status = H5Aread(id, H5T_NATIVE_DOUBLE, &value);
    H5Aclose(id);
    if (status < 0) { throw std::runtime_error(file_ + ": attribute " + name + " can't be read"); }
    return value;
}

int GoldenFile::int_attribute(std::string const& group, std::string const& name) const {
    return static_cast<int>(attribute(group, name));
}

}  // namespace alignsweep::test
