"""Outcomes as one HTML page: plots as inline SVG, nothing fetched from anywhere, light and dark as the reader has it."""
import html as escape_html

import table

PLOTS = [('rps', 'requests a second', 'more is better'),
         ('p50_us', 'p50, µs', 'less is better'), ('p99_us', 'p99, µs', 'less is better')]

STYLE = '''
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6878; --line: #d9dee6; --ground: #fff; --ours: #1769c4; --other: #a9b4c3;
        --good: #1b7f4b; --bad: #c0342b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf0; --soft: #98a3b3; --line: #333c49; --ground: #14181f; --ours: #5aa6f5; --other: #56616f; --good: #57c98b; --bad: #f0776c; }
}
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 68rem; background: var(--ground); color: var(--ink);
       font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; border-top: 1px solid var(--line); padding-top: 1.25rem; }
p.about { color: var(--soft); margin: .25rem 0 0; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1rem 2rem; }
figure { margin: 0; } figcaption { color: var(--soft); font-size: .85rem; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg .value { font-variant-numeric: tabular-nums; }
.bar { fill: var(--other); } .bar.ours { fill: var(--ours); } .dot { fill: var(--ink); opacity: .55; }
ul { list-style: none; margin: .75rem 0 0; padding: 0; } li { padding: .1rem 0; }
.holds::before { content: "✓ "; color: var(--good); } .missed::before { content: "✗ "; color: var(--bad); } .missed { color: var(--bad); } .open::before { content: "– "; }
'''

PEERS = {'floor', 'nginx', 'node', 'alone', 'sleeps', 'pg_floor', 'pg_floor polls', 'fastify'}


def html(outcomes, about):
    head = (f'{about["cpu"]}, {about["cpus"]} CPUs, Linux {about["kernel"]}, {about["date"]}; {about["rounds"]} rounds of '
            f'{about["seconds"]} s, servers in turn. Bars are medians, dots the rounds. 95 %: the median of more rounds would be there.')
    sections = '\n'.join(section(outcome) for outcome in outcomes)
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f'<title>Sluice: measurements</title><style>{STYLE}</style></head>\n<body><h1>Sluice: measurements</h1>'
            f'<p class="about">{quote(head)}</p>\n{sections}\n</body></html>\n')


def section(outcome):
    shown = [(outcome.cpu, 'CPU a request, µs', 'less is better'), *PLOTS]
    plots = ''.join(plot(outcome, *what) for what in shown if any(outcome.values(server, what[0]) for server in outcome.windows))
    facts = ''.join(f'<li>{quote(what)}: {value:.1f} {quote(unit)}</li>' for what, value, unit in outcome.facts)
    claims = ''.join(f'<li class="{"holds" if one["holds"] else "missed" if one["value"] is not None else "open"}">{quote(table.claim(one)[8:])}</li>' for one in outcome.claims)
    return f'<section><h2>{quote(outcome.title)}</h2><div class="plots">{plots}</div><ul>{facts}{claims}</ul></section>'


def plot(outcome, key, title, sense):
    """A bar for each server, as long as its median, with a dot for each round."""
    left, width, row, right = 82, 300, 26, 70
    servers = [server for server in outcome.windows if outcome.values(server, key)]
    most = max(max(outcome.values(server, key)) for server in servers) or 1
    parts = []
    for i, server in enumerate(servers):
        middle, y = outcome.median(server, key), i * row
        length = middle / most * width
        dots = ''.join(f'<circle class="dot" cx="{left + value / most * width:.1f}" cy="{y + 12}" r="2"/>' for value in outcome.values(server, key))
        shown = f'{middle:,.0f}' if middle >= 100 else f'{middle:.2f}'
        parts.append(f'<text x="{left - 8}" y="{y + 16}" text-anchor="end">{quote(server)}</text>'
                     f'<rect class="bar{"" if server in PEERS else " ours"}" x="{left}" y="{y + 4}" width="{length:.1f}" height="16" rx="2"/>{dots}'
                     f'<text class="value" x="{left + width + 8}" y="{y + 16}">{shown}</text>')
    return (f'<figure><figcaption>{quote(title)} – {quote(sense)}</figcaption><svg viewBox="0 0 {left + width + right} {len(servers) * row + 4}" '
            f'role="img" aria-label="{quote(title)}">{"".join(parts)}</svg></figure>')


def quote(text):
    return escape_html.escape(text)
