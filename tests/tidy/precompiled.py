"""What a precompiled header brings is included all the same: without -Db_pch, as people build, it is not there.

For each header of scripts/meson/standard.hpp, what is commonly used of it; a file that does so must include it, or include
something of ours that does.
"""
import os
import re

from tree import includes, without_comments

STANDARD = 'scripts/meson/standard.hpp'
OF_RANGES = 'all_of any_of contains copy count count_if equal fill find find_if for_each lower_bound max max_element min ' \
            'min_element none_of reverse sort transform upper_bound'
USES = {header: re.compile(rf'std::(?:{pattern})') for header, pattern in {
    'algorithm': rf'(?:min|max|clamp|sort|copy|copy_n|fill|find_if|any_of|all_of|ranges::(?:{OF_RANGES.replace(" ", "|")}))\b',
    'array': r'(?:to_)?array\b',
    'atomic': r'atomic|memory_order',
    'charconv': r'(?:from|to)_chars\b',
    'chrono': r'chrono\b',
    'coroutine': r'(?:noop_)?coroutine|suspend_\w+',
    'cstdint': r'u?int(?:8|16|32|64|ptr|max)_t\b',
    'expected': r'(?:un)?expected\b',
    'functional': r'(?:function|move_only_function|invoke|c?ref|less|greater|plus)\b',
    'memory': r'(?:make_)?(?:unique|shared)(?:_ptr)?\b|weak_ptr|addressof|(?:construct|destroy)_at',
    'optional': r'optional\b|nullopt',
    'ranges': r'views\b|ranges::(?:subrange|to|\w*range|\w*view)\b',
    'span': r'span\b|as_bytes',
    'string': r'string\b|to_string|stou?l*\b|stoi\b|stod\b',
    'string_view': r'string_view\b',
    'tuple': r'tuple\b|apply\b|tie\b',
    'type_traits': r'is_\w+_v\b|remove_\w+_t\b|decay_t|conditional_t|invoke_result_t|underlying_type_t|integral_constant',
    'unordered_map': r'unordered_map',
    'utility': r'(?:move|exchange|forward|pair|swap|in_place|index_sequence|to_underlying|cmp_\w+|as_const|unreachable)\b',
    'variant': r'variant\b|visit\b|monostate|get_if|holds_alternative',
    'vector': r'vector\b',
}.items()}


def standard_headers(tree, path, known):
    """Those that a file includes, itself or through headers of ours."""
    if path not in known:
        known[path] = set()  # for files that include each other
        found = set()
        for _, included in includes(tree.text(path)):
            places = ('include', 'src', os.path.dirname(path))
            ours = next((one for one in (os.path.normpath(os.path.join(place, included)) for place in places) if tree.exists(one)), None)
            found |= standard_headers(tree, ours, known) if ours else {included}
        known[path] = found | ({'string_view'} if 'string' in found else set())
    return known[path]


def check(tree):
    known, problems = {}, []
    listed = {included for _, included in includes(tree.text(STANDARD))}
    problems += [f'{STANDARD}: what is used of <{header}>? Say so in {os.path.basename(__file__)}' for header in sorted(listed - set(USES))]
    for path in tree.sources('src', 'include'):
        if path.endswith('.inl.hpp'):
            continue
        text = without_comments(tree.text(path))
        for header in sorted(set(USES) - standard_headers(tree, path, known)):
            if used := USES[header].search(text):
                problems.append(f'{path}: uses {used.group(0)} without <{header}>')
    return problems
