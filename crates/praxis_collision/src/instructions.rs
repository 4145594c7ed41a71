use crate::distance_field::squared_distances;
use crate::kernel::{Block, Outcome, Workspace, check};
use crate::lanes::{Lanes, Plain, Row};
use crate::model::Model;
use crate::standing::touching;

/// Vector instructions that a [`crate::Checker`] answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// Sixteen configurations in a register.
    Avx512,
    /// Eight configurations in a register.
    Avx2,
    /// What every processor has; the twin that the others are held to. Nothing is written for NEON:
    /// on AArch64 these answer, as far as the compiler makes vectors of them.
    Plain,
}

impl Instructions {
    /// What this processor has, the best first.
    ///
    /// Measured with the example `plan_benchmark --instructions` on an EPYC with AVX-512, plan +
    /// simplify in two runs each: every fifth Panda problem took 66 to 70 µs in the median with
    /// AVX2, 65 to 71 with AVX-512, 193 to 219 plain (means 121, 127 to 132, 337 to 340). Wider
    /// registers look at more configurations than are needed where an early one touches. Medians are level for UR5 and Fetch, too; Fetch's mean is 8 % lower with AVX-512.
    pub fn available() -> Vec<Self> {
        let all = [Self::Avx2, Self::Avx512, Self::Plain];
        all.into_iter().filter(|instructions| instructions.are_here()).collect()
    }

    pub(crate) fn best() -> Self {
        Self::available()[0]
    }

    #[cfg(target_arch = "x86_64")]
    fn are_here(self) -> bool {
        match self {
            Self::Avx512 => crate::x86::has_avx512(),
            Self::Avx2 => crate::x86::has_avx2(),
            Self::Plain => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn are_here(self) -> bool {
        self == Self::Plain
    }

    /// [`squared_distances`] with these instructions.
    pub(crate) fn squared_distances(
        self,
        vertices: [usize; 3],
        bins_a_cell: usize,
        filled: &[[u32; 3]],
    ) -> Vec<u16> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx2 => {
                crate::x86::squared_distances_on_avx2(vertices, bins_a_cell, filled)
            }
            _ => squared_distances(vertices, bins_a_cell, filled),
        }
    }

    /// # Panics
    /// If the processor does not have them.
    pub(crate) fn kernel(self) -> Kernel {
        assert!(self.are_here(), "this processor has no {self:?} instructions");
        let plain = Kernel {
            instructions: Self::Plain,
            check: check::<Plain>,
            standing: touching::<Plain>,
            lanes: Plain::COUNT,
        };
        #[cfg(target_arch = "x86_64")]
        {
            use crate::x86::{on_avx2, on_avx512, standing_on_avx2, standing_on_avx512};
            match self {
                Self::Avx512 => Kernel {
                    instructions: self,
                    check: on_avx512,
                    standing: standing_on_avx512,
                    lanes: 16,
                },
                Self::Avx2 => Kernel {
                    instructions: self,
                    check: on_avx2,
                    standing: standing_on_avx2,
                    lanes: 8,
                },
                Self::Plain => plain,
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        plain
    }
}

type Check = fn(&Model, &Block<'_>, &mut Workspace, &mut Outcome);
type Standing = fn(&Model, &[Row], u32, &mut Workspace) -> u32;

/// The code for some instructions, and how many configurations it looks at together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernel {
    pub(crate) instructions: Instructions,
    pub(crate) check: Check,
    pub(crate) standing: Standing,
    pub(crate) lanes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn what_was_measured_to_be_fastest_is_taken() {
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let best = if has_avx2 { Instructions::Avx2 } else { Instructions::Plain };
        println!("this processor: {:?}", Instructions::available());
        assert_eq!(Instructions::best(), best);
        assert_eq!(Instructions::best().kernel().instructions, best);
    }
}
