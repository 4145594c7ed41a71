//! Sets the node up: parameters, topics, threads.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use praxis_ros::r2r::sensor_msgs::msg::Image;
use praxis_ros::{
    Diagnostics, Level, Node, Parameters, Publisher, RosError, Transitions, logging, topics,
};

use crate::desk::Desk;
use crate::eyes::{Eyes, cameras, topic_of};
use crate::further_sensors;
use crate::measuring::Measuring;
use crate::obstacle_worker::{ObstacleWorker, SharedKnown};
use crate::parameters::PerceptionParameters;
use crate::pipeline::Pipeline;
use crate::robot::RobotInView;
use crate::turns::Turns;
use crate::worker::{Outlets, SharedPipeline, Worker};

/// Runs the node until it is told to stop.
pub fn run() -> anyhow::Result<()> {
    let (turns, first) = Turns::ask();
    let mut node = Node::create("perception")?;
    logging::start(&mut node)?;
    if let Err(error) = first {
        tracing::info!(%error, "no higher priority; objects may be late on a busy machine");
    }
    let (parameters, common) =
        node.parameters::<PerceptionParameters>("perception", &["score_threshold"])?;
    let clock = node.clock(common.use_sim_time)?;
    let diagnostics = node.diagnostics("perception", &clock)?;
    let pipeline = SharedPipeline::default();
    let loader = Loader {
        parameters: parameters.clone(),
        pipeline: Arc::clone(&pipeline),
        diagnostics: diagnostics.clone(),
        turns,
    };
    let state = node.lifecycle("perception", &clock, common.autostart, loader)?;

    let settings = parameters.get();
    let desk = Desk::default();
    let obstacle_desk = Desk::default();
    let known = SharedKnown::default();
    let robot = RobotInView::listen(&mut node, &settings)?;
    let tf = node.tf_buffer()?;
    let obstacle_worker = ObstacleWorker {
        desk: obstacle_desk.clone(),
        known: Arc::clone(&known),
        parameters: parameters.clone(),
        state: state.clone(),
        tf: tf.clone(),
        clock: clock.clone(),
        diagnostics: diagnostics.clone(),
        obstacles: node.publish_on(&topics::OBSTACLES)?,
        unknown: node.publish_on(&topics::UNKNOWN_SPACE)?,
        robot: robot.clone(),
    };
    let worker = Worker {
        desk: desk.clone(),
        pipeline,
        parameters: parameters.clone(),
        state,
        tf,
        clock,
        diagnostics: diagnostics.clone(),
        outlets: Outlets {
            objects: node.publish_on(&topics::OBJECTS)?,
            annotated: annotated(&mut node, &settings)?,
            markers: node.publish_on(&topics::PERCEPTION_MARKERS)?,
        },
        robot,
        known,
        measuring: Measuring::start(&settings.measure_file)?,
        turns,
    };
    let cameras = cameras(&settings)?;
    let (further, first) = (&settings.obstacles, cameras.len());
    further_sensors::listen(&mut node, further, first, &obstacle_desk, &diagnostics)?;
    for camera in cameras.into_iter().enumerate() {
        let (desk, obstacles) = (desk.clone(), obstacle_desk.clone());
        Eyes::new(camera, &settings, desk, obstacles, diagnostics.clone()).open(&mut node)?;
    }

    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let perceiving = thread("perceive").spawn(move || worker.run())?;
    let clearing = thread("obstacles").spawn(move || obstacle_worker.run())?;
    node.at_end(move || {
        desk.close();
        obstacle_desk.close();
    });
    node.spin();
    perceiving.join().map_err(|_| anyhow::anyhow!("the perceiving thread panicked"))?;
    clearing.join().map_err(|_| anyhow::anyhow!("the obstacle thread panicked"))
}

/// Where the pictures of each camera go that people look at.
fn annotated(
    node: &mut Node,
    settings: &PerceptionParameters,
) -> Result<Vec<Publisher<Image>>, RosError> {
    let mut all = vec![node.publish_on(&topics::ANNOTATED)?];
    for name in &settings.further_cameras {
        let topic = topic_of(name, topics::ANNOTATED.name);
        all.push(node.publisher(&topic, (topics::ANNOTATED.published)())?);
    }
    Ok(all)
}

/// Loads the network when the node is configured and lets go of it at cleanup.
struct Loader {
    parameters: Parameters<PerceptionParameters>,
    pipeline: SharedPipeline,
    diagnostics: Diagnostics,
    turns: Turns,
}

impl Transitions for Loader {
    fn configure(&mut self) -> Result<(), String> {
        let started = Instant::now();
        let pipeline = Pipeline::load(&self.parameters.get(), self.turns).map_err(|error| {
            self.diagnostics.report("network", Level::Error, error.to_string());
            error.to_string()
        })?;
        let provider = pipeline.provider().to_owned();
        let network = pipeline.card().name.clone();
        for skipped in pipeline.skipped_providers() {
            tracing::warn!(name = %skipped.name, reason = %skipped.reason, "provider did not come up");
        }
        let level = if pipeline.skipped_providers().is_empty() { Level::Ok } else { Level::Warn };
        self.diagnostics.report("network", level, format!("{network} on {provider}"));
        self.diagnostics.value("network", "provider", &provider);
        let load_ms = started.elapsed().as_secs_f64() * 1e3;
        tracing::info!(network, provider, load_ms, "network is loaded");
        *lock(&self.pipeline) = Some(pipeline);
        Ok(())
    }

    fn cleanup(&mut self) -> Result<(), String> {
        *lock(&self.pipeline) = None;
        self.diagnostics.report("network", Level::Stale, "not loaded");
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
