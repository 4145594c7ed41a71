use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};

use crate::Cli;

/// Options of `man`.
#[derive(Args)]
#[command(after_help = "Example:\n  praxis man ~/.local/share/man/man1 && man praxis-new-robot")]
pub struct Options {
    /// Folder to write into: praxis.1, and a page for each verb.
    folder: PathBuf,
}

/// Writes them.
pub fn run(options: &Options) -> Result<()> {
    let folder = &options.folder;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
        .with_context(|| format!("cannot write manual pages into {}", folder.display()))
}
