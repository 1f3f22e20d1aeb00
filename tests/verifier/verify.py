#!/usr/bin/env python3
"""Checks a register's log against a signed checkpoint, with nothing but Python's standard library.

Written from docs/log.md alone; it shares nothing with the program that wrote the log.

    verify.py --vkey KEY --checkpoint FILE --export FILE [--old-checkpoint FILE]

Exit code 0: the log is what was signed. 1: it is not, and the reasons are named. 2: wrong usage.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import sys

SHOWN = 20  # faults that are named; the rest are counted
KINDS = "read write grant disclosure erasure login config document denial export case job confirmation".split()
LEAF = re.compile(
    r'\{"c":"([A-Za-z0-9+/]{43}=)","k":"([a-z]+)","seq":(0|[1-9][0-9]*),'
    r'"t":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)","v":1\}'
)


class Fault(Exception):
    """What is wrong, in a sentence."""


# --- Ed25519 signatures: RFC 8032 section 5.1 -------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # a square root of -1


def add(a, b):
    """The sum of two points in extended coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z."""
    A = (a[1] - a[0]) * (b[1] - b[0]) % P
    B = (a[1] + a[0]) * (b[1] + b[0]) % P
    C = 2 * a[3] * b[3] * D % P
    E = 2 * a[2] * b[2] % P
    e, f, g, h = B - A, E - C, E + C, B + A
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, point):
    result = (0, 1, 1, 0)
    while n:
        if n & 1:
            result = add(result, point)
        point = add(point, point)
        n >>= 1
    return result


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_of(data):
    """The point of 32 bytes, or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
ZERO = (0, 1, 1, 0)


def signature_holds(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    A, R = point_of(key), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if A is None or R is None or s >= L or same(times(8, A), ZERO):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return same(times(s, BASE), add(R, times(k, A)))


# --- Keys and checkpoints: docs/log.md, "Checkpoints" ----------------------------------------------------------


def unbase64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Fault(f"{what} is not Base64") from None
    if base64.b64encode(data).decode() != text:
        raise Fault(f"{what} is not the one Base64 spelling of its bytes")
    return data


def read_vkey(text):
    """name+keyid+key -> (name, key id, public key)"""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise Fault("the verifier key is not name+keyid+key")
    name, shown, key = parts[0], parts[1], unbase64(parts[2], "the verifier key")
    if len(key) != 33 or key[0] != 1:
        raise Fault("the verifier key is not an Ed25519 key")
    key_id = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if key_id.hex() != shown:
        raise Fault("the verifier key's id is not that of its key")
    return name, key_id, key[1:]


def read_checkpoint(path, vkey, what):
    """A signed note -> (size, root)"""
    with open(path, "rb") as file:
        note = file.read().decode()
    name, key_id, key = vkey
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise Fault(f"the {what} is not a signed note")
    text += "\n"
    signed = False
    for line in lines[:-1].split("\n"):
        match = re.fullmatch(r"— ([^ +]+) ([A-Za-z0-9+/=]+)", line)
        if not match:
            raise Fault(f"the {what} has a malformed signature line")
        signature = unbase64(match[2], "a signature")
        if match[1] == name and signature[:4] == key_id:
            if not signature_holds(key, text.encode(), signature[4:]):
                raise Fault(f"the signature of the {what} is not valid")
            signed = True
    if not signed:
        raise Fault(f"the {what} is not signed by this key")
    parts = text.split("\n")
    if len(parts) != 4 or parts[3] or not re.fullmatch("0|[1-9][0-9]*", parts[1]):
        raise Fault(f"the {what} is not three lines: origin, size, root")
    if parts[0] != name:
        raise Fault(f"the {what} is of another log than its key")
    root = unbase64(parts[2], "the root")
    if len(root) != 32:
        raise Fault("the root is not 32 bytes long")
    return int(parts[1]), root


# --- The tree: docs/log.md, "The tree" --------------------------------------------------------------------------


class Tree:
    """Remembers the roots of the perfect subtrees so far, the largest first."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def append(self, leaf_hash):
        index, self.size = self.size, self.size + 1
        while index & 1:
            leaf_hash = hashlib.sha256(b"\1" + self.peaks.pop() + leaf_hash).digest()
            index >>= 1
        self.peaks.append(leaf_hash)

    def root(self):
        if not self.peaks:
            return hashlib.sha256().digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = hashlib.sha256(b"\1" + peak + root).digest()
        return root


# --- Events: docs/log.md, "The event" ---------------------------------------------------------------------------


def canonical(value):
    """RFC 8785, for values without fractions."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**53):
        raise Fault("holds a number that no event may hold")
    return json.dumps(value, ensure_ascii=False)


def no_twins(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def check_line(text, seq, seen):
    """A line of the export -> (leaf hash, whether its event could be opened)"""
    line = json.loads(text, object_pairs_hook=no_twins)
    if not isinstance(line, dict) or set(line) != {"seq", "leaf", "salt", "event"}:
        raise Fault("is not an object with seq, leaf, salt and event")
    if line["seq"] != seq or isinstance(line["seq"], bool):
        raise Fault(f"has the number {line['seq']}")
    leaf = line["leaf"]
    match = LEAF.fullmatch(leaf) if isinstance(leaf, str) else None
    if not match or match[2] not in KINDS or int(match[3]) != seq:
        raise Fault("has a leaf that is none of this place")
    leaf_hash = hashlib.sha256(b"\0" + leaf.encode()).digest()
    salt, event = line["salt"], line["event"]
    if salt is None and event is None:
        return leaf_hash, False
    if not isinstance(salt, str) or not isinstance(event, dict):
        raise Fault("has only one of salt and event")
    salt = unbase64(salt, "the salt")
    commitment = hmac.new(salt, canonical(event).encode(), hashlib.sha256).digest()
    if len(salt) != 32 or commitment != unbase64(match[1], "the commitment"):
        raise Fault("does not open its commitment")
    if event.get("kind") != match[2] or event.get("recorded_at") != match[4]:
        raise Fault("has an event of another kind or time than its leaf")
    if not event.get("id") or event["id"] in seen["ids"]:
        raise Fault("has no event id, or one that was there before")
    seen["ids"].add(event["id"])
    seen["registers"].add(event.get("register"))
    if len(seen["registers"]) > 1:
        raise Fault("has an event of another register")
    return leaf_hash, True


def main():
    parser = argparse.ArgumentParser(description="Checks a register's log against a signed checkpoint.")
    parser.add_argument("--vkey", required=True, help="the verifier key, name+keyid+key")
    parser.add_argument("--checkpoint", required=True, help="the signed checkpoint")
    parser.add_argument("--export", required=True, help="the log, from entry 0, as NDJSON")
    parser.add_argument("--old-checkpoint", help="one that you have kept, of which the log must be a continuation")
    options = parser.parse_args()

    faults = []
    try:
        vkey = read_vkey(options.vkey)
        size, root = read_checkpoint(options.checkpoint, vkey, "checkpoint")
        old = None
        if options.old_checkpoint:
            old = read_checkpoint(options.old_checkpoint, vkey, "old checkpoint")
            if old[0] > size:
                raise Fault(f"the old checkpoint has {old[0]} entries, the new one only {size}: entries were removed")
    except (Fault, UnicodeDecodeError) as fault:
        print(f"NOT VERIFIED: {fault}.")
        return 1

    tree, old_root, opened, beyond = Tree(), None, 0, 0
    seen = {"ids": set(), "registers": set()}
    with open(options.export, encoding="utf-8", newline="\n") as export:
        try:
            for seq, text in enumerate(export):
                if old and seq == old[0]:
                    old_root = tree.root()
                if seq >= size:
                    beyond += 1
                    continue
                try:
                    leaf_hash, is_open = check_line(text, seq, seen)
                except (Fault, ValueError) as fault:
                    faults.append(f"line {seq + 1} {fault}")
                    leaf_hash, is_open = bytes(32), False
                tree.append(leaf_hash)
                opened += is_open
        except UnicodeDecodeError:
            faults.append("the export is not UTF-8")
    if tree.size < size:
        faults.append(f"the checkpoint has {size} entries, the export only {tree.size}")
    elif tree.root() != root:
        faults.append("the entries have another root than the checkpoint: they are not what was signed")
    if old:
        if old[0] == tree.size:
            old_root = tree.root()
        if old_root != old[1]:
            faults.append(f"the first {old[0]} entries are not those of the old checkpoint: history was rewritten")

    if faults:
        for fault in faults[:SHOWN]:
            print(f"- {fault}")
        if len(faults) > SHOWN:
            print(f"- and {len(faults) - SHOWN} more")
        print(f"NOT VERIFIED: {len(faults)} faults in the log of {vkey[0]}.")
        return 1
    text = f"VERIFIED: the log of {vkey[0]} has {size} entries, {opened} opened and {size - opened} erased, and is what was signed"
    if old:
        text += f"; its first {old[0]} entries are those of the old checkpoint"
    if beyond:
        text += f"; {beyond} later lines are not covered by the checkpoint"
    print(text + ".")
    return 0


if __name__ == "__main__":
    sys.exit(main())
