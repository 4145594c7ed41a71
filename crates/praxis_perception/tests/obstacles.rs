//! What comes is told at once, what leaves is gone within two frames, what is hidden stays.

mod scene;

use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Stamp};
use praxis_network::ShapeKind;
use praxis_perception::{
    CameraModel, CloudFrame, DepthFrame, DepthImage, KnownBox, ObstacleChange, ObstacleConfig,
    ObstacleWorld, RobotBody, Space, Sphere,
};
use scene::{Prism, camera, depth_image, depth_m, prism, world_from_camera};

struct Run {
    world: ObstacleWorld,
    camera: CameraModel,
    frame: i32,
}

impl Run {
    fn new(config: ObstacleConfig) -> Self {
        Self { world: ObstacleWorld::new(config), camera: camera(320), frame: 0 }
    }

    fn show(&mut self, depth: &DepthImage, robot: &RobotBody) -> ObstacleChange {
        self.frame += 1;
        let frame = DepthFrame {
            stamp: Stamp::from_secs_f64(f64::from(self.frame) / 15.0),
            depth,
            camera: &self.camera,
            world_from_camera: &world_from_camera(),
            robot,
        };
        self.world.look(&frame).unwrap()
    }

    fn near(&self, x: f64, y: f64, within_m: f64) -> usize {
        let near =
            |[px, py, _]: &[f32; 3]| (f64::from(*px) - x).hypot(f64::from(*py) - y) < within_m;
        self.world.points(&[]).iter().filter(|point| near(point)).count()
    }
}

fn standing() -> Prism {
    prism(ShapeKind::Box, [0.40, -0.20], 0.3, [0.06, 0.05], 0.10)
}

fn thrust_in() -> Prism {
    prism(ShapeKind::Cylinder, [0.52, 0.05], 0.0, [0.06, 0.06], 0.12)
}

#[test]
fn what_comes_is_in_with_its_first_frame_and_gone_two_after_it_left() {
    let mut run = Run::new(ObstacleConfig::default());
    let without = depth_image(&run.camera, &[standing()]);
    let with = depth_image(&run.camera, &[standing(), thrust_in()]);
    let nobody = RobotBody::default();
    run.show(&without, &nobody);
    let still = run.near(0.40, -0.20, 0.06);
    assert!(still > 20, "{still}");
    assert_eq!(run.near(0.52, 0.05, 0.08), 0);
    run.show(&with, &nobody);
    assert!(run.near(0.52, 0.05, 0.08) > 20);
    run.show(&with, &nobody);
    run.show(&without, &nobody);
    run.show(&without, &nobody);
    assert_eq!(run.near(0.52, 0.05, 0.08), 0, "a ghost is left");
    assert_eq!(run.near(0.40, -0.20, 0.06), still, "what stood there stays");
}

#[test]
fn pixels_without_a_return_clear_only_where_that_is_asked_for() {
    for (no_return_clears_to_m, stays) in [(0.0, true), (0.2, true), (3.0, false)] {
        let config = ObstacleConfig { no_return_clears_to_m, ..ObstacleConfig::default() };
        let mut run = Run::new(config);
        let (with, nobody) = (depth_image(&run.camera, &[thrust_in()]), RobotBody::default());
        run.show(&with, &nobody);
        let holes = DepthImage::from_metres(
            with.width(),
            with.height(),
            vec![0.0; with.width() * with.height()],
        );
        for _ in 0..3 {
            run.show(holes.as_ref().unwrap(), &nobody);
        }
        let left = run.near(0.52, 0.05, 0.08) > 0;
        assert_eq!(left, stays, "no return clears to {no_return_clears_to_m} m");
    }
}

#[test]
fn noise_and_holes_leave_neither_ghosts_nor_gaps() {
    let mut run = Run::new(ObstacleConfig::default());
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    let mut noisy = |prisms: &[Prism], camera: &CameraModel| {
        let depth = depth_m(camera, prisms).into_iter().map(|depth| {
            if random() < -0.9 { f32::NAN } else { depth + 0.002 * (random() + random()) }
        });
        DepthImage::from_metres(camera.width(), camera.height(), depth.collect()).unwrap()
    };
    let camera = run.camera.clone();
    let nobody = RobotBody::default();
    for _ in 0..5 {
        run.show(&noisy(&[standing(), thrust_in()], &camera), &nobody);
    }
    assert!(run.near(0.52, 0.05, 0.08) > 20);
    for _ in 0..2 {
        run.show(&noisy(&[standing()], &camera), &nobody);
    }
    // A cube whose five rays all fell into holes waits for the next frame.
    assert!(run.near(0.52, 0.05, 0.08) <= 2, "{}", run.near(0.52, 0.05, 0.08));
    run.show(&noisy(&[standing()], &camera), &nobody);
    assert_eq!(run.near(0.52, 0.05, 0.08), 0);
    assert!(run.near(0.40, -0.20, 0.06) > 20);
    // Nothing hangs in the air beside what stands there.
    assert_eq!(run.world.points(&[]).len(), run.near(0.40, -0.20, 0.08));
}

#[test]
fn what_was_seen_while_nobody_knew_the_robot_is_forgotten() {
    let mut run = Run::new(ObstacleConfig::default());
    let open = depth_image(&run.camera, &[standing()]);
    run.show(&open, &RobotBody::default());
    assert!(run.near(0.40, -0.20, 0.06) > 20);
    // Now the robot is known, and seen nowhere near: what looked like an obstacle may have been it.
    run.show(&depth_image(&run.camera, &[]), &elsewhere());
    assert_eq!(run.near(0.40, -0.20, 0.06), 0);
}

#[test]
fn a_hand_that_had_no_place_at_first_is_no_obstacle_once_it_has_one() {
    let mut run = Run::new(ObstacleConfig::default());
    let view = depth_image(&run.camera, &[standing()]);
    run.show(&view, &elsewhere().lacking_parts(true));
    assert!(run.near(0.40, -0.20, 0.06) > 20, "fails safe");
    // The hand's surface lies outside of its bare spheres, and hides itself as long as it stands.
    let hand = Sphere { centre: Point3::new(0.40, -0.20, 0.05), radius_m: 0.04 };
    let out_of_sight = Sphere { centre: Point3::new(0.0, 0.0, -3.0), radius_m: 0.1 };
    run.show(&view, &RobotBody::new(&[out_of_sight, hand], 0.04));
    assert_eq!(run.near(0.40, -0.20, 0.06), 0);
}

#[test]
fn what_becomes_known_as_held_is_no_obstacle_any_more() {
    let mut run = Run::new(ObstacleConfig::default());
    let view = depth_image(&run.camera, &[standing()]);
    run.show(&view, &elsewhere());
    assert!(run.near(0.40, -0.20, 0.06) > 20);
    let size = Vector3::new(0.12, 0.12, 0.12);
    let held = KnownBox::new(&Pose::translation(0.40, -0.20, 0.05), &size);
    run.show(&view, &elsewhere().holding(&[held]));
    assert_eq!(run.near(0.40, -0.20, 0.06), 0);
}

/// A robot that is out of sight.
fn elsewhere() -> RobotBody {
    RobotBody::new(&[Sphere { centre: Point3::new(0.0, 0.0, -3.0), radius_m: 0.1 }], 0.0)
}

#[test]
fn what_the_arm_hides_is_remembered() {
    let mut run = Run::new(ObstacleConfig::default());
    let open = depth_image(&run.camera, &[standing()]);
    run.show(&open, &elsewhere());
    let before = run.near(0.40, -0.20, 0.06);
    // A hand half a metre before the lens.
    let near = vec![0.4; 320 * 240];
    let hand = DepthImage::from_metres(320, 240, near).unwrap();
    let eye = world_from_camera() * Point3::new(0.0, 0.0, 0.4);
    let arm = RobotBody::new(&[Sphere { centre: eye, radius_m: 0.4 }], 0.01);
    for _ in 0..30 {
        run.show(&hand, &arm);
    }
    assert_eq!(run.near(0.40, -0.20, 0.06), before);
}

#[test]
fn the_robot_is_removed_and_without_its_place_it_stays_in() {
    let there = standing();
    let robot = Sphere { centre: Point3::new(0.40, -0.20, 0.05), radius_m: 0.08 };
    let mut run = Run::new(ObstacleConfig::default());
    let depth = depth_image(&run.camera, &[there]);
    let change = run.show(&depth, &RobotBody::new(&[robot], 0.01));
    assert!(run.world.is_empty() && change.on_robot > 20, "{change:?}");
    let lost = Sphere { centre: Point3::new(f64::NAN, 0.0, 0.0), radius_m: 0.08 };
    run.show(&depth, &RobotBody::new(&[lost], 0.01));
    assert!(run.near(0.40, -0.20, 0.06) > 20, "fails safe: it is an obstacle then");
    // Once its place is known again, what was told of its inside is taken back.
    run.show(&depth, &RobotBody::new(&[robot], 0.01));
    assert_eq!(run.near(0.40, -0.20, 0.06), 0);
}

#[test]
fn a_held_object_leaves_no_trail() {
    let mut run = Run::new(ObstacleConfig::default());
    for step in 0..10 {
        let mut held = standing();
        held.outline.centre_m[0] += 0.01 * f64::from(step);
        held.lift_m = 0.05;
        let [x, y] = held.outline.centre_m;
        let turn = nalgebra::UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 0.3);
        let pose = Pose::from_parts(Vector3::new(x, y, 0.10).into(), turn);
        let size = Vector3::new(0.06, 0.05, 0.10);
        let robot = RobotBody::new(&[], 0.01).holding(&[KnownBox::new(&pose, &size)]);
        let depth = depth_image(&run.camera, &[held]);
        run.show(&depth, &robot);
    }
    assert_eq!(run.world.points(&[]), Vec::<[f32; 3]>::new());
}

#[test]
fn known_objects_are_not_told_as_obstacles() {
    let mut run = Run::new(ObstacleConfig::default());
    let depth = depth_image(&run.camera, &[standing(), thrust_in()]);
    run.show(&depth, &RobotBody::default());
    let turn = nalgebra::UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 0.3);
    let pose = Pose::from_parts(Vector3::new(0.40, -0.20, 0.05).into(), turn);
    let known = KnownBox::new(&pose, &Vector3::new(0.06, 0.05, 0.10));
    let points = run.world.points(&[known]);
    assert!(points.len() > 20);
    for [x, y, _] in points {
        assert!((x - 0.52).hypot(y - 0.05) < 0.05, "{x} {y}");
    }
    // The track is lost: the thing is an obstacle at once.
    assert!(run.near(0.40, -0.20, 0.06) > 20);
}

#[test]
fn unseen_space_is_told_from_free_space() {
    let mut run = Run::new(ObstacleConfig::default());
    assert_eq!(run.world.space_at([0.5, 0.0, 0.3]), Space::Unknown);
    let depth = depth_image(&run.camera, &[standing()]);
    for _ in 0..16 {
        run.show(&depth, &RobotBody::default());
    }
    assert!(matches!(run.world.space_at([0.5, 0.0, 0.15]), Space::Free(_)));
    assert_eq!(run.world.space_at([0.5, 0.0, -0.3]), Space::Unknown, "below the table");
    let point = run.world.points(&[])[0];
    assert_eq!(run.world.space_at(point), Space::Occupied);
    let (unknown, side) = run.world.unknown();
    assert!(side >= 0.06 && !unknown.is_empty());
    assert!(unknown.iter().any(|point| point[2] < -0.2));
}

#[test]
fn a_lidar_adds_and_clears_as_a_camera_does() {
    let mut world = ObstacleWorld::new(ObstacleConfig {
        voxel_m: 0.2,
        max_distance_m: 60.0,
        min_height_m: 0.3,
        clear_margin_m: 0.3,
        space_cell_m: 1.0,
        ..ObstacleConfig::default()
    });
    let world_from_lidar = Pose::translation(0.0, 0.0, 1.8);
    // A ring wall at 40 m, and a car's back at 12 m that leaves.
    let cloud = |car: bool| -> Vec<[f32; 3]> {
        let mut points = Vec::new();
        for ring in -8..8 {
            for step in 0..1800 {
                let azimuth = (step as f32 * 0.2).to_radians();
                let slope = (ring as f32 * 0.5).to_radians().tan();
                let ahead = !(0.08..=6.2).contains(&azimuth);
                let range = if car && ahead && ring < 0 { 12.0 } else { 40.0 };
                let up = slope * range;
                points.push([range * azimuth.cos(), range * azimuth.sin(), up]);
            }
        }
        points
    };
    let robot = RobotBody::default();
    let mut stamp = 0.0;
    let mut show = |world: &mut ObstacleWorld, points: &[[f32; 3]]| {
        stamp += 0.1;
        let stamp = Stamp::from_secs_f64(stamp);
        let frame =
            CloudFrame { stamp, points, world_from_sensor: &world_from_lidar, robot: &robot };
        world.look_at_cloud(&frame).unwrap()
    };
    let close = |world: &ObstacleWorld| {
        world.points(&[]).iter().filter(|point| point[0].hypot(point[1]) < 20.0).count()
    };
    show(&mut world, &cloud(false));
    assert_eq!(close(&world), 0);
    show(&mut world, &cloud(true));
    assert!(close(&world) > 5, "{}", close(&world));
    show(&mut world, &cloud(false));
    show(&mut world, &cloud(false));
    assert_eq!(close(&world), 0);
    let bad = [[f32::NAN, 0.0, 0.0], [f32::INFINITY; 3]];
    let before = world.len();
    show(&mut world, &bad);
    assert_eq!(world.len(), before);
}

#[test]
fn memory_is_bounded_and_the_loss_is_told() {
    let config = ObstacleConfig { max_points: 40, ..ObstacleConfig::default() };
    let mut run = Run::new(config);
    let depth = depth_image(&run.camera, &[standing(), thrust_in()]);
    let change = run.show(&depth, &RobotBody::default());
    assert_eq!(run.world.len(), 40);
    assert!(change.lost > 0);
}

#[test]
fn a_clock_set_back_starts_anew_and_a_lost_transform_is_refused() {
    let mut run = Run::new(ObstacleConfig::default());
    let depth = depth_image(&run.camera, &[standing()]);
    run.frame = 1500;
    run.show(&depth, &RobotBody::default());
    run.frame = 0;
    let empty = depth_image(&run.camera, &[]);
    assert!(run.show(&empty, &RobotBody::default()).restarted);
    assert!(run.world.is_empty());
    let mut lost = world_from_camera();
    lost.translation.x = f64::NAN;
    let frame = DepthFrame {
        stamp: Stamp::from_secs_f64(1.0),
        depth: &depth,
        camera: &run.camera,
        world_from_camera: &lost,
        robot: &RobotBody::default(),
    };
    assert!(run.world.look(&frame).is_err());
}
