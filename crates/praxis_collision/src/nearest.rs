use nalgebra::Point3;
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
    position: Point3<f64>,
    part: usize,
    other: Other,
}

enum Other {
    Object(usize),
    Part(usize),
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
        best.map(|best| Nearest {
            first: model.parts[best.part].name.clone(),
            second: match best.other {
                Other::Object(object) => self.scene.objects[object].id().to_owned(),
                Other::Part(part) => model.parts[part].name.clone(),
                Other::Cloud => "<octomap>".to_owned(),
            },
            distance_m: best.distance_m,
            position: best.position,
        })
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
        for (object, solid) in &model.solids {
            if allowed(self.scene.objects[*object].id()) {
                continue;
            }
            for (centre, radius) in spheres {
                let radius = radius + self.scene.padding_m;
                let (distance, outwards) = solid.distance_m(*centre);
                meet(Best {
                    distance_m: distance - radius,
                    position: centre - outwards * radius,
                    part,
                    other: Other::Object(*object),
                });
            }
        }
        let Some(cloud) = model.cloud.as_deref().filter(|_| entry.meets_cloud) else { return };
        for (centre, radius) in spheres {
            let at = [centre.x as f32, centre.y as f32, centre.z as f32];
            if let Some((point, distance)) = cloud.nearest(at) {
                meet(Best {
                    distance_m: f64::from(distance) - radius - self.scene.padding_m,
                    position: Point3::from(point.map(f64::from)),
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
            let way = other - centre;
            let between = way.norm();
            let towards = if between > 1e-12 { way / between } else { way };
            meet(Best {
                distance_m: between - radius - other_radius,
                position: centre + towards * *radius,
                part: first,
                other: Other::Part(second),
            });
        }
    }
}
