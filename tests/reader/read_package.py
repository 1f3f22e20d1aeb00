#!/usr/bin/env python3
"""Reads a package back and checks it, with nothing but Python's standard library.

Written from docs/archive.md and docs/log.md alone; it shares nothing with the program that wrote the package.

    read_package.py PACKAGE [--expected FOLDER] [--vkey KEY]

PACKAGE   the bag: a folder, or the .tar of it
FOLDER    holds <type>.ndjson: a line for each record that must be in the package, and no others, in any order
KEY       the register's verifier key, from the controller by a way that you trust; without it the key inside the
          package is taken, which only shows that the package agrees with itself

Exit code 0: everything is as it was written. 1: it is not, and the first fault is named. 2: wrong usage.
"""

import argparse
import base64
import csv
import hashlib
import hmac
import json
import os
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "verifier"))
import verify  # the log's verifier: keys, signatures, the form of a leaf

XLINK = "{http://www.w3.org/1999/xlink}href"
DATA = "representations/rep1/data"


class Fault(Exception):
    """What is wrong, in a sentence."""


def require(holds, what):
    if not holds:
        raise Fault(what)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def lines(path):
    """The JSON values of an NDJSON file. Only a line feed ends a line."""
    with open(path, "r", encoding="utf-8", newline="\n") as file:
        for n, line in enumerate(file, 1):
            require(line.endswith("\n"), f"{path}: line {n} is cut off")
            yield json.loads(line)


def compact(value):
    """JSON as the register stores and commits to it: no white space, members in their order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# --- The bag: RFC 8493 ------------------------------------------------------------------------------------------


def manifest(bag, name):
    found = {}
    with open(os.path.join(bag, name), encoding="utf-8", newline="\n") as file:
        for line in file:
            digest, path = line.rstrip("\n").split("  ", 1)
            path = path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
            require(path not in found, f"{name} names {path} twice")
            require(not path.startswith("/") and ".." not in path.split("/"), f"{name} leads out of the package")
            found[path] = digest
    return found


def read_bag(bag):
    with open(os.path.join(bag, "bagit.txt"), "rb") as file:
        require(file.read() == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "not a bag of BagIt 1.0")
    tags, payload = manifest(bag, "tagmanifest-sha256.txt"), manifest(bag, "manifest-sha256.txt")
    for path, digest in {**tags, **payload}.items():
        where = os.path.join(bag, path)
        require(os.path.isfile(where), f"{path} is missing")
        require(sha256(where) == digest, f"{path} was altered")
    there = {
        os.path.relpath(os.path.join(folder, name), bag).replace(os.sep, "/")
        for folder, _, names in os.walk(bag)
        for name in names
    }
    extra = there - set(payload) - set(tags) - {"tagmanifest-sha256.txt"}
    require(not extra, f"in no manifest: {sorted(extra)[:3]}")
    size = sum(os.path.getsize(os.path.join(bag, path)) for path in payload)
    with open(os.path.join(bag, "bag-info.txt"), encoding="utf-8") as file:
        require(f"Payload-Oxum: {size}.{len(payload)}\n" in file, "Payload-Oxum is not that of the payload")
    return payload


# --- The SIP: E-ARK CSIP 2.1.0 ----------------------------------------------------------------------------------


def read_mets(sip, payload, prefix):
    """Every file is named by one of both METS, with its size and digest."""
    named = {}
    for mets, base in (("METS.xml", ""), ("representations/rep1/METS.xml", "representations/rep1/")):
        for element in ElementTree.parse(os.path.join(sip, mets)).iter():
            if element.tag.endswith("}file"):
                named[base + element[0].get(XLINK)] = element
            elif element.tag.endswith("}mdRef"):
                named[base + element.get(XLINK)] = element
    for path, digest in payload.items():
        below = path.removeprefix(prefix)
        if below == "METS.xml":
            continue
        require(below in named, f"METS does not name {below}")
        require(named[below].get("CHECKSUM") == digest, f"METS gives another digest for {below}")
        require(named[below].get("SIZE") == str(os.path.getsize(os.path.join(sip, below))), f"METS: size of {below}")


# --- The log: docs/log.md ----------------------------------------------------------------------------------------


def root_of(leaf, place, size, path):
    """The root to which an inclusion path leads (RFC 9162 section 2.1.3.2)."""
    require(place < size, f"event {place} is not covered by the checkpoint")
    f, s, r = place, size - 1, hashlib.sha256(b"\0" + leaf.encode()).digest()
    for step in path:
        p = bytes.fromhex(step)
        require(s > 0 and len(p) == 32, f"event {place}: the path is too long")
        if f % 2 or f == s:
            r = hashlib.sha256(b"\1" + p + r).digest()
            while f % 2 == 0 and f > 0:
                f, s = f >> 1, s >> 1
        else:
            r = hashlib.sha256(b"\1" + r + p).digest()
        f, s = f >> 1, s >> 1
    require(s == 0, f"event {place}: the path is too short")
    return r


def read_proofs(data, vkey):
    """The events of the log by place, each proved; the checkpoint's size."""
    log = os.path.join(data, "log")
    with open(os.path.join(log, "vkey.txt"), encoding="utf-8") as file:
        inside = file.read()
    key = verify.read_vkey(vkey or inside)
    size, root = verify.read_checkpoint(os.path.join(log, "checkpoint.txt"), key, "checkpoint")
    proved = {}
    for proof in lines(os.path.join(log, "proofs.ndjson")):
        seq, leaf = proof["seq"], proof["leaf"]
        match = verify.LEAF.fullmatch(leaf)
        require(match and int(match[3]) == seq, f"event {seq}: no leaf of this place")
        require(root_of(leaf, seq, size, proof["path"]) == root, f"event {seq} is not in the log")
        if proof["event"] is not None:
            text = json.dumps(proof["event"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            opened = hmac.new(base64.b64decode(proof["salt"]), text.encode(), hashlib.sha256).digest()
            require(base64.b64encode(opened).decode() == match[1], f"event {seq} is not what the log committed to")
            require(proof["event"]["recorded_at"] == match[4], f"event {seq} has another time than its leaf")
        proved.setdefault((proof["record_id"], seq), proof["event"])
    return proved, size


# --- The records ------------------------------------------------------------------------------------------------


def cell(value):
    if value is None:
        return ""
    return value if isinstance(value, str) else compact(value)


def read_table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_record(record, rows, entry_rows, proved, data):
    """One record in full, beside its rows in both tables and what the log says of it."""
    id = record["record_id"]
    row = rows.pop(id, None)
    require(row is not None, f"record {id} is not in the table")
    require(row["_institution_id"] == cell(record["institution_id"]), f"record {id}: institution")
    other = json.loads(row["_other"] or "{}")
    for name, value in record["state"].items():
        told = cell(other.get(name)) if name in other else row.get(name)
        require(told == cell(value), f"record {id}: {name} differs between the table and the full form")
    for entry in record["entries"]:
        row = entry_rows.pop(entry["id"], None)
        require(row is not None, f"entry {entry['id']} is not in the table")
        require(row["data"] == compact(entry["data"]), f"entry {entry['id']}: data differ")
        for name in ("effective_on", "recorded_at", "kind", "actor", "definition_digest"):
            require(row[name] == entry[name], f"entry {entry['id']}: {name} differs")
    entries = {entry["id"]: entry for entry in record["entries"]}
    confirmed = 0
    for seq in record["proofs"]:
        require((id, seq) in proved, f"record {id}: no proof of event {seq}")
        event = proved[(id, seq)] or {}
        entry, digest = entries.get(event.get("entry_id")), event.get("detail", {}).get("content_sha256")
        if entry and digest:
            text = compact(entry["data"]) + "\n" + (entry["reason"] or "")
            require(hashlib.sha256(text.encode()).hexdigest() == digest, f"entry {entry['id']} is not what was logged")
            confirmed += 1
    files = record["files"] + [d["file"] for d in record["documents"] if d["file"]]
    for file in files:
        require(sha256(os.path.join(data, file["path"])) == file["sha256"], f"file {file['sha256']} was altered")
    return confirmed


def read(bag, expected, vkey):
    payload = read_bag(bag)
    sips = {path.split("/")[1] for path in payload}
    require(len(sips) == 1, "the payload is not one folder")
    name = sips.pop()
    sip = os.path.join(bag, "data", name)
    data = os.path.join(sip, DATA)
    read_mets(sip, payload, f"data/{name}/")
    with open(os.path.join(sip, "documentation", "datapackage.json"), encoding="utf-8") as file:
        told = json.load(file)["x-counts"]
    proved, size = read_proofs(data, vkey)
    records = entries = confirmed = proofs = 0
    for kind, counts in told["types"].items():
        rows = {row["_record_id"]: row for row in read_table(os.path.join(data, f"{kind}.csv"))}
        entry_rows = {row["entry_id"]: row for row in read_table(os.path.join(data, f"{kind}.entries.csv"))}
        want = None
        if expected:
            want = {record["record_id"]: record for record in lines(os.path.join(expected, f"{kind}.ndjson"))}
        here = 0
        for record in lines(os.path.join(data, f"{kind}.ndjson")):
            confirmed += read_record(record, rows, entry_rows, proved, data)
            if want is not None:
                compare(want.pop(record["record_id"], None), record)
            here, entries, proofs = here + 1, entries + len(record["entries"]), proofs + len(record["proofs"])
        require(here == counts["records"], f"{kind}: {here} records, said to be {counts['records']}")
        require(not rows and not entry_rows, f"{kind}: the tables hold more than the full form")
        require(not want, f"{kind}: records that are expected are missing: {len(want or {})}")
        records += here
    require(proofs == told["proofs"], "the proofs are not as many as the description says")
    print(f"{name}: {len(payload)} files, {records} records, {entries} entries")
    print(f"{proofs} proofs lead to the checkpoint of {size} events; {confirmed} entries are what was logged")


def compare(wanted, found):
    """What is expected of a record must be there, word for word; the package may add to it (paths, proofs)."""
    id = found["record_id"]
    require(wanted is not None, f"record {id} was not expected")
    for name, value in wanted.items():
        require(name in found and found[name] == value, f"record {id}: {name} is not what was expected")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package")
    parser.add_argument("--expected")
    parser.add_argument("--vkey")
    told = parser.parse_args()
    try:
        if os.path.isdir(told.package):
            read(told.package, told.expected, told.vkey)
        else:
            with tempfile.TemporaryDirectory() as folder:
                with tarfile.open(told.package) as tar:
                    tar.extractall(folder, filter="data")
                (name,) = os.listdir(folder)
                read(os.path.join(folder, name), told.expected, told.vkey)
    except (Fault, verify.Fault) as fault:
        sys.exit(f"NOT WHOLE: {fault}")
    except (OSError, ValueError, KeyError, tarfile.TarError, ElementTree.ParseError) as fault:
        sys.exit(f"NOT WHOLE: {type(fault).__name__}: {fault}")


if __name__ == "__main__":
    main()
