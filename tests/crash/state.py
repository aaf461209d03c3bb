"""What a queue holds, as qstat tells it, and how two such looks compare."""

import base64
import datetime
import json

from command import run

QUEUE, OTHER = 'q', 'r'
STATES = ('ready', 'delayed', 'blocked', 'leased', 'dead')
ENDED = ('done', 'expired', 'purged')


class Broken(Exception):
    """A command that only looks failed, or told nonsense."""


def rows(result):
    """The JSON objects of an output, a line each."""
    try:
        return [json.loads(line) for line in result.out.splitlines()]
    except ValueError as e:
        raise Broken(f'not JSON was printed: {e}') from e


def body_of(row):
    """The body of a message as JSON shows it."""
    if 'body_base64' in row:
        try:
            return base64.b64decode(row['body_base64'])
        except ValueError as e:
            raise Broken(f'not base 64 was printed: {e}') from e
    return row['body'].encode()


def look(root, bodies):
    """The numbers of a queue, and its messages by id."""
    stat = run(['qstat', '--json', QUEUE], root)
    if stat.code != 0:
        raise Broken(f'qstat: {stat}')
    argv = ['qstat', '--list', '--json'] + (['--body'] if bodies else []) + [QUEUE]
    listing = run(argv, root)
    if listing.code != 0:
        raise Broken(f'qstat --list: {listing}')
    return rows(stat)[0], {row['id']: row for row in rows(listing)}


KEPT = ('state', 'attempt', 'delivery', 'priority', 'headers', 'size', 'pushed',
        'max_attempts', 'expires')


def due(row):
    """When a delay or a lease ends, in seconds."""
    if row['state'] not in ('delayed', 'leased') or 'due' not in row:
        return 0
    return datetime.datetime.fromisoformat(row['due'][:19]).timestamp()


def changes(old, new):
    """What differs in a message, of what must not when nobody was to touch it. The end
    of a lease is told by another clock than the one that keeps it."""
    names = [name for name in KEPT if old.get(name) != new.get(name)]
    return names + (['due'] if abs(due(old) - due(new)) > 2 else [])


def books(stat, messages):
    """What does not add up in the numbers of a queue."""
    wrong = []
    waiting = sum(stat[name] for name in STATES)
    ended = sum(stat[name] for name in ENDED)
    if stat['pushed'] != waiting + ended:
        wrong.append(f'{stat["pushed"]} pushed, {waiting} there, {ended} ended')
    for name in STATES:
        listed = sum(row['state'] == name for row in messages.values())
        if listed != stat[name]:
            wrong.append(f'{stat[name]} counted {name}, {listed} listed')
    return wrong


def in_order(messages):
    """The ids of what is ready, in the order in which it is to be taken."""
    ready = [row for row in messages.values() if row['state'] == 'ready']
    return [row['id'] for row in sorted(ready, key=lambda r: (-r['priority'], r['id']))]
