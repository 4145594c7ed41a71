use nalgebra::{Point3, Vector3};
use praxis_geometry::Pose;
use praxis_robot::Robot;

use crate::model::Model;
use crate::scene::Scene;

/// Two things that overlap.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// Link or held object.
    pub first: String,
    /// Link, held object or object of the scene.
    pub second: String,
    /// How deep they overlap, metres.
    pub depth_m: f64,
    /// Where, in the root frame.
    pub position: Point3<f64>,
}

/// The two things that are nearest to each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// Link or held object.
    pub first: String,
    /// Link, held object, object of the scene, or `<octomap>` for measured points.
    pub second: String,
    /// Distance between their surfaces, metres; negative if they overlap.
    pub distance_m: f64,
    /// The point of `first` that is nearest to `second`, root frame.
    pub position: Point3<f64>,
    /// The point of `second` that is nearest to `first`, root frame.
    pub other_position: Point3<f64>,
}

/// The least distance, and how it changes with the joints.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedDistance {
    /// Between which things.
    pub nearest: Nearest,
    /// Metres by which the distance grows for each unit of each joint of the query.
    pub gradient: Vec<f64>,
}

impl Nearest {
    pub(crate) fn into_contact(self) -> Contact {
        Contact {
            first: self.first,
            second: self.second,
            depth_m: -self.distance_m,
            position: self.position,
        }
    }
}

/// The question answered plainly, in double precision, one sphere after the other: what people
/// read, and what the kernels are held to.
#[derive(Debug)]
pub(crate) struct Twin<'a> {
    robot: &'a Robot,
    scene: &'a Scene,
    joints: Vec<usize>,
    state: Vec<f64>,
    poses: Vec<Pose>,
}

/// A candidate before it has names.
struct Best {
    distance_m: f64,
    /// Centre and radius of the sphere that is nearest, and the direction in which its distance
    /// to the other thing grows.
    centre: Point3<f64>,
    radius_m: f64,
    growing: Vector3<f64>,
    part: usize,
    other: Other,
}

impl Best {
    fn position(&self) -> Point3<f64> {
        self.centre - self.growing * self.radius_m
    }
}

enum Other {
    Object(usize),
    /// A part, and the centre of its sphere.
    Part(usize, Point3<f64>),
    Cloud,
}

impl<'a> Twin<'a> {
    pub(crate) fn new(robot: &'a Robot, scene: &'a Scene, joints: &[usize], state: &[f64]) -> Self {
        let (joints, state) = (joints.to_vec(), state.to_vec());
        Self { robot, scene, joints, state, poses: Vec::new() }
    }

    /// The joints as the state has them.
    pub(crate) fn standing(&self) -> Vec<f64> {
        self.joints.iter().map(|&joint| self.state[joint]).collect()
    }

    /// The nearest pair, or with `fixed` that of the parts that do not move.
    pub(crate) fn nearest(&mut self, model: &Model, q: &[f64], fixed: bool) -> Option<Nearest> {
        self.best(model, q, fixed).map(|best| self.named(model, &best))
    }

    /// The nearest pair, and how its distance changes with the joints.
    pub(crate) fn signed_distance(&mut self, model: &Model, q: &[f64]) -> Option<SignedDistance> {
        let best = self.best(model, q, false)?;
        let mut gradient = self.change(model, best.part, &best.centre, &best.growing);
        if let Other::Part(other, centre) = best.other {
            let against = self.change(model, other, &centre, &best.growing);
            gradient.iter_mut().zip(against).for_each(|(own, other)| *own -= other);
        }
        Some(SignedDistance { nearest: self.named(model, &best), gradient })
    }

    /// How fast a point of a part moves along a direction, for each joint.
    fn change(
        &self,
        model: &Model,
        part: usize,
        at: &Point3<f64>,
        direction: &Vector3<f64>,
    ) -> Vec<f64> {
        let link = model.parts[part].link;
        let jacobian = self.robot.jacobian(&self.joints, link, &self.state);
        let arm = at.coords - self.poses[link].translation.vector;
        let of = |joint: usize| {
            let [linear, angular] =
                [0, 3].map(|row| jacobian.fixed_view::<3, 1>(row, joint).into_owned());
            direction.dot(&(linear + angular.cross(&arm)))
        };
        (0..self.joints.len()).map(of).collect()
    }

    fn named(&self, model: &Model, best: &Best) -> Nearest {
        let position = best.position();
        Nearest {
            first: model.parts[best.part].name.clone(),
            second: match best.other {
                Other::Object(object) => self.scene.objects[object].id().to_owned(),
                Other::Part(part, _) => model.parts[part].name.clone(),
                Other::Cloud => "<octomap>".to_owned(),
            },
            distance_m: best.distance_m,
            position,
            other_position: position - best.growing * best.distance_m,
        }
    }

    fn best(&mut self, model: &Model, q: &[f64], fixed: bool) -> Option<Best> {
        if q.len() != self.joints.len() {
            return None;
        }
        for (&joint, &value) in self.joints.iter().zip(q) {
            self.state[joint] = value;
        }
        self.robot.link_poses(&self.state, &mut self.poses);
        let spheres: Vec<Vec<(Point3<f64>, f64)>> = model
            .parts
            .iter()
            .map(|part| {
                let pose = &self.poses[part.link];
                part.in_link.iter().map(|(centre, radius)| (pose * centre, *radius)).collect()
            })
            .collect();
        let mut best: Option<Best> = None;
        let mut meet = |candidate: Best| {
            if best.as_ref().is_none_or(|best| candidate.distance_m < best.distance_m) {
                best = Some(candidate);
            }
        };
        for (part, entry) in model.parts.iter().enumerate() {
            if (entry.frame == 0) == fixed {
                self.meet_environment(model, part, &spheres[part], &mut meet);
            }
        }
        if !fixed {
            for pair in &model.pairs {
                meet_each_other(pair.first, pair.second, &spheres, &mut meet);
            }
        }
        best
    }

    fn meet_environment(
        &self,
        model: &Model,
        part: usize,
        spheres: &[(Point3<f64>, f64)],
        meet: &mut impl FnMut(Best),
    ) {
        let entry = &model.parts[part];
        let allowed = |id: &str| self.scene.allowed.get(&entry.name, id).unwrap_or(false);
        let padding_m = self.scene.padding_of(&entry.name);
        let padded = |radius: &f64| (radius + padding_m).max(0.0);
        let mut meet_object =
            |object: usize, distance: &dyn Fn(Point3<f64>) -> (f64, Vector3<f64>)| {
                if allowed(self.scene.objects[object].id()) {
                    return;
                }
                for (centre, radius) in spheres {
                    let (centre, radius_m) = (*centre, padded(radius));
                    let (outside, growing) = distance(centre);
                    let distance_m = outside - radius_m;
                    let other = Other::Object(object);
                    meet(Best { distance_m, centre, radius_m, growing, part, other });
                }
            };
        for (object, solid) in &model.solids {
            meet_object(*object, &|at| solid.distance_m(at));
        }
        for (object, surface) in &model.surfaces {
            meet_object(*object, &|at| surface.distance_m(at));
        }
        let Some(cloud) = model.cloud.as_deref().filter(|_| entry.meets_cloud) else { return };
        for (centre, radius) in spheres {
            let at = [centre.x as f32, centre.y as f32, centre.z as f32];
            if let Some((point, distance)) = cloud.nearest(at) {
                let radius_m = padded(radius);
                let way = centre - Point3::from(point.map(f64::from));
                meet(Best {
                    distance_m: f64::from(distance) - radius_m,
                    centre: *centre,
                    radius_m,
                    growing: way.try_normalize(1e-12).unwrap_or_else(Vector3::z),
                    part,
                    other: Other::Cloud,
                });
            }
        }
    }
}

fn meet_each_other(
    first: usize,
    second: usize,
    spheres: &[Vec<(Point3<f64>, f64)>],
    meet: &mut impl FnMut(Best),
) {
    for (centre, radius) in &spheres[first] {
        for (other, other_radius) in &spheres[second] {
            let way = centre - other;
            meet(Best {
                distance_m: way.norm() - radius - other_radius,
                centre: *centre,
                radius_m: *radius,
                growing: way.try_normalize(1e-12).unwrap_or_else(Vector3::z),
                part: first,
                other: Other::Part(second, *other),
            });
        }
    }
}
