use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use praxis_collision::{Checker, Scene};
use praxis_planning::{Budget, RrtConnect, RrtConnectConfig, SimplifyConfig, simplify};
use praxis_robot::Robot;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::obstacles::Obstacles;
use crate::path_check;
use crate::plain_checker::PlainChecker;
use crate::problems::Problem;
use crate::solver::Space;
use crate::stopwatch::timed;

/// Robots with fewer or more joints are only loaded.
const JOINTS: std::ops::RangeInclusive<usize> = 6..=30;
/// Random states at which links are looked at for pairs that always touch.
const LOOKS: usize = 40;
/// Links that touch at this share of the random states always do: no plan could avoid it.
const ALWAYS: f64 = 0.95;
/// Random states that are tried for a free one.
const DRAWS: usize = 5_000;
/// Time for one plan.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Options of `robots`.
#[derive(Args)]
pub struct Options {
    /// Folder that is searched for `.urdf` files.
    #[arg(long)]
    folder: PathBuf,
    /// Only files whose path holds this.
    #[arg(long, default_value = "")]
    only: String,
    /// Plans a robot.
    #[arg(long, default_value_t = 3)]
    plans: u32,
    /// Seed of states and searches.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Fewer robots that plan than this count as a failure.
    #[arg(long, default_value_t = 10)]
    at_least: usize,
}

/// Loads every description and plans with every robot of a fitting size. The last line says
/// `N passed, N failed`.
pub fn run(options: &Options) -> Result<()> {
    let mut files = Vec::new();
    find_urdfs(&options.folder, &mut files)?;
    files.sort();
    let (mut passed, mut failed, mut planned) = (0, 0, 0);
    for file in files.iter().filter(|file| file.to_string_lossy().contains(&options.only)) {
        let name = file.strip_prefix(&options.folder).unwrap_or(file).display();
        match try_robot(file, options) {
            Ok(said) => {
                println!("ok      {name}: {said}");
                passed += 1;
                planned += usize::from(said.contains("plans"));
            }
            Err(error) => {
                println!("FAILED  {name}: {error:#}");
                failed += 1;
            }
        }
    }
    if planned < options.at_least {
        println!("FAILED  {planned} robots planned, at least {} should", options.at_least);
        failed += 1;
    }
    println!("{passed} passed, {failed} failed");
    ensure!(failed == 0, "{failed} robots failed");
    Ok(())
}

fn find_urdfs(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            find_urdfs(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "urdf") {
            files.push(path);
        }
    }
    Ok(())
}

fn try_robot(file: &Path, options: &Options) -> Result<String> {
    let urdf = std::fs::read_to_string(file)?;
    let (robot, spent) = timed(|| Robot::from_strings(&urdf, None));
    let robot = robot?;
    let (joints, spheres) = (robot.joints().len(), robot.spheres().len());
    let loaded = format!(
        "{joints} joints, {} links, {spheres} spheres, loaded in {:.0} ms",
        robot.links().len(),
        spent.wall_ns as f64 * 1e-6
    );
    if !JOINTS.contains(&joints) {
        return Ok(loaded);
    }
    let solids = robot.links().iter().filter(|link| !link.collision.is_empty()).count();
    ensure!(solids == 0 || spheres >= solids, "{solids} links are solid, {spheres} spheres");
    let slowest = plan_between_random_states(&robot, options)?;
    Ok(format!("{loaded}; {} plans, the slowest in {:.1} ms", options.plans, slowest * 1e3))
}

/// The longest time of a plan, seconds; every path has passed the plain checker.
fn plan_between_random_states(robot: &Robot, options: &Options) -> Result<f64> {
    let bounds: Vec<(f64, f64)> = robot.joints().iter().map(bounds_of).collect();
    let joints: Vec<usize> = (0..bounds.len()).collect();
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let mut draw =
        || -> Vec<f64> { bounds.iter().map(|&(lo, hi)| random.random_range(lo..=hi)).collect() };
    let plain = PlainChecker::new(robot, &joints, &robot.neutral());
    let (plain, may_touch) = without_constant_contacts(plain, robot, &mut draw);
    let mut plain = plain;
    let mut scene = Scene::default();
    for &(a, b) in &may_touch {
        scene.allowed.set(&robot.links()[a].name, &robot.links()[b].name, true);
    }
    let checker = Checker::new(robot, &scene, &joints, &robot.neutral())?;
    let mut space = Space { checker, bounds: &bounds };
    let mut search = RrtConnect::new(RrtConnectConfig::default());
    let mut slowest_s = 0.0_f64;
    for plan in 0..options.plans {
        let mut free_state = || {
            let found = (0..DRAWS).map(|_| draw()).find(|q| space.checker.is_free(q));
            found.with_context(|| format!("none of {DRAWS} random states is free"))
        };
        let (start, goal) = (free_state()?, free_state()?);
        let begun = Instant::now();
        let budget =
            Budget { max_iterations: u32::MAX, deadline: Some(begun + TIME_LIMIT), cancel: None };
        let goals = vec![goal];
        let seed = options.seed + u64::from(plan);
        let mut path = search.plan(&mut space, &start, &goals, seed, &budget)?.path;
        simplify(&mut space, &mut path, &SimplifyConfig::default(), seed, &budget);
        slowest_s = slowest_s.max(begun.elapsed().as_secs_f64());
        let (scene, obstacles) = ("itself".to_owned(), Obstacles::default());
        let problem = Problem { scene, index: plan, start, goals, valid: true, obstacles };
        if let Some(fault) = path_check::fault_of(&path, &problem, &bounds, &mut plain) {
            bail!("the path of plan {plan} {fault}");
        }
    }
    Ok(slowest_s)
}

/// Pairs of links that touch at rest or nearly always may touch, as MoveIt's set-up assistant has
/// it: these descriptions come without their semantics.
fn without_constant_contacts<'a>(
    mut plain: PlainChecker<'a>,
    robot: &Robot,
    draw: &mut impl FnMut() -> Vec<f64>,
) -> (PlainChecker<'a>, BTreeSet<(usize, usize)>) {
    let mut may_touch = plain.touching_links(&robot.neutral());
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for _ in 0..LOOKS {
        for pair in plain.touching_links(&draw()) {
            *counts.entry(pair).or_default() += 1;
        }
    }
    let always = counts.iter().filter(|(_, count)| **count as f64 >= ALWAYS * LOOKS as f64);
    may_touch.extend(always.map(|(pair, _)| *pair));
    (plain.allowing(&may_touch), may_touch)
}

fn bounds_of(joint: &praxis_robot::Joint) -> (f64, f64) {
    let pi = std::f64::consts::PI;
    let or = |limit: f64, otherwise| if limit.is_finite() { limit } else { otherwise };
    (or(joint.lower, -pi), or(joint.upper, pi))
}
