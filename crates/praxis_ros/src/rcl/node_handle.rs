use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use r2r_rcl::{
    RCL_RET_OK, rcl_arguments_t, rcl_context_t, rcl_get_zero_initialized_context,
    rcl_get_zero_initialized_init_options, rcl_get_zero_initialized_node, rcl_init,
    rcl_init_options_fini, rcl_init_options_init, rcl_node_fini, rcl_node_get_default_options,
    rcl_node_get_fully_qualified_name, rcl_node_get_name, rcl_node_init, rcl_node_t,
    rcutils_get_default_allocator, rcutils_get_error_string, rcutils_reset_error,
};

use super::Owned;
use crate::error::RosError;

/// The process's context: command line, domain, middleware.
static CONTEXT: OnceLock<Result<Mutex<Owned<rcl_context_t>>, String>> = OnceLock::new();

/// A node of the middleware. What is created on it holds it, and is closed before it.
pub(crate) struct NodeHandle(Mutex<Owned<rcl_node_t>>);

impl NodeHandle {
    /// Creates a node; `--ros-args` of the command line apply.
    pub(crate) fn create(name: &str) -> Result<Arc<Self>, RosError> {
        let context = CONTEXT
            .get_or_init(create_context)
            .as_ref()
            .map_err(|reason| RosError::Arguments { reason: reason.clone() })?;
        let mut context = context.lock().unwrap_or_else(|broken| broken.into_inner());
        let what = || format!("create node '{name}'");
        let c_name = c_string(name, &what)?;
        // SAFETY: rcl fills a zero-initialised node; name, context and options live through the call.
        unsafe {
            let mut node = Box::new(rcl_get_zero_initialized_node());
            let mut options = rcl_node_get_default_options();
            // The log has a publisher of its own, with fields (`logging`).
            options.enable_rosout = false;
            let namespace = c"";
            let returned = rcl_node_init(
                &mut *node,
                c_name.as_ptr(),
                namespace.as_ptr(),
                &mut *context.0,
                &options,
            );
            check(returned, what)?;
            Ok(Arc::new(Self(Mutex::new(Owned(node)))))
        }
    }

    /// The node, for calls that must not run side by side.
    pub(super) fn lock(&self) -> MutexGuard<'_, Owned<rcl_node_t>> {
        self.0.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    /// Name without the namespace.
    pub(crate) fn name(&self) -> String {
        // SAFETY: the node is valid while locked, and the name is copied.
        unsafe { text(rcl_node_get_name(&*self.lock().0)) }
    }

    /// Name with the namespace, starting with a slash.
    pub(crate) fn fully_qualified_name(&self) -> String {
        // SAFETY: as above.
        unsafe { text(rcl_node_get_fully_qualified_name(&*self.lock().0)) }
    }

    /// Reads the arguments that the process was started with.
    pub(super) fn with_arguments<R>(&self, read: impl FnOnce(&rcl_arguments_t) -> R) -> Option<R> {
        let context = CONTEXT.get()?.as_ref().ok()?;
        let context = context.lock().unwrap_or_else(|broken| broken.into_inner());
        Some(read(&context.0.global_arguments))
    }
}

impl NodeHandle {
    /// Ends the node: others see it leave. Everything created on it must be closed by now.
    pub(crate) fn close(&self) {
        let mut node = self.lock();
        // SAFETY: the node is locked; rcl lets a finalised node be finalised again.
        let returned = unsafe { rcl_node_fini(&mut *node.0) };
        tell_unless_ok(returned, "finalise the node");
    }
}

impl Drop for NodeHandle {
    fn drop(&mut self) {
        self.close();
    }
}

fn create_context() -> Result<Mutex<Owned<rcl_context_t>>, String> {
    let arguments: Vec<CString> = std::env::args_os()
        .map(|word| CString::new(word.into_encoded_bytes()))
        .collect::<Result<_, _>>()
        .map_err(|_| "an argument contains a NUL byte".to_owned())?;
    let pointers: Vec<*const c_char> = arguments.iter().map(|word| word.as_ptr()).collect();
    // SAFETY: rcl copies the arguments; the options live through the calls and are finalised.
    unsafe {
        let mut context = Box::new(rcl_get_zero_initialized_context());
        let mut options = rcl_get_zero_initialized_init_options();
        let returned = rcl_init_options_init(&mut options, rcutils_get_default_allocator());
        said(returned)?;
        let returned =
            rcl_init(pointers.len() as c_int, pointers.as_ptr(), &options, &mut *context);
        let initialised = said(returned);
        let finalised = said(rcl_init_options_fini(&mut options));
        initialised.and(finalised)?;
        Ok(Mutex::new(Owned(context)))
    }
}

/// A string for rcl.
pub(super) fn c_string(text: &str, what: &dyn Fn() -> String) -> Result<CString, RosError> {
    CString::new(text).map_err(|_| RosError::Middleware {
        what: what(),
        reason: "the name contains a NUL byte".to_owned(),
    })
}

/// Copies a string of rcl; empty where there is none.
///
/// # Safety
/// `text` is null or points at a string that ends with NUL.
pub(super) unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: see above.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Turns what rcl returned into an error that says what was tried and what rcl says.
pub(super) fn check(returned: i32, what: impl Fn() -> String) -> Result<(), RosError> {
    said(returned).map_err(|reason| RosError::Middleware { what: what(), reason })
}

/// For ends that nobody waits for: a failure is logged.
pub(super) fn tell_unless_ok(returned: i32, what: &str) {
    if let Err(reason) = said(returned) {
        tracing::debug!(%reason, what, "the middleware refused");
    }
}

fn said(returned: i32) -> Result<(), String> {
    if returned == RCL_RET_OK as i32 {
        return Ok(());
    }
    // SAFETY: rcl keeps the message of this thread's last error until it is reset.
    let reason = unsafe {
        let error = rcutils_get_error_string();
        let reason = CStr::from_ptr(error.str_.as_ptr()).to_string_lossy().into_owned();
        rcutils_reset_error();
        reason
    };
    Err(format!("{reason} (code {returned})"))
}
