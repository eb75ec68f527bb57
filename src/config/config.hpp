// SPDX-License-Identifier: Apache-2.0
// The configuration of one trial: named sections, each a struct of its own with a list of its fields (field.hpp).
#pragma once

#include "config/field.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

namespace alignsweep::config {

// The fields of a section, whatever its type.
class Fields {
public:
    virtual ~Fields() = default;
    [[nodiscard]] virtual std::shared_ptr<Fields> copy() const = 0;
    virtual void visit(FieldVisitor visitor) = 0;
};

template <class Values>
class FieldsOf final : public Fields {
public:
    explicit FieldsOf(Values given) : values(std::move(given)) {}
    [[nodiscard]] std::shared_ptr<Fields> copy() const override { return std::make_shared<FieldsOf>(*this); }
    void visit(FieldVisitor visitor) override { values.fields(visitor); }

    Values values;
};

class Section {
public:
    template <class Values>
    [[nodiscard]] static Section of(std::string name, Values values = {}) {
        return {std::move(name), std::make_shared<FieldsOf<Values>>(std::move(values))};
    }

    [[nodiscard]] std::string const& name() const { return name_; }
    // Shows the fields of a copy to `see`.
    void read(std::function<void(Field const&)> see) const { fields_->copy()->visit(FieldVisitor(std::move(see))); }
    // `see` may set the fields.
    void visit(std::function<void(Field const&)> see) { own().visit(FieldVisitor(std::move(see))); }

    // Null where the section is of another type.
    template <class Values>
    [[nodiscard]] Values const* as() const {
        auto const* const fields = dynamic_cast<FieldsOf<Values> const*>(fields_.get());
        return fields == nullptr ? nullptr : &fields->values;
    }
    template <class Values>
    [[nodiscard]] Values* as_own() {
        return as<Values>() == nullptr ? nullptr : &static_cast<FieldsOf<Values>&>(own()).values;
    }

private:
    Section(std::string name, std::shared_ptr<Fields> fields) : name_(std::move(name)), fields_(std::move(fields)) {}
    // Copies of a configuration share what neither of them has changed.
    Fields& own() {
        if (fields_.use_count() > 1) { fields_ = fields_->copy(); }
        return *fields_;
    }

    std::string name_;
    std::shared_ptr<Fields> fields_;
};

class Config {
public:
    // The sections that all kinds of stages share (schema.hpp).
    Config();
    // In the order in which they are printed, with their defaults.
    explicit Config(std::vector<Section> sections) : sections_(std::move(sections)) {}

    // The section that holds a `Values`, and its fields. Both throw std::logic_error where there is none.
    template <class Values>
    [[nodiscard]] Section const& section() const {
        for (Section const& section : sections_) {
            if (section.as<Values>() != nullptr) { return section; }
        }
        throw_missing(typeid(Values).name());
    }
    template <class Values>
    [[nodiscard]] Values const& get() const {
        return *section<Values>().template as<Values>();
    }
    // To change it. The reference is good until the configuration is copied.
    template <class Values>
    [[nodiscard]] Values& edit() {
        for (Section& section : sections_) {
            if (Values* const values = section.as_own<Values>()) { return *values; }
        }
        throw_missing(typeid(Values).name());
    }

    [[nodiscard]] std::vector<Section> const& sections() const { return sections_; }
    // By name; null where there is none.
    [[nodiscard]] Section const* find(std::string_view name) const;
    [[nodiscard]] Section* find(std::string_view name);

private:
    [[noreturn]] static void throw_missing(char const* type);

    std::vector<Section> sections_;
};

// Keys of the fields that lie within `place`, in order.
[[nodiscard]] std::vector<std::string> keys_within(Fields& fields, std::span<std::byte const> place);

// The key of each member; of a group of fields, such as an OptimizerConfig, all its keys.
template <class Values, class... Members>
[[nodiscard]] std::vector<std::string> keys_of(Members Values::*... members) {
    FieldsOf<Values> fields{Values{}};
    std::vector<std::string> keys;
    auto const add = [&](auto const& member) {
        for (auto& key : keys_within(fields, std::as_bytes(std::span(&member, 1)))) { keys.push_back(std::move(key)); }
    };
    (add(fields.values.*members), ...);
    return keys;
}

// "rlhf", of RlhfConfig.
template <class Values>
[[nodiscard]] std::string const& name_of(Config const& config) {
    return config.section<Values>().name();
}

}  // namespace alignsweep::config
