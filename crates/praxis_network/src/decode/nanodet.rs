//! NanoDet: class scores and, for each side of the box, a distribution over distances (distribution
//! focal loss), per grid.

use serde::{Deserialize, Serialize};

use super::{Activation, candidates, fixed};
use crate::card::ensure;
use crate::{Card, Detection, NetworkError, Outputs, PixelBox, PoseHints, TensorSpec};

/// One grid of a NanoDet.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NanodetGrid {
    /// Input pixels per cell.
    pub stride: usize,
    /// Output `[1, cells, classes]`.
    pub scores: String,
    /// Output `[1, cells, 4 * (reg_max + 1)]`: left, top, right, bottom.
    pub distances: String,
}

/// Names and layout of a NanoDet's outputs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NanodetCard {
    /// The grids.
    pub grids: Vec<NanodetGrid>,
    /// The farthest distance in cells; the distributions have one entry more.
    pub reg_max: usize,
    /// What the scores are.
    #[serde(default)]
    pub activation: Activation,
    /// Where in its cell the point lies that distances count from.
    #[serde(default = "half")]
    pub cell_centre: f64,
}

impl NanodetCard {
    pub(super) fn check(&self, card: &Card) -> Result<(), NetworkError> {
        let strides: Vec<usize> = self.grids.iter().map(|grid| grid.stride).collect();
        super::check_strides(&strides, card)?;
        ensure((1..=64).contains(&self.reg_max), "decoder.reg_max", self.reg_max, "1 to 64")?;
        let inside = (0.0..=1.0).contains(&self.cell_centre);
        ensure(inside, "decoder.cell_centre", self.cell_centre, "0 to 1")
    }

    pub(super) fn expected_outputs(&self, card: &Card) -> Vec<TensorSpec> {
        let spec = |grid: &NanodetGrid| {
            let cells = super::cells(&[grid.stride], card);
            [
                fixed(&grid.scores, &[1, cells, card.classes.len()]),
                fixed(&grid.distances, &[1, cells, 4 * (self.reg_max + 1)]),
            ]
        };
        self.grids.iter().flat_map(spec).collect()
    }

    pub(super) fn decode(
        &self,
        card: &Card,
        outputs: &Outputs,
        least_score: Option<f32>,
    ) -> Result<Vec<Detection>, NetworkError> {
        let bins = self.reg_max + 1;
        let mut detections = Vec::new();
        for grid in &self.grids {
            let scores = outputs.get(&grid.scores)?.values().chunks_exact(card.classes.len());
            let distances = outputs.get(&grid.distances)?.values().chunks_exact(4 * bins);
            let cells = super::grid_cells(std::slice::from_ref(&grid.stride), card);
            for (([column, row], stride), (scores, sides)) in cells.zip(scores.zip(distances)) {
                let bounds = || {
                    let [left, top, right, bottom] =
                        [0, 1, 2, 3].map(|k| expected(&sides[k * bins..][..bins]) * stride);
                    let x = (column + self.cell_centre) * stride;
                    let y = (row + self.cell_centre) * stride;
                    PixelBox { min_px: [x - left, y - top], max_px: [x + right, y + bottom] }
                };
                let score = |class: usize| self.activation.score(scores[class]);
                candidates(card, least_score, score, |class, score| {
                    let hints = PoseHints::default();
                    detections.push(Detection { class, score, bounds: bounds(), hints });
                });
            }
        }
        Ok(detections)
    }
}

/// Mean of a distribution over 0, 1, 2, … given by its logits.
fn expected(logits: &[f32]) -> f64 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut mean) = (0.0, 0.0);
    for (bin, &logit) in logits.iter().enumerate() {
        let weight = f64::from(logit - top).exp();
        sum += weight;
        mean += weight * bin as f64;
    }
    mean / sum
}

fn half() -> f64 {
    0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_s_mean_lies_between_its_peaks() {
        assert!((expected(&[0.0, 0.0, 0.0]) - 1.0).abs() < 1e-12);
        assert!((expected(&[-90.0, 60.0, 60.0, -90.0]) - 1.5).abs() < 1e-9);
        assert!((expected(&[900.0, -900.0]) - 0.0).abs() < 1e-12);
    }
}
