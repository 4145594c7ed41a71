use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::node::StopFlag;

static PANICKED: AtomicBool = AtomicBool::new(false);

/// How long the rest of the node may take to come to rest once a thread has panicked.
const LONGEST_END: Duration = Duration::from_millis(1500);

/// From now on a panic in any thread ends the process with an error: a node that lost a thread
/// must not look alive. What moves is brought to rest first, as at every stop.
pub(crate) fn end_the_node(stop: StopFlag) {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        if PANICKED.swap(true, Ordering::SeqCst) {
            return;
        }
        tracing::error!(%panic, "a thread panicked; the node ends");
        stop.stop();
        abort_unless_ended();
    }));
}

/// The process may take [`LONGEST_END`] to end; then it is aborted.
pub(crate) fn abort_unless_ended() {
    let last_resort = std::thread::Builder::new().name("last_resort".to_owned());
    let started = last_resort.spawn(|| {
        std::thread::sleep(LONGEST_END);
        eprintln!("the node has not ended within {LONGEST_END:?}; aborting");
        std::process::abort();
    });
    if started.is_err() {
        std::process::abort();
    }
}

/// Whether a thread of this process has panicked.
pub(crate) fn have_happened() -> bool {
    PANICKED.load(Ordering::SeqCst)
}
