// The radix tree over the shapes of all patterns, compiled once and read-only.
//
// A node is a run of literal bytes; what follows it is chosen by one byte, and a parameter, which is tried when the
// literal way leads nowhere. Nodes lie in one vector, the children of a node side by side. A walk visits each node at
// most once, whatever the path, so a path cannot make it slow. Thread: its router's.
#pragma once

#include <sluice/http/request.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::route_detail {

using parameter_values = std::array<std::string_view, http::path_parameters_max>;

class tree
{
public:
    static constexpr std::uint32_t none = UINT32_MAX;

    // `shapes` are sorted and differ; an endpoint is an index into them.
    void compile(std::span<const std::string> shapes);
    // The endpoint of a normalised path, or none; on success its parameters' values are set, in order.
    [[nodiscard]] std::uint32_t match(std::string_view path, parameter_values& values) const noexcept;

private:
    struct node
    {
        std::uint32_t text = 0; // where its literal bytes begin in text_
        std::uint32_t text_size = 0;
        std::uint32_t first_child = 0; // in nodes_; the bytes that choose it are at the same index in first_bytes_
        std::uint32_t children = 0;
        std::uint32_t parameter = none;
        std::uint32_t endpoint = none;
    };

    void build(std::uint32_t at, std::span<const std::string> shapes, std::uint32_t first_endpoint, std::size_t depth);
    [[nodiscard]] std::uint32_t allocate(std::size_t nodes);
    [[nodiscard]] const node* child(const node& of, char byte) const noexcept;
    [[nodiscard]] std::uint32_t walk(const node* at, std::string_view rest, parameter_values& values,
                                     std::size_t parameters) const noexcept;

    std::vector<node> nodes_;
    std::string first_bytes_; // one for each node: its first literal byte
    std::string text_;
};

} // namespace sluice::route_detail
