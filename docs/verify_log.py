#!/usr/bin/env python3
"""Checks an exported Twokey audit log, with nothing but Python's standard library. Carry it away and read it.

    python3 -I verify_log.py [LOG.jsonl] [--checkpoint FILE]... [--key VERIFIER-KEY] [--proof FILE]...

LOG.jsonl is what `twokey audit export` wrote. A --checkpoint file holds one or more checkpoints that were kept where
Twokey cannot change them. --key is what `twokey audit key` printed when the log was set up: signatures are checked
only with it. A --proof is what `twokey audit prove` printed. Exit code 1 names the first bad entry.
Checked are: the hash chain, the Merkle tree (RFC 6962, 2.1) and its proofs (RFC 9162, 2.1), signed notes and
checkpoints (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), and Ed25519 (RFC 8032, 5.1).
"""

import argparse
import base64
import hashlib
import json
import pathlib
import sys

FIELDS = ["actor", "at", "data", "hash", "kind", "prev", "request", "seq"]
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)


class Bad(Exception):
    """Something is not as it was written."""


def add(a, b):
    """The sum of two points of the curve in extended coordinates."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    return (n - m) * (d - c) % P, (d + c) * (n + m) % P, (d - c) * (d + c) % P, (n - m) * (n + m) % P


def times(k, point):
    found = (0, 1, 1, 0)
    while k:
        found, point, k = add(found, point) if k & 1 else found, add(point, point), k >> 1
    return found


def decoded(raw):
    """The point that 32 bytes stand for, or None."""
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


def ed25519(public, text, signature):
    """Whether it is this key's signature over these bytes."""
    a, r, s = decoded(public), decoded(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L
    one, other = times(s, decoded((4 * pow(5, -1, P) % P).to_bytes(32, "little"))), add(r, times(k, a))
    return all((one[i] * other[2] - other[i] * one[2]) % P == 0 for i in (0, 1))


def read_key(text):
    """A verifier key: its name, its id and 32 bytes."""
    name, digits, raw = text.strip().split("+", 2)
    kind = base64.b64decode(raw, validate=True)
    made = hashlib.sha256(name.encode() + b"\n" + kind).digest()[:4]
    if kind[:1] != b"\x01" or len(kind) != 33 or made.hex() != digits:
        raise ValueError("this is no verifier key")
    return name, made, kind[1:]


def read_note(note, keys):
    """The text of a note, and the one of the keys that signed it; no signature is checked where there are no keys."""
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.startswith("— "):
        raise Bad("this is no signed note")
    for line in lines.splitlines() if keys else ():
        name, raw = line.removeprefix("— ").split(" ")
        found = base64.b64decode(raw, validate=True)
        for key in (each for each in keys if each[:2] == (name, found[:4])):
            if not ed25519(key[2], f"{text}\n".encode(), found[4:]):
                raise Bad(f"the signature of {name} is wrong: the checkpoint was changed")
            return f"{text}\n", key
    if keys:
        raise Bad("no key that is trusted here signed this checkpoint")
    return f"{text}\n", None


def read_checkpoint(note, keys):
    """The size and the root that a checkpoint names; a key signs the log of its own name alone."""
    text, key = read_note(note, keys)
    origin, size, top = text.split("\n")[:3]
    if key and key[0] != origin:
        raise Bad(f"this is a checkpoint of {origin}, and the key is that of {key[0]}")
    return int(size), base64.b64decode(top, validate=True)


def split_notes(text):
    """The notes of a file to which they were added one after the other."""
    notes, signed = [""], False
    for line in text.splitlines():
        if signed and not line.startswith("— "):
            notes.append("")
        signed = line.startswith("— ")
        notes[-1] += f"{line}\n" if line or notes[-1] else ""
    return [note for note in notes if note]


def heir(entry, keys):
    """The key to which a trusted key hands on in this entry, or None."""
    if entry["kind"] != "audit.key.rotated":
        return None
    try:
        text, old = read_note((data := entry["data"])["note"], keys)
        said = f"twokey audit key rotation v1\n{data['before']}\n{data['after']}\n"
        return read_key(data["after"]) if text == said and old == read_key(data["before"]) else None
    except (Bad, ValueError, KeyError, TypeError, AttributeError):
        return None


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(peaks):
    """Of the tree whose perfect subtrees have these roots, the largest first."""
    found = peaks[-1] if peaks else hashlib.sha256(b"").digest()
    for peak in peaks[-2::-1]:
        found = node(peak, found)
    return found


def climb(index, last, path, first):
    """From a leaf or subtree up to the roots of an older and a newer tree (RFC 9162, 2.1.3.2 and 2.1.4.2)."""
    old = new = first
    for step in path:
        if not last:
            raise Bad("the proof is too long")
        if index & 1 or index == last:
            old, new = node(step, old), node(step, new)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            new = node(new, step)
        index, last = index >> 1, last >> 1
    if last:
        raise Bad("the proof is too short")
    return old, new


def check_proof(proof, keys, older):
    """What a proof shows, in words. `older` are the sizes and roots of older checkpoints."""
    size, top = read_checkpoint(proof["checkpoint"], keys)
    path = [bytes.fromhex(step) for step in proof["path"]]
    if proof["proof"] == "inclusion":
        entry, body = read_entry(proof["entry"])
        seq, found = entry["seq"], hashlib.sha256(b"\x00" + body).digest()
        if not 0 < seq <= size or climb(seq - 1, size - 1, path, found)[1] != top:
            raise Bad(f"entry {seq} is not in the log of the checkpoint over {size} entries")
        return f"entry {seq} is in the log of {size} entries"
    since = proof["since"]
    if since not in older or not 0 < since <= size:
        raise Bad(f"the checkpoint over {since} entries is needed, by --checkpoint")
    index, last = (since - 1, size - 1) if since < size else (0, 0)
    while index & 1:
        index, last = index >> 1, last >> 1
    steps = path if since & (since - 1) and since < size else [older[since], *path]
    if not steps or climb(index, last, steps[1:], steps[0]) != (older[since], top):
        raise Bad(f"the log of {size} entries does not begin with that of {since}")
    return f"the log of {size} entries begins with that of {since}"


def read_entry(line):
    """An entry and its canonical body. Any other spelling of the same JSON is refused, so that every byte counts."""
    entry = json.loads(line)
    if sorted(entry) != FIELDS or json.dumps(entry, sort_keys=True, separators=(",", ":")) != line:
        raise ValueError("this is no entry")
    body = {name: value for name, value in entry.items() if name not in ("prev", "hash")}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return entry, text.encode("utf-8", "surrogatepass")


def check_entry(line, number, head):
    try:
        entry, body = read_entry(line)
        made = hashlib.sha256(bytes.fromhex(entry["prev"]) + body).hexdigest()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Bad(f"entry {number}: this line is no entry as Twokey writes one") from None
    if entry["seq"] != number or entry["prev"] != head:
        raise Bad(f"entry {number}: it does not follow the entry before it")
    if entry["hash"] != made:
        raise Bad(f"entry {number}: its content does not fit its hash")
    return entry, body


def check_log(log, notes, keys):
    """How many entries these lines hold, each as it was written. Raises Bad that names the first that is not."""
    begin, size, head, peaks, wanted = 0, 0, "0" * 64, [], {read_checkpoint(note, [])[0] for note in notes}
    roots = {0: root(peaks)}
    for place, line in enumerate(part.removesuffix("\n") for part in log):
        if place == 0 and line.startswith('{"after":'):  # the beginning was archived
            after = json.loads(line)["after"]
            begin, head, peaks = after["size"], after["head"], [bytes.fromhex(peak) for peak in after["peaks"]]
            size, roots = begin, {begin: root(peaks)}
            continue
        entry, body = check_entry(line, size + 1, head)
        found, width = hashlib.sha256(b"\x00" + body).digest(), size
        while width & 1:
            found, width = node(peaks.pop(), found), width >> 1
        peaks, size, head = [*peaks, found], size + 1, entry["hash"]
        roots |= {size: root(peaks)} if size in wanted else {}
        keys += [key for key in [heir(entry, keys)] if keys and key]
    for named, top in sorted(read_checkpoint(note, keys) for note in notes):
        if named > size:
            raise Bad(f"entry {size + 1}: the log ends here, and a checkpoint names {named} entries")
        if roots.get(named) != top:
            raise Bad(f"entry {named}: after entry {begin} and up to here, one is not as the checkpoint has it")
        begin = named
    return size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", nargs="?", type=pathlib.Path)
    parser.add_argument("--key", type=read_key)
    parser.add_argument("--checkpoint", action="append", default=[], type=pathlib.Path)
    parser.add_argument("--proof", action="append", default=[], type=pathlib.Path)
    given = parser.parse_args()
    given.log or given.proof or parser.error("name the LOG.jsonl or a --proof that is to be checked")
    try:
        keys = [given.key] if given.key else []
        notes = [note for file in given.checkpoint for note in split_notes(file.read_text("utf-8"))]
        if given.log:
            with given.log.open(encoding="utf-8", newline="\n") as log:
                count = check_log(log, notes, keys)
            print(f"{count} entries, each as it was written; held against {len(notes)} checkpoints")
        for file in given.proof:
            print(check_proof(json.loads(file.read_text("utf-8")), keys, dict(read_checkpoint(n, keys) for n in notes)))
        print("signatures are good" if keys and (notes or given.proof) else "no signature was checked (see --help)")
    except (Bad, OSError, ValueError, KeyError, TypeError, IndexError) as error:
        sys.exit(f"BAD: {error}" if isinstance(error, Bad) else f"BAD: this cannot be read: {error!r}")


if __name__ == "__main__":
    main()
