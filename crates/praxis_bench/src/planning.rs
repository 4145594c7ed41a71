use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use praxis_robot::Robot;
use praxis_trajectory::JointLimits;
use serde::Serialize;

use crate::line::Line;
use crate::plain_checker::PlainChecker;
use crate::problems::{Problem, ProblemFile};
use crate::solver::{CLOUD_POINTS, POINT_RADIUS_M, Settings, Solved, Solver, joints_of};
use crate::stopwatch::timed;
use crate::summary::{Judged, Summary, by_scene};
use crate::{limits, motion_check, path_check, report};

/// Options of `bench planning`.
#[derive(Args)]
pub struct Options {
    /// Robot description.
    #[arg(long)]
    urdf: Option<PathBuf>,
    /// Which of its links may touch.
    #[arg(long)]
    srdf: Option<PathBuf>,
    /// Problems (`.json`, `.json.gz`), or a folder that holds those of `--robot` with its
    /// descriptions and `limits.json`.
    #[arg(long, env = "PRAXIS_BENCH_DIR")]
    problems: PathBuf,
    /// Which robot's files to take from a folder.
    #[arg(long, default_value = "panda")]
    robot: String,
    /// Velocity, acceleration and jerk limits; without them no path is timed.
    #[arg(long)]
    limits: Option<PathBuf>,
    /// Obstacles as 50,000 points on their surfaces.
    #[arg(long)]
    cloud: bool,
    /// Only every so many-th valid problem.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Rounds; of each problem's times the best counts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seed of search and shortening.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds after which a search gives up.
    #[arg(long, default_value_t = 10.0)]
    time_limit_s: f64,
    /// File for one JSON line a problem.
    #[arg(long)]
    lines: Option<PathBuf>,
    /// File for the figures.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Figures {
    robot: String,
    cloud: bool,
    rounds: u32,
    seed: u64,
    robot_load_ms: f64,
    #[serde(flatten)]
    all: Summary,
    scenes: BTreeMap<String, Summary>,
}

/// The files of one robot.
struct Files {
    urdf: PathBuf,
    srdf: PathBuf,
    problems: PathBuf,
    limits: Option<PathBuf>,
}

/// Plans every valid problem, judges what comes out, and says it in tables and files.
pub fn run(options: &Options) -> Result<()> {
    let files = options.files()?;
    let file = ProblemFile::read(&files.problems)?;
    let (robot, robot_load_ms) = load(&files, options.rounds)?;
    println!(
        "{}: {} spheres, loaded in {robot_load_ms:.2} ms; best of {} rounds, seed {}",
        file.robot,
        robot.spheres().len(),
        options.rounds,
        options.seed
    );
    if options.cloud {
        println!("obstacles as {CLOUD_POINTS} points of {:.1} mm", POINT_RADIUS_M * 1e3);
    }
    let limits = match &files.limits {
        Some(path) => Some(limits::read(path, &file.robot, &file.joints)?),
        None => None,
    };
    let problems: Vec<&Problem> = file.valid().step_by(options.every.max(1)).collect();
    let solved = solve_all(&robot, &file, &problems, limits.as_ref(), options)?;
    let judged = judge_all(&robot, &file, &problems, limits.as_ref(), solved)?;

    let scenes: BTreeMap<String, Summary> = by_scene(&judged)
        .into_iter()
        .map(|(name, of_scene)| (name.to_owned(), Summary::of(&of_scene)))
        .collect();
    for (name, summary) in &scenes {
        report::print(&format!("{} {name}", file.robot), summary);
    }
    let all = Summary::of(&judged.iter().collect::<Vec<_>>());
    report::print(&format!("{}, all scenes", file.robot), &all);
    for complaint in &all.complaints {
        println!("  {complaint}");
    }
    if let Some(path) = &options.lines {
        write_lines(path, judged.iter().map(|judged| &judged.line))?;
    }
    if let Some(path) = &options.json {
        let figures = Figures {
            robot: file.robot.clone(),
            cloud: options.cloud,
            rounds: options.rounds,
            seed: options.seed,
            robot_load_ms,
            all,
            scenes,
        };
        write(path, &serde_json::to_string_pretty(&figures)?)?;
    }
    Ok(())
}

impl Options {
    fn files(&self) -> Result<Files> {
        if !self.problems.is_dir() {
            let given = |path: &Option<PathBuf>, name: &str| {
                path.clone().with_context(|| {
                    format!("--{name} is missing: {} is no folder", self.problems.display())
                })
            };
            return Ok(Files {
                urdf: given(&self.urdf, "urdf")?,
                srdf: given(&self.srdf, "srdf")?,
                problems: self.problems.clone(),
                limits: self.limits.clone(),
            });
        }
        let inside = |name: &str| self.problems.join(name);
        let or = |given: &Option<PathBuf>, name: String| given.clone().unwrap_or(inside(&name));
        let limits = Some(inside("limits.json")).filter(|path| path.is_file());
        Ok(Files {
            urdf: or(&self.urdf, format!("{}_spherized.urdf", self.robot)),
            srdf: or(&self.srdf, format!("{}.srdf", self.robot)),
            problems: inside(&format!("{}.json.gz", self.robot)),
            limits: self.limits.clone().or(limits),
        })
    }
}

/// The robot, and the best time in which its texts became one.
fn load(files: &Files, rounds: u32) -> Result<(Robot, f64)> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (urdf, srdf) = (read(&files.urdf)?, read(&files.srdf)?);
    let (mut robot, mut best) = timed(|| Robot::from_strings(&urdf, Some(&srdf)));
    for _ in 1..rounds {
        let (again, spent) = timed(|| Robot::from_strings(&urdf, Some(&srdf)));
        (robot, best.wall_ns) = (again, best.wall_ns.min(spent.wall_ns));
    }
    Ok((robot?, best.wall_ns as f64 * 1e-6))
}

/// Every problem once in each round, so that no round finds its own traces in the caches.
fn solve_all(
    robot: &Robot,
    file: &ProblemFile,
    problems: &[&Problem],
    limits: Option<&JointLimits>,
    options: &Options,
) -> Result<Vec<Solved>> {
    let settings = Settings {
        as_cloud: options.cloud,
        seed: options.seed,
        time_limit: Duration::from_secs_f64(options.time_limit_s),
    };
    let mut solver = Solver::new(robot, file, limits, settings)?;
    let mut best: Vec<Solved> =
        problems.iter().map(|problem| solver.solve(problem)).collect::<Result<_>>()?;
    for _ in 1..options.rounds {
        // What has no path would take the whole time limit again.
        for (best, problem) in best.iter_mut().zip(problems).filter(|(b, _)| b.line.solved) {
            best.line.take_best_times(&solver.solve(problem)?.line);
        }
    }
    Ok(best)
}

fn judge_all(
    robot: &Robot,
    file: &ProblemFile,
    problems: &[&Problem],
    limits: Option<&JointLimits>,
    solved: Vec<Solved>,
) -> Result<Vec<Judged>> {
    let joints = joints_of(robot, &file.joints)?;
    let mut checker = PlainChecker::new(robot, &joints, &robot.neutral());
    let bounds = file.bounds();
    let judged = solved.into_iter().zip(problems).map(|(Solved { line, motion }, problem)| {
        let fault = line
            .solved
            .then(|| path_check::fault_of(&line.path, problem, &bounds, &mut checker))
            .flatten();
        let motion = motion.zip(limits).map(|(motion, limits)| {
            motion_check::verdict_on(&motion, limits, &bounds, &problem.obstacles, &mut checker)
        });
        Judged { line, fault, motion }
    });
    Ok(judged.collect())
}

fn write_lines<'a>(path: &Path, lines: impl Iterator<Item = &'a Line>) -> Result<()> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        writeln!(text)?;
    }
    write(path, text)
}

/// Writes a file; the error names it.
pub fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
