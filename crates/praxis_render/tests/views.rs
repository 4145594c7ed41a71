//! Views that can be worked out by hand.

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use praxis_geometry::{Pose, Shape};
use praxis_render::{Camera, Frame, Light, Material, Mesh, Renderer, Scene};

fn camera_above(height_m: f64) -> Camera {
    let down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
    Camera {
        width_px: 161,
        height_px: 121,
        fx_px: 160.0,
        fy_px: 160.0,
        cx_px: 80.0,
        cy_px: 60.0,
        world_from_optical: Isometry3::from_parts(
            nalgebra::Translation3::new(0.0, 0.0, height_m),
            down,
        ),
    }
}

fn draw(scene: &Scene, camera: &Camera) -> Frame {
    let mut frame = Frame::default();
    Renderer::default().render(scene, &Light::default(), camera, &mut frame);
    frame
}

fn cuboid(half: [f64; 3]) -> Mesh {
    Mesh::of_shape(&Shape::Box { half_extents_m: half.into() })
}

#[test]
fn depth_is_the_distance_along_the_optical_axis() {
    let mut scene = Scene::default();
    scene.add(
        cuboid([1.0, 1.0, 0.05]),
        Material::plain([0.5; 3]),
        Pose::translation(0.0, 0.0, -0.05),
    );
    let top = scene.add(
        cuboid([0.1, 0.05, 0.1]),
        Material::plain([0.9, 0.1, 0.1]),
        Pose::translation(0.0, 0.0, 0.1),
    );
    let frame = draw(&scene, &camera_above(1.0));
    let middle = 60 * 161 + 80;
    assert!((frame.depth_m[middle] - 0.8).abs() < 1e-5);
    assert_eq!(usize::from(frame.instance[middle]), top.0 + 1);
    assert!((frame.depth_m[0] - 1.0).abs() < 1e-4, "the table's depth is the same at the corner");
    // 0.1 m at 0.8 m under a focal length of 160 px is 20 px to either side, 10 px across.
    let wide = (0..161).filter(|x| usize::from(frame.instance[60 * 161 + x]) == top.0 + 1).count();
    let high = (0..121).filter(|y| usize::from(frame.instance[y * 161 + 80]) == top.0 + 1).count();
    assert_eq!((wide, high), (41, 21));
}

#[test]
fn things_throw_shadows_and_nothing_is_background() {
    let mut scene = Scene::default();
    scene.add(
        cuboid([0.3, 0.3, 0.05]),
        Material::plain([0.8; 3]),
        Pose::translation(0.0, 0.0, -0.05),
    );
    let open = draw(&scene, &camera_above(1.0));
    scene.add(
        cuboid([0.05, 0.05, 0.05]),
        Material::plain([0.8; 3]),
        Pose::translation(0.0, 0.0, 0.3),
    );
    let shaded = draw(&scene, &camera_above(1.0));
    let darker = open
        .colour
        .iter()
        .zip(&shaded.colour)
        .filter(|(a, b)| i32::from(**b) + 40 < i32::from(**a))
        .count();
    assert!(darker > 100, "{darker} values got darker");
    assert_eq!(open.instance[0], 0);
    assert_eq!(open.depth_m[0], 0.0);
}

#[test]
fn a_surface_that_reaches_behind_the_camera_is_cut_not_garbled() {
    let mut scene = Scene::default();
    scene.add(
        cuboid([50.0, 50.0, 0.05]),
        Material::plain([0.5; 3]),
        Pose::translation(0.0, 0.0, -0.05),
    );
    let tilted = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), 2.0);
    let mut camera = camera_above(1.0);
    camera.world_from_optical.rotation = tilted;
    let frame = draw(&scene, &camera);
    for (pixel, depth) in frame.depth_m.iter().enumerate().filter(|(_, d)| **d > 0.0) {
        let [x, y] = [(pixel % 161) as f64, (pixel / 161) as f64];
        let ray = Point3::new((x - 80.0) / 160.0, (y - 60.0) / 160.0, 1.0) * f64::from(*depth);
        let height = (camera.world_from_optical * ray).z;
        assert!(height.abs() < 2e-3 * f64::from(*depth), "{height} at {pixel}");
    }
}

#[test]
fn every_primitive_is_closed_and_turned_outwards() {
    let shapes = [
        Shape::Sphere { radius_m: 0.3 },
        Shape::Cylinder { radius_m: 0.2, length_m: 0.5 },
        Shape::Capsule { radius_m: 0.2, length_m: 0.5 },
        Shape::Box { half_extents_m: Vector3::new(0.1, 0.2, 0.3) },
    ];
    for shape in shapes {
        for turn in 0..6 {
            let mut scene = Scene::default();
            let axis = [Vector3::x_axis(), Vector3::y_axis()][turn % 2];
            let rotation = UnitQuaternion::from_axis_angle(&axis, 1.1 * turn as f64);
            let pose = Isometry3::from_parts(Vector3::zeros().into(), rotation);
            scene.add(Mesh::of_shape(&shape), Material::plain([0.5; 3]), pose);
            let frame = draw(&scene, &camera_above(2.0));
            let nearest =
                frame.depth_m.iter().filter(|d| **d > 0.0).fold(9.0_f32, |a, b| a.min(*b));
            assert!(nearest < 1.92, "{shape:?} shows its near side, not its inside: {nearest}");
        }
    }
}
