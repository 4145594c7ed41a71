//! What a planner asks of a checker, among boxes and among 50,000 measured points.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use nalgebra::Point3;
use praxis_collision::{Checker, PointCloud, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_robot::Robot;

const POINTS: usize = 50_000;
const POINT_RADIUS_M: f32 = 0.0025;
/// Joint space, L2.
const EDGE_RAD: f64 = 0.5;
const ASKED: usize = 256;

fn arm() -> Robot {
    let urdf = include_str!("../../praxis_robot/benches/arm.urdf");
    let srdf = include_str!("../../praxis_robot/benches/arm.srdf");
    Robot::from_strings(urdf, Some(srdf)).expect("the arm of the benchmarks")
}

/// Half extents and centres of a table and of boxes on it.
fn boxes() -> Vec<([f64; 3], [f64; 3])> {
    let mut boxes = vec![([0.4, 0.6, 0.02], [0.55, 0.0, -0.02])];
    for k in 0..6 {
        let (x, y) = (0.35 + 0.25 * f64::from(k % 2), -0.4 + 0.16 * f64::from(k));
        boxes.push(([0.04, 0.04, 0.12], [x, y, 0.12]));
    }
    boxes
}

fn solids() -> Scene {
    let mut scene = Scene::default();
    for (k, (half, [x, y, z])) in boxes().into_iter().enumerate() {
        let shape = Shape::Box { half_extents_m: half.into() };
        let object = SceneObject::new(format!("box {k}"), &[(shape, Pose::translation(x, y, z))]);
        scene.objects.push(object.expect("a box"));
    }
    scene
}

/// Points on the boxes' upper and lower sides, by the R2 sequence.
fn points() -> Vec<Point3<f32>> {
    let boxes = boxes();
    let at = |n: usize| {
        // Every other point lies on the table.
        let (half, centre) =
            boxes[if n.is_multiple_of(2) { 0 } else { 1 + n / 2 % (boxes.len() - 1) }];
        let share = |step: f64| 2.0 * (n as f64 * step).fract() - 1.0;
        let up = if n % 4 < 2 { half[2] } else { -half[2] };
        let x = centre[0] + half[0] * share(0.754_877_666_246_692_7);
        let y = centre[1] + half[1] * share(0.569_840_290_998_053_2);
        Point3::new(x, y, centre[2] + up).cast()
    };
    (0..POINTS).map(at).collect()
}

/// Edges from configurations within the limits, one after the other.
fn edges(robot: &Robot) -> Vec<[Vec<f64>; 2]> {
    let share = |k: usize, j: usize| (k as f64 * 0.618_034 + j as f64 * 0.754_878 + 0.1).fract();
    let edge = |k: usize| {
        let joints = || robot.joints().iter().enumerate();
        let start: Vec<f64> = joints()
            .map(|(j, joint)| joint.lower + share(k, j) * (joint.upper - joint.lower))
            .collect();
        let way: Vec<f64> = joints().map(|(j, _)| share(k + 31, 3 * j) - 0.5).collect();
        let norm = way.iter().map(|x| x * x).sum::<f64>().sqrt();
        let end = start.iter().zip(&way).map(|(a, w)| a + w * EDGE_RAD / norm).collect();
        [start, end]
    };
    (0..ASKED).map(edge).collect()
}

fn ask(criterion: &mut Criterion, among: &str, robot: &Robot, scene: &Scene) {
    let joints: Vec<usize> = (0..robot.joints().len()).collect();
    let state = robot.neutral();
    let mut checker = Checker::new(robot, scene, &joints, &state).expect("a checker");
    let edges = edges(robot);
    let mut next = 0;
    let mut group = criterion.benchmark_group(among);
    group.bench_function("a configuration", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % ASKED;
            checker.is_free(black_box(&edges[next][0]))
        });
    });
    let qs: Vec<f64> = edges[..16].iter().flat_map(|[start, _]| start.iter().copied()).collect();
    group.bench_function("sixteen configurations", |bencher| {
        bencher.iter(|| checker.free_among(black_box(&qs)));
    });
    group.bench_function("an edge of 0.5 rad", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % ASKED;
            let [start, end] = &edges[next];
            checker.edge_is_free(black_box(start), end)
        });
    });
    group.bench_function("preparing a checker", |bencher| {
        bencher.iter(|| Checker::new(robot, scene, &joints, &state).map(|_| ()));
    });
    group.finish();
}

fn questions(criterion: &mut Criterion) {
    let robot = arm();
    ask(criterion, "among boxes", &robot, &solids());
    let points = points();
    let cloud = Arc::new(PointCloud::new(&points, POINT_RADIUS_M));
    let scene = Scene { cloud: Some(Arc::clone(&cloud)), ..Scene::default() };
    ask(criterion, "among 50,000 points", &robot, &scene);

    let mut group = criterion.benchmark_group("50,000 points");
    group.bench_function("built", |bencher| {
        let built = |points: &Vec<Point3<f32>>| PointCloud::new(points, POINT_RADIUS_M);
        bencher.iter_batched_ref(|| points.clone(), |points| built(points), BatchSize::LargeInput);
    });
    let mut next = 0_u16;
    group.bench_function("any within 5 cm of a place", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % 512;
            let place = Point3::new(0.55, 0.0, 0.3 * f32::from(next) / 512.0);
            cloud.any_within(black_box(place), 0.05)
        });
    });
    group.finish();
}

criterion_group!(benches, questions);
criterion_main!(benches);
