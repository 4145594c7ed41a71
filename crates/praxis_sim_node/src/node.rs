use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use praxis_geometry::Stamp;
use praxis_ros::r2r::QosProfile;
use praxis_ros::r2r::std_msgs::msg::String as StringMessage;
use praxis_ros::{Diagnostics, Node, StopFlag, Transitions, go_first, logging, topics};

use crate::camera_loop::{self, CameraOutputs, FrameSlot};
use crate::config::SimParameters;
use crate::drawing;
use crate::messages::{command_from_msg, poses_msg, tf_msg};
use crate::physics_loop::{Outputs, PhysicsLoop};
use crate::pipeline::SimPipeline;
use crate::state_publishing::{StatePublishers, StatePublishing};

const NAME: &str = "sim";
/// Commands that may wait for the next physics step; more than a second's worth.
const WAITING_COMMANDS: usize = 1024;

/// Time stands still unless the node is active.
struct Running(Arc<AtomicBool>);

impl Transitions for Running {
    fn activate(&mut self) -> Result<(), String> {
        self.0.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn deactivate(&mut self) -> Result<(), String> {
        self.0.store(false, Ordering::SeqCst);
        Ok(())
    }
}

/// Sets the node up and serves it until it is told to stop.
pub fn run() -> anyhow::Result<()> {
    // It stands for hardware, which does not wait for other processes either: driver and physics
    // inherit this, the camera does not.
    let first = go_first();
    let mut node = Node::create(NAME)?;
    logging::start(&mut node)?;
    if let Err(error) = first {
        tracing::info!(%error, "no higher priority for the physics; on a busy machine time slips");
    }
    let (parameters, common) = node.parameters::<SimParameters>(NAME, &[])?;
    let parameters = parameters.get();
    let clock = node.clock(common.use_sim_time)?;
    let diagnostics = node.diagnostics(NAME, &clock)?;

    let pipeline = SimPipeline::new(&parameters).context("the simulation cannot be set up")?;
    tracing::info!(
        seed = parameters.seed,
        objects = pipeline.simulator().objects().len(),
        world = %pipeline.world().name,
        "a new world"
    );
    let epoch = now();
    let stop = node.stop_flag();

    let description = node.publish_on(&topics::ROBOT_DESCRIPTION)?;
    let static_transforms = node.publish_on(&topics::TF_STATIC)?;
    let text = StringMessage { data: pipeline.urdf().to_owned() };
    let frames = tf_msg(epoch, &pipeline.static_frames(&parameters.world_frame));
    node.at_start(move || {
        description.publish(&text);
        static_transforms.publish(&frames);
    });

    if !pipeline.course().is_empty() {
        let course = node.publish_on(&topics::REACH_POSES)?;
        let poses = poses_msg(epoch, &parameters.world_frame, pipeline.course());
        node.at_start(move || course.publish(&poses));
    }

    let frame_slot = start_camera(&mut node, &parameters, &pipeline, &diagnostics, &stop)?;

    let (send, commands) = sync_channel(WAITING_COMMANDS);
    node.listen_to(&topics::JOINT_COMMANDS, move |message| {
        // Full only while time stands still; then only the newest commands matter, and the
        // driver holds anyway.
        let _ = send.try_send(command_from_msg(message, epoch));
    })?;

    let (states, publishing) = StatePublishing::start(StatePublishers {
        joint_states: node.publish_on(&topics::JOINT_STATES)?,
        clock: node.publisher("/clock", QosProfile::default().keep_last(1).reliable())?,
        transforms: node.publish_on(&topics::TF)?,
    })
    .context("no thread to publish")?;
    let outputs = Outputs { states, diagnostics, frames: frame_slot };
    let running = Arc::new(AtomicBool::new(false));
    node.lifecycle(NAME, &clock, common.autostart, Running(running.clone()))?;
    let physics = PhysicsLoop::new(pipeline, commands, outputs, epoch, parameters.real_time_factor)
        .start(running, stop)
        .context("no thread for the physics")?;
    node.spin();
    physics.join().map_err(|_| anyhow::anyhow!("the physics thread panicked"))?;
    publishing.join().map_err(|_| anyhow::anyhow!("the publishing thread panicked"))
}

fn start_camera(
    node: &mut Node,
    parameters: &SimParameters,
    pipeline: &SimPipeline,
    diagnostics: &Diagnostics,
    stop: &StopFlag,
) -> anyhow::Result<Option<Arc<FrameSlot>>> {
    if !parameters.camera.enabled {
        return Ok(None);
    }
    let camera = &pipeline.world().camera;
    let outputs = CameraOutputs {
        colour: node.publish_on(&topics::COLOUR_IMAGE)?,
        depth: node.publish_on(&topics::DEPTH_IMAGE)?,
        info: node.publish_on(&topics::CAMERA_INFO)?,
        diagnostics: diagnostics.clone(),
        frame: camera.optical_frame.clone(),
        intrinsics: camera.intrinsics,
        published: match parameters.frames_file.as_str() {
            "" => None,
            file => Some(
                File::create(file).with_context(|| format!("cannot write frames_file {file}"))?,
            ),
        },
        depth_in_metres: parameters.camera.depth_encoding == "32FC1",
    };
    let draw = drawing::camera(pipeline, parameters)?;
    let slot = Arc::new(FrameSlot::default());
    camera_loop::start(slot.clone(), draw, outputs, stop.clone())
        .context("no thread for the camera")?;
    Ok(Some(slot))
}

/// Simulated time starts at the wall clock's, so that a world started anew is never in the past
/// of the nodes that are still there.
fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Stamp { nanoseconds: since.as_nanos() as i64 }
}
