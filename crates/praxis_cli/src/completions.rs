use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Cli;

/// Options of `completions`.
#[derive(Args)]
#[command(after_help = "\
bash:
  mkdir -p ~/.local/share/bash-completion/completions
  praxis completions bash > ~/.local/share/bash-completion/completions/praxis
zsh (a folder of $fpath):
  praxis completions zsh > ~/.zfunc/_praxis
fish:
  praxis completions fish > ~/.config/fish/completions/praxis.fish")]
pub struct Options {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
pub fn run(options: &Options) {
    clap_complete::generate(options.shell, &mut Cli::command(), "praxis", &mut std::io::stdout());
}
