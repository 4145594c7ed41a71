//! SSD: offsets from boxes that are known beforehand, the anchors.

use serde::{Deserialize, Serialize};

use super::{Activation, candidates, fixed};
use crate::card::ensure;
use crate::{Card, Detection, NetworkError, Outputs, PixelBox, PoseHints, TensorSpec};

/// Names and layout of an SSD's outputs, and how its anchors are made, as the TensorFlow object
/// detection API makes them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SsdCard {
    /// Output `[1, anchors, 4]`: offsets of y and x, logarithms of height and width, all scaled.
    pub boxes: String,
    /// Output `[1, anchors, first_class + classes]`.
    pub scores: String,
    /// What the scores are.
    #[serde(default)]
    pub activation: Activation,
    /// Columns before the first of the card's classes: 1 where class 0 is the background.
    #[serde(default = "one")]
    pub first_class: usize,
    /// Cells along a side of each feature map, the finest first.
    pub grids: Vec<usize>,
    /// Share of the input that the smallest and the largest anchors take.
    #[serde(default = "usual_scales")]
    pub scales: [f64; 2],
    /// Width over height of the anchors.
    #[serde(default = "usual_ratios")]
    pub aspect_ratios: Vec<f64>,
    /// What the four offsets are divided by.
    #[serde(default = "usual_factors")]
    pub factors: [f64; 4],
}

/// A box that is known beforehand, in shares of the input: centre, height and width.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Anchor {
    y: f64,
    x: f64,
    height: f64,
    width: f64,
}

impl SsdCard {
    pub(super) fn check(&self) -> Result<(), NetworkError> {
        let count = self.grids.len();
        ensure((1..=16).contains(&count), "decoder.grids", count, "1 to 16 feature maps")?;
        for &side in &self.grids {
            ensure((1..=512).contains(&side), "decoder.grids", side, "1 to 512")?;
        }
        let [low, high] = self.scales;
        let rising = low > 0.0 && low <= high && high <= 1.0;
        ensure(rising, "decoder.scales", format!("{:?}", self.scales), "0 to 1, rising")?;
        let ratios = self.aspect_ratios.len();
        ensure((1..=16).contains(&ratios), "decoder.aspect_ratios", ratios, "1 to 16 ratios")?;
        for &ratio in &self.aspect_ratios {
            let sound = ratio.is_finite() && ratio > 0.0;
            ensure(sound, "decoder.aspect_ratios", ratio, "positive numbers")?;
        }
        for &factor in &self.factors {
            let sound = factor.is_finite() && factor > 0.0;
            ensure(sound, "decoder.factors", factor, "positive numbers")?;
        }
        ensure(self.first_class <= 1000, "decoder.first_class", self.first_class, "0 to 1000")
    }

    pub(super) fn expected_outputs(&self, card: &Card) -> Vec<TensorSpec> {
        let anchors = self.anchors().len();
        vec![
            fixed(&self.boxes, &[1, anchors, 4]),
            fixed(&self.scores, &[1, anchors, self.first_class + card.classes.len()]),
        ]
    }

    pub(super) fn decode(
        &self,
        card: &Card,
        outputs: &Outputs,
        least_score: Option<f32>,
    ) -> Result<Vec<Detection>, NetworkError> {
        let boxes = outputs.get(&self.boxes)?.values().as_chunks::<4>().0;
        let scores = outputs.get(&self.scores)?.values();
        let columns = self.first_class + card.classes.len();
        let input = [card.input.width as f64, card.input.height as f64];
        let rows = scores.chunks_exact(columns);
        let mut detections = Vec::new();
        for ((anchor, offsets), row) in self.anchors().iter().zip(boxes).zip(rows) {
            let bounds = || self.bounds(anchor, offsets.map(f64::from), input);
            let score = |class: usize| self.activation.score(row[self.first_class + class]);
            candidates(card, least_score, score, |class, score| {
                let hints = PoseHints::default();
                detections.push(Detection { class, score, bounds: bounds(), hints });
            });
        }
        Ok(detections)
    }

    fn bounds(&self, anchor: &Anchor, offsets: [f64; 4], input: [f64; 2]) -> PixelBox {
        let [dy, dx, dh, dw] = [0, 1, 2, 3].map(|k| offsets[k] / self.factors[k]);
        let y = anchor.y + dy * anchor.height;
        let x = anchor.x + dx * anchor.width;
        // A size beyond any picture is a wrong card; it must not overflow.
        let half_height = 0.5 * anchor.height * dh.min(12.0).exp();
        let half_width = 0.5 * anchor.width * dw.min(12.0).exp();
        PixelBox {
            min_px: [(x - half_width) * input[0], (y - half_height) * input[1]],
            max_px: [(x + half_width) * input[0], (y + half_height) * input[1]],
        }
    }

    /// Per map and cell: the ratios at the map's scale, and a square between it and the next one.
    /// The finest map has three only: a small square, and two at its scale.
    fn anchors(&self) -> Vec<Anchor> {
        let maps = self.grids.len();
        let [low, high] = self.scales;
        let scale = |map: usize| match map {
            map if map == maps => 1.0,
            _ if maps == 1 => low,
            map => low + (high - low) * map as f64 / (maps - 1) as f64,
        };
        let mut anchors = Vec::new();
        for (map, &side) in self.grids.iter().enumerate() {
            let own = scale(map);
            let shapes: Vec<(f64, f64)> = if map == 0 {
                vec![(0.1, 1.0), (own, 2.0), (own, 0.5)]
            } else {
                let between = (own * scale(map + 1)).sqrt();
                let ratios = self.aspect_ratios.iter().map(|&ratio| (own, ratio));
                ratios.chain([(between, 1.0)]).collect()
            };
            for cell in 0..side * side {
                let middle = |at: usize| (at as f64 + 0.5) / side as f64;
                let (y, x) = (middle(cell / side), middle(cell % side));
                anchors.extend(shapes.iter().map(|&(scale, ratio)| Anchor {
                    y,
                    x,
                    height: scale / ratio.sqrt(),
                    width: scale * ratio.sqrt(),
                }));
            }
        }
        anchors
    }
}

fn one() -> usize {
    1
}

fn usual_scales() -> [f64; 2] {
    [0.2, 0.95]
}

fn usual_ratios() -> Vec<f64> {
    vec![1.0, 2.0, 0.5, 3.0, 1.0 / 3.0]
}

fn usual_factors() -> [f64; 4] {
    [10.0, 10.0, 5.0, 5.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mobilenet_ssd_of_300_pixels_has_its_1917_anchors() {
        let card = SsdCard {
            boxes: "boxes".to_owned(),
            scores: "scores".to_owned(),
            activation: Activation::Sigmoid,
            first_class: 1,
            grids: vec![19, 10, 5, 3, 2, 1],
            scales: usual_scales(),
            aspect_ratios: usual_ratios(),
            factors: usual_factors(),
        };
        let anchors = card.anchors();
        assert_eq!(anchors.len(), 1917);
        // The last map is one cell over the whole picture.
        let last = anchors[1917 - 6];
        assert_eq!((last.x, last.y, last.width, last.height), (0.5, 0.5, 0.95, 0.95));
        assert!((anchors[1916].width - 0.95f64.sqrt()).abs() < 1e-12);
        assert_eq!(anchors[0].width, 0.1);
    }
}
