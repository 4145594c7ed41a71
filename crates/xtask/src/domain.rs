use std::fs;

use anyhow::{Context, Result};

use crate::places;

/// Domains that stay clear of 0, where people work by hand, and of ports that Linux hands out.
const FIRST: u32 = 20;
const COUNT: u32 = 80;

/// A domain for one run of ours; `nonce` tells runs of one process apart.
pub fn private(nonce: u32) -> u8 {
    let mixed = std::process::id().wrapping_mul(2_654_435_761).rotate_left(11).wrapping_add(nonce);
    (FIRST + mixed % COUNT) as u8
}

/// Remembers the domain of the running demo, for `exec`.
pub fn announce(domain: u8) -> Result<()> {
    let folder = places::demos();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::write(folder.join("domain"), format!("{domain} {}", std::process::id()))?;
    Ok(())
}

/// The domain of a demo that still runs.
pub fn of_running_demo() -> Option<u8> {
    let text = fs::read_to_string(places::demos().join("domain")).ok()?;
    let (domain, pid) = text.trim().split_once(' ')?;
    let runs = std::path::Path::new("/proc").join(pid).is_dir();
    runs.then(|| domain.parse().ok()).flatten()
}
