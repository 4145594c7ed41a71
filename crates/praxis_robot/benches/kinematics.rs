//! Where the links of an arm are, and which joints bring its hand to a pose.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use praxis_robot::{IkSolver, Robot};

const POSES: usize = 64;
const RESTARTS: u32 = 100;

fn arm() -> Robot {
    let texts = (include_str!("arm.urdf"), include_str!("arm.srdf"));
    Robot::from_strings(texts.0, Some(texts.1)).expect("the arm of the benchmarks")
}

/// States within the limits that have nothing to do with each other.
fn states(robot: &Robot) -> Vec<Vec<f64>> {
    let state = |k: usize| {
        let joint = |(j, joint): (usize, &praxis_robot::Joint)| {
            let share = (k as f64 * 0.618 + j as f64 * 0.754 + 0.1).fract();
            joint.lower + share * (joint.upper - joint.lower)
        };
        robot.joints().iter().enumerate().map(joint).collect()
    };
    (0..POSES).map(state).collect()
}

fn kinematics(criterion: &mut Criterion) {
    let robot = arm();
    let states = states(&robot);
    let (mut next, mut poses) = (0, Vec::new());
    criterion.bench_function("poses of all links", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % POSES;
            robot.link_poses(black_box(&states[next]), &mut poses);
        });
    });

    let joints: Vec<usize> = (0..robot.joints().len()).collect();
    let hand = robot.link_index("hand").expect("a hand");
    let mut solver = IkSolver::new(&robot, &joints, hand, &robot.neutral(), None);
    let goals: Vec<_> = states.iter().map(|state| robot.link_pose(hand, state)).collect();
    criterion.bench_function("joints for a pose of the hand", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % POSES;
            let seed = &states[(next + 1) % POSES];
            solver.solve(black_box(&goals[next]), seed, RESTARTS, 1).expect("within reach")
        });
    });
}

criterion_group!(benches, kinematics);
criterion_main!(benches);
