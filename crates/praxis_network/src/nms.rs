//! Boxes in the picture and the choice of the best among overlapping ones.

use crate::BOX_KEYPOINTS;

/// An upright rectangle in continuous picture coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelBox {
    /// Upper left corner (x, y).
    pub min_px: [f64; 2],
    /// Lower right corner (x, y).
    pub max_px: [f64; 2],
}

impl PixelBox {
    /// Area in square pixels, 0 for an inverted box.
    pub fn area_px2(&self) -> f64 {
        let side = |axis: usize| (self.max_px[axis] - self.min_px[axis]).max(0.0);
        side(0) * side(1)
    }

    /// Shared area over joint area, 0 to 1.
    pub fn iou(&self, other: &Self) -> f64 {
        let shared = Self {
            min_px: [0, 1].map(|axis| self.min_px[axis].max(other.min_px[axis])),
            max_px: [0, 1].map(|axis| self.max_px[axis].min(other.max_px[axis])),
        }
        .area_px2();
        let joint = self.area_px2() + other.area_px2() - shared;
        if joint > 0.0 { shared / joint } else { 0.0 }
    }

    /// The middle.
    pub fn centre_px(&self) -> [f64; 2] {
        [0, 1].map(|axis| 0.5 * (self.min_px[axis] + self.max_px[axis]))
    }
}

/// Something the network saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Index into the card's classes.
    pub class: usize,
    /// 0 to 1.
    pub score: f32,
    /// Where, in the picture.
    pub bounds: PixelBox,
    /// What else the heads said about it.
    pub hints: PoseHints,
}

/// What a network may say beyond class and box; absent where it has no such head.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PoseHints {
    /// Where the object's centre projects to, in the picture.
    pub centre_px: Option<[f64; 2]>,
    /// cos and sin of `symmetry_order * yaw`, not normalised. The yaw counts from the horizontal
    /// direction in which the camera sees the object.
    pub yaw_cos_sin: Option<[f64; 2]>,
    /// Where the middle and the eight corners of its box project to, in the picture.
    pub keypoints_px: Option<[[f64; 2]; BOX_KEYPOINTS]>,
}

/// Keeps the best of each class where boxes overlap by more than `iou_limit`; best first.
pub fn suppress(
    mut detections: Vec<Detection>,
    iou_limit: f64,
    max_detections: usize,
) -> Vec<Detection> {
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for candidate in detections {
        if kept.len() == max_detections {
            break;
        }
        let rival = |other: &Detection| {
            other.class == candidate.class && other.bounds.iou(&candidate.bounds) > iou_limit
        };
        if !kept.iter().any(rival) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn detection(class: usize, score: f32, x: f64, side: f64) -> Detection {
        let bounds = PixelBox { min_px: [x, 0.0], max_px: [x + side, side] };
        Detection { class, score, bounds, hints: PoseHints::default() }
    }

    #[test]
    fn half_shifted_squares_share_a_third() {
        let (a, b) = (detection(0, 0.9, 0.0, 2.0), detection(0, 0.8, 1.0, 2.0));
        assert!((a.bounds.iou(&b.bounds) - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_better_twin_stays_and_other_classes_are_left_alone() {
        let all = vec![
            detection(0, 0.6, 0.1, 2.0),
            detection(1, 0.5, 0.0, 2.0),
            detection(0, 0.9, 0.0, 2.0),
        ];
        let kept = suppress(all, 0.5, 10);
        assert_eq!(
            kept.iter().map(|d| (d.class, d.score)).collect::<Vec<_>>(),
            [(0, 0.9), (1, 0.5)]
        );
    }

    proptest! {
        #[test]
        fn no_two_kept_boxes_of_a_class_overlap_more_than_allowed(
            raw in prop::collection::vec((0usize..3, 0.0f32..1.0, 0.0..50.0f64, 0.1..20.0f64), 0..40),
        ) {
            let all = raw.iter().map(|&(c, s, x, side)| detection(c, s, x, side)).collect();
            let kept = suppress(all, 0.4, 20);
            prop_assert!(kept.len() <= 20);
            for (i, a) in kept.iter().enumerate() {
                for b in &kept[..i] {
                    prop_assert!(b.score >= a.score);
                    prop_assert!(a.class != b.class || a.bounds.iou(&b.bounds) <= 0.4);
                }
            }
        }
    }
}
