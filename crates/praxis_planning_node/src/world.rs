//! What stands around the robot, what it holds, and which pairs may touch: the planning scene as
//! clients describe it. The collision scene is made from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nalgebra::Point3;
use praxis_geometry::{Pose, Shape};

use crate::error::PlanningError;

/// One solid of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its shape.
    pub shape: Shape,
    /// Where it is on the object.
    pub object_from_part: Pose,
}

/// An object that stands in the world.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldObject {
    /// Its pose in the robot's root frame.
    pub root_from_object: Pose,
    /// Its solids.
    pub parts: Vec<Part>,
}

/// An object that moves with a link.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldObject {
    /// The link that it moves with.
    pub link: String,
    /// Its pose on that link.
    pub link_from_object: Pose,
    /// Its solids.
    pub parts: Vec<Part>,
    /// Links that it may touch.
    pub touch_links: BTreeSet<String>,
    /// Centres and radii of spheres that fill it, on the link; made once, when it is taken hold of.
    pub spheres: Arc<Vec<(Point3<f64>, f64)>>,
}

impl HeldObject {
    /// Fills the object from inside, so that what stands on a table touches it and is not in it.
    pub fn fill(&mut self) {
        let place =
            |part: &Part| (part.shape.clone(), self.link_from_object * part.object_from_part);
        let parts: Vec<(Shape, Pose)> = self.parts.iter().map(place).collect();
        self.spheres = Arc::new(praxis_motion::spheres_inside(&parts));
    }
}

/// Pairs of names that clients allow or forbid to touch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AllowedPairs {
    pairs: BTreeMap<(String, String), bool>,
    /// What holds for a name where no pair says otherwise.
    defaults: BTreeMap<String, bool>,
}

impl AllowedPairs {
    /// Says whether two names may touch.
    pub fn set(&mut self, a: &str, b: &str, allowed: bool) {
        self.pairs.insert(ordered(a, b), allowed);
    }

    /// Says whether a name may touch what no pair speaks of.
    pub fn set_default(&mut self, name: &str, allowed: bool) {
        self.defaults.insert(name.to_owned(), allowed);
    }

    /// Whether two names may touch; nothing said means nothing known.
    pub fn get(&self, a: &str, b: &str) -> Option<bool> {
        self.pairs.get(&ordered(a, b)).copied().or_else(|| {
            match (self.defaults.get(a), self.defaults.get(b)) {
                (Some(&x), Some(&y)) => Some(x && y),
                (Some(&x), None) | (None, Some(&x)) => Some(x),
                (None, None) => None,
            }
        })
    }

    /// Pairs said outright.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.pairs.iter().map(|((a, b), &allowed)| (a.as_str(), b.as_str(), allowed))
    }

    /// Names with a default.
    pub fn defaults(&self) -> impl Iterator<Item = (&str, bool)> {
        self.defaults.iter().map(|(name, &allowed)| (name.as_str(), allowed))
    }

    /// Every name in pairs, sorted.
    pub fn names(&self) -> Vec<String> {
        let both = self.pairs.keys().flat_map(|(a, b)| [a.clone(), b.clone()]);
        both.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

fn ordered(a: &str, b: &str) -> (String, String) {
    if a <= b { (a.to_owned(), b.to_owned()) } else { (b.to_owned(), a.to_owned()) }
}

/// A change that a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Puts an object there, in place of one with its name.
    Put {
        /// Its name.
        id: String,
        /// The object.
        object: WorldObject,
    },
    /// Adds solids to an object.
    Append {
        /// Its name.
        id: String,
        /// The solids, at the pose given.
        object: WorldObject,
    },
    /// Moves an object.
    Move {
        /// Its name.
        id: String,
        /// Its new pose.
        root_from_object: Pose,
    },
    /// Takes an object away; an empty name takes all but the fixed ones.
    Remove {
        /// Its name.
        id: String,
    },
    /// Lets an object move with a link. Without parts it is taken from the world.
    Hold {
        /// Its name.
        id: String,
        /// The object and its link.
        held: HeldObject,
    },
    /// Puts what a link holds back into the world; an empty name lets go of all.
    Release {
        /// Its name.
        id: String,
        /// The link; empty for any.
        link: String,
    },
}

/// The planning scene.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanningWorld {
    objects: BTreeMap<String, WorldObject>,
    fixed: BTreeSet<String>,
    held: BTreeMap<String, HeldObject>,
    /// Pairs that clients allow or forbid to touch.
    pub allowed: AllowedPairs,
}

impl PlanningWorld {
    /// Puts an object there that "remove all" leaves.
    pub fn put_fixed(&mut self, id: &str, object: WorldObject) {
        self.fixed.insert(id.to_owned());
        self.objects.insert(id.to_owned(), object);
    }

    /// Objects in the world by name.
    pub fn objects(&self) -> &BTreeMap<String, WorldObject> {
        &self.objects
    }

    /// Objects that the robot holds by name.
    pub fn held(&self) -> &BTreeMap<String, HeldObject> {
        &self.held
    }

    /// Makes one change; `link_pose` gives the pose of a link in the root frame.
    pub fn apply(
        &mut self,
        change: Change,
        link_pose: &dyn Fn(&str) -> Option<Pose>,
    ) -> Result<(), PlanningError> {
        match change {
            Change::Put { id, object } => {
                self.held.remove(&id);
                self.objects.insert(id, object);
            }
            Change::Append { id, object } => self.append(&id, object)?,
            Change::Move { id, root_from_object } => {
                let object =
                    self.objects.get_mut(&id).ok_or(PlanningError::UnknownObject { id })?;
                object.root_from_object = root_from_object;
            }
            Change::Remove { id } if id.is_empty() => {
                let fixed = &self.fixed;
                self.objects.retain(|id, _| fixed.contains(id));
            }
            Change::Remove { id } => {
                self.fixed.remove(&id);
                self.objects.remove(&id).ok_or(PlanningError::UnknownObject { id })?;
            }
            Change::Hold { id, held } => self.hold(id, held, link_pose)?,
            Change::Release { id, link } => self.release(&id, &link, link_pose)?,
        }
        Ok(())
    }

    fn append(&mut self, id: &str, added: WorldObject) -> Result<(), PlanningError> {
        let unknown = || PlanningError::UnknownObject { id: id.to_owned() };
        let object = self.objects.get_mut(id).ok_or_else(unknown)?;
        let object_from_added = object.root_from_object.inverse() * added.root_from_object;
        object.parts.extend(added.parts.into_iter().map(|part| Part {
            object_from_part: object_from_added * part.object_from_part,
            ..part
        }));
        Ok(())
    }

    fn hold(
        &mut self,
        id: String,
        mut held: HeldObject,
        link_pose: &dyn Fn(&str) -> Option<Pose>,
    ) -> Result<(), PlanningError> {
        let root_from_link = link_pose(&held.link)
            .ok_or_else(|| PlanningError::UnknownLink { link: held.link.clone() })?;
        let standing = self.objects.remove(&id);
        if held.parts.is_empty() {
            if let Some(object) = standing {
                held.link_from_object = root_from_link.inverse() * object.root_from_object;
                held.parts = object.parts;
            } else if let Some(before) = self.held.get(&id) {
                let root_from_before = link_pose(&before.link).unwrap_or_else(Pose::identity);
                held.link_from_object =
                    root_from_link.inverse() * root_from_before * before.link_from_object;
                held.parts = before.parts.clone();
            } else {
                return Err(PlanningError::UnknownObject { id });
            }
        }
        held.touch_links.insert(held.link.clone());
        held.fill();
        self.held.insert(id, held);
        Ok(())
    }

    fn release(
        &mut self,
        id: &str,
        link: &str,
        link_pose: &dyn Fn(&str) -> Option<Pose>,
    ) -> Result<(), PlanningError> {
        let matches = |name: &String, held: &HeldObject| {
            (id.is_empty() || name == id) && (link.is_empty() || held.link == link)
        };
        let names: Vec<String> =
            self.held.iter().filter(|(n, h)| matches(n, h)).map(|(n, _)| n.clone()).collect();
        if names.is_empty() && !id.is_empty() {
            return Err(PlanningError::UnknownObject { id: id.to_owned() });
        }
        for name in names {
            if let Some(held) = self.held.remove(&name) {
                let root_from_link = link_pose(&held.link)
                    .ok_or_else(|| PlanningError::UnknownLink { link: held.link.clone() })?;
                let root_from_object = root_from_link * held.link_from_object;
                self.objects.insert(name, WorldObject { root_from_object, parts: held.parts });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ball(x: f64) -> WorldObject {
        let part =
            Part { shape: Shape::Sphere { radius_m: 0.1 }, object_from_part: Pose::identity() };
        WorldObject { root_from_object: Pose::translation(x, 0.0, 0.0), parts: vec![part] }
    }

    fn hand(link: &str) -> Option<Pose> {
        (link == "hand").then(|| Pose::translation(0.0, 0.0, 1.0))
    }

    fn hold_ball() -> Change {
        let held = HeldObject {
            link: "hand".into(),
            link_from_object: Pose::identity(),
            parts: vec![],
            touch_links: BTreeSet::new(),
            spheres: Arc::default(),
        };
        Change::Hold { id: "ball".into(), held }
    }

    #[test]
    fn what_is_held_and_released_is_where_the_hand_took_it() {
        let mut world = PlanningWorld::default();
        world.apply(Change::Put { id: "ball".into(), object: ball(0.5) }, &hand).unwrap();
        world.apply(hold_ball(), &hand).unwrap();
        assert!(world.objects().is_empty());
        let moved = |link: &str| hand(link).map(|pose| Pose::translation(0.2, 0.0, 0.0) * pose);
        world.apply(Change::Release { id: "ball".into(), link: "".into() }, &moved).unwrap();
        let pose = world.objects()["ball"].root_from_object;
        assert!((pose.translation.vector.x - 0.7).abs() < 1e-12);
        assert!(world.held().is_empty());
    }

    #[test]
    fn remove_all_leaves_what_is_fixed() {
        let mut world = PlanningWorld::default();
        world.put_fixed("table", ball(0.0));
        world.apply(Change::Put { id: "ball".into(), object: ball(0.5) }, &hand).unwrap();
        world.apply(Change::Remove { id: String::new() }, &hand).unwrap();
        assert_eq!(world.objects().keys().collect::<Vec<_>>(), ["table"]);
    }

    #[test]
    fn unknown_things_are_refused() {
        let mut world = PlanningWorld::default();
        assert!(world.apply(Change::Remove { id: "x".into() }, &hand).is_err());
        assert!(world.apply(hold_ball(), &hand).is_err());
        let held = HeldObject {
            link: "foot".into(),
            link_from_object: Pose::identity(),
            parts: ball(0.0).parts,
            touch_links: BTreeSet::new(),
            spheres: Arc::default(),
        };
        assert!(world.apply(Change::Hold { id: "ball".into(), held }, &hand).is_err());
    }

    #[test]
    fn a_pair_outweighs_a_default() {
        let mut allowed = AllowedPairs::default();
        allowed.set_default("table", true);
        allowed.set("table", "hand", false);
        assert_eq!(allowed.get("hand", "table"), Some(false));
        assert_eq!(allowed.get("table", "elbow"), Some(true));
        assert_eq!(allowed.get("hand", "elbow"), None);
    }
}
