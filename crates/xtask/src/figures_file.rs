use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// Writes what was measured as one JSON object, where `--json` asks for it.
pub fn write_json(path: Option<&Path>, figures: &impl Serialize) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, serde_json::to_string_pretty(figures)? + "\n")
        .with_context(|| format!("cannot write {}", path.display()))
}
