//! A picture of the scene: `still URDF WORLD OUT.png [SEED]`.

use std::path::PathBuf;

use nalgebra::{Isometry3, Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};
use praxis_render::Camera;
use praxis_sim::{RobotDescription, SceneView, SimConfig, Simulator};
use praxis_trajectory::LimitsFile;
use praxis_world::World;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [urdf, world, out, rest @ ..] = &arguments[..] else {
        return Err("usage: still URDF WORLD OUT.png [SEED]".into());
    };
    let seed = rest.first().map_or(Ok(1), |seed| seed.parse())?;
    let robot = RobotDescription::read(&PathBuf::from(urdf), None)?;
    let world = World::read(world)?;
    let config = SimConfig { seed, ..SimConfig::default() };
    let mut simulator = Simulator::new(&robot, &LimitsFile::default(), &world, config.clone())?;
    for _ in 0..200 {
        simulator.step();
    }

    let camera = camera([1.50, -0.42, 1.45], [0.27, 0.10, 0.20], [1280, 860], 0.80);
    let mut view = SceneView::new(&robot, &config.finger_joints, &world, simulator.objects())?;
    let frame = view.draw_smoothly(&camera, &simulator.snapshot());
    image::save_buffer(
        out,
        &frame.rgb,
        frame.width as u32,
        frame.height as u32,
        image::ColorType::Rgb8,
    )?;
    Ok(())
}

/// A camera at one place that looks at another, upright.
fn camera(eye_m: [f64; 3], look_at_m: [f64; 3], size_px: [usize; 2], fov_rad: f64) -> Camera {
    let forward = (Vector3::from(look_at_m) - Vector3::from(eye_m)).normalize();
    let right = forward.cross(&Vector3::z()).normalize();
    let axes = Matrix3::from_columns(&[right, forward.cross(&right), forward]);
    let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(axes));
    let focal_px = 0.5 * size_px[0] as f64 / (0.5 * fov_rad).tan();
    Camera {
        width_px: size_px[0],
        height_px: size_px[1],
        fx_px: focal_px,
        fy_px: focal_px,
        cx_px: 0.5 * (size_px[0] as f64 - 1.0),
        cy_px: 0.5 * (size_px[1] as f64 - 1.0),
        world_from_optical: Isometry3::from_parts(Translation3::from(Vector3::from(eye_m)), turn),
    }
}
