use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use praxis_robot::Robot;
use praxis_trajectory::{JointLimit, JointLimits, Trajectory};
use serde::Serialize;

use crate::comparison::{self, Comparison};
use crate::line::Line;
use crate::path_check::SPACING_RAD;
use crate::peers::{Peer, PlanningRequest};
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
    /// Peers that run after us on the same problems.
    #[arg(long, value_delimiter = ',')]
    peer: Vec<Peer>,
    /// Peers get only every so many-th of the problems.
    #[arg(long, default_value_t = 4)]
    peer_every: usize,
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
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    peer: BTreeMap<&'static str, Comparison>,
}

/// A robot as it was read.
struct Loaded {
    robot: Robot,
    urdf: String,
    srdf: String,
    load_ms: f64,
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
    let loaded = load(&files, options.rounds)?;
    let robot = &loaded.robot;
    println!(
        "{}: {} spheres, loaded in {:.2} ms; best of {} rounds, seed {}",
        file.robot,
        robot.spheres().len(),
        loaded.load_ms,
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
    let solved = solve_all(robot, &file, &problems, limits.as_ref(), options)?;
    let mut judge = Judge::new(robot, &file, limits.as_ref())?;
    let judged: Vec<Judged> = solved
        .into_iter()
        .zip(&problems)
        .map(|(Solved { line, motion }, problem)| judge.judge(line, motion.as_ref(), problem))
        .collect();

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
    let peer = run_peers(&loaded, &file, limits.as_ref(), &problems, &judged, options)?;
    if let Some(path) = &options.json {
        let figures = Figures {
            robot: file.robot.clone(),
            cloud: options.cloud,
            rounds: options.rounds,
            seed: options.seed,
            robot_load_ms: loaded.load_ms,
            all,
            scenes,
            peer,
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
fn load(files: &Files, rounds: u32) -> Result<Loaded> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (urdf, srdf) = (read(&files.urdf)?, read(&files.srdf)?);
    let (mut robot, mut best) = timed(|| Robot::from_strings(&urdf, Some(&srdf)));
    for _ in 1..rounds {
        let (again, spent) = timed(|| Robot::from_strings(&urdf, Some(&srdf)));
        (robot, best.wall_ns) = (again, best.wall_ns.min(spent.wall_ns));
    }
    Ok(Loaded { robot: robot?, urdf, srdf, load_ms: best.wall_ns as f64 * 1e-6 })
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

/// Runs the named peers one after the other, each on the same share of the problems.
fn run_peers(
    loaded: &Loaded,
    file: &ProblemFile,
    limits: Option<&JointLimits>,
    problems: &[&Problem],
    ours: &[Judged],
    options: &Options,
) -> Result<BTreeMap<&'static str, Comparison>> {
    let every = options.peer_every.max(1);
    let problems: Vec<&Problem> = problems.iter().copied().step_by(every).collect();
    let ours: Vec<&Judged> = ours.iter().step_by(every).collect();
    let (lower, upper) = file.bounds().into_iter().unzip();
    let of_limits = |what: fn(&JointLimit) -> f64| {
        limits.map(|limits| limits.joints().iter().map(what).collect()).unwrap_or_default()
    };
    let request = PlanningRequest {
        robot: &file.robot,
        urdf: &loaded.urdf,
        srdf: &loaded.srdf,
        joints: &file.joints,
        lower,
        upper,
        velocity: of_limits(|limit| limit.velocity),
        acceleration: of_limits(|limit| limit.acceleration),
        seed: options.seed,
        time_limit_s: options.time_limit_s,
        problems: problems.iter().zip(&ours).map(|(p, o)| comparison::for_peer(p, o)).collect(),
    };
    if !options.peer.is_empty() {
        println!("\npeers get every {every}th problem: {}, once each", problems.len());
    }
    let mut judge = Judge::new(&loaded.robot, file, limits)?;
    let mut comparisons = BTreeMap::new();
    for &peer in &options.peer {
        let mut judge_line = |line: Line| {
            let same = |p: &&&Problem| p.scene == line.scene && p.index == line.index;
            let problem = problems.iter().find(same).context("an answer to no problem")?;
            Ok(if peer.plans() {
                judge.judge(line, None, problem)
            } else {
                Judged { line, fault: None, motion: None }
            })
        };
        if let Some(compared) = comparison::with(peer, &request, &ours, &mut judge_line)? {
            comparisons.insert(peer.name(), compared);
        }
    }
    Ok(comparisons)
}

/// Holds paths and motions against the plain checker.
struct Judge<'a> {
    checker: PlainChecker<'a>,
    bounds: Vec<(f64, f64)>,
    limits: Option<&'a JointLimits>,
}

impl<'a> Judge<'a> {
    fn new(robot: &'a Robot, file: &ProblemFile, limits: Option<&'a JointLimits>) -> Result<Self> {
        let joints = joints_of(robot, &file.joints)?;
        let checker = PlainChecker::new(robot, &joints, &robot.neutral());
        Ok(Self { checker, bounds: file.bounds(), limits })
    }

    fn judge(&mut self, line: Line, motion: Option<&Trajectory>, problem: &Problem) -> Judged {
        let Self { checker, bounds, limits } = self;
        let fault = line
            .solved
            .then(|| path_check::fault_of(&line.path, SPACING_RAD, problem, bounds, checker));
        let motion = motion.zip(*limits).map(|(motion, limits)| {
            motion_check::verdict_on(motion, limits, bounds, &problem.obstacles, checker)
        });
        Judged { line, fault: fault.flatten(), motion }
    }
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
