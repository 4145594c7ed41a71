use std::collections::BTreeMap;

use nalgebra::{Point3, Vector3};
use praxis_geometry::Pose;
use praxis_world::{Bin, FixedBox};

use crate::physics::{Contact, Owner};

/// Contact episodes of one pair end after this long without contact, seconds.
const EPISODE_END_S: f64 = 0.2;
/// A held object that no finger touches for this long is let go, seconds.
const LET_GO_S: f64 = 0.05;
/// Half the space between the fingers, around the tool frame (x, along the opening, z), metres.
const BETWEEN_FINGERS_M: [f64; 3] = [0.035, 0.048, 0.055];
/// A held object moves at most this fast sideways while it touches its support, metres a second.
const SETTING_DOWN_M_PER_S: f64 = 0.12;
/// Sine of the steepest support: contact normals of a support are at least this vertical.
const SUPPORT_NORMAL_Z: f64 = 0.7;

/// What a solid of the scene is to the judge.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FixedRole {
    /// Things are put on it: the table.
    Support,
    /// Floor or wall of the bin with this index.
    OfBin(usize),
    /// Nothing ever touches it.
    Obstacle,
}

impl FixedRole {
    /// Bins know their parts by name; what is no bin and has its top at z = 0 is the table.
    pub(crate) fn of(fixed: &FixedBox, bins: &[Bin]) -> Self {
        let of_bin = |bin: &Bin| bin.boxes().iter().any(|part| part.id == fixed.id);
        if let Some(bin) = bins.iter().position(of_bin) {
            return Self::OfBin(bin);
        }
        let top_m = fixed.world_from_box.translation.z + 0.5 * fixed.size_m.z;
        if top_m.abs() < 1e-6 { Self::Support } else { Self::Obstacle }
    }
}

/// What the judge must know of one object at one instant.
#[derive(Clone, Debug)]
pub(crate) struct ObjectState {
    pub(crate) world_from_object: Pose,
    pub(crate) velocity_m_per_s: Vector3<f64>,
    /// Index of the bin for its class.
    pub(crate) bin: Option<usize>,
}

/// Tells which contacts are forbidden, and which object the fingers hold.
///
/// An object is *held* from the instant both fingers touch it while it is between them until
/// neither has touched it for 50 ms. Allowed are contacts
/// - of a finger with an object that is between the fingers,
/// - of the held object with the bin for its class,
/// - of the held object with what carries it (the table, or an object below it): the contact's
///   normal is steep and the object moves sideways slower than 0.12 m/s, as when it is lifted,
///   put down, or drawn into the middle by closing fingers,
/// - of solids of which none is the robot or held.
///
/// Every other contact is forbidden. One pair counts once until it has been apart for 0.2 s.
#[derive(Clone, Debug)]
pub(crate) struct TouchJudge {
    fingers: Vec<usize>,
    roles: Vec<FixedRole>,
    held: Option<Held>,
    episodes: BTreeMap<(Owner, Owner), f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Held {
    object: usize,
    last_touch_s: f64,
}

impl TouchJudge {
    pub(crate) fn new(fingers: Vec<usize>, roles: Vec<FixedRole>) -> Self {
        Self { fingers, roles, held: None, episodes: BTreeMap::new() }
    }

    /// The object in the fingers, if any.
    pub(crate) fn held(&self) -> Option<usize> {
        self.held.map(|held| held.object)
    }

    /// Takes the contacts of one step and returns pairs whose forbidden contact begins.
    pub(crate) fn observe(
        &mut self,
        now_s: f64,
        contacts: &[Contact],
        world_from_tool: &Pose,
        objects: &[ObjectState],
    ) -> Vec<[Owner; 2]> {
        self.update_held(now_s, contacts, world_from_tool, objects);
        let mut begun = Vec::new();
        for contact in contacts {
            if !self.is_forbidden(contact, world_from_tool, objects) {
                continue;
            }
            let [a, b] = contact.between;
            let pair = (a.min(b), a.max(b));
            let last_s = self.episodes.insert(pair, now_s);
            if last_s.is_none_or(|last_s| now_s - last_s > EPISODE_END_S) {
                begun.push([pair.0, pair.1]);
            }
        }
        begun
    }

    fn update_held(
        &mut self,
        now_s: f64,
        contacts: &[Contact],
        world_from_tool: &Pose,
        objects: &[ObjectState],
    ) {
        if let Some(held) = &mut self.held {
            let touches = |finger: &usize| touches(contacts, *finger, held.object);
            if self.fingers.iter().any(touches) {
                held.last_touch_s = now_s;
            } else if now_s - held.last_touch_s > LET_GO_S {
                self.held = None;
            }
        }
        if self.held.is_none() && !self.fingers.is_empty() {
            let gripped = |object: &usize| {
                self.fingers.iter().all(|finger| touches(contacts, *finger, *object))
                    && is_between_fingers(world_from_tool, &objects[*object])
            };
            self.held =
                (0..objects.len()).find(gripped).map(|object| Held { object, last_touch_s: now_s });
        }
    }

    fn is_forbidden(
        &self,
        contact: &Contact,
        world_from_tool: &Pose,
        objects: &[ObjectState],
    ) -> bool {
        match contact.between {
            [Owner::Link(link), Owner::Object(object)]
            | [Owner::Object(object), Owner::Link(link)] => {
                let is_finger = self.fingers.contains(&link);
                !(is_finger && is_between_fingers(world_from_tool, &objects[object]))
            }
            [Owner::Link(_), _] | [_, Owner::Link(_)] => true,
            [Owner::Object(object), other] if self.held() == Some(object) => {
                !self.is_support(object, other, contact, objects)
            }
            [other, Owner::Object(object)] if self.held() == Some(object) => {
                !self.is_support(object, other, contact, objects)
            }
            _ => false,
        }
    }

    fn is_support(
        &self,
        held: usize,
        other: Owner,
        contact: &Contact,
        objects: &[ObjectState],
    ) -> bool {
        let state = &objects[held];
        let is_slow = state.velocity_m_per_s.xy().norm() < SETTING_DOWN_M_PER_S;
        let is_steep = contact.normal_in_world.z.abs() > SUPPORT_NORMAL_Z;
        let is_below = contact.point_in_world.z < state.world_from_object.translation.z;
        let carries = is_slow && is_steep && is_below;
        match other {
            Owner::Fixed(fixed) => match self.roles[fixed] {
                FixedRole::OfBin(bin) => state.bin == Some(bin),
                FixedRole::Support => carries,
                FixedRole::Obstacle => false,
            },
            Owner::Object(_) => carries,
            Owner::Link(_) => false,
        }
    }
}

fn touches(contacts: &[Contact], link: usize, object: usize) -> bool {
    contacts.iter().any(|contact| {
        let [a, b] = contact.between;
        let pair = (Owner::Link(link), Owner::Object(object));
        (a, b) == pair || (b, a) == pair
    })
}

fn is_between_fingers(world_from_tool: &Pose, object: &ObjectState) -> bool {
    let centre = Point3::from(object.world_from_object.translation.vector);
    let in_tool = world_from_tool.inverse_transform_point(&centre);
    in_tool.coords.iter().zip(BETWEEN_FINGERS_M).all(|(value, reach_m)| value.abs() <= reach_m)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: usize = 0;
    const RIGHT: usize = 1;
    const ELBOW: usize = 2;
    const TABLE: usize = 0;
    const WALL: usize = 1;
    const BIN: usize = 2;

    fn judge() -> TouchJudge {
        let roles = vec![FixedRole::Support, FixedRole::Obstacle, FixedRole::OfBin(0)];
        TouchJudge::new(vec![LEFT, RIGHT], roles)
    }

    fn object(x_m: f64, bin: usize) -> ObjectState {
        ObjectState {
            world_from_object: Pose::translation(x_m, 0.0, 0.0),
            velocity_m_per_s: Vector3::zeros(),
            bin: Some(bin),
        }
    }

    fn contact(a: Owner, b: Owner) -> Contact {
        Contact {
            between: [a, b],
            point_in_world: Vector3::new(0.0, 0.0, -0.02),
            normal_in_world: Vector3::z(),
        }
    }

    fn gripped() -> Vec<Contact> {
        vec![
            contact(Owner::Link(LEFT), Owner::Object(0)),
            contact(Owner::Object(0), Owner::Link(RIGHT)),
        ]
    }

    #[test]
    fn fingers_may_hold_what_is_between_them_and_nothing_else() {
        let mut judge = judge();
        let objects = [object(0.0, 0), object(0.2, 0)];
        assert!(judge.observe(0.0, &gripped(), &Pose::identity(), &objects).is_empty());
        assert_eq!(judge.held(), Some(0));
        let bump = [contact(Owner::Link(LEFT), Owner::Object(1))];
        assert_eq!(judge.observe(0.001, &bump, &Pose::identity(), &objects).len(), 1);
    }

    #[test]
    fn a_held_object_may_touch_table_and_own_bin_but_not_wall_or_other_bin() {
        let mut judge = judge();
        let mut objects = [object(0.0, 0)];
        let with =
            |fixed| [gripped(), vec![contact(Owner::Object(0), Owner::Fixed(fixed))]].concat();
        let tool = Pose::identity();
        assert!(judge.observe(0.0, &with(TABLE), &tool, &objects).is_empty());
        assert!(judge.observe(0.1, &with(BIN), &tool, &objects).is_empty());
        assert_eq!(judge.observe(0.2, &with(WALL), &tool, &objects).len(), 1);
        objects[0].velocity_m_per_s.x = 0.5;
        assert_eq!(judge.observe(0.3, &with(TABLE), &tool, &objects).len(), 1, "dragged along");
        objects[0] = object(0.0, 1);
        assert_eq!(judge.observe(0.4, &with(BIN), &tool, &objects).len(), 1, "another's bin");
    }

    #[test]
    fn one_touch_counts_once_and_a_second_one_again() {
        let mut judge = judge();
        let touch = [contact(Owner::Fixed(WALL), Owner::Link(ELBOW))];
        let tool = Pose::identity();
        assert_eq!(judge.observe(0.0, &touch, &tool, &[]).len(), 1);
        assert!(judge.observe(0.1, &touch, &tool, &[]).is_empty());
        assert!(judge.observe(0.3, &[], &tool, &[]).is_empty());
        assert_eq!(judge.observe(0.5, &touch, &tool, &[]).len(), 1);
    }

    #[test]
    fn objects_that_nobody_holds_touch_what_they_like() {
        let mut judge = judge();
        let fallen = [contact(Owner::Object(0), Owner::Fixed(WALL))];
        assert!(judge.observe(0.0, &fallen, &Pose::identity(), &[object(0.0, 0)]).is_empty());
    }
}
