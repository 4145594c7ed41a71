//! Which work goes first when there are fewer cores than work.
//!
//! What stands between a frame and its objects is short and goes first, the network excepted: it is
//! long, and a planner or the obstacles shall not wait for it. Pictures for people go along.

use std::time::Duration;

use praxis_network::{Network, NetworkError, Outputs, TensorSpec, TensorView};
use praxis_ros::{go_along, go_first};

/// The right to go first, where the system gave it.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    granted: bool,
}

impl Turns {
    /// Asks for that right; the calling thread stays what it is.
    ///
    /// # Errors
    /// Beside the answer: why it is not granted.
    pub fn ask() -> (Self, std::io::Result<()>) {
        let first = go_first().and_then(|()| go_along());
        (Self { granted: first.is_ok() }, first)
    }

    /// Lets the calling thread go first from now on, if that is granted.
    pub fn go_first(self) {
        if self.granted {
            // Granted before; if it is not any more, frames are later and nothing is wrong.
            let _ = go_first();
        }
    }

    /// Runs something as ordinary work; the calling thread goes first again afterwards.
    pub fn along<T>(self, work: impl FnOnce() -> T) -> T {
        if self.granted {
            // Giving way is allowed to everybody.
            let _ = go_along();
        }
        let done = work();
        self.go_first();
        done
    }
}

/// A network that is run as ordinary work.
pub struct InTurn<N> {
    /// The network.
    pub network: N,
    /// Who goes first.
    pub turns: Turns,
}

impl<N: Network> Network for InTurn<N> {
    fn inputs(&self) -> &[TensorSpec] {
        self.network.inputs()
    }

    fn outputs(&self) -> &[TensorSpec] {
        self.network.outputs()
    }

    fn provider(&self) -> &str {
        self.network.provider()
    }

    fn run(
        &mut self,
        inputs: &[(&str, TensorView<'_>)],
        time_limit: Option<Duration>,
    ) -> Result<Outputs, NetworkError> {
        let Self { network, turns } = self;
        turns.along(|| network.run(inputs, time_limit))
    }
}
