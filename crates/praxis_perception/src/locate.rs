//! Detection + depth → object in the planning frame.

use nalgebra::{Point3, Vector3};
use praxis_geometry::Pose;
use praxis_network::{Card, ClassCard, Detection, PixelBox, ShapeKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exclusion::RobotBody;
use crate::fit::{Fit, fit_outline};
use crate::object::{Evidence, SeenObject};
use crate::plane::SupportPlane;
use crate::reach::Reach;
use crate::scan::{Scan, ray_at_height};
use crate::segment::{Segment, SegmentLimits, segment};
use crate::top_face::{TopFace, top_face};
use crate::{CameraModel, Outline, wrapped};

/// What counts as an object above the support.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LocateConfig {
    /// Lower than this above the support is the support, metres.
    #[schemars(range(min = 0.001, max = 0.5))]
    pub min_height_m: f64,
    /// Higher than this is no object, metres.
    #[schemars(range(min = 0.01, max = 3.0))]
    pub max_height_m: f64,
    /// Neighbouring depth pixels closer than this belong together, metres.
    #[schemars(range(min = 0.001, max = 0.2))]
    pub link_m: f64,
    /// A detection with more of the robot in it than this share is dropped.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_robot_share: f64,
    /// An outline whose points lie off by more than this is not believed, metres.
    #[schemars(range(min = 0.0005, max = 0.05))]
    pub max_outline_rms_m: f64,
    /// Height assumed where no depth tells it, metres.
    #[schemars(range(min = 0.005, max = 1.0))]
    pub nominal_height_m: f64,
}

impl Default for LocateConfig {
    fn default() -> Self {
        Self {
            min_height_m: 0.010,
            max_height_m: 0.20,
            link_m: 0.012,
            max_robot_share: 0.5,
            max_outline_rms_m: 0.004,
            nominal_height_m: 0.05,
        }
    }
}

/// What a place turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Located {
    /// One object, in a reading for each class that was proposed.
    Proposals(Vec<SeenObject>),
    /// Part of the robot.
    OnRobot,
    /// Held in the air: the support is seen behind it where it would have to stand.
    Lifted,
    /// Nothing that stands on the support.
    Nothing,
}

/// Turns what was proposed for one place into objects.
pub(crate) struct Locator<'a> {
    pub card: &'a Card,
    pub config: &'a LocateConfig,
    pub camera: &'a CameraModel,
    pub world_from_camera: &'a Pose,
    pub plane: SupportPlane,
    pub robot: &'a RobotBody,
    pub scan: Option<Scan<'a>>,
}

impl Locator<'_> {
    /// What stands at one place for which the network proposed some classes, the likeliest first:
    /// with depth where there is any and by the picture alone otherwise.
    pub fn locate(&self, proposals: &[Detection]) -> Located {
        let Some(first) = proposals.first() else { return Located::Nothing };
        if let Some(scan) = &self.scan {
            let bounds = scaled(&first.bounds, self.camera, scan.camera());
            let limits = SegmentLimits {
                min_height_m: self.config.min_height_m,
                max_height_m: self.config.max_height_m,
                link_m: self.config.link_m as f32,
            };
            let segment = segment(scan, &bounds, &self.plane, self.robot, &limits);
            if segment.robot_share > self.config.max_robot_share {
                return Located::OnRobot;
            }
            if is_lifted(&segment, self.world_from_camera) {
                return Located::Lifted;
            }
            if let Some(face) = top_face(scan, &segment) {
                if !face.agrees {
                    return Located::Nothing;
                }
                let outlines = Outlines::fit(self.card, &face);
                let all = proposals.iter().filter_map(|d| self.by_depth(d, &face, &outlines));
                return Located::Proposals(all.collect());
            }
            if mostly_support(&segment) {
                return Located::Nothing;
            }
        }
        let from = Point3::from(self.world_from_camera.translation.vector);
        let all: Vec<SeenObject> = proposals.iter().filter_map(|d| self.by_picture(d)).collect();
        if all.first().is_some_and(|o| self.robot.blocks(&from, &Point3::from(o.centre_m))) {
            return Located::OnRobot;
        }
        Located::Proposals(all)
    }

    fn by_depth(
        &self,
        detection: &Detection,
        face: &TopFace,
        outlines: &Outlines,
    ) -> Option<SeenObject> {
        let class = self.card.classes.get(detection.class)?;
        let outline_support = outlines.support(class.shape, face.own_border);
        let fit = outlines.of(class.shape).filter(|fit| fit.rms_m <= self.config.max_outline_rms_m);
        let (outline, rms_m) = match fit {
            Some(fit) => (fit.outline, fit.rms_m),
            None => (self.rough_outline(detection, class, face), 0.010),
        };
        let [x, y] = outline.centre_m;
        let bottom = self.plane.z_at(x, y);
        let height = (face.z_m - bottom).max(self.config.min_height_m);
        let [length, width] = outline.extent_m();
        // A border that is hidden in part leaves a side to guesswork.
        let hidden = 1.0 - face.own_border;
        let position_sigma_m = 0.001 + 0.5 * rms_m + 0.2 * face.noise_m + 0.010 * hidden * hidden;
        Some(SeenObject {
            class: detection.class,
            score: detection.score,
            centre_m: Vector3::new(x, y, bottom + 0.5 * height),
            yaw_rad: outline.yaw_rad,
            size_m: Vector3::new(length, width, height),
            evidence: Evidence::Depth,
            outline_support,
            position_sigma_m,
            yaw_sigma_rad: (2.0 * position_sigma_m / length.max(0.01)).min(1.0),
        })
    }

    /// The middle of what is seen, turned as the network says.
    fn rough_outline(&self, detection: &Detection, class: &ClassCard, face: &TopFace) -> Outline {
        let count = face.inside.len().max(1) as f64;
        let middle = [0, 1].map(|axis| face.inside.iter().map(|p| p[axis]).sum::<f64>() / count);
        let yaw_rad = self.hinted_yaw(detection, class, middle).unwrap_or(0.0);
        let (sin, cos) = yaw_rad.sin_cos();
        let range = |direction: [f64; 2]| {
            face.inside
                .iter()
                .map(|point| direction[0] * point[0] + direction[1] * point[1])
                .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], at| {
                    [low.min(at), high.max(at)]
                })
        };
        let (along, across) = (range([cos, sin]), range([-sin, cos]));
        let (x, y) = (0.5 * (along[0] + along[1]), 0.5 * (across[0] + across[1]));
        let sides_m = [along[1] - along[0], across[1] - across[0]].map(|side| side.max(0.01));
        let centre_m = [cos * x - sin * y, sin * x + cos * y];
        Outline { shape: class.shape, centre_m, yaw_rad, sides_m }.normalised()
    }

    /// The place where the ray through the detection's middle meets half the nominal height.
    fn by_picture(&self, detection: &Detection) -> Option<SeenObject> {
        let class = self.card.classes.get(detection.class)?;
        let height = self.config.nominal_height_m;
        let middle = detection.hints.centre_px.unwrap_or_else(|| detection.bounds.centre_px());
        let pixel = middle.map(|at| at - 0.5);
        let level = self.plane.height_m + 0.5 * height;
        let first = ray_at_height(self.camera, self.world_from_camera, pixel, level)?;
        let level = self.plane.z_at(first.x, first.y) + 0.5 * height;
        let centre = ray_at_height(self.camera, self.world_from_camera, pixel, level)?;
        let distance = (self.world_from_camera.inverse() * centre).z;
        let width_px = detection.bounds.max_px[0] - detection.bounds.min_px[0];
        let width = (width_px / self.camera.focal_px()[0] * distance).clamp(0.01, 0.5);
        let yaw = self.hinted_yaw(detection, class, [centre.x, centre.y]);
        Some(SeenObject {
            class: detection.class,
            score: detection.score,
            centre_m: centre.coords,
            yaw_rad: yaw.unwrap_or(0.0),
            size_m: Vector3::new(width, width, height),
            evidence: Evidence::Picture,
            outline_support: 1.0,
            position_sigma_m: 0.015,
            yaw_sigma_rad: if yaw.is_some() { 0.2 } else { 1.0 },
        })
    }

    /// The network's yaw in the planning frame of an object at (x, y); none where it says nothing
    /// or the class has none.
    fn hinted_yaw(&self, detection: &Detection, class: &ClassCard, at: [f64; 2]) -> Option<f64> {
        let [cos, sin] = detection.hints.yaw_cos_sin?;
        if class.symmetry_order == 0 || cos.hypot(sin) < 1e-3 {
            return None;
        }
        let eye = &self.world_from_camera.translation.vector;
        let view_azimuth = (at[1] - eye.y).atan2(at[0] - eye.x);
        let order = f64::from(class.symmetry_order);
        let yaw = view_azimuth + sin.atan2(cos) / order;
        Some(wrapped(yaw, std::f64::consts::TAU / order))
    }
}

/// The outline of each shape that the card knows, fitted to one top face.
struct Outlines(Vec<(ShapeKind, Option<Fit>)>);

impl Outlines {
    fn fit(card: &Card, face: &TopFace) -> Self {
        let reach = Reach::of(&face.inside);
        let fitted = |shape| fit_outline(shape, &face.edge, reach.as_ref()?);
        let mut fits: Vec<(ShapeKind, Option<Fit>)> = Vec::new();
        for class in &card.classes {
            if !fits.iter().any(|(shape, _)| *shape == class.shape) {
                fits.push((class.shape, fitted(class.shape)));
            }
        }
        Self(fits)
    }

    fn of(&self, shape: ShapeKind) -> Option<&Fit> {
        self.0.iter().find(|(own, _)| *own == shape).and_then(|(_, fit)| fit.as_ref())
    }

    /// How well the outline speaks for a shape: 1 when no other one fits better.
    ///
    /// Where much of the border is hidden any outline may fit, so it says little there.
    fn support(&self, shape: ShapeKind, own_border: f64) -> f64 {
        /// Errors below this tell nothing.
        const FLOOR_M: f64 = 0.0006;
        let others = self.0.iter().filter(|(other, _)| *other != shape);
        let best_m =
            others.filter_map(|(_, fit)| fit.map(|fit| fit.rms_m)).fold(f64::INFINITY, f64::min);
        if !best_m.is_finite() {
            return 1.0;
        }
        let own_m = self.of(shape).map_or(10.0 * FLOOR_M, |fit| fit.rms_m);
        let ratio = ((FLOOR_M + best_m) / (FLOOR_M + own_m)).min(1.0);
        ratio.powf(3.0 * own_border.powi(2))
    }
}

/// Whether the depth says that there is nothing but the support.
fn mostly_support(segment: &Segment) -> bool {
    use crate::segment::Cell;
    let valid = segment.cells.iter().filter(|cell| **cell != Cell::Hole).count();
    2 * valid > segment.cells.len() && segment.count < 16
}

/// Whether the support behind the object begins well away from the object's lower border.
///
/// The border looked at is the one towards the support in the picture. A camera that looks straight
/// down sees no such border and says nothing.
fn is_lifted(segment: &Segment, world_from_camera: &Pose) -> bool {
    use crate::segment::Cell;
    const CONTACT_M: f32 = 0.015;
    const JUMP_M: f32 = 0.035;
    let down = world_from_camera.rotation.inverse() * -Vector3::z();
    if down.xy().norm() < 0.3 {
        return false;
    }
    let (dx, dy) = if down.x.abs() > down.y.abs() {
        (down.x.signum() as isize, 0)
    } else {
        (0, down.y.signum() as isize)
    };
    let (mut contacts, mut jumps) = (0, 0);
    for (index, _) in segment.cells.iter().enumerate().filter(|(_, c)| **c == Cell::Object) {
        let column = (index % segment.width) as isize + dx;
        let row = (index / segment.width) as isize + dy;
        let Some(below) = segment.index(column, row) else { continue };
        if segment.cells[below] != Cell::Support {
            continue;
        }
        let (a, b) = (segment.points[index], segment.points[below]);
        let gap = (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f32>().sqrt();
        contacts += usize::from(gap <= CONTACT_M);
        jumps += usize::from(gap >= JUMP_M);
    }
    jumps >= 5 && contacts * 10 < jumps
}

/// A box of the colour picture in the coordinates of the depth picture.
fn scaled(bounds: &PixelBox, from: &CameraModel, to: &CameraModel) -> PixelBox {
    let factor =
        [to.width() as f64 / from.width() as f64, to.height() as f64 / from.height() as f64];
    let scale = |px: [f64; 2]| [0, 1].map(|axis| px[axis] * factor[axis]);
    PixelBox { min_px: scale(bounds.min_px), max_px: scale(bounds.max_px) }
}

/// A turn after which a class looks alike, in radians; none for one that looks alike at any yaw.
pub fn yaw_period_rad(class: &ClassCard) -> Option<f64> {
    let shape_order = match class.shape {
        ShapeKind::Cylinder => 0,
        ShapeKind::Box | ShapeKind::Cross => class.symmetry_order,
    };
    (shape_order > 0).then(|| std::f64::consts::TAU / f64::from(shape_order))
}
