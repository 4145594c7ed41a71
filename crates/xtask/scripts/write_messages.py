#!/usr/bin/env python3
"""Writes .msg, .srv and .action files from the field tables of interfaces.json.

write_messages.py INTERFACES_JSON OUT_FOLDER PACKAGE...
"""

import json
import pathlib
import sys

PARTS = {"msg": None, "srv": ("request", "response"), "action": ("goal", "result", "feedback")}


def text_of(part):
    """Constants first, then fields, in the order of the table."""
    lines = [f"{kind} {name}={value}" for kind, name, value in part.get("constants", [])]
    lines += [" ".join(str(word) for word in field) for field in part.get("fields", [])]
    return "\n".join(lines) + "\n"


def main():
    table, out, packages = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    known = json.loads(pathlib.Path(table).read_text())["packages"]
    for package in packages:
        for kind, parts in PARTS.items():
            for name, definition in known[package].get(kind, {}).items():
                text = text_of(definition) if parts is None else "---\n".join(text_of(definition[p]) for p in parts)
                file = out / package / kind / f"{name}.{kind}"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)


if __name__ == "__main__":
    main()
