"""Fills a database for measuring: `fill.py users|items URL [--count N] [--ids FILE] [--create]`.

users: `--count` users (10 000) whose ids, one a line, go to FILE for a load that asks for them in no order; the table is
the migrations', or made here with `--create`. items: the table of the public benchmark HttpArena with its 100 000 rows.
Rows come from a seed: every run writes the same ones, and what was in the table is removed first.
"""
import argparse
import os
import random
import subprocess
import sys
import uuid
from pathlib import Path

# As resources/users has it, so that bare programs can be measured without the server's migrations.
CREATE_USERS = '''CREATE TABLE IF NOT EXISTS users (id UUID PRIMARY KEY, email TEXT NOT NULL, name TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL, version BIGINT NOT NULL, email_key TEXT NOT NULL UNIQUE)'''
CREATE_ITEMS = '''CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL,
  price INTEGER NOT NULL, quantity INTEGER NOT NULL, active BOOLEAN NOT NULL, tags JSONB NOT NULL, rating_score INTEGER NOT NULL,
  rating_count INTEGER NOT NULL)'''

USERS, ITEMS = 10_000, 100_000
CATEGORIES = {'electronics': 'Widget', 'home': 'Lamp', 'furniture': 'Chair', 'kitchen': 'Kettle', 'sports': 'Backpack'}
MAKES = ['Alpha', 'Bright', 'Compact', 'Deluxe', 'Eco', 'Fine', 'Grand', 'Handy', 'Ideal', 'Jolly']
TAGS = ['fast', 'new', 'light', 'popular', 'limited', 'sale', 'sturdy', 'classic']
BORN_MS = 1_767_225_600_000  # 2026-01-01


def uuid_v7(milliseconds, chance):
    bits = milliseconds << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62)
    return str(uuid.UUID(int=bits))


def user_rows(count):
    chance = random.Random(3)
    for i in range(count):
        made = f'2026-01-31 12:34:{i % 60:02}.{i % 1_000_000:06}+00'
        email = f'ada.lovelace.{i}@example.com'
        yield uuid_v7(BORN_MS + i, chance), email, f'Ada Lovelace {i}', made, made, '1', email


def item_rows(count):
    chance = random.Random(5)
    for i in range(count):
        category = list(CATEGORIES)[i % len(CATEGORIES)]
        name = f'{MAKES[i // len(CATEGORIES) % len(MAKES)]} {CATEGORIES[category]}'
        tags = ', '.join(f'"{tag}"' for tag in chance.sample(TAGS, chance.randint(1, 3)))
        numbers = chance.randint(1, 500), chance.randint(1, 50)
        yield (str(i + 1), name, category, *map(str, numbers), 'f' if chance.random() < 0.1 else 't', f'[{tags}]',
               str(chance.randint(1, 50)), str(chance.randint(1, 400)))


def psql(url, sql, rows=()):
    program = [os.environ.get('PSQL', 'psql'), '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql]
    text = ''.join('\t'.join(row) + '\n' for row in rows)
    done = subprocess.run(program, input=text, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f'fill: {done.stderr.strip()}')


def fill(url, table, columns, rows):
    psql(url, f'TRUNCATE {table}')
    psql(url, f'COPY {table} ({columns}) FROM STDIN', rows)
    psql(url, f'VACUUM (ANALYZE, FREEZE) {table}')


def fill_users(url, count=USERS, create=False):
    """Gives the ids."""
    if create:
        psql(url, CREATE_USERS)
    rows = list(user_rows(count))
    fill(url, 'users', 'id, email, name, created_at, updated_at, version, email_key', rows)
    return [row[0] for row in rows]


def fill_items(url, count=ITEMS):
    psql(url, CREATE_ITEMS)
    fill(url, 'items', 'id, name, category, price, quantity, active, tags, rating_score, rating_count', item_rows(count))


def main():
    parser = argparse.ArgumentParser(prog='fill.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=['users', 'items'])
    parser.add_argument('url', help='of the database, as libpq takes it')
    parser.add_argument('--count', type=int, help='rows')
    parser.add_argument('--ids', type=Path, help='where the ids of users go')
    parser.add_argument('--create', action='store_true', help='make the table of users')
    asked = parser.parse_args()
    if asked.what == 'items':
        fill_items(asked.url, asked.count or ITEMS)
        return
    ids = fill_users(asked.url, asked.count or USERS, asked.create)
    if asked.ids:
        asked.ids.write_text(''.join(f'{one}\n' for one in ids), encoding='ascii')


if __name__ == '__main__':
    main()
