use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use praxis_collision::{Checker, Scene};
use praxis_planning::{Budget, RrtConnect, RrtConnectConfig, SimplifyConfig, distance, simplify};
use praxis_robot::{Joint, Motion, Robot};
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
/// Free steps from the start to the goal: between states drawn apart there may be no way at all (a
/// leg that turns more than once cannot pass through the body), between these there is one.
const STEPS: usize = 12;
/// Longest of these steps, radians of joint space.
const STEP_RAD: f64 = 2.0;
/// Random states that are tried for a free one, and directions for each step.
const DRAWS: usize = 5_000;
/// Paths are looked at this finely: some robots have thousands of spheres.
const SPACING_RAD: f64 = 1.0 / 64.0;
/// Time for one plan of a limb.
const LIMB_LIMIT: Duration = Duration::from_secs(20);
/// Time for one plan of all joints: random states of many limbs may be tangled beyond any planner.
const WHOLE_LIMIT: Duration = Duration::from_secs(1);
/// Descriptions that are wrong themselves, and what the error has to name.
const BROKEN: [(&str, &str); 2] =
    [("alex_psyonic_hands.urdf", "index_q1"), ("ur3.urdf", "do not form one tree")];

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
    /// Fewer robots that plan with all their joints at once count as a failure.
    #[arg(long, default_value_t = 10)]
    at_least: usize,
}

/// What a robot did.
struct Trial {
    said: String,
    plans_whole: bool,
}

/// Loads every description; every robot of a fitting size plans with its longest limb, and as many
/// as asked for with all joints at once. The last line says `N passed, N failed`.
pub fn run(options: &Options) -> Result<()> {
    let mut files = Vec::new();
    find_urdfs(&options.folder, &mut files)?;
    files.sort();
    let (mut passed, mut failed, mut whole) = (0, 0, 0);
    for file in files.iter().filter(|file| file.to_string_lossy().contains(&options.only)) {
        let name = file.strip_prefix(&options.folder).unwrap_or(file);
        match as_expected(name, try_robot(file, options)) {
            Ok(Trial { said, plans_whole }) => {
                println!("ok      {}: {said}", name.display());
                passed += 1;
                whole += usize::from(plans_whole);
            }
            Err(error) => {
                println!("FAILED  {}: {error:#}", name.display());
                failed += 1;
            }
        }
    }
    let enough = whole >= options.at_least;
    let verdict = if enough { "ok    " } else { "FAILED" };
    println!("{verdict}  {whole} robots plan with all joints, at least {}", options.at_least);
    (passed, failed) = (passed + u32::from(enough), failed + u32::from(!enough));
    println!("{passed} passed, {failed} failed");
    ensure!(failed == 0, "{failed} robots failed");
    Ok(())
}

/// A description that is wrong itself must be refused, with what is wrong in it.
fn as_expected(name: &Path, outcome: Result<Trial>) -> Result<Trial> {
    let Some((_, wrong)) = BROKEN.iter().find(|(file, _)| name.ends_with(file)) else {
        return outcome;
    };
    match outcome {
        Err(error) if error.to_string().contains(wrong) => {
            Ok(Trial { said: format!("is refused for '{wrong}'"), plans_whole: false })
        }
        Err(error) => Err(error.context(format!("should be refused for '{wrong}'"))),
        Ok(_) => bail!("should be refused for '{wrong}'"),
    }
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

fn try_robot(file: &Path, options: &Options) -> Result<Trial> {
    let urdf = std::fs::read_to_string(file)?;
    let (robot, spent) = timed(|| Robot::from_strings(&urdf, None));
    let robot = robot?;
    let (joints, spheres) = (robot.joints().len(), robot.spheres().len());
    let loaded = format!(
        "{joints} joints, {} links, {spheres} spheres, loaded in {:.0} ms",
        robot.links().len(),
        spent.wall_ns as f64 * 1e-6
    );
    let solids = robot.links().iter().filter(|link| !link.collision.is_empty()).count();
    ensure!(spheres >= solids, "{solids} links are solid, but there are {spheres} spheres");
    if !JOINTS.contains(&joints) {
        return Ok(Trial { said: loaded, plans_whole: false });
    }
    let limb = longest_limb(&robot);
    let limb_s = plan_between_random_states(&robot, &limb, LIMB_LIMIT, options)
        .with_context(|| format!("{} joints of a limb", limb.len()))?;
    let said = format!("{loaded}; {} of a limb plan in {:.1} ms", limb.len(), limb_s * 1e3);
    let all: Vec<usize> = (0..joints).collect();
    Ok(match plan_between_random_states(&robot, &all, WHOLE_LIMIT, options) {
        Ok(whole_s) => Trial {
            said: format!("{said}, all in {:.1} ms", whole_s * 1e3),
            plans_whole: spheres > 0,
        },
        Err(error) => Trial { said: format!("{said}, all do not: {error:#}"), plans_whole: false },
    })
}

/// The joints on the way from the root to the link with the most of them.
fn longest_limb(robot: &Robot) -> Vec<usize> {
    let joints_to = |mut link: usize| {
        let mut joints = BTreeSet::new();
        loop {
            let body = &robot.links()[link];
            if let Motion::Turn { variable, .. } | Motion::Slide { variable, .. } = body.motion {
                joints.insert(variable.index);
            }
            match body.parent {
                Some(parent) => link = parent,
                None => return joints,
            }
        }
    };
    let limbs = (0..robot.links().len()).map(joints_to);
    limbs.max_by_key(BTreeSet::len).unwrap_or_default().into_iter().collect()
}

/// The longest time of a plan, seconds; every path has passed the plain checker.
fn plan_between_random_states(
    robot: &Robot,
    joints: &[usize],
    limit: Duration,
    options: &Options,
) -> Result<f64> {
    let bounds: Vec<(f64, f64)> = joints.iter().map(|&j| bounds_of(&robot.joints()[j])).collect();
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let mut draw =
        || -> Vec<f64> { bounds.iter().map(|&(lo, hi)| random.random_range(lo..=hi)).collect() };
    let plain = PlainChecker::new(robot, joints, &robot.neutral());
    let (mut plain, may_touch) = without_constant_contacts(plain, robot, joints, &mut draw);
    let mut scene = Scene::default();
    for &(a, b) in &may_touch {
        scene.allowed.set(&robot.links()[a].name, &robot.links()[b].name, true);
    }
    let checker = Checker::new(robot, &scene, joints, &robot.neutral())?;
    let mut space = Space { checker, bounds: &bounds };
    let mut search = RrtConnect::new(RrtConnectConfig::default());
    let mut slowest_s = 0.0_f64;
    for plan in 0..options.plans {
        let start = (0..DRAWS).map(|_| draw()).find(|q| space.checker.is_free(q));
        let start = start.with_context(|| format!("none of {DRAWS} random states is free"))?;
        let goals = vec![walk(&start, &mut space, &mut draw)];
        let begun = Instant::now();
        let deadline = Some(begun + limit);
        let budget = Budget { deadline, ..Budget::iterations(u32::MAX) };
        let seed = options.seed + u64::from(plan);
        let mut path = search.plan(&mut space, &start, &goals, seed, &budget)?.path;
        simplify(&mut space, &mut path, &SimplifyConfig::default(), seed, &budget);
        slowest_s = slowest_s.max(begun.elapsed().as_secs_f64());
        let (scene, obstacles) = ("itself".to_owned(), Obstacles::default());
        let problem = Problem { scene, index: plan, start, goals, valid: true, obstacles };
        if let Some(fault) = path_check::fault_of(&path, SPACING_RAD, &problem, &bounds, &mut plain)
        {
            bail!("the path of plan {plan} {fault}");
        }
    }
    Ok(slowest_s)
}

/// Where random free steps lead to.
fn walk(start: &[f64], space: &mut Space<'_>, draw: &mut impl FnMut() -> Vec<f64>) -> Vec<f64> {
    let mut here = start.to_vec();
    for _ in 0..STEPS {
        let towards = |target: Vec<f64>| -> Vec<f64> {
            let share = (STEP_RAD / distance(&here, &target)).min(1.0);
            here.iter().zip(&target).map(|(from, to)| from + share * (to - from)).collect()
        };
        let mut steps = (0..DRAWS).map(|_| towards(draw()));
        let Some(next) = steps.find(|next| space.checker.edge_is_free(&here, next)) else { break };
        here = next;
    }
    here
}

/// Pairs of links that touch at rest or nearly always may touch, as MoveIt's set-up assistant has
/// it: these descriptions come without their semantics.
fn without_constant_contacts<'a>(
    mut plain: PlainChecker<'a>,
    robot: &Robot,
    joints: &[usize],
    draw: &mut impl FnMut() -> Vec<f64>,
) -> (PlainChecker<'a>, BTreeSet<(usize, usize)>) {
    let neutral = robot.neutral();
    let rest: Vec<f64> = joints.iter().map(|&joint| neutral[joint]).collect();
    let mut may_touch = plain.touching_links(&rest);
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

/// Where states are drawn: joints that turn on and on (wheels) are turned once either way.
fn bounds_of(joint: &Joint) -> (f64, f64) {
    let turn = std::f64::consts::TAU;
    (joint.lower.max(-turn), joint.upper.min(turn))
}
