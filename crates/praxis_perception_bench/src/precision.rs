//! Average precision of detections at an overlap of one half.

use praxis_network::{Card, Detection, PixelBox};
use praxis_scenes::Label;
use serde_json::{Map, Value};

use crate::figures::thousandths;

/// A box and a detection that overlap by less are not the same.
const IOU: f64 = 0.5;
/// Objects that show less are neither asked for nor counted as wrong.
pub const LEAST_VISIBLE: f64 = 0.3;

/// What the detections of all pictures came to.
pub struct Precision {
    classes: Vec<Class>,
}

struct Class {
    name: String,
    present: usize,
    /// Score of every detection that counts and whether it is right.
    ranked: Vec<(f32, bool)>,
}

impl Precision {
    /// Nothing yet of the classes of a card.
    pub fn new(card: &Card) -> Self {
        let class = |name: &String| Class { name: name.clone(), present: 0, ranked: Vec::new() };
        Self { classes: card.classes.iter().map(|own| class(&own.name)).collect() }
    }

    /// Takes in one picture; detections come best first.
    pub fn take(&mut self, labels: &[Label], detections: &[Detection]) {
        for (index, class) in self.classes.iter_mut().enumerate() {
            let own: Vec<&Label> =
                labels.iter().filter(|label| label.class == class.name).collect();
            class.present += own.iter().filter(|label| label.visible >= LEAST_VISIBLE).count();
            let mut taken = vec![false; own.len()];
            for detection in detections.iter().filter(|detection| detection.class == index) {
                let best = (0..own.len())
                    .filter(|&at| !taken[at])
                    .map(|at| (bounds(own[at]).iou(&detection.bounds), at))
                    .filter(|(overlap, _)| *overlap >= IOU)
                    .max_by(|a, b| a.0.total_cmp(&b.0));
                match best {
                    None => class.ranked.push((detection.score, false)),
                    Some((_, at)) => {
                        taken[at] = true;
                        if own[at].visible >= LEAST_VISIBLE {
                            class.ranked.push((detection.score, true));
                        }
                    }
                }
            }
        }
    }

    /// Mean over the classes that occurred.
    pub fn mean(&self) -> Option<f64> {
        let each: Vec<f64> = self.classes.iter().filter_map(Class::average_precision).collect();
        (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
    }

    /// Each class on its own.
    pub fn per_class(&self) -> Map<String, Value> {
        let figure = |class: &Class| (class.name.clone(), thousandths(class.average_precision()));
        self.classes.iter().map(figure).collect()
    }
}

impl Class {
    /// Area under the envelope of precision over recall.
    fn average_precision(&self) -> Option<f64> {
        if self.present == 0 {
            return None;
        }
        let mut ranked = self.ranked.clone();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut right = 0.0;
        let mut curve = Vec::with_capacity(ranked.len());
        for (told, (_, hit)) in ranked.iter().enumerate() {
            right += f64::from(u8::from(*hit));
            curve.push((right / self.present as f64, right / (told + 1) as f64));
        }
        let (mut area, mut best, mut recall) = (0.0, 0.0f64, curve.last().map_or(0.0, |c| c.0));
        for &(at, precision) in curve.iter().rev() {
            area += best * (recall - at);
            recall = at;
            best = best.max(precision);
        }
        Some(area + best * recall)
    }
}

fn bounds(label: &Label) -> PixelBox {
    let [left, top, right, bottom] = label.bounds_px;
    PixelBox { min_px: [left, top], max_px: [right, bottom] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_that_worked_out_by_hand() {
        let class = |present, hits: &[bool]| Class {
            name: "box".to_owned(),
            present,
            ranked: hits.iter().enumerate().map(|(i, &hit)| (1.0 - 0.1 * i as f32, hit)).collect(),
        };
        assert_eq!(class(2, &[true, true]).average_precision(), Some(1.0));
        assert_eq!(class(2, &[false]).average_precision(), Some(0.0));
        assert_eq!(class(0, &[]).average_precision(), None);
        // Recall 1/2 at precision 1, recall 1 at precision 2/3.
        let area = class(2, &[true, false, true]).average_precision().unwrap();
        assert!((area - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-12);
    }
}
