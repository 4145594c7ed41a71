//! Everything that stands within reach and is neither robot nor known object, kept from frame to
//! frame and cleared by the rays that pass through it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use praxis_geometry::{Pose, Stamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exclusion::{KnownBox, RobotBody};
use crate::known_space::KnownSpace;
use crate::plane::SupportPlane;
use crate::scan::{RayTables, Scan};
use crate::sight::{CloudSight, DepthSight, Gaze, Sight};
use crate::{CameraModel, DepthImage, PerceptionError};

/// Which points are obstacles, and how densely they are told.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ObstacleConfig {
    /// Every so many pixels along both sides are looked at.
    #[schemars(range(min = 1, max = 64))]
    pub pixel_step: usize,
    /// One point per cube of this side, metres.
    #[schemars(range(min = 0.001, max = 0.5))]
    pub voxel_m: f64,
    /// Lower than this above the support is no obstacle, metres.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub min_height_m: f64,
    /// Farther than this from the origin is no obstacle, metres.
    #[schemars(range(min = 0.1, max = 200.0))]
    pub max_distance_m: f64,
    /// Known objects are grown by this before their points are removed, metres.
    #[schemars(range(min = 0.0, max = 0.2))]
    pub object_padding_m: f64,
    /// A ray clears what it passes only when it ends so far behind it, metres; the sensor's noise.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub clear_margin_m: f64,
    /// How far a depth pixel without a return is taken to look freely, metres; 0: it clears nothing.
    /// Black, shiny and too near things give no return either: only for sensors that see those.
    #[schemars(range(min = 0.0, max = 200.0))]
    pub no_return_clears_to_m: f64,
    /// A point is dropped after so many frames in a row that look through it.
    #[schemars(range(min = 1, max = 100))]
    pub clear_frames: u32,
    /// At most so many points are kept; the diagnostics tell when more were seen.
    #[schemars(range(min = 100, max = 2000000))]
    pub max_points: usize,
    /// Side of the cells in which seen and unseen space are kept apart, metres.
    #[schemars(range(min = 0.01, max = 10.0))]
    pub space_cell_m: f64,
}

impl Default for ObstacleConfig {
    fn default() -> Self {
        Self {
            pixel_step: 2,
            voxel_m: 0.015,
            min_height_m: 0.015,
            max_distance_m: 1.2,
            object_padding_m: 0.015,
            clear_margin_m: 0.012,
            no_return_clears_to_m: 0.0,
            clear_frames: 2,
            max_points: 100_000,
            space_cell_m: 0.06,
        }
    }
}

/// Which part of space a point lies in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Space {
    /// Something stands there.
    Occupied,
    /// It was last seen empty then.
    Free(Stamp),
    /// Nobody has looked there yet, or it is out of reach.
    Unknown,
}

/// What one frame changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObstacleChange {
    /// Points that were new.
    pub added: usize,
    /// Points that rays passed through for good.
    pub cleared: usize,
    /// Measured points that belong to the robot or to what it holds.
    pub on_robot: usize,
    /// Points that found no room.
    pub lost: usize,
    /// Whether the clock was set back, so that everything older was forgotten.
    pub restarted: bool,
}

/// One occupied cube.
#[derive(Clone, Copy, Debug)]
struct Voxel {
    key: [i32; 3],
    /// Where it was measured last.
    point: [f32; 3],
    /// Number of the frame that measured it last.
    hit: u64,
    /// When that was.
    stamp: Stamp,
    /// Frames in a row that looked through it.
    through: u32,
}

/// A depth camera's frame.
#[derive(Clone, Copy)]
pub struct DepthFrame<'a> {
    /// When it was taken.
    pub stamp: Stamp,
    /// Distances along the optical axis.
    pub depth: &'a DepthImage,
    /// The camera, in any resolution.
    pub camera: &'a CameraModel,
    /// Where the optical frame stood in the planning frame.
    pub world_from_camera: &'a Pose,
    /// Where the robot and what it holds were.
    pub robot: &'a RobotBody,
}

/// A frame of points, such as a lidar's.
#[derive(Clone, Copy)]
pub struct CloudFrame<'a> {
    /// When it was taken.
    pub stamp: Stamp,
    /// Points in the sensor's frame.
    pub points: &'a [[f32; 3]],
    /// Where the sensor stood in the planning frame.
    pub world_from_sensor: &'a Pose,
    /// Where the robot and what it holds were.
    pub robot: &'a RobotBody,
}

/// Everything that stands within reach and is not the robot.
///
/// A place where something was measured counts from that frame on. It is dropped when
/// `clear_frames` frames in a row have looked through it; what is hidden stays.
pub struct ObstacleWorld {
    config: ObstacleConfig,
    /// The support; lower is no obstacle.
    plane: SupportPlane,
    voxels: Vec<Voxel>,
    place_of: HashMap<[i32; 3], u32, BuildHasherDefault<KeyHasher>>,
    space: KnownSpace,
    rays: RayTables,
    frame: u64,
    newest: Option<Stamp>,
    /// Nobody knew where the whole robot was in the newest frame: it may be among the points.
    holds_robot: bool,
    /// Objects that the robot was known to hold in the newest frame.
    held_count: usize,
}

impl ObstacleWorld {
    /// A world in which nothing has been seen yet.
    pub fn new(config: ObstacleConfig) -> Self {
        let space = KnownSpace::new(config.space_cell_m, config.max_distance_m);
        Self {
            config,
            plane: SupportPlane::default(),
            voxels: Vec::new(),
            place_of: HashMap::default(),
            space,
            rays: RayTables::default(),
            frame: 0,
            newest: None,
            holds_robot: false,
            held_count: 0,
        }
    }

    /// Sets the support; lower is no obstacle.
    pub fn set_plane(&mut self, plane: SupportPlane) {
        self.plane = plane;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.voxels.clear();
        self.place_of.clear();
        self.space.clear();
        self.newest = None;
    }

    /// Takes in a depth picture.
    ///
    /// # Errors
    /// When picture and camera do not belong together or the transform is not finite.
    pub fn look(&mut self, frame: &DepthFrame<'_>) -> Result<ObstacleChange, PerceptionError> {
        check_pose(frame.world_from_camera)?;
        let table = self.rays.take(frame.camera, frame.depth)?;
        let scan = Scan::new(frame.depth, &table, frame.world_from_camera);
        let no_return_m = self.config.no_return_clears_to_m as f32;
        let step = self.config.pixel_step;
        let sight = DepthSight::new(scan, frame.world_from_camera, step, no_return_m);
        let change = self.take(&sight, frame.stamp, frame.robot);
        self.rays.keep(table);
        Ok(change)
    }

    /// Takes in a cloud.
    ///
    /// # Errors
    /// When the transform is not finite; points that are not are left out.
    pub fn look_at_cloud(
        &mut self,
        frame: &CloudFrame<'_>,
    ) -> Result<ObstacleChange, PerceptionError> {
        check_pose(frame.world_from_sensor)?;
        let world_from_sensor = frame.world_from_sensor.cast::<f32>();
        let finite = |point: &&[f32; 3]| point.iter().all(|at| at.is_finite());
        let place =
            |point: &[f32; 3]| (world_from_sensor * nalgebra::Point3::from(*point)).coords.into();
        let points: Vec<[f32; 3]> = frame.points.iter().filter(finite).map(place).collect();
        let origin = world_from_sensor.translation.vector.into();
        Ok(self.take(&CloudSight::new(&points, origin), frame.stamp, frame.robot))
    }

    /// The points that are no known object, as of the newest frame.
    pub fn points(&self, known: &[KnownBox]) -> Vec<[f32; 3]> {
        let padding = self.config.object_padding_m;
        let is_known = |point: [f32; 3]| known.iter().any(|object| object.contains(point, padding));
        self.voxels.iter().map(|voxel| voxel.point).filter(|&point| !is_known(point)).collect()
    }

    /// When the newest frame was taken.
    pub fn newest(&self) -> Option<Stamp> {
        self.newest
    }

    /// How many points are kept, known objects included.
    pub fn len(&self) -> usize {
        self.voxels.len()
    }

    /// Whether nothing is known to stand anywhere.
    pub fn is_empty(&self) -> bool {
        self.voxels.is_empty()
    }

    /// What is known of the space at a point.
    pub fn space_at(&self, point: [f32; 3]) -> Space {
        if self.place_of.contains_key(&self.key(point)) {
            return Space::Occupied;
        }
        self.space.seen_at(point).map_or(Space::Unknown, Space::Free)
    }

    /// Middles of the cells within reach that nobody has looked into, and the cells' side.
    pub fn unknown(&self) -> (Vec<[f32; 3]>, f32) {
        (self.space.unseen().collect(), self.space.cell_m())
    }

    fn take(&mut self, sight: &impl Sight, stamp: Stamp, robot: &RobotBody) -> ObstacleChange {
        /// A stamp so much before the newest one comes from a clock that was set back.
        const RESTART_S: f64 = 5.0;
        let mut change = ObstacleChange::default();
        if self.newest.is_some_and(|newest| newest.seconds_since(stamp) > RESTART_S) {
            self.clear();
            change.restarted = true;
        }
        // What was taken for an obstacle while nobody knew where the robot was may be the robot.
        if self.holds_robot && robot.is_whole() {
            self.clear();
        }
        self.holds_robot = !robot.is_whole();
        self.newest = Some(self.newest.map_or(stamp, |newest| newest.max(stamp)));
        self.frame += 1;
        self.add(sight, stamp, robot, &mut change);
        self.drop_seen_through(sight, stamp, robot, &mut change);
        self.held_count = robot.held_count();
        self.space.look(sight, stamp, self.frame);
        change
    }

    fn add(
        &mut self,
        sight: &impl Sight,
        stamp: Stamp,
        robot: &RobotBody,
        change: &mut ObstacleChange,
    ) {
        let reach2 = (self.config.max_distance_m * self.config.max_distance_m) as f32;
        let (plane, least) = (self.plane, self.config.min_height_m);
        let slope = [plane.slope_x as f32, plane.slope_y as f32];
        let floor = (plane.height_m + least) as f32;
        sight.each_point(|point| {
            let [x, y, z] = point;
            let low = z - (slope[0] * x + slope[1] * y) < floor;
            if low || x * x + y * y + z * z > reach2 {
                return;
            }
            let key = self.key(point);
            if let Some(&place) = self.place_of.get(&key) {
                let voxel = &mut self.voxels[place as usize];
                // Asked once a frame: the others of the cube need not ask again.
                if voxel.hit == self.frame {
                    return;
                }
                if robot.contains(point) {
                    change.on_robot += 1;
                    return;
                }
                *voxel = Voxel {
                    key,
                    point,
                    hit: self.frame,
                    stamp: voxel.stamp.max(stamp),
                    through: 0,
                };
            } else if robot.contains(point) {
                change.on_robot += 1;
            } else if self.voxels.len() >= self.config.max_points {
                change.lost += 1;
            } else {
                self.place_of.insert(key, self.voxels.len() as u32);
                self.voxels.push(Voxel { key, point, hit: self.frame, stamp, through: 0 });
                change.added += 1;
            }
        });
    }

    fn drop_seen_through(
        &mut self,
        sight: &impl Sight,
        stamp: Stamp,
        robot: &RobotBody,
        change: &mut ObstacleChange,
    ) {
        let voxel_m = self.config.voxel_m as f32;
        let margin = self.config.clear_margin_m as f32;
        // What has become known as held was taken for an obstacle until now, and hides itself from
        // the rays that would clear it as long as the robot stands.
        let newly_holds = robot.held_count() > self.held_count;
        let mut index = 0;
        while index < self.voxels.len() {
            let voxel = &mut self.voxels[index];
            // A late frame says nothing against what a newer one has measured.
            let unseen = voxel.hit != self.frame && stamp >= voxel.stamp;
            if unseen && sight.gaze(voxel.point, 0.5 * voxel_m, margin) == Gaze::Through {
                voxel.through += 1;
            }
            let through = voxel.through >= self.config.clear_frames;
            // Where the bare robot is, nothing else can be.
            let is_robot = unseen
                && (robot.fills(voxel.point, 0.5 * self.config.voxel_m)
                    || (newly_holds && robot.holds(voxel.point)));
            if through || is_robot {
                self.place_of.remove(&voxel.key);
                self.voxels.swap_remove(index);
                if let Some(moved) = self.voxels.get(index) {
                    self.place_of.insert(moved.key, index as u32);
                }
                change.cleared += 1;
            } else {
                index += 1;
            }
        }
    }

    #[inline]
    fn key(&self, point: [f32; 3]) -> [i32; 3] {
        let per_voxel = 1.0 / self.config.voxel_m as f32;
        point.map(|at| (at * per_voxel).floor() as i32)
    }
}

fn check_pose(pose: &Pose) -> Result<(), PerceptionError> {
    if pose.to_homogeneous().iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(PerceptionError::Transform)
    }
}

/// Mixes the three coordinates of a cube; they come from our own grid, not from strangers.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(4) {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u32(u32::from_le_bytes(word));
        }
    }
    fn write_u32(&mut self, word: u32) {
        self.0 = (self.0.rotate_left(21) ^ u64::from(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn write_i32(&mut self, word: i32) {
        self.write_u32(word as u32);
    }
    fn write_usize(&mut self, word: usize) {
        self.write_u32(word as u32);
    }
}
