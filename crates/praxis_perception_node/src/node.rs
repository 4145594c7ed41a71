//! Listens and speaks.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use praxis_perception::{ColourImage, DepthImage};
use praxis_ros::r2r::sensor_msgs::msg::CameraInfo;
use praxis_ros::{Diagnostics, Level, Node, Parameters, Transitions, logging, topics};

use crate::further_sensors::{self, MAIN_CAMERA};
use crate::measuring::Measuring;
use crate::messages::camera_model;
use crate::obstacle_desk::{Measured, ObstacleDesk, SensorFrame};
use crate::obstacle_worker::{ObstacleWorker, SharedKnown};
use crate::parameters::PerceptionParameters;
use crate::pictures::{Picture, compressed_image, raw_colour, raw_depth};
use crate::pipeline::Pipeline;
use crate::robot::RobotInView;
use crate::turns::Turns;
use crate::worker::{Desk, Outlets, SharedPipeline, Worker};
use praxis_perception::intake::{Colour, Depth, Intake, Look};

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
    let obstacle_desk = ObstacleDesk::default();
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
            annotated: node.publish_on(&topics::ANNOTATED)?,
            markers: node.publish_on(&topics::PERCEPTION_MARKERS)?,
        },
        robot,
        known,
        measuring: Measuring::start(&settings.measure_file)?,
        turns,
    };
    further_sensors::listen(&mut node, &settings.obstacles, &obstacle_desk, &diagnostics)?;
    Eyes::new(&settings, desk.clone(), obstacle_desk.clone(), diagnostics).open(&mut node)?;

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

/// What comes from the camera; lives on the thread that spins.
struct Eyes {
    intake: Intake,
    desk: Desk,
    obstacles: ObstacleDesk,
    diagnostics: Diagnostics,
    timeout: Duration,
    opened: Instant,
    last_colour: Option<Instant>,
    /// What is wrong with the newest image of each kind, and when it was told.
    troubles: [Option<(String, Instant)>; 3],
    /// Whether pictures come compressed.
    compressed: bool,
    /// Which topic a trouble is about.
    topics: [&'static str; 3],
}

impl Eyes {
    fn new(
        settings: &PerceptionParameters,
        desk: Desk,
        obstacles: ObstacleDesk,
        diagnostics: Diagnostics,
    ) -> Self {
        let compressed = settings.image_transport == "compressed";
        let pictures = if compressed {
            [topics::COLOUR_COMPRESSED.name, topics::DEPTH_COMPRESSED.name]
        } else {
            [topics::COLOUR_IMAGE.name, topics::DEPTH_IMAGE.name]
        };
        Self {
            intake: Intake::new(settings.max_stamp_gap_s, settings.require_depth),
            desk,
            obstacles,
            diagnostics,
            timeout: Duration::from_secs_f64(settings.camera_timeout_s),
            opened: Instant::now(),
            last_colour: None,
            troubles: [None, None, None],
            compressed,
            topics: [pictures[0], pictures[1], topics::CAMERA_INFO.name],
        }
    }

    fn open(self, node: &mut Node) -> anyhow::Result<()> {
        let compressed = self.compressed;
        let eyes = Rc::new(RefCell::new(self));
        let [colour, depth, info] = [(); 3].map(|()| Rc::clone(&eyes));
        if compressed {
            node.listen_to(&topics::COLOUR_COMPRESSED, move |message| {
                let arrived = Instant::now();
                let read = compressed_image(&message, ColourImage::from_compressed);
                colour.borrow_mut().colour(read, arrived);
            })?;
            node.listen_to(&topics::DEPTH_COMPRESSED, move |message| {
                let arrived = Instant::now();
                let read = compressed_image(&message, DepthImage::from_compressed);
                depth.borrow_mut().depth(read, arrived);
            })?;
        } else {
            node.listen_natively_to(&topics::COLOUR_IMAGE, move |message| {
                let arrived = Instant::now();
                colour.borrow_mut().colour(raw_colour(message), arrived);
            })?;
            node.listen_natively_to(&topics::DEPTH_IMAGE, move |message| {
                let arrived = Instant::now();
                depth.borrow_mut().depth(raw_depth(message), arrived);
            })?;
        }
        node.listen_to(&topics::CAMERA_INFO, move |message: CameraInfo| {
            info.borrow_mut().camera_info(&message);
        })?;
        node.every(Duration::from_millis(500), move || eyes.borrow_mut().report());
        Ok(())
    }

    fn colour(&mut self, read: Result<Picture<ColourImage>, String>, arrived: Instant) {
        self.last_colour = Some(arrived);
        let look = read.map(|Picture { stamp, frame, image }| {
            self.intake.colour(Colour { stamp, frame, image, arrived })
        });
        self.take(0, look);
    }

    fn depth(&mut self, read: Result<Picture<DepthImage>, String>, arrived: Instant) {
        let read = read.map(|Picture { stamp, frame, image }| {
            let image = Arc::new(image);
            Depth { stamp, frame, image }
        });
        let measured =
            read.as_ref().ok().zip(self.intake.camera()).map(|(depth, camera)| SensorFrame {
                stamp: depth.stamp,
                frame: depth.frame.clone(),
                arrived,
                measured: Measured::Depth(Arc::clone(&depth.image), camera.clone()),
            });
        let look = read.map(|depth| self.intake.depth(depth, arrived));
        self.take(1, look);
        if let Some(frame) = measured {
            self.obstacles.put(MAIN_CAMERA, frame);
        }
    }

    fn camera_info(&mut self, message: &CameraInfo) {
        let camera = camera_model(message).map(|camera| {
            self.intake.set_camera(camera);
            None
        });
        self.take(2, camera);
    }

    /// Hands a look on, or remembers what is wrong and says it when it is news.
    fn take(&mut self, kind: usize, read: Result<Option<Look>, String>) {
        const QUIET: Duration = Duration::from_secs(5);
        match read {
            Ok(look) => {
                self.troubles[kind] = None;
                if let Some(look) = look {
                    self.desk.put(look);
                }
            }
            Err(reason) => {
                self.intake.counts.refused += 1;
                let told = self.troubles[kind]
                    .as_ref()
                    .filter(|(last, when)| *last == reason && when.elapsed() < QUIET)
                    .map(|(_, when)| *when);
                if told.is_none() {
                    tracing::warn!(topic = self.topics[kind], %reason, "message is left out");
                }
                self.troubles[kind] = Some((reason, told.unwrap_or_else(Instant::now)));
            }
        }
    }

    fn report(&mut self) {
        let counts = self.intake.counts;
        for (key, value) in [
            ("colour_received", counts.colour),
            ("depth_received", counts.depth),
            ("colour_without_depth", counts.unpaired),
            ("messages_refused", counts.refused),
            ("frames_dropped", self.desk.dropped()),
        ] {
            self.diagnostics.value("camera", key, value);
        }
        let silence = self.last_colour.unwrap_or(self.opened).elapsed();
        self.diagnostics.value("camera", "silence_s", format!("{:.2}", silence.as_secs_f64()));
        let trouble = self.troubles.iter().zip(self.topics).find_map(|(trouble, topic)| {
            trouble.as_ref().map(|(reason, _)| format!("{topic}: {reason}"))
        });
        if silence > self.timeout {
            let seconds = silence.as_secs_f64();
            let topic = self.topics[0];
            let text = format!("no image on {topic} for {seconds:.1} s: is the camera plugged in?");
            self.diagnostics.report("camera", Level::Error, text);
        } else if let Some(trouble) = trouble {
            self.diagnostics.report("camera", Level::Error, trouble);
        } else if self.intake.camera().is_none() {
            let text = format!("no {} yet", topics::CAMERA_INFO.name);
            self.diagnostics.report("camera", Level::Error, text);
        } else {
            self.diagnostics.report("camera", Level::Ok, "images arrive");
        }
    }
}
