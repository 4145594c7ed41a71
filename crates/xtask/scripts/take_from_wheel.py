#!/usr/bin/env python3
"""Fetches one pinned wheel, checks its hash and takes some of its files.

take_from_wheel.py NAME==VERSION SHA256[,SHA256...] SOURCE_PREFIX=TARGET...
Each target is a file, or a folder (ending in /) that receives everything below the prefix.
"""

import hashlib
import pathlib
import subprocess
import sys
import tempfile
import zipfile


def main():
    wheel, allowed, takes = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "-d", folder, wheel]
        subprocess.run(command, check=True)
        (file,) = pathlib.Path(folder).glob("*.whl")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        if digest not in allowed:
            sys.exit(f"{file.name} has the hash {digest}, expected one of {allowed}: the download is not what was tested")
        with zipfile.ZipFile(file) as archive:
            for take in takes:
                source, target = take.split("=")
                members = [m for m in archive.namelist() if m.startswith(source) and not m.endswith("/")]
                if not members:
                    sys.exit(f"{file.name} holds nothing under {source}")
                for member in members:
                    path = pathlib.Path(target) / member[len(source):].lstrip("/") if target.endswith("/") else pathlib.Path(target)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(archive.read(member))


if __name__ == "__main__":
    main()
