//! Times the simplified path of every valid problem of a benchmark set and judges each motion at
//! 1 kHz: `timing_benchmark BENCH_DIR ROBOT [LINES_FILE]`.
//!
//! Times are those of the thread's own clock, the best of several rounds. The lines file gets one
//! JSON object a problem, with the path, for peers to be measured on the same paths.

#[path = "../../praxis_collision/tests/common/mod.rs"]
mod common;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{numbers, problems, robot, scene};
use praxis_collision::Checker;
use praxis_motion::time_free_path;
use praxis_planning::{Budget, JointSpace, RrtConnect, RrtConnectConfig, SimplifyConfig, simplify};
use praxis_trajectory::{JointLimit, JointLimits, JointSample, Trajectory, time_path};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// How far corners may be rounded, radians of joint space.
const DEVIATION_RAD: f64 = 0.2;
/// Each timing is the best of so many.
const ROUNDS: u32 = 3;
/// Deeper contact than this counts as a collision, metres.
const CONTACT_M: f64 = 1e-6;

struct Space<'a> {
    checker: Checker<'a>,
    bounds: Vec<(f64, f64)>,
    edges: u32,
}

impl JointSpace for Space<'_> {
    fn dim(&self) -> usize {
        self.bounds.len()
    }
    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }
    fn is_free(&mut self, q: &[f64]) -> bool {
        self.checker.is_free(q)
    }
    fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
        self.edges += 1;
        self.checker.edge_is_free(a, b)
    }
}

/// What became of one path.
struct Outcome {
    /// Timing with all corners rounded, nothing checked, µs.
    bare_us: f64,
    /// Timing with rounded corners checked, µs of processor and of wall clock.
    free_us: f64,
    free_wall_us: f64,
    edges: u32,
    motion_s: f64,
    knots: usize,
    judged: Judged,
}

/// What sampling at 1 kHz found.
#[derive(Default)]
struct Judged {
    /// Largest shares of the limits: velocity, acceleration, jerk.
    shares: [f64; 3],
    deepest_m: f64,
    /// Farthest off the path, radians.
    off_path_rad: f64,
    ends_exactly: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, name, rest @ ..] = &arguments[..] else { return Err("BENCH_DIR ROBOT".into()) };
    let dir = Path::new(dir);
    let (robot, set) = (robot(dir, name), problems(dir, name));
    let names: Vec<String> = set["joints"]
        .as_array()
        .ok_or("no joints")?
        .iter()
        .map(|joint| joint.as_str().unwrap_or_default().to_owned())
        .collect();
    let joints =
        names.iter().map(|joint| robot.joint_index(joint)).collect::<Result<Vec<usize>, _>>()?;
    let limits = limits_of(&std::fs::read_to_string(dir.join("limits.json"))?, name, &names)?;
    let bounds: Vec<(f64, f64)> =
        numbers(&set["lower"]).into_iter().zip(numbers(&set["upper"])).collect();
    let mut lines = rest.first().map(std::fs::File::create).transpose()?;
    let mut planner = RrtConnect::new(RrtConnectConfig::default());
    let mut outcomes = Vec::new();
    for problem in set["problems"].as_array().ok_or("no problems")? {
        if problem["valid"].as_bool() != Some(true) {
            continue;
        }
        let scene = scene(problem);
        let checker = Checker::new(&robot, &scene, &joints, &robot.neutral())?;
        let mut space = Space { checker, bounds: bounds.clone(), edges: 0 };
        let Some(path) = planned(&mut planner, &mut space, problem) else {
            println!("unsolved: {} {}", problem["scene"], problem["index"]);
            continue;
        };
        let outcome = timed(&mut space, &names, &path, &limits)?;
        if let Some(lines) = &mut lines {
            let line = json!({
                "scene": problem["scene"], "index": problem["index"], "solved": true,
                "path": path, "motion_duration_s": outcome.motion_s,
                "timing_ns": (outcome.free_us * 1e3) as u64,
                "deepest_m": outcome.judged.deepest_m,
            });
            writeln!(lines, "{line}")?;
        }
        outcomes.push(outcome);
    }
    report(name, &outcomes);
    Ok(())
}

fn limits_of(
    text: &str,
    robot: &str,
    joints: &[String],
) -> Result<JointLimits, Box<dyn std::error::Error>> {
    let file: Value = serde_json::from_str(text)?;
    let number = |joint: &str, what: &str| {
        file["robots"][robot][joint][what].as_f64().ok_or(format!("{joint} has no {what} limit"))
    };
    let mut limits = Vec::new();
    for joint in joints {
        limits.push(JointLimit::new(
            number(joint, "velocity")?,
            number(joint, "acceleration")?,
            number(joint, "jerk")?,
        ));
    }
    Ok(JointLimits::new(limits)?)
}

fn planned(
    planner: &mut RrtConnect,
    space: &mut Space<'_>,
    problem: &Value,
) -> Option<Vec<Vec<f64>>> {
    let goals: Vec<Vec<f64>> = problem["goals"].as_array()?.iter().map(numbers).collect();
    let start = numbers(&problem["start"]);
    let deadline = Some(Instant::now() + Duration::from_secs(20));
    let budget = Budget { deadline, ..Budget::iterations(u32::MAX) };
    let mut path = planner.plan(space, &start, &goals, 1, &budget).ok()?.path;
    simplify(space, &mut path, &SimplifyConfig::default(), 1, &budget);
    Some(path)
}

fn timed(
    space: &mut Space<'_>,
    names: &[String],
    path: &[Vec<f64>],
    limits: &JointLimits,
) -> Result<Outcome, Box<dyn std::error::Error>> {
    let (mut bare_us, mut free_us, mut free_wall_us) = (f64::MAX, f64::MAX, f64::MAX);
    let mut motion = None;
    for _ in 0..ROUNDS {
        let began_us = thread_us();
        time_path(names.to_vec(), path, limits, DEVIATION_RAD)?;
        bare_us = bare_us.min(thread_us() - began_us);

        space.edges = 0;
        let (began_us, began) = (thread_us(), Instant::now());
        motion = Some(time_free_path(space, names, path, limits, DEVIATION_RAD)?);
        free_us = free_us.min(thread_us() - began_us);
        free_wall_us = free_wall_us.min(began.elapsed().as_secs_f64() * 1e6);
    }
    let motion = motion.ok_or("no rounds")?;
    Ok(Outcome {
        bare_us,
        free_us,
        free_wall_us,
        edges: space.edges,
        motion_s: motion.duration_s(),
        knots: motion.knot_count(),
        judged: judged(&mut space.checker, &motion, path, limits),
    })
}

fn judged(
    checker: &mut Checker<'_>,
    motion: &Trajectory,
    path: &[Vec<f64>],
    limits: &JointLimits,
) -> Judged {
    let ends_exactly = motion.position(0) == path[0].as_slice()
        && motion.last_position() == path[path.len() - 1].as_slice();
    let mut found = Judged { ends_exactly, ..Judged::default() };
    let mut before = motion.sample(0.0);
    let (mut here, mut cursor) = (JointSample::zeros(motion.dim()), 0);
    for step in 1..=(motion.duration_s() * 1e3) as usize {
        motion.sample_into(step as f64 * 1e-3, &mut cursor, &mut here);
        for (i, limit) in limits.joints().iter().enumerate() {
            let jerk = (here.acceleration[i] - before.acceleration[i]) / 1e-3;
            let used = [
                here.velocity[i] / limit.velocity,
                here.acceleration[i] / limit.acceleration,
                jerk / limit.jerk,
            ];
            for (share, used) in found.shares.iter_mut().zip(used) {
                *share = share.max(used.abs());
            }
        }
        if !checker.is_free(&here.position) {
            found.deepest_m = found.deepest_m.max(-checker.clearance_m(&here.position));
        }
        found.off_path_rad = found.off_path_rad.max(off_path_rad(&here.position, path));
        std::mem::swap(&mut before, &mut here);
    }
    found
}

/// Distance from the nearest edge of a path.
fn off_path_rad(q: &[f64], path: &[Vec<f64>]) -> f64 {
    let to_edge = |pair: &[Vec<f64>]| {
        let (a, b) = (&pair[0], &pair[1]);
        let dot = |f: &dyn Fn(usize) -> f64| (0..q.len()).map(f).sum::<f64>();
        let length2 = dot(&|i| (b[i] - a[i]).powi(2)).max(f64::MIN_POSITIVE);
        let t = (dot(&|i| (q[i] - a[i]) * (b[i] - a[i])) / length2).clamp(0.0, 1.0);
        dot(&|i| (q[i] - a[i] - t * (b[i] - a[i])).powi(2)).sqrt()
    };
    path.windows(2).map(to_edge).fold(f64::INFINITY, f64::min)
}

/// Processor time of this thread, µs.
fn thread_us() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 * 1e-3
}

fn report(name: &str, outcomes: &[Outcome]) {
    println!("{name}: {} motions", outcomes.len());
    let show = |what: &str, value: &dyn Fn(&Outcome) -> f64| {
        let mut values: Vec<f64> = outcomes.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
        let (median, p95, most) = (at(0.5), at(0.95), at(1.0));
        println!("{what:28} median {median:9.4} mean {mean:9.4} p95 {p95:9.4} max {most:9.4}");
    };
    show("timing alone, µs", &|o| o.bare_us);
    show("timing, corners checked, µs", &|o| o.free_us);
    show("the same by wall clock, µs", &|o| o.free_wall_us);
    show("edges checked", &|o| f64::from(o.edges));
    show("knots", &|o| o.knots as f64);
    show("motion, s", &|o| o.motion_s);
    for (index, what) in ["velocity share", "acceleration share", "jerk share"].iter().enumerate() {
        show(what, &|o| o.judged.shares[index]);
    }
    show("off the path, rad", &|o| o.judged.off_path_rad);
    show("deepest contact, mm", &|o| o.judged.deepest_m * 1e3);
    let count = |holds: &dyn Fn(&Judged) -> bool| {
        outcomes.iter().filter(|outcome| holds(&outcome.judged)).count()
    };
    println!(
        "{} motions beyond a limit, {} in collision, {} miss an end",
        count(&|j| j.shares.iter().any(|&share| share > 1.0 + 1e-6)),
        count(&|j| j.deepest_m > CONTACT_M),
        count(&|j| !j.ends_exactly),
    );
}
