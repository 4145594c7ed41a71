use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use praxis_control::{
    Ahead, ControllerState, KnownBox, Monitor, MonitorConfig, Servo, ServoConfig, Verdict,
};
use praxis_robot::Robot;
use praxis_ros::r2r::moveit_msgs::msg::PlanningScene;
use praxis_ros::r2r::sensor_msgs::msg::{JointState, PointCloud2};
use praxis_ros::r2r::vision_msgs::msg::Detection3DArray;
use praxis_ros::r2r::visualization_msgs::msg::MarkerArray;
use praxis_ros::{Diagnostics, Latency, Level, Publisher, RealTime, go_at_once};
use praxis_trajectory::JointLimits;
use triple_buffer::Input;

use crate::goals::Goals;
use crate::realtime::{sleep_until, steady_ns};
use crate::safety_markers;
use crate::servoing::{ServoInbox, Servoing};
use crate::shared::{Flags, GuardWord, ServoWord};
use crate::surroundings::{KnownWorld, boxes_of, people_of, points_of};

/// What the monitor sees is drawn this often while somebody looks.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// A tracked object that is out of sight, behind the hand perhaps, is remembered for this long.
const REMEMBERED: Duration = Duration::from_secs(5);

/// The newest messages that the monitor has not taken in yet; the hearing thread puts them here.
#[derive(Clone, Default)]
pub struct MonitorInbox(Arc<Mutex<Inbox>>);

#[derive(Default)]
struct Inbox {
    // Every change counts.
    scenes: Vec<PlanningScene>,
    cloud: Option<PointCloud2>,
    objects: Option<Detection3DArray>,
    joints: JointState,
}

impl MonitorInbox {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.0.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    /// A planning scene, or changes of one.
    pub fn put_scene(&self, message: PlanningScene) {
        let mut inbox = self.lock();
        if !message.is_diff {
            inbox.scenes.clear();
        }
        inbox.scenes.push(message);
    }

    /// Obstacle points.
    pub fn put_cloud(&self, message: PointCloud2) {
        self.lock().cloud = Some(message);
    }

    /// Tracked objects.
    pub fn put_objects(&self, message: Detection3DArray) {
        self.lock().objects = Some(message);
    }

    /// The newest joint state.
    pub fn put_joints(&self, message: &JointState) {
        let mut inbox = self.lock();
        inbox.joints.name.clone_from(&message.name);
        inbox.joints.position.clone_from(&message.position);
    }
}

/// What servoing needs, before the robot is known.
pub struct ServoSetup {
    /// Link that is led.
    pub link: String,
    /// Limits of the joints.
    pub limits: JointLimits,
    /// How input is followed.
    pub config: ServoConfig,
    /// What has been heard.
    pub inbox: ServoInbox,
    /// Metres and radians per second of a twist of 1; `None` where twists have units.
    pub scales: Option<(f64, f64)>,
    /// Times a second that input is followed.
    pub rate_hz: f64,
    /// For the loop.
    pub word: Input<ServoWord>,
    /// `servo_node/status`.
    pub status: Publisher<praxis_ros::r2r::moveit_msgs::msg::ServoStatus>,
}

/// The monitor's own thread: looks ahead of whatever runs, and follows servo input.
pub struct Watching {
    /// Reads the robot; it takes a moment.
    pub load: Box<dyn FnOnce() -> anyhow::Result<Arc<Robot>> + Send>,
    /// Joints of the controller.
    pub joints: Vec<String>,
    /// What is kept clear of.
    pub config: MonitorConfig,
    /// Looks a second.
    pub rate_hz: f64,
    /// Frame that stands where the robot's root stands.
    pub planning_frame: String,
    /// Classes of tracked objects that are people.
    pub people_classes: Vec<String>,
    /// What has been heard.
    pub inbox: MonitorInbox,
    /// Motions under way.
    pub goals: Goals,
    /// The loop's part of each verdict.
    pub guard: Input<GuardWord>,
    /// When to end.
    pub flags: Arc<Flags>,
    /// `/diagnostics`.
    pub diagnostics: Diagnostics,
    /// Whether to ask for real-time scheduling.
    pub realtime: bool,
    /// Servoing, if it is switched on.
    pub servo: Option<ServoSetup>,
    /// `control/markers`.
    pub markers: Publisher<MarkerArray>,
}

impl Watching {
    /// Runs until the flags say to quit.
    pub fn run(mut self) {
        if self.realtime
            && let Err(error) = go_at_once(RealTime::Monitor)
        {
            tracing::warn!(%error, "no real-time scheduling for the monitor; it may be late under load");
        }
        let load = std::mem::replace(&mut self.load, Box::new(|| anyhow::bail!("loaded before")));
        let monitor = load().and_then(|robot| {
            let root = robot.root_link().to_owned();
            let world = KnownWorld::new(vec![self.planning_frame.clone(), root]);
            Ok((Monitor::new(robot, &self.joints, self.config.clone())?, world))
        });
        let (monitor, world) = match monitor {
            Ok(found) => found,
            Err(error) => {
                let text =
                    format!("{error:#}; nothing moves: mend it or set monitor.enabled to false");
                tracing::error!(error = %text, "the collision monitor cannot work");
                return self.diagnostics.report("monitor", Level::Error, text);
            }
        };
        let mut watch = Watch {
            state: monitor.robot().neutral(),
            monitor,
            world,
            scene_at: None,
            cloud_at: None,
            known: BTreeMap::new(),
            error: None,
            looks: 0,
            look_times: Latency::default(),
            drawn: Instant::now(),
        };
        let servo_rate_hz = self.servo.as_ref().map_or(self.rate_hz, |servo| servo.rate_hz);
        let mut servoing = match self.servo.take().map(|setup| self.servoing(setup, &watch)) {
            None => None,
            Some(Ok(servoing)) => Some(servoing),
            Some(Err(error)) => {
                tracing::error!(%error, "no servoing");
                self.diagnostics.report("servo", Level::Error, error.to_string());
                None
            }
        };
        let (mut due_ns, mut told) = (steady_ns(), Instant::now());
        while !self.flags.is_quitting() {
            let is_servoing = servoing.as_ref().is_some_and(Servoing::is_wanted);
            let rate_hz = if is_servoing { servo_rate_hz } else { self.rate_hz };
            due_ns = (due_ns + (1e9 / rate_hz) as i64).max(steady_ns());
            sleep_until(due_ns);
            let begun = Instant::now();
            let verdict = self.look(&mut watch);
            if let (None, true, Some(servoing)) = (&verdict, is_servoing, &mut servoing) {
                self.servo(servoing, &mut watch);
            }
            if let Some(verdict) = &verdict {
                watch.looks += 1;
                watch.look_times.add(begun.elapsed());
                *self.guard.input_buffer_mut() = GuardWord {
                    motion: verdict.motion,
                    rate: verdict.rate,
                    must_brake: verdict.must_brake,
                    at_ns: steady_ns(),
                };
                self.guard.publish();
                self.goals.set_threat(verdict.threat.as_ref());
            }
            if told.elapsed() > Duration::from_secs(1) {
                self.diagnose(&mut watch, verdict.as_ref(), told.elapsed());
                told = Instant::now();
            } else if let Some(verdict) = verdict.as_ref().filter(|verdict| is_alarming(verdict)) {
                let (level, text) = explain(verdict);
                self.diagnostics.report("monitor", level, text);
            }
        }
    }

    /// Takes in what is new and looks ahead of the running motion, if there is one.
    fn look(&self, watch: &mut Watch) -> Option<Verdict> {
        let report = self.goals.report();
        let (motion, time_s) = report.progress?;
        let trajectory = self.goals.trajectory(motion)?;
        watch.take_in(&self.inbox, &self.people_classes);
        let ahead = Ahead {
            motion,
            trajectory: &trajectory,
            time_s,
            commanded: &report.commanded,
            rate: report.motion_rate,
            stop_s: report.stop_duration_s,
        };
        let age_s = watch.age_s();
        let verdict = watch.monitor.look(&ahead, &watch.state, age_s);
        if watch.drawn.elapsed() >= DRAW_EVERY && self.markers.has_subscribers() {
            watch.drawn = Instant::now();
            let outlook = watch.monitor.outlook(&ahead, &watch.state);
            let root = watch.monitor.robot().root_link();
            let (_, reason) = explain(&verdict);
            self.markers.publish(&safety_markers::markers(root, &verdict, &outlook, &reason));
        }
        Some(verdict)
    }

    fn servoing(
        &self,
        setup: ServoSetup,
        watch: &Watch,
    ) -> Result<Servoing, praxis_control::ControlError> {
        let robot = watch.monitor.robot().clone();
        let root_frames = vec![self.planning_frame.clone(), robot.root_link().to_owned()];
        let ServoSetup { link, limits, config, inbox, scales, word, status, .. } = setup;
        Ok(Servoing {
            servo: Servo::new(robot, &self.joints, &link, limits, config)?,
            inbox,
            joints: self.joints.clone(),
            root_frames,
            scales,
            word,
            status,
            last_ns: 0,
            told: Instant::now(),
        })
    }

    fn servo(&self, servoing: &mut Servoing, watch: &mut Watch) {
        let report = self.goals.report();
        if matches!(report.state, ControllerState::Hold | ControllerState::Servo) {
            watch.take_in(&self.inbox, &self.people_classes);
            servoing.follow(&report, &watch.state, &mut watch.monitor);
        }
    }

    fn diagnose(&self, watch: &mut Watch, verdict: Option<&Verdict>, span: Duration) {
        let (level, text) = match (verdict, &watch.error) {
            (_, Some(error)) => (Level::Error, format!("{error}; it is passed over")),
            (None, None) => (Level::Ok, "nothing runs".to_owned()),
            (Some(verdict), None) => explain(verdict),
        };
        self.diagnostics.report("monitor", level, text);
        let ms = |age_s: Option<f64>| {
            age_s.map_or("never heard".to_owned(), |age_s| format!("{:.0}", 1e3 * age_s))
        };
        let age = |at: Option<Instant>| at.map(|at| at.elapsed().as_secs_f64());
        self.diagnostics.value("monitor", "scene_age_ms", ms(age(watch.scene_at)));
        self.diagnostics.value("monitor", "points_age_ms", ms(age(watch.cloud_at)));
        self.diagnostics.value("monitor", "unknown_points", watch.monitor.unknown_points());
        let rate_hz = watch.looks as f64 / span.as_secs_f64().max(1e-3);
        self.diagnostics.value("monitor", "looks_per_s", format!("{rate_hz:.0}"));
        self.diagnostics.latency("monitor", "look", &watch.look_times);
        if let Some(verdict) = verdict {
            self.diagnostics.value("monitor", "rate", format!("{:.2}", verdict.rate));
            let separation_m = verdict.separation_m;
            self.diagnostics.value("monitor", "separation_m", format!("{separation_m:.2}"));
        }
        watch.looks = 0;
    }
}

/// What the thread keeps between looks.
struct Watch {
    monitor: Monitor,
    world: KnownWorld,
    state: Vec<f64>,
    scene_at: Option<Instant>,
    cloud_at: Option<Instant>,
    // Tracked objects, and when they were seen last.
    known: BTreeMap<String, (KnownBox, Instant)>,
    error: Option<String>,
    looks: u32,
    look_times: Latency,
    drawn: Instant,
}

impl Watch {
    /// Converts what has come in since the last look; what is broken is told and passed over.
    fn take_in(&mut self, inbox: &MonitorInbox, people_classes: &[String]) {
        let (scenes, cloud, objects) = {
            let mut inbox = inbox.lock();
            let robot = self.monitor.robot();
            for (name, &position) in inbox.joints.name.iter().zip(&inbox.joints.position) {
                if let Ok(joint) = robot.joint_index(name)
                    && position.is_finite()
                {
                    self.state[joint] = position;
                }
            }
            (std::mem::take(&mut inbox.scenes), inbox.cloud.take(), inbox.objects.take())
        };
        for scene in &scenes {
            let applied = self.world.apply(scene);
            if applied.is_ok() {
                self.scene_at = Some(Instant::now());
            }
            self.tell(applied);
        }
        if !scenes.is_empty() {
            self.monitor.set_scene(self.world.scene());
        }
        if let Some(objects) = objects {
            let people = self.world.check_frame("tracked objects", &objects.header.frame_id);
            let taken = people.map(|()| {
                self.monitor.set_people(people_of(&objects, people_classes));
                let now = Instant::now();
                for (id, known) in boxes_of(&objects, people_classes) {
                    self.known.insert(id, (known, now));
                }
            });
            self.tell(taken);
        }
        self.known.retain(|_, (_, seen)| seen.elapsed() < REMEMBERED);
        self.monitor.set_known(self.known.values().map(|(known, _)| *known).collect());
        if let Some(cloud) = cloud {
            let points = self.world.check_frame("point cloud", &cloud.header.frame_id);
            let points = points.and_then(|()| points_of(&cloud));
            let taken = points.map(|points| {
                self.monitor.set_points(&points, &self.state);
                self.cloud_at = Some(Instant::now());
            });
            self.tell(taken);
        }
    }

    fn tell(&mut self, outcome: Result<(), crate::surroundings::SurroundingsError>) {
        match outcome {
            Ok(()) => self.error = None,
            Err(error) => {
                let text = error.to_string();
                if self.error.as_ref() != Some(&text) {
                    tracing::error!(error = %text, "the monitor cannot use a message");
                }
                self.error = Some(text);
            }
        }
    }

    /// Age of the oldest of scene and points that had come in before.
    fn age_s(&self) -> f64 {
        let ages = [self.scene_at, self.cloud_at].into_iter().flatten();
        ages.map(|at| at.elapsed().as_secs_f64()).fold(0.0, f64::max)
    }
}

fn is_alarming(verdict: &Verdict) -> bool {
    verdict.must_brake || (verdict.threat.is_some() && verdict.rate < 0.05)
}

fn explain(verdict: &Verdict) -> (Level, String) {
    let Verdict { rate, must_brake, threat, separation_m, is_blind, .. } = verdict;
    match threat {
        Some(threat) if *rate < 1.0 || *must_brake => {
            let does = if *must_brake { "braking" } else { "slowing down" };
            let text = format!(
                "{does}: {} would touch {} in {:.2} s",
                threat.first, threat.second, threat.in_s
            );
            (Level::Warn, text)
        }
        _ if *is_blind => {
            (Level::Warn, format!("scene or points are stale; at most {:.0} % speed", 1e2 * rate))
        }
        _ if *rate < 1.0 => {
            (Level::Ok, format!("something is {separation_m:.2} m away; {:.0} % speed", 1e2 * rate))
        }
        Some(_) => (Level::Ok, "something is in the way, far ahead".to_owned()),
        None => (Level::Ok, "the way is free".to_owned()),
    }
}
