//! The world file of the repository, seen from outside.

use nalgebra::{Point3, Vector3};
use praxis_world::{World, WorldError};
use proptest::prelude::*;

const TEXT: &str = include_str!("../../../models/worlds/sort_table.yaml");

fn world() -> World {
    World::from_yaml(TEXT).expect("the repository's world file is sound")
}

#[test]
fn every_class_has_its_bin() {
    let world = world();
    assert_eq!(world.classes.len(), 3);
    for class in &world.classes {
        assert!(world.bin_for(&class.name).is_some(), "{}", class.name);
    }
}

#[test]
fn the_camera_sees_the_pick_area_and_the_bins() {
    let world = world();
    let [x, y] = [world.spawn.x_m, world.spawn.y_m];
    let mut points: Vec<Point3<f64>> =
        world.bins.iter().map(|bin| bin.floor_centre_in_world).collect();
    points.extend([(0, 0), (0, 1), (1, 0), (1, 1)].map(|(i, j)| Point3::new(x[i], y[j], 0.03)));
    let camera = &world.camera;
    for point in points {
        let in_optical = camera.world_from_optical.inverse_transform_point(&point);
        let [column, row] = camera.intrinsics.pixel_of(&in_optical).expect("before the camera");
        assert!((20.0..620.0).contains(&column), "{point} at column {column}");
        assert!((20.0..460.0).contains(&row), "{point} at row {row}");
    }
}

#[test]
fn the_image_is_upright() {
    let camera = world().camera;
    let down_in_world = camera.world_from_optical * Vector3::y();
    assert!(down_in_world.z < -0.3);
    assert!(
        (camera.world_from_camera * Vector3::x() - camera.world_from_optical * Vector3::z()).norm()
            < 1e-9
    );
}

#[test]
fn broken_files_are_refused_with_a_reason() {
    let broken = |from: &str, to: &str| {
        let text = TEXT.replacen(from, to, 1);
        assert_ne!(text, TEXT, "'{from}' is in the file");
        World::from_yaml(&text).expect_err(to)
    };
    assert!(matches!(broken("class: box", "class: ball"), WorldError::UnknownClass { .. }));
    assert!(matches!(
        broken("[0.50, 0.02, 0.28]", "[0.50, -0.02, 0.28]"),
        WorldError::NotPositive { .. }
    ));
    assert!(matches!(broken("id: wall", "id: table"), WorldError::Duplicate { .. }));
    assert!(matches!(
        broken("x_m: [0.34, 0.62]", "x_m: [0.62, 0.34]"),
        WorldError::EmptyRange { .. }
    ));
    assert!(matches!(broken("rate_hz: 15.0", "rate_hz: .nan"), WorldError::NotPositive { .. }));
    assert!(matches!(
        broken("look_at_m: [0.42, 0.03, 0.0]", "look_at_m: [1.05, -0.03, 0.0]"),
        WorldError::CameraUpUndefined { .. }
    ));
    assert!(matches!(broken("name: sort_table", "nome: sort_table"), WorldError::Malformed { .. }));
}

proptest! {
    #[test]
    fn objects_stand_apart_inside_the_area_and_repeat_by_seed(seed in 0_u64..100_000) {
        let world = world();
        let objects = world.layout(seed).unwrap();
        prop_assert_eq!(&objects, &world.layout(seed).unwrap());
        prop_assert_eq!(objects.len(), 6);
        for (index, object) in objects.iter().enumerate() {
            let centre = object.world_from_object.translation.vector;
            prop_assert!((world.spawn.x_m[0]..=world.spawn.x_m[1]).contains(&centre.x));
            prop_assert!((world.spawn.y_m[0]..=world.spawn.y_m[1]).contains(&centre.y));
            prop_assert!((centre.z - 0.5 * object.size_m.z).abs() < 1e-12);
            prop_assert!(object.size_m.y <= 0.0601, "fits between the fingers: {}", object.size_m);
            for other in &objects[..index] {
                let apart_m = (other.world_from_object.translation.vector - centre).xy().norm();
                let widths_m = 0.5 * (object.size_m.y + other.size_m.y);
                prop_assert!(apart_m >= widths_m + world.spawn.clearance_m - 1e-9);
            }
        }
    }
}
