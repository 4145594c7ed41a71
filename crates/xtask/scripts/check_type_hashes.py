#!/usr/bin/env python3
"""Compares the type hash of every generated interface with the original's (RIHS01).

check_type_hashes.py INTERFACES_JSON PREFIX[:PREFIX...] PACKAGE...      last line: N passed, N failed
"""

import json
import pathlib
import sys


def main():
    table, prefixes, packages = sys.argv[1], sys.argv[2].split(":"), sys.argv[3:]
    known = json.loads(pathlib.Path(table).read_text())["packages"]
    passed = failed = 0
    for package in packages:
        found = {}
        for file in (file for prefix in prefixes for file in pathlib.Path(prefix, "share", package).glob("*/*.json")):
            for entry in json.loads(file.read_text()).get("type_hashes", []):
                found[entry["type_name"]] = entry["hash_string"]
        for name, expected in known[package]["type_hashes"].items():
            if found.get(name) == expected:
                passed += 1
            else:
                failed += 1
                print(f"FAILED  {name}: expected {expected}, found {found.get(name)}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
