//! The thread that looks at the frames of all cameras, the cameras in turn, newest frame first.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use praxis_geometry::{Pose, Stamp};
use praxis_network::Card;
use praxis_perception::{ClockWatch, Perception, StageTimes};
use praxis_ros::r2r::sensor_msgs::msg::Image;
use praxis_ros::r2r::vision_msgs::msg::Detection3DArray;
use praxis_ros::r2r::visualization_msgs::msg::MarkerArray;
use praxis_ros::tf::TfBuffer;
use praxis_ros::{Clock, Diagnostics, Latency, Level, Parameters, Publisher, StateHandle};

use crate::desk::Desk;
use crate::drawing::Drawing;
use crate::eyes::part_of;
use crate::measuring::{FrameTimes, Measuring};
use crate::messages;
use crate::obstacle_worker::{Known, SharedKnown};
use crate::parameters::PerceptionParameters;
use crate::pipeline::Pipeline;
use crate::refusals::Refusals;
use crate::robot::RobotInView;
use crate::turns::Turns;
use crate::waiting::wait_for_transform;
use praxis_perception::intake::Look;

/// The network, present while the node is configured.
pub type SharedPipeline = Arc<Mutex<Option<Pipeline>>>;

/// Where results go.
pub struct Outlets {
    pub objects: Publisher<Detection3DArray>,
    /// One of each camera.
    pub annotated: Vec<Publisher<Image>>,
    pub markers: Publisher<MarkerArray>,
}

/// Everything that the worker needs.
pub struct Worker {
    pub desk: Desk<Look>,
    pub pipeline: SharedPipeline,
    pub parameters: Parameters<PerceptionParameters>,
    pub state: StateHandle,
    pub tf: TfBuffer,
    pub clock: Clock,
    pub diagnostics: Diagnostics,
    pub outlets: Outlets,
    pub robot: RobotInView,
    /// Tells the obstacle thread what the objects are.
    pub known: SharedKnown,
    /// Where every frame's times go, if anywhere.
    pub measuring: Option<Measuring>,
    pub turns: Turns,
}

/// What has been measured so far.
#[derive(Default)]
struct Record {
    processed: u64,
    refusals: Refusals,
    over_time: u64,
    /// One of each camera.
    camera_clocks: Vec<ClockWatch>,
    stages: [Latency; 8],
    total: Latency,
    age: Latency,
}

/// Names of what is measured, as the diagnostics tell them.
const STAGES: [&str; 8] =
    ["wait", "place", "preprocess", "network", "decode", "locate", "track", "publish"];

impl Record {
    fn take(&mut self, times: &FrameTimes) {
        let FrameTimes { wait, place, stages, publish, whole } = *times;
        let StageTimes { preprocess, network, decode, locate, track } = stages;
        let spans = [wait, place, preprocess, network, decode, locate, track, publish];
        for (stage, span) in self.stages.iter_mut().zip(spans) {
            stage.add(span);
        }
        self.total.add(whole);
    }
}

impl Worker {
    /// Looks until the desk closes.
    pub fn run(mut self) {
        self.turns.go_first();
        let mut record = Record::default();
        while let Some((camera, look)) = self.desk.take() {
            if !self.state.is_active() {
                continue;
            }
            match self.look(camera, &look, &mut record) {
                Ok(()) => record.processed += 1,
                Err(reason) => {
                    record.refusals.tell(&self.diagnostics, "pipeline", "objects", reason);
                }
            }
            self.report(&record);
        }
    }

    fn look(&mut self, camera: usize, look: &Look, record: &mut Record) -> Result<(), String> {
        let parameters = self.parameters.get();
        let stamp = look.colour.stamp;
        let mut times = FrameTimes { wait: look.colour.arrived.elapsed(), ..FrameTimes::default() };
        let begun = Instant::now();
        self.watch_clock(camera, &parameters, stamp, record);
        let world_from_camera =
            wait_for_transform(&self.tf, &parameters, &look.colour.frame, stamp)
                .map_err(|reason| format!("no camera pose: {reason}"))?;
        let robot =
            self.robot.body(&parameters, stamp, Duration::ZERO, &self.tf, &self.diagnostics);

        times.place = begun.elapsed();

        let pipeline = Arc::clone(&self.pipeline);
        let mut pipeline = pipeline.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pipeline) = pipeline.as_mut() else { return Ok(()) };
        pipeline.set_carried(self.robot.carried(&parameters.planning_frame, stamp, &self.tf));
        let perception = pipeline
            .process(look, &world_from_camera, &robot, parameters.score_threshold)
            .inspect_err(|error| record.over_time += u64::from(error.is_time_limit()))
            .map_err(|error| error.to_string())?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known {
            stamp,
            boxes: perception.objects.iter().map(|track| track.known_box()).collect(),
            plane: perception.plane,
        });
        let begun = Instant::now();
        self.publish_objects(pipeline.card(), &parameters, stamp, &perception);
        times.publish = begun.elapsed();
        times.whole = look.colour.arrived.elapsed();
        times.stages = perception.times;
        self.turns.along(|| {
            self.draw(camera, pipeline.card(), &parameters, look, &perception, &world_from_camera);
        });

        record.take(&times);
        if let Some(measuring) = &mut self.measuring {
            measuring.note(stamp, &times);
        }
        let age_s = self.clock.now().seconds_since(stamp);
        record.age.add(Duration::from_secs_f64(age_s.clamp(0.0, 1e6)));
        let told = perception.objects.len();
        self.diagnostics.value("pipeline", "objects", told);
        self.diagnostics.value("pipeline", "detections", perception.detections.len());
        self.diagnostics.value("pipeline", "on_robot", perception.on_robot);
        self.diagnostics.value("pipeline", "lifted", perception.lifted);
        self.diagnostics.report("pipeline", Level::Ok, format!("{told} objects"));
        Ok(())
    }

    /// Says in the diagnostics when the camera's clock disagrees with ours.
    fn watch_clock(
        &self,
        camera: usize,
        parameters: &PerceptionParameters,
        stamp: Stamp,
        record: &mut Record,
    ) {
        let PerceptionParameters { clock_tolerance_s, max_age_s, .. } = *parameters;
        let part = part_of(parameters, "camera clock", camera);
        let clocks = &mut record.camera_clocks;
        while clocks.len() <= camera {
            clocks.push(ClockWatch::new(clock_tolerance_s, max_age_s));
        }
        let watch = &mut clocks[camera];
        match watch.note(stamp, self.clock.now()) {
            Some(trouble) => {
                self.diagnostics.report(&part, Level::Warn, trouble.to_string());
            }
            None => self.diagnostics.report(&part, Level::Ok, "agrees with ours"),
        }
        if let Some(age_s) = watch.least_age_s() {
            self.diagnostics.value(&part, "least_age_s", format!("{age_s:.4}"));
        }
    }

    fn publish_objects(
        &self,
        card: &Card,
        parameters: &PerceptionParameters,
        stamp: Stamp,
        perception: &Perception,
    ) {
        let header = messages::header(&parameters.planning_frame, stamp);
        self.outlets.objects.publish(&messages::objects(&header, card, &perception.objects));
    }

    /// Pictures and solids for people; nothing if nobody looks.
    fn draw(
        &self,
        camera: usize,
        card: &Card,
        parameters: &PerceptionParameters,
        look: &Look,
        perception: &Perception,
        world_from_camera: &Pose,
    ) {
        let header = messages::header(&parameters.planning_frame, look.colour.stamp);
        if self.outlets.markers.has_subscribers() {
            self.outlets.markers.publish(&messages::markers(&header, card, &perception.objects));
        }
        let annotated = &self.outlets.annotated[camera];
        if parameters.annotate_always || annotated.has_subscribers() {
            let drawing = Drawing::over(&look.colour.image);
            let drawing = drawing.perception(perception, &look.camera, world_from_camera);
            let (width, height, rgb) = drawing.into_parts();
            let header = messages::header(&look.colour.frame, look.colour.stamp);
            annotated.publish(&messages::image(header, width, height, rgb));
        }
    }

    fn report(&self, record: &Record) {
        let set = |key: &str, value: u64| self.diagnostics.value("pipeline", key, value);
        set("frames_processed", record.processed);
        set("frames_refused", record.refusals.count);
        set("frames_dropped", self.desk.dropped());
        set("network_over_time", record.over_time);
        // Sorting the records costs more than counting: often enough for a report every second.
        if (record.processed + record.refusals.count) % 8 != 1 {
            return;
        }
        for (name, latency) in STAGES.iter().zip(&record.stages) {
            self.diagnostics.latency("pipeline", name, latency);
        }
        self.diagnostics.latency("pipeline", "arrival_to_objects", &record.total);
        self.diagnostics.latency("pipeline", "age", &record.age);
    }
}
