//! Against the benchmark's own verdicts, where its files are.

mod common;

use std::path::{Path, PathBuf};

use nalgebra::Point3;
use praxis_collision::{Checker, Instructions, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_robot::Robot;
use serde_json::Value;

use common::{numbers, problems, robot, scene};

fn bench_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("PRAXIS_BENCH_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/bench"),
        PathBuf::from,
    );
    if dir.join("panda.json.gz").is_file() {
        return Some(dir);
    }
    eprintln!("skipped: no panda.json.gz in {}", dir.display());
    None
}

fn joints(robot: &Robot, set: &Value) -> Vec<usize> {
    let names = set["joints"].as_array().unwrap().iter();
    names.map(|joint| robot.joint_index(joint.as_str().unwrap()).unwrap()).collect()
}

/// Is it a verdict that double precision and the plain twin share with the kernels?
fn judge(checker: &mut Checker<'_>, q: &[f64]) -> bool {
    let free = checker.is_free(q);
    let clearance_m = checker.clearance_m(q);
    assert!(
        free == (clearance_m >= 0.0) || clearance_m.abs() < 1e-5,
        "kernel says {free}, the twin {clearance_m} m at {q:?}"
    );
    free && checker.fixed_contact().is_none()
}

#[test]
fn verdicts_are_the_benchmarks() {
    let Some(dir) = bench_dir() else { return };
    for name in ["panda", "ur5", "fetch"] {
        let (robot, set) = (robot(&dir, name), problems(&dir, name));
        let joints = joints(&robot, &set);
        let (mut count, mut wrong) = (0, Vec::new());
        for problem in set["problems"].as_array().unwrap() {
            let scene = scene(problem);
            let mut checker = Checker::new(&robot, &scene, &joints, &robot.neutral()).unwrap();
            let goals = problem["goals"].as_array().unwrap().iter();
            let verdicts = problem["goals_valid"].as_array().unwrap().iter();
            let asked = goals.zip(verdicts).chain([(&problem["start"], &problem["start_valid"])]);
            for (q, verdict) in asked {
                count += 1;
                if judge(&mut checker, &numbers(q)) != verdict.as_bool().unwrap() {
                    let clearance_m = checker.clearance_m(&numbers(q));
                    wrong.push(format!("{} {}: {clearance_m}", problem["scene"], problem["index"]));
                }
            }
        }
        assert!(count > 1000);
        assert!(wrong.is_empty(), "{name}: {} of {count} differ: {wrong:?}", wrong.len());
    }
}

#[test]
fn edges_called_free_are_free_at_every_fine_sample() {
    let Some(dir) = bench_dir() else { return };
    for name in ["panda", "ur5", "fetch"] {
        edges_are_free_at_every_fine_sample(&dir, name);
    }
}

fn edges_are_free_at_every_fine_sample(dir: &Path, name: &str) {
    let (robot, set) = (robot(dir, name), problems(dir, name));
    let joints = joints(&robot, &set);
    let (mut free, mut refused_though_free, mut random) = (0, 0, 7_u64);
    for problem in set["problems"].as_array().unwrap().iter().step_by(7) {
        let scene = scene(problem);
        let mut checker = Checker::new(&robot, &scene, &joints, &robot.neutral()).unwrap();
        let mut plain = Checker::new(&robot, &scene, &joints, &robot.neutral())
            .unwrap()
            .with_instructions(Instructions::Plain);
        let start = numbers(&problem["start"]);
        for k in 0..6 {
            let reach = [0.02, 0.1, 0.3, 0.6, 1.0, 2.0][k];
            let end: Vec<f64> = start
                .iter()
                .map(|value| {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    value + reach * ((random >> 11) as f64 / (1_u64 << 53) as f64 - 0.5)
                })
                .collect();
            let length = start.iter().zip(&end).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            let steps = (length * 512.0).ceil() as usize;
            let samples_free = (0..=steps).all(|k| {
                let share = k as f64 / steps as f64;
                let q: Vec<f64> =
                    start.iter().zip(&end).map(|(a, b)| a + share * (b - a)).collect();
                checker.clearance_m(&q) >= 0.0
            });
            let answer = checker.edge_is_free(&start, &end);
            assert_eq!(answer, plain.edge_is_free(&start, &end), "fast and plain kernel differ");
            assert!(!answer || samples_free, "{start:?} to {end:?} is called free");
            free += usize::from(answer);
            refused_though_free += usize::from(!answer && samples_free);
        }
    }
    assert!(free > 100, "{free}");
    assert!(refused_though_free <= 4, "{refused_though_free} free edges are refused");
}

#[test]
fn a_cloud_of_one_points_ball_is_that_ball() {
    let Some(dir) = bench_dir() else { return };
    let robot = robot(&dir, "panda");
    let joints: Vec<usize> = (0..7).collect();
    let at = Point3::new(0.45_f32, 0.1, 0.5);
    let points = praxis_collision::PointCloud::new(&[at], 0.2);
    let cloud = Scene { cloud: Some(std::sync::Arc::new(points)), ..Scene::default() };
    let mut ball = Scene::default();
    let pose = Pose::translation(f64::from(at.x), f64::from(at.y), f64::from(at.z));
    ball.objects
        .push(SceneObject::new("ball", &[(Shape::Sphere { radius_m: 0.2 }, pose)]).unwrap());
    let mut one = Checker::new(&robot, &cloud, &joints, &robot.neutral()).unwrap();
    let mut other = Checker::new(&robot, &ball, &joints, &robot.neutral()).unwrap();
    let (mut free, mut touching) = (0, 0);
    for k in 0..400 {
        let q: Vec<f64> = (0..7)
            .map(|j| {
                let joint = &robot.joints()[j];
                let share = f64::from((k * (2 * j as i32 + 3) * 37) % 101) / 100.0;
                joint.lower + share * (joint.upper - joint.lower)
            })
            .collect();
        let clearance_m = other.clearance_m(&q);
        if clearance_m.abs() > 1e-5 {
            assert_eq!(one.is_free(&q), other.is_free(&q));
            assert!((one.clearance_m(&q) - clearance_m).abs() < 1e-5);
            if clearance_m > 0.0 { free += 1 } else { touching += 1 }
        }
    }
    assert!(free > 20 && touching > 20, "{free} {touching}");
}
