//! Errors of the objects in space.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use nalgebra::Vector3;
use praxis_network::Card;
use praxis_perception::{Evidence, SeenObject, wrapped, yaw_period_rad};
use praxis_scenes::Label;
use serde_json::{Map, Value, json};

use crate::figures::{median_and_p95, percentile, thousandths};
use crate::precision::LEAST_VISIBLE;

/// An object farther off than this from every one that was told was not found.
const FOUND_WITHIN_M: f64 = 0.05;
/// An object whose bottom is higher is held by the robot: perception tells nothing of it.
const STANDS_BELOW_M: f64 = 0.02;
/// Distances of the figures as a whole, from the camera to the object's middle.
const RANGE_M: [f64; 2] = [0.5, 1.2];
/// Borders of the distances told apart.
const BINS_M: [f64; 5] = [0.5, 0.8, 1.0, 1.2, 1.5];

/// What a group of objects came to.
#[derive(Default)]
struct Group {
    objects: usize,
    found: usize,
    right_class: usize,
    position_mm: Vec<f64>,
    yaw_deg: Vec<f64>,
}

/// What the objects of all pictures came to.
pub struct Space {
    card: Card,
    whole: Group,
    per_class: BTreeMap<String, Group>,
    per_distance: BTreeMap<String, Group>,
    ghosts: usize,
    lines: String,
}

impl Space {
    /// Nothing yet.
    pub fn new(card: &Card) -> Self {
        Self {
            card: card.clone(),
            whole: Group::default(),
            per_class: BTreeMap::new(),
            per_distance: BTreeMap::new(),
            ghosts: 0,
            lines: String::new(),
        }
    }

    /// Takes in the picture of a seed.
    pub fn take(&mut self, seed: u64, labels: &[Label], seen: &[SeenObject]) {
        for label in labels.iter().filter(|label| asked_for(label)) {
            let found = seen
                .iter()
                .map(|object| (distance_m(label, object), object))
                .filter(|(distance, _)| *distance <= FOUND_WITHIN_M)
                .min_by(|a, b| a.0.total_cmp(&b.0));
            self.note(seed, label, found);
            let found = found.map(|(distance, object)| {
                let class = &self.card.classes[object.class];
                let right = class.name == label.class;
                let yaw = right.then(|| yaw_error_rad(label, object, &self.card)).flatten();
                (1e3 * distance, right, yaw.map(f64::to_degrees))
            });
            let bin = BINS_M.windows(2).find(|ends| (ends[0]..ends[1]).contains(&label.distance_m));
            if let Some(ends) = bin {
                let name = format!("{:.1}-{:.1} m", ends[0], ends[1]);
                self.per_distance.entry(name).or_default().take(found);
            }
            if (RANGE_M[0]..=RANGE_M[1]).contains(&label.distance_m) {
                self.whole.take(found);
                self.per_class.entry(label.class.clone()).or_default().take(found);
            }
        }
        for object in seen {
            if labels.iter().all(|label| distance_m(label, object) > FOUND_WITHIN_M) {
                self.ghosts += 1;
                self.lines += &json!({ "seed": seed, "ghost": self.told(object) }).to_string();
                self.lines.push('\n');
            }
        }
    }

    /// Every object that was asked for, and every ghost, as a line of JSON.
    pub fn lines(&self) -> &str {
        &self.lines
    }

    fn note(&mut self, seed: u64, label: &Label, found: Option<(f64, &SeenObject)>) {
        let seen = found.map(|(_, object)| self.told(object));
        let error_mm = found.map(|(distance_m, _)| 1e3 * distance_m);
        let line = json!({ "seed": seed, "label": label, "seen": seen, "error_mm": error_mm });
        self.lines += &line.to_string();
        self.lines.push('\n');
    }

    fn told(&self, object: &SeenObject) -> Value {
        json!({
            "class": self.card.classes[object.class].name,
            "score": object.score,
            "centre_m": object.centre_m.as_slice(),
            "size_m": object.size_m.as_slice(),
            "yaw_rad": object.yaw_rad,
            "by_depth": object.evidence == Evidence::Depth,
            "outline_support": object.outline_support,
        })
    }

    /// Counts and errors, as a whole, per class and per distance.
    pub fn figures(&self) -> Map<String, Value> {
        let table = |groups: &BTreeMap<String, Group>| -> Value {
            let figure = |(name, group): (&String, &Group)| (name.clone(), group.figures().into());
            groups.iter().map(figure).collect::<Map<String, Value>>().into()
        };
        let mut figures = self.whole.figures();
        figures.insert("ghosts".to_owned(), json!(self.ghosts));
        figures.insert("per_class".to_owned(), table(&self.per_class));
        figures.insert("per_distance".to_owned(), table(&self.per_distance));
        figures
    }
}

impl Group {
    fn take(&mut self, found: Option<(f64, bool, Option<f64>)>) {
        self.objects += 1;
        let Some((position_mm, right, yaw_deg)) = found else { return };
        self.found += 1;
        self.right_class += usize::from(right);
        self.position_mm.push(position_mm);
        self.yaw_deg.extend(yaw_deg);
    }

    fn figures(&self) -> Map<String, Value> {
        let mut figures = Map::new();
        for (name, count) in
            [("objects", self.objects), ("found", self.found), ("right_class", self.right_class)]
        {
            figures.insert(name.to_owned(), json!(count));
        }
        figures.insert("position_error_mm".to_owned(), median_and_p95(&self.position_mm));
        if !self.yaw_deg.is_empty() {
            let yaw = thousandths(percentile(&self.yaw_deg, 0.5));
            figures.insert("yaw_error_deg".to_owned(), yaw);
        }
        figures
    }
}

/// Whether perception has to tell of an object: it shows, and it stands.
fn asked_for(label: &Label) -> bool {
    let bottom_m = label.position_m[2] - 0.5 * label.size_m[2];
    label.visible >= LEAST_VISIBLE && bottom_m < STANDS_BELOW_M
}

fn distance_m(label: &Label, object: &SeenObject) -> f64 {
    (object.centre_m - Vector3::from(label.position_m)).norm()
}

/// How far the yaw is off, modulo what the object's shape leaves open; none where that is all.
fn yaw_error_rad(label: &Label, object: &SeenObject, card: &Card) -> Option<f64> {
    let period = yaw_period_rad(&card.classes[object.class])?;
    // A square box looks alike after a quarter turn.
    let square = (0.95..1.05).contains(&(label.size_m[0] / label.size_m[1]));
    let period = if square { period.min(TAU / 4.0) } else { period };
    Some(wrapped(object.yaw_rad - label.yaw_rad, period).abs())
}
