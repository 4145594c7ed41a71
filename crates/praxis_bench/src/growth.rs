use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use nalgebra::{Point3, Vector3};
use praxis_collision::{Checker, PointCloud, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_robot::Robot;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::chart::{Chart, Series, svg};
use crate::planning::write;
use crate::stopwatch::timed;

/// Length of the edges that are asked for, radians.
const EDGE_RAD: f64 = 0.5;
/// Edges of one measurement, and its repetitions, of which the fastest counts.
const EDGES: usize = 400;
const ROUNDS: usize = 7;
/// Length of the stretched arm, metres.
const ARM_M: f64 = 1.0;
/// Joints, links a joint, and obstacles where they are not what grows.
const JOINTS: usize = 7;
const OBSTACLES: usize = 16;
/// Radius of a measured point, metres.
const POINT_RADIUS_M: f32 = 0.0025;

/// Options of `growth`.
#[derive(Args)]
pub struct Options {
    /// File for the charts.
    #[arg(long, default_value = "docs/growth.svg")]
    svg: PathBuf,
    /// Seed of scenes and edges.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Nanoseconds of one edge, and of preparing for a query.
struct Measured {
    edge_ns: f64,
    prepare_ns: f64,
}

/// Measures how the time grows with obstacles, points, links and joints, and draws it.
pub fn run(options: &Options) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let arm = chain(JOINTS, 1)?;
    let mut charts = Vec::new();
    let mut chart = |title: &str,
                     counts: &[usize],
                     measure: &mut dyn FnMut(usize) -> Result<Measured>| {
        let (mut edges, mut preparing) = (Vec::new(), Vec::new());
        for &count in counts {
            let Measured { edge_ns, prepare_ns } = measure(count)?;
            println!("{count:7} {title:22} edge {edge_ns:9.0} ns, prepared in {prepare_ns:9.0} ns");
            edges.push((count as f64, edge_ns * 1e-3));
            preparing.push((count as f64, prepare_ns * 1e-3));
        }
        charts.push(Chart {
            title: title.to_owned(),
            series: vec![
                Series { name: format!("edge of {EDGE_RAD} rad, µs"), points: edges },
                Series { name: "preparing for a query, µs".to_owned(), points: preparing },
            ],
        });
        Ok::<(), anyhow::Error>(())
    };

    chart("obstacles", &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512], &mut |count| {
        measure(&arm, &boxes(count, &mut random), options.seed)
    })?;
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    chart("measured points", &[1_000, 3_000, 10_000, 30_000, 50_000, 100_000], &mut |count| {
        let points = shell(count, &mut random);
        let (cloud, spent) = timed(|| PointCloud::new(&points, POINT_RADIUS_M));
        let scene = Scene { cloud: Some(Arc::new(cloud)), ..Scene::default() };
        let mut measured = measure(&arm, &scene, options.seed)?;
        measured.prepare_ns += spent.cpu_ns as f64;
        Ok(measured)
    })?;
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let scene = boxes(OBSTACLES, &mut random);
    chart("links", &[7, 14, 28, 42, 56], &mut |count| {
        measure(&chain(JOINTS, count / JOINTS)?, &scene, options.seed)
    })?;
    chart("joints", &[2, 3, 4, 6, 8, 12, 16, 24, 30], &mut |count| {
        measure(&chain(count, 1)?, &scene, options.seed)
    })?;
    write(&options.svg, svg(&charts))?;
    println!("drawn to {}", options.svg.display());
    Ok(())
}

/// An arm of equal links; each joint carries so many of them, every other one turns upright.
fn chain(joints: usize, links_a_joint: usize) -> Result<Robot> {
    let length_m = ARM_M / (joints * links_a_joint) as f64;
    let radius_m = 0.04_f64.min(0.6 * length_m);
    let link = |name: &str| {
        format!(
            "<link name=\"{name}\"><collision><origin xyz=\"0 0 {}\"/><geometry>\
             <sphere radius=\"{radius_m}\"/></geometry></collision></link>",
            0.5 * length_m
        )
    };
    let mut urdf = String::from("<robot name=\"chain\"><link name=\"root\"/>");
    let mut parent = "root".to_owned();
    for joint in 0..joints {
        for part in 0..links_a_joint {
            let child = format!("link_{joint}_{part}");
            let at_m = if parent == "root" { 0.0 } else { length_m };
            let kind = if part == 0 { "revolute" } else { "fixed" };
            let axis = if joint % 2 == 0 { "0 0 1" } else { "0 1 0" };
            urdf += &link(&child);
            urdf += &format!(
                "<joint name=\"to_{child}\" type=\"{kind}\"><parent link=\"{parent}\"/>\
                 <child link=\"{child}\"/><origin xyz=\"0 0 {at_m}\"/><axis xyz=\"{axis}\"/>\
                 <limit lower=\"-2\" upper=\"2\" effort=\"1\" velocity=\"1\"/></joint>"
            );
            parent = child;
        }
    }
    urdf += "</robot>";
    Robot::from_strings(&urdf, None).context("a chain of links")
}

/// Boxes around the arm, in its reach.
fn boxes(count: usize, random: &mut ChaCha8Rng) -> Scene {
    let mut scene = Scene::default();
    let size_m = 0.3 / (count as f64).cbrt();
    for (k, at) in shell(count, random).into_iter().enumerate() {
        let shape = Shape::Box { half_extents_m: Vector3::repeat(0.5 * size_m) };
        let at = at.cast::<f64>();
        let pose = Pose::translation(at.x, at.y, at.z);
        scene.objects.extend(SceneObject::new(format!("box {k}"), &[(shape, pose)]));
    }
    scene
}

/// Points between 0.6 and 1 arm lengths from the root.
fn shell(count: usize, random: &mut ChaCha8Rng) -> Vec<Point3<f32>> {
    let mut draw = || loop {
        let at = Vector3::from([0; 3].map(|_| random.random_range(-ARM_M..ARM_M)));
        if (0.6 * ARM_M..ARM_M).contains(&at.norm()) {
            return Point3::from(at).cast();
        }
    };
    (0..count).map(|_| draw()).collect()
}

/// Random edges of an arm in a scene, on this thread's processor clock.
fn measure(robot: &Robot, scene: &Scene, seed: u64) -> Result<Measured> {
    let joints: Vec<usize> = (0..robot.joints().len()).collect();
    let state = robot.neutral();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut edges = Vec::with_capacity(EDGES);
    for _ in 0..EDGES {
        let start: Vec<f64> = joints.iter().map(|_| random.random_range(-1.5..1.5)).collect();
        let way: Vec<f64> = joints.iter().map(|_| random.random_range(-1.0..1.0)).collect();
        let norm = way.iter().map(|x| x * x).sum::<f64>().sqrt();
        let end: Vec<f64> = start.iter().zip(way).map(|(a, w)| a + w * EDGE_RAD / norm).collect();
        edges.push((start, end));
    }
    let mut best = Measured { edge_ns: f64::INFINITY, prepare_ns: f64::INFINITY };
    for _ in 0..ROUNDS {
        let (checker, prepared) = timed(|| Checker::new(robot, scene, &joints, &state));
        let mut checker = checker?;
        let (free, spent) =
            timed(|| edges.iter().filter(|(a, b)| checker.edge_is_free(a, b)).count());
        // The answers must not be optimised away.
        std::hint::black_box(free);
        best.prepare_ns = best.prepare_ns.min(prepared.cpu_ns as f64);
        best.edge_ns = best.edge_ns.min(spent.cpu_ns as f64 / EDGES as f64);
    }
    Ok(best)
}
