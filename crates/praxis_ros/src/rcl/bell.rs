use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;

/// Wakes the thread that spins.
#[derive(Debug, Default)]
pub(crate) struct Bell(OnceLock<Thread>);

impl Bell {
    /// From now on the calling thread is the one that wakes.
    pub(crate) fn wakes_this_thread(&self) {
        // A node spins once, so nobody has set it before.
        let _ = self.0.set(std::thread::current());
    }

    /// Wakes the thread; before it spins there is nobody to wake, and it looks at everything first.
    pub(crate) fn ring(&self) {
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }
}

/// Whether an arrival wakes the thread that spins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It wakes it at once.
    AtOnce,
    /// It is taken when the thread is next awake.
    WhenAwake,
}

/// Whether something waits at one reader; set by the middleware's threads.
#[derive(Debug)]
pub(crate) struct Pending {
    set: AtomicBool,
    urgency: Urgency,
    bell: Arc<Bell>,
}

impl Pending {
    pub(crate) fn new(bell: Arc<Bell>, urgency: Urgency) -> Arc<Self> {
        Arc::new(Self { set: AtomicBool::new(true), urgency, bell })
    }

    /// Whether something has arrived since the last call.
    pub(crate) fn take(&self) -> bool {
        self.set.swap(false, Ordering::AcqRel)
    }

    /// Something is still there.
    pub(crate) fn again(&self) {
        self.set.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// What rcl's callbacks get as user data. The reader keeps the `Arc` until its handle is
    /// finalised, after which the middleware calls no more.
    pub(super) fn as_user_data(self: &Arc<Self>) -> *const c_void {
        Arc::as_ptr(self).cast()
    }
}

/// Called by the middleware when something arrives.
///
/// # Safety
/// `user_data` comes from [`Pending::as_user_data`] of a living reader.
pub(super) unsafe extern "C" fn arrived(user_data: *const c_void, _count: usize) {
    // SAFETY: see above; rcl hands the pointer back as it was given.
    let Some(pending) = (unsafe { user_data.cast::<Pending>().as_ref() }) else { return };
    pending.set.store(true, Ordering::Release);
    if pending.urgency == Urgency::AtOnce {
        pending.bell.ring();
    }
}
