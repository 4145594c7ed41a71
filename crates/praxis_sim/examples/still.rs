//! A picture of the scene: `still URDF WORLD OUT.png [SEED]`.

use std::path::PathBuf;

use nalgebra::Vector3;
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

    let (eye, look_at) = (Vector3::new(1.50, -0.42, 1.45), Vector3::new(0.27, 0.10, 0.20));
    let camera = Camera::looking_at(eye, look_at, [1280, 860], 0.80);
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
