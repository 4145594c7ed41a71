//! Scenes of known prisms are seen where they stand, also through poor depth.

mod scene;

use std::f64::consts::{FRAC_PI_2, PI};

use praxis_geometry::Stamp;
use praxis_network::ShapeKind;
use praxis_perception::{
    CameraModel, DepthImage, Evidence, Frame, Perceiver, PerceiverConfig, Perception,
    PerceptionError, RobotBody, SeenObject, Sphere, wrapped,
};
use scene::{Prism, TellTale, camera, depth_image, depth_m, grey, prism, world_from_camera};

fn six() -> Vec<Prism> {
    vec![
        prism(ShapeKind::Box, [0.38, -0.25], 0.3, [0.062, 0.040], 0.050),
        prism(ShapeKind::Box, [0.55, 0.05], -1.1, [0.055, 0.042], 0.042),
        prism(ShapeKind::Cylinder, [0.42, -0.05], 0.0, [0.046, 0.046], 0.065),
        prism(ShapeKind::Cylinder, [0.58, -0.20], 0.0, [0.038, 0.038], 0.048),
        prism(ShapeKind::Cross, [0.48, -0.15], 0.5, [0.058, 0.018], 0.055),
        prism(ShapeKind::Cross, [0.40, 0.07], -0.2, [0.048, 0.021], 0.044),
    ]
}

fn look(
    prisms: &[Prism],
    camera: &CameraModel,
    depth: Option<&DepthImage>,
    robot: &RobotBody,
) -> Perception {
    let network = Box::new(TellTale::about(prisms));
    let mut perceiver = Perceiver::new(scene::card(), network, PerceiverConfig::default());
    let colour = grey(camera);
    let frame = Frame {
        stamp: Stamp::from_secs_f64(1.0),
        colour: &colour,
        depth,
        camera,
        world_from_camera: &world_from_camera(),
        robot,
    };
    perceiver.process(&frame).unwrap()
}

/// Position error in metres and yaw error in radians of the object nearest to a prism.
fn errors(seen: &[SeenObject], truth: &Prism) -> (f64, f64, SeenObject) {
    let [x, y] = truth.outline.centre_m;
    let z = truth.lift_m + 0.5 * truth.height_m;
    let offset = |object: &SeenObject| (object.centre_m - nalgebra::Vector3::new(x, y, z)).norm();
    let nearest = seen.iter().min_by(|a, b| offset(a).total_cmp(&offset(b))).unwrap();
    assert_eq!(nearest.class, truth.class());
    let period = match truth.outline.shape {
        ShapeKind::Box => PI,
        ShapeKind::Cross => FRAC_PI_2,
        ShapeKind::Cylinder => return (offset(nearest), 0.0, nearest.clone()),
    };
    let yaw = wrapped(nearest.yaw_rad - truth.outline.yaw_rad, period).abs();
    (offset(nearest), yaw, nearest.clone())
}

fn check(seen: &[SeenObject], prisms: &[Prism], position_m: f64, yaw_rad: f64) {
    assert_eq!(seen.len(), prisms.len());
    for truth in prisms {
        let (position, yaw, object) = errors(seen, truth);
        println!("{truth:?}\n  {:.2} mm {:.2} deg {object:?}", position * 1e3, yaw.to_degrees());
        assert!(position < position_m, "{position} m: {object:?} for {truth:?}");
        assert!(yaw < yaw_rad, "{yaw} rad: {object:?} for {truth:?}");
    }
}

/// Repeatable noise, evenly spread in -1..1.
fn noise() -> impl FnMut() -> f32 {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

#[test]
fn clean_depth_tells_place_yaw_and_size() {
    let (camera, prisms) = (camera(640), six());
    let depth = depth_image(&camera, &prisms);
    let perception = look(&prisms, &camera, Some(&depth), &RobotBody::default());
    check(&perception.seen, &prisms, 0.002, 0.035);
    for truth in &prisms {
        let (_, _, object) = errors(&perception.seen, truth);
        assert!((object.size_m.z - truth.height_m).abs() < 0.002, "{object:?}");
        assert!((object.size_m.x - truth.outline.sides_m[0]).abs() < 0.003, "{object:?}");
    }
}

#[test]
fn a_quarter_of_the_resolution_is_enough() {
    let (camera, prisms) = (camera(320), six());
    let depth = depth_image(&camera, &prisms);
    let perception = look(&prisms, &camera, Some(&depth), &RobotBody::default());
    check(&perception.seen, &prisms, 0.004, 0.07);
}

#[test]
fn depth_may_be_coarser_than_colour() {
    let prisms = six();
    let depth = depth_image(&camera(320), &prisms);
    let perception = look(&prisms, &camera(640), Some(&depth), &RobotBody::default());
    check(&perception.seen, &prisms, 0.004, 0.07);
}

#[test]
fn holes_zeros_and_noise_are_lived_with() {
    let (camera, prisms) = (camera(640), six());
    let mut random = noise();
    let depth = depth_m(&camera, &prisms).into_iter().map(|depth| match random() {
        r if r < -0.9 => f32::NAN,
        r if r > 0.9 => 0.0,
        _ => depth + 0.002 * (random() + random()),
    });
    let depth = DepthImage::from_metres(640, 480, depth.collect()).unwrap();
    let perception = look(&prisms, &camera, Some(&depth), &RobotBody::default());
    check(&perception.seen, &prisms, 0.005, 0.1);
}

#[test]
fn mixed_pixels_along_edges_do_not_shift_an_object() {
    let (camera, prisms) = (camera(640), six());
    let sharp = depth_m(&camera, &prisms);
    // Every pixel at a jump becomes the mean of both sides.
    let mixed = (0..sharp.len()).map(|index| {
        let left = sharp[index.saturating_sub(1)];
        if (sharp[index] - left).abs() > 0.01 { 0.5 * (sharp[index] + left) } else { sharp[index] }
    });
    let depth = DepthImage::from_metres(640, 480, mixed.collect()).unwrap();
    let perception = look(&prisms, &camera, Some(&depth), &RobotBody::default());
    check(&perception.seen, &prisms, 0.004, 0.06);
}

#[test]
fn without_any_depth_the_picture_still_places_objects() {
    let (camera, prisms) = (camera(640), six());
    let nothing = DepthImage::from_metres(640, 480, vec![f32::NAN; 640 * 480]).unwrap();
    for depth in [None, Some(&nothing)] {
        let perception = look(&prisms, &camera, depth, &RobotBody::default());
        assert_eq!(perception.seen.len(), 6);
        for truth in &prisms {
            let (position, _, object) = errors(&perception.seen, truth);
            assert_eq!(object.evidence, Evidence::Picture);
            assert!(position < 0.02, "{position} m for {truth:?}");
        }
    }
}

#[test]
fn a_detection_on_the_robot_is_no_object() {
    let (camera, prisms) = (camera(640), six());
    let depth = depth_image(&camera, &prisms);
    let centre = nalgebra::Point3::new(0.42, -0.05, 0.03);
    let robot = RobotBody::new(&[Sphere { centre, radius_m: 0.05 }], 0.01);
    let perception = look(&prisms, &camera, Some(&depth), &robot);
    assert_eq!((perception.seen.len(), perception.on_robot), (5, 1));
    assert!(perception.seen.iter().all(|object| (object.centre_m - centre.coords).norm() > 0.05));
}

#[test]
fn the_rim_of_a_bin_and_a_close_neighbour_are_not_part_of_an_object() {
    let camera = camera(640);
    let named = vec![
        prism(ShapeKind::Box, [0.40, 0.0], 0.0, [0.060, 0.040], 0.042),
        prism(ShapeKind::Cylinder, [0.46, 0.0], 0.0, [0.044, 0.044], 0.042),
    ];
    let mut all = named.clone();
    // Walls as thick as those of a bin, as high as the objects or higher, 8 mm away.
    all.push(prism(ShapeKind::Box, [0.43, 0.0325], 0.0, [0.18, 0.005], 0.042));
    all.push(prism(ShapeKind::Box, [0.43, -0.0325], 0.0, [0.18, 0.005], 0.050));
    let depth = depth_image(&camera, &all);
    let perception = look(&named, &camera, Some(&depth), &RobotBody::default());
    check(&perception.seen, &named, 0.005, 0.07);
}

#[test]
fn what_hangs_in_the_air_does_not_stand_on_the_table() {
    let (camera, mut prisms) = (camera(640), six());
    prisms[0].lift_m = 0.06;
    prisms[4].lift_m = 0.10;
    let depth = depth_image(&camera, &prisms);
    let perception = look(&prisms, &camera, Some(&depth), &RobotBody::default());
    assert_eq!((perception.seen.len(), perception.lifted), (4, 2));
    prisms.remove(4);
    prisms.remove(0);
    check(&perception.seen, &prisms, 0.002, 0.035);
}

#[test]
fn a_detection_of_the_bare_table_is_no_object() {
    let camera = camera(640);
    let depth = depth_image(&camera, &[]);
    let perception = look(&six(), &camera, Some(&depth), &RobotBody::default());
    assert_eq!(perception.detections.len(), 6);
    assert!(perception.seen.is_empty(), "{:?}", perception.seen);
}

#[test]
fn a_camera_of_another_shape_is_refused() {
    let prisms = six();
    let network = Box::new(TellTale::about(&prisms));
    let mut perceiver = Perceiver::new(scene::card(), network, PerceiverConfig::default());
    let wide = CameraModel::pinhole(1280, 720, 900.0).unwrap();
    let frame = Frame {
        stamp: Stamp::ZERO,
        colour: &grey(&camera(640)),
        depth: None,
        camera: &wide,
        world_from_camera: &world_from_camera(),
        robot: &RobotBody::default(),
    };
    let error = perceiver.process(&frame).unwrap_err();
    assert!(matches!(error, PerceptionError::SizeMismatch { .. }), "{error}");
    let mut lost = world_from_camera();
    lost.translation.x = f64::NAN;
    let frame = Frame { camera: &camera(640), world_from_camera: &lost, ..frame };
    assert_eq!(perceiver.process(&frame).unwrap_err(), PerceptionError::Transform);
}
