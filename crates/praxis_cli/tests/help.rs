//! What the command says about itself.

use std::process::{Command, Output};

const VERBS: [&str; 7] = ["new-robot", "view", "doctor", "urdf", "sdf", "completions", "man"];

fn praxis(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_praxis")).args(words).output().unwrap()
}

#[test]
fn every_verb_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    assert!(praxis(&["man", &folder.path().display().to_string()]).status.success());
    for name in
        VERBS.map(|verb| format!("praxis-{verb}.1")).iter().chain(["praxis.1".to_owned()].iter())
    {
        let page = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(page.contains(".TH"), "{name}");
    }
}

#[test]
fn every_shell_is_told_every_verb() {
    for shell in ["bash", "zsh", "fish"] {
        let script = praxis(&["completions", shell]);
        let text = String::from_utf8_lossy(&script.stdout).into_owned();
        assert!(script.status.success());
        assert!(VERBS.iter().all(|verb| text.contains(verb)), "{shell}");
    }
}

#[test]
fn every_verb_tells_how_it_is_used() {
    for verb in VERBS {
        let help = praxis(&["help", verb]);
        let text = String::from_utf8_lossy(&help.stdout).into_owned();
        assert!(help.status.success() && text.contains("praxis "), "{verb}: {text}");
    }
}
