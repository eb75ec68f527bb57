// SPDX-License-Identifier: Apache-2.0
#include "infer/any_model.hpp"

#include "core/error.hpp"
#include "store/llama_config.hpp"
#include "store/manifest.hpp"
#include "store/safetensors.hpp"

#include <algorithm>

namespace alignsweep::infer {

namespace fs = std::filesystem;

ModelSource find_model(fs::path const& path) {
    if (fs::is_regular_file(path) && path.extension() == ".h5") { return {fs::absolute(path).parent_path(), path}; }
    if (fs::exists(path / "config.json")) { return {path, {}}; }
    if (fs::exists(path / "checkpoint.h5")) { return {path, path / "checkpoint.h5"}; }
    throw core::IoError(path.string(), fs::exists(path) ? ": is not a model" : ": there is no such model",
                        "; a stage's folder or its checkpoint.h5, or a folder with config.json and "
                        "model.safetensors, is allowed");
}

namespace {

using Files = std::map<std::string, std::shared_ptr<store::SafetensorsFile const>>;

std::string dims_text(std::vector<std::int64_t> const& dims) {
    std::string text;
    for (std::int64_t const n : dims) { text += core::concat(text.empty() ? "" : ", ", n); }
    return "[" + text + "]";
}

constexpr char const* embedding_name = "model.embed_tokens.weight";
constexpr char const* head_name = "lm_head.weight";

// Where a tensor's values stand. A tied model's embedding and head are one tensor, kept under either name.
std::string stored_name(std::string const& tensor, Files const& files, bool tied) {
    bool const as_head = tied && tensor == embedding_name && !files.contains(tensor) && files.contains(head_name);
    return as_head ? head_name : tensor;
}

// Before a model of that size is made: config.json alone could ask for any.
void check_shapes(fs::path const& folder, Files const& files, model::Layout const& layout, bool tied) {
    for (model::Tensor const& tensor : layout.tensors()) {
        std::string const name = stored_name(tensor.name, files, tied);
        auto const found = files.find(name);
        if (found == files.end()) { throw core::IoError(folder.string(), ": tensor ", name, ": is missing"); }
        auto const& dims = found->second->tensors().at(name).dims;
        if (dims != tensor.dims()) {
            throw core::IoError(found->second->path().string(), ": tensor ", name, ": has shape ", dims_text(dims),
                                "; by config.json it is ", dims_text(tensor.dims()));
        }
    }
}

template <class Scalar>
void read_tensors(Files const& files, bool tied, Weights& weights) {
    for (model::Tensor const& tensor : weights.layout.tensors()) {
        std::string const name = stored_name(tensor.name, files, tied);
        model::set_tensor(weights, tensor, files.at(name)->template read<Scalar>(name));
    }
}

// Nothing in the files may be left out but what a Llama can compute (inv_freq) or holds twice (a tied head).
void check_others(Files const& files, model::Layout const& layout, bool tied) {
    for (auto const& [name, file] : files) {
        bool const known = std::any_of(layout.tensors().begin(), layout.tensors().end(),
                                       [&, key = name](auto const& tensor) { return tensor.name == key; });
        if (known || name.ends_with("rotary_emb.inv_freq")) { continue; }
        auto const fail = [&, key = name, from = file](char const* why) {
            throw core::IoError(from->path().string(), ": tensor ", key, ": ", why);
        };
        auto const embedding = files.find(stored_name(embedding_name, files, tied));
        if (name != head_name || !tied) { fail("a Llama has no such tensor"); }
        if (file->read<double>(name) != embedding->second->read<double>(embedding->first)) {
            fail("differs from the embedding, though config.json has tie_word_embeddings = true");
        }
    }
}

StoredModel load_llama(fs::path const& folder, model::Precision precision) {
    store::LlamaConfig const config = store::read_llama_config(folder);
    auto shape = model::make_shape(config, static_cast<int>(config.vocabulary), config.scalar_head);
    // A reward model has no LM head: the shape's is then the embedding, and nothing reads it.
    shape.tied = config.tied || config.scalar_head;
    Files const files = store::SafetensorsFolder(folder).files();
    bool const tied = config.tied && !config.scalar_head;
    if (!files.contains(stored_name(embedding_name, files, tied))) {
        throw core::IoError(folder.string(), ": tensor ", embedding_name, ": is missing");
    }
    model::Layout const layout(shape);
    check_others(files, layout, tied);
    check_shapes(folder, files, layout, tied);
    StoredModel model{Weights(shape, precision)};
    auto const read = precision == model::Precision::float32 ? read_tensors<float> : read_tensors<double>;
    read(files, tied, model.weights);
    return model;
}

}  // namespace

StoredModel load_any_model(ModelSource const& source, model::Precision precision) {
    if (!source.is_checkpoint()) { return load_llama(source.folder, precision); }
    // A stage's file must be what its manifest says before libhdf5 opens it.
    if (auto const manifest = store::read_manifest(source.folder);
        manifest && manifest->files.contains(source.checkpoint.filename().string())) {
        store::verify_files(source.folder, *manifest);
    }
    return load_model_file(source.checkpoint, precision);
}

}  // namespace alignsweep::infer
