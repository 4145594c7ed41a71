//! Edges of an arm with slides, a branch and slanted joints, held to fine samples of the twin.

use praxis_collision::{Checker, Instructions, PointCloud, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_robot::Robot;

const SAMPLES_PER_RAD: f64 = 400.0;

/// Turning base, slanted shoulder, slide, two fingers on turning joints of their own.
fn arm() -> Robot {
    let link = |name: &str, spheres: &[(f64, f64, f64, f64)]| {
        let solids: String = spheres
            .iter()
            .map(|(x, y, z, r)| {
                format!(
                    "<collision><origin xyz=\"{x} {y} {z}\"/><geometry><sphere radius=\"{r}\"/>\
                     </geometry></collision>"
                )
            })
            .collect();
        format!("<link name=\"{name}\">{solids}</link>")
    };
    let joint = |name: &str, kind: &str, [parent, child]: [&str; 2], place: &str, axis: &str| {
        format!(
            "<joint name=\"{name}\" type=\"{kind}\"><parent link=\"{parent}\"/>\
             <child link=\"{child}\"/><origin {place}/><axis xyz=\"{axis}\"/>\
             <limit lower=\"-3\" upper=\"3\" effort=\"1\" velocity=\"1\"/></joint>"
        )
    };
    let urdf = [
        "<robot name=\"small\">".to_owned(),
        link("base", &[(0.0, 0.0, 0.05, 0.06)]),
        link("upper", &[(0.1, 0.0, 0.0, 0.05), (0.2, 0.0, 0.0, 0.05)]),
        link("fore", &[(0.1, 0.0, 0.0, 0.04), (0.2, 0.02, 0.0, 0.04)]),
        link("hand", &[(0.0, 0.0, 0.05, 0.04)]),
        link("left", &[(0.0, 0.05, 0.05, 0.02), (0.0, 0.05, 0.1, 0.02)]),
        link("right", &[(0.0, -0.05, 0.05, 0.02), (0.0, -0.05, 0.1, 0.02)]),
        joint("a", "revolute", ["base", "upper"], "xyz=\"0 0 0.2\"", "0 0 1"),
        joint(
            "b",
            "revolute",
            ["upper", "fore"],
            "xyz=\"0.3 0 0\" rpy=\"0.4 1.5707963267948966 0\"",
            "0 1 0",
        ),
        joint("c", "prismatic", ["fore", "hand"], "xyz=\"0.3 0 0\" rpy=\"0 0.3 0\"", "0 0 1"),
        joint("d", "revolute", ["hand", "left"], "xyz=\"0 0.03 0.08\"", "1 0 0"),
        joint("e", "revolute", ["hand", "right"], "xyz=\"0 -0.03 0.08\"", "0.6 0 0.8"),
        "</robot>".to_owned(),
    ]
    .concat();
    Robot::from_strings(&urdf, None).unwrap()
}

fn scene(random: &mut Random) -> Scene {
    let mut scene = Scene::default();
    for k in 0..9 {
        let mut at = || random.between(-0.9, 0.9);
        let (pose, turn) = (Pose::translation(at(), at(), at()), [at(), at(), at()]);
        let turned = pose * Pose::rotation(nalgebra::Vector3::from(turn));
        let (shape, pose) = match k % 5 {
            0 => (Shape::Sphere { radius_m: 0.15 }, pose),
            1 => (Shape::Capsule { radius_m: 0.08, length_m: 0.4 }, turned),
            2 => (Shape::Box { half_extents_m: [0.1, 0.2, 0.05].into() }, turned),
            3 => (Shape::Box { half_extents_m: [0.2, 0.1, 0.15].into() }, pose),
            _ => (Shape::Cylinder { radius_m: 0.1, length_m: 0.3 }, turned),
        };
        scene.objects.push(SceneObject::new(format!("{k}"), &[(shape, pose)]).unwrap());
    }
    scene
}

/// Puts points all over the place, instead of some of the solids.
fn strew(scene: &mut Scene, random: &mut Random) {
    let points: Vec<_> = (0..300)
        .map(|_| nalgebra::Point3::from([0; 3].map(|_| random.between(-0.8, 0.8) as f32)))
        .collect();
    scene.cloud = Some(std::sync::Arc::new(PointCloud::new(&points, 0.01)));
    scene.objects.truncate(4);
}

#[test]
fn edges_called_free_are_free_at_every_fine_sample() {
    let (robot, mut random) = (arm(), Random(11));
    let (mut free, mut blocked, mut refused_though_free) = (0, 0, 0);
    for round in 0..60 {
        let mut scene = scene(&mut random);
        if round % 3 == 2 {
            strew(&mut scene, &mut random);
        }
        let new = || Checker::new(&robot, &scene, &[0, 1, 2, 3, 4], &robot.neutral()).unwrap();
        let mut checker = new();
        let mut kernels: Vec<Checker<'_>> =
            Instructions::available().into_iter().map(|i| new().with_instructions(i)).collect();
        for _ in 0..12 {
            let start: [f64; 5] = std::array::from_fn(|_| random.between(-1.5, 1.5));
            let reach = random.between(0.05, 1.5);
            let end = start.map(|value| value + reach * random.between(-1.0, 1.0));
            let steps = (5_f64.sqrt() * reach * SAMPLES_PER_RAD) as usize;
            let samples_free = (0..=steps).all(|k| {
                let share = k as f64 / steps as f64;
                let q: [f64; 5] = std::array::from_fn(|i| start[i] + share * (end[i] - start[i]));
                checker.clearance_m(&q) >= 0.0
            });
            let answer = checker.edge_is_free(&start, &end);
            for kernel in &mut kernels {
                let other = kernel.edge_is_free(&start, &end);
                assert_eq!(answer, other, "{:?} differs", kernel.instructions());
            }
            assert!(!answer || samples_free, "{start:?} to {end:?} is called free");
            free += usize::from(answer);
            blocked += usize::from(!samples_free);
            refused_though_free += usize::from(!answer && samples_free);
        }
    }
    assert!(free > 50 && blocked > 50, "{free} free, {blocked} blocked");
    assert!(refused_though_free <= 2, "{refused_though_free} free edges are refused");
}

#[test]
fn every_kernel_tells_free_configurations_as_the_twin_does() {
    let (robot, mut random) = (arm(), Random(5));
    let mut counts = [0, 0];
    for round in 0..40 {
        let mut scene = scene(&mut random);
        if round % 2 == 1 {
            strew(&mut scene, &mut random);
        }
        // Not a multiple of the lanes: the last block is not full.
        let count = [1, 3, 16, 27, 32][round % 5];
        let qs: Vec<f64> = (0..5 * count).map(|_| random.between(-1.5, 1.5)).collect();
        for instructions in Instructions::available() {
            let mut checker = Checker::new(&robot, &scene, &[0, 1, 2, 3, 4], &robot.neutral())
                .unwrap()
                .with_instructions(instructions);
            let free = checker.free_among(&qs);
            assert_eq!(u64::from(free) >> count, 0);
            let put = |k: usize, states: &mut Vec<f64>| states.extend(&qs[5 * k..5 * k + 5]);
            let first = Some(free.trailing_ones() as usize).filter(|&first| first < count);
            let first = first.map(|first| (first, qs[5 * first..5 * first + 5].to_vec()));
            assert_eq!(checker.first_blocked(count, put), first);
            for (k, q) in qs.chunks_exact(5).enumerate() {
                let clearance_m = checker.clearance_m(q);
                if clearance_m.abs() > 1e-5 {
                    let is_free = clearance_m > 0.0;
                    assert_eq!(free >> k & 1 == 1, is_free, "{instructions:?}: {clearance_m} m");
                    assert_eq!(checker.is_free(q), is_free);
                    counts[usize::from(is_free)] += 1;
                }
            }
        }
    }
    assert!(counts[0] > 200 && counts[1] > 200, "{counts:?}");
}

#[test]
fn what_is_not_finite_or_of_another_length_is_not_free() {
    let (robot, scene) = (arm(), Scene::default());
    let mut checker = Checker::new(&robot, &scene, &[0, 1], &robot.neutral()).unwrap();
    assert_eq!(
        checker.free_among(&[0.0, 0.1, f64::NAN, 0.1, 0.2, f64::INFINITY, 0.3, 0.3]),
        0b1001
    );
    assert!(!checker.is_free(&[0.0]) && !checker.is_free(&[]) && !checker.is_free(&[0.0; 4]));
}

struct Random(u64);

impl Random {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
