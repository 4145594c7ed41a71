use praxis_sim::{SceneView, SensorNoise, Snapshot};

use crate::camera_loop::Draw;
use crate::config::{CameraParameters, SimParameters};
use crate::pipeline::SimPipeline;

/// The world's camera as the camera thread draws it, with or without noise.
pub fn camera(pipeline: &SimPipeline, parameters: &SimParameters) -> anyhow::Result<Draw> {
    let CameraParameters { noise, .. } = &parameters.camera;
    let mut view = SceneView::new(
        pipeline.robot(),
        &parameters.finger_joints,
        pipeline.world(),
        pipeline.simulator().objects(),
    )?;
    let mount = pipeline.world().camera.clone();
    let noise = noise.then(SensorNoise::default);
    let seed = u64::from(parameters.seed) << 32;
    Ok(Box::new(move |snapshot: &Snapshot, number| {
        let mut frame = view.see(&mount, snapshot);
        if let Some(noise) = &noise {
            noise.apply(&mut frame, seed + number);
        }
        Ok(frame)
    }))
}
