//! How long a path of seven joints waits for its timing.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use praxis_trajectory::{JointLimit, JointLimits, JointSample, move_to_state, time_path};

const JOINTS: usize = 7;
/// How far corners may be rounded, radians of joint space.
const DEVIATION_RAD: f64 = 0.1;

fn timing(criterion: &mut Criterion) {
    let limits = JointLimits::new(vec![JointLimit::new(2.0, 7.0, 350.0); JOINTS]).expect("limits");
    let names: Vec<String> = (0..JOINTS).map(|joint| format!("joint_{joint}")).collect();
    let waypoint = |k: usize| {
        (0..JOINTS).map(|j| 1.2 * (k as f64 * 0.618_034 + j as f64 * 0.754_878).fract()).collect()
    };
    let path: Vec<Vec<f64>> = (0..6).map(waypoint).collect();
    let mut group = criterion.benchmark_group("timing");
    for count in [2, 4, 6] {
        group.bench_function(format!("a path of {count} waypoints"), |bencher| {
            bencher.iter(|| {
                time_path(names.clone(), black_box(&path[..count]), &limits, DEVIATION_RAD)
                    .expect("a motion")
            });
        });
    }
    let motion = time_path(names.clone(), &path, &limits, DEVIATION_RAD).expect("a motion");
    let there = |position: &Vec<f64>| JointSample {
        position: position.clone(),
        ..JointSample::zeros(JOINTS)
    };
    let (from, to) = (there(&path[0]), there(&path[1]));
    group.bench_function("from rest to rest", |bencher| {
        bencher.iter(|| {
            move_to_state(names.clone(), black_box(&from), &to, &limits).expect("a motion")
        });
    });
    let mut sample = JointSample::default();
    let (mut cursor, mut time_s) = (0, 0.0);
    group.bench_function("a sample, 1 ms after the last", |bencher| {
        bencher.iter(|| {
            time_s += 0.001;
            if time_s > motion.duration_s() {
                (cursor, time_s) = (0, 0.0);
            }
            motion.sample_into(black_box(time_s), &mut cursor, &mut sample);
        });
    });
    group.finish();
}

criterion_group!(benches, timing);
criterion_main!(benches);
