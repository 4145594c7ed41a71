//! One frame after another → objects.

use std::time::{Duration, Instant};

use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Stamp};
use praxis_network::{Card, DepthPreprocessor, Detection, Network, Preprocessor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exclusion::RobotBody;
use crate::locate::{LocateConfig, Located, Locator};
use crate::object::SeenObject;
use crate::plane::SupportPlane;
use crate::scan::{RayTables, Scan};
use crate::sighting::{Carried, Sighting};
use crate::track::Track;
use crate::tracker::{Place, Sightings, Tracker, TrackerConfig};
use crate::{CameraModel, ColourImage, DepthImage, PerceptionError};

/// How frames become objects.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PerceiverConfig {
    /// The support's height over the planning frame's origin, metres.
    #[schemars(range(min = -10.0, max = 10.0))]
    pub plane_height_m: f64,
    /// Whether the support is estimated from depth in every frame; the height above is then only
    /// used where that fails.
    pub estimate_plane: bool,
    /// A run of the network longer than this is ended, milliseconds; 0 for no limit.
    #[schemars(range(min = 0, max = 60000))]
    pub network_limit_ms: u64,
    /// Least score of a class that the network only proposes; the outline then chooses among what
    /// was proposed for one place.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub proposal_score: f64,
    /// Two objects whose centres are closer than this are one, metres.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub merge_m: f64,
    /// Detection + depth → object.
    pub locate: LocateConfig,
    /// Objects over time.
    pub tracker: TrackerConfig,
}

impl Default for PerceiverConfig {
    fn default() -> Self {
        Self {
            plane_height_m: 0.0,
            estimate_plane: false,
            network_limit_ms: 1000,
            proposal_score: 0.1,
            merge_m: 0.02,
            locate: LocateConfig::default(),
            tracker: TrackerConfig::default(),
        }
    }
}

/// Everything that one look takes.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// When it was taken.
    pub stamp: Stamp,
    /// The colour picture.
    pub colour: &'a ColourImage,
    /// Depth seen by the same camera, in any resolution.
    pub depth: Option<&'a DepthImage>,
    /// The camera.
    pub camera: &'a CameraModel,
    /// Where the optical frame stood in the planning frame.
    pub world_from_camera: &'a Pose,
    /// Where the robot stood in the planning frame.
    pub robot: &'a RobotBody,
}

/// How long each stage took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageTimes {
    /// Picture → tensor.
    pub preprocess: Duration,
    /// The network's own run.
    pub network: Duration,
    /// Tensors → detections.
    pub decode: Duration,
    /// Detections → objects.
    pub locate: Duration,
    /// Objects → tracks.
    pub track: Duration,
}

/// What a frame shows.
#[derive(Clone, Debug, Default)]
pub struct Perception {
    /// What the network saw, in the colour picture.
    pub detections: Vec<Detection>,
    /// What stands on the support in this frame.
    pub seen: Vec<SeenObject>,
    /// What is known after this frame.
    pub objects: Vec<Track>,
    /// Detections that were dropped because the robot is there.
    pub on_robot: usize,
    /// Detections that were dropped because they hang in the air, held by something.
    pub lifted: usize,
    /// The support in this frame.
    pub plane: SupportPlane,
    /// How long each stage took.
    pub times: StageTimes,
}

/// Turns one frame after another into objects.
pub struct Perceiver {
    config: PerceiverConfig,
    card: Card,
    network: Box<dyn Network>,
    preprocessor: Preprocessor,
    /// For a network that takes depth as well.
    depth_preprocessor: Option<DepthPreprocessor>,
    tracker: Tracker,
    rays: RayTables,
    score_threshold: Option<f32>,
    carried: Vec<Carried>,
}

impl Perceiver {
    /// A perceiver around a network that has been checked against its card.
    pub fn new(card: Card, network: Box<dyn Network>, config: PerceiverConfig) -> Self {
        let preprocessor = Preprocessor::new(&card.input);
        let depth_preprocessor =
            card.input.depth.is_some().then(|| DepthPreprocessor::new(&card.input));
        let tracker = Tracker::new(config.tracker.clone());
        Self {
            config,
            card,
            network,
            preprocessor,
            depth_preprocessor,
            tracker,
            rays: RayTables::default(),
            score_threshold: None,
            carried: Vec::new(),
        }
    }

    /// The card in force.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// What computes the network.
    pub fn provider(&self) -> &str {
        self.network.provider()
    }

    /// Sets the least score of every class; none goes back to the card's.
    pub fn set_score_threshold(&mut self, score: Option<f32>) {
        self.score_threshold = score;
    }

    /// Says what the robot holds at the moment of the next frame; its tracks follow the hand.
    pub fn set_carried(&mut self, carried: Vec<Carried>) {
        self.carried = carried;
    }

    /// Forgets all tracks.
    pub fn forget(&mut self) {
        self.tracker.clear();
    }

    /// Takes in one frame.
    ///
    /// # Errors
    /// When pictures and camera do not belong together, the transform is not finite, or the network
    /// fails or runs too long; the tracks stay as they were.
    pub fn process(&mut self, frame: &Frame<'_>) -> Result<Perception, PerceptionError> {
        if !frame.world_from_camera.to_homogeneous().iter().all(|value| value.is_finite()) {
            return Err(PerceptionError::Transform);
        }
        let camera =
            frame.camera.for_size("colour", frame.colour.width(), frame.colour.height())?;
        let take = |depth| self.rays.take(frame.camera, depth);
        let table = frame.depth.map(take).transpose()?;
        let mut times = StageTimes::default();
        let detections = match self.detect(frame.colour, frame.depth, &mut times) {
            Ok(detections) => detections,
            Err(error) => {
                table.into_iter().for_each(|table| self.rays.keep(table));
                return Err(error);
            }
        };

        let started = Instant::now();
        let scan = frame
            .depth
            .zip(table.as_ref())
            .map(|(depth, table)| Scan::new(depth, table, frame.world_from_camera));
        let plane = self.support_plane(scan.as_ref());
        let locator = Locator {
            card: &self.card,
            config: &self.config.locate,
            camera: &camera,
            world_from_camera: frame.world_from_camera,
            plane,
            robot: frame.robot,
            scan,
        };
        let least = |class| self.score_threshold.unwrap_or(self.card.score_threshold(class));
        let (mut seen, mut on_robot, mut lifted) = (Vec::new(), 0, 0);
        for place in places(&detections, least) {
            match locator.locate(&place) {
                Located::Proposals(readings) => seen.extend(settled(readings, least)),
                Located::OnRobot => on_robot += 1,
                Located::Lifted => lifted += 1,
                Located::Nothing => {}
            }
        }
        let seen = merged(seen, self.config.merge_m);
        times.locate = started.elapsed();

        let started = Instant::now();
        let look = |track: &Track| look_at(track, &camera, frame, scan.as_ref());
        let sightings = Sightings {
            stamp: frame.stamp,
            seen: seen.iter().map(Sighting::from).collect(),
            carried: self.carried.clone(),
        };
        self.tracker.take(sightings, &self.card, look);
        let objects: Vec<Track> = self.tracker.objects().cloned().collect();
        times.track = started.elapsed();
        table.into_iter().for_each(|table| self.rays.keep(table));

        Ok(Perception { detections, seen, objects, on_robot, lifted, plane, times })
    }

    fn detect(
        &mut self,
        colour: &ColourImage,
        depth: Option<&DepthImage>,
        times: &mut StageTimes,
    ) -> Result<Vec<Detection>, PerceptionError> {
        let started = Instant::now();
        let (tensor, input_from_image) = self.preprocessor.run(&colour.view());
        let depth_tensor = self
            .depth_preprocessor
            .as_mut()
            .map(|preprocessor| preprocessor.run(depth.map(DepthImage::view).as_ref()));
        times.preprocess = started.elapsed();

        let started = Instant::now();
        let limit = self.config.network_limit_ms;
        let limit = (limit > 0).then(|| Duration::from_millis(limit));
        let mut inputs = vec![(self.card.input.name.as_str(), tensor.view())];
        let depth_name = self.card.input.depth.as_deref();
        inputs.extend(depth_name.zip(depth_tensor).map(|(name, depth)| (name, depth.view())));
        let outputs = self.network.run(&inputs, limit)?;
        times.network = started.elapsed();

        let started = Instant::now();
        let size = (colour.width(), colour.height());
        let least = self.config.proposal_score as f32;
        let detections = self.card.decode(&outputs, &input_from_image, size, Some(least))?;
        times.decode = started.elapsed();
        Ok(detections)
    }

    fn support_plane(&self, scan: Option<&Scan<'_>>) -> SupportPlane {
        let fixed = SupportPlane::level(self.config.plane_height_m);
        let Some(scan) = scan.filter(|_| self.config.estimate_plane) else { return fixed };
        let step = 8;
        let rows = (0..scan.height()).step_by(step);
        let points: Vec<[f32; 3]> = rows
            .flat_map(|row| {
                (0..scan.width()).step_by(step).map(move |column| scan.point(column, row))
            })
            .filter(|point| point[2].is_finite())
            .collect();
        SupportPlane::estimate(&points, 0.006, 0.2, 0.25, 1).unwrap_or(fixed)
    }
}

/// What was proposed for each place, the likeliest class first.
///
/// A place whose best score is below the threshold of its class is left out.
fn places(detections: &[Detection], least_score: impl Fn(usize) -> f32) -> Vec<Vec<Detection>> {
    const SAME_PLACE_IOU: f64 = 0.4;
    let mut places: Vec<Vec<Detection>> = Vec::new();
    // Detections come best first.
    for detection in detections {
        let same =
            |place: &&mut Vec<Detection>| place[0].bounds.iou(&detection.bounds) > SAME_PLACE_IOU;
        match places.iter_mut().find(same) {
            Some(place) if place.iter().all(|other| other.class != detection.class) => {
                place.push(detection.clone());
            }
            Some(_) => {}
            None if detection.score >= least_score(detection.class) => {
                places.push(vec![detection.clone()]);
            }
            None => {}
        }
    }
    places
}

/// Settles which of the proposed classes stands at a place.
///
/// The network says that something is there (its best score) and what it may be; the outline weighs
/// the proposals.
fn settled(readings: Vec<SeenObject>, least_score: impl Fn(usize) -> f32) -> Option<SeenObject> {
    let weight = |object: &SeenObject| f64::from(object.score) * object.outline_support;
    let first = readings.first()?;
    let (presence, least) = (first.score, least_score(first.class));
    let sum: f64 = readings.iter().map(weight).sum();
    let best = readings.into_iter().max_by(|a, b| weight(a).total_cmp(&weight(b)))?;
    let share = if sum > 0.0 { weight(&best) / sum } else { 0.0 };
    // A class that its outline contradicts, with no better one proposed, is not told.
    let score = presence * (share * best.outline_support) as f32;
    (score >= 0.5 * least).then_some(SeenObject { score, ..best })
}

/// Of objects in the same place the likeliest stays.
fn merged(mut seen: Vec<SeenObject>, merge_m: f64) -> Vec<SeenObject> {
    seen.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<SeenObject> = Vec::with_capacity(seen.len());
    for object in seen {
        let near = |other: &SeenObject| (other.centre_m - object.centre_m).xy().norm() < merge_m;
        if !kept.iter().any(near) {
            kept.push(object);
        }
    }
    kept
}

/// What the frame shows at the place of a track: five points of its top face are looked at.
fn look_at(
    track: &Track,
    camera: &CameraModel,
    frame: &Frame<'_>,
    scan: Option<&Scan<'_>>,
) -> Place {
    const MARGIN_M: f64 = 0.015;
    let world_from_object = track.world_from_object();
    let eye = Point3::from(frame.world_from_camera.translation.vector);
    let (mut hidden, mut occupied) = (0, 0);
    const AT: [(f64, f64); 5] = [(0.0, 0.0), (0.3, 0.0), (-0.3, 0.0), (0.0, 0.3), (0.0, -0.3)];
    for (x, y) in AT {
        let size = &track.size_m;
        let top =
            world_from_object * Point3::from(Vector3::new(x * size.x, y * size.y, 0.5 * size.z));
        let in_camera = frame.world_from_camera.inverse() * top;
        let view = scan.map_or(camera, |scan| scan.camera());
        let Some(pixel) = view.project(&in_camera).filter(|&pixel| view.sees(pixel)) else {
            hidden += 1;
            continue;
        };
        if frame.robot.blocks(&eye, &top) {
            hidden += 1;
            continue;
        }
        let Some(scan) = scan else { continue };
        let column = (pixel[0].round().max(0.0) as usize).min(scan.width() - 1);
        let row = (pixel[1].round().max(0.0) as usize).min(scan.height() - 1);
        let depth = f64::from(scan.depth_m(column, row));
        if depth.is_nan() || depth < in_camera.z - MARGIN_M {
            hidden += 1;
        } else if depth < in_camera.z + MARGIN_M {
            occupied += 1;
        }
    }
    if hidden >= 3 {
        Place::Hidden
    } else if occupied >= 3 {
        Place::Occupied
    } else {
        Place::Empty
    }
}
