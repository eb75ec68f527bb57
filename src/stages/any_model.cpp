// SPDX-License-Identifier: Apache-2.0
#include "stages/any_model.hpp"

#include "core/error.hpp"
#include "store/llama_config.hpp"
#include "store/manifest.hpp"
#include "store/safetensors.hpp"

#include <algorithm>

namespace alignsweep::stages {

namespace fs = std::filesystem;

ModelSource find_model(fs::path const& path) {
    if (fs::is_regular_file(path) && path.extension() == ".h5") { return {fs::absolute(path).parent_path(), path}; }
    if (fs::exists(path / "config.json")) { return {path, {}}; }
    if (fs::exists(path / "checkpoint.h5")) { return {path, path / "checkpoint.h5"}; }
    throw core::IoError(core::concat(path.string(), fs::exists(path) ? ": is no model" : ": there is no such model",
                                     "; a stage's folder or its checkpoint.h5, or a folder with config.json and "
                                     "model.safetensors, is allowed"));
}

namespace {

model::Shape shape_of(store::LlamaConfig const& config) {
    // A reward model has no LM head: the shape's is then the embedding, and nothing reads it.
    return {static_cast<int>(config.vocabulary),
            static_cast<int>(config.width),
            static_cast<int>(config.depth),
            static_cast<int>(config.heads),
            static_cast<int>(config.kv_heads),
            static_cast<int>(config.hidden),
            static_cast<int>(config.context),
            config.rope_theta,
            config.norm_eps,
            config.tied || config.scalar_head,
            config.scalar_head};
}

using Files = std::map<std::string, std::shared_ptr<store::SafetensorsFile const>>;

std::string dims_text(std::vector<std::int64_t> const& dims) {
    std::string text;
    for (std::int64_t const n : dims) { text += core::concat(text.empty() ? "" : ", ", n); }
    return "[" + text + "]";
}

template <class Scalar>
void read_tensors(fs::path const& folder, Files const& files, model::Layout const& layout, std::vector<Scalar>& flat) {
    for (model::Tensor const& tensor : layout.tensors()) {
        auto const found = files.find(tensor.name);
        if (found == files.end()) {
            throw core::IoError(core::concat(folder.string(), ": tensor ", tensor.name, ": is missing"));
        }
        auto const& dims = found->second->tensors().at(tensor.name).dims;
        if (dims != tensor.dims()) {
            throw core::IoError(core::concat(found->second->path().string(), ": tensor ", tensor.name, ": has shape ",
                                             dims_text(dims), "; by config.json it is ", dims_text(tensor.dims())));
        }
        auto const values = found->second->template read<Scalar>(tensor.name);
        std::copy(values.begin(), values.end(), flat.begin() + tensor.offset);
    }
}

// Nothing in the files may be left out but what a Llama can compute (inv_freq) or holds twice (a tied head).
void check_others(Files const& files, model::Layout const& layout, bool tied) {
    for (auto const& [name, file] : files) {
        bool const known = std::any_of(layout.tensors().begin(), layout.tensors().end(),
                                       [&, key = name](auto const& tensor) { return tensor.name == key; });
        if (known || name.ends_with("rotary_emb.inv_freq")) { continue; }
        auto const fail = [&, key = name, from = file](char const* why) {
            throw core::IoError(core::concat(from->path().string(), ": tensor ", key, ": ", why));
        };
        auto const embedding = files.find("model.embed_tokens.weight");
        if (name != "lm_head.weight" || !tied || embedding == files.end()) { fail("a Llama has no such tensor"); }
        if (file->read<double>(name) != embedding->second->read<double>(embedding->first)) {
            fail("differs from the embedding, though config.json has tie_word_embeddings = true");
        }
    }
}

template <class Scalar>
StoredModelAs<Scalar> load_llama(fs::path const& folder) {
    auto const shape = shape_of(store::read_llama_config(folder));
    Files const files = store::SafetensorsFolder(folder).files();
    // Before a model of that size is made: config.json alone could ask for any.
    if (!files.contains("model.embed_tokens.weight")) {
        throw core::IoError(core::concat(folder.string(), ": tensor model.embed_tokens.weight: is missing"));
    }
    model::Layout const layout(shape);
    check_others(files, layout, shape.tied && !shape.scalar_head);
    std::vector<Scalar> flat(static_cast<std::size_t>(layout.size()));
    read_tensors(folder, files, layout, flat);
    StoredModelAs<Scalar> model{model::Parameters<Space, Scalar>(shape), {}};
    model::from_host<Space, Scalar>(flat, model.weights.values);
    return model;
}

}  // namespace

template <class Scalar>
StoredModelAs<Scalar> load_any_model(ModelSource const& source) {
    if (!source.is_checkpoint()) { return load_llama<Scalar>(source.folder); }
    // A stage's file must be what its manifest says before libhdf5 opens it.
    if (auto const manifest = store::read_manifest(source.folder);
        manifest && manifest->files.contains(source.checkpoint.filename().string())) {
        store::verify_files(source.folder, *manifest);
    }
    return load_model_as<Scalar>(source.checkpoint);
}
template StoredModelAs<float> load_any_model<float>(ModelSource const& source);
template StoredModelAs<double> load_any_model<double>(ModelSource const& source);

}  // namespace alignsweep::stages
