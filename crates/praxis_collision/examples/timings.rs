//! What kinematics and collision questions cost on a robot: `timings URDF SRDF GROUP`.

use std::f64::consts::{FRAC_PI_6, PI};
use std::hint::black_box;
use std::time::Instant;

use praxis_collision::{Checker, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_robot::{IkSolver, Robot};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [urdf, srdf, group] = &arguments[..] else { return Err("URDF SRDF GROUP".into()) };
    let began = Instant::now();
    let robot = Robot::from_strings(
        &std::fs::read_to_string(urdf)?,
        Some(&std::fs::read_to_string(srdf)?),
    )?;
    println!(
        "load {:.1} ms, {} spheres",
        began.elapsed().as_secs_f64() * 1e3,
        robot.spheres().len()
    );
    let group = robot.group(group)?.clone();
    let joints = &group.joints;
    let mut random = Random(1);
    let draw = |random: &mut Random| -> Vec<f64> {
        let range = |&j: &usize| {
            let joint = &robot.joints()[j];
            let end = |limit: f64, otherwise| if limit.is_finite() { limit } else { otherwise };
            (end(joint.lower, -PI), end(joint.upper, PI))
        };
        joints.iter().map(range).map(|(low, high)| low + random.next() * (high - low)).collect()
    };
    let states: Vec<Vec<f64>> = (0..1024).map(|_| draw(&mut random)).collect();
    let full = |q: &[f64]| {
        let mut state = robot.neutral();
        joints.iter().zip(q).for_each(|(&joint, &value)| state[joint] = value);
        state
    };

    let mut poses = Vec::new();
    let full_states: Vec<Vec<f64>> = states.iter().map(|q| full(q)).collect();
    let fk = time(1024, || {
        full_states.iter().for_each(|q| robot.link_poses(black_box(q), &mut poses));
    });
    println!("FK of all links {fk:.0} ns");

    let mut solver = IkSolver::new(&robot, joints, group.tip_link, &robot.neutral(), None);
    let (mut times, mut solved) = (Vec::new(), 0);
    for k in 0..1000 {
        let goal = robot.link_pose(group.tip_link, &full_states[k]);
        let seed = &states[(k + 511) % 1024];
        let began = Instant::now();
        let answer = solver.solve(black_box(&goal), seed, 200, k as u64);
        times.push(began.elapsed().as_secs_f64() * 1e6);
        if let Ok(q) = answer {
            let pose = robot.link_pose(group.tip_link, &full(&q));
            let off = (pose.translation.vector - goal.translation.vector).norm();
            solved += u32::from(off < 1e-6 && pose.rotation.angle_to(&goal.rotation) < 1e-6);
        }
    }
    times.sort_by(f64::total_cmp);
    println!("IK {solved} of 1000, median {:.1} µs, p95 {:.1} µs", times[500], times[950]);

    let mut scene = Scene::default();
    for k in 0..12 {
        let angle = f64::from(k) * FRAC_PI_6;
        let pose = Pose::translation(0.7 * angle.cos(), 0.7 * angle.sin(), 0.1 * f64::from(k % 8));
        let shape = Shape::Box { half_extents_m: [0.05, 0.05, 0.1].into() };
        scene.objects.push(SceneObject::new(format!("box {k}"), &[(shape, pose)])?);
    }
    let began = Instant::now();
    let mut checker = Checker::new(&robot, &scene, joints, &robot.neutral())?;
    println!("checker {:.1} µs", began.elapsed().as_secs_f64() * 1e6);
    let free: Vec<&Vec<f64>> = states.iter().filter(|q| checker.is_free(q)).collect();
    println!("{} of 1024 configurations free", free.len());
    let one = time(free.len(), || free.iter().for_each(|q| assert!(checker.is_free(q))));
    println!("is_free of a free one {one:.0} ns");
    let together: Vec<Vec<f64>> =
        free.chunks_exact(16).map(|c| c.iter().flat_map(|q| q.iter().copied()).collect()).collect();
    let sixteen = time(together.len(), || {
        together.iter().for_each(|qs| assert_eq!(checker.free_among(qs), 0xffff));
    });
    println!("free_among 16 free ones {sixteen:.0} ns");
    let mixed: Vec<f64> = states.iter().flatten().copied().collect();
    let sixteen = time(states.len() / 16, || {
        for qs in mixed.chunks_exact(16 * joints.len()) {
            black_box(checker.free_among(qs));
        }
    });
    println!("free_among 16 random ones {sixteen:.0} ns");
    for length in [0.05, 0.2, 0.5, 1.0, 2.0] {
        let ends: Vec<(Vec<f64>, Vec<f64>)> = free
            .iter()
            .map(|q| {
                let way: Vec<f64> = q.iter().map(|_| random.next() - 0.5).collect();
                let norm = way.iter().map(|x| x * x).sum::<f64>().sqrt();
                (q.to_vec(), q.iter().zip(way).map(|(q, w)| q + w * length / norm).collect())
            })
            .collect();
        let mut passed = 0;
        let edge = time(ends.len(), || {
            passed = ends.iter().filter(|(a, b)| checker.edge_is_free(a, b)).count();
        });
        println!("edge of {length} rad {edge:.0} ns, {passed} of {} free", ends.len());
    }
    Ok(())
}

/// Nanoseconds of one of `count` things that `work` does, the best of several rounds.
fn time(count: usize, mut work: impl FnMut()) -> f64 {
    (0..9)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed().as_secs_f64() * 1e9 / count as f64
        })
        .fold(f64::INFINITY, f64::min)
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
