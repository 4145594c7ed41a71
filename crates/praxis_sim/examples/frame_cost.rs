//! What a camera frame costs: `frame_cost URDF WORLD`.

use std::path::PathBuf;
use std::time::Instant;

use praxis_sim::{RobotDescription, SceneView, SimConfig, Simulator};
use praxis_trajectory::LimitsFile;
use praxis_world::World;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let (Some(urdf), Some(world)) = (arguments.next(), arguments.next()) else {
        return Err("usage: frame_cost URDF WORLD".into());
    };
    let robot = RobotDescription::read(&urdf, None)?;
    let world = World::read(world)?;
    let config = SimConfig::default();
    let simulator = Simulator::new(&robot, &LimitsFile::default(), &world, config.clone())?;
    let mut view = SceneView::new(&robot, &config.finger_joints, &world, simulator.objects())?;
    let snapshot = simulator.snapshot();
    let mut spans_ms = Vec::new();
    for _ in 0..60 {
        let begin = Instant::now();
        view.see(&world.camera, &snapshot);
        spans_ms.push(1e3 * begin.elapsed().as_secs_f64());
    }
    spans_ms.sort_by(f64::total_cmp);
    println!("{:.1} ms a frame (median), {:.1} ms at best", spans_ms[30], spans_ms[0]);
    Ok(())
}
