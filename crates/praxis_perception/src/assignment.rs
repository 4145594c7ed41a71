//! Who belongs to whom at the least total cost.

/// The partner of each row, such that as many rows as can be are matched at the least sum.
///
/// A cost that is not finite forbids a pair. Rows and columns may differ in number; the work grows
/// with the cube of the larger.
pub fn assign(cost: &[Vec<f64>]) -> Vec<Option<usize>> {
    let rows = cost.len();
    let columns = cost.first().map_or(0, Vec::len);
    if rows == 0 || columns == 0 {
        return vec![None; rows];
    }
    // Forbidden pairs and made-up partners cost more than any set of real pairs together.
    let largest =
        cost.iter().flatten().filter(|c| c.is_finite()).fold(1.0, |a: f64, &b| a.max(b.abs()));
    let forbidden = largest * (rows + columns + 1) as f64 * 2.0;
    let size = rows.max(columns);
    let at = |row: usize, column: usize| {
        let real = cost.get(row).and_then(|line| line.get(column)).copied();
        real.filter(|c| c.is_finite()).unwrap_or(forbidden)
    };
    let partner = hungarian(size, &at);
    (0..rows)
        .map(|row| {
            let column = partner[row];
            (column < columns && cost[row][column].is_finite()).then_some(column)
        })
        .collect()
}

/// Kuhn's method with potentials, one augmenting path a row.
fn hungarian(size: usize, cost: &impl Fn(usize, usize) -> f64) -> Vec<usize> {
    let mut row_potential = vec![0.0; size + 1];
    let mut column_potential = vec![0.0; size + 1];
    // Row of each column; 0 is nobody, real rows and columns count from 1.
    let mut row_of = vec![0usize; size + 1];
    for row in 1..=size {
        row_of[0] = row;
        let mut way = vec![0usize; size + 1];
        let mut least = vec![f64::INFINITY; size + 1];
        let mut done = vec![false; size + 1];
        let mut column = 0;
        while row_of[column] != 0 {
            done[column] = true;
            let here = row_of[column];
            let (mut delta, mut next) = (f64::INFINITY, 0);
            for other in 1..=size {
                if done[other] {
                    continue;
                }
                let reduced =
                    cost(here - 1, other - 1) - row_potential[here] - column_potential[other];
                if reduced < least[other] {
                    least[other] = reduced;
                    way[other] = column;
                }
                if least[other] < delta {
                    delta = least[other];
                    next = other;
                }
            }
            for other in 0..=size {
                if done[other] {
                    row_potential[row_of[other]] += delta;
                    column_potential[other] -= delta;
                } else {
                    least[other] -= delta;
                }
            }
            column = next;
        }
        while column != 0 {
            let previous = way[column];
            row_of[column] = row_of[previous];
            column = previous;
        }
    }
    let mut partner = vec![0; size];
    for column in 1..=size {
        partner[row_of[column] - 1] = column - 1;
    }
    partner
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_greedy_choice_is_not_taken_when_it_costs_more_in_sum() {
        // Greedy takes 1 and is left with 100.
        assert_eq!(assign(&[vec![1.0, 2.0], vec![2.0, 100.0]]), [Some(1), Some(0)]);
    }

    #[test]
    fn forbidden_pairs_stay_apart() {
        let no = f64::INFINITY;
        assert_eq!(assign(&[vec![no, 5.0], vec![no, 1.0], vec![no, no]]), [None, Some(1), None]);
        assert_eq!(assign(&[vec![], vec![]]), [None, None]);
    }

    /// Tries every order.
    fn best_by_trying(cost: &[Vec<f64>], row: usize, used: &mut Vec<bool>) -> f64 {
        if row == cost.len() {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        for column in 0..used.len() {
            if !used[column] {
                used[column] = true;
                best = best.min(cost[row][column] + best_by_trying(cost, row + 1, used));
                used[column] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_order_is_cheaper(
            flat in prop::collection::vec(0.0..10.0f64, 20), rows in 1usize..=4,
        ) {
            let cost: Vec<Vec<f64>> = flat.chunks(5).take(rows).map(<[f64]>::to_vec).collect();
            let partner = assign(&cost);
            let sum: f64 = partner.iter().enumerate().map(|(r, c)| cost[r][c.unwrap()]).sum();
            let best = best_by_trying(&cost, 0, &mut vec![false; 5]);
            prop_assert!((sum - best).abs() < 1e-9);
        }
    }
}
