//! The thread that keeps the obstacle world; it waits for no network.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use praxis_geometry::Stamp;
use praxis_perception::{
    CloudFrame, DepthFrame, KnownBox, ObstacleChange, ObstacleWorld, SupportPlane,
};
use praxis_ros::convert::{CloudPoints, ToMsg};
use praxis_ros::r2r::sensor_msgs::msg::PointCloud2;
use praxis_ros::tf::TfBuffer;
use praxis_ros::{Clock, Diagnostics, Latency, Level, Parameters, Publisher, StateHandle};

use crate::desk::Desk;
use crate::mounts::Mounts;
use crate::parameters::PerceptionParameters;
use crate::refusals::Refusals;
use crate::robot::RobotInView;
use crate::sensor_frame::{Measured, SensorFrame};
use crate::waiting::wait_for_transform;

/// What the objects say about the obstacles: which points are theirs, and where the support is.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The frame that it rests on.
    pub stamp: Stamp,
    /// Tracked objects.
    pub boxes: Vec<KnownBox>,
    /// The support.
    pub plane: SupportPlane,
}

/// The newest that is known of the objects; none before the first frame.
pub type SharedKnown = Arc<Mutex<Option<Known>>>;

/// Everything that the obstacle thread needs.
pub struct ObstacleWorker {
    pub desk: Desk<SensorFrame>,
    pub known: SharedKnown,
    pub parameters: Parameters<PerceptionParameters>,
    pub state: StateHandle,
    pub tf: TfBuffer,
    pub clock: Clock,
    pub diagnostics: Diagnostics,
    pub obstacles: Publisher<PointCloud2>,
    pub unknown: Publisher<PointCloud2>,
    pub robot: RobotInView,
}

/// What has been measured so far.
#[derive(Default)]
struct Record {
    taken: u64,
    mounts: Mounts,
    refusals: Refusals,
    lost: u64,
    work: Latency,
    arrival_to_obstacles: Latency,
    age: Latency,
}

impl ObstacleWorker {
    /// Works until the desk closes.
    pub fn run(self) {
        let config = self.parameters.get().obstacles.world;
        let mut world = ObstacleWorld::new(config);
        let mut record = Record::default();
        while let Some((_, frame)) = self.desk.take() {
            if !self.state.is_active() {
                world.clear();
                continue;
            }
            match self.look(&frame, &mut world, &mut record) {
                Ok(()) => record.taken += 1,
                Err(reason) => {
                    record.refusals.tell(&self.diagnostics, "obstacles", "obstacles", reason);
                }
            }
            self.report(&record);
        }
    }

    fn look(
        &self,
        frame: &SensorFrame,
        world: &mut ObstacleWorld,
        record: &mut Record,
    ) -> Result<(), String> {
        let parameters = self.parameters.get();
        let stamp = frame.stamp;
        let world_from_sensor = wait_for_transform(&self.tf, &parameters, &frame.frame, stamp)
            .map_err(|reason| format!("no sensor pose: {reason}"))?;
        let started = Instant::now();
        let exposure = Duration::from_secs_f64(parameters.obstacles.exposure_s);
        let robot = self.robot.body(&parameters, stamp, exposure, &self.tf, &self.diagnostics);
        let known = self.known(&parameters, stamp);
        world.set_plane(known.plane);
        let change = match &frame.measured {
            Measured::Depth(depth, camera) => world.look(&DepthFrame {
                stamp,
                depth,
                camera,
                world_from_camera: &world_from_sensor,
                robot: &robot,
            }),
            Measured::Cloud(points) => world.look_at_cloud(&CloudFrame {
                stamp,
                points,
                world_from_sensor: &world_from_sensor,
                robot: &robot,
            }),
        };
        let change = change.map_err(|error| error.to_string())?;
        let points = world.points(&known.boxes);
        let told = points.len();
        self.publish(&parameters, world, stamp, points);
        record.work.add(started.elapsed());
        record.arrival_to_obstacles.add(frame.arrived.elapsed());
        let age_s = self.clock.now().seconds_since(stamp);
        record.age.add(Duration::from_secs_f64(age_s.clamp(0.0, 1e6)));
        record.lost += change.lost as u64;
        self.tell(told, world.len(), change);
        let place = &world_from_sensor;
        record.mounts.look(frame, place, &robot, &parameters, &self.diagnostics);
        Ok(())
    }

    /// What is known of the objects; what is too old counts no more, so that its points are
    /// obstacles again.
    fn known(&self, parameters: &PerceptionParameters, stamp: Stamp) -> Known {
        let fixed = SupportPlane::level(parameters.perceiver.plane_height_m);
        let newest = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match newest {
            Some(known)
                if (stamp.seconds_since(known.stamp)).abs() <= parameters.obstacles.known_for_s =>
            {
                known
            }
            _ => Known { stamp, boxes: Vec::new(), plane: fixed },
        }
    }

    fn publish(
        &self,
        parameters: &PerceptionParameters,
        world: &ObstacleWorld,
        stamp: Stamp,
        points: Vec<[f32; 3]>,
    ) {
        let cloud =
            |points| CloudPoints { stamp, frame: parameters.planning_frame.clone(), points };
        self.obstacles.publish(&cloud(points).to_msg());
        if self.unknown.has_subscribers() {
            self.unknown.publish(&cloud(world.unknown().0).to_msg());
        }
    }

    fn tell(&self, told: usize, kept: usize, change: ObstacleChange) {
        let set = |key: &str, value: usize| self.diagnostics.value("obstacles", key, value);
        set("points_told", told);
        set("points_kept", kept);
        set("points_on_robot", change.on_robot);
        if change.lost > 0 {
            let text =
                format!("{} points found no room: raise obstacles.world.max_points", change.lost);
            self.diagnostics.report("obstacles", Level::Error, text);
        } else {
            self.diagnostics.report("obstacles", Level::Ok, format!("{told} points"));
        }
    }

    fn report(&self, record: &Record) {
        let set = |key: &str, value: u64| self.diagnostics.value("obstacles", key, value);
        set("frames_taken", record.taken);
        set("frames_refused", record.refusals.count);
        set("frames_dropped", self.desk.dropped());
        set("points_lost", record.lost);
        // Sorting the records costs more than counting: often enough for a report every second.
        if (record.taken + record.refusals.count) % 8 != 1 {
            return;
        }
        self.diagnostics.latency("obstacles", "work", &record.work);
        let latency = &record.arrival_to_obstacles;
        self.diagnostics.latency("obstacles", "arrival_to_obstacles", latency);
        self.diagnostics.latency("obstacles", "age", &record.age);
    }
}
