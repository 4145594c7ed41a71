//! What one sensor's frame says about a ball in space.

use nalgebra::Point3;
use praxis_geometry::Pose;

use crate::scan::Scan;

/// What a frame says about a ball in space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gaze {
    /// Every ray through it went on behind it.
    Through,
    /// Something stands there or before it, or nobody looked.
    Unsure,
}

/// Measured points of one frame, and whether its rays passed through a place.
pub(crate) trait Sight {
    /// Every point that the frame measured and that is worth an obstacle, in the planning frame.
    fn each_point(&self, visit: impl FnMut([f32; 3]));

    /// What the frame says of the ball about `centre`. Only what was seen at least `margin_m`
    /// behind it counts as behind.
    fn gaze(&self, centre: [f32; 3], radius_m: f32, margin_m: f32) -> Gaze;
}

/// Side of the tiles whose nearest depth is kept, in pixels.
const TILE: usize = 8;

/// A depth picture.
pub(crate) struct DepthSight<'a> {
    scan: Scan<'a>,
    camera_from_world: Pose,
    step: usize,
    focal_px: f64,
    /// How far a pixel without a return looks; 0 for it says nothing.
    no_return_m: f32,
    /// Nearest depth of each tile; 0 where a pixel has none.
    nearest: Vec<f32>,
    tiles: [usize; 2],
}

impl<'a> DepthSight<'a> {
    /// Every `step`th pixel along both sides gives a point; one without a return looks through up to
    /// `no_return_m`, with 0 it says nothing.
    pub fn new(scan: Scan<'a>, world_from_camera: &Pose, step: usize, no_return_m: f32) -> Self {
        let tiles = [scan.width().div_ceil(TILE), scan.height().div_ceil(TILE)];
        let mut nearest = vec![f32::INFINITY; tiles[0] * tiles[1]];
        for row in 0..scan.height() {
            let line = &mut nearest[row / TILE * tiles[0]..][..tiles[0]];
            for column in 0..scan.width() {
                let depth = scan.depth_m(column, row);
                // A hole says nothing, so a tile with one says nothing.
                let depth = if depth.is_nan() { no_return_m } else { depth };
                let least = &mut line[column / TILE];
                *least = least.min(depth);
            }
        }
        let focal = scan.camera().focal_px();
        Self {
            scan,
            camera_from_world: world_from_camera.inverse(),
            step: step.max(1),
            focal_px: focal[0].max(focal[1]),
            no_return_m,
            nearest,
            tiles,
        }
    }

    /// Whether the pixel lies on the way from a near to a far surface: depth cameras invent such
    /// points along edges.
    ///
    /// A thin thing is nearer than both of its neighbours and stays.
    fn is_mixed(&self, column: usize, row: usize, depth: f32) -> bool {
        let jump = 0.015 + 0.02 * depth;
        let between = |a: f32, b: f32| {
            (a - depth > jump && depth - b > jump) || (b - depth > jump && depth - a > jump)
        };
        let (width, height) = (self.scan.width(), self.scan.height());
        let across = column > 0
            && column + 1 < width
            && between(self.scan.depth_m(column - 1, row), self.scan.depth_m(column + 1, row));
        let along = row > 0
            && row + 1 < height
            && between(self.scan.depth_m(column, row - 1), self.scan.depth_m(column, row + 1));
        across || along
    }

    /// The nearest depth of all tiles that a square of the picture touches.
    fn nearest_in(&self, [column, row]: [f64; 2], radius_px: f64) -> f32 {
        let range = |at: f64, count: usize| {
            let tile = TILE as f64;
            let low = ((at - radius_px) / tile).max(0.0) as usize;
            let high = (((at + radius_px) / tile) as usize).min(count - 1);
            low..=high
        };
        let columns = range(column, self.tiles[0]);
        let mut nearest = f32::INFINITY;
        for row in range(row, self.tiles[1]) {
            for &tile in &self.nearest[row * self.tiles[0]..][columns.clone()] {
                nearest = nearest.min(tile);
            }
        }
        nearest
    }

    /// A small ball: its middle and four pixels around must be seen through; a hole among them
    /// says nothing, and one must say something.
    fn small(&self, pixel: [f64; 2], radius_px: f64, behind: f32) -> Gaze {
        let mut seen = false;
        for (x, y) in [(0.0, 0.0), (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
            let column = (pixel[0] + x * radius_px).round();
            let row = (pixel[1] + y * radius_px).round();
            let inside = column >= 0.0
                && row >= 0.0
                && column < self.scan.width() as f64
                && row < self.scan.height() as f64;
            if !inside {
                continue;
            }
            let mut depth = self.scan.depth_m(column as usize, row as usize);
            if depth.is_nan() && self.no_return_m > 0.0 {
                depth = self.no_return_m;
            }
            if depth <= behind {
                return Gaze::Unsure;
            }
            seen |= depth > behind;
        }
        if seen { Gaze::Through } else { Gaze::Unsure }
    }
}

impl Sight for DepthSight<'_> {
    fn each_point(&self, mut visit: impl FnMut([f32; 3])) {
        for row in (0..self.scan.height()).step_by(self.step) {
            for column in (0..self.scan.width()).step_by(self.step) {
                let depth = self.scan.depth_m(column, row);
                if depth.is_nan() || self.is_mixed(column, row, depth) {
                    continue;
                }
                visit(self.scan.point(column, row));
            }
        }
    }

    fn gaze(&self, centre: [f32; 3], radius_m: f32, margin_m: f32) -> Gaze {
        let in_camera = self.camera_from_world * Point3::from(centre.map(f64::from));
        if in_camera.z <= f64::from(radius_m) {
            return Gaze::Unsure;
        }
        let camera = self.scan.camera();
        let Some(pixel) = camera.project(&in_camera).filter(|&pixel| camera.sees(pixel)) else {
            return Gaze::Unsure;
        };
        let radius_px = self.focal_px * f64::from(radius_m) / in_camera.z;
        let behind = in_camera.z as f32 + margin_m;
        if radius_px < TILE as f64 {
            return self.small(pixel, 0.7 * radius_px, behind);
        }
        // The whole ball must lie in the picture.
        let whole = [-radius_px, radius_px]
            .iter()
            .all(|offset| camera.sees([pixel[0] + offset, pixel[1] + offset]));
        if whole && self.nearest_in(pixel, radius_px) > behind + radius_m {
            Gaze::Through
        } else {
            Gaze::Unsure
        }
    }
}

/// Columns and rows of the sphere of directions around a sensor.
const AZIMUTHS: usize = 512;
const ELEVATIONS: usize = 256;

/// Points of any sensor, such as a lidar, seen from where it stands.
pub(crate) struct CloudSight<'a> {
    points_in_world: &'a [[f32; 3]],
    origin: [f32; 3],
    /// Nearest distance in each direction; 0 where there is none.
    nearest: Vec<f32>,
}

impl<'a> CloudSight<'a> {
    /// Points in the planning frame and the place that they were seen from.
    pub fn new(points_in_world: &'a [[f32; 3]], origin: [f32; 3]) -> Self {
        let mut nearest = vec![0.0f32; AZIMUTHS * ELEVATIONS];
        for point in points_in_world {
            let (distance, azimuth, elevation) = direction(origin, *point);
            let least = &mut nearest[cell(azimuth, elevation)];
            if *least == 0.0 || distance < *least {
                *least = distance;
            }
        }
        Self { points_in_world, origin, nearest }
    }
}

/// Distance, and cell coordinates along azimuth and elevation.
fn direction(origin: [f32; 3], point: [f32; 3]) -> (f32, f32, f32) {
    use std::f32::consts::{FRAC_PI_2, PI, TAU};
    let [x, y, z] = [0, 1, 2].map(|axis| point[axis] - origin[axis]);
    let level = x.hypot(y);
    let azimuth = (y.atan2(x) + PI) / TAU * AZIMUTHS as f32;
    let elevation = (z.atan2(level) + FRAC_PI_2) / PI * ELEVATIONS as f32;
    (level.hypot(z), azimuth, elevation)
}

fn cell(azimuth: f32, elevation: f32) -> usize {
    let column = azimuth.max(0.0) as usize % AZIMUTHS;
    let row = (elevation.max(0.0) as usize).min(ELEVATIONS - 1);
    row * AZIMUTHS + column
}

impl Sight for CloudSight<'_> {
    fn each_point(&self, mut visit: impl FnMut([f32; 3])) {
        self.points_in_world.iter().for_each(|point| visit(*point));
    }

    fn gaze(&self, centre: [f32; 3], radius_m: f32, margin_m: f32) -> Gaze {
        let (distance, azimuth, elevation) = direction(self.origin, centre);
        if distance <= radius_m {
            return Gaze::Unsure;
        }
        let behind = distance + margin_m;
        let half_turn = (radius_m / distance).min(1.0).asin() / std::f32::consts::PI;
        let rows = half_turn * ELEVATIONS as f32;
        // Near the poles the circles of latitude are short; there nobody is sure of anything.
        let level = (elevation - 0.5 * ELEVATIONS as f32).abs();
        if level > 0.45 * ELEVATIONS as f32 {
            return Gaze::Unsure;
        }
        let stretch = (level / ELEVATIONS as f32 * std::f32::consts::PI).cos();
        let columns = half_turn * 0.5 * AZIMUTHS as f32 / stretch;
        let mut seen = false;
        let mut row = elevation - rows;
        while row <= elevation + rows {
            let mut column = azimuth - columns;
            while column <= azimuth + columns {
                let nearest = self.nearest[cell(column.rem_euclid(AZIMUTHS as f32), row)];
                if nearest > 0.0 && nearest <= behind {
                    return Gaze::Unsure;
                }
                // A big ball must be seen through everywhere, a small one where there are rays.
                if nearest == 0.0 && rows > 2.0 {
                    return Gaze::Unsure;
                }
                seen |= nearest > behind;
                column += 1.0;
            }
            row += 1.0;
        }
        if seen { Gaze::Through } else { Gaze::Unsure }
    }
}
