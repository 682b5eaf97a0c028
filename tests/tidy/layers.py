"""Which layer may include which, and who may include which library: the design as a table.

A layer may include itself and what its line names. Public headers are <sluice/LAYER/…>, the inside is LAYER/… in src.
"""
import re

from tree import includes

CORE = {'core'}
CORO = CORE | {'coro'}
HTTP = CORO | {'http'}
JSON = CORO | {'json'}
ROUTE = HTTP | JSON | {'route'}
RING = CORO | {'ring'}
SHARD = RING | {'shard'}
CLIENT = SHARD | HTTP | {'client'}
DATABASE = SHARD | JSON | {'telemetry'}
TELEMETRY = DATABASE | CLIENT
POLICY = ROUTE | DATABASE | {'redis'}
MIDDLEWARE = ROUTE | POLICY | {'limit', 'cache', 'middleware'}
SERVER = MIDDLEWARE | {'server'}
RESOURCE = SERVER | {'sqlite', 'postgres', 'redis', 'client'}

LAYERS = {
    'core': CORE,
    'coro': CORO,
    'http': HTTP,
    'json': JSON,
    'route': ROUTE,
    'ring': RING,
    'shard': SHARD,
    'client': CLIENT,
    'telemetry': TELEMETRY,
    'sqlite': DATABASE,
    'postgres': DATABASE,
    'redis': DATABASE,
    'limit': POLICY,
    'cache': POLICY,
    'middleware': MIDDLEWARE,
    'server': SERVER,
    'resources': RESOURCE,
    'app': RESOURCE | {'resources', 'app'},
}

# Applications see public headers only, as anybody's would.
APPLICATIONS = ('src/app/', 'src/resources/', 'bench/arena/', 'bench/users/')

# header: the layers whose inside may include it. Public headers include none: an application needs ours alone.
LIBRARIES = {
    r'liburing(/.*|\.h)': {'ring'},
    r'llhttp\.h': {'http'},
    r'simdjson\.h': {'json'},
    r'sqlite3\.h': {'sqlite'},
    r'libpq-fe\.h|libpq/.*': {'postgres'},
    r'hiredis/.*': {'redis'},
    r'xxhash\.h': {'core'},
    r'toml\+\+/.*': {'app'},
    r'CLI/.*': {'app'},
    r'fmt/.*': set(LAYERS),
}

FOLDERS = ('include/sluice', 'src', 'bench/arena', 'bench/users')


def layer_of(path):
    match = re.match(r'(?:include/sluice|src)/([^/]+)/', path)
    return match.group(1) if match else 'app' if path.startswith('bench/') else None


def resource_of(path):
    match = re.search(r'(?:^|/)resources/([^/]+)/', path)
    return match.group(1) if match else None


def problem_with(path, layer, included):
    """What is wrong with one include, or nothing."""
    for pattern, owners in LIBRARIES.items():
        if re.fullmatch(pattern, included) and path.startswith('include/'):
            return f'a public header includes <{included}>'
        if re.fullmatch(pattern, included) and layer not in owners:
            return f'only {", ".join(sorted(owners))} may include <{included}>'
    public = included.startswith('sluice/')
    target = (included[len('sluice/'):] if public else included).split('/')[0]
    if target not in LAYERS or '/' not in included:
        return None
    if not public and path.startswith('include/'):
        return f'a public header includes "{included}", which is not installed'
    if not public and target not in ('app', 'resources') and path.startswith(APPLICATIONS):
        return f'an application includes "{included}", which is the inside of the library'
    if target != layer and target not in LAYERS[layer]:
        return f'{layer} stands below {target}, or beside it, and may not include "{included}"'
    if layer == target == 'resources' and resource_of(path) and resource_of(included) not in (None, resource_of(path)):
        return f'a resource includes its sibling: "{included}"'
    return None


def check(tree):
    problems = []
    for path in tree.sources(*FOLDERS):
        layer = layer_of(path)
        if layer is None:
            continue
        if layer not in LAYERS:
            problems.append(f'{path}: the layer {layer} is missing in the table of tests/tidy/layers.py')
            continue
        for line, included in includes(tree.text(path)):
            problem = problem_with(path, layer, included)
            if problem:
                problems.append(f'{path}:{line}: {problem}')
    return problems
