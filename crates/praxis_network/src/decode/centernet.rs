//! CenterNet: one heat map per class whose peaks are object centres, other heads read there.

use serde::{Deserialize, Serialize};

use super::fixed;
use crate::card::ensure;
use crate::{Card, Detection, NetworkError, Outputs, PixelBox, PoseHints, TensorSpec, TensorView};

/// What the heat map's values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Probabilities already.
    #[default]
    None,
    /// Logits.
    Sigmoid,
}

impl Activation {
    /// A score from 0 to 1.
    pub(super) fn score(self, value: f32) -> f32 {
        match self {
            Self::None => value,
            Self::Sigmoid => 1.0 / (1.0 + (-value).exp()),
        }
    }
}

/// Names and units of a CenterNet's heads, all `[1, channels, rows, columns]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CenternetCard {
    /// Input pixels per cell.
    pub stride: usize,
    /// Output with one channel per class.
    pub heatmap: String,
    /// What the heat map's values are.
    #[serde(default)]
    pub heatmap_activation: Activation,
    /// Output with x and y, in cells: the centre lies at `(cell + offset) * stride`.
    #[serde(default)]
    pub offset: Option<String>,
    /// Output with the box's width and height.
    pub size: String,
    /// Input pixels per unit of `size`.
    #[serde(default = "one")]
    pub size_scale: f32,
    /// Output with cos and sin of `symmetry_order * yaw`, the yaw counted from the horizontal
    /// direction in which the camera sees the object.
    #[serde(default)]
    pub yaw: Option<String>,
}

impl CenternetCard {
    pub(super) fn check(&self) -> Result<(), NetworkError> {
        let stride = self.stride;
        ensure((1..=64).contains(&stride), "decoder.stride", stride, "1 to 64")?;
        let scale = self.size_scale;
        let positive = scale.is_finite() && scale > 0.0;
        ensure(positive, "decoder.size_scale", scale, "a positive number")
    }

    pub(super) fn expected_outputs(&self, card: &Card) -> Vec<TensorSpec> {
        let (rows, columns) = self.grid(card);
        let spec = |name: &str, channels: usize| fixed(name, &[1, channels, rows, columns]);
        let mut specs = vec![spec(&self.heatmap, card.classes.len()), spec(&self.size, 2)];
        specs.extend(self.offset.as_deref().map(|name| spec(name, 2)));
        specs.extend(self.yaw.as_deref().map(|name| spec(name, 2)));
        specs
    }

    pub(super) fn decode(
        &self,
        card: &Card,
        outputs: &Outputs,
        least_score: Option<f32>,
    ) -> Result<Vec<Detection>, NetworkError> {
        let (rows, columns) = self.grid(card);
        let heatmap = outputs.get(&self.heatmap)?;
        let size = outputs.get(&self.size)?;
        let offset = self.offset.as_deref().map(|name| outputs.get(name)).transpose()?;
        let yaw = self.yaw.as_deref().map(|name| outputs.get(name)).transpose()?;
        let plane = rows * columns;
        let pair = |view: TensorView<'_>, cell: usize| {
            [view.values()[cell], view.values()[plane + cell]].map(f64::from)
        };

        let mut detections = Vec::new();
        for (class, map) in heatmap.values().chunks_exact(plane).enumerate() {
            let least = self.raw_threshold(least_score.unwrap_or(card.score_threshold(class)));
            for cell in peaks(map, columns, least) {
                let shift = offset.map_or([0.5; 2], |view| pair(view, cell));
                let at = [(cell % columns) as f64, (cell / columns) as f64];
                let centre = [0, 1].map(|axis| (at[axis] + shift[axis]) * self.stride as f64);
                let half =
                    pair(size, cell).map(|side| 0.5 * side.max(0.0) * f64::from(self.size_scale));
                detections.push(Detection {
                    class,
                    score: self.heatmap_activation.score(map[cell]),
                    bounds: PixelBox {
                        min_px: [0, 1].map(|axis| centre[axis] - half[axis]),
                        max_px: [0, 1].map(|axis| centre[axis] + half[axis]),
                    },
                    hints: PoseHints {
                        centre_px: Some(centre),
                        yaw_cos_sin: yaw.map(|view| pair(view, cell)),
                        keypoints_px: None,
                    },
                });
            }
        }
        Ok(detections)
    }

    fn grid(&self, card: &Card) -> (usize, usize) {
        (card.input.height / self.stride, card.input.width / self.stride)
    }

    /// The threshold in the heat map's own unit, so that only peaks pay for the sigmoid.
    fn raw_threshold(&self, score: f32) -> f32 {
        match self.heatmap_activation {
            Activation::None => score,
            Activation::Sigmoid => (score / (1.0 - score)).ln(),
        }
    }
}

/// Cells at least `least` that no neighbour tops; of equal neighbours the first counts.
fn peaks(map: &[f32], columns: usize, least: f32) -> Vec<usize> {
    let rows = map.len() / columns;
    let is_peak = |cell: usize| {
        let (row, column) = (cell / columns, cell % columns);
        let near = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
        near(row, rows).flat_map(|y| near(column, columns).map(move |x| y * columns + x)).all(
            |other| {
                if other < cell { map[other] < map[cell] } else { map[other] <= map[cell] }
            },
        )
    };
    (0..map.len()).filter(|&cell| map[cell] >= least && is_peak(cell)).collect()
}

fn one() -> f32 {
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plateau_is_one_peak() {
        #[rustfmt::skip]
        let map = [
            0.0, 0.0, 0.0, 0.0,
            0.0, 0.8, 0.8, 0.0,
            0.0, 0.0, 0.0, 0.6,
        ];
        assert_eq!(peaks(&map, 4, 0.5), [5]);
    }

    proptest! {
        #[test]
        fn the_highest_cell_is_always_found(
            map in prop::collection::vec(0.0f32..1.0, 30),
        ) {
            let best = map.iter().copied().fold(0.0, f32::max);
            let found = peaks(&map, 6, 0.0);
            prop_assert!(found.iter().any(|&cell| map[cell] == best));
        }
    }
}
