//! How long the obstacle world takes for one frame, in CPU time of its thread.
//!
//!     cargo run -p praxis_perception --example obstacle_time
//!
//! Twelve prisms on a table, noise and holes in the depth, a robot of 120 spheres, ten known
//! objects; a prism comes and goes. Prints one JSON object.

#[path = "../tests/scene/mod.rs"]
mod scene;

use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Stamp};
use praxis_network::ShapeKind;
use praxis_perception::{
    DepthFrame, DepthImage, KnownBox, ObstacleConfig, ObstacleWorld, RobotBody, Sphere,
};
use rustix::time::{ClockId, clock_gettime};
use scene::{Prism, camera, depth_m, prism, world_from_camera};

fn main() {
    let mut figures = Vec::new();
    for (width, height) in [(320, 240), (640, 480)] {
        let (ms, points) = run(width, height);
        let at = |share: f64| ms[(share * (ms.len() - 1) as f64).round() as usize];
        figures.push(format!(
            "\"{width}x{height}\": {{\"p50_ms\": {:.3}, \"p95_ms\": {:.3}, \"p99_ms\": {:.3}, \"points\": {points}}}",
            at(0.5),
            at(0.95),
            at(0.99)
        ));
    }
    println!("{{{}}}", figures.join(", "));
}

fn run(width: usize, height: usize) -> (Vec<f64>, usize) {
    let camera = camera(width);
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    let things: Vec<Prism> = (0..12)
        .map(|index| {
            let at = [0.32 + 0.08 * f64::from(index % 4), -0.25 + 0.14 * f64::from(index / 4)];
            prism(
                ShapeKind::Box,
                at,
                0.3 * f64::from(index),
                [0.05, 0.04],
                0.05 + 0.01 * f64::from(index % 3),
            )
        })
        .collect();
    let depths: Vec<DepthImage> = (0..4)
        .map(|frame| {
            let shown = if frame % 2 == 0 { &things[..] } else { &things[1..] };
            let depth = depth_m(&camera, shown).into_iter().map(|depth| {
                if random() < -0.9 { f32::NAN } else { depth + 0.002 * (random() + random()) }
            });
            DepthImage::from_metres(width, height, depth.collect()).expect("a picture")
        })
        .collect();
    let known: Vec<KnownBox> = things[2..]
        .iter()
        .map(|thing| {
            let [x, y] = thing.outline.centre_m;
            let size = Vector3::new(0.05, 0.04, thing.height_m);
            KnownBox::new(&Pose::translation(x, y, 0.5 * thing.height_m), &size)
        })
        .collect();
    let mut world = ObstacleWorld::new(ObstacleConfig::default());
    let (mut spent_ms, mut points) = (Vec::new(), 0);
    for frame in 0..600 {
        let before = cpu_ms();
        let spheres: Vec<Sphere> = (0..120)
            .map(|index| {
                let share = f64::from(index) / 120.0;
                let sway = 0.002 * f64::from(frame % 100);
                let centre = Point3::new(0.6 * share, 0.25 + sway * share, 0.6 - 0.5 * share);
                Sphere { centre, radius_m: 0.05 }
            })
            .collect();
        let robot = RobotBody::moving(&spheres, &spheres, 0.02);
        let look = DepthFrame {
            stamp: Stamp::from_secs_f64(f64::from(frame) / 15.0),
            depth: &depths[(frame / 5 % 4) as usize],
            camera: &camera,
            world_from_camera: &world_from_camera(),
            robot: &robot,
        };
        world.look(&look).expect("a sound frame");
        points = world.points(&known).len();
        spent_ms.push(cpu_ms() - before);
    }
    spent_ms.sort_by(f64::total_cmp);
    (spent_ms, points)
}

fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 * 1e-6
}
