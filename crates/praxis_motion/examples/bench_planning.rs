//! Plans every valid problem of a file on one thread and prints the figures:
//! `bench_planning --urdf F --srdf F --problems F [--limits F] [--lines F] [--seed N]`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use praxis_motion::benchmark::{Benchmark, Figures, Line, ProblemFile, cost};
use praxis_planning::RrtConnectConfig;
use praxis_robot::Robot;
use praxis_trajectory::{JointLimit, JointLimits};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options: BTreeMap<&str, &str> = arguments
        .chunks_exact(2)
        .map(|pair| (pair[0].trim_start_matches("--"), pair[1].as_str()))
        .collect();
    let need = |name: &str| options.get(name).copied().ok_or(format!("--{name} is missing"));
    let file = ProblemFile::read(Path::new(need("problems")?))?;
    let (urdf, srdf) =
        (std::fs::read_to_string(need("urdf")?)?, std::fs::read_to_string(need("srdf")?)?);
    let begun = Instant::now();
    let robot = Robot::from_strings(&urdf, Some(&srdf))?;
    println!("robot loaded in {:?}: {} spheres", begun.elapsed(), robot.spheres().len());
    let limits = match options.get("limits") {
        Some(path) => Some(limits_of(&std::fs::read_to_string(path)?, &file.joints)?),
        None => None,
    };
    let mut search = RrtConnectConfig::default();
    if let Some(edge) = options.get("edge") {
        search.max_edge_rad = edge.parse()?;
    }
    let seed = options.get("seed").map_or(Ok(0), |seed| seed.parse())?;
    let mut benchmark = Benchmark::new(robot, &file, limits, search, Duration::from_secs(1))?;
    let mut lines: Vec<Line> = Vec::new();
    for problem in file.problems.iter().filter(|problem| problem.valid) {
        lines.push(benchmark.solve(problem, seed)?);
    }
    if let Some(path) = options.get("lines") {
        let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
        for line in &lines {
            writeln!(out, "{}", serde_json::to_string(line)?)?;
        }
    }
    report(&lines);
    Ok(())
}

fn limits_of(text: &str, joints: &[String]) -> Result<JointLimits, Box<dyn std::error::Error>> {
    let file: serde_json::Value = serde_json::from_str(text)?;
    let robots = file["robots"].as_object().ok_or("limits have no 'robots'")?;
    let found = robots.values().find(|robot| joints.iter().all(|j| !robot[j].is_null()));
    let robot = found.ok_or("no robot in the limits has all joints")?;
    let number = |joint: &str, what: &str| robot[joint][what].as_f64().unwrap_or(f64::NAN);
    let limit = |joint: &String| {
        JointLimit::new(
            number(joint, "velocity"),
            number(joint, "acceleration"),
            number(joint, "jerk"),
        )
    };
    Ok(JointLimits::new(joints.iter().map(limit).collect())?)
}

fn report(lines: &[Line]) {
    let solved: Vec<&Line> = lines.iter().filter(|line| line.solved).collect();
    println!("solved {} of {}", solved.len(), lines.len());
    for line in lines.iter().filter(|line| !line.solved) {
        println!("  {} {}: {}", line.scene, line.index, line.reason.as_deref().unwrap_or(""));
    }
    let show = |name: &str, value: &dyn Fn(&Line) -> Option<f64>| {
        if let Some(f) = Figures::of(solved.iter().filter_map(|line| value(line)).collect()) {
            println!(
                "{name:22} median {:9.2}  mean {:9.2}  p95 {:9.2}  max {:9.2}",
                f.median, f.mean, f.p95, f.max
            );
        }
    };
    show("plan µs", &|l| Some(l.plan_ns as f64 * 1e-3));
    show("simplify µs", &|l| Some(l.simplify_ns as f64 * 1e-3));
    show("plan + simplify µs", &|l| Some((l.plan_ns + l.simplify_ns) as f64 * 1e-3));
    show("timing µs", &|l| l.timing_ns.map(|ns| ns as f64 * 1e-3));
    show("cost initial rad", &|l| Some(cost(&l.path_initial)));
    show("cost rad", &|l| Some(cost(&l.path)));
    show("motion s", &|l| l.motion_duration_s);
    let scenes: std::collections::BTreeSet<&String> = lines.iter().map(|l| &l.scene).collect();
    for scene in scenes {
        let of: Vec<&&Line> = solved.iter().filter(|l| &l.scene == scene).collect();
        let time =
            Figures::of(of.iter().map(|l| (l.plan_ns + l.simplify_ns) as f64 * 1e-3).collect());
        let costs = Figures::of(of.iter().map(|l| cost(&l.path)).collect());
        if let (Some(time), Some(costs)) = (time, costs) {
            println!("  {scene:20} {:8.1} µs  {:6.3} rad", time.median, costs.median);
        }
    }
}
