// SPDX-License-Identifier: Apache-2.0
#include "model/weights.hpp"

#include "model/small_model.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>

namespace alignsweep::model {
namespace {

Shape shape_of(bool tied, bool scalar_head, int depth = 3) {
    return {97, 24, depth, 4, 2, 37, 16, 10000.0, 1e-5, tied, scalar_head};
}

TEST(Layout, TensorsLieSideBySide) {
    for (bool const tied : {true, false}) {
        for (bool const scalar_head : {true, false}) {
            Layout const layout(shape_of(tied, scalar_head));
            auto tensors = layout.tensors();
            std::sort(tensors.begin(), tensors.end(), [](auto const& a, auto const& b) { return a.offset < b.offset; });
            std::int64_t end = 0;
            std::set<std::string> names;
            for (Tensor const& tensor : tensors) {
                EXPECT_GE(tensor.offset, end) << tensor.name << " overlaps";
                EXPECT_LT(tensor.offset - end, 16) << "a hole before " << tensor.name;
                end = tensor.offset + tensor.size();
                EXPECT_EQ(end <= layout.matrix_size(), tensor.is_matrix) << tensor.name;
                EXPECT_EQ(tensor.dims().size(), tensor.is_matrix ? 2u : 1u);
                EXPECT_TRUE(names.insert(tensor.name).second) << tensor.name << " twice";
            }
            EXPECT_EQ(end, layout.size());
            EXPECT_EQ(names.count("lm_head.weight"), tied ? 0u : 1u);
            EXPECT_EQ(names.count("score.weight"), scalar_head ? 1u : 0u);
        }
    }
}

TEST(Layout, CountsTheParameters) {
    for (bool const tied : {true, false}) {
        for (bool const scalar_head : {true, false}) {
            std::int64_t const v = 97, w = 24, kv = 12, f = 37, depth = 3;
            std::int64_t const layer = 2 * w * w + 2 * kv * w + 3 * f * w + 2 * w;
            EXPECT_EQ(Layout(shape_of(tied, scalar_head)).parameter_count(),
                      (tied ? 1 : 2) * v * w + depth * layer + w + (scalar_head ? w : 0));
        }
    }
}

// The fused products read neighbours as one matrix.
TEST(Layout, FusedProjectionsAreNeighbours) {
    Layout const layout(shape_of(true, false));
    std::map<std::string, Tensor> by_name;
    for (Tensor const& tensor : layout.tensors()) { by_name.insert({tensor.name, tensor}); }
    for (int i = 0; i < 3; ++i) {
        std::string const prefix = "model.layers." + std::to_string(i) + ".";
        Block const& block = layout.block(i);
        auto const at = [&](char const* name) { return by_name.at(prefix + name); };
        EXPECT_EQ(at("self_attn.q_proj.weight").offset, block.qkv.offset);
        EXPECT_EQ(at("self_attn.k_proj.weight").offset, block.qkv.offset + 24 * 24);
        EXPECT_EQ(at("self_attn.v_proj.weight").offset, block.qkv.offset + 36 * 24);
        EXPECT_EQ(at("mlp.gate_proj.weight").offset, block.gate_up.offset);
        EXPECT_EQ(at("mlp.up_proj.weight").offset, block.gate_up.offset + 37 * 24);
        EXPECT_EQ(block.qkv.rows, 24 + 2 * 12);
        EXPECT_EQ(block.gate_up.rows, 2 * 37);
    }
}

std::map<std::string, Numbers> tensors_of(Weights const& weights) {
    std::map<std::string, Numbers> named;
    auto const flat = to_host<double>(weights);
    for (Tensor const& tensor : weights.layout.tensors()) { named[tensor.name] = elements(flat, tensor); }
    return named;
}

template <class Scalar>
std::map<std::string, Numbers> initialised(Shape const& shape, std::uint64_t seed) {
    Weights weights(shape, precision_of<Scalar>);
    initialise(weights, seed, 0.02, 0.25);
    return tensors_of(weights);
}

template <class Scalar>
void a_seed_is_its_bytes() {
    auto const once = initialised<Scalar>(shape_of(true, true), 1);
    EXPECT_EQ(once, initialised<Scalar>(shape_of(true, true), 1));
    auto const other = initialised<Scalar>(shape_of(true, true), 2);
    EXPECT_NE(once.at("model.embed_tokens.weight"), other.at("model.embed_tokens.weight"));
    EXPECT_NE(once.at("model.layers.0.mlp.up_proj.weight"), once.at("model.layers.1.mlp.up_proj.weight"));
    // One more layer and one more head move tensors, but change none.
    auto const larger = initialised<Scalar>(shape_of(false, true, 4), 1);
    EXPECT_GT(larger.size(), once.size());
    for (auto const& [name, values] : once) { EXPECT_EQ(values, larger.at(name)) << name; }
}

template <class Scalar>
void initial_values_have_their_deviation() {
    Shape shape = shape_of(false, true);
    shape.width = 256;
    for (auto const& [name, values] : initialised<Scalar>(shape, 1)) {
        if (name.find("norm") != std::string::npos) {
            EXPECT_EQ(values, Numbers(values.size(), 1.0)) << name;
            continue;
        }
        double deviation = 0.02;
        if (name == "model.embed_tokens.weight") { deviation = 0.25; }
        if (name == "score.weight") { deviation = std::sqrt(1.0 / 257.0); }
        auto const size = static_cast<double>(values.size());
        double const mean = test::dot(values, Numbers(values.size(), 1.0)) / size;
        EXPECT_NEAR(mean, 0.0, 4.0 * deviation / std::sqrt(size)) << name;
        EXPECT_NEAR(std::sqrt(test::dot(values, values) / size), deviation, 3.0 * deviation / std::sqrt(size)) << name;
    }
}

template <class Scalar>
void shared_tensors_are_copied() {
    Weights from(shape_of(false, false), precision_of<Scalar>), to(shape_of(true, true), precision_of<Scalar>);
    initialise(from, 1, 0.02, 0.25);
    initialise(to, 2, 0.02, 0.25);
    auto const source = tensors_of(from), before = tensors_of(to);
    copy_shared_tensors(from, to);
    for (auto const& [name, values] : tensors_of(to)) {
        EXPECT_EQ(values, name == "score.weight" ? before.at(name) : source.at(name)) << name;
    }
    Shape wider = shape_of(true, true);
    wider.hidden += 1;
    Weights other(wider, precision_of<Scalar>);
    EXPECT_THROW(copy_shared_tensors(from, other), std::logic_error);
    Precision const unlike = precision_of<Scalar> == Precision::float32 ? Precision::float64 : Precision::float32;
    Weights in_another(shape_of(true, true), unlike);
    EXPECT_THROW(copy_shared_tensors(from, in_another), std::logic_error);
}

template <class Scalar>
void host_copies_keep_every_number() {
    Weights weights(shape_of(true, true), precision_of<Scalar>), copy(shape_of(true, true), precision_of<Scalar>);
    initialise(weights, 1, 0.02, 0.25);
    auto const host = to_host<Scalar>(weights);
    from_host(host, copy);
    EXPECT_EQ(to_host<Scalar>(copy), host);
    EXPECT_EQ(copy.precision(), precision_of<Scalar>);
    std::vector<Scalar> const shorter(host.begin(), host.end() - 1);
    EXPECT_THROW(from_host(shorter, copy), std::logic_error);
    // Through the other precision: exact in double, rounded in float.
    auto const doubles = to_host<double>(weights);
    from_host(doubles, copy);
    EXPECT_EQ(to_host<Scalar>(copy), host);
    auto const floats = to_host<float>(weights);
    for (std::size_t i = 0; i < host.size(); ++i) { EXPECT_EQ(floats[i], static_cast<float>(host[i])); }
    // One tensor alone.
    Tensor const& tensor = weights.layout.tensors()[3];
    std::vector<float> const ones(static_cast<std::size_t>(tensor.size()), 1.0f);
    set_tensor(copy, tensor, ones);
    auto const changed = to_host<Scalar>(copy);
    for (std::int64_t i = 0; i < weights.layout.size(); ++i) {
        bool const inside = i >= tensor.offset && i < tensor.offset + tensor.size();
        auto const at = static_cast<std::size_t>(i);
        EXPECT_EQ(changed[at], inside ? Scalar(1) : host[at]);
    }
    EXPECT_THROW(set_tensor(copy, tensor, std::vector<float>(3)), std::logic_error);
}

// As the reference of TR-DPO was once blended on the host: the sum in double, rounded once. Where the processor has
// fused multiply-adds, the compiler uses one.
template <class Scalar>
void blending_rounds_once() {
    Weights policy(shape_of(true, false), precision_of<Scalar>), reference(shape_of(true, false), precision_of<Scalar>);
    initialise(policy, 1, 0.02, 0.25);
    initialise(reference, 2, 0.02, 0.25);
    auto const p = to_host<Scalar>(policy), r = to_host<Scalar>(reference);
    for (double const share : {0.0, 0.3, 0.6, 1.0}) {
        from_host(r, reference);
        blend(policy, share, reference);
        auto const blended = to_host<Scalar>(reference);
        for (std::size_t i = 0; i < blended.size(); ++i) {
#ifdef __FMA__
            double const want = std::fma(share, double(p[i]), (1.0 - share) * double(r[i]));
#else
            double const want = share * double(p[i]) + (1.0 - share) * double(r[i]);
#endif
            ASSERT_EQ(blended[i], static_cast<Scalar>(want)) << share << " " << i;
        }
    }
    EXPECT_EQ(to_host<Scalar>(policy), p);
    Weights other(shape_of(true, true), precision_of<Scalar>);
    EXPECT_THROW(blend(other, 0.5, reference), std::logic_error);
}

ALIGNSWEEP_TEST_SCALARS(Initialise, ASeedIsItsBytes, a_seed_is_its_bytes)
ALIGNSWEEP_TEST_SCALARS(Initialise, InitialValuesHaveTheirDeviation, initial_values_have_their_deviation)
ALIGNSWEEP_TEST_SCALARS(Weights, SharedTensorsAreCopied, shared_tensors_are_copied)
ALIGNSWEEP_TEST_SCALARS(Weights, HostCopiesKeepEveryNumber, host_copies_keep_every_number)
ALIGNSWEEP_TEST_SCALARS(Weights, BlendingRoundsOnce, blending_rounds_once)

}  // namespace
}  // namespace alignsweep::model
