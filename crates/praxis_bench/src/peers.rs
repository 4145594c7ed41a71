use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::obstacles::Obstacles;

/// With this exit code a script says that the peer's module cannot be imported.
const ABSENT: i32 = 69;

/// A program that plans or times beside ours, through a script in `peers/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Peer {
    /// VAMP's RRT-Connect and its simplification, where its module is installed.
    Vamp,
    /// RoboPlan's RRT-Connect and its shortcuts.
    Roboplan,
    /// OMPL's RRT-Connect and path simplifier, on RoboPlan's collision checks.
    Ompl,
    /// TOPP-RA's timing of our paths, without jerk limits.
    Toppra,
}

impl Peer {
    /// As it is named in options and figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vamp => "vamp",
            Self::Roboplan => "roboplan",
            Self::Ompl => "ompl",
            Self::Toppra => "toppra",
        }
    }

    /// Whether it finds paths of its own.
    pub fn plans(self) -> bool {
        self != Self::Toppra
    }
}

/// What a script reads: a robot and what to do with it.
#[derive(Serialize)]
pub struct PlanningRequest<'a> {
    /// Name of the robot.
    pub robot: &'a str,
    /// Text of its description.
    pub urdf: &'a str,
    /// Text of its semantics.
    pub srdf: &'a str,
    /// Order of the joints in every row.
    pub joints: &'a [String],
    /// Lowest positions.
    pub lower: Vec<f64>,
    /// Highest positions.
    pub upper: Vec<f64>,
    /// Velocity limits, if there are any.
    pub velocity: Vec<f64>,
    /// Acceleration limits, if there are any.
    pub acceleration: Vec<f64>,
    /// Seed of everything random.
    pub seed: u64,
    /// Seconds after which a search gives up.
    pub time_limit_s: f64,
    /// The problems.
    pub problems: Vec<PeerProblem<'a>>,
}

/// One problem for a peer.
#[derive(Serialize)]
pub struct PeerProblem<'a> {
    /// Name of the scene.
    pub scene: &'a str,
    /// Its number in the scene.
    pub index: u32,
    /// Where it starts.
    pub start: &'a [f64],
    /// Any of these may be reached.
    pub goals: &'a [Vec<f64>],
    /// What stands in the scene.
    pub obstacles: &'a Obstacles,
    /// The path that our planner found, for peers that only time.
    pub path: &'a [Vec<f64>],
}

/// Runs a script of `peers/` on a request and reads its lines; nothing if the peer is not there.
pub fn answers<T: DeserializeOwned>(
    script: &str,
    request: &impl Serialize,
) -> Result<Option<Vec<T>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script);
    let request = serde_json::to_vec(request)?;
    for python in pythons() {
        let answers = ask(&python, &path, &request)
            .with_context(|| format!("{} {}", python.display(), path.display()))?;
        if let Some(lines) = answers {
            let read = |line: &String| serde_json::from_str(line).context("a line is broken");
            return lines.iter().map(read).collect::<Result<_>>().map(Some);
        }
    }
    Ok(None)
}

/// The Python with the peers that `cargo xtask bench` brings, then the system's.
fn pythons() -> impl Iterator<Item = PathBuf> {
    let brought = std::env::var_os("PRAXIS_PEER_PYTHON").map(PathBuf::from);
    brought.into_iter().filter(|path| path.is_file()).chain([PathBuf::from("python3")])
}

/// The lines that are JSON objects: some peers also talk on their own.
fn ask(python: &Path, script: &Path, request: &[u8]) -> Result<Option<Vec<String>>> {
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot be run")?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    if let Some(mut input) = input {
        // A script without its peer ends before it reads: its exit code says so.
        let _ = input.write_all(request);
    }
    let mut lines = Vec::new();
    if let Some(output) = output {
        for line in BufReader::new(output).lines() {
            lines.push(line?);
        }
    }
    lines.retain(|line| line.starts_with('{'));
    let status = child.wait()?;
    match status.code() {
        Some(0) => Ok(Some(lines)),
        Some(ABSENT) => Ok(None),
        _ => bail!("ended with {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_of(script: &str) -> Result<Option<Vec<String>>> {
        let name = format!("praxis_bench_{}_{}.py", std::process::id(), script.len());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, script).unwrap();
        let answer = ask(Path::new("python3"), &path, b"{\"seed\": 3}");
        std::fs::remove_file(&path).unwrap();
        answer
    }

    #[test]
    fn a_script_gets_the_request_and_only_its_objects_are_read() {
        let echo = "import sys\nprint('Info: hello')\nprint(sys.stdin.read())";
        assert_eq!(answer_of(echo).unwrap(), Some(vec!["{\"seed\": 3}".to_owned()]));
    }

    #[test]
    fn an_absent_peer_is_no_error_and_a_broken_one_is() {
        assert_eq!(answer_of("import sys; sys.exit(69)").unwrap(), None);
        assert!(answer_of("import sys; sys.exit(1)").unwrap_err().to_string().contains("1"));
    }
}
