#include "route/tree.hpp"

#include "route/bytes.hpp"
#include "route/pattern.hpp"

#include <algorithm>

namespace sluice::route_detail {

void tree::compile(std::span<const std::string> shapes)
{
    if (shapes.empty()) return;
    build(allocate(1), shapes, 0, 0);
}

std::uint32_t tree::allocate(std::size_t nodes)
{
    const auto first = static_cast<std::uint32_t>(nodes_.size());
    nodes_.resize(nodes_.size() + nodes);
    first_bytes_.resize(nodes_.size());
    return first;
}

// Makes the node for `shapes`, which agree up to `depth`. They are sorted, so those that go on with the same byte lie
// side by side, the one that ends here comes first, and those with a parameter next.
void tree::build(std::uint32_t at, std::span<const std::string> shapes, std::uint32_t first_endpoint, std::size_t depth)
{
    const std::string &lowest = shapes.front(), &highest = shapes.back();
    std::size_t end = depth;
    while (end < lowest.size() && end < highest.size() && lowest[end] == highest[end] && lowest[end] != parameter_mark)
        ++end;

    node made;
    made.text = static_cast<std::uint32_t>(text_.size());
    made.text_size = static_cast<std::uint32_t>(end - depth);
    text_.append(lowest, depth, end - depth);

    std::size_t next = 0;
    if (lowest.size() == end) made.endpoint = first_endpoint + static_cast<std::uint32_t>(next++);
    const auto same_byte = [&](std::size_t from) {
        const auto differs = [&](const std::string& shape) { return shape[end] != shapes[from][end]; };
        return static_cast<std::size_t>(std::ranges::find_if(shapes.subspan(from), differs) - shapes.begin());
    };
    std::size_t parameter_end = next;
    if (next < shapes.size() && shapes[next][end] == parameter_mark) parameter_end = same_byte(next);
    const std::size_t literals = parameter_end;

    std::size_t children = 0;
    for (std::size_t from = literals; from < shapes.size(); from = same_byte(from)) ++children;
    made.first_child = allocate(children);
    made.children = static_cast<std::uint32_t>(children);
    if (parameter_end != next) made.parameter = allocate(1);
    nodes_[at] = made;

    if (parameter_end != next)
        build(made.parameter, shapes.subspan(next, parameter_end - next),
              first_endpoint + static_cast<std::uint32_t>(next), end + 1);
    std::uint32_t child = made.first_child;
    for (std::size_t from = literals; from < shapes.size(); ++child) {
        const std::size_t to = same_byte(from);
        first_bytes_[child] = shapes[from][end];
        build(child, shapes.subspan(from, to - from), first_endpoint + static_cast<std::uint32_t>(from), end);
        from = to;
    }
}

std::uint32_t tree::match(std::string_view path, parameter_values& values) const noexcept
{
    return nodes_.empty() ? none : walk(nodes_.data(), path, values, 0);
}

const tree::node* tree::child(const node& of, char byte) const noexcept
{
    const char* bytes = first_bytes_.data() + of.first_child;
    for (std::uint32_t i = 0; i < of.children; ++i)
        if (bytes[i] == byte) return &nodes_[of.first_child + i];
    return nullptr;
}

// Calls itself only where a node has both ways to go, so at most once a segment.
std::uint32_t tree::walk(const node* at, std::string_view rest, parameter_values& values,
                         std::size_t parameters) const noexcept
{
    while (at != nullptr) {
        const std::string_view front = rest.substr(0, at->text_size);
        if (front.size() != at->text_size || !same_bytes(front.data(), text_.data() + at->text, front.size()))
            return none;
        rest.remove_prefix(at->text_size);
        if (rest.empty()) return at->endpoint;

        const node* literal = child(*at, rest.front());
        if (at->parameter == none) {
            at = literal;
            continue;
        }
        if (literal != nullptr) {
            const std::uint32_t found = walk(literal, rest, values, parameters);
            if (found != none) return found;
        }
        const std::size_t size = std::min(rest.find('/'), rest.size());
        if (size == 0) return none;
        values[parameters++] = rest.substr(0, size);
        rest.remove_prefix(size);
        at = &nodes_[at->parameter];
    }
    return none;
}

} // namespace sluice::route_detail
