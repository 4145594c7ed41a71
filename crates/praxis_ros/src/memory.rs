//! How the process keeps its memory.
#![allow(unsafe_code, reason = "the standard library does not face the allocator")]

/// Blocks up to this size come from the heap, which is kept, bytes.
#[cfg(target_env = "gnu")]
const FROM_HEAP: i32 = 32 << 20;
/// So much of what was freed is kept, bytes.
#[cfg(target_env = "gnu")]
const KEPT: i32 = 256 << 20;

/// Keeps freed memory for the next time. A node works in bursts, frame by frame: memory that goes
/// back to the system in between comes back page by page, which took a third of the time of
/// planning a short motion.
pub(crate) fn keep_freed_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt sets two numbers of the allocator; it may be called at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, FROM_HEAP);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}
