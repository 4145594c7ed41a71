use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::frame_latency::FrameLatency;
use crate::launch_table::LaunchTable;
use crate::processes::{Nodes, empty_file};
use crate::quantiles::Spread;
use crate::{build, domain, places, setup};

/// Wall time after which a run counts as failed, whatever the simulator says.
const LONGEST_RUN: Duration = Duration::from_secs(600);
/// Without a word from the simulator for so long, it is gone.
const SIMULATOR_SILENT: Duration = Duration::from_secs(30);

/// Options of `demo`.
#[derive(Args)]
pub struct Options {
    /// What the robot does: a file of `launch/` without its ending.
    #[arg(long, default_value = "sort_table")]
    scenario: String,
    /// Which robot: a folder of `config/`, or the path of one that `praxis new-robot` wrote.
    #[arg(long, default_value = "panda")]
    robot: String,
    /// Seed of the first run; each further run takes the next.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// How many runs.
    #[arg(long, default_value_t = 1)]
    runs: u32,
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

/// The newest line of the judge's file.
#[derive(Clone, Debug, Default, Deserialize)]
struct Verdict {
    sim_time_s: f64,
    placed: u32,
    total: u32,
    forbidden_contacts: u32,
    limit_violations: u32,
    done: bool,
    success: bool,
    #[serde(default)]
    time_limit_reached: bool,
    thrusts: Option<u32>,
    passed_without_stop: Option<u32>,
    #[serde(default)]
    contacts: Vec<String>,
    #[serde(default)]
    violations: Vec<String>,
}

#[derive(Serialize)]
struct Run {
    seed: u32,
    success: bool,
    placed: u32,
    total: u32,
    forbidden_contacts: u32,
    limit_violations: u32,
    duration_s: f64,
    node_deaths: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    thrusts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed_without_stop: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<String>,
    #[serde(skip)]
    latency: FrameLatency,
}

#[derive(Serialize)]
struct Figures {
    success: bool,
    placed: u32,
    total: u32,
    forbidden_contacts: u32,
    limit_violations: u32,
    duration_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    thrusts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed_without_stop: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_to_trajectory_ms: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    planning_and_joining_ms: Option<Spread>,
    runs: Vec<Run>,
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

    let mut runs = Vec::new();
    for number in 0..options.runs {
        runs.push(one_run(options, &table, number, &interrupted)?);
        if interrupted.load(Ordering::SeqCst) {
            bail!("interrupted; all nodes have been stopped");
        }
    }
    let sum = |of: fn(&Run) -> u32| runs.iter().map(of).sum::<u32>();
    let mut latency = FrameLatency::default();
    runs.iter().for_each(|run| latency.add(&run.latency));
    let figures = Figures {
        success: !runs.is_empty() && runs.iter().all(|run| run.success),
        placed: sum(|run| run.placed),
        total: sum(|run| run.total),
        forbidden_contacts: sum(|run| run.forbidden_contacts),
        limit_violations: sum(|run| run.limit_violations),
        duration_s: runs.iter().map(|run| run.duration_s).sum(),
        thrusts: runs.iter().filter_map(|run| run.thrusts).reduce(|a, b| a + b),
        passed_without_stop: runs
            .iter()
            .filter_map(|run| run.passed_without_stop)
            .reduce(|a, b| a + b),
        frame_to_trajectory_ms: Spread::of(&latency.to_trajectory_ms),
        planning_and_joining_ms: Spread::of(&latency.planning_ms),
        runs,
    };
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&figures)?;
        std::fs::write(path, text + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let succeeded = figures.runs.iter().filter(|run| run.success).count();
    println!(
        "{succeeded} of {} runs succeeded: {} {} of {}, {} forbidden contacts, {} limit violations, {:.0} s",
        figures.runs.len(),
        verb(&options.scenario),
        figures.placed,
        figures.total,
        figures.forbidden_contacts,
        figures.limit_violations,
        figures.duration_s
    );
    if let (Some(thrusts), Some(passed)) = (figures.thrusts, figures.passed_without_stop) {
        println!("{passed} of {thrusts} thrusts passed without coming to rest");
    }
    for (what, spread) in [
        ("frame published to new trajectory", &figures.frame_to_trajectory_ms),
        ("of which planning and joining", &figures.planning_and_joining_ms),
    ] {
        if let Some(spread) = spread {
            println!("{what}: {spread}");
        }
    }
    Ok(if figures.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one_run(
    options: &Options,
    table: &LaunchTable,
    number: u32,
    interrupted: &AtomicBool,
) -> Result<Run> {
    let seed = options.seed.wrapping_add(number);
    let folder = options
        .record
        .clone()
        .unwrap_or_else(places::demos)
        .join(format!("{}_{seed}", options.scenario));
    let _ = std::fs::remove_dir_all(&folder);
    let judge = folder.join("judge.jsonl");
    empty_file(&judge)?;

    let mut given = vec![
        ("robot", robot_argument(&options.robot)?),
        ("seed", seed.to_string()),
        ("judge_file", judge.display().to_string()),
    ];
    let measured = ["frames_file", "takeovers_file"].map(|name| (name, folder.join(name)));
    let is_measured = measured.iter().all(|(name, _)| table.arguments.contains_key(*name));
    if is_measured {
        given.extend(measured.iter().map(|(name, file)| (*name, file.display().to_string())));
    }
    for argument in &options.arguments {
        let Some((name, value)) = argument.split_once(":=") else {
            bail!("'{argument}' is not of the form name:=value");
        };
        given.push((name, value.to_owned()));
    }
    let values = table.values(&given)?;
    let domain = options.domain.unwrap_or_else(|| domain::private(number));
    domain::announce(domain)?;
    println!(
        "run {} of {} (seed {seed}, domain {domain}): starting the nodes",
        number + 1,
        options.runs
    );

    let begun = Instant::now();
    let mut nodes = Nodes::start(table, &values, domain, &folder)?;
    let mut verdict = Verdict::default();
    let mut heard = Instant::now();
    let mut length = 0;
    let mut shown = String::new();
    let ended_early = loop {
        std::thread::sleep(Duration::from_millis(50));
        if interrupted.load(Ordering::SeqCst) {
            break Some("interrupted".to_owned());
        }
        let gone = nodes.tend()?;
        if !gone.is_empty() {
            break Some(format!("{} ended", gone.join(", ")));
        }
        let now = std::fs::metadata(&judge).map_or(0, |file| file.len());
        if now != length {
            length = now;
            heard = Instant::now();
            if let Some(newest) = newest_verdict(&judge) {
                verdict = newest;
                show(verb(&options.scenario), &verdict, &mut shown);
            }
        }
        if verdict.done {
            break None;
        }
        if verdict.time_limit_reached {
            break Some(format!("not done after {:.0} simulated seconds", verdict.sim_time_s));
        }
        if heard.elapsed() > SIMULATOR_SILENT {
            break Some(format!(
                "no word from the simulator for {:.0} s",
                heard.elapsed().as_secs_f64()
            ));
        }
        if begun.elapsed() > LONGEST_RUN {
            break Some(format!("not done after {:.0} s", begun.elapsed().as_secs_f64()));
        }
    };
    let deaths = nodes.deaths();
    nodes.stop();
    let success = ended_early.is_none()
        && verdict.success
        && verdict.forbidden_contacts == 0
        && verdict.limit_violations == 0;
    let mut latency = FrameLatency::default();
    if is_measured && ended_early.is_none() {
        let [(_, frames), (_, takeovers)] = &measured;
        latency = FrameLatency::read(frames, takeovers)?;
    }
    println!("\n  {}", if success { "succeeded" } else { "failed" });
    if !success {
        if let Some(reason) = ended_early {
            println!("  why: {reason}");
        }
        for line in verdict.contacts.iter().chain(&verdict.violations).take(10) {
            println!("  {line}");
        }
        for line in nodes.complaints() {
            println!("  {line}");
        }
        println!("  logs: {}", folder.display());
    }
    Ok(Run {
        seed,
        success,
        placed: verdict.placed,
        total: verdict.total,
        forbidden_contacts: verdict.forbidden_contacts,
        limit_violations: verdict.limit_violations,
        duration_s: begun.elapsed().as_secs_f64(),
        node_deaths: deaths,
        thrusts: verdict.thrusts,
        passed_without_stop: verdict.passed_without_stop,
        contacts: verdict.contacts,
        violations: verdict.violations,
        latency,
    })
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

/// The last whole line of the file.
fn newest_verdict(path: &std::path::Path) -> Option<Verdict> {
    let text = std::fs::read_to_string(path).ok()?;
    let whole = &text[..=text.rfind('\n')?];
    serde_json::from_str(whole.lines().last()?).ok()
}

/// What the counts of a scenario count.
fn verb(scenario: &str) -> &'static str {
    match scenario {
        "reach" | "reflex" => "reached",
        "moving_goal" => "picked",
        _ => "placed",
    }
}

/// Characters of the time in a line of progress.
const TIME_WIDTH: usize = 9;

/// On a terminal one line that changes, else a line for each change of the counts.
fn show(verb: &str, verdict: &Verdict, shown: &mut String) {
    let line = format!(
        "  {:5.1} s  {verb} {} of {}  contacts {}  violations {}",
        verdict.sim_time_s,
        verdict.placed,
        verdict.total,
        verdict.forbidden_contacts,
        verdict.limit_violations
    );
    let mut output = std::io::stdout();
    // Progress on a pipe that was closed is nobody's loss.
    let _ = if output.is_terminal() {
        write!(output, "\r{line}").and_then(|()| output.flush())
    } else if shown.get(TIME_WIDTH..) != line.get(TIME_WIDTH..) {
        writeln!(output, "{line}")
    } else {
        Ok(())
    };
    *shown = line;
}
