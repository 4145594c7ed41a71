//! One rendered table as perception gets it.

use std::time::Duration;

use anyhow::Result;
use praxis_geometry::{Pose, Stamp};
use praxis_perception::{
    CameraModel, ColourImage, DepthImage, Frame, Perceiver, Perception, RobotBody,
};
use praxis_render::Frame as Picture;
use praxis_scenes::{Label, Noise, Split, Tables, spoil};

use crate::robot::RobotModel;
use crate::timed_network::thread_time;

/// One rendered table and what is true of it.
pub struct View {
    /// The objects.
    pub labels: Vec<Label>,
    /// Depth as the sensor gives it.
    pub depth: DepthImage,
    colour: ColourImage,
    camera: CameraModel,
    world_from_camera: Pose,
    robot: RobotBody,
}

impl View {
    /// Draws a table.
    pub fn of(
        tables: &mut Tables,
        split: Split,
        seed: u64,
        noise: bool,
        robot: &RobotModel,
    ) -> Result<Self> {
        let mut picture = Picture::default();
        let table = tables.draw(split, seed, &mut picture)?;
        if noise {
            spoil(&mut picture, &Noise::default(), seed);
        }
        let (width, height, view) = (picture.width_px, picture.height_px, &table.camera);
        let k = [view.fx_px, 0.0, view.cx_px, 0.0, view.fy_px, view.cy_px, 0.0, 0.0, 1.0];
        Ok(Self {
            colour: ColourImage::new(width, height, 3 * width, "rgb8", picture.colour)?,
            depth: DepthImage::from_metres(width, height, picture.depth_m)?,
            camera: CameraModel::new(width, height, &k, "", &[])?,
            world_from_camera: view.world_from_optical,
            robot: robot.body(table.robot.as_ref()),
            labels: table.labels,
        })
    }

    /// What perception makes of it, and the processor time that took.
    pub fn perceive(
        &self,
        perceiver: &mut Perceiver,
        depth: Option<&DepthImage>,
    ) -> Result<(Perception, Duration)> {
        let frame = Frame {
            stamp: Stamp::from_secs_f64(1.0),
            colour: &self.colour,
            depth,
            camera: &self.camera,
            world_from_camera: &self.world_from_camera,
            robot: &self.robot,
        };
        // Every table has a camera of its own; what is prepared once for a camera is not counted.
        perceiver.process(&frame)?;
        perceiver.forget();
        let started = thread_time();
        let perception = perceiver.process(&frame)?;
        Ok((perception, thread_time().saturating_sub(started)))
    }
}
