//! The camera's image agrees with the physics.

mod support;

use nalgebra::Point3;
use praxis_sim::SceneView;
use support::*;

#[test]
fn depth_over_an_object_is_the_distance_to_its_top() {
    let (robot, world) = (panda(), world());
    let fingers = ["panda_finger_joint1".to_owned(), "panda_finger_joint2".to_owned()];
    let mut simulator = simulator(3);
    for _ in 0..20 {
        simulator.step();
    }
    let mut view = SceneView::new(&robot, &fingers, &world, simulator.objects()).unwrap();
    let frame = view.see(&world.camera, &simulator.snapshot());
    assert_eq!((frame.width, frame.height), (640, 480));

    let mut seen = 0;
    for (object, pose) in simulator.objects().iter().zip(simulator.snapshot().world_from_objects) {
        let top = pose * Point3::new(0.0, 0.0, 0.5 * object.size_m.z);
        let in_optical = world.camera.world_from_optical.inverse_transform_point(&top);
        let [column, row] = world.camera.intrinsics.pixel_of(&in_optical).unwrap();
        let pixel = row.round() as usize * frame.width + column.round() as usize;
        let error_m = (f64::from(frame.depth_m[pixel]) - in_optical.z).abs();
        seen += usize::from(error_m < 2e-3);
    }
    // The arm may hide one.
    assert!(seen >= 5, "{seen} of 6 tops are where they should be");
}

#[test]
fn a_moved_arm_is_seen_moved() {
    let (robot, world) = (panda(), world());
    let mut simulator = simulator_with(vec![]);
    let mut view = SceneView::new(&robot, &[], &world, &[]).unwrap();
    let before = view.see(&world.camera, &simulator.snapshot());
    let mut goal = home();
    goal[0] = 0.5;
    move_to(&mut simulator, &goal, 1.0, None);
    let after = view.see(&world.camera, &simulator.snapshot());
    let changed = before.depth_m.iter().zip(&after.depth_m).filter(|(a, b)| a != b).count();
    assert!(changed > 1000, "{changed} pixels changed");
}
