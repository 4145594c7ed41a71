mod figures;
mod launch;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use clap::Args;

use self::figures::Figures;
use self::launch::{Planned, one_launch};
use self::verdict::verb;
pub use self::verdict::verdicts;
use crate::figures_file::write_json;
use crate::launch_table::{LaunchTable, PackedRuns};
use crate::{build, places, setup};

/// Options of `demo`.
#[derive(Args)]
pub struct Options {
    /// What the robot does: a file of `launch/` without its ending.
    #[arg(long, default_value = "sort_table")]
    scenario: String,
    /// Which robot: a folder of `config/`, or the path of one that `praxis new-robot` wrote.
    #[arg(long, default_value = "panda")]
    robot: String,
    /// Seed of the first launch; each further one takes the next.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// How many runs; one, or as many as the scenario says where a launch makes several.
    #[arg(long)]
    runs: Option<u32>,
    /// Without windows. (None is opened yet: RViz is started by `ros2 launch … rviz:=true`.)
    #[arg(long)]
    headless: bool,
    /// Folder for logs and the judge's records; `target/demo` if not given.
    #[arg(long)]
    record: Option<PathBuf>,
    /// File for the figures.
    #[arg(long)]
    json: Option<PathBuf>,
    /// ROS domain; a private one if not given.
    #[arg(long)]
    domain: Option<u8>,
    /// Launch arguments of the scenario, as `name:=value`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Sets up, builds, and runs the scenario.
pub fn run(options: &Options) -> Result<ExitCode> {
    setup::run()?;
    build::nodes()?;
    let table = LaunchTable::read(
        &places::root().join("launch").join(format!("{}.yaml", options.scenario)),
    )?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for number in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(number, interrupted.clone())?;
    }

    let mut launches = Vec::new();
    for planned in planned(options.runs, table.runs.as_ref()) {
        launches.push(one_launch(options, &table, &planned, &interrupted)?);
        if interrupted.load(Ordering::SeqCst) {
            bail!("interrupted; all nodes have been stopped");
        }
    }
    let figures = Figures::of(launches);
    write_json(options.json.as_deref(), &figures)?;
    figures.tell(verb(&options.scenario));
    Ok(if figures.outcome.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs spread over launches: one each, or evenly over as few as the scenario allows.
fn planned(runs: Option<u32>, packed: Option<&PackedRuns>) -> Vec<Planned> {
    let (default, most) = packed.map_or((1, 1), |packed| (packed.default, packed.most.max(1)));
    let of = runs.unwrap_or(default);
    let launches = of.div_ceil(most);
    let before = |number: u32| (u64::from(of) * u64::from(number) / u64::from(launches)) as u32;
    (0..launches)
        .map(|number| {
            let (before, after) = (before(number), before(number + 1));
            Planned { number, before, runs: after - before, of }
        })
        .collect()
}

/// A robot's name, or the path of its folder made absolute: nodes run in the repository's root.
fn robot_argument(robot: &str) -> Result<String> {
    if places::root().join("config").join(robot).join("control.yaml").is_file() {
        return Ok(robot.to_owned());
    }
    let folder = std::path::Path::new(robot);
    if !folder.join("control.yaml").is_file() {
        bail!(
            "'{robot}' is neither a folder of config/ nor one with a configuration\n  cure: praxis new-robot URDF --out {robot}"
        );
    }
    Ok(std::path::absolute(folder)?.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_spread_evenly_over_as_few_launches_as_may_be() {
        let packed = PackedRuns { argument: "thrusts".to_owned(), most: 40, default: 8 };
        let sizes = |runs, packed| -> Vec<(u32, u32)> {
            planned(runs, packed).iter().map(|launch| (launch.before, launch.runs)).collect()
        };
        assert_eq!(sizes(None, Some(&packed)), [(0, 8)]);
        assert_eq!(sizes(Some(90), Some(&packed)), [(0, 30), (30, 30), (60, 30)]);
        assert_eq!(sizes(Some(41), Some(&packed)), [(0, 20), (20, 21)]);
        assert_eq!(sizes(Some(3), None), [(0, 1), (1, 1), (2, 1)]);
        assert_eq!(sizes(None, None), [(0, 1)]);
        assert_eq!(sizes(Some(0), None), []);
    }
}
