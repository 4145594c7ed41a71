use nalgebra::{Isometry3, Point3};
use praxis_geometry::Shape;
use praxis_render::{Camera, Frame, InstanceId};
use praxis_world::{ObjectInstance, Part};
use serde::Serialize;

/// What is true of an object in a picture. Pixels are those of the whole picture; pixel `i` spans
/// from `i` to `i + 1`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Label {
    /// Its class.
    pub class: String,
    /// Left, top, right and bottom of what shows of it.
    #[serde(rename = "box")]
    pub bounds_px: [f64; 4],
    /// Where its middle is, hidden or not.
    #[serde(rename = "centre")]
    pub centre_px: [f64; 2],
    /// Its heading in the world.
    pub yaw_rad: f64,
    /// Its heading, counted from the horizontal direction of view.
    pub yaw_to_view_rad: f64,
    /// Looks alike after this many equal parts of a turn; 0: at any yaw.
    pub symmetry_order: u32,
    /// Share of its outline that shows.
    pub visible: f64,
    /// Pixels that show.
    pub pixels: u32,
    /// From the camera to its middle.
    pub distance_m: f64,
    /// Its middle in the world.
    pub position_m: [f64; 3],
    /// Full extents along its own axes.
    pub size_m: [f64; 3],
}

/// The label of one object, or `None` where nothing of it is in the picture.
pub(crate) fn label(
    object: &ObjectInstance,
    symmetry_order: u32,
    instances: &[InstanceId],
    camera: &Camera,
    frame: &Frame,
) -> Option<Label> {
    let (mut seen, mut low, mut high) = (0u32, [f64::MAX; 2], [f64::MIN; 2]);
    for (pixel, &code) in frame.instance.iter().enumerate() {
        if code == 0 || !instances.contains(&InstanceId(usize::from(code) - 1)) {
            continue;
        }
        let at = [(pixel % frame.width_px) as f64, (pixel / frame.width_px) as f64];
        for axis in 0..2 {
            low[axis] = low[axis].min(at[axis]);
            high[axis] = high[axis].max(at[axis] + 1.0);
        }
        seen += 1;
    }
    if seen == 0 {
        return None;
    }
    let whole = outline_area(object, camera).max(seen);
    let position = object.world_from_object.translation.vector;
    let towards = position - camera.world_from_optical.translation.vector;
    let in_optical = camera.world_from_optical.inverse() * Point3::from(position);
    let [u, v] = project(camera, &in_optical)?;
    let yaw_rad = object.world_from_object.rotation.euler_angles().2;
    Some(Label {
        class: object.class.clone(),
        bounds_px: [low[0], low[1], high[0], high[1]],
        centre_px: [u + 0.5, v + 0.5],
        yaw_rad,
        yaw_to_view_rad: yaw_rad - towards.y.atan2(towards.x),
        symmetry_order,
        visible: f64::from(seen) / f64::from(whole),
        pixels: seen,
        distance_m: towards.norm(),
        position_m: position.into(),
        size_m: object.size_m.into(),
    })
}

fn project(camera: &Camera, point: &Point3<f64>) -> Option<[f64; 2]> {
    (point.z > 0.02).then(|| {
        [
            camera.fx_px * point.x / point.z + camera.cx_px,
            camera.fy_px * point.y / point.z + camera.cy_px,
        ]
    })
}

/// Pixels that the object would cover if nothing stood before it.
fn outline_area(object: &ObjectInstance, camera: &Camera) -> u32 {
    let optical_from_object = camera.world_from_optical.inverse() * object.world_from_object;
    let outlines: Vec<Vec<[f64; 2]>> = object
        .parts
        .iter()
        .map(|part| {
            let corners = corners(part, &optical_from_object);
            convex_hull(corners.iter().filter_map(|corner| project(camera, corner)).collect())
        })
        .collect();
    let all = || outlines.iter().flatten();
    let range = |axis: usize| {
        let low = all().map(|p| p[axis]).fold(f64::MAX, f64::min).floor() as i64;
        let high = all().map(|p| p[axis]).fold(f64::MIN, f64::max).ceil() as i64;
        low..=high.min(low + 400)
    };
    let inside =
        |x: i64, y: i64| outlines.iter().any(|outline| contains(outline, [x as f64, y as f64]));
    range(1).map(|y| range(0).filter(|&x| inside(x, y)).count() as u32).sum()
}

fn corners(part: &Part, optical_from_object: &Isometry3<f64>) -> Vec<Point3<f64>> {
    let pose = optical_from_object * part.object_from_part;
    let mut points = Vec::new();
    match &part.shape {
        Shape::Box { half_extents_m: h } => {
            for i in 0..8 {
                let sign = |bit: i32| if i & bit == 0 { -1.0 } else { 1.0 };
                points.push(Point3::new(sign(1) * h.x, sign(2) * h.y, sign(4) * h.z));
            }
        }
        Shape::Cylinder { radius_m: r, length_m } => {
            for i in 0..32 {
                let (sin, cos) = (f64::from(i) * std::f64::consts::TAU / 32.0).sin_cos();
                points.extend([-0.5, 0.5].map(|z| Point3::new(r * cos, r * sin, z * length_m)));
            }
        }
        other => unreachable!("objects are made of boxes and cylinders, not {other:?}"),
    }
    points.iter().map(|point| pose * point).collect()
}

/// Andrew's monotone chain.
fn convex_hull(mut points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    points.sort_by(|a, b| a.partial_cmp(b).expect("projected points are finite"));
    let half = |points: &mut dyn Iterator<Item = [f64; 2]>| {
        let mut chain: Vec<[f64; 2]> = Vec::new();
        for point in points {
            while let [.., a, b] = chain[..]
                && turn(a, b, point) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    hull
}

fn turn(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

fn contains(outline: &[[f64; 2]], point: [f64; 2]) -> bool {
    let next = outline.iter().cycle().skip(1);
    outline.len() > 2 && outline.iter().zip(next).all(|(&a, &b)| turn(a, b, point) >= 0.0)
}
