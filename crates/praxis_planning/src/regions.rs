/// Where a search draws its samples: boxes around start and goals that grow to the joints' bounds.
///
/// Most ways lead past neither end by much, and of several ways the one that stays between the ends
/// is the shortest. So every second round draws near to them, every fourth from twice as far, and
/// the remaining ones from everywhere: what lies far off is found as surely, some rounds later.
#[derive(Clone, Debug)]
pub(crate) struct Regions {
    boxes: [Vec<(f64, f64)>; 3],
}

impl Regions {
    /// Around configurations, `margin` to either side, within `bounds`.
    pub fn around<'a>(
        ends: impl Iterator<Item = &'a [f64]>,
        margin: f64,
        bounds: &[(f64, f64)],
    ) -> Self {
        let empty = (f64::INFINITY, f64::NEG_INFINITY);
        let mut span = vec![empty; bounds.len()];
        for end in ends {
            for ((low, high), &value) in span.iter_mut().zip(end) {
                (*low, *high) = (low.min(value), high.max(value));
            }
        }
        let grown = |margin: f64| {
            let sides = span.iter().zip(bounds);
            sides
                .map(|((low, high), (min, max))| (min.max(low - margin), max.min(high + margin)))
                .collect()
        };
        Self { boxes: [grown(margin), grown(2.0 * margin), bounds.to_vec()] }
    }

    /// The box of a round, counted from 1.
    pub fn of_round(&self, round: u32) -> &[(f64, f64)] {
        &self.boxes[(round.trailing_zeros() as usize).min(self.boxes.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_rounds_draw_near_and_a_quarter_from_everywhere() {
        let bounds = [(-3.0, 3.0), (-3.0, 3.0)];
        let ends = [[0.0, 2.5], [1.0, 2.0]];
        let regions = Regions::around(ends.iter().map(|end| &end[..]), 1.0, &bounds);
        let near = [(-1.0, 2.0), (1.0, 3.0)];
        let twice = [(-2.0, 3.0), (0.0, 3.0)];
        let expected = [&near, &twice, &near, &bounds, &near, &twice, &near, &bounds];
        for (round, expected) in (1..).zip(expected) {
            assert_eq!(regions.of_round(round), expected, "round {round}");
        }
    }
}
