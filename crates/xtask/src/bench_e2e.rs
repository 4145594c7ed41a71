use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::figures_file::write_json;
use crate::frame_latency::FrameLatency;
use crate::launch_table::LaunchTable;
use crate::processes::{Nodes, empty_file};
use crate::quantiles::Spread;
use crate::{build, domain, places, setup};

/// A motion's first command comes at most so long after the moment at which it was to take over, and
/// no earlier than so long before it, nanoseconds: clocks of the simulation and of the wall differ by
/// that.
const EARLIEST_NS: i64 = -20_000_000;
const LATEST_NS: i64 = 100_000_000;

/// Options of `bench e2e`.
#[derive(Args)]
pub struct Options {
    /// Seconds that the reflex scenario runs.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seed of the thrusts.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Write the figures here.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Figures {
    /// From the publishing of a frame until the first command of the motion planned for what it shows
    /// is on the wire.
    frame_to_command_ms: Option<Spread>,
    /// Until that motion is to take over.
    frame_to_trajectory_ms: Option<Spread>,
    planning_and_joining_ms: Option<Spread>,
    planning_ms: Option<Spread>,
    loop_to_wire_ms: Option<Spread>,
    forbidden_contacts: u32,
    limit_violations: u32,
    thrusts: u32,
    duration_s: u64,
}

/// Runs the reflex scenario for a while and measures from frames to commands.
pub fn run(options: &Options) -> Result<ExitCode> {
    setup::run()?;
    build::nodes()?;
    let mut table = LaunchTable::read(&places::root().join("launch/reflex.yaml"))?;
    let folder = places::demos().join("bench_e2e");
    let _ = std::fs::remove_dir_all(&folder);
    let file = |name: &str| folder.join(name);
    let told = |name: &str| file(name).display().to_string();
    empty_file(&file("judge.jsonl"))?;
    for node in table.nodes.iter_mut().filter(|node| node.name == "control") {
        node.parameters.insert("begins_file".to_owned(), told("begins"));
    }
    let values = table.values(&[
        ("seed", options.seed.to_string()),
        ("thrusts", "1000".to_owned()),
        ("time_limit_s", "0.0".to_owned()),
        ("judge_file", told("judge.jsonl")),
        ("frames_file", told("frames")),
        ("takeovers_file", told("takeovers")),
    ])?;
    println!("{} s of the reflex scenario", options.seconds);
    let mut nodes = Nodes::start(&table, &values, domain::private(61), &folder)?;
    nodes.run_for(Duration::from_secs(options.seconds))?;
    nodes.stop();

    let latency = FrameLatency::read(&file("frames"), &file("takeovers"))?;
    let begins = Begins::read(&file("begins"))?;
    let judged = crate::demo::verdicts(&file("judge.jsonl")).pop().unwrap_or_default();
    let figures = Figures {
        frame_to_command_ms: Spread::of(&to_command_ms(&latency, &begins.begins_ns)),
        frame_to_trajectory_ms: Spread::of(&latency.to_trajectory_ms),
        planning_and_joining_ms: Spread::of(&latency.planning_and_joining_ms),
        planning_ms: Spread::of(&latency.planning_ms),
        loop_to_wire_ms: Spread::of(&begins.to_wire_ms),
        forbidden_contacts: judged.forbidden_contacts,
        limit_violations: judged.limit_violations,
        thrusts: judged.placed,
        duration_s: options.seconds,
    };
    for (what, spread) in [
        ("frame published to first command", &figures.frame_to_command_ms),
        ("frame published to new trajectory", &figures.frame_to_trajectory_ms),
        ("of which planning and joining", &figures.planning_and_joining_ms),
        ("of which planning", &figures.planning_ms),
        ("control loop to wire", &figures.loop_to_wire_ms),
    ] {
        match spread {
            Some(spread) => println!("{what}: {spread}"),
            None => println!("{what}: nothing was measured"),
        }
    }
    println!(
        "{} thrusts, {} forbidden contacts, {} limit violations",
        figures.thrusts, figures.forbidden_contacts, figures.limit_violations
    );
    write_json(options.json.as_deref(), &figures)?;
    Ok(if figures.frame_to_command_ms.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What control wrote down.
struct Begins {
    begins_ns: Vec<i64>,
    to_wire_ms: Vec<f64>,
}

impl Begins {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("control left no {}; see its log there", path.display()))?;
        let numbers = |name: &str| -> Result<Vec<i64>> {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let words = line.with_context(|| format!("no line '{name}'"))?.split_whitespace();
            Ok(words.map(str::parse).collect::<Result<_, _>>()?)
        };
        let begins_ns = numbers("begins")?;
        ensure!(!begins_ns.is_empty(), "no motion began; see the logs beside {}", path.display());
        let to_wire_ms = numbers("to_wire")?.iter().map(|&ns| ns as f64 * 1e-6).collect();
        Ok(Self { begins_ns, to_wire_ms })
    }
}

/// From each frame to the first command of the motion that took over because of it; motions that
/// were replaced before they began are left out.
fn to_command_ms(latency: &FrameLatency, begins_ns: &[i64]) -> Vec<f64> {
    let of = |(&takes_over_ns, to_trajectory_ms): (&i64, &f64)| {
        let late_ns = begins_ns.iter().map(|begins_ns| begins_ns - takes_over_ns);
        let late_ns = late_ns.filter(|late_ns| (EARLIEST_NS..=LATEST_NS).contains(late_ns));
        late_ns.min_by_key(|late_ns| late_ns.abs()).map(|ns| to_trajectory_ms + ns as f64 * 1e-6)
    };
    latency.takes_over_ns.iter().zip(&latency.to_trajectory_ms).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_joined_with_the_motion_that_began_when_it_was_to_take_over() {
        let latency = FrameLatency {
            takes_over_ns: vec![1_000_000_000, 2_000_000_000],
            to_trajectory_ms: vec![60.0, 61.0],
            ..FrameLatency::default()
        };
        let begins = [500_000_000, 1_002_000_000, 1_066_000_000];
        assert_eq!(to_command_ms(&latency, &begins), [62.0]);
    }
}
