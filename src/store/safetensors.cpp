// SPDX-License-Identifier: Apache-2.0
#include "store/safetensors.hpp"

#include "core/error.hpp"
#include "core/json.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <tuple>
#include <utility>

namespace alignsweep::store {

namespace {

using core::Json;
using core::shown;
using Tensor = SafetensorsFile::Tensor;
using Type = SafetensorsFile::Type;

static_assert(std::endian::native == std::endian::little, "the format is little-endian, and so is all that runs this");

// The limit of the format's own library: no header is longer, and a foreign file's first bytes ask for more.
constexpr std::uint64_t longest_header = 100'000'000;

template <class... What>
[[noreturn]] void fail(std::filesystem::path const& file, What const&... what) {
    throw core::IoError(file.string(), ": ", what...);
}

// Bytes of an element, and whether it is read; 0 for a dtype that the format does not have (or that fills no whole
// byte).
std::pair<std::int64_t, Type> dtype(std::string const& name) {
    constexpr Type other = Type::other;
    static std::map<std::string, std::pair<std::int64_t, Type>> const known{
        {"F16", {2, Type::f16}}, {"BF16", {2, Type::bf16}}, {"F32", {4, Type::f32}}, {"F64", {8, Type::f64}},
        {"BOOL", {1, other}},    {"U8", {1, other}},        {"I8", {1, other}},      {"F8_E5M2", {1, other}},
        {"F8_E4M3", {1, other}}, {"F8_E8M0", {1, other}},   {"I16", {2, other}},     {"U16", {2, other}},
        {"I32", {4, other}},     {"U32", {4, other}},       {"I64", {8, other}},     {"U64", {8, other}},
        {"C64", {8, other}}};
    auto const found = known.find(name);
    return found == known.end() ? std::pair(std::int64_t{0}, other) : found->second;
}

// IEEE 754 binary16.
double from_half(std::uint16_t bits) {
    int const exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;
    double value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 0x1F) {
        value = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    }
    return (bits & 0x8000) != 0 ? -value : value;
}
double from_bfloat(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

// Elements of one type out of bytes.
template <class Stored, class T, class Convert>
void convert(std::span<char const> bytes, std::vector<T>& values, Convert const& from) {
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(Stored)) {
        Stored stored;
        std::memcpy(&stored, bytes.data() + at, sizeof(Stored));
        values.push_back(static_cast<T>(from(stored)));
    }
}

// The header as text.
std::string read_header(std::ifstream& in, std::filesystem::path const& file, std::uint64_t size) {
    std::uint64_t length = 0;
    if (size < sizeof(length)) { fail(file, "is of ", size, " bytes; a safetensors file has at least 8"); }
    in.read(reinterpret_cast<char*>(&length), sizeof(length));
    if (length > longest_header || length > size - sizeof(length)) {
        fail(file, "the header is of ", length, " bytes by its first 8, in a file of ", size,
             " (truncated, or no safetensors file)");
    }
    std::string text(length, '\0');
    in.read(text.data(), static_cast<std::streamsize>(length));
    if (!in) { fail(file, "can't be read: ", std::strerror(errno)); }
    return text;
}

Tensor read_tensor(std::filesystem::path const& file, std::string const& name, Json const& json, std::int64_t data,
                   std::int64_t size) {
    auto const wrong = [&](auto const&... what) { fail(file, "tensor ", name, ": ", what...); };
    auto const member = [&](char const* key) -> Json const& {
        if (!json.is_object() || !json.contains(key)) { wrong("has no '", key, "'"); }
        return json.at(key);
    };
    Tensor tensor;
    if (!member("dtype").is_string()) { wrong("dtype is ", shown(member("dtype")), "; a text is allowed"); }
    tensor.type_name = member("dtype").get<std::string>();
    std::int64_t bytes = 0;
    std::tie(bytes, tensor.type) = dtype(tensor.type_name);
    if (bytes == 0) { wrong("dtype ", shown(member("dtype")), " is unknown"); }
    if (!member("shape").is_array()) { wrong("shape is ", shown(member("shape")), "; a list is allowed"); }
    for (Json const& extent : member("shape")) {
        if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > (std::uint64_t{1} << 40)) {
            wrong("shape is ", shown(member("shape")), "; integers from 0 to 2^40 are allowed");
        }
        tensor.dims.push_back(extent.get<std::int64_t>());
        // More bytes than the file has are wrong whatever comes next, so nothing overflows.
        std::int64_t const extents = tensor.dims.back(), too_many = size + 1;
        bytes = extents > 0 && bytes > too_many / extents ? too_many : bytes * extents;
    }
    Json const& offsets = member("data_offsets");
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
        wrong("data_offsets is ", shown(offsets), "; two integers are allowed");
    }
    auto const begin = offsets[0].get<std::uint64_t>(), end = offsets[1].get<std::uint64_t>();
    auto const room = static_cast<std::uint64_t>(size - data);
    if (begin > end || end > room) {
        wrong("data_offsets ", shown(offsets), " lie outside the ", room, " bytes of data (a truncated file?)");
    }
    tensor.begin = data + static_cast<std::int64_t>(begin);
    tensor.end = data + static_cast<std::int64_t>(end);
    if (tensor.end - tensor.begin != bytes) {
        wrong("dtype ", tensor.type_name, " and shape ", shown(member("shape")), " do not make the ", end - begin,
              " bytes of data_offsets ", shown(offsets));
    }
    return tensor;
}

// The tensors must fill the data, one after the other.
void check_cover(std::filesystem::path const& file, std::map<std::string, Tensor> const& tensors, std::int64_t data,
                 std::int64_t size) {
    std::vector<std::pair<std::string, Tensor>> order(tensors.begin(), tensors.end());
    std::stable_sort(order.begin(), order.end(), [](auto const& a, auto const& b) {
        return std::pair(a.second.begin, a.second.end) < std::pair(b.second.begin, b.second.end);
    });
    std::int64_t at = data;
    for (auto const& [name, tensor] : order) {
        if (tensor.begin < at) { fail(file, "tensor ", name, ": its data overlap those of the tensor before"); }
        if (tensor.begin > at) { fail(file, "tensor ", name, ": its data begin after a hole"); }
        at = tensor.end;
    }
    if (at != size) { fail(file, size - at, " bytes at the end belong to no tensor"); }
}

}  // namespace

SafetensorsFile::SafetensorsFile(std::filesystem::path file) : path_(std::move(file)) {
    std::error_code error;
    auto const status = std::filesystem::status(path_, error);
    if (status.type() == std::filesystem::file_type::not_found) { fail(path_, "there is no such file"); }
    if (!std::filesystem::is_regular_file(status)) { fail(path_, "is not a regular file"); }
    std::ifstream in(path_, std::ios::binary);
    if (!in) { fail(path_, "can't be opened: ", std::strerror(errno)); }
    auto const size = static_cast<std::int64_t>(std::filesystem::file_size(path_));
    std::string const header = read_header(in, path_, static_cast<std::uint64_t>(size));
    auto const data = static_cast<std::int64_t>(sizeof(std::uint64_t) + header.size());
    Json const json = core::parse_json(header, path_.string());
    if (!json.is_object()) { fail(path_, "the header is of type ", json.type_name(), "; an object is allowed"); }
    for (auto const& [name, value] : json.items()) {
        if (name == "__metadata__") { continue; }
        tensors_.emplace(name, read_tensor(path_, name, value, data, size));
    }
    check_cover(path_, tensors_, data, size);
}

template <std::floating_point T>
std::vector<T> SafetensorsFile::read(std::string const& name) const {
    auto const found = tensors_.find(name);
    if (found == tensors_.end()) { fail(path_, "tensor ", name, ": is missing"); }
    Tensor const& tensor = found->second;
    if (tensor.type == Type::other) {
        fail(path_, "tensor ", name, ": dtype ", tensor.type_name, " is not supported; F16, BF16, F32 and F64 are");
    }
    std::ifstream in(path_, std::ios::binary);
    in.seekg(tensor.begin);
    std::vector<T> values;
    values.reserve(static_cast<std::size_t>((tensor.end - tensor.begin) / dtype(tensor.type_name).first));
    std::vector<char> block(std::size_t{1} << 20);
    for (std::int64_t left = tensor.end - tensor.begin; left > 0;) {
        auto const bytes = std::min<std::int64_t>(left, static_cast<std::int64_t>(block.size()));
        in.read(block.data(), bytes);
        if (!in) { fail(path_, "tensor ", name, ": can't be read to its end"); }
        std::span<char const> const part(block.data(), static_cast<std::size_t>(bytes));
        switch (tensor.type) {
            case Type::f16:
                convert<std::uint16_t>(part, values, from_half);
                break;
            case Type::bf16:
                convert<std::uint16_t>(part, values, from_bfloat);
                break;
            case Type::f32:
                convert<float>(part, values, [](float x) { return x; });
                break;
            default:
                convert<double>(part, values, [](double x) { return x; });
        }
        left -= bytes;
    }
    return values;
}
template std::vector<float> SafetensorsFile::read<float>(std::string const&) const;
template std::vector<double> SafetensorsFile::read<double>(std::string const&) const;

}  // namespace alignsweep::store
