use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::launch_table::{LaunchTable, NodeEntry};
use crate::{build, environment, places};

/// Pause before a node that died is started again.
const RESPAWN_AFTER: Duration = Duration::from_millis(500);
/// How long a node may take to end when it is asked to.
const MAY_END_WITHIN: Duration = Duration::from_secs(3);

/// The nodes of one launch, as separate processes; they end when this is dropped.
pub struct Nodes {
    running: Vec<Running>,
    domain: u8,
    values: BTreeMap<String, String>,
    logs: PathBuf,
}

struct Running {
    entry: NodeEntry,
    child: Child,
    died: Option<Instant>,
    deaths: u32,
}

impl Nodes {
    /// Starts all nodes that the arguments ask for; each writes its log into `logs`.
    pub fn start(
        table: &LaunchTable,
        values: &BTreeMap<String, String>,
        domain: u8,
        logs: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(logs).with_context(|| format!("cannot create {}", logs.display()))?;
        let mut nodes =
            Self { running: Vec::new(), domain, values: values.clone(), logs: logs.to_owned() };
        for entry in table.nodes.iter().filter(|entry| entry.wanted(values)) {
            let child = nodes.spawn(entry)?;
            nodes.running.push(Running { entry: entry.clone(), child, died: None, deaths: 0 });
        }
        Ok(nodes)
    }

    fn spawn(&self, entry: &NodeEntry) -> Result<Child> {
        let path = self.log_of(&entry.name);
        let log = OpenOptions::new().create(true).append(true).open(&path)?;
        if entry.package != "praxis" {
            bail!(
                "{} is a node of {}: this scenario is started by `ros2 launch`",
                entry.name,
                entry.package
            );
        }
        let program = build::executable(&entry.executable);
        let mut command = environment::command(&program, self.domain)?;
        if let Some(profile) = &entry.fast_dds_profile {
            command.env(environment::FAST_DDS_PROFILE, places::root().join(profile));
        }
        command
            .args(entry.command_line(&self.values)?)
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(std::process::Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))
    }

    /// Log of one node.
    pub fn log_of(&self, node: &str) -> PathBuf {
        self.logs.join(format!("{node}.log"))
    }

    /// Starts again what died, where the table says so. Names nodes that are gone for good.
    pub fn tend(&mut self) -> Result<Vec<String>> {
        let mut gone = Vec::new();
        for index in 0..self.running.len() {
            let running = &mut self.running[index];
            let Some(status) = running.child.try_wait()? else { continue };
            if !running.entry.respawn {
                gone.push(running.entry.name.clone());
                continue;
            }
            match running.died {
                None => {
                    running.died = Some(Instant::now());
                    running.deaths += 1;
                    eprintln!("    {} ended ({status}); starting it again", running.entry.name);
                }
                Some(died) if died.elapsed() >= RESPAWN_AFTER => {
                    let entry = running.entry.clone();
                    let child = self.spawn(&entry)?;
                    self.running[index].child = child;
                    self.running[index].died = None;
                }
                Some(_) => {}
            }
        }
        Ok(gone)
    }

    /// Lets them run for a while, as a measurement needs them: all the time.
    pub fn run_for(&mut self, span: Duration) -> Result<()> {
        let until = Instant::now() + span;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
            let gone = self.tend()?;
            if !gone.is_empty() || self.deaths() > 0 {
                bail!("{gone:?} ended; see the logs in {}", self.logs.display());
            }
        }
        Ok(())
    }

    /// How often nodes died on their own.
    pub fn deaths(&self) -> u32 {
        self.running.iter().map(|running| running.deaths).sum()
    }

    /// The last lines with an error or a warning of every node's log.
    pub fn complaints(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for running in &self.running {
            let text = fs::read_to_string(self.log_of(&running.entry.name)).unwrap_or_default();
            let bad = text
                .lines()
                .filter(|l| l.contains("ERROR") || l.contains("WARN") || l.contains("panicked"));
            let bad: Vec<&str> = bad.collect();
            for line in bad.iter().rev().take(4).rev() {
                lines.push(format!("{}: {line}", running.entry.name));
            }
        }
        lines
    }

    /// Asks every node to end, and ends those that do not.
    pub fn stop(&mut self) {
        for running in &mut self.running {
            signal(&running.child, "-INT");
        }
        let deadline = Instant::now() + MAY_END_WITHIN;
        for running in &mut self.running {
            while matches!(running.child.try_wait(), Ok(None)) {
                if Instant::now() > deadline {
                    eprintln!("    {} does not end; killing it", running.entry.name);
                    let _ = running.child.kill();
                    let _ = running.child.wait();
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends a signal, as `kill` names it.
pub fn signal(child: &Child, name: &str) {
    // A process that has just ended is no error here.
    let _ = Command::new("kill")
        .args([name, &child.id().to_string()])
        .stderr(std::process::Stdio::null())
        .status();
}

/// An empty file in a folder that is created if need be.
pub fn empty_file(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(())
}
