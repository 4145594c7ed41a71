use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use praxis_geometry::Stamp;
use praxis_ros::r2r::sensor_msgs::msg::{CameraInfo, Image};
use praxis_ros::{Diagnostics, Latency, Level, Publisher, StopFlag, go_along};
use praxis_sim::{RgbdFrame, Snapshot};
use praxis_world::Intrinsics;

use crate::messages::{camera_info_msg, colour_msg, depth_msg};

/// Draws what the camera sees at one instant; the number tells frames apart.
pub type Draw = Box<dyn FnMut(&Snapshot, u64) -> anyhow::Result<RgbdFrame> + Send>;

/// The next frame to draw. A frame that is not drawn when the next is due is lost, and counted.
#[derive(Default)]
pub struct FrameSlot {
    waiting: Mutex<Waiting>,
    asked: Condvar,
}

#[derive(Default)]
struct Waiting {
    next: Option<(Stamp, Snapshot)>,
    lost: u64,
}

impl FrameSlot {
    /// Asks for a frame; never waits for the one before.
    pub fn ask(&self, stamp: Stamp, snapshot: Snapshot) {
        let mut waiting = self.lock();
        if waiting.next.replace((stamp, snapshot)).is_some() {
            waiting.lost += 1;
        }
        self.asked.notify_one();
    }

    fn take(&self, patience: Duration) -> Option<(Stamp, Snapshot)> {
        let waiting = self.lock();
        let (mut waiting, _) = self
            .asked
            .wait_timeout_while(waiting, patience, |waiting| waiting.next.is_none())
            .unwrap_or_else(|broken| broken.into_inner());
        waiting.next.take()
    }

    fn lost(&self) -> u64 {
        self.lock().lost
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(|broken| broken.into_inner())
    }
}

/// What the camera thread speaks through.
pub struct CameraOutputs {
    /// `camera/color/image_raw`.
    pub colour: Publisher<Image>,
    /// `camera/depth/image_raw`.
    pub depth: Publisher<Image>,
    /// `camera/color/camera_info`.
    pub info: Publisher<CameraInfo>,
    /// `/diagnostics`.
    pub diagnostics: Diagnostics,
    /// Optical frame.
    pub frame: String,
    /// How pixels see.
    pub intrinsics: Intrinsics,
    /// Stamps of frames and when they were published, nanoseconds; for whoever measures.
    pub published: Option<File>,
    /// Depth as 32FC1 in metres instead of 16UC1 in millimetres.
    pub depth_in_metres: bool,
}

/// Draws and publishes frames in a thread of its own until `stop`.
pub fn start(
    slot: Arc<FrameSlot>,
    mut draw: Draw,
    mut outputs: CameraOutputs,
    stop: StopFlag,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("camera".to_owned()).spawn(move || {
        if let Err(error) = go_along() {
            tracing::warn!(%error, "drawing keeps the priority of the physics");
        }
        let (mut frames, mut spans) = (0_u64, Latency::default());
        while !stop.is_stopped() {
            let Some((stamp, snapshot)) = slot.take(Duration::from_millis(100)) else { continue };
            let begin = Instant::now();
            match draw(&snapshot, frames) {
                Ok(frame) => {
                    write_down(&mut outputs.published, stamp);
                    publish(&outputs, stamp, &frame);
                }
                Err(error) => {
                    outputs.diagnostics.report("camera", Level::Error, error.to_string());
                    tracing::error!(%error, "a camera frame was not drawn");
                    continue;
                }
            }
            frames += 1;
            spans.add(begin.elapsed());
            let lost = slot.lost();
            let level = if lost > 0 { Level::Warn } else { Level::Ok };
            let message = if lost > 0 { "frames are lost: drawing is too slow" } else { "in time" };
            outputs.diagnostics.report("camera", level, message);
            outputs.diagnostics.value("camera", "frames", frames);
            outputs.diagnostics.value("camera", "lost_frames", lost);
            if frames.is_multiple_of(15) {
                outputs.diagnostics.latency("camera", "draw_and_publish", &spans);
            }
        }
    })
}

fn publish(outputs: &CameraOutputs, stamp: Stamp, frame: &RgbdFrame) {
    let info = camera_info_msg(stamp, &outputs.frame, &outputs.intrinsics);
    let depth = depth_msg(stamp, &outputs.frame, frame, outputs.depth_in_metres);
    let colour = colour_msg(stamp, &outputs.frame, frame);
    // Depth and intrinsics first: who waits for colour finds them there.
    outputs.info.publish(&info);
    outputs.depth.publish(&depth);
    outputs.colour.publish(&colour);
}

fn write_down(file: &mut Option<File>, stamp: Stamp) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let line = format!("{} {}\n", stamp.nanoseconds, now.as_nanos());
    if let Some(Err(error)) = file.as_mut().map(|file| file.write_all(line.as_bytes())) {
        tracing::warn!(%error, "the frame's moment could not be written down");
        *file = None;
    }
}
