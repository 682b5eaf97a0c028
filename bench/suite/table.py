"""An outcome as text."""

COLUMNS = [('rps', 'requests/s', 0), ('p50_us', 'p50 µs', 0), ('p99_us', 'p99 µs', 0)]


def spread(outcome, server, key, digits):
    values = outcome.values(server, key)
    if not values:
        return '–'
    middle = outcome.median(server, key)
    return f'{middle:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})'


def text(outcome):
    lines = [f'\n{outcome.title}']
    if outcome.windows:
        columns = [(outcome.cpu, 'CPU µs/req', 2), *COLUMNS]
        rows = [['', *(title for _, title, _ in columns), 'errors']]
        for server, windows in outcome.windows.items():
            errors = sum(window['wrong'] + window['socket_errors'] for window in windows)
            rows.append([server, *(spread(outcome, server, key, digits) for key, _, digits in columns), f'{errors:.0f}'])
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines += ['  ' + '  '.join(cell.ljust(width) if i == 0 else cell.rjust(width)
                                   for i, (cell, width) in enumerate(zip(row, widths))) for row in rows]
    lines += [f'  {what}: {value:.2f} {unit}'.rstrip() for what, value, unit in outcome.facts]
    lines += ['  ' + claim(one) for one in outcome.claims]
    return '\n'.join(lines)


def claim(one):
    if one['value'] is None:
        return f'        {one["what"]}: not measured'
    within = ', 95 %: {:.2f}–{:.2f}'.format(*one['interval']) if one['interval'] else ''
    bound = f'{"at least" if one["least"] else "at most"} {one["bound"]:g}'
    return f'{"holds " if one["holds"] else "MISSED"}  {one["what"]}: {one["value"]:.2f}{within} ({bound})'
