"""Damages payloads: values of JSON, texts and bytes, each in a way that a seed repeats."""

import copy
import json

LETTERS = "abcdefghijklmnopqrstuvwxyz"
# What is odd in a text: control characters, the end of a text in C, changes of the direction of
# writing, joiners, characters beyond 16 bits, markup, and what means something to a terminal, a
# template, a database or a file name.
ODD = [
    "", " ", "\0", "\x01\x02\x1b[31m", "\r\nX-Odd: 1", "\u202e\u2066gnp.exe\u2069", "\u200d\ufeff",
    "\U0001f469\u200d\U0001f4bb", "e" + "\u0301" * 400, "<script>alert(1)</script>", "{{ 7 * 7 }}",
    "{% for a in range(10**9) %}x{% endfor %}", "'; DROP TABLE deliveries; --", "../../etc/passwd",
    "%00%0a%s%n", "javascript:alert(1)", "http://[::1", "9999-99-99T99:99:99Z", "1e400", "\ud800",
    "0001-01-01T00:00:00Z", "+275760-09-13T00:00:00Z", "-1", "info", "critical", "web-01", "null",
]
NUMBERS = [0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**40, 0.1, 1e308, -0.0,
           float("inf"), float("nan")]
LENGTHS = [100, 511, 513, 4095, 4097, 20_000, 70_000]


def text(rng):
    """A text of any kind."""
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(ODD)
    if kind < 0.7:
        return "".join(chr(rng.randrange(1, 0xD7FF)) for _ in range(rng.randrange(20)))
    if kind < 0.8:
        return rng.choice(["x", "\u00e9", "\u202e", "\n", "\\", "\""]) * rng.choice(LENGTHS)
    return "".join(rng.choice(LETTERS) for _ in range(rng.randrange(1, 12)))


def value(rng, depth=0):
    """A value of any type."""
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind <= 2:
        return rng.choice(NUMBERS)
    if kind <= 4:
        return text(rng)
    if kind == 5:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 6:
        return {text(rng)[:50]: value(rng, depth + 1) for _ in range(rng.randrange(4))}
    nested = rng.choice([[], {}, "x"])
    for _ in range(rng.choice([10, 63, 64, 65, 127, 128, 400])):
        nested = [nested] if rng.random() < 0.5 else {"a": nested}
    return nested


def places(tree):
    """All places in a tree, as the container and the key."""
    found, waiting = [], [tree]
    while waiting:
        here = waiting.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else []
        for key in keys:
            found.append((here, key))
            waiting.append(here[key])
    return found


def damage_value(rng, tree):
    """A copy of a tree that differs at one to three places."""
    tree = [copy.deepcopy(tree)]
    for _ in range(rng.choice([1, 1, 2, 3])):
        here, key = rng.choice(places(tree))
        kind = rng.randrange(9)
        if kind <= 2:
            here[key] = value(rng)
        elif kind == 3 and here is not tree:
            del here[key]
        elif kind == 4 and isinstance(here, dict):
            here[text(rng)[:5000]] = here.pop(key)
        elif kind == 5 and isinstance(here, dict):
            here[text(rng)[:5000]] = value(rng)
        elif kind == 6 and isinstance(here, list) and here is not tree:
            here.extend(copy.deepcopy(here[key]) for _ in range(rng.choice([1, 5, 50])))
        elif kind == 7 and isinstance(here[key], str):
            at = rng.randrange(len(here[key]) + 1)
            here[key] = here[key][:at] + text(rng) + here[key][at:]
        else:
            other, elsewhere = rng.choice(places(tree))
            here[key] = copy.deepcopy(other[elsewhere])
    return tree[0]


def encode(rng, tree):
    """A tree as JSON, now and then as other programs write it."""
    ascii_only = rng.random() < 0.5
    separators = rng.choice([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])
    out = json.dumps(tree, ensure_ascii=ascii_only, separators=separators)
    if rng.random() < 0.05 and out.startswith("{") and len(out) > 2:
        # The first member comes twice.
        out = out[:-1] + "," + out[1:]
    return out.encode("utf-8", "surrogatepass")


def damage_bytes(rng, data):
    """Bytes that are no text, or end too early."""
    kind = rng.randrange(9)
    at = rng.randrange(len(data) + 1)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 8))) + data[at:]
    if kind == 2:
        return data[:at] + data[at + rng.randrange(1, 40) :]
    if kind == 3:
        return b"\xef\xbb\xbf" + data
    if kind == 4:
        return data.decode("utf-8", "replace").encode("utf-16")
    if kind == 5:
        return data * rng.choice([2, 20])
    if kind == 6:
        return b"[" * rng.choice([64, 65, 5000, 100_000]) + data
    if kind == 7:
        flipped = bytearray(data)
        for _ in range(min(len(flipped), rng.randrange(1, 10))):
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        return bytes(flipped)
    return b""


def body(rng, tree):
    """The bytes of a damaged payload."""
    if rng.random() < 0.9:
        tree = damage_value(rng, tree)
    data = encode(rng, tree)
    return damage_bytes(rng, data) if rng.random() < 0.15 else data
