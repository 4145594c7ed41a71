//! Plans and simplifies every valid problem of a benchmark set on one thread:
//! `plan_benchmark BENCH_DIR ROBOT [--rounds N] [--seed N] [--check yes]
//! [--instructions avx512|avx2|plain]`.
//!
//! Times are those of the thread's own clock, so that a busy machine changes them little; each
//! problem is solved `--rounds` times and its fastest round counts, as in the peers' figures. With
//! `--check` every path is held against the plain twin at 1/512 rad.

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{numbers, problems, robot, scene};
use praxis_collision::{Checker, Instructions, Scene};
use praxis_planning::{
    Budget, JointSpace, PlanError, RrtConnect, RrtConnectConfig, SimplifyConfig, distance,
    path_length, simplify,
};
use praxis_robot::Robot;
use rustix::time::{ClockId, clock_gettime};

/// Samples of the fine check, per radian.
const FINE_PER_RAD: f64 = 512.0;

struct Space<'a> {
    checker: Checker<'a>,
    bounds: &'a [(f64, f64)],
    edges: u32,
}

impl JointSpace for Space<'_> {
    fn dim(&self) -> usize {
        self.bounds.len()
    }
    fn bounds(&self) -> &[(f64, f64)] {
        self.bounds
    }
    fn is_free(&mut self, q: &[f64]) -> bool {
        self.checker.is_free(q)
    }
    fn free_among(&mut self, qs: &[f64]) -> u32 {
        self.checker.free_among(qs)
    }
    fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
        self.edges += 1;
        self.checker.edge_is_free(a, b)
    }
}

/// What one problem took, and the path.
type Round = (Cost, Vec<Vec<f64>>);

/// What one problem took; times in µs.
#[derive(Clone, Copy, Default)]
struct Cost {
    build_us: f64,
    plan_us: f64,
    simplify_us: f64,
    wall_us: f64,
    initial_rad: f64,
    rad: f64,
    edges: [f64; 2],
    blocks: [f64; 2],
    iterations: f64,
}

impl Cost {
    fn plan_and_simplify_us(&self) -> f64 {
        self.plan_us + self.simplify_us
    }
}

struct Setting<'a> {
    robot: &'a Robot,
    joints: &'a [usize],
    bounds: &'a [(f64, f64)],
    seed: u64,
    simplifying: SimplifyConfig,
    instructions: Instructions,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, name, options @ ..] = &arguments[..] else { return Err("BENCH_DIR ROBOT".into()) };
    let option = |wanted: &str| {
        options.chunks_exact(2).find(|o| o[0].trim_start_matches("--") == wanted).map(|o| &o[1])
    };
    let rounds: u32 = option("rounds").map_or(Ok(5), |n| n.parse())?;
    let (robot, set) = (robot(Path::new(dir), name), problems(Path::new(dir), name));
    let joints = set["joints"]
        .as_array()
        .ok_or("no joints")?
        .iter()
        .map(|joint| robot.joint_index(joint.as_str().unwrap_or_default()))
        .collect::<Result<Vec<usize>, _>>()?;
    let bounds: Vec<(f64, f64)> =
        numbers(&set["lower"]).into_iter().zip(numbers(&set["upper"])).collect();
    let seed = option("seed").map_or(Ok(1), |n| n.parse())?;
    let mut simplifying = SimplifyConfig::default();
    if let Some(tries) = option("tries") {
        simplifying.random_tries = tries.parse()?;
    }
    if let Some(rounds) = option("most") {
        simplifying.max_rounds = rounds.parse()?;
    }
    if let Some(gain) = option("gain") {
        simplifying.least_gain = gain.parse()?;
    }
    let available = Instructions::available();
    let instructions = match option("instructions") {
        None => available[0],
        Some(wanted) => *available
            .iter()
            .find(|one| format!("{one:?}").eq_ignore_ascii_case(wanted))
            .ok_or_else(|| format!("--instructions {wanted}: this processor has {available:?}"))?,
    };
    println!("{instructions:?} of {available:?}");
    let setting = Setting {
        robot: &robot,
        joints: &joints,
        bounds: &bounds,
        seed,
        simplifying,
        instructions,
    };

    let mut search = RrtConnectConfig::default();
    if let Some(edge) = option("edge") {
        search.max_edge_rad = edge.parse()?;
    }
    if let Some(reach) = option("reach") {
        search.first_reach_rad = reach.parse()?;
    }
    if let Some(change) = option("change") {
        search.reach_change = change.parse()?;
    }
    let mut planner = RrtConnect::new(search);
    let (mut valid, mut invalid_paths) = (0, 0);
    let mut scenes: BTreeMap<String, Vec<Cost>> = BTreeMap::new();
    for problem in set["problems"].as_array().ok_or("no problems")? {
        if problem["valid"].as_bool() != Some(true) {
            continue;
        }
        valid += 1;
        let scene = scene(problem);
        let start = numbers(&problem["start"]);
        let goals: Vec<Vec<f64>> =
            problem["goals"].as_array().ok_or("no goals")?.iter().map(numbers).collect();
        let mut best: Option<Round> = None;
        for _ in 0..rounds {
            match solve(&setting, &mut planner, &scene, &start, &goals) {
                Ok(round) => best = Some(faster(best, round)),
                Err(error) => {
                    println!("unsolved: {} {}: {error}", problem["scene"], problem["index"]);
                    break;
                }
            }
        }
        let Some((cost, path)) = best else { continue };
        scenes.entry(problem["scene"].as_str().unwrap_or("").to_owned()).or_default().push(cost);
        if option("check").is_some() && !is_free_everywhere(&setting, &scene, &path) {
            println!("invalid: {} {}", problem["scene"], problem["index"]);
            invalid_paths += 1;
        }
    }
    let all: Vec<Cost> = scenes.values().flatten().copied().collect();
    println!("{name}: {} of {valid} solved, {invalid_paths} paths fail the fine check", all.len());
    report(&all, &scenes);
    Ok(())
}

fn faster(best: Option<Round>, round: Round) -> Round {
    match best {
        Some(best) if best.0.plan_and_simplify_us() <= round.0.plan_and_simplify_us() => best,
        _ => round,
    }
}

fn solve(
    setting: &Setting<'_>,
    planner: &mut RrtConnect,
    scene: &Scene,
    start: &[f64],
    goals: &[Vec<f64>],
) -> Result<Round, Box<dyn std::error::Error>> {
    let Setting { robot, joints, bounds, seed, .. } = *setting;
    let mut cost = Cost::default();
    let state = robot.neutral();
    let began_us = thread_us();
    let checker =
        Checker::new(robot, scene, joints, &state)?.with_instructions(setting.instructions);
    cost.build_us = thread_us() - began_us;
    let mut space = Space { checker, bounds, edges: 0 };
    let began = Instant::now();
    let budget =
        Budget { deadline: Some(began + Duration::from_secs(1)), ..Budget::iterations(u32::MAX) };
    let began_us = thread_us();
    let found = planner.plan(&mut space, start, goals, seed, &budget);
    cost.plan_us = thread_us() - began_us;
    let found = found.map_err(|error: PlanError| error.to_string())?;
    (cost.edges[0], cost.blocks[0]) = (f64::from(space.edges), space.checker.blocks() as f64);
    let mut path = found.path;
    cost.initial_rad = path_length(&path);
    cost.iterations = f64::from(found.iterations);
    let began_us = thread_us();
    simplify(&mut space, &mut path, &setting.simplifying, seed, &budget);
    cost.simplify_us = thread_us() - began_us;
    cost.wall_us = began.elapsed().as_secs_f64() * 1e6;
    cost.edges[1] = f64::from(space.edges) - cost.edges[0];
    cost.blocks[1] = space.checker.blocks() as f64 - cost.blocks[0];
    cost.rad = path_length(&path);
    Ok((cost, path))
}

fn is_free_everywhere(setting: &Setting<'_>, scene: &Scene, path: &[Vec<f64>]) -> bool {
    let Ok(mut checker) =
        Checker::new(setting.robot, scene, setting.joints, &setting.robot.neutral())
    else {
        return false;
    };
    path.windows(2).all(|pair| {
        let steps = (distance(&pair[0], &pair[1]) * FINE_PER_RAD).ceil().max(1.0) as usize;
        (0..=steps).all(|k| {
            let share = k as f64 / steps as f64;
            let q: Vec<f64> =
                pair[0].iter().zip(&pair[1]).map(|(a, b)| a + share * (b - a)).collect();
            checker.clearance_m(&q) >= -1e-6
        })
    })
}

/// Processor time of this thread, µs.
fn thread_us() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 * 1e-3
}

fn report(all: &[Cost], scenes: &BTreeMap<String, Vec<Cost>>) {
    let show = |name: &str, of: &dyn Fn(&Cost) -> f64| {
        let [median, mean, p95, max] = figures(all.iter().map(of).collect());
        println!("{name:24} median {median:8.1}  mean {mean:8.1}  p95 {p95:8.1}  max {max:8.1}");
    };
    show("checker built, µs", &|c| c.build_us);
    show("plan, µs", &|c| c.plan_us);
    show("simplify, µs", &|c| c.simplify_us);
    show("plan + simplify, µs", &Cost::plan_and_simplify_us);
    show("all three, µs", &|c| c.build_us + c.plan_and_simplify_us());
    show("same, wall clock, µs", &|c| c.build_us + c.wall_us);
    show("cost of search, rad", &|c| c.initial_rad);
    show("cost, rad", &|c| c.rad);
    show("iterations", &|c| c.iterations);
    show("edges of search", &|c| c.edges[0]);
    show("edges of simplify", &|c| c.edges[1]);
    show("blocks of search", &|c| c.blocks[0]);
    show("blocks of simplify", &|c| c.blocks[1]);
    for (scene, costs) in scenes {
        let [us, _, us_95, _] = figures(costs.iter().map(Cost::plan_and_simplify_us).collect());
        let [rad, ..] = figures(costs.iter().map(|c| c.rad).collect());
        println!("  {scene:20} {us:7.1} µs, p95 {us_95:7.1} µs, {rad:5.2} rad");
    }
}

/// Median, mean, 95th percentile and largest.
fn figures(mut values: Vec<f64>) -> [f64; 4] {
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return [f64::NAN; 4] };
    let at = |share: f64| values[(share * last as f64).round() as usize];
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    [at(0.5), mean, at(0.95), values[last]]
}
