//! Scripts that run beside a demo of their own domain.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context, Result};

use crate::{domain, environment, places, processes};

/// The demo in a process of its own, without windows.
pub fn demo() -> Result<Command> {
    let mut demo = Command::new(std::env::current_exe()?);
    demo.args(["demo", "--headless"]).current_dir(places::root());
    Ok(demo)
}

/// A demo that sorts a table while a script runs in its domain.
pub struct SortingBeside {
    run: EndsWithUs,
    figures: Figures,
    domain: u8,
}

/// How such a demo has ended.
pub struct Ended {
    /// As the demo judges it.
    pub succeeded: bool,
    /// Every object is in its bin.
    pub is_sorted: bool,
    /// What the demo told of itself.
    pub figures: Figures,
}

impl SortingBeside {
    /// Starts the demo for a part of that name.
    pub fn start(part: &str, seed: u32) -> Result<Self> {
        let domain = domain::private(60 + seed);
        let figures = Figures::fresh(part)?;
        let mut demo = demo()?;
        demo.args(["--seed", &seed.to_string(), "--domain", &domain.to_string()]);
        demo.arg("--json").arg(figures.path());
        let run = EndsWithUs(demo.spawn().with_context(|| format!("cannot run {demo:?}"))?);
        Ok(Self { run, figures, domain })
    }

    /// A script of `tests/ros` in the demo's domain.
    pub fn script(&self, name: &str) -> Result<Command> {
        let mut command = environment::command(environment::python(), self.domain)?;
        command.arg("-u").arg(places::root().join("tests/ros").join(format!("{name}.py")));
        Ok(command)
    }

    /// Waits for the end of the demo.
    pub fn end(mut self) -> Result<Ended> {
        let succeeded = self.run.0.wait()?.success();
        let figures = self.figures;
        let total = figures.count("total")?;
        let is_sorted = total > 0 && figures.count("placed")? == total;
        Ok(Ended { succeeded, is_sorted, figures })
    }
}

/// A child that is asked to end when this goes out of scope.
struct EndsWithUs(Child);

impl Drop for EndsWithUs {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            processes::signal(&self.0, "-INT");
            // Whether it ended well is nobody's question any more.
            let _ = self.0.wait();
        }
    }
}

/// The file of figures that a demo leaves behind.
pub struct Figures(PathBuf);

impl Figures {
    /// Where the demo of that part writes its figures; those of a run before must not speak for it.
    pub fn fresh(part: &str) -> Result<Self> {
        let folder = places::demos().join(part);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join("figures.json");
        let _ = std::fs::remove_file(&path);
        Ok(Self(path))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// One of its counts.
    pub fn count(&self, name: &str) -> Result<u64> {
        let text = std::fs::read_to_string(&self.0)
            .with_context(|| format!("nothing has left a {}", self.0.display()))?;
        let figures: serde_json::Value = serde_json::from_str(&text)?;
        figures[name]
            .as_u64()
            .with_context(|| format!("the figures in {} have no '{name}'", self.0.display()))
    }
}
