use std::collections::BTreeMap;
use std::sync::Arc;

use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Shape};
use praxis_robot::cover_with_spheres;

use crate::cloud::PointCloud;
use crate::error::CollisionError;
use crate::solid::Solid;
use crate::surface::Surface;

/// What the robot may not touch, in its root frame.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// What stands there.
    pub objects: Vec<SceneObject>,
    /// Measured points.
    pub cloud: Option<Arc<PointCloud>>,
    /// What the robot holds.
    pub attached: Vec<AttachedObject>,
    /// Pairs that may touch or, against the robot description, may not.
    pub allowed: AllowedPairs,
    /// Links and attached objects are this much thicker towards objects and points, metres.
    pub padding_m: f64,
    /// The same for single links and attached objects, by name, instead of `padding_m`.
    pub link_padding_m: BTreeMap<String, f64>,
}

impl Scene {
    /// How much thicker a link or attached object counts, metres.
    pub fn padding_of(&self, name: &str) -> f64 {
        self.link_padding_m.get(name).copied().unwrap_or(self.padding_m)
    }
}

/// A named thing that stands in the scene.
#[derive(Clone, Debug)]
pub struct SceneObject {
    pub(crate) id: String,
    pub(crate) solids: Vec<Solid>,
    pub(crate) surfaces: Vec<PlacedSurface>,
}

/// A surface and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct PlacedSurface {
    pub(crate) surface: Arc<Surface>,
    root_from_surface: Pose,
    surface_from_root: Pose,
}

impl PlacedSurface {
    fn new(surface: Arc<Surface>, root_from_surface: Pose) -> Self {
        Self { surface, root_from_surface, surface_from_root: root_from_surface.inverse() }
    }

    /// The signed distance of a point, in the root frame, and the direction in which it grows.
    pub(crate) fn distance_m(&self, at: Point3<f64>) -> (f64, Vector3<f64>) {
        let (distance_m, growing) = self.surface.signed_distance_m(self.surface_from_root * at);
        (distance_m, self.root_from_surface * growing)
    }

    /// The signed distance if it is less than a limit.
    pub(crate) fn distance_below(&self, at: [f32; 3], limit_m: f32) -> Option<f32> {
        let at = self.surface_from_root * Point3::from(at.map(f64::from));
        self.surface.distance_below(&at, f64::from(limit_m)).map(|distance_m| distance_m as f32)
    }

    /// A ball around it, root frame.
    pub(crate) fn around(&self) -> (Point3<f64>, f64) {
        let (low, high) = self.surface.bounds();
        (self.root_from_surface * nalgebra::center(&low, &high), 0.5 * (high - low).norm())
    }
}

impl SceneObject {
    /// An object from its parts and their poses in the robot's root frame. A mesh counts as the
    /// [`Surface`] that its triangles form.
    pub fn new(id: impl Into<String>, parts: &[(Shape, Pose)]) -> Result<Self, CollisionError> {
        let id = id.into();
        let (mut solids, mut surfaces) = (Vec::new(), Vec::new());
        for (shape, root_from_part) in parts {
            check_shape(&id, shape, root_from_part)?;
            if let Shape::Mesh(mesh) = shape {
                let surface = Arc::new(Surface::from_mesh(mesh)?);
                surfaces.push(PlacedSurface::new(surface, *root_from_part));
            } else {
                solids.extend(Solid::new(shape, root_from_part));
            }
        }
        Ok(Self { id, solids, surfaces })
    }

    /// An object that is a surface: a mesh, a convex hull, a height field. One surface can stand in
    /// many places and scenes without being built anew.
    pub fn from_surface(
        id: impl Into<String>,
        surface: Arc<Surface>,
        root_from_surface: &Pose,
    ) -> Result<Self, CollisionError> {
        let id = id.into();
        check_pose(&id, "surface", root_from_surface)?;
        let surfaces = vec![PlacedSurface::new(surface, *root_from_surface)];
        Ok(Self { id, solids: Vec::new(), surfaces })
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Distance of a point of the root frame from its surface, metres; negative inside.
    pub fn distance_m(&self, point: Point3<f64>) -> f64 {
        self.solids.iter().map(|solid| solid.distance_m(point).0).fold(f64::INFINITY, f64::min)
    }
}

/// A thing that moves with a link.
#[derive(Clone, Debug)]
pub struct AttachedObject {
    pub(crate) id: String,
    pub(crate) link: String,
    pub(crate) spheres: Vec<(Point3<f64>, f64)>,
    pub(crate) touch_links: Vec<String>,
}

impl AttachedObject {
    /// A held object from its parts and their poses in the link's frame; it may touch `touch_links`.
    ///
    /// It counts as spheres that cover it, all made smaller by `sunk_m`: with 0 they hold the whole
    /// object and stick out a little; sunk, they let it rest on what it stands on.
    pub fn new(
        id: impl Into<String>,
        link: impl Into<String>,
        parts: &[(Shape, Pose)],
        touch_links: &[String],
        sunk_m: f64,
    ) -> Result<Self, CollisionError> {
        let id = id.into();
        for (shape, link_from_part) in parts {
            check_shape(&id, shape, link_from_part)?;
        }
        let spheres = cover_with_spheres(parts)
            .into_iter()
            .map(|(centre, radius_m)| (centre, (radius_m - sunk_m).max(0.0)))
            .collect();
        Ok(Self { id, link: link.into(), spheres, touch_links: touch_links.to_vec() })
    }

    /// A held object from spheres in the link's frame.
    pub fn from_spheres(
        id: impl Into<String>,
        link: impl Into<String>,
        spheres: Vec<(Point3<f64>, f64)>,
        touch_links: &[String],
    ) -> Result<Self, CollisionError> {
        let id = id.into();
        for (centre, radius_m) in &spheres {
            let pose = Pose::translation(centre.x, centre.y, centre.z);
            check_shape(&id, &Shape::Sphere { radius_m: *radius_m }, &pose)?;
        }
        Ok(Self { id, link: link.into(), spheres, touch_links: touch_links.to_vec() })
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The link that it moves with.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// Centres and radii of the spheres that it counts as, in the link's frame.
    pub fn spheres(&self) -> &[(Point3<f64>, f64)] {
        &self.spheres
    }
}

/// Which names may touch, beyond what the robot description says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AllowedPairs {
    pairs: BTreeMap<(String, String), bool>,
    defaults: BTreeMap<String, bool>,
}

impl AllowedPairs {
    /// Lets two names (links, objects, attached objects) touch, or forbids it.
    pub fn set(&mut self, a: &str, b: &str, may_touch: bool) {
        self.pairs.insert(sorted(a, b), may_touch);
    }

    /// Lets a name touch everything that no pair speaks of, or forbids it.
    pub fn set_default(&mut self, name: &str, may_touch: bool) {
        self.defaults.insert(name.to_owned(), may_touch);
    }

    /// What has been said of two names: their pair first, then their defaults (both must allow).
    pub fn get(&self, a: &str, b: &str) -> Option<bool> {
        if self.pairs.is_empty() && self.defaults.is_empty() {
            return None;
        }
        if let Some(&said) = self.pairs.get(&sorted(a, b)) {
            return Some(said);
        }
        match (self.defaults.get(a), self.defaults.get(b)) {
            (Some(&x), Some(&y)) => Some(x && y),
            (Some(&x), None) | (None, Some(&x)) => Some(x),
            (None, None) => None,
        }
    }
}

fn sorted(a: &str, b: &str) -> (String, String) {
    if a <= b { (a.to_owned(), b.to_owned()) } else { (b.to_owned(), a.to_owned()) }
}

fn check_shape(object: &str, shape: &Shape, pose: &Pose) -> Result<(), CollisionError> {
    let bad = |shape, what, value| {
        Err(CollisionError::BadShape { object: object.to_owned(), shape, what, value })
    };
    let (kind, lengths): (&'static str, Vec<(&'static str, f64)>) = match shape {
        Shape::Sphere { radius_m } => ("sphere", vec![("radius", *radius_m)]),
        Shape::Box { half_extents_m: h } => {
            ("box", vec![("half extent", h.x), ("half extent", h.y), ("half extent", h.z)])
        }
        Shape::Cylinder { radius_m, length_m } => {
            ("cylinder", vec![("radius", *radius_m), ("length", *length_m)])
        }
        Shape::Capsule { radius_m, length_m } => {
            ("capsule", vec![("radius", *radius_m), ("length", *length_m)])
        }
        Shape::Mesh(mesh) => {
            ("mesh", mesh.vertices.first().map(|_| ("triangles", 1.0)).into_iter().collect())
        }
    };
    if lengths.is_empty() {
        return bad(kind, "number of vertices", 0.0);
    }
    if let Some((what, value)) = lengths.into_iter().find(|(_, v)| !(*v > 0.0 && v.is_finite())) {
        return bad(kind, what, value);
    }
    check_pose(object, kind, pose)
}

fn check_pose(object: &str, shape: &'static str, pose: &Pose) -> Result<(), CollisionError> {
    let numbers = pose.translation.vector.iter().chain(pose.rotation.coords.iter());
    match numbers.copied().find(|value| !value.is_finite()) {
        Some(value) => {
            let (object, what) = (object.to_owned(), "pose");
            Err(CollisionError::BadShape { object, shape, what, value })
        }
        None => Ok(()),
    }
}
