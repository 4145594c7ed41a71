//! Plans and simplifies every valid problem of a benchmark set and checks each path finely with
//! the plain twin: `plan_benchmark BENCH_DIR ROBOT`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::time::Instant;

use common::{numbers, problems, robot, scene};
use praxis_collision::Checker;
use praxis_planning::{
    Budget, JointSpace, RrtConnect, RrtConnectConfig, SimplifyConfig, distance, path_length,
    simplify,
};

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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, name] = &arguments[..] else { return Err("BENCH_DIR ROBOT".into()) };
    let (robot, set) = (robot(Path::new(dir), name), problems(Path::new(dir), name));
    let joints = set["joints"]
        .as_array()
        .ok_or("no joints")?
        .iter()
        .map(|joint| robot.joint_index(joint.as_str().unwrap_or_default()))
        .collect::<Result<Vec<usize>, _>>()?;
    let bounds: Vec<(f64, f64)> =
        numbers(&set["lower"]).into_iter().zip(numbers(&set["upper"])).collect();
    let (mut valid, mut solved, mut invalid_paths, mut edges) = (0, 0, 0, 0);
    let (mut total_us, mut plan_us, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    let mut build_us = Vec::new();
    let mut planner = RrtConnect::new(RrtConnectConfig::default());
    for problem in set["problems"].as_array().ok_or("no problems")? {
        if problem["valid"].as_bool() != Some(true) {
            continue;
        }
        valid += 1;
        let scene = scene(problem);
        let goals: Vec<Vec<f64>> =
            problem["goals"].as_array().ok_or("no goals")?.iter().map(numbers).collect();
        let start = numbers(&problem["start"]);
        let began = Instant::now();
        let checker = Checker::new(&robot, &scene, &joints, &robot.neutral())?;
        build_us.push(began.elapsed().as_secs_f64() * 1e6);
        let mut space = Space { checker, bounds: bounds.clone(), edges: 0 };
        let deadline = Some(Instant::now() + std::time::Duration::from_secs(1));
        let budget = Budget { deadline, ..Budget::iterations(u32::MAX) };
        let began = Instant::now();
        let Ok(found) = planner.plan(&mut space, &start, &goals, 1, &budget) else {
            println!("unsolved: {} {}", problem["scene"], problem["index"]);
            continue;
        };
        plan_us.push(began.elapsed().as_secs_f64() * 1e6);
        let mut path = found.path;
        simplify(&mut space, &mut path, &SimplifyConfig::default(), 1, &budget);
        total_us.push(began.elapsed().as_secs_f64() * 1e6);
        solved += 1;
        edges += space.edges;
        costs.push(path_length(&path));
        let fine = path.windows(2).all(|pair| {
            let steps = (distance(&pair[0], &pair[1]) * 512.0).ceil().max(1.0) as usize;
            (0..=steps).all(|k| {
                let share = k as f64 / steps as f64;
                let q: Vec<f64> =
                    pair[0].iter().zip(&pair[1]).map(|(a, b)| a + share * (b - a)).collect();
                space.checker.clearance_m(&q) >= -1e-6
            })
        });
        invalid_paths += u32::from(!fine);
    }
    let figures = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        format!("median {:.1} mean {mean:.1} p95 {:.1} max {:.1}", at(0.5), at(0.95), at(1.0))
    };
    println!("{name}: {solved} of {valid} solved, {invalid_paths} paths fail the fine check");
    println!("checker built, µs: {}", figures(&mut build_us));
    println!("plan, µs: {}", figures(&mut plan_us));
    println!("plan + simplify, µs: {}", figures(&mut total_us));
    println!(
        "cost, rad: {}; {:.1} edges a problem",
        figures(&mut costs),
        f64::from(edges) / f64::from(solved)
    );
    Ok(())
}
