"""Names as the code has them: topics, services and actions of praxis_ros, read from its source."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Of the standard, and so in no list of ours.
STANDARD = {"clock"}


def plain(name):
    """Without its leading slash: all our names but transforms and diagnostics are relative."""
    return name.lstrip("/")


def topics():
    """Topic names and the message type of each, as `package/msg/Name`."""
    source = (ROOT / "crates/praxis_ros/src/topics.rs").read_text()
    entries = re.findall(r'^\s+[A-Z_]+: (\w+)::msg::(\w+) = "([^"]+)"', source, re.MULTILINE)
    found = {plain(name): f"{package}/msg/{kind}" for package, kind, name in entries}
    if len(found) < 20:
        raise AssertionError(f"only {len(found)} topics were found in topics.rs: its form has changed")
    return found


def services():
    """Names of services and actions."""
    source = (ROOT / "crates/praxis_ros/src/topics.rs").read_text()
    found = set(re.findall(r'pub const [A-Z_]+: &str =\s+"([^"]+)";', source))
    if len(found) < 10:
        raise AssertionError(f"only {len(found)} services were found in topics.rs: its form has changed")
    return found
